"""A report at the desk: how far its review has come, what is known of it, and its fate."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from kb.domain import Lesson, LessonId, Page, Report, ReportStatus, Status
from kb.editions import EditionDiff
from kb.errors import ConflictError, InvalidQueryError, StateError, UndecidedError
from kb.store import Change, Role, Store
from kb.text import normalise
from web.auth import requires
from web.context import services, store
from web.present import report_title
from web.review_context import (
    ANCHOR,
    Wish,
    blueprint,
    conflict,
    decide,
    desk,
    find_report,
    is_closed,
    last_deed,
    lesson_address,
    lesson_meant,
    lessons_of,
    queue_of,
    report_address,
    short,
    take_notice,
    tell,
    version_seen,
    versions_seen,
)
from web.review_facts import Fact, facts_of
from web.review_queue import Choice, Order, Queue, Show, write_choice
from web.review_words import (
    problem_word,
    report_status_word,
    status_word,
    value_name,
)

bp = blueprint("review_report", "/desk/rapport/<report_id>")
_MAX_REASON_CHARS = 500
_log = logging.getLogger("web")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """What became of the edition before, with the lessons it is about."""

    before: Report
    diff: EditionDiff
    lessons: Mapping[LessonId, Lesson]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """All that stands on the page of a report."""

    report: Report
    is_closed: bool
    queue: Queue
    decided: int
    facts: tuple[Fact, ...]
    problems: tuple[Page, ...]
    edition: Edition | None
    newer: Report | None
    could_be_older: tuple[Report, ...]
    likely: Report | None
    undo: Change | None

    def count(self, show: Show) -> int:
        """Return how many lessons would be listed."""
        queue = self.queue
        return len(Queue(queue.lessons, queue.remarked, Choice(show=show)).shown)

    @property
    def total(self) -> int:
        """How many lessons the report has."""
        return len(self.queue.lessons)

    @property
    def can_be_reinstated(self) -> bool:
        """Whether the report was replaced by an edition that readers no longer see."""
        newer = self.newer
        is_gone = newer is None or newer.status is not ReportStatus.PUBLISHED
        return self.report.status is ReportStatus.SUPERSEDED and is_gone

    @property
    def leaves_nothing(self) -> bool:
        """Whether readers see neither the report nor the edition that it replaced."""
        edition, is_seen = self.edition, self.report.status is ReportStatus.PUBLISHED
        was_replaced = edition is not None and edition.before.status is ReportStatus.SUPERSEDED
        return was_replaced and not is_seen

    @property
    def next_address(self) -> str:
        """Where the review goes on: the first that waits among those shown, or else among all."""
        waiting = self.queue.waiting()
        shown = [one for one in waiting if self.queue.fits(one)]
        choice = self.queue.choice if shown else replace(self.queue.choice, show=Show.ALL)
        first = (shown or waiting)[0].id
        kept: dict[str, Any] = dict(write_choice(choice))
        return url_for("review.page", lesson_id=first, _anchor=ANCHOR, **kept)


@bp.get("")
@requires(Role.EDITOR)
def page(report_id: str) -> str:
    """Show the review of a report; ``?orden=&vis=`` choose what is listed, and how."""
    return render_template(
        "desk/review_report.html",
        overview=_overview(store(), report_id),
        notice=take_notice(),
        orders=_orders(),
        shows=_shows(),
        lesson_address=lesson_address,
        lesson_meant=lesson_meant,
        problem_word=problem_word,
        report_status_word=report_status_word,
        short=short,
        status_word=status_word,
        write_choice=write_choice,
    )


@bp.get("/godkjenn")
@requires(Role.EDITOR)
def preview(report_id: str) -> Response | str:
    """Show exactly what a bulk approval would approve, before it does."""
    report = find_report(report_id)
    queue = queue_of(report)
    asked = set(request.args.getlist("l"))
    chosen = queue.surest() if "sikre" in request.args else queue.waiting()
    if "sikre" not in request.args:
        chosen = tuple(one for one in chosen if one.id in asked)
    if not chosen:
        flash(_("Velg minst ett forslag som ikke er avgjort."), "info")
        return redirect(report_address(report_id), 303)
    return render_template(
        "desk/review_preview.html",
        report=report,
        chosen=chosen,
        is_published=report.status is ReportStatus.PUBLISHED,
        back=report_address(report_id),
        lesson_address=lesson_address,
    )


@bp.post("/godkjenn")
@requires(Role.EDITOR)
def approve(report_id: str) -> Response:
    """Approve the lessons that were shown in the preview."""
    report = find_report(report_id)
    chosen = versions_seen()
    own = {one.id: one for one in lessons_of(report.id)}
    if not chosen or not chosen.keys() <= own.keys():
        raise InvalidQueryError("lessons of another report, or none")
    changed = [own[id_] for id_, version in chosen.items() if own[id_].version != version]
    return decide(
        lambda: desk().approve(chosen),
        said=ngettext("%(num)s forslag godkjent.", "%(num)s forslag godkjent.", len(chosen)),
        way=report_address(report_id),
        refuse=lambda: _refused_bulk(report_id, changed),
    )


def _refused_bulk(report_id: str, changed: Sequence[Lesson]) -> Response:
    """Let the person look at the preview again, and say which lessons were changed."""
    now = {one.statement: status_word(one.status) for one in changed}
    wish = Wish(
        title=ngettext(
            "Du ville godkjenne flere forslag samlet. %(num)s av dem er endret siden du så listen.",
            "Du ville godkjenne flere forslag samlet. %(num)s av dem er endret siden du så listen.",
            len(changed),
        ),
        values=dict.fromkeys(now, status_word(Status.APPROVED)),
    )
    own = {one.id: one.version for one in lessons_of(report_id)}
    return conflict(
        wish,
        now,
        versions=own,
        last=desk().history(report=report_id, limit=1),
        back=report_address(report_id),
    )


# --- what becomes of it -------------------------------------------------------------------------


@bp.post("/publiser")
@requires(Role.EDITOR)
def publish(report_id: str) -> Response:
    """Publish the report when everything is decided."""
    try:
        answer = _act(
            report_id,
            lambda: desk().publish(report_id, version_seen()),
            said=_("Rapporten er publisert. Lærdommene kan nå finnes i søket."),
            wish=_fate(_("Du ville publisere rapporten."), ReportStatus.PUBLISHED),
        )
    except UndecidedError as error:
        flash(
            ngettext(
                "Rapporten kan ikke publiseres ennå: %(num)s forslag er ikke avgjort.",
                "Rapporten kan ikke publiseres ennå: %(num)s forslag er ikke avgjort.",
                error.count,
            ),
            "danger",
        )
        return redirect(report_address(report_id), 303)
    _refresh_index(store())
    return answer


@bp.post("/trekk")
@requires(Role.EDITOR)
def withdraw(report_id: str) -> Response:
    """Take a published report away from readers, for a reason."""
    reason = normalise(request.form.get("grunn", ""))[:_MAX_REASON_CHARS]
    if not reason:
        flash(_("Skriv hvorfor rapporten trekkes tilbake."), "danger")
        return redirect(report_address(report_id), 303)
    return _act(
        report_id,
        lambda: desk().withdraw(report_id, version_seen(), reason),
        said=_("Rapporten er trukket tilbake. Leserne ser den ikke lenger."),
        wish=_fate(_("Du ville trekke rapporten tilbake."), ReportStatus.WITHDRAWN),
    )


@bp.post("/kast")
@requires(Role.EDITOR)
def trash(report_id: str) -> Response:
    """Put a report in the trash."""
    return _act(
        report_id,
        lambda: desk().trash(report_id, version_seen()),
        said=_("Rapporten ligger i papirkurven. Ingenting er tapt."),
        wish=_fate(_("Du ville legge rapporten i papirkurven."), ReportStatus.TRASHED),
    )


@bp.post("/gjenopprett")
@requires(Role.EDITOR)
def restore(report_id: str) -> Response:
    """Take a report out of the trash."""
    return _act(
        report_id,
        lambda: desk().restore(report_id, version_seen()),
        said=_("Rapporten er hentet fra papirkurven og er til gjennomgang igjen."),
        wish=_fate(_("Du ville hente rapporten fra papirkurven."), ReportStatus.CANDIDATE),
    )


@bp.post("/gjeninnsett")
@requires(Role.EDITOR)
def reinstate(report_id: str) -> Response:
    """Let a replaced edition be read again, where the newer one no longer is."""
    answer = _act(
        report_id,
        lambda: desk().reinstate(report_id, version_seen()),
        said=_("Utgaven gjelder igjen. Leserne ser den og lærdommene i den."),
        wish=_fate(_("Du ville gjøre utgaven gjeldende igjen."), ReportStatus.PUBLISHED),
    )
    _refresh_index(store())
    return answer


@bp.post("/utgave")
@requires(Role.EDITOR)
def link_edition(report_id: str) -> Response:
    """Make the report a newer edition of another one, with what was decided about that."""
    report = find_report(report_id)
    older = find_report(request.form.get("eldre", ""))
    try:
        diff = desk().link_edition(report.id, older.id)
    except ConflictError:
        flash(_("Rapportene kan ikke kobles: en av dem er alt koblet til en annen."), "danger")
        return redirect(report_address(report_id), 303)
    last = desk().history(report=report_id, limit=1)
    tell(
        _(
            "Rapporten er en ny utgave av «%(title)s». %(kept)s avgjørelser er overført uendret.",
            title=short(report_title(older)),
            kept=len(diff.kept),
        ),
        last[0].id if last else None,
    )
    return redirect(report_address(report_id), 303)


def _act(report_id: str, act: Callable[[], int], *, said: str, wish: Wish) -> Response:
    report = find_report(report_id)
    return decide(
        act,
        said=said,
        way=url_for("review_report.page", report_id=report.id),
        refuse=lambda: _refused(report_id, wish),
    )


def _refused(report_id: str, wish: Wish) -> Response:
    now = find_report(report_id)
    values = {value_name("status"): report_status_word(now.status)}
    return conflict(
        wish,
        values,
        versions={"": now.version},
        last=desk().history(report=report_id, limit=1),
        back=report_address(report_id),
    )


def _fate(title: str, status: ReportStatus) -> Wish:
    return Wish(title=title, values={value_name("status"): report_status_word(status)})


def _refresh_index(store: Store) -> None:
    """Write a fresh index, so that searches need not read everything new from the database."""
    try:
        services().searcher.refresh(store)
    except (StateError, OSError) as error:  # the search is right without it, only slower
        _log.warning("the index was not refreshed: %s", error)


# --- what stands on the page --------------------------------------------------------------------


def _overview(store: Store, report_id: str) -> Overview:
    with store.reading():
        report = find_report(report_id)
        queue = queue_of(report)
        summaries = [one.report for one in store.reports()]
        pages = store.pages(report_id)
        undo = last_deed(report_id)
        edition = _edition(store, report)
    newer = [one for one in summaries if one.edition_of == report_id]
    older = _could_be_older(report, summaries)
    likely = store.likely_edition_of(report_id) if older else None
    return Overview(
        report=report,
        is_closed=is_closed(report),
        queue=queue,
        decided=len(queue.lessons) - len(queue.waiting()),
        facts=facts_of(report),
        problems=tuple(page for page in pages if page.problem),
        edition=edition,
        newer=newer[0] if newer else None,
        could_be_older=older,
        likely=next((one for one in older if one.id == likely), None),
        undo=undo,
    )


def _edition(store: Store, report: Report) -> Edition | None:
    before = None if report.edition_of is None else store.report(report.edition_of)
    diff = desk().edition(report.id)
    if before is None or diff is None:
        return None
    ids = [*diff.kept, *diff.changed, *diff.gone, *diff.added]
    return Edition(before=before, diff=diff, lessons=store.lessons(ids))


def _could_be_older(report: Report, reports: Sequence[Report]) -> tuple[Report, ...]:
    """Return the reports that this one may be a newer edition of; those of its programme first."""
    taken = {one.edition_of for one in reports}
    if report.edition_of or report.status is not ReportStatus.CANDIDATE:
        return ()
    free = [
        one
        for one in reports
        if one.id != report.id
        and one.id not in taken
        and one.edition_of != report.id
        and one.status is not ReportStatus.TRASHED
    ]
    return tuple(sorted(free, key=lambda one: one.programme.slug != report.programme.slug))


def _orders() -> dict[Order, str]:
    return {Order.UNSURE: str(_("Usikre først")), Order.PAGE: str(_("Som i rapporten"))}


def _shows() -> dict[Show, str]:
    return {
        Show.ALL: str(_("Alle")),
        Show.WAITING: str(_("Ikke avgjort")),
        Show.APPROVED: str(_("Godkjent")),
        Show.REJECTED: str(_("Avvist eller slått sammen")),
        Show.REMARKS: str(_("Med merknader")),
        Show.CHANGED: str(_("Endret i ny utgave")),
    }
