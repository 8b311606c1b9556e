"""When lessons became visible to readers, read from the history of decisions.

The number of a change tells order better than its time: changes are numbered as they are committed,
one after the other, so whatever is published later has a higher number.
"""

import json
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from kb.domain import LessonId, Status
from kb.store import sqlite
from kb.store.schema import change, change_item, lesson


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """The change by which a lesson was last published; ``at`` is UTC, ISO 8601."""

    change: int
    at: str


class Publications:
    """What a store's history tells of when readers came to see what."""

    def __init__(self, connection: Connection) -> None:
        """Use the store's ``connection``."""
        self._connection = connection

    def all(self) -> dict[LessonId, Publication]:
        """Return the last publication of every lesson that is published now.

        A lesson that was published before there was a history is left out.
        """
        chosen = (
            select(change_item.c.lesson_id, change_item.c.after, change.c.id, change.c.at)
            .join(change, change.c.id == change_item.c.change_id)
            .join(lesson, lesson.c.id == change_item.c.lesson_id)
            .where(lesson.c.status == Status.PUBLISHED, change_item.c.after.like('%"status"%'))
            .order_by(change.c.id)
        )
        with sqlite.reading(self._connection):
            rows = self._connection.execute(chosen).all()
        return {
            row.lesson_id: Publication(change=row.id, at=row.at)
            for row in rows
            if json.loads(row.after).get("status") == Status.PUBLISHED
        }

    def last_change(self) -> int:
        """Return the number of the last change of all; 0 before the first."""
        with sqlite.reading(self._connection):
            return int(self._connection.scalar(select(func.max(change.c.id))) or 0)
