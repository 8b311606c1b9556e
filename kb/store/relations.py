"""What people decided about pairs of lessons. The pair is kept once, the lower id first."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, or_, select

from kb.domain import LessonId, ReportId, Status
from kb.errors import NotFoundError
from kb.relations import RelationKind
from kb.store import sqlite
from kb.store.records import now
from kb.store.schema import lesson, relation
from kb.store.state import raise_generation


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


class Relations:
    """The decided relations of a store."""

    def __init__(self, connection: Connection) -> None:
        """Use the store's ``connection``."""
        self._connection = connection

    def decide(
        self, first: LessonId, second: LessonId, kind: RelationKind, verdict: Verdict, by: str
    ) -> None:
        """Keep that a person said so; what was decided about the pair before is replaced.

        Raises:
            NotFoundError: one of the lessons is not there.
            ValueError: it is one lesson.
        """
        if first == second:
            raise ValueError(f"lesson {first} stands in no relation to itself")
        if second < first:
            first, second, kind = second, first, kind.inverse
        values = {
            "first": first,
            "second": second,
            "kind": kind,
            "verdict": verdict,
            "by": by,
            "at": now(),
        }
        with sqlite.transaction(self._connection, sqlite.WRITE):
            self._refuse_unknown(first, second)
            raise_generation(self._connection)
            self._connection.execute(delete(relation).where(_is_pair(first, second)))
            self._connection.execute(insert(relation), values)

    def forget(self, first: LessonId, second: LessonId) -> bool:
        """Leave the pair undecided again; return whether it was decided."""
        first, second = sorted((first, second))
        with sqlite.transaction(self._connection, sqlite.WRITE):
            gone = self._connection.execute(delete(relation).where(_is_pair(first, second)))
            if gone.rowcount:
                raise_generation(self._connection)
            return bool(gone.rowcount)

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

    def _refuse_unknown(self, *ids: LessonId) -> None:
        found = {row.id for row in self._all(select(lesson.c.id).where(lesson.c.id.in_(ids)))}
        for one in ids:
            if one not in found:
                raise NotFoundError(f"no lesson {one}")

    def _all(self, chosen: Any) -> Iterable[Row[Any]]:
        with sqlite.reading(self._connection):
            return self._connection.execute(chosen).all()


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
