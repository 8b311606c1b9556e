"""A report that is to be read again with OCR: whether that helps, and whether it still may."""

from kb.domain import Report, ReportId, ReportStatus
from kb.editions import is_decided
from kb.errors import DecidedError
from kb.store import Action, Replaced, Store

LACKS_TEXT = frozenset({"no-text", "garbled"})
"""The problems of pages that text recognition may mend."""


def lacks_text(store: Store, report: ReportId) -> bool:
    """Whether a report has pages that text recognition may mend."""
    return any(page.problem in LACKS_TEXT for page in store.pages(report))


def refuse_decided(store: Store, report: Report) -> Replaced:
    """Return the report as it may be replaced, unless a person has done anything about it.

    Raises:
        DecidedError: it is no candidate, or something in it was decided and not taken back.
    """
    with store.reading():
        lessons = store.lessons(store.lesson_ids(report_id=report.id)).values()
        done = store.changes.history(report_id=report.id)
        generation = store.generation()
    stands = [one for one in done if one.undone_by is None and one.action is not Action.UNDO]
    if stands or report.status is not ReportStatus.CANDIDATE or any(map(is_decided, lessons)):
        raise DecidedError(f"report {report.id} is worked on")
    last = done[0].id if done else None
    return Replaced(report_id=report.id, generation=generation, last_change=last)
