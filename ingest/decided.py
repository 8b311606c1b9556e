"""What staff decided, as examples to train on: each report they worked on is a style of its own.

Only what a person judged by itself counts. Publishing a whole report at once judges nothing, and a
lesson rejected as a repetition, or because the page was misread, is no sign of what a lesson is.
"""

from collections.abc import Iterator
from dataclasses import replace

from ingest.marked import Example, Marked
from ingest.types import Role
from kb.domain import Evidence, Lesson, LessonId, Report, ReportId, ReportStatus, Status
from kb.store import Action, Store

_JUDGING = frozenset(
    {Action.APPROVE, Action.REJECT, Action.EDIT, Action.SPLIT, Action.REQUOTE, Action.RECONSIDER}
)
_SAYS_NOTHING = frozenset({"repetition", "misread"})
_DECIDED = frozenset({Status.APPROVED, Status.PUBLISHED, Status.RETIRED, Status.REJECTED})


def decided_examples(store: Store) -> tuple[Example, ...]:
    """Return the blocks with a lesson that somebody kept or rejected, by report, in reading order.

    Reports in the trash are left out, and those with a newer edition: a lesson of the newer one
    counts with the judgement that the lesson it continues got. The other sentences of a block say
    nothing.
    """
    with store.reading():
        there = [
            each.report
            for each in store.reports()
            if each.report.status is not ReportStatus.TRASHED
        ]
        replaced = {report.edition_of for report in there}
        newest = [report for report in reversed(there) if report.id not in replaced]
        return tuple(example for report in newest for example in _examples(store, report))


def _examples(store: Store, report: Report) -> Iterator[Example]:
    judged: frozenset[LessonId] = frozenset()
    for edition in _editions(store, report):
        judged = _judged(store, edition.id, judged)
    pages = {page.number: page.text for page in store.pages(report.id)}
    found: dict[tuple[int, int], Example] = {}
    for lesson in store.lessons(store.lesson_ids(report_id=report.id)).values():
        if lesson.id not in judged:
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


def _editions(store: Store, report: Report) -> list[Report]:
    """Return the editions of a report that are in the store, up to this one, oldest first."""
    found, before = [report], report.edition_of
    while before is not None and all(one.id != before for one in found):
        older = store.report(before)
        if older is None:
            break
        found.append(older)
        before = older.edition_of
    return found[::-1]


def _judged(store: Store, report_id: ReportId, before: frozenset[LessonId]) -> frozenset[LessonId]:
    """Return the decided lessons whose last word was a person's, about this lesson.

    Args:
        store: with the history.
        report_id: whose lessons.
        before: those of its earlier edition; what continues one of them was judged with it.
    """
    lessons = store.lessons(store.lesson_ids(report_id=report_id))
    judged = {one.id for one in lessons.values() if one.previous in before}
    for change in reversed(store.changes.history(report_id=report_id, limit=None)):
        if change.undone_by is not None or change.action not in _JUDGING:
            continue
        ids = {item.lesson_id for item in change.items if item.lesson_id is not None}
        is_silent = change.action is Action.RECONSIDER or change.reason in _SAYS_NOTHING
        judged = judged - ids if is_silent else judged | ids
    return frozenset(one for one in judged & lessons.keys() if lessons[one].status in _DECIDED)


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
