"""What every published lesson can be filtered by, as columns of small numbers.

A hundred thousand lessons as objects take a second to make and 100 MB; as columns a mask or a count
is one pass over an array. From one generation to the next only what changed is read.
"""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar, overload

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from kb.domain import Kind, LessonId, Phase, ProgrammeType, ReportType
from kb.store import FacetRow, Markings, Store

FACETS = ("tema", "program", "fase", "type", "programtype", "rapporttype", "ar")
_OF_REPORT = ("program", "programtype", "rapporttype", "ar")

Mask = NDArray[np.bool_]
Places = NDArray[np.intp]
Codes = NDArray[np.int32]
_Kind = TypeVar("_Kind")


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """The values of one facet: places in ``values`` of shape (lessons, at most), -1 for none."""

    codes: Codes
    values: tuple[str, ...]

    def of(self, place: int) -> tuple[str, ...]:
        """Return the values of one lesson."""
        return tuple(self.values[code] for code in self.codes[place] if code >= 0)


@dataclass(frozen=True, eq=False)
class Catalogue:
    """Published lessons at one generation, or some of them, in reading order.

    ``keys`` are the numbers of the lessons in the database. ``programmes`` counts those of the
    whole base.
    """

    generation: int
    keys: NDArray[np.int64]
    lesson_ids: NDArray[np.object_]
    reports: Column
    languages: Column
    facets: Mapping[str, Column]
    programmes: int

    def __len__(self) -> int:
        return len(self.keys)

    @cached_property
    def rows(self) -> "Rows":
        """The lessons one by one, each made when it is asked for."""
        return Rows(self)

    @cached_property
    def numbers(self) -> dict[LessonId, int]:
        """The place of each lesson."""
        return {lesson_id: place for place, lesson_id in enumerate(self.lesson_ids)}

    @cached_property
    def _places(self) -> NDArray[np.int32]:
        places = np.full(int(self.keys.max(initial=-1)) + 1, -1, np.int32)
        places[self.keys] = np.arange(len(self), dtype=np.int32)
        return places

    def places_of(self, keys: NDArray[np.int64]) -> Places:
        """Return where the lessons with these keys stand; each must be here."""
        return self._places[keys].astype(np.intp)

    def only(self, places: Places) -> "Catalogue":
        """Return the lessons at some places, in that order."""
        return replace(
            self,
            keys=self.keys[places],
            lesson_ids=self.lesson_ids[places],
            reports=_some(self.reports, places),
            languages=_some(self.languages, places),
            facets={name: _some(column, places) for name, column in self.facets.items()},
        )

    def by_key(self, mask: Mask) -> Mask:
        """Return ``mask``, which is by place, by key of the lesson."""
        table = np.zeros(int(self.keys.max(initial=-1)) + 1, bool)
        table[self.keys[mask]] = True
        return table

    def passing(self, facet: str, wanted: Collection[str]) -> Mask:
        """Return which lessons have any of the ``wanted`` values."""
        column = self.facets[facet]
        # The last entry answers for code -1: no value.
        known = np.array([*(value in wanted for value in column.values), False])
        return np.asarray(known[column.codes].any(axis=1), bool)

    def counts(self, facet: str, inside: Mask) -> dict[str, int]:
        """Return how many of the lessons ``inside`` have each value; 0 is left out."""
        column = self.facets[facet]
        found = np.bincount(column.codes[inside].ravel() + 1, minlength=len(column.values) + 1)[1:]
        return {column.values[code]: int(found[code]) for code in np.flatnonzero(found)}


