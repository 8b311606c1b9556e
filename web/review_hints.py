"""What helps a person decide: remarks on a proposal, what it resembles, and its relations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kb.domain import Lesson, LessonId, Report, ReportId, Status
from kb.likeness import nearest
from kb.lint import Finding, lint
from kb.relations import Proposer, RelationKind
from kb.store import Store
from kb.store.relations import Relation, Verdict

AT_ONCE = 600
"""With more published lessons, relations are looked for only when asked: it takes a second."""
_GONE = frozenset({Status.MERGED, Status.RETIRED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """A lesson of another report, what this one may be to it or is, and why."""

    lesson: Lesson
    report: Report
    kind: RelationKind
    reason: str
    decided: Relation | None

    @property
    def is_accepted(self) -> bool:
        """Whether a person has said that it is so."""
        return self.decided is not None and self.decided.verdict is Verdict.ACCEPTED


def remarks(lessons: Sequence[Lesson], report: Report) -> Mapping[LessonId, tuple[Finding, ...]]:
    """Return what is to be remarked about each lesson; () if nothing, or nothing any more."""
    return {
        one.id: () if one.status in _GONE | {Status.REJECTED} else lint(one, report)
        for one in lessons
    }


def alike(
    store: Store, model_id: str, lesson: Lesson, lessons: Sequence[Lesson]
) -> tuple[Lesson, ...]:
    """Return the lessons of the same report that are most like ``lesson``, the nearest first."""
    there = {one.id: one for one in lessons if one.status not in _GONE or one.id == lesson.id}
    found = nearest(list(there.values()), store.vectors_of(lesson.report_id, model_id))
    return tuple(there[id_] for id_, _likeness in found[lesson.id])


def related(
    store: Store, model_id: str, lesson: Lesson, *, is_asked: bool
) -> tuple[Related, ...] | None:
    """Return relations to other reports: those decided, then those proposed.

    None if that would take long and was not asked for.
    """
    decided = {one.second: one for one in store.relations.of(lesson.id)}
    ids = store.lesson_ids(status=Status.PUBLISHED)
    if len(ids) > AT_ONCE and not is_asked:
        return None
    others = store.lessons([*ids, *decided])
    reports = {summary.report.id: summary.report for summary in store.reports()}
    same = _editions(reports[lesson.report_id], reports)
    compared = [lesson, *(others[id_] for id_ in ids if others[id_].report_id not in same)]
    proposer = Proposer(compared, _vectors(store, model_id, lesson))
    proposed = proposer.propose(lesson.id, decided)
    return (
        *(
            Related(
                lesson=others[id_],
                report=reports[others[id_].report_id],
                kind=one.kind,
                reason="",
                decided=one,
            )
            for id_, one in decided.items()
        ),
        *(
            Related(
                lesson=others[one.other],
                report=reports[others[one.other].report_id],
                kind=one.kind,
                reason=one.reason,
                decided=None,
            )
            for one in proposed
        ),
    )


def _editions(report: Report, reports: Mapping[ReportId, Report]) -> frozenset[ReportId]:
    """Return the report with the editions next to it, which say the same by nature."""
    newer = {one.id for one in reports.values() if one.edition_of == report.id}
    return frozenset({report.id, *newer, *([report.edition_of] if report.edition_of else [])})


def _vectors(store: Store, model_id: str, lesson: Lesson) -> dict[LessonId, NDArray[np.float32]]:
    published = {row.lesson_id: row.vectors for row in store.rows(model_id)}
    return published | store.vectors_of(lesson.report_id, model_id)
