"""Which lessons the syntax of a question leaves: phrases, exclusions and fields, looked up.

What cannot be looked up (a field or a value that does not exist) becomes a hint and takes nothing
away: a slip must not look like «nothing found».
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kb.domain import Kind, Lesson, LessonId, Phase, ProgrammeType, ReportType
from kb.lexical import inner_grams, stem_token
from kb.question import Field, FieldTerm, ParsedQuestion
from kb.store import FacetRow, Store
from kb.taxonomy import Term, Theme, load_taxonomy
from kb.text import normalise, words

MOST_KNOWN = 8
"""So many of the values that exist are named in a hint."""

_YEARS = re.compile(r"(\d{4})?(?:([-–−])(\d{4})?)?")
_LETTERS = str.maketrans({"æ": "ae", "ø": "o", "å": "a", "ö": "o", "ä": "a"})
_NOT_LETTERS = re.compile(r"[^a-z0-9]+")

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """A field (``value`` is then empty) or a value that does not exist; ``known`` tells some."""

    field: str
    value: str
    known: tuple[str, ...]


class Narrower:
    """Looks up syntax in a base. ``corpus`` holds the taxonomy, read when a name is asked for."""

    def __init__(self, corpus: Path | None) -> None:
        self._corpus = corpus
        self._terms: Mapping[Field, Mapping[str, tuple[str, ...]]] | None = None

    def narrow(
        self, store: Store, rows: Sequence[FacetRow], parsed: ParsedQuestion
    ) -> tuple[Mask, tuple[Hint, ...]]:
        """Return which of ``rows`` the syntax leaves, and what it could not use."""
        inside = np.ones(len(rows), bool)
        hints = [Hint(field=name, value="", known=tuple(Field)) for name in parsed.unknown_fields]
        for term in parsed.fields:
            chosen = self._values(store, rows, term.field)
            wanted = _wanted(term, chosen)
            if wanted is None:
                known = sorted({str(value) for own in chosen.of_row for value in own})
                hints.append(
                    Hint(field=term.field, value=term.value, known=_nearest(term.value, known))
                )
                continue
            has = np.array([not wanted.isdisjoint(own) for own in chosen.of_row], bool)
            inside &= ~has if term.is_excluded else has
        for word in parsed.excluded_words:
            inside &= ~_among(rows, store.grams_match([stem_token(word)]))
        for phrase in parsed.phrases:
            inside &= _among(rows, lessons_with_phrase(store, rows, inside, phrase))
        for phrase in parsed.excluded_phrases:
            inside &= ~_among(rows, lessons_with_phrase(store, rows, inside, phrase))
        return inside, tuple(hints)

    def _values(self, store: Store, rows: Sequence[FacetRow], field: Field) -> "_Values":
        of_row: list[tuple[str, ...]] = [facet_values(row, field) for row in rows]
        names: Mapping[str, Iterable[str]] = {}
        if field is Field.PROGRAMME:
            names = {one.slug: (one.name, one.place or "") for one in store.programmes()}
        elif field is Field.CONTRACTOR:
            reports = {report_id: store.report(report_id) for report_id in _reports(rows)}
            told = {key: one.contractor for key, one in reports.items() if one and one.contractor}
            of_row = [(told[row.report_id],) if row.report_id in told else () for row in rows]
            names = dict.fromkeys(told.values(), ())
        elif field is not Field.YEAR:
            names = self._named()[field]
        return _Values(tuple(of_row), names)

    def _named(self) -> Mapping[Field, Mapping[str, tuple[str, ...]]]:
        if self._terms is None:
            self._terms = _terms(self._corpus)
        return self._terms


@dataclass(frozen=True, slots=True)
class _Values:
    """The values of each row, and the names that each value goes by besides itself."""

    of_row: tuple[tuple[str, ...], ...]
    names: Mapping[str, Iterable[str]]


def facet_values(row: FacetRow, field: Field) -> tuple[str, ...]:
    """Return what a lesson has of one of the facets."""
    if field is Field.THEME:
        return row.themes
    value = _FACET_OF[field](row)
    return () if value is None else (str(value),)


_FACET_OF: Mapping[Field, Callable[[FacetRow], object]] = {
    Field.PROGRAMME: lambda row: row.programme,
    Field.PHASE: lambda row: row.phase,
    Field.KIND: lambda row: row.kind,
    Field.PROGRAMME_TYPE: lambda row: row.programme_type,
    Field.REPORT_TYPE: lambda row: row.report_type,
    Field.YEAR: lambda row: row.year,
    Field.CONTRACTOR: lambda _: None,  # a facet row does not know it
}


def lessons_with_phrase(
    store: Store, rows: Sequence[FacetRow], inside: Mask, phrase: str
) -> frozenset[LessonId]:
    """Return the lessons inside that hold the words of ``phrase`` one after the other.

    In the statement or in a quote; case, hyphens and punctuation do not count.
    """
    ids = {row.lesson_id for row, is_inside in zip(rows, inside, strict=True) if is_inside}
    pieces = list(dict.fromkeys(gram for word in words(phrase) for gram in inner_grams(word)))
    found = reduce(lambda kept, gram: kept & store.grams_match([gram]).keys(), pieces, ids)
    wanted = folded(phrase)
    lessons = store.lessons(sorted(found))
    return frozenset(key for key, one in lessons.items() if holds_phrase(one, wanted))


def folded(text: str) -> str:
    """Return the words of ``text`` in lower case, each between blanks, hyphens as blanks."""
    return f" {' '.join(words(text.replace('-', ' ').replace('–', ' ')))} "


def holds_phrase(lesson: Lesson, wanted: str) -> bool:
    """Whether a lesson holds what :func:`folded` made of a phrase."""
    texts = (lesson.statement, *(one.quote for one in lesson.evidence))
    return any(wanted in folded(text) for text in texts)


def _reports(rows: Sequence[FacetRow]) -> list[str]:
    return list(dict.fromkeys(row.report_id for row in rows))


def _among(rows: Sequence[FacetRow], ids: Iterable[LessonId]) -> Mask:
    chosen = frozenset(ids)
    return np.array([row.lesson_id in chosen for row in rows], bool)


def _wanted(term: FieldTerm, known: _Values) -> frozenset[str] | None:
    """Return the values that a term asks for, None when there are none."""
    if term.field is Field.YEAR:
        return _years(term.value)
    asked = _plain(term.value)
    calls = {
        value: tuple(filter(None, map(_plain, (value, *names))))
        for value, names in {**dict.fromkeys(_present(known), ()), **known.names}.items()
    }
    for fits in (
        lambda name: name == asked,
        lambda name: name.startswith(asked),
        lambda name: f" {asked}" in f" {name}",
    ):
        found = frozenset(value for value, names in calls.items() if any(map(fits, names)))
        if found:
            return found
    return None


def _present(known: _Values) -> list[str]:
    return list(dict.fromkeys(value for own in known.of_row for value in own))


def _years(value: str) -> frozenset[str] | None:
    match = _YEARS.fullmatch(value.strip())
    if match is None or not (match[1] or match[3]):
        return None
    first = int(match[1] or 1900)
    last = int(match[3] or (2199 if match[2] else first))
    return frozenset(str(year) for year in range(min(first, last), max(first, last) + 1))


def _plain(name: str) -> str:
    return _NOT_LETTERS.sub(" ", normalise(name).lower().translate(_LETTERS)).strip()


def _nearest(value: str, known: Sequence[str]) -> tuple[str, ...]:
    if len(known) <= MOST_KNOWN:
        return tuple(known)
    from rapidfuzz import process  # noqa: PLC0415 - only for a slip, of which a cold search is spared

    found = process.extract(_plain(value), known, processor=_plain, limit=MOST_KNOWN)
    return tuple(name for name, _, _ in found)


def _terms(corpus: Path | None) -> Mapping[Field, Mapping[str, tuple[str, ...]]]:
    """Return what themes, phases, kinds and types are called; only ids without a taxonomy."""
    ids = {
        Field.THEME: (),
        Field.PHASE: tuple(Phase),
        Field.KIND: tuple(Kind),
        Field.PROGRAMME_TYPE: tuple(ProgrammeType),
        Field.REPORT_TYPE: tuple(ReportType),
    }
    if corpus is None:
        return {field: dict.fromkeys(map(str, own), ()) for field, own in ids.items()}
    taxonomy = load_taxonomy(corpus / "taxonomy.toml")
    named: Mapping[Field, Sequence[Term | Theme]] = {
        Field.THEME: taxonomy.themes,
        Field.PHASE: taxonomy.phases,
        Field.KIND: taxonomy.kinds,
        Field.PROGRAMME_TYPE: taxonomy.programme_types,
        Field.REPORT_TYPE: taxonomy.report_types,
    }
    return {
        field: {one.id: (one.label.nb, one.label.nn, one.label.en) for one in own}
        for field, own in named.items()
    }
