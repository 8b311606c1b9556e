"""A file that is brought again: when it may be a newer edition, or be read anew with OCR."""

from kb.domain import Report, ReportId, ReportStatus
from kb.editions import is_decided
from kb.errors import DecidedError, EditionError, NotFoundError
from kb.store import Action, Store

LACKS_TEXT = frozenset({"no-text", "garbled"})
"""The problems of pages that text recognition may mend."""


def lacks_text(store: Store, report: ReportId) -> bool:
    """Whether a report has pages that text recognition may mend."""
    return any(page.problem in LACKS_TEXT for page in store.pages(report))


def refuse_decided(store: Store, report: Report) -> None:
    """Raise if a person has done anything about a report that reading it again would lose.

    Raises:
        DecidedError: it is no candidate, or something in it was decided and not taken back.
    """
    with store.reading():
        lessons = store.lessons(store.lesson_ids(report_id=report.id)).values()
        done = store.changes.history(report_id=report.id)
    stands = [one for one in done if one.undone_by is None and one.action is not Action.UNDO]
    if stands or report.status is not ReportStatus.CANDIDATE or any(map(is_decided, lessons)):
        raise DecidedError(f"report {report.id} is worked on")


def refuse_edition(store: Store, old: ReportId, sha256: str) -> None:
    """Raise if the file with this SHA-256 cannot become a newer edition of ``old``.

    Raises:
        NotFoundError: there is no such report, or it is in the trash.
        EditionError: it has a newer edition, or the file is its own or another's.
    """
    with store.reading():
        before, known = store.report(old), store.report_by_sha256(sha256)
        others = store.editions_of(old)
    if before is None or before.status is ReportStatus.TRASHED:
        raise NotFoundError(f"no report {old} to be an edition of")
    for one in others:
        if one.sha256 != sha256:
            raise EditionError(f"{one.id} is a newer edition of {old}")
    if known is None:
        return
    if known.id in {old, before.edition_of} or known.edition_of not in {None, old}:
        raise EditionError(f"{known.id} cannot be an edition of {old}")
