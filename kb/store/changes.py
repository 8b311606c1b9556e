"""What people decide: one change at a time, all of it or nothing, kept with before and after.

A change is a set of lessons and reports as they shall stand from now on. It is refused when one of
them is no longer as the person saw it, or when a quote does not stand word for word on its page.
History is only added to; undoing is a change of its own.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, delete, insert, select, update

from kb.domain import Lesson, LessonId, Report, ReportId, ReportStatus, Status
from kb.errors import ConflictError, NotFoundError, NotVerbatimError, NoUndo, UndoError
from kb.passages import passages_of
from kb.relations import RelationKind
from kb.store import audit, snapshots, sqlite
from kb.store import lessons as lessons_of
from kb.store import records as rec
from kb.store.relations import Relating, Stance, Verdict, partners, put_stance, stance
from kb.store.schema import (
    change,
    change_item,
    evidence_span,
    gone,
    lesson,
    page,
    programme,
    token_vector,
    vector,
)
from kb.store.schema import report as report_table
from kb.store.state import raise_generation
from kb.tokens import Tokens

Vectors = Mapping[LessonId, NDArray[np.float32]]


RELATION = "relation:"
"""Begins the name of a value that says what a lesson is to another: ``relation:`` and its id."""


class Action(StrEnum):
    """What a person did."""

    APPROVE = "approve"
    REJECT = "reject"
    RECONSIDER = "reconsider"
    EDIT = "edit"
    REQUOTE = "requote"
    SPLIT = "split"
    MERGE = "merge"
    METADATA = "metadata"
    PUBLISH = "publish"
    WITHDRAW = "withdraw"
    TRASH = "trash"
    RESTORE = "restore"
    EDITION = "edition"
    RELATE = "relate"
    UNDO = "undo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """What shall stand. Each lesson and report carries the ``version`` that the person saw.

    ``lessons`` that are not stored are added; those in ``removed`` (id and version) are taken away,
    with what was said of them and others.
    ``vectors`` are given for every lesson whose passages differ from the stored ones, and so are
    ``tokens``, where the model gives any.
    """

    action: Action
    report_id: ReportId
    by: str
    reason: str | None = None
    lessons: tuple[Lesson, ...] = ()
    removed: Mapping[LessonId, int] = field(default_factory=dict)
    reports: tuple[Report, ...] = ()
    relations: tuple[Relating, ...] = ()
    vectors: Vectors = field(default_factory=dict)
    tokens: Mapping[LessonId, Sequence[Tokens]] = field(default_factory=dict)
    model_id: str = ""
    undoes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One lesson, or a report where ``lesson_id`` is None; only the values that changed.

    What a lesson is to another is an item of its own, of each of the two.
    """

    report_id: ReportId
    lesson_id: LessonId | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None

    @property
    def related(self) -> LessonId | None:
        """The other lesson, if the item says what this one is to it."""
        name = next(iter(self.after or self.before or {}), "")
        return name.removeprefix(RELATION) if name.startswith(RELATION) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One entry of the history. ``undone_by`` is the change that took it back, if any."""

    id: int
    at: str
    by: str
    action: Action
    report_id: ReportId
    reason: str | None
    undoes: int | None
    undone_by: int | None
    items: tuple[Item, ...]


class Changes:
    """The history of a store, and the one way to change what has been decided."""

    def __init__(self, connection: Connection) -> None:
        """Use the store's ``connection``."""
        self._connection = connection

    def revise(self, revision: Revision) -> int:
        """Let ``revision`` stand; return the number of the change. Durable when this returns.

        A lesson that was to be published in a report that is not is approved instead.

        Raises:
            ConflictError: a lesson or report is no longer of the version given, something else is
                said of a pair than was seen, or a report would be left unpublished with published
                lessons.
            NotFoundError: a report, or a lesson of a pair, is not there.
            NotVerbatimError: a quote does not stand at its spans, or an unedited statement in none.
            ValueError: vectors lack.
        """
        with sqlite.transaction(self._connection, sqlite.WRITE):
            return _Writer(self._connection, revision).write()

    def reverse(self, change_id: int, by: str) -> Revision:
        """Return what undoes a change, without vectors; pass it on to :meth:`revise`.

        Raises:
            NotFoundError: there is no such change.
            UndoError: it is undone already, or something was changed since.
        """
        with self._reading():
            found = self._changes(select(change).where(change.c.id == change_id))
            if not found:
                raise NotFoundError(f"no change {change_id}")
            done = found[0]
            if done.undone_by is not None:
                raise UndoError(NoUndo.DONE, f"change {change_id}, by {done.undone_by}")
            return _Reverser(self._connection, done, by).revision()

    def history(
        self,
        *,
        report_id: ReportId | None = None,
        lesson_id: LessonId | None = None,
        limit: int | None = 200,
    ) -> tuple[Change, ...]:
        """Return what was done, last first: to a report and its lessons, or to one lesson.

        At most ``limit`` changes, all of them where it is None.
        """
        chosen = select(change).order_by(change.c.id.desc()).limit(limit)
        if report_id is not None:
            touched = select(change_item.c.change_id).where(change_item.c.report_id == report_id)
            chosen = chosen.where(change.c.id.in_(touched))
        if lesson_id is not None:
            touched = select(change_item.c.change_id).where(change_item.c.lesson_id == lesson_id)
            chosen = chosen.where(change.c.id.in_(touched))
        with self._reading():
            return tuple(self._changes(chosen))

    def _changes(self, chosen: Any) -> list[Change]:
        rows = self._connection.execute(chosen).all()
        items: dict[int, list[Item]] = {row.id: [] for row in rows}
        undone: dict[int, int] = {}
        for batch in rec.batches(items):
            own = select(change_item).where(change_item.c.change_id.in_(batch))
            for row in self._connection.execute(own.order_by(*change_item.primary_key.columns)):
                items[row.change_id].append(_item_of(row))
            undoing = select(change.c.id, change.c.undoes).where(change.c.undoes.in_(batch))
            undone |= {row.undoes: row.id for row in self._connection.execute(undoing)}
        return [
            Change(
                id=row.id,
                at=row.at,
                by=row.by,
                action=Action(row.action),
                report_id=row.report_id,
                reason=row.reason,
                undoes=row.undoes,
                undone_by=undone.get(row.id),
                items=tuple(items[row.id]),
            )
            for row in rows
        ]

    def _reading(self) -> Any:
        return sqlite.reading(self._connection)


