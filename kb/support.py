"""How many say the same as a lesson: programmes and evaluators, by what people have accepted.

Only relations that a person accepted count: «the same» carries on from lesson to lesson, «points
the same way» one step. What the program finds alike is no support. A programme's own final report
speaks for the programme, but not as an independent evaluator.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from kb.domain import LessonId, ProgrammeSlug, Report, ReportId, ReportType
from kb.relations import RelationKind
from kb.store import Relation, Store

_REPEATED, _BROAD, _BROAD_EVALUATORS = 2, 3, 2


class Breadth(StrEnum):
    """What to call it."""

    HYPOTHESIS = "hypothesis"
    """One programme says so."""
    REPEATED = "repeated"
    """Two programmes or more."""
    BROAD = "broad"
    """Three programmes or more, judged by two evaluators or more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """Who says it: the lesson's own programme and those of the ``lessons`` that agree.

    ``evaluators`` are those whose name is known and who are not the programme itself.
    """

    programmes: frozenset[ProgrammeSlug]
    evaluators: frozenset[str]
    lessons: tuple[LessonId, ...]

    @property
    def breadth(self) -> Breadth:
        """What to call it."""
        if len(self.programmes) >= _BROAD and len(self.evaluators) >= _BROAD_EVALUATORS:
            return Breadth.BROAD
        is_repeated = len(self.programmes) >= _REPEATED
        return Breadth.REPEATED if is_repeated else Breadth.HYPOTHESIS


class Agreement:
    """The accepted relations between published lessons, as they stand in one read transaction."""

    def __init__(
        self,
        relations: tuple[Relation, ...],
        reports: Mapping[ReportId, Report],
        report_of: Mapping[LessonId, ReportId],
    ) -> None:
        self._reports, self._report_of = reports, report_of
        self._same: dict[LessonId, set[LessonId]] = defaultdict(set)
        self._near: dict[LessonId, set[LessonId]] = defaultdict(set)
        for one in relations:
            into = {RelationKind.SAMME: self._same, RelationKind.STOTTER: self._near}.get(one.kind)
            if into is not None:
                into[one.first].add(one.second)
                into[one.second].add(one.first)

    @classmethod
    def read(cls, store: Store) -> Self:
        """Return what is accepted now."""
        with store.reading():
            reports = {each.report.id: each.report for each in store.reports()}
            rows = {row.lesson_id: row.report_id for row in store.facets()}
            return cls(store.relations.accepted(), reports, rows)

    def support(self, lesson_id: LessonId) -> Support:
        """Return who says the same as a published lesson."""
        same = self.same(lesson_id)
        agreeing = same.union(*(self._near.get(one, set()) for one in same)) & set(self._report_of)
        reports = [self._reports[self._report_of[one]] for one in agreeing]
        return Support(
            programmes=frozenset(one.programme.slug for one in reports),
            evaluators=frozenset(name for one in reports if (name := evaluator(one))),
            lessons=tuple(sorted(agreeing - {lesson_id})),
        )

    def same(self, lesson_id: LessonId) -> frozenset[LessonId]:
        """Return the lesson with those that say the same, each by way of the next."""
        found, waiting = {lesson_id}, [lesson_id]
        while waiting:
            new = self._same.get(waiting.pop(), set()) - found
            found |= new
            waiting.extend(new)
        return frozenset(found)


def evaluator(report: Report) -> str | None:
    """Return who judged the programme from outside; None if unknown or the programme itself."""
    if report.report_type is ReportType.SLUTTRAPPORT or report.contractor is None:
        return None
    return " ".join(report.contractor.lower().removesuffix(" as").split())
