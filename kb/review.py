"""``kb review``: the desk on a terminal, for whoever has no browser at hand, and for programs.

Proposals come one by one, the most uncertain first. Each answer is one change at the desk, so all
of it can be undone, there and then or later.
"""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from kb.config import Config
from kb.domain import Lesson, LessonId, Report, ReportStatus, Status
from kb.errors import KbError, NotFoundError
from kb.lint import lint
from kb.messages import lint_sentence
from kb.terminal import (
    JSON,
    NOTHING,
    OK,
    open_desk,
    open_store,
    print_json,
    refresh_index,
    say_error,
    the_report,
)

if TYPE_CHECKING:
    from kb.desk import Desk
    from kb.store import Store

_ALL = "all"
_KEYS = "a = godkjenn, r = avvis, e = rediger, j = hopp over, u = angre, q = slutt"
"""The letters that the website has."""
_SURE, _UNSURE = 0.8, 0.5


@click.command()
@click.argument("report_id", required=False, metavar="[RAPPORT]")
@click.option(
    "--approve", multiple=True, metavar="ID", help="Godkjenn lærdommen; «all» er alle som venter."
)
@click.option(
    "--reject", multiple=True, metavar="ID", help="Avvis lærdommen; «all» er alle som venter."
)
@click.option("--reason", metavar="TEKST", help="Hvorfor de avvises.")
@click.option("--publish", is_flag=True, help="Publiser rapporten når alt er avgjort.")
@JSON
@click.pass_obj
def review(
    config: Config,
    report_id: str | None,
    *,
    approve: Sequence[str],
    reject: Sequence[str],
    reason: str | None,
    publish: bool,
    as_json: bool,
) -> None:
    """Gå gjennom forslagene i en rapport, de usikreste først.

    Uten RAPPORT: list rapportene som venter. Uten valg: spør om ett forslag om gangen.
    """
    if reject and not reason:
        raise click.UsageError("--reject trenger --reason")
    is_told = bool(approve or reject or publish)
    if report_id is None:
        if is_told:
            raise click.UsageError("Hvilken rapport?")
        sys.exit(_list_waiting(config, as_json=as_json))
    with open_store(config) as store:
        the_report(store, report_id)
        desk = open_desk(config, store)
        if is_told:
            _decide(store, desk, report_id, approve, reject, reason or "")
            if publish:
                desk.publish(report_id, the_report(store, report_id).version)
        elif not as_json:
            _Sitting(store, desk, report_id).hold()
        left = waiting(store, report_id)
        if is_told or not as_json:
            refresh_index(config, store)
        if as_json:
            kept = the_report(store, report_id)
            proposals = [_proposal_json(one, kept) for one in left]
            print_json({"report": report_id, "proposals": proposals})
        elif is_told:
            click.echo(f"{len(left)} forslag venter.")


def waiting(store: "Store", report_id: str) -> list[Lesson]:
    """Return the proposals nobody has decided, the most uncertain first."""
    ids = store.lesson_ids(report_id=report_id, status=Status.CANDIDATE)
    found = store.lessons(ids).values()
    return sorted(found, key=lambda one: -1.0 if one.confidence is None else one.confidence)


def _list_waiting(config: Config, *, as_json: bool) -> int:
    with open_store(config) as store:
        rows = [
            {"id": each.report.id, "file": each.report.file, "waiting": count}
            for each in store.reports()
            if each.report.status is not ReportStatus.TRASHED
            and (count := each.lessons.get(Status.CANDIDATE))
        ]
    if as_json:
        print_json({"reports": rows})
    else:
        for row in rows:
            click.echo(f"{row['id']}  {row['file']}  {row['waiting']} forslag venter")
    return OK if rows else NOTHING


def _decide(
    store: "Store",
    desk: "Desk",
    report_id: str,
    approve: Sequence[str],
    reject: Sequence[str],
    reason: str,
) -> None:
    """Reject, then approve: so «--reject ID --approve all» approves the rest."""
    if reject:
        refused = _versions(store, report_id, reject)
        if refused:
            desk.reject(refused, reason)
    if approve:
        meant = _versions(store, report_id, approve)
        if meant:
            desk.approve(meant)


def _versions(store: "Store", report_id: str, ids: Sequence[str]) -> dict[LessonId, int]:
    if _ALL in ids:
        return {one.id: one.version for one in waiting(store, report_id)}
    found = store.lessons(list(ids))
    own = {one.id: one.version for one in found.values() if one.report_id == report_id}
    missing = [one for one in ids if one not in own]
    if missing:
        raise NotFoundError(f"lesson {', '.join(missing)} in report {report_id}")
    return own