def _item_of(row: Row[Any]) -> Item:
    return Item(
        report_id=row.report_id,
        lesson_id=row.lesson_id,
        before=None if row.before is None else json.loads(row.before),
        after=None if row.after is None else json.loads(row.after),
    )


class _Writer:
    """Writes one revision inside one transaction."""

    def __init__(self, connection: Connection, revision: Revision) -> None:
        self._connection, self._revision = connection, revision
        self._generation = 0
        self._items: list[Item] = []

    def write(self) -> int:
        self._generation = raise_generation(self._connection)
        for report in self._revision.reports:
            self._put_report(report)
        stored = lessons_of.read(self._connection, [one.id for one in self._revision.lessons])
        published = self._published_reports()
        for one in self._revision.lessons:
            if one.status is Status.PUBLISHED and one.report_id not in published:
                one = replace(one, status=Status.APPROVED)  # noqa: PLW2901 - readers come later
            self._put_lesson(one, stored.get(one.id))
        for relating in self._revision.relations:
            self._relate(relating)
        for lesson_id, version in self._revision.removed.items():
            self._remove(lesson_id, version)
        self._refuse_published_in_unpublished()
        lessons_of.put_words(self._connection, [one.id for one in self._revision.lessons])
        return self._note()

    def _refuse_published_in_unpublished(self) -> None:
        touched = {one.report_id for one in self._items}
        shown = (
            select(lesson.c.id)
            .join(report_table, report_table.c.id == lesson.c.report_id)
            .where(
                report_table.c.id.in_(touched),
                report_table.c.status != ReportStatus.PUBLISHED,
                lesson.c.status == Status.PUBLISHED,
            )
        )
        left = self._connection.execute(shown).first()
        if left is not None:
            raise ConflictError(f"lesson {left.id} is published, its report is not")

    def _published_reports(self) -> set[ReportId]:
        chosen = select(report_table.c.id).where(
            report_table.c.id.in_({one.report_id for one in self._revision.lessons}),
            report_table.c.status == ReportStatus.PUBLISHED,
        )
        return set(self._connection.scalars(chosen))

    def _put_report(self, wanted: Report) -> None:
        before = _report(self._connection, wanted.id)
        if before is None:
            raise NotFoundError(f"no report {wanted.id}")
        _refuse_other_version(f"report {wanted.id}", wanted.version, before.version)
        values = rec.report_record(wanted, self._generation)
        del values["added"]
        self._put_programme(wanted)
        self._connection.execute(
            update(report_table).where(report_table.c.id == wanted.id).values(values)
        )
        drop_programme_without_reports(self._connection, before.programme.slug)
        self._add_item(wanted.id, None, snapshots.of_report(before), snapshots.of_report(wanted))

    def _put_programme(self, wanted: Report) -> None:
        values = rec.programme_record(wanted.programme)
        same = programme.c.slug == wanted.programme.slug
        known = self._connection.execute(select(programme).where(same)).first()
        if known is None:
            self._connection.execute(insert(programme), values)
        elif known._asdict() != values:
            self._connection.execute(update(programme).where(same).values(values))
            of_it = report_table.c.programme == wanted.programme.slug
            self._connection.execute(  # whoever corrects another report of it must look again
                update(report_table).where(of_it).values(changed=self._generation)
            )

    def _put_lesson(self, wanted: Lesson, before: Lesson | None) -> None:
        self._refuse_unsound(wanted)
        if before is None:
            self._insert_lesson(wanted)
            self._add_item(wanted.report_id, wanted.id, None, snapshots.of_lesson(wanted))
            return
        _refuse_other_version(f"lesson {wanted.id}", wanted.version, before.version)
        values = lessons_of.lesson_record(wanted, 0, self._generation)
        for fixed in ("position", "created", "id", "report_id"):
            del values[fixed]
        self._connection.execute(update(lesson).where(lesson.c.id == wanted.id).values(values))
        self._replace_parts(wanted, vectors_too=passages_of(wanted) != passages_of(before))
        self._add_item(
            wanted.report_id, wanted.id, snapshots.of_lesson(before), snapshots.of_lesson(wanted)
        )

    def _insert_lesson(self, wanted: Lesson) -> None:
        if wanted.version:
            raise ConflictError(f"lesson {wanted.id} is gone")
        position = _position_for(self._connection, wanted)
        record = lessons_of.lesson_record(wanted, position, self._generation)
        self._connection.execute(insert(lesson), record)
        self._connection.execute(delete(gone).where(gone.c.lesson_id == wanted.id))
        self._replace_parts(wanted, vectors_too=True)

    def _replace_parts(self, wanted: Lesson, *, vectors_too: bool) -> None:
        lessons_of.remove_parts(self._connection, wanted.id)
        lessons_of.insert_parts(self._connection, [wanted])
        if vectors_too:
            own = self._revision.vectors.get(wanted.id)
            rows = rec.vector_records(wanted, own, self._revision.model_id)
            self._connection.execute(delete(vector).where(vector.c.lesson_id == wanted.id))
            self._connection.execute(insert(vector), rows)
            self._replace_tokens(wanted.id)

    def _replace_tokens(self, lesson_id: LessonId) -> None:
        self._connection.execute(delete(token_vector).where(token_vector.c.lesson_id == lesson_id))
        own = self._revision.tokens.get(lesson_id, ())
        rows = rec.token_records(lesson_id, own, self._revision.model_id)
        if rows:
            self._connection.execute(insert(token_vector), rows)

    def _refuse_unsound(self, wanted: Lesson) -> None:
        numbers = {span.page for one in wanted.evidence for span in one.spans}
        rows = self._connection.execute(
            select(page.c.number, page.c.text).where(
                page.c.report_id == wanted.report_id, page.c.number.in_(numbers)
            )
        )
        texts = {row.number: row.text for row in rows}
        if any(one.report_id != wanted.report_id for one in wanted.evidence):
            raise NotVerbatimError(f"lesson {wanted.id} has a quote of another report")
        for problem in audit.unsaid(wanted, texts):
            raise NotVerbatimError(problem)

    def _remove(self, lesson_id: LessonId, version: int) -> None:
        before = lessons_of.read(self._connection, [lesson_id]).get(lesson_id)
        if before is None:
            raise ConflictError(f"lesson {lesson_id} is gone")
        _refuse_other_version(f"lesson {lesson_id}", version, before.version)
        for other in partners(self._connection, lesson_id):
            seen = stance(self._connection, lesson_id, other)
            self._relate(Relating(first=lesson_id, second=other, seen=seen, said=None))
        lessons_of.remove(self._connection, [lesson_id], self._generation)
        self._add_item(before.report_id, lesson_id, snapshots.of_lesson(before), None)

    def _relate(self, relating: Relating) -> None:
        ids = (relating.first, relating.second)
        rows = self._connection.execute(
            select(lesson.c.id, lesson.c.report_id).where(lesson.c.id.in_(ids))
        )
        reports = {row.id: row.report_id for row in rows}
        for one in ids:
            if one not in reports:
                raise NotFoundError(f"no lesson {one}")
        before = stance(self._connection, *ids)
        if before != relating.seen:
            raise ConflictError(f"of {ids} is said {before}, not {relating.seen}")
        put_stance(self._connection, relating, self._revision.by)
        pairs = ((before, relating.said), (_inverse(before), _inverse(relating.said)))
        for own, other, (was, is_now) in zip(ids, ids[::-1], pairs, strict=True):
            name = RELATION + other
            self._add_item(reports[own], own, {name: _plain(was)}, {name: _plain(is_now)})

    def _add_item(
        self,
        report_id: ReportId,
        lesson_id: LessonId | None,
        before: dict[str, Any] | None,
        after: dict[str, Any] | None,
    ) -> None:
        if before is not None and after is not None:
            differing = [name for name in after if after[name] != before[name]]
            if not differing:
                return
            before = {name: before[name] for name in differing}
            after = {name: after[name] for name in differing}
        self._items.append(
            Item(report_id=report_id, lesson_id=lesson_id, before=before, after=after)
        )

    def _note(self) -> int:
        values = {
            "at": rec.now(),
            "by": self._revision.by,
            "action": self._revision.action,
            "report_id": self._revision.report_id,
            "reason": self._revision.reason,
            "undoes": self._revision.undoes,
        }
        key = self._connection.execute(insert(change), values).inserted_primary_key
        assert key is not None  # noqa: S101 SQLite always tells the row it wrote
        rows = [
            {
                "change_id": key[0],
                "position": position,
                "report_id": item.report_id,
                "lesson_id": item.lesson_id,
                "before": None if item.before is None else rec.to_json(item.before),
                "after": None if item.after is None else rec.to_json(item.after),
            }
            for position, item in enumerate(self._items)
        ]
        if rows:
            self._connection.execute(insert(change_item), rows)
        return int(key[0])


