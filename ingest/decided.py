"""What staff decided, as examples to train on: each report they worked on is a style of its own.

Only what a person judged by itself counts. Publishing a whole report at once judges nothing, and a
lesson rejected as a repetition, or because the page was misread, is no sign of what a lesson is.
"""

from collections.abc import Iterator
from dataclasses import replace

from ingest.marked import Example, Marked
from ingest.types import Role
from kb.domain import Evidence, Lesson, LessonId, Report, ReportStatus, Status
from kb.store import Action, Store

_JUDGING = frozenset(
    {Action.APPROVE, Action.REJECT, Action.EDIT, Action.SPLIT, Action.REQUOTE, Action.RECONSIDER}
)
_SAYS_NOTHING = frozenset({"repetition", "misread"})
_KEPT = frozenset({Status.APPROVED, Status.PUBLISHED, Status.RETIRED})
_MOST_CHANGES = 1_000_000


def decided_examples(store: Store) -> tuple[Example, ...]:
    """Return the blocks with a lesson that somebody kept or rejected, by report, in reading order.

    Reports in the trash and superseded editions are left out: what was decided there was carried
    over. The other sentences of a block say nothing.
    """
    with store.reading():
        skipped = {ReportStatus.TRASHED, ReportStatus.SUPERSEDED}
        reports = [each.report for each in store.reports() if each.report.status not in skipped]
        return tuple(
            example for report in reversed(reports) for example in _examples(store, report)
        )


def _examples(store: Store, report: Report) -> Iterator[Example]:
    judged = _judged(store, report)
    pages = {page.number: page.text for page in store.pages(report.id)}
    found: dict[tuple[int, int], Example] = {}
    for lesson in store.lessons(store.lesson_ids(report_id=report.id)).values():
        if lesson.id not in judged or lesson.status not in _KEPT | {Status.REJECTED}:
            continue
        for one in lesson.evidence:
            place = _block(one, pages[one.page])
            if place is None:
                continue
            example = found.setdefault(
                (one.page, place[0]), _blank(report, lesson, one, pages[one.page][slice(*place)])
            )
            found[one.page, place[0]] = _with(example, lesson, one)
    yield from (found[place] for place in sorted(found))


def _judged(store: Store, report: Report) -> set[LessonId]:
    """Return the lessons whose last word was a person's, about this lesson."""
    judged: set[LessonId] = set()
    for change in reversed(store.changes.history(report_id=report.id, limit=_MOST_CHANGES)):
        if change.undone_by is not None or change.action not in _JUDGING:
            continue
        ids = {item.lesson_id for item in change.items if item.lesson_id is not None}
        is_silent = change.action is Action.RECONSIDER or change.reason in _SAYS_NOTHING
        judged = judged - ids if is_silent else judged | ids
    return judged


def _block(evidence: Evidence, text: str) -> tuple[int, int] | None:
    """Return where the block with a quote stands on its page; None for one that crosses pages."""
    if len(evidence.spans) != 1:
        return None
    span = evidence.spans[0]
    start = text.rfind("\n", 0, span.start) + 1
    end = text.find("\n", start)
    end = len(text) if end < 0 else end
    return (start, end) if span.end <= end else None


def _blank(report: Report, lesson: Lesson, evidence: Evidence, text: str) -> Example:
    return Example(
        style=report.id,
        language=lesson.language,
        section=evidence.section,
        role=Role.BULLET if evidence.lead_in else Role.PARAGRAPH,
        lead_in=evidence.lead_in,
        text=text,
        is_complete=False,
    )


def _with(example: Example, lesson: Lesson, evidence: Evidence) -> Example:
    if lesson.status is Status.REJECTED:
        return replace(example, refused=(*example.refused, evidence.quote))
    return replace(example, lessons=(*example.lessons, Marked(evidence.quote, lesson.kind)))
