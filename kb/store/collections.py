"""Lessons that a person keeps, in an order of their own; nobody else's, unless they share them.

Every verb that takes an owner acts on that owner's collections only: somebody else's are as if they
did not exist. No generation is raised here: a collection is no part of what is known about
programmes. A lesson is kept by its id alone, so that its words are always those that stand now.
"""

import hashlib
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, func, insert, select, update

from kb.domain import LessonId
from kb.errors import CollectionFullError, NotFoundError
from kb.store import sqlite
from kb.store.records import now
from kb.store.schema import account, collection, collection_lesson

CollectionId = int
MOST_LESSONS, MOST_COLLECTIONS = 500, 100
"""A collection holds, and an account keeps, at most so many."""
KEPT_DAYS = 30
"""So long can what was deleted or removed be taken back."""
_TOKEN_BYTES = 24

_own, _in = collection, collection_lesson


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A lesson in a collection with the owner's ``note`` on it."""

    lesson_id: LessonId
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """What a person collected. ``lessons`` are in their order. Times are UTC, ISO 8601.

    ``removed`` are lessons that can still be put back, the last taken out first. ``deleted`` tells
    when the collection itself was, and is None while it stands.
    """

    id: CollectionId
    owner: str
    name: str
    intro: str
    is_shared: bool
    created: str
    deleted: str | None
    lessons: tuple[Kept, ...]
    removed: tuple[Kept, ...]


