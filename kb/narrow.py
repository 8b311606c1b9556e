"""Which lessons the syntax of a question leaves: phrases, exclusions and fields, looked up.

What cannot be looked up (a field or a value that does not exist) becomes a hint and takes nothing
away: a slip must not look like «nothing found».
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kb.catalogue import Catalogue
from kb.domain import Kind, Lesson, LessonId, Phase, ProgrammeType, ReportType
from kb.lexical import inner_grams, stem_token
from kb.question import Field, FieldTerm, ParsedQuestion
from kb.store import Store
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
        self, store: Store, catalogue: Catalogue, parsed: ParsedQuestion
    ) -> tuple[Mask, tuple[Hint, ...]]:
        """Return which lessons of ``catalogue`` the syntax leaves, and what it could not use."""
        inside = np.ones(len(catalogue), bool)
        hints = [Hint(field=name, value="", known=tuple(Field)) for name in parsed.unknown_fields]
        for term in parsed.fields:
            chosen = self._values(store, catalogue, term.field)
            wanted = _wanted(term, chosen)
            if wanted is None:
                known = _nearest(term.value, sorted(chosen.present))
                hints.append(Hint(field=term.field, value=term.value, known=known))
                continue
            has = chosen.having(wanted)
            inside &= ~has if term.is_excluded else has
        for word in parsed.excluded_words:
            inside &= ~_among(catalogue, store.grams_match([stem_token(word)]))
        for phrase in parsed.phrases:
            inside &= _among(catalogue, _with_phrase(store, catalogue, inside, phrase))
        for phrase in parsed.excluded_phrases:
            inside &= ~_among(catalogue, _with_phrase(store, catalogue, inside, phrase))
        return inside, tuple(hints)

    def _values(self, store: Store, catalogue: Catalogue, field: Field) -> "_Values":
        if field is Field.CONTRACTOR:
            return _contractors(store, catalogue)
        names: Mapping[str, Iterable[str]] = {}
        if field is Field.PROGRAMME:
            names = {one.slug: (one.name, one.place or "") for one in store.programmes()}
        elif field is not Field.YEAR:
            names = self._named()[field]
        present = tuple(catalogue.counts(field, np.ones(len(catalogue), bool)))
        return _Values(present, names, partial(catalogue.passing, field))

    def _named(self) -> Mapping[Field, Mapping[str, tuple[str, ...]]]:
        if self._terms is None:
            self._terms = _terms(self._corpus)
        return self._terms


@dataclass(frozen=True, slots=True)
class _Values:
    """The values there are, the names each goes by besides itself, and which lessons have any."""

    present: tuple[str, ...]
    names: Mapping[str, Iterable[str]]
    having: Callable[[frozenset[str]], Mask]


def _contractors(store: Store, catalogue: Catalogue) -> _Values:
    """Return who wrote the reports; no facet knows it."""
    reports = store.reports_of(set(catalogue.reports.values))
    told = {key: one.contractor for key, one in reports.items() if one.contractor}

    def having(wanted: frozenset[str]) -> Mask:
        known = [told.get(key) in wanted for key in catalogue.reports.values]
        return np.asarray(np.array(known, bool)[catalogue.reports.codes[:, 0]], bool)

    return _Values(tuple(dict.fromkeys(told.values())), {}, having)


def _with_phrase(
    store: Store, catalogue: Catalogue, inside: Mask, phrase: str
) -> frozenset[LessonId]:
    """Return the lessons inside that hold the words of ``phrase`` one after the other.

    In the statement or in a quote; case, hyphens and punctuation do not count.
    """
    ids: set[LessonId] = set(catalogue.lesson_ids[inside])
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


def _among(catalogue: Catalogue, ids: Iterable[LessonId]) -> Mask:
    """Return which lessons have one of these ids."""
    mask = np.zeros(len(catalogue), bool)
    mask[[catalogue.numbers[one] for one in ids if one in catalogue.numbers]] = True
    return mask


def _wanted(term: FieldTerm, known: _Values) -> frozenset[str] | None:
    """Return the values that a term asks for, None when there are none."""
    if term.field is Field.YEAR:
        return _years(term.value)
    asked = _plain(term.value)
    calls = {
        value: tuple(filter(None, map(_plain, (value, *names))))
        for value, names in {**dict.fromkeys(known.present, ()), **known.names}.items()
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
