"""The commands for staff: bringing reports in, deciding, undoing. Registered by ``kb.__main__``.

Like there, what is heavy is imported inside the command that needs it. Everything a person decides
goes through :class:`kb.desk.Desk`, as on the website.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kb.config import Config
from kb.domain import ReportStatus, Status
from kb.domain import report_id as id_of
from kb.errors import (
    AlreadyIngestedError,
    ConflictError,
    InputError,
    LeaseLostError,
    NotFoundError,
)
from kb.review import review
from kb.terminal import (
    BAD_INPUT,
    JSON,
    NOTHING,
    OK,
    ProgressLine,
    actor,
    is_input,
    open_desk,
    open_encoder,
    open_store,
    print_json,
    refresh_index,
    say_code,
    say_error,
    the_report,
)

if TYPE_CHECKING:
    from ingest import Ingested
    from ingest.work import Worker
    from kb.store import Change, Job, Store

_MOST = 2**63 - 1
"""No number of ours is larger, and SQLite cannot be asked for one."""
_PROBLEMS = {
    "unreadable": "kan ikke leses",
    "no-text": "har ingen tekst, trolig skannet",
    "garbled": "har uleselig tekst",
}

# --- bringing reports in ------------------------------------------------------------------------


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FIL…")
@click.option("--ocr", is_flag=True, help="Les tekst i bilder (skannede sider) med OCR.")
@click.option("--publish", is_flag=True, help="Publiser lærdommene med en gang.")
@click.option(
    "--edition-of", metavar="RAPPORT", help="Rapporten (id) som filen er en ny utgave av."
)
@click.option("--skip-existing", is_flag=True, help="Gå stille forbi filer som alt er lest inn.")
@click.option("--name", help="Filnavnet rapporten skal ha, når filen heter noe annet nå.")
@JSON
@click.pass_obj
def ingest(
    config: Config,
    /,
    files: Sequence[Path],
    *,
    name: str | None,
    edition_of: str | None,
    skip_existing: bool,
    as_json: bool,
    **wishes: bool,
) -> None:
    """Les inn rapporter (PDF eller tekst). Én dårlig fil stopper ikke de andre.

    Blir innlesingen avbrutt, fortsetter den der den slapp når kommandoen kjøres på nytt.
    """
    for option, value in (("--name", name), ("--edition-of", edition_of)):
        if value and len(files) > 1:
            raise click.UsageError(f"{option} gjelder én fil")
    from ingest.work import Worker
    from kb.taxonomy import load_cues, load_taxonomy

    load_taxonomy(config.corpus / "taxonomy.toml")  # a wrong setting stops everything at once
    load_cues(config.corpus / "cues.toml")
    line = ProgressLine()
    with open_store(config) as store:
        if edition_of:
            the_report(store, edition_of)
        worker = Worker(config, lambda: open_encoder(config), watch=line.tell)
        bringing = _Bringing(config, store, worker, line, skip_existing=skip_existing)
        for path in files:
            bringing.put(path, name or path.name, edition_of, wishes)
        for one in bringing.work():
            if not as_json:
                _say_ingested(store, one)
    if as_json:
        print_json({"reports": [one.as_json() for one in bringing.done]})
    sys.exit(bringing.code)


class _Bringing:
    """Puts files into the queue and works on exactly these, telling what goes wrong."""

    def __init__(
        self,
        config: Config,
        store: "Store",
        worker: "Worker",
        line: ProgressLine,
        *,
        skip_existing: bool,
    ) -> None:
        self._config, self._store, self._worker, self._line = config, store, worker, line
        self._skip_existing = skip_existing
        self._jobs: dict[int, Path] = {}
        self.done: list[Ingested] = []
        self.code = OK

    def put(self, path: Path, file: str, edition_of: str | None, wishes: dict[str, bool]) -> None:
        """Queue a file; say why not where it cannot be."""
        from ingest import limits_of, read_bytes

        try:
            original, sha256 = read_bytes(path, limits_of(self._config))
        except InputError as error:
            self.code = BAD_INPUT
            say_error(error, f"{path.name}: ")
            return
        try:
            if self._is_known(path, sha256, edition_of, with_ocr=wishes["ocr"]):
                return
            job = self._store.jobs.put(
                sha256=sha256,
                file=file,
                original=original,
                by=actor(),
                with_ocr=wishes["ocr"],
                publish=wishes["publish"],
                edition_of=edition_of,
            )
        except (ConflictError, NotFoundError) as error:
            self.code = BAD_INPUT
            say_error(error, f"{path.name}: ")
            return
        if job.id in self._jobs:
            self._say_known(path, id_of(sha256))
        self._jobs.setdefault(job.id, path)

    def _is_known(self, path: Path, sha256: str, edition_of: str | None, *, with_ocr: bool) -> bool:
        """Whether the file is here already and there is nothing more to do with it, which is told.

        Raises:
            ConflictError: there would be, but it cannot be done any more.
        """
        from ingest import lacks_text, refuse_decided
        from kb.desk import refuse_edition

        if edition_of:
            refuse_edition(self._store, edition_of, sha256)
            return False
        known = self._store.report_by_sha256(sha256)
        if known is None:
            return False
        is_away = known.status is ReportStatus.TRASHED or self._skip_existing
        if with_ocr and not is_away and lacks_text(self._store, known.id):
            refuse_decided(self._store, known)
            return False
        self._say_known(path, known.id)
        return True

    def work(self) -> "Iterator[Ingested]":
        """Yield what comes of each file, as it is done."""
        from ingest import ingested
        from kb.store import JobState

        for job_id, path in self._jobs.items():
            self._line.file = path.name
            job = self._worker.finish(self._store, job_id)
            self._line.clear()
            if job.state is JobState.DONE and job.report_id:
                self.done.append(ingested(self._store, job.report_id, job.took_ms))
                yield self.done[-1]
            elif job.error_code == AlreadyIngestedError.code and job.report_id:
                self._say_known(path, job.report_id, is_other=job.report_id != id_of(job.sha256))
            else:
                self._say_failed(path, job)

    def _say_known(self, path: Path, report: str, *, is_other: bool = False) -> None:
        if self._skip_existing:
            return
        self.code = BAD_INPUT
        say_error(AlreadyIngestedError(report), f"{path.name}: ", f" (rapport {report})")
        if is_other:
            click.echo(
                "  Den har de samme ordene. Er filen en ny utgave av den, kjør på nytt med "
                f"--edition-of {report}",
                err=True,
            )

    def _say_failed(self, path: Path, job: "Job") -> None:
        code = job.error_code or LeaseLostError.code  # cancelled by somebody
        self.code = BAD_INPUT if is_input(code) else self.code or NOTHING
        say_code(code, f"{path.name}: ")
        if not is_input(code) and job.error_detail:
            click.echo(f"  {job.error_detail}", err=True)


def _say_ingested(store: "Store", done: "Ingested") -> None:
    click.echo(f"{done.file}: {done.lessons} lærdommer, {done.pages} sider (rapport {done.id})")
    for number, problem in done.problems:
        click.echo(f"  side {number}: {_PROBLEMS.get(problem, problem)}")
    report = store.report(done.id)
    older = None if report is None or report.edition_of else store.likely_edition_of(done.id)
    if older is not None:
        click.echo(
            f"  Ligner mye på rapport {older}. Er dette en ny utgave av den, kjør på nytt med "
            f"--edition-of {older}"
        )


@click.command()
@click.option("--attended", is_flag=True, help="Stopp når standard inn lukkes («kb serve»).")
@click.pass_obj
def work(config: Config, *, attended: bool) -> None:
    """Les inn filene som står i kø, til noen stopper kommandoen. Flere kan kjøre samtidig."""
    import logging
    import signal
    import threading

    from ingest.work import Worker
    from kb.attend import leave_with_parent

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    if attended:
        leave_with_parent(stop)
    Worker(config, lambda: open_encoder(config), stop=stop).run_forever()


@click.command()
@click.option("--retry", type=int, metavar="JOBB", help="Prøv en jobb som feilet, på nytt.")
@click.option("--ocr", is_flag=True, help="Med --retry: les tekst i bilder med OCR.")
@click.option("--no-edition", is_flag=True, help="Med --retry: ikke som ny utgave av noen rapport.")
@click.option("--cancel", type=int, metavar="JOBB", help="Avbryt en jobb.")
@click.option("--drop", type=int, metavar="JOBB", help="Fjern en ferdig jobb fra listen.")
@JSON
@click.pass_obj
def jobs(
    config: Config,
    *,
    retry: int | None,
    ocr: bool,
    no_edition: bool,
    cancel: int | None,
    drop: int | None,
    as_json: bool,
) -> None:
    """List filene som er på vei inn, eller gjør noe med en av dem."""
    with open_store(config) as store:
        if retry is not None:
            store.jobs.retry(retry, with_ocr=ocr or None, is_edition=not no_edition)
        if cancel is not None:
            store.jobs.cancel(cancel)
        if drop is not None:
            store.jobs.forget(drop)
        found = store.jobs.list()
    if as_json:
        print_json({"jobs": [_job_json(one) for one in found]})
    else:
        for one in found:
            click.echo(_job_line(one))
    sys.exit(OK if found else NOTHING)


def _job_json(job: "Job") -> dict[str, Any]:
    from dataclasses import asdict

    hidden = {"worker", "lease_until"}
    return {name: value for name, value in asdict(job).items() if name not in hidden}


def _job_line(job: "Job") -> str:
    told = f"{job.id}  {job.file}  {job.state}"
    if job.state == "running":
        return f"{told}  {job.stage or ''} {job.progress:.0%}"
    if job.error_code:
        return f"{told}  [{job.error_code}]"
    return f"{told}  rapport {job.report_id}" if job.report_id else told


# --- reports ------------------------------------------------------------------------------------


@click.command()
@click.argument("report_id", metavar="RAPPORT")
@click.pass_obj
def publish(config: Config, report_id: str) -> None:
    """Godkjenn alle forslagene i en rapport og publiser den."""
    with open_store(config) as store:
        the_report(store, report_id)
        before = _published(store, report_id)
        open_desk(config, store).approve_and_publish(report_id)
        refresh_index(config, store)
        count = _published(store, report_id) - before
    click.echo(f"{count} lærdommer er publisert.")


@click.command()
@click.argument("report_id", metavar="RAPPORT")
@click.option("--reason", required=True, metavar="TEKST", help="Hvorfor; står i historikken.")
@click.pass_obj
def withdraw(config: Config, report_id: str, reason: str) -> None:
    """Trekk en publisert rapport tilbake. Alle avgjørelser står."""
    if not reason.strip():
        raise click.UsageError("--reason kan ikke være tom")
    with open_store(config) as store:
        kept = the_report(store, report_id)
        change = open_desk(config, store).withdraw(report_id, kept.version, reason)
        refresh_index(config, store)
    click.echo(f"Trukket tilbake. Angre: kb undo {change}")


@click.command()
@click.argument("report_id", metavar="RAPPORT")
@click.option("--for-good", is_flag=True, help="Slett rapporten og filen for alltid.")
@click.option("--yes", is_flag=True, help="Ikke spør (med --for-good).")
@click.pass_obj
def remove(config: Config, report_id: str, *, for_good: bool, yes: bool) -> None:
    """Legg en rapport i papirkurven, eller slett den for alltid."""
    with open_store(config) as store:
        kept = the_report(store, report_id)
        if not for_good:
            open_desk(config, store).trash(report_id, kept.version)
        else:
            if not yes:
                click.confirm(
                    f"Slette rapport {report_id}, lærdommene og filen for alltid?", abort=True
                )
            store.purge_report(report_id)
        refresh_index(config, store)
    undo = "" if for_good else f" Angre: kb restore {report_id}"
    click.echo(("Slettet for alltid." if for_good else "Lagt i papirkurven.") + undo)


@click.command()
@click.argument("report_id", metavar="RAPPORT")
@click.pass_obj
def restore(config: Config, report_id: str) -> None:
    """Hent en rapport ut av papirkurven. Den må publiseres på nytt."""
    with open_store(config) as store:
        kept = the_report(store, report_id)
        open_desk(config, store).restore(report_id, kept.version)
    click.echo(f"Hentet ut av papirkurven. Publiser: kb publish {report_id}")


# --- history ------------------------------------------------------------------------------------


@click.command()
@click.argument("report_id", required=False, metavar="[RAPPORT]")
@JSON
@click.pass_obj
def history(config: Config, report_id: str | None, *, as_json: bool) -> None:
    """Vis hva som er avgjort, av hvem, sist først."""
    from dataclasses import asdict

    with open_store(config) as store:
        found = store.changes.history(report_id=report_id)
    if as_json:
        print_json({"changes": [asdict(one) for one in found]})
    else:
        for one in found:
            click.echo(_change_line(one))
    sys.exit(OK if found else NOTHING)


def _change_line(change: "Change") -> str:
    told = [str(change.id), change.at, change.by, change.action, change.report_id]
    told.append(f"({len(change.items)})")
    if change.reason:
        told.append(f"«{change.reason}»")
    if change.undone_by:
        told.append(f"angret av {change.undone_by}")
    return "  ".join(told)


@click.command()
@click.argument("change", type=int, metavar="ENDRING")
@click.pass_obj
def undo(config: Config, change: int) -> None:
    """Angre en endring (nummeret står i «kb history»)."""
    if change > _MOST:
        raise NotFoundError(f"no change {change}")
    with open_store(config) as store:
        done = open_desk(config, store).undo(change)
        refresh_index(config, store)
    click.echo(f"Angret. Gjør om igjen: kb undo {done}")


# --- the classifier -----------------------------------------------------------------------------


@click.command()
@click.option("--list", "is_list", is_flag=True, help="List modellene som er trent her.")
@click.option(
    "--use",
    type=click.IntRange(0, _MOST),
    metavar="NUMMER",
    help="Bruk denne; 0 er den som følger med.",
)
@JSON
@click.pass_obj
def train(config: Config, *, is_list: bool, use: int | None, as_json: bool) -> None:
    """Lær av det dere har godkjent og avvist, hva som er en lærdom.

    Den nye modellen brukes bare hvis den ikke er dårligere enn den gamle, som blir tatt vare på.
    """
    with open_store(config) as store:
        if use is not None:
            store.heads.activate(use or None)
        if is_list or use is not None:
            _say_heads(store, as_json=as_json)
            return
        told = _trained(config, store)
    if as_json:
        print_json(told)
        return
    click.echo(told["table"])
    click.echo(
        f"Modell {told['number']}: {told['passages']} tekststykker, "
        f"{told['decided']} av dem avgjort her. "
        + ("Tatt i bruk." if told["is_used"] else "Dårligere enn den gamle; ikke tatt i bruk.")
    )


def _trained(config: Config, store: "Store") -> dict[str, Any]:
    from ingest.retrain import retrain

    return retrain(config, store, open_encoder(config)).as_json()


def _say_heads(store: "Store", *, as_json: bool) -> None:
    rows = [
        {"number": one.number, "at": one.at, "is_used": one.is_active} for one in store.heads.list()
    ]
    if as_json:
        print_json({"heads": rows})
        return
    for row in rows:
        click.echo(f"{row['number']}  {row['at']}{'  i bruk' if row['is_used'] else ''}")
    if not any(row["is_used"] for row in rows):
        click.echo("0  følger med programmet  i bruk")


def _published(store: "Store", report_id: str) -> int:
    return len(store.lesson_ids(status=Status.PUBLISHED, report_id=report_id))


COMMANDS: Sequence[click.Command] = (
    ingest, jobs, work, review, publish, withdraw, remove, restore, history, undo, train,
)  # fmt: skip