class _Reverser:
    """Turns a change around, where all it touched still is as it left it."""

    def __init__(self, connection: Connection, done: Change, by: str) -> None:
        self._connection, self._done, self._by = connection, done, by

    def revision(self) -> Revision:
        ids = [item.lesson_id for item in self._done.items if item.lesson_id is not None]
        stored = lessons_of.read(self._connection, ids)
        lessons: list[Lesson] = []
        removed: dict[LessonId, int] = {}
        for item in self._done.items:
            if item.lesson_id is None or item.related is not None:
                continue
            now = stored.get(item.lesson_id)
            _refuse_touched(item, None if now is None else snapshots.of_lesson(now))
            if item.before is None:
                removed[item.lesson_id] = now.version if now else 0
            else:
                lessons.append(
                    snapshots.lesson_of(item.lesson_id, item.report_id, item.before, now)
                )
        return Revision(
            action=Action.UNDO,
            report_id=self._done.report_id,
            by=self._by,
            lessons=tuple(lessons),
            removed=removed,
            reports=tuple(self._reports()),
            relations=tuple(self._relations()),
            undoes=self._done.id,
        )

    def _relations(self) -> Iterator[Relating]:
        turned: set[frozenset[LessonId]] = set()
        for item in self._done.items:
            own, other = item.lesson_id, item.related
            if own is None or other is None or {own, other} in turned:
                continue
            turned.add(frozenset({own, other}))
            left, back = (
                _stance_of((values or {}).get(RELATION + other))
                for values in (item.after, item.before)
            )
            if stance(self._connection, own, other) != left:
                raise UndoError(NoUndo.CHANGED, f"what {own} is to {other}")
            yield Relating(first=own, second=other, seen=left, said=back)

    def _reports(self) -> Iterator[Report]:
        for item in self._done.items:
            if item.lesson_id is not None:
                continue
            now = _report(self._connection, item.report_id)
            if now is None or item.before is None:
                raise UndoError(NoUndo.CHANGED, f"report {item.report_id} is gone")
            _refuse_touched(item, snapshots.of_report(now))
            yield snapshots.report_of(now, item.before)