class Rows(Sequence[FacetRow]):
    """The lessons of a catalogue as objects, for those few of which one is needed."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    @override
    def __len__(self) -> int:
        return len(self._catalogue)

    @overload
    def __getitem__(self, place: int) -> FacetRow: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[FacetRow, ...]: ...
    @override
    def __getitem__(self, place: int | slice) -> FacetRow | tuple[FacetRow, ...]:
        if isinstance(place, slice):
            return tuple(self._row(one) for one in range(len(self))[place])
        return self._row(range(len(self))[place])

    def _row(self, place: int) -> FacetRow:
        own = self._catalogue
        said = {name: column.of(place) for name, column in own.facets.items()}
        one = {name: values[0] if values else None for name, values in said.items()}
        return FacetRow(
            lesson_id=own.lesson_ids[place],
            report_id=own.reports.of(place)[0],
            themes=said["tema"],
            kind=Kind(said["type"][0]),
            phase=_maybe(Phase, one["fase"]),
            programme=one["program"] or "",
            programme_type=_maybe(ProgrammeType, one["programtype"]),
            report_type=_maybe(ReportType, one["rapporttype"]),
            year=_maybe(int, one["ar"]),
            language=own.languages.of(place)[0],
        )


def _maybe(kind: Callable[[str], _Kind], value: str | None) -> _Kind | None:
    return None if value is None else kind(value)


def _some(column: Column, places: Places) -> Column:
    return Column(column.codes[places], column.values)


@dataclass(frozen=True, slots=True, eq=False)
class _Lessons:
    """What stands in the lessons themselves, in no order; codes are places in vocabularies."""

    numbers: NDArray[np.int64]
    lesson_ids: NDArray[np.object_]
    positions: NDArray[np.int64]
    reports: Codes
    kinds: Codes
    phases: Codes
    languages: Codes
    themes: Codes

    def kept(self, which: Mask | Places) -> "_Lessons":
        return _Lessons(*(getattr(self, name)[which] for name in self.__slots__))

    def joined(self, other: "_Lessons") -> "_Lessons":
        width = max(self.themes.shape[1], other.themes.shape[1])
        mine, theirs = (_widened(one.themes, width) for one in (self, other))
        plain = [name for name in self.__slots__ if name != "themes"]
        both = {name: np.concatenate([getattr(self, name), getattr(other, name)]) for name in plain}
        return _Lessons(**both, themes=np.concatenate([mine, theirs]))


def _widened(codes: Codes, width: int) -> Codes:
    return np.pad(codes, ((0, 0), (0, width - codes.shape[1])), constant_values=-1)


class Catalogues:
    """The catalogue of the newest generation. Shared by threads; the store is the caller's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._vocabularies: dict[str, dict[object, int]] = {}
        self._kept: tuple[Catalogue, _Lessons] | None = None

    def current(self, store: Store) -> Catalogue:
        """Return the catalogue at the generation of the store's read transaction."""
        with self._lock, store.reading():
            generation = store.generation()
            kept = self._kept
            if kept is not None and kept[0].generation == generation:
                return kept[0]
            if kept is None or kept[0].generation > generation:
                markings = store.markings()
                lessons = self._coded(markings)
            else:
                since = kept[0].generation
                markings = store.markings(since=since)
                lessons = _without(kept[1], store.changed_since(since))
                lessons = lessons.joined(self._coded(markings))
            catalogue = self._put_together(generation, lessons, markings)
            if kept is None or kept[0].generation < generation:
                self._kept = (catalogue, lessons)
            return catalogue

    def _codes(self, name: str, values: Sequence[object]) -> Codes:
        """Return the place of each value in a vocabulary that grows and never changes; None: -1."""
        known = self._vocabularies.setdefault(name, {None: -1})
        for value in dict.fromkeys(values):
            known.setdefault(value, len(known) - 1)
        return np.fromiter(map(known.__getitem__, values), np.int32, len(values))

    def _values(self, name: str) -> tuple[str, ...]:
        known = self._vocabularies.get(name, {})
        return tuple(str(value) for value in known if value is not None)

    def _coded(self, markings: Markings) -> _Lessons:
        rows = markings.lessons
        columns: Sequence[Sequence[Any]] = list(zip(*rows, strict=True)) or [()] * 7
        numbers, ids, reports, positions, kinds, phases, languages = columns
        named = np.empty(len(rows), object)
        named[:] = ids
        own = np.array(numbers, np.int64)
        return _Lessons(
            numbers=own,
            lesson_ids=named,
            positions=np.array(positions, np.int64),
            reports=self._codes("report", reports),
            kinds=self._codes("type", kinds),
            phases=self._codes("fase", phases),
            languages=self._codes("language", languages),
            themes=self._themes(own, markings.themes),
        )

    def _themes(self, numbers: NDArray[np.int64], rows: Sequence[Sequence[Any]]) -> Codes:
        width = max((row[1] for row in rows), default=0) + 1
        themes = np.full((len(numbers), width), -1, np.int32)
        if rows:
            owners, positions, values = zip(*rows, strict=True)
            order = np.argsort(numbers)
            places = order[np.searchsorted(numbers, np.array(owners), sorter=order)]
            themes[places, np.array(positions)] = self._codes("tema", values)
        return themes

    def _put_together(self, generation: int, lessons: _Lessons, markings: Markings) -> Catalogue:
        known = self._codes("report", [row.id for row in markings.reports])
        most = len(self._values("report"))
        added = np.zeros(most, np.int64)
        added[known] = [row.added for row in markings.reports]
        order = np.lexsort((lessons.numbers, lessons.positions, added[lessons.reports]))
        own = lessons.kept(order)
        facets = {
            "tema": Column(own.themes, self._values("tema")),
            "type": Column(own.kinds[:, None], self._values("type")),
            "fase": Column(own.phases[:, None], self._values("fase")),
        }
        said = (
            (row.programme, row.programme_type, row.report_type, row.year)
            for row in markings.reports
        )
        for name, values in zip(_OF_REPORT, zip(*said, strict=True), strict=False):
            of_reports = np.full(most, -1, np.int32)
            of_reports[known] = self._codes(name, values)
            facets[name] = Column(of_reports[own.reports][:, None], self._values(name))
        nothing = Column(np.full((len(own.numbers), 1), -1, np.int32), ())
        return Catalogue(
            generation=generation,
            keys=own.numbers,
            lesson_ids=own.lesson_ids,
            reports=Column(own.reports[:, None], self._values("report")),
            languages=Column(own.languages[:, None], self._values("language")),
            facets={name: facets.get(name, nothing) for name in FACETS},
            programmes=len(np.unique(facets["program"].codes)) if len(own.numbers) else 0,
        )


def _without(lessons: _Lessons, gone: Collection[LessonId]) -> _Lessons:
    if not gone:
        return lessons
    return lessons.kept(np.array([one not in gone for one in lessons.lesson_ids], bool))
