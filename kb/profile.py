"""A reader's own programme, and how alike another programme is to it. Pure.

«Alike» is never a number: it is which of the few known facts agree. A fact that either side does
not tell is left out, so that nobody is called different for what a report forgot to say.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from kb.domain import Phase, Programme, ProgrammeType
from kb.process import Calendar, Month

LENGTHS, SIZES = range(1, 11), range(1, 21)
"""A programme lasts so many years, and has so many municipalities."""
_SIZE_SLACK = 2
_LENGTH_SLACK = 1
_PERIOD_SLACK = 8
"""Programmes that began within so many years of each other met much the same rules and times."""

_Thing = TypeVar("_Thing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a reader tells of their programme. ``start`` is its first month with funds."""

    phase: Phase | None = None
    start: Month | None = None
    programme_type: ProgrammeType | None = None
    years: int | None = None
    municipalities: int | None = None

    def __post_init__(self) -> None:
        if self.years is not None and self.years not in LENGTHS:
            raise ValueError(f"{self.years} is no length of a programme")
        if self.municipalities is not None and self.municipalities not in SIZES:
            raise ValueError(f"{self.municipalities} is no number of municipalities")

    @property
    def is_empty(self) -> bool:
        """Whether nothing is told."""
        return self == Profile()

    @property
    def calendar(self) -> Calendar | None:
        """The months of the programme; None where its start is not told."""
        return Calendar(start=self.start, years=self.years) if self.start else None

    def phase_at(self, now: Month) -> Phase | None:
        """Return the phase: what is told goes before what the months say."""
        if self.phase is not None:
            return self.phase
        return None if self.calendar is None else self.calendar.phase(now)


class Trait(StrEnum):
    """A fact that two programmes can agree in."""

    TYPE = "type"
    """One municipality, or several together."""
    SIZE = "size"
    """As many municipalities, give or take two."""
    LENGTH = "length"
    """As long, give or take a year."""
    PERIOD = "period"
    """Begun within eight years of each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """In which known facts a programme agrees with the reader's, and in which it does not."""

    same: tuple[Trait, ...]
    differing: tuple[Trait, ...]

    @property
    def is_like(self) -> bool:
        """Whether something agrees and nothing differs; the period does not count for either."""
        decisive = {Trait.TYPE, Trait.SIZE, Trait.LENGTH}
        return not decisive.isdisjoint(self.same) and decisive.isdisjoint(self.differing)


def compare(profile: Profile, programme: Programme) -> Likeness:
    """Return how alike ``programme`` is to the reader's."""
    verdicts = _verdicts(profile, programme)
    return Likeness(
        same=tuple(trait for trait, verdict in verdicts if verdict is True),
        differing=tuple(trait for trait, verdict in verdicts if verdict is False),
    )


def can_compare(profile: Profile) -> bool:
    """Whether the profile tells anything that «alike» can be decided by."""
    told = (profile.programme_type, profile.years, profile.municipalities)
    return any(one is not None for one in told)


def split(
    profile: Profile, things: Sequence[_Thing], programme_of: Callable[[_Thing], Programme]
) -> tuple[tuple[_Thing, ...], tuple[_Thing, ...]]:
    """Return ``things`` of alike programmes and of the others, each in the order they came.

    A profile that tells nothing to compare by makes all of them others.
    """
    alike: list[_Thing] = []
    others: list[_Thing] = []
    for thing in things:
        is_like = compare(profile, programme_of(thing)).is_like
        (alike if is_like else others).append(thing)
    return tuple(alike), tuple(others)


def _verdicts(profile: Profile, programme: Programme) -> list[tuple[Trait, bool | None]]:
    own_type, own_year = profile.programme_type, profile.start.year if profile.start else None
    is_same_type = None
    if own_type is not None and programme.programme_type is not None:
        is_same_type = own_type is programme.programme_type
    return [
        (Trait.TYPE, is_same_type),
        (Trait.SIZE, _near(profile.municipalities, programme.municipalities, _SIZE_SLACK)),
        (Trait.LENGTH, _near(profile.years, _length(programme), _LENGTH_SLACK)),
        (Trait.PERIOD, _near(own_year, programme.period_from, _PERIOD_SLACK)),
    ]


def _near(own: int | None, other: int | None, slack: int) -> bool | None:
    return None if own is None or other is None else abs(own - other) <= slack


def _length(programme: Programme) -> int | None:
    """Return the years a programme lasted, its first and last included: 2022-2024 is three."""
    if programme.period_from is None or programme.period_to is None:
        return None
    return programme.period_to - programme.period_from + 1
