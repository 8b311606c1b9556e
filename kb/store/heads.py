"""The lesson classifiers that were trained here: none is ever thrown away, at most one is in use.

What a head is inside is for :mod:`ingest` to know; here it is a text with its date.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, insert, select, update

from kb.errors import NotFoundError
from kb.store import sqlite
from kb.store.records import now
from kb.store.schema import head as table


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredHead:
    """A classifier as trained: ``at`` is UTC, ISO 8601; ``data`` is what its maker wrote."""

    number: int
    at: str
    data: str
    is_active: bool


class Heads:
    """The heads of a store. Each verb that writes is one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, data: str) -> int:
        """Keep a head, not yet in use; return its number."""
        values = {
            "at": now(),
            "data": data,
            "is_active": 0,
        }
        with sqlite.transaction(self._connection, sqlite.WRITE):
            key = self._connection.execute(insert(table).values(values)).inserted_primary_key
        assert key is not None  # noqa: S101 - the database always tells the row it wrote
        return int(key[0])

    def activate(self, number: int | None) -> None:
        """Use this head from the next report on; None: the one that comes with the program.

        Raises:
            NotFoundError: there is no such head.
        """
        with sqlite.transaction(self._connection, sqlite.WRITE):
            if number is not None and self._first(table.c.number == number) is None:
                raise NotFoundError(f"no head {number}")
            self._connection.execute(update(table).values(is_active=0))
            self._connection.execute(
                update(table).where(table.c.number == number).values(is_active=1)
            )

    def active(self) -> StoredHead | None:
        """Return the head in use; None when it is the one that comes with the program."""
        with sqlite.reading(self._connection):
            row = self._first(table.c.is_active == 1)
        return None if row is None else _head_of(row)

    def list(self) -> tuple[StoredHead, ...]:
        """Return every head, the newest first."""
        with sqlite.reading(self._connection):
            rows = self._connection.execute(select(table).order_by(table.c.number.desc())).all()
        return tuple(map(_head_of, rows))

    def _first(self, which: ColumnElement[bool]) -> Row[Any] | None:
        return self._connection.execute(select(table).where(which)).first()


def _head_of(row: Row[Any]) -> StoredHead:
    return StoredHead(number=row.number, at=row.at, data=row.data, is_active=bool(row.is_active))