class Collections:
    """The collections of a store. Each verb that writes is one transaction.

    Raises, where a collection is named that the owner does not have: NotFoundError.
    """

    def __init__(self, connection: Connection) -> None:
        """Use the store's ``connection``."""
        self._connection = connection

    def create(self, owner: str, name: str, lessons: Sequence[LessonId] = ()) -> Collection:
        """Keep a new collection with these lessons and return it.

        Raises:
            CollectionFullError: the owner has too many, or these are too many lessons.
        """
        with self._writing():
            self._forget_old()
            chosen = select(func.count()).where(_own.c.owner == owner)
            if (self._connection.scalar(chosen) or 0) >= MOST_COLLECTIONS:
                raise CollectionFullError(f"{owner} has {MOST_COLLECTIONS} collections")
            values = {
                "owner": owner,
                "name": name,
                "intro": "",
                "created": now(),
                "used": self._next_use(),
            }
            made = self._connection.execute(insert(_own).values(values).returning(_own.c.id))
            collection_id = int(made.scalar_one())
            self._append(collection_id, lessons)
            return self._known(owner, collection_id)

    def all(self, owner: str) -> tuple[Collection, ...]:
        """Return the owner's collections, last used first; those deleted too, while they last."""
        chosen = select(_own).where(_own.c.owner == owner).order_by(_own.c.used.desc())
        with sqlite.reading(self._connection):
            return self._read(chosen)

    def get(self, owner: str, collection_id: CollectionId) -> Collection | None:
        """Return one of the owner's collections that is not deleted, or None."""
        with sqlite.reading(self._connection):
            found = self._read(select(_own).where(*self._is(owner, collection_id)))
        return found[0] if found and found[0].deleted is None else None

    def holding(self, owner: str) -> Mapping[LessonId, str]:
        """Return for each lesson the owner keeps the name of the collection last used with it."""
        chosen = (
            select(_in.c.lesson_id, _own.c.name)
            .join(_own, _own.c.id == _in.c.collection)
            .where(_own.c.owner == owner, _own.c.deleted.is_(None), _in.c.removed.is_(None))
            .order_by(_own.c.used)
        )
        with sqlite.reading(self._connection):
            return {row.lesson_id: row.name for row in self._connection.execute(chosen)}

    def describe(self, owner: str, collection_id: CollectionId, name: str, intro: str) -> None:
        """Give the collection another name and introduction."""
        self._change(owner, collection_id, name=name, intro=intro)

    def add(self, owner: str, collection_id: CollectionId, lessons: Sequence[LessonId]) -> None:
        """Put lessons last; those that are in it stay where they are, removed ones come back.

        Raises:
            CollectionFullError: the collection would become too long.
        """
        with self._changing(owner, collection_id):
            self._append(collection_id, lessons)

    def annotate(
        self, owner: str, collection_id: CollectionId, lesson_id: LessonId, note: str
    ) -> None:
        """Keep the owner's words about a lesson."""
        with self._changing(owner, collection_id):
            self._set(collection_id, lesson_id, note=note)

    def move(
        self, owner: str, collection_id: CollectionId, lesson_id: LessonId, steps: int
    ) -> None:
        """Move a lesson down by ``steps``, up if negative; the ends are the limit."""
        with self._changing(owner, collection_id) as before:
            order = [one.lesson_id for one in before.lessons]
            if lesson_id not in order:
                raise NotFoundError(f"lesson {lesson_id} in collection {collection_id}")
            place = order.index(lesson_id)
            order.insert(max(0, place + steps), order.pop(place))
            for position, each in enumerate(order):
                self._set(collection_id, each, position=position)

    def remove(self, owner: str, collection_id: CollectionId, lesson_id: LessonId) -> None:
        """Take a lesson out; it can be put back where it was, with its note."""
        with self._changing(owner, collection_id):
            self._forget_old()
            self._set(collection_id, lesson_id, removed=now())

    def put_back(self, owner: str, collection_id: CollectionId, lesson_id: LessonId) -> None:
        """Undo :meth:`remove`."""
        with self._changing(owner, collection_id):
            self._set(collection_id, lesson_id, removed=None)

    def delete(self, owner: str, collection_id: CollectionId) -> None:
        """Delete the collection, and its link for good; the rest can be restored."""
        self._change(owner, collection_id, deleted=now(), share_sha256=None)

    def restore(self, owner: str, collection_id: CollectionId) -> None:
        """Undo :meth:`delete`; the collection is private again."""
        is_deleted = _own.c.deleted.is_not(None)
        with self._writing():
            done = self._connection.execute(
                update(_own).where(*self._is(owner, collection_id), is_deleted).values(deleted=None)
            )
            if done.rowcount != 1:
                raise NotFoundError(f"collection {collection_id} among the deleted")

    def share(self, owner: str, collection_id: CollectionId) -> str:
        """Return the token of a new link that lets others read; a link before it ends.

        The token cannot be had again: only its hash is kept.
        """
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        self._change(owner, collection_id, share_sha256=_hash(token))
        return token

    def stop_sharing(self, owner: str, collection_id: CollectionId) -> None:
        """Let the link end."""
        self._change(owner, collection_id, share_sha256=None)

    def shared(self, token: str) -> Collection | None:
        """Return what the link with this token shows; None if it ended or its owner is shut out."""
        chosen = (
            select(_own)
            .join(account, account.c.name == _own.c.owner)
            .where(
                _own.c.share_sha256 == _hash(token),
                _own.c.deleted.is_(None),
                account.c.is_disabled == 0,
            )
        )
        with sqlite.reading(self._connection):
            found = self._read(chosen)
        return found[0] if found else None

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with sqlite.transaction(self._connection, sqlite.WRITE):
            yield

    @contextmanager
    def _changing(self, owner: str, collection_id: CollectionId) -> Iterator[Collection]:
        """Let a collection be changed in one transaction, and note that it was used last."""
        with self._writing():
            yield self._known(owner, collection_id)
            self._connection.execute(
                update(_own).where(_own.c.id == collection_id).values(used=self._next_use())
            )

    def _change(self, owner: str, collection_id: CollectionId, **values: object) -> None:
        with self._changing(owner, collection_id):
            self._connection.execute(update(_own).where(_own.c.id == collection_id).values(values))

    def _set(self, collection_id: CollectionId, lesson_id: LessonId, **values: object) -> None:
        same = (_in.c.collection == collection_id) & (_in.c.lesson_id == lesson_id)
        if self._connection.execute(update(_in).where(same).values(values)).rowcount != 1:
            raise NotFoundError(f"lesson {lesson_id} in collection {collection_id}")

    def _append(self, collection_id: CollectionId, lessons: Sequence[LessonId]) -> None:
        rows = self._connection.execute(select(_in).where(_in.c.collection == collection_id)).all()
        known = {row.lesson_id: row.removed for row in rows}
        last = max((row.position for row in rows), default=-1)
        new = [each for each in dict.fromkeys(lessons) if each not in known]
        if len(known) + len(new) > MOST_LESSONS:
            raise CollectionFullError(f"a collection holds {MOST_LESSONS} lessons")
        for each in lessons:
            if known.get(each):
                self._set(collection_id, each, removed=None)
        if new:
            self._connection.execute(
                insert(_in),
                [
                    {"collection": collection_id, "lesson_id": each, "position": place, "note": ""}
                    for place, each in enumerate(new, start=last + 1)
                ],
            )

    def _known(self, owner: str, collection_id: CollectionId) -> Collection:
        found = self.get(owner, collection_id)
        if found is None:
            raise NotFoundError(f"collection {collection_id}")
        return found

    def _next_use(self) -> int:
        return int(self._connection.scalar(select(func.max(_own.c.used))) or 0) + 1

    def _forget_old(self) -> None:
        """Forget for good what was deleted or removed long ago."""
        limit = (datetime.now(UTC) - timedelta(days=KEPT_DAYS)).isoformat(timespec="seconds")
        old = select(_own.c.id).where(_own.c.deleted < limit)
        for gone in (_in.c.collection.in_(old), _in.c.removed < limit):
            self._connection.execute(delete(_in).where(gone))
        self._connection.execute(delete(_own).where(_own.c.deleted < limit))

    def _is(self, owner: str, collection_id: CollectionId) -> tuple[Any, ...]:
        return _own.c.id == collection_id, _own.c.owner == owner

    def _read(self, chosen: Select[Any]) -> tuple[Collection, ...]:
        rows = self._connection.execute(chosen).all()
        ids = [row.id for row in rows]
        parts = self._connection.execute(
            select(_in).where(_in.c.collection.in_(ids)).order_by(_in.c.position)
        ).all()
        return tuple(
            _collection_of(row, [part for part in parts if part.collection == row.id])
            for row in rows
        )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _collection_of(row: Row[Any], parts: Iterable[Row[Any]]) -> Collection:
    all_parts = list(parts)
    removed = sorted((one for one in all_parts if one.removed), key=lambda one: one.removed)
    return Collection(
        id=row.id,
        owner=row.owner,
        name=row.name,
        intro=row.intro,
        is_shared=row.share_sha256 is not None,
        created=row.created,
        deleted=row.deleted,
        lessons=tuple(_kept_of(one) for one in all_parts if not one.removed),
        removed=tuple(_kept_of(one) for one in reversed(removed)),
    )


def _kept_of(row: Row[Any]) -> Kept:
    return Kept(lesson_id=row.lesson_id, note=row.note)
