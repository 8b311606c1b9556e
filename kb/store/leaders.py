"""What programme leaders tell of their own programme: where it is, and what they did with lessons.

Kept per account and seen by nobody else. No generation is raised: nothing of it is known to others.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select

from kb.domain import LessonId, Phase, ProgrammeType
from kb.process import Month
from kb.profile import Profile
from kb.store import sqlite
from kb.store.records import now
from kb.store.schema import profile, self_check


class Mark(StrEnum):
    """What a person made of a lesson."""

    DONE = "gjort"
    PLANNED = "planlagt"
    NOT_RELEVANT = "ikke-aktuelt"
    USED = "brukt"
    """It stands in their own plan now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a person made of one lesson; ``mark`` is None where there is only a note."""

    lesson_id: LessonId
    mark: Mark | None
    note: str


class Leaders:
    """Profiles and self-checks. Each verb that writes is one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def profile(self, account: str) -> Profile | None:
        """Return what the account told of its programme."""
        with sqlite.reading(self._connection):
            chosen = select(profile).where(profile.c.account == account)
            row = self._connection.execute(chosen).first()
        return None if row is None else _profile_of(row)

    def keep_profile(self, account: str, told: Profile) -> None:
        """Keep ``told`` instead of what was told before."""
        values = {
            "account": account,
            "phase": told.phase,
            "start_year": told.start.year if told.start else None,
            "start_month": told.start.number if told.start else None,
            "programme_type": told.programme_type,
            "years": told.years,
            "municipalities": told.municipalities,
        }
        with sqlite.transaction(self._connection, sqlite.WRITE):
            self._connection.execute(delete(profile).where(profile.c.account == account))
            self._connection.execute(insert(profile).values(values))

    def forget_profile(self, account: str) -> None:
        """Keep nothing about the account's programme any more; its self-checks stay."""
        with sqlite.transaction(self._connection, sqlite.WRITE):
            self._connection.execute(delete(profile).where(profile.c.account == account))

    def checked(self, account: str, phase: Phase) -> dict[LessonId, Checked]:
        """Return what the account made of lessons in its check of a phase, oldest first."""
        newest = (
            select(func.max(self_check.c.id))
            .where(self_check.c.account == account, self_check.c.phase == phase)
            .group_by(self_check.c.lesson_id)
        )
        chosen = select(self_check).where(self_check.c.id.in_(newest)).order_by(self_check.c.id)
        with sqlite.reading(self._connection):
            rows = self._connection.execute(chosen).all()
        return {
            row.lesson_id: Checked(
                lesson_id=row.lesson_id, mark=Mark(row.mark) if row.mark else None, note=row.note
            )
            for row in rows
            if row.mark or row.note
        }

    def check(self, account: str, phase: Phase, checked: Checked) -> None:
        """Keep what the account makes of a lesson now."""
        values = {
            "account": account,
            "phase": phase,
            "lesson_id": checked.lesson_id,
            "mark": checked.mark,
            "note": checked.note,
            "at": now(),
        }
        with sqlite.transaction(self._connection, sqlite.WRITE):
            self._connection.execute(insert(self_check).values(values))

    def undo_check(self, account: str, phase: Phase) -> LessonId | None:
        """Take back the account's last act in a phase; return whose lesson it was, if any."""
        own = (self_check.c.account == account) & (self_check.c.phase == phase)
        last = select(func.max(self_check.c.id)).where(own).scalar_subquery()
        with sqlite.transaction(self._connection, sqlite.WRITE):
            row = self._connection.execute(
                delete(self_check).where(self_check.c.id == last).returning(self_check.c.lesson_id)
            ).first()
        return None if row is None else row.lesson_id


def _profile_of(row: Row[Any]) -> Profile:
    is_dated = row.start_year is not None and row.start_month is not None
    return Profile(
        phase=Phase(row.phase) if row.phase else None,
        start=Month(row.start_year, row.start_month) if is_dated else None,
        programme_type=ProgrammeType(row.programme_type) if row.programme_type else None,
        years=row.years,
        municipalities=row.municipalities,
    )