def _inverse(said: Stance | None) -> Stance | None:
    return None if said is None else said.inverse


def _plain(said: Stance | None) -> list[str] | None:
    return None if said is None else [said.kind.value, said.verdict.value]


def _stance_of(plain: Sequence[str] | None) -> Stance | None:
    return None if plain is None else Stance(RelationKind(plain[0]), Verdict(plain[1]))


def _refuse_touched(item: Item, now: dict[str, Any] | None) -> None:
    what = item.lesson_id or item.report_id
    is_other = now is not None and any(
        now[name] != value for name, value in (item.after or {}).items()
    )
    if (now is None) != (item.after is None) or is_other:
        raise UndoError(NoUndo.CHANGED, what)


def _refuse_other_version(what: str, seen: int, now: int) -> None:
    if seen != now:
        raise ConflictError(f"{what} is of generation {now}, not {seen}")


def _report(connection: Connection, report_id: ReportId) -> Report | None:
    row = connection.execute(select(report_table).where(report_table.c.id == report_id)).first()
    if row is None:
        return None
    own = connection.execute(select(programme).where(programme.c.slug == row.programme)).one()
    return rec.report_of(row, rec.programme_of(own))


def drop_programme_without_reports(connection: Connection, slug: str) -> None:
    """Take a programme away if no report is about it any more."""
    own = select(report_table.c.id).where(report_table.c.programme == slug)
    if connection.execute(own).first() is None:
        connection.execute(delete(programme).where(programme.c.slug == slug))


def _position_for(connection: Connection, wanted: Lesson) -> int:
    """Return the place in reading order of a lesson that joins a report's others."""
    first = (wanted.evidence[0].page, wanted.evidence[0].spans[0].start)
    rows = connection.execute(
        select(lesson.c.position, evidence_span.c.page, evidence_span.c.start_at)
        .join(evidence_span, evidence_span.c.lesson_id == lesson.c.id)
        .where(
            lesson.c.report_id == wanted.report_id,
            evidence_span.c.evidence == 0,
            evidence_span.c.position == 0,
        )
    )
    before = [row.position for row in rows if (row.page, row.start_at) <= first]
    return max(before, default=0)
