"""The desk: what waits for a person, all reports, and for administrators all accounts."""

from dataclasses import dataclass

from flask import Blueprint, render_template, request

from kb.domain import ReportId, ReportStatus, Status
from kb.store import ReportSummary, Role
from web import auth
from web.context import services, store
from web.intake import Row, intake
from web.review_words import report_status_word, when

bp = Blueprint("desk", __name__, url_prefix="/desk")
_LOOKS = {
    ReportStatus.CANDIDATE: "info",
    ReportStatus.PUBLISHED: "success",
    ReportStatus.WITHDRAWN: "warning",
    ReportStatus.TRASHED: "neutral",
    ReportStatus.SUPERSEDED: "neutral",
}
_OPEN = (ReportStatus.CANDIDATE, ReportStatus.PUBLISHED, ReportStatus.WITHDRAWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What a person should look at, most pressing first within each."""

    undecided: tuple[ReportSummary, ...]
    ready: tuple[ReportSummary, ...]
    stopped: tuple[Row, ...]
    under_way: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A report in the list, with the editions before and after it."""

    summary: ReportSummary
    older: ReportSummary | None
    newer: ReportSummary | None

    def count(self, *statuses: Status) -> int:
        """Return how many lessons have one of ``statuses``."""
        return count(self.summary, *statuses)


@bp.get("")
@auth.requires(Role.EDITOR)
def page() -> str:
    """Show what waits: lessons to decide, reports to publish, files that stopped."""
    return render_template("desk/page.html", waiting=_waiting(), count=count)


@bp.get("/rapporter")
@auth.requires(Role.EDITOR)
def reports() -> str:
    """List every report; ``?status=`` picks those of one status. The trash is apart.

    A status that does not exist picks nothing out: the list of all has the way to those that do.
    """
    wanted = _status(request.args.get("status", ""))
    summaries = store().reports()
    shown = [
        one
        for one in summaries
        if (one.report.status is wanted if wanted else one.report.status != ReportStatus.TRASHED)
    ]
    counts = {
        status: sum(one.report.status is status for one in summaries) for status in ReportStatus
    }
    return render_template(
        "desk/reports.html",
        listed=_with_editions(shown, summaries),
        wanted=wanted,
        counts=counts,
        looks=_LOOKS,
        report_status_word=report_status_word,
        total=len(summaries) - counts[ReportStatus.TRASHED],
    )


@bp.get("/brukere")
@auth.requires(Role.ADMINISTRATOR)
def users() -> str:
    """List the accounts; they are made and changed with ``kb user``."""
    return render_template("desk/users.html", accounts=store().accounts.all(), when=when)


def count(summary: ReportSummary, *statuses: Status) -> int:
    """Return how many lessons of a report have one of ``statuses``."""
    return sum(summary.lessons.get(status, 0) for status in statuses)


def _waiting() -> Waiting:
    rows = intake(services().config.home, store(), 0).rows
    open_ones = [one for one in store().reports() if one.report.status in _OPEN]
    return Waiting(
        undecided=tuple(one for one in open_ones if count(one, Status.CANDIDATE)),
        ready=tuple(
            one
            for one in open_ones
            if one.report.status is ReportStatus.CANDIDATE and not count(one, Status.CANDIDATE)
        ),
        stopped=tuple(row for row in rows if row.error and not row.is_known),
        under_way=tuple(row for row in rows if not row.job.state.is_over),
    )


def _with_editions(
    shown: list[ReportSummary], summaries: tuple[ReportSummary, ...]
) -> tuple[Listed, ...]:
    by_id: dict[ReportId, ReportSummary] = {one.report.id: one for one in summaries}
    newer = {one.report.edition_of: one for one in summaries if one.report.edition_of}
    return tuple(
        Listed(
            summary=one,
            older=by_id.get(one.report.edition_of or ""),
            newer=newer.get(one.report.id),
        )
        for one in shown
    )


def _status(raw: str) -> ReportStatus | None:
    return ReportStatus(raw) if raw in set(ReportStatus) else None