class _Sitting:
    """One person going through one report, question by question."""

    def __init__(self, store: "Store", desk: "Desk", report_id: str) -> None:
        self._store, self._desk, self._report_id = store, desk, report_id
        self._queue = [one.id for one in waiting(store, report_id)]
        self._at = 0
        self._done: list[tuple[int, int]] = []  # the change, and where in the queue it was made

    def hold(self) -> None:
        """Ask about each proposal until all are decided or the person has had enough."""
        if not self._queue:
            click.echo("Ingen forslag venter.")
        else:
            click.echo(_KEYS)
        while self._at < len(self._queue):
            lesson = self._store.lessons([self._queue[self._at]]).get(self._queue[self._at])
            if lesson is None or lesson.status is not Status.CANDIDATE:  # somebody else was here
                self._at += 1
                continue
            report = the_report(self._store, self._report_id)
            _show(lesson, report, self._at + 1, len(self._queue))
            answer = click.prompt(
                "?", type=click.Choice(list("areujq")), show_choices=False, prompt_suffix=" "
            )
            if answer == "q":
                break
            try:
                self._take(answer, lesson)
            except KbError as error:
                say_error(error)
        self._offer_to_publish()

    def _take(self, answer: str, lesson: Lesson) -> None:
        if answer == "u":
            self._undo()
            return
        if answer == "e":
            self._edit(lesson)
            return
        if answer != "j":
            seen = {lesson.id: lesson.version}
            if answer == "a":
                change = self._desk.approve(seen)
            else:
                change = self._desk.reject(seen, click.prompt("Hvorfor"))
            self._done.append((change, self._at))
        self._at += 1

    def _edit(self, lesson: Lesson) -> None:
        """Rewrite the statement; the proposal is then shown again, to be approved."""
        from kb.desk import Edit

        statement = click.prompt("Utsagn", default=lesson.statement)
        if statement != lesson.statement:
            change = self._desk.edit(lesson.id, lesson.version, Edit(statement=statement))
            self._done.append((change, self._at))

    def _undo(self) -> None:
        if not self._done:
            click.echo("Ingenting å angre her.")
            return
        change, at = self._done.pop()
        self._desk.undo(change)
        self._at = at

    def _offer_to_publish(self) -> None:
        left = waiting(self._store, self._report_id)
        report = the_report(self._store, self._report_id)
        if left:
            click.echo(f"{len(left)} forslag venter.")
            return
        is_open = report.status is ReportStatus.CANDIDATE
        if is_open and click.confirm("Alt er avgjort. Publisere?"):
            self._desk.publish(self._report_id, report.version)
            click.echo("Publisert.")


def _show(lesson: Lesson, report: Report, number: int, total: int) -> None:
    click.echo(f"\n{number}/{total}  {click.style(lesson.statement, bold=True)}")
    tags = ", ".join(tag.theme for tag in lesson.tags)
    phase = f", {lesson.phase}" if lesson.phase else ""
    click.echo(f"   {lesson.kind}{phase}; {tags or 'uten tema'}; {_surety(lesson.confidence)}")
    if lesson.has_changed:
        click.echo("   Teksten er endret siden forrige utgave.")
    for one in lesson.evidence:
        if one.lead_in:
            click.echo(f"   ({one.lead_in})")
        click.echo(f"   «{one.quote}»  side {one.page}, {' › '.join(one.section)}")
    click.echo(f"   Foreslått fordi: {lesson.reason}")
    for finding in lint(lesson, report):
        click.echo(f"   Merk: {lint_sentence(finding.code)} («{finding.words}»)")


def _surety(confidence: float | None) -> str:
    if confidence is None or confidence < _UNSURE:
        return "usikker"
    return "sikker" if confidence >= _SURE else "ganske sikker"


def _proposal_json(lesson: Lesson, report: Report) -> dict[str, Any]:
    return {
        "id": lesson.id,
        "version": lesson.version,
        "statement": lesson.statement,
        "kind": lesson.kind.value,
        "themes": [tag.theme for tag in lesson.tags],
        "phase": lesson.phase,
        "confidence": lesson.confidence,
        "reason": lesson.reason,
        "kind_reason": lesson.kind_reason,
        "phase_reason": lesson.phase_reason,
        "has_changed": lesson.has_changed,
        "remarks": [
            {"code": one.code, "severity": one.severity, "words": one.words}
            for one in lint(lesson, report)
        ],
        "quotes": [{"text": one.quote, "page": one.page} for one in lesson.evidence],
    }
