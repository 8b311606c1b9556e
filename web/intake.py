"""What a person sees of the files on their way in: one row per job, in words."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from flask_babel import gettext as _
from flask_babel import ngettext

from ingest import LACKS_TEXT
from kb.domain import Report, ReportId, ReportStatus, Status
from kb.errors import EditionError, NotFoundError
from kb.messages import SENTENCES
from kb.store import Job, JobState, ReportSummary, Store
from kb.taxonomy import LANGUAGES
from web.language import language

_NEEDS_OCR = "unreadable-report.needs-ocr"
_KNOWN = "already-ingested"
_NO_EDITION = frozenset({NotFoundError.code, EditionError.code})
_LOOKS = {
    JobState.QUEUED: "neutral",
    JobState.RUNNING: "info",
    JobState.DONE: "success",
    JobState.FAILED: "danger",
    JobState.CANCELLED: "neutral",
}
_MINUTE_S, _HOUR_S = 60, 3_600


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One file on its way in, and what can be done about it.

    ``report`` came of it, or is there already (``is_known``). ``problems`` are pages with what is
    wrong with them. ``alike`` is a report with mostly the same words, of which this one may be a
    newer edition. ``time`` is None where nobody knows how long it took. ``can_have_ocr`` says that
    the report, of which nothing is decided, has pages for text recognition to mend.
    """

    job: Job
    colour: str
    state: str
    step: str | None
    percent: int
    time: str | None
    error: str | None
    report: Report | None
    is_known: bool
    undecided: int
    problems: tuple[tuple[int, str], ...]
    alike: Report | None
    can_be_edition: bool
    needs_ocr: bool
    can_have_ocr: bool
    is_no_edition: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """All rows ``at`` one moment (milliseconds since 1970), and how it goes in one sentence."""

    rows: tuple[Row, ...]
    at: int
    summary: str
    is_busy: bool
    done: int


def intake(home: Path, store: Store, now: float, limit: int = 100) -> Intake:
    """Return the files on their way in, those that are not over first; ``now`` is since 1970."""
    with store.reading():
        jobs = store.jobs.list(limit=limit)
        known = {one.report.id: one for one in store.reports()} if jobs else {}
    return Intake(
        rows=tuple(_row(home, job, now, known) for job in jobs),
        at=int(1_000 * now),
        summary=_summary(jobs),
        is_busy=any(not job.state.is_over for job in jobs),
        done=sum(job.state is JobState.DONE for job in jobs),
    )


def _row(home: Path, job: Job, now: float, known: Mapping[ReportId, ReportSummary]) -> Row:
    found = known.get(job.report_id or "")
    report = found.report if found else None
    is_known = job.error_code == _KNOWN and report is not None
    came = report if job.state is JobState.DONE else None
    problems = _problems(home, came.id, came.version) if came else ()
    is_untouched = found is not None and found.lessons.keys() <= {Status.CANDIDATE}
    is_open = came is not None and came.status is ReportStatus.CANDIDATE and is_untouched
    lacks_text = not job.with_ocr and any(code in LACKS_TEXT for _page, code in problems)
    return Row(
        job=job,
        colour="warning" if is_known else _LOOKS[job.state],
        state=str(_("Ligger her fra før")) if is_known else _state(job.state),
        step=_step(job) if job.state is JobState.RUNNING else None,
        percent=round(100 * job.progress),
        time=None if (seconds := _seconds(job, now)) is None else _duration(seconds),
        error=_error(job),
        report=report,
        is_known=is_known,
        undecided=found.lessons.get(Status.CANDIDATE, 0) if found else 0,
        problems=problems,
        alike=_alike(home, came, known) if came else None,
        can_be_edition=is_known and report is not None and _may_be_edition(job, report),
        needs_ocr=job.error_code == _NEEDS_OCR,
        can_have_ocr=is_open and lacks_text,
        is_no_edition=job.edition_of is not None and job.error_code in _NO_EDITION,
    )


