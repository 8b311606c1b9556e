"""What people decided about pairs of lessons. The pair is kept once, the lower id first.

Deciding is a change like any other (:mod:`kb.store.changes`), with history and undo.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, or_, select

from kb.domain import LessonId, ReportId, Status
from kb.relations import RelationKind
from kb.store import sqlite
from kb.store.records import now
from kb.store.schema import lesson, relation


class Verdict(StrEnum):
    """What a person said to a proposal."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """``first`` is ``kind`` to ``second``. ``at`` is UTC, ISO 8601."""

    first: LessonId
    second: LessonId
    kind: RelationKind
    verdict: Verdict
    by: str
    at: str


@dataclass(frozen=True, slots=True)
class Stance:
    """What is said of a pair: that the first is ``kind`` to the second, or that it is not."""

    kind: RelationKind
    verdict: Verdict

    @property
    def inverse(self) -> "Stance":
        """The same, said of the second and the first."""
        return Stance(self.kind.inverse, self.verdict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Relating:
    """What shall be said of a pair, where ``seen`` is what the person saw; None is undecided."""

    first: LessonId
    second: LessonId
    seen: Stance | None
    said: Stance | None


class Relations:
    """The decided relations of a store."""

    def __init__(self, connection: Connection) -> None:
        """Use the store's ``connection``."""
        self._connection = connection

    def of(self, lesson_id: LessonId) -> tuple[Relation, ...]:
        """Return what is decided about a lesson, as seen from it: it is ``first`` in each."""
        chosen = select(relation).where(
            or_(relation.c.first == lesson_id, relation.c.second == lesson_id)
        )
        found = (_relation_of(row, lesson_id) for row in self._all(chosen))
        return tuple(sorted(found, key=lambda one: one.second))

    def accepted(self, report_id: ReportId | None = None) -> tuple[Relation, ...]:
        """Return the accepted relations between published lessons, or those of one report."""
        ends = lesson.alias(), lesson.alias()
        chosen = (
            select(relation, *(end.c.report_id.label(f"report_{i}") for i, end in enumerate(ends)))
            .join(ends[0], ends[0].c.id == relation.c.first)
            .join(ends[1], ends[1].c.id == relation.c.second)
            .where(relation.c.verdict == Verdict.ACCEPTED)
            .where(*(end.c.status == Status.PUBLISHED for end in ends))
            .order_by(relation.c.first, relation.c.second)
        )
        return tuple(
            _relation_of(row, row.first)
            for row in self._all(chosen)
            if report_id in (None, row.report_0, row.report_1)
        )

    def decided(self) -> dict[LessonId, frozenset[LessonId]]:
        """Return for each lesson the others that it was decided about with, whatever was said."""
        others: dict[LessonId, set[LessonId]] = defaultdict(set)
        for row in self._all(select(relation.c.first, relation.c.second)):
            others[row.first].add(row.second)
            others[row.second].add(row.first)
        return {one: frozenset(own) for one, own in others.items()}

    def _all(self, chosen: Any) -> Iterable[Row[Any]]:
        with sqlite.reading(self._connection):
            return self._connection.execute(chosen).all()


def stance(connection: Connection, first: LessonId, second: LessonId) -> Stance | None:
    """Return what is said of a pair, as seen from ``first``. Runs in the caller's transaction."""
    low, high = sorted((first, second))
    row = connection.execute(select(relation).where(_is_pair(low, high))).first()
    if row is None:
        return None
    said = Stance(RelationKind(row.kind), Verdict(row.verdict))
    return said if first == low else said.inverse


def put_stance(connection: Connection, relating: Relating, by: str) -> None:
    """Let ``relating`` stand instead of what was said before. In the caller's transaction."""
    first, second, said = relating.first, relating.second, relating.said
    if second < first:
        first, second, said = second, first, None if said is None else said.inverse
    connection.execute(delete(relation).where(_is_pair(first, second)))
    if said is not None:
        values = {
            "first": first,
            "second": second,
            "kind": said.kind,
            "verdict": said.verdict,
            "by": by,
            "at": now(),
        }
        connection.execute(insert(relation), values)


def partners(connection: Connection, lesson_id: LessonId) -> tuple[LessonId, ...]:
    """Return the lessons that something is said of together with this one."""
    chosen = select(relation).where(
        or_(relation.c.first == lesson_id, relation.c.second == lesson_id)
    )
    rows = connection.execute(chosen).all()
    return tuple(row.second if row.first == lesson_id else row.first for row in rows)


def _is_pair(first: LessonId, second: LessonId) -> Any:
    return (relation.c.first == first) & (relation.c.second == second)


def _relation_of(row: Row[Any], seen_from: LessonId) -> Relation:
    is_first = row.first == seen_from
    kind = RelationKind(row.kind)
    return Relation(
        first=row.first if is_first else row.second,
        second=row.second if is_first else row.first,
        kind=kind if is_first else kind.inverse,
        verdict=Verdict(row.verdict),
        by=row.by,
        at=row.at,
    )
