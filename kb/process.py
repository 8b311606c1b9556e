"""The process of a restructuring programme, read from ``corpus/process.toml``, and its calendar.

Phases, roles and events with the pages they were read from. Nothing here is advice: advice stands
in the lessons. The people who know the field may edit the file; a slip in it is caught here, with
the place named, before the site starts.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import islice
from pathlib import Path

from kb.domain import Phase, ThemeId
from kb.errors import ProcessError
from kb.tables import Table, read_tables
from kb.taxonomy import LANGUAGES, Taxonomy, Wording, wording_of

_MONTHS = range(1, 13)
_YEAR = 12
_EXIT = 24
"""The phase of exit is so many months long (``taxonomy.toml``)."""


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A month of a year. ``number`` counts from 1."""

    year: int
    number: int

    def __post_init__(self) -> None:
        if self.number not in _MONTHS:
            raise ValueError(f"{self.number} is not a month")

    def plus(self, months: int) -> "Month":
        """Return the month so many months later (or earlier)."""
        count = self.year * _YEAR + self.number - 1 + months
        return Month(count // _YEAR, count % _YEAR + 1)

    def until(self, later: "Month") -> int:
        """Return how many months it is to ``later``."""
        return (later.year - self.year) * _YEAR + later.number - self.number

    @classmethod
    def of(cls, day: date) -> "Month":
        """Return the month that ``day`` lies in."""
        return cls(day.year, day.month)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A page that was read, on ``read``. ``is_secondary``: only what others tell of it was."""

    id: str
    publisher: str
    title: str
    address: str
    read: date
    is_secondary: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something that is done in a phase."""

    text: Wording
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessPhase:
    """A phase. ``months`` is how long it takes, from and to; from 0 means «up to»."""

    id: Phase
    months: tuple[int, int] | None
    source: Source
    steps: tuple[Step, ...]
    themes: tuple[ThemeId, ...]
    question: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessRole:
    """Who takes part, and what they do."""

    id: str
    label: Wording
    does: Wording
    source: Source


class Basis(StrEnum):
    """Where an event comes from."""

    PROCESS = "process"
    """A source describes it."""
    EVALUATIONS = "evaluations"
    """No source describes it as a step; evaluations ask for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something a leader prepares for.

    At most one of ``months`` (every year), ``after_start`` and ``before_end`` (counted in months)
    is set; an event with none of them has no fixed time. ``source`` is None where ``basis`` is
    evaluations.
    """

    id: str
    label: Wording
    about: Wording
    basis: Basis
    source: Source | None
    phases: tuple[Phase, ...]
    months: tuple[int, ...]
    after_start: tuple[int, int] | None
    before_end: int | None
    themes: tuple[ThemeId, ...]
    question: str

    @property
    def has_time(self) -> bool:
        """Whether it can be placed on a timeline."""
        return bool(self.months or self.after_start or self.before_end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """Everything of ``process.toml``, in its order."""

    sources: tuple[Source, ...]
    phases: tuple[ProcessPhase, ...]
    roles: tuple[ProcessRole, ...]
    events: tuple[Event, ...]

    def phase(self, phase: Phase) -> ProcessPhase:
        """Return what is known of a phase."""
        return next(one for one in self.phases if one.id is phase)

    def event(self, event_id: str) -> Event | None:
        """Return the event with this id, or None."""
        return next((one for one in self.events if one.id == event_id), None)

    def events_in(self, phase: Phase) -> tuple[Event, ...]:
        """Return the events of a phase."""
        return tuple(one for one in self.events if phase in one.phases)


# ---- the calendar


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """When an event takes place, first and last month included."""

    event: Event
    first: Month
    last: Month


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """The months of one programme: when it began, and when it ends if its length is known."""

    start: Month
    years: int | None

    @property
    def end(self) -> Month | None:
        """The programme's last month."""
        return None if self.years is None else self.start.plus(self.years * _YEAR - 1)

    def phase(self, now: Month) -> Phase:
        """Return the phase that the months tell.

        Exit is the last two years; of a short programme its second half, since two years would be
        nearly all of it.
        """
        if now < self.start:
            return Phase.STRATEGI
        if self.years is None:
            return Phase.GJENNOMFORING
        months = self.years * _YEAR
        exit_begins = self.start.plus(max(months - _EXIT, months // 2))
        return Phase.AVSLUTNING if now >= exit_begins else Phase.GJENNOMFORING

    def windows(self, event: Event) -> tuple[Window, ...]:
        """Return when ``event`` takes place, first one first.

        Of what comes every year, the years that the programme lasts (six where that is unknown).
        """
        if event.after_start:
            first, last = (self.start.plus(months) for months in event.after_start)
            return (Window(event=event, first=first, last=last),)
        if event.before_end:
            if self.end is None:
                return ()
            first = max(self.start, self.end.plus(1 - event.before_end))
            return (Window(event=event, first=first, last=self.end),)
        if not event.months:
            return ()
        return tuple(
            Window(
                event=event,
                first=Month(year, event.months[0]),
                last=Month(year, event.months[-1]),
            )
            for year in range(self.start.year, self._last().year + 1)
            if self.start <= Month(year, event.months[-1])
            and Month(year, event.months[0]) <= self._last()
        )

    def now(self, events: Collection[Event], now: Month) -> tuple[Window, ...]:
        """Return the windows that ``now`` lies in, those that close first first."""
        found = [
            one for each in events for one in self.windows(each) if one.first <= now <= one.last
        ]
        return tuple(sorted(found, key=lambda one: (one.last, one.first)))

    def next(self, events: Collection[Event], now: Month, limit: int) -> tuple[Window, ...]:
        """Return the windows that open after ``now``, the next one first."""
        found = [one for each in events for one in self.windows(each) if one.first > now]
        return tuple(islice(sorted(found, key=lambda one: (one.first, one.last)), limit))

    def _last(self) -> Month:
        return self.end or self.start.plus(6 * _YEAR - 1)


# ---- reading the file


def load_process(path: Path, taxonomy: Taxonomy) -> Process:
    """Read the process.

    Raises:
        ProcessError: the file is missing, not TOML, or does not say what is needed; the message
            names the place and what was expected.
    """
    root = read_tables(path, ProcessError)
    root.only("version", "source", "phase", "role", "event")
    for name in ("source", "phase", "role", "event"):
        _refuse_twins(root.tables(name))
    reader = _Reader({t.text("id"): _source(t) for t in root.tables("source")}, taxonomy)
    phases = tuple(reader.phase(table) for table in root.tables("phase"))
    if {one.id for one in phases} != set(Phase):
        raise ProcessError(f"{path.name}: phase: expected exactly {', '.join(Phase)}")
    return Process(
        sources=tuple(reader.sources.values()),
        phases=phases,
        roles=tuple(reader.role(table) for table in root.tables("role")),
        events=tuple(reader.event(table) for table in root.tables("event")),
    )


def _refuse_twins(tables: Iterable[Table]) -> None:
    seen: set[str] = set()
    for table in tables:
        if table.text("id") in seen:
            raise table.wrong("id", "an id that stands once")
        seen.add(table.text("id"))


def _some(table: Table, name: str) -> tuple[str, ...]:
    texts = table.texts(name)
    if not texts:
        raise table.wrong(name, "at least one text")
    return texts


def _source(table: Table) -> Source:
    table.only("id", "publisher", "title", "address", "read", "secondary")
    if not table.text("address").startswith("https://"):
        raise table.wrong("address", "an address that begins with https://")
    return Source(
        id=table.text("id"),
        publisher=table.text("publisher"),
        title=table.text("title"),
        address=table.text("address"),
        read=table.day("read"),
        is_secondary=table.flag("secondary"),
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    sources: Mapping[str, Source]
    taxonomy: Taxonomy

    def phase(self, table: Table) -> ProcessPhase:
        table.only("id", "months", "source", "themes", "question", "step")
        return ProcessPhase(
            id=table.member(Phase, "id"),
            months=_span(table, "months") if "months" in table.values else None,
            source=self._source(table),
            steps=tuple(self._step(step) for step in table.tables("step")),
            themes=self._themes(table),
            question=table.text("question"),
        )

    def role(self, table: Table) -> ProcessRole:
        table.only("id", *LANGUAGES, *(f"does_{each}" for each in LANGUAGES), "source")
        return ProcessRole(
            id=table.text("id"),
            label=wording_of(table),
            does=wording_of(table, "does_"),
            source=self._source(table),
        )

    def event(self, table: Table) -> Event:
        table.only(
            *("id", *LANGUAGES, *(f"about_{each}" for each in LANGUAGES), "basis", "source"),
            *("phases", "months", "after_start", "before_end", "themes", "question"),
        )
        times = [name for name in ("months", "after_start", "before_end") if name in table.values]
        if len(times) > 1:
            raise table.wrong(times[1], f"only one time for an event, and {times[0]} is set")
        basis = table.member(Basis, "basis")
        if basis is Basis.EVALUATIONS and "source" in table.values:
            raise table.wrong("source", 'no source, or basis = "process"')
        return Event(
            id=table.text("id"),
            label=wording_of(table),
            about=wording_of(table, "about_"),
            basis=basis,
            source=self._source(table) if basis is Basis.PROCESS else None,
            phases=_phases(table),
            months=_months(table),
            after_start=_span(table, "after_start") if "after_start" in table.values else None,
            before_end=table.whole("before_end") if "before_end" in table.values else None,
            themes=self._themes(table),
            question=table.text("question"),
        )

    def _step(self, table: Table) -> Step:
        table.only(*LANGUAGES, "source")
        return Step(text=wording_of(table), source=self._source(table))

    def _source(self, table: Table) -> Source:
        found = self.sources.get(table.text("source"))
        if found is None:
            raise table.wrong("source", f"one of {', '.join(self.sources)}")
        return found

    def _themes(self, table: Table) -> tuple[ThemeId, ...]:
        themes = _some(table, "themes")
        for theme in themes:
            if self.taxonomy.theme(theme) is None:
                raise table.wrong("themes", f"ids of taxonomy.toml, and {theme!r} is none")
        return themes


def _phases(table: Table) -> tuple[Phase, ...]:
    phases = _some(table, "phases")
    if not set(phases) <= set(Phase):
        raise table.wrong("phases", f"some of {', '.join(Phase)}")
    return tuple(Phase(one) for one in phases)


def _months(table: Table) -> tuple[int, ...]:
    if "months" not in table.values:
        return ()
    months = table.wholes("months")
    if list(months) != sorted(set(months)) or not set(months) <= set(_MONTHS):
        raise table.wrong("months", "months from 1 to 12 in order")
    return months


def _span(table: Table, name: str) -> tuple[int, int]:
    numbers = table.wholes(name)
    if len(numbers) != 2 or not 0 <= numbers[0] <= numbers[1]:  # noqa: PLR2004 - from and to
        raise table.wrong(name, "two numbers of months, from and to")
    return numbers[0], numbers[1]