def _alike(home: Path, came: Report, known: Mapping[ReportId, ReportSummary]) -> Report | None:
    """Return which report ``came`` may be a newer edition of, while that is undecided."""
    if came.edition_of is not None or came.status is not ReportStatus.CANDIDATE:
        return None
    newest = max(one.report.version for one in known.values())
    alike = known.get(_likely_edition_of(home, came.id, newest) or "")
    return alike.report if alike else None


def _may_be_edition(job: Job, report: Report) -> bool:
    """Return whether the job's file, with the words of ``report``, is another file than its."""
    return report.sha256 != job.sha256 and report.status is not ReportStatus.TRASHED


def _summary(jobs: Sequence[Job]) -> str:
    counts = Counter(job.state for job in jobs)
    waiting = counts[JobState.QUEUED] + counts[JobState.RUNNING]
    done = counts[JobState.DONE]
    known = sum(job.error_code == _KNOWN for job in jobs)
    failed = counts[JobState.FAILED] - known
    parts = (
        (waiting, ngettext("%(num)s fil er på vei inn", "%(num)s filer er på vei inn", waiting)),
        (done, ngettext("%(num)s er ferdig", "%(num)s er ferdige", done)),
        (failed, ngettext("%(num)s stoppet med feil", "%(num)s stoppet med feil", failed)),
        (known, ngettext("%(num)s ligger her fra før", "%(num)s ligger her fra før", known)),
    )
    return ", ".join(text for count, text in parts if count)


def _state(state: JobState) -> str:
    words = {
        JobState.QUEUED: _("Står i kø"),
        JobState.RUNNING: _("Leses inn"),
        JobState.DONE: _("Ferdig"),
        JobState.FAILED: _("Stoppet"),
        JobState.CANCELLED: _("Avbrutt"),
    }
    return str(words[state])


def _step(job: Job) -> str:
    reading = _("Leser sidene med tekstgjenkjenning") if job.with_ocr else _("Leser sidene")
    words = {
        "read": reading,
        "layout": _("Finner overskrifter og punkter"),
        "sections": _("Deler inn i avsnitt"),
        "frontmatter": _("Leser forsiden"),
        "lessons": _("Leter etter lærdommer"),
        "embed": _("Gjør teksten søkbar"),
        "tokens": _("Leser ordene i sitatene"),
        "tags": _("Foreslår temaer"),
        "merge": _("Slår sammen gjentakelser"),
        "store": _("Lagrer"),
        "edition": _("Sammenligner med utgaven før"),
        "publish": _("Publiserer"),
        "index": _("Oppdaterer søket"),
    }
    return str(words.get(job.stage or "", _("Begynner")))


def _error(job: Job) -> str | None:
    if job.state is not JobState.FAILED:
        return None
    told = SENTENCES.get(job.error_code or "", SENTENCES["internal"])
    return told[LANGUAGES.index(language())]


def _seconds(job: Job, now: float) -> float | None:
    """Return how long the work took, if that is known, or since when it waits or runs."""
    if not job.state.is_over:
        return now - job.created
    return sum(job.took_ms.values()) / 1_000 if job.took_ms else None


def _duration(seconds: float) -> str:
    whole = max(0, round(seconds))
    if whole < _MINUTE_S:
        return str(_("%(num)s sek", num=whole))
    if whole < _HOUR_S:
        return str(_("%(minutes)s min %(num)s sek", minutes=whole // _MINUTE_S, num=whole % 60))
    return str(
        _("%(hours)s t %(minutes)s min", hours=whole // _HOUR_S, minutes=whole % 3_600 // 60)
    )


@lru_cache(maxsize=512)
def _problems(home: Path, report_id: ReportId, _version: int) -> tuple[tuple[int, str], ...]:
    """Return the pages that could not be read as they should; looked up once per version."""
    with Store.open(home) as store:
        pages = store.pages(report_id)
    return tuple((page.number, page.problem) for page in pages if page.problem)


@lru_cache(maxsize=512)
def _likely_edition_of(home: Path, report_id: ReportId, _newest: int) -> ReportId | None:
    """Compare with all other reports; done anew when one of them has changed."""
    with Store.open(home) as store:
        return store.likely_edition_of(report_id)
