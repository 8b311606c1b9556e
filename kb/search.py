"""A question becomes a page of lessons: scores become hits, filters, counts and reasons.

The scores of :mod:`kb.ranking` are absolute, so a filter does not change the order, and one floor
can say «nothing fits».
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, log
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kb.catalogue import FACETS, Catalogue, Catalogues
from kb.domain import Lesson, LessonId, Report
from kb.embed import Encoder
from kb.errors import InvalidQueryError
from kb.lexical import stem
from kb.passages import PassageRole, passages_of
from kb.ranking import NEAREST, Legs, Ranker
from kb.store import Store
from kb.text import MAX_QUERY_CHARS, STOP_WORDS, language_of, normalise, word_spans, words
from kb.vectors import VectorView

FIT_FLOOR, FIT_FLOOR_PER_E, FLOOR_AT = 0.92, 0.07, 50
"""The best meaning, words and MaxSim found among 50 lessons must add up to .92, or the answer is
«nothing fits». The best of many unfitting lessons looks better than the best of few, so the floor
rises by .07 each time the base grows e-fold. Calibrated on bases of 58 and 506."""

FIT_FLOOR_ENGLISH = -0.05
"""Less is asked of an English question: in a base that is mostly Norwegian it finds fewer words."""

UNKNOWN_WORDS, UNKNOWN_MARGIN = 0.1, 0.15
"""A question of bare keywords that no lesson holds must reach .15 more: an encoder places «xkcd»
somewhere too, and only whole questions tell it what is meant."""

MEMBER_MARGIN = 0.25
"""A lesson more than so far below the floor by itself is no hit: totals speak of real hits."""

MEANING_FLOOR = 0.40
"""From this sum of cosines on, a hit counts as matched by meaning."""

SIMILAR_FLOOR, SIMILAR_FLOOR_SAME_THEME = 0.37, 0.30
"""Centred cosine from which another lesson is shown as similar; less is asked of one that shares a
theme. Read off 14 lessons with their neighbours in six reports."""

MAX_LIMIT = 1000

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchQuery:
    """A question with its filters. An empty set is no filter; values within one set are «or».

    An empty ``text`` lists the lessons inside the filters in the order of their reports.
    """

    text: str = ""
    themes: frozenset[str] = frozenset()
    programmes: frozenset[str] = frozenset()
    phases: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    programme_types: frozenset[str] = frozenset()
    report_types: frozenset[str] = frozenset()
    years: frozenset[int] = frozenset()
    offset: int = 0
    limit: int = 20

    def __post_init__(self) -> None:
        if self.offset < 0 or not 1 <= self.limit <= MAX_LIMIT:
            raise InvalidQueryError(f"offset {self.offset}, limit {self.limit}")
        if any("\ud800" <= char <= "\udfff" for char in self.text):  # a shell gives these for bytes
            raise InvalidQueryError("the text holds half a surrogate pair")

    def chosen(self) -> dict[str, frozenset[str]]:
        """Return the chosen values of each facet, in the order of ``FACETS``."""
        years = frozenset(str(year) for year in self.years)
        values = (
            self.themes,
            self.programmes,
            self.phases,
            self.kinds,
            self.programme_types,
            self.report_types,
            years,
        )
        return dict(zip(FACETS, values, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A lesson that answers the question.

    ``rank`` counts from 1 over all hits. ``score`` orders hits of one question and means nothing
    else. ``match`` is ``words``, ``meaning`` or ``both`` ("" when there was no question). ``marks``
    gives for each piece of evidence the (start, end) spans of its quote to mark; ``best`` is the
    index of the evidence that answers best.
    """

    lesson: Lesson
    report: Report
    rank: int
    score: float
    match: str
    marks: tuple[tuple[tuple[int, int], ...], ...]
    best: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetCount:
    """How many hits have this value, given the other facets' filters."""

    value: str
    count: int
    is_selected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """Hits of one page, with counts that are true for all hits inside the filters."""

    query: SearchQuery
    hits: tuple[Hit, ...]
    total: int
    programmes: int
    programmes_in_base: int
    facets: dict[str, tuple[FacetCount, ...]]
    no_match: bool
    took_ms: float


class Searcher:
    """Hybrid search. Shared by all threads; the store is the caller's."""

    def __init__(self, encoder: Encoder, home: Path) -> None:
        self.ranker = Ranker(encoder, home)
        self._catalogues = Catalogues()

    def search(self, store: Store, query: SearchQuery) -> SearchResult:
        """Return the hits of ``query``; none when nothing in the base fits it."""
        started = time.perf_counter()
        text = normalise(query.text)[:MAX_QUERY_CHARS]
        with store.reading():
            catalogue = self._catalogues.current(store)
            if words(text):
                legs = self.ranker.legs(store, text)
                if legs.beyond >= _least_fit(legs, text):  # filters may leave hits not looked at
                    filters = _inside_filters(catalogue, query)
                    legs = self.ranker.widened(store, legs, text, filters)
                catalogue, legs = _align(legs, catalogue)
                is_hit, order = _members(legs, text)
            else:
                legs = None
                is_hit = np.full(len(catalogue), not text, bool)
                order = np.arange(len(catalogue))
            inside, facets = _filter(catalogue, query, is_hit)
            ranked = order[inside[order]].tolist()
            shown = ranked[query.offset : query.offset + query.limit]
            hits = self._hits(store, catalogue, shown, text, legs, query.offset)
        return SearchResult(
            query=query,
            hits=hits,
            total=len(ranked),
            programmes=len(catalogue.counts("program", inside)),
            programmes_in_base=catalogue.programmes,
            facets=facets,
            no_match=not ranked,
            took_ms=round((time.perf_counter() - started) * 1000, 2),
        )

    def similar(
        self, store: Store, lesson_id: LessonId, limit: int = 5, *, elsewhere: bool
    ) -> tuple[Hit, ...]:
        """Return lessons that say nearly the same, nearest first; () when none is near.

        Args:
            store: the caller's.
            lesson_id: a published lesson.
            limit: at most so many.
            elsewhere: only lessons of other programmes.
        """
        with store.reading():
            catalogue = self._catalogues.current(store)
            view = self.ranker.view(store)
            number = catalogue.numbers.get(lesson_id)
            vectors = view.vectors_of(lesson_id)
            if number is None or vectors is None:
                return ()
            own = catalogue.rows[number]
            near = view.nearest(vectors[0], own.language, NEAREST).places
            scores = view.scores_at(vectors[0], own.language, near).passage
            numbers = catalogue.places_of(view.numbers[near])
            shares_theme = catalogue.passing("tema", own.themes)[numbers]
            floors = np.where(shares_theme, SIMILAR_FLOOR_SAME_THEME, SIMILAR_FLOOR)
            others = numbers != number
            if elsewhere:
                others &= ~catalogue.passing("program", [own.programme])[numbers]
            chosen = others & (scores >= floors)
            order = np.lexsort((numbers, -scores))
            return self._hits(
                store, catalogue, numbers[order[chosen[order]]][:limit].tolist(), "", None, 0
            )

    def refresh(self, store: Store) -> None:
        """Write a fresh index snapshot of the store, if it is worth it; search is right without."""
        self.ranker.refresh(store)

    def rebuild(self, store: Store) -> None:
        """Write a fresh index snapshot of the store and point the store at it."""
        self.ranker.rebuild(store)

    def problems(self, store: Store) -> tuple[str, ...]:
        """Return what is wrong with the derived indexes, in plain English; () if nothing."""
        return self.ranker.problems(store)

    def _hits(
        self,
        store: Store,
        catalogue: Catalogue,
        numbers: Sequence[int],
        text: str,
        legs: Legs | None,
        offset: int,
    ) -> tuple[Hit, ...]:
        lessons = store.lessons([catalogue.lesson_ids[number] for number in numbers])
        reports = store.reports_of({one.report_id for one in lessons.values()})
        view = self.ranker.view(store) if legs is not None else None
        hits = []
        for rank, number in enumerate(numbers, start=offset + 1):
            lesson = lessons[catalogue.lesson_ids[number]]
            shown = _Shown("", tuple(() for _ in lesson.evidence), 0)
            if legs is not None and view is not None:
                meaning = float(legs.meaning[number])
                shown = _show(view, lesson, text, self.ranker.read(text).vector, meaning)
            hits.append(
                Hit(
                    lesson=lesson,
                    report=reports[lesson.report_id],
                    rank=rank,
                    score=round(float(legs.relevance[number]), 4) if legs is not None else 0.0,
                    match=shown.match,
                    marks=shown.marks,
                    best=shown.best,
                )
            )
        return tuple(hits)


@dataclass(frozen=True, slots=True)
class _Shown:
    match: str
    marks: tuple[tuple[tuple[int, int], ...], ...]
    best: int


def _align(legs: Legs, catalogue: Catalogue) -> tuple[Catalogue, Legs]:
    """Return the lessons that were looked at in reading order, and the legs in the same order.

    Both are of the same read transaction.
    """
    places = catalogue.places_of(legs.keys)
    order = np.argsort(places)
    if len(order) < len(catalogue):
        catalogue = catalogue.only(places[order])
    return catalogue, legs.only(order)


def _inside_filters(catalogue: Catalogue, query: SearchQuery) -> list[Mask]:
    """Return which lessons pass the filters, and which all filters but that of one facet.

    By key of the lesson; none where there is no filter, or nothing to leave out.
    """
    passes = _passes(catalogue, query)
    if not passes:
        return []
    sets = [passes, *({k: v for k, v in passes.items() if k != one} for one in passes)]
    return [catalogue.by_key(np.logical_and.reduce(list(one.values()))) for one in sets if one]


def _passes(catalogue: Catalogue, query: SearchQuery) -> dict[str, Mask]:
    """Return which lessons pass each facet's filter that is set."""
    chosen = query.chosen()
    return {facet: catalogue.passing(facet, chosen[facet]) for facet in FACETS if chosen[facet]}


def _floor(legs: Legs, text: str) -> float:
    """Return what the best lessons must add up to for the question to be answered."""
    size = max(legs.lessons, FLOOR_AT)
    floor = FIT_FLOOR + FIT_FLOOR_PER_E * log(size / FLOOR_AT)
    if language_of(text) == "en":
        floor += FIT_FLOOR_ENGLISH
    if STOP_WORDS.isdisjoint(words(text)) and legs.words.max(initial=0) < UNKNOWN_WORDS:
        floor += UNKNOWN_MARGIN
    return floor


def _members(legs: Legs, text: str) -> tuple[Mask, NDArray[np.int64]]:
    """Return which lessons are hits, and all lessons best first; ties keep the reading order.

    The question is judged by the best that each signal finds anywhere: several weak signs of
    different lessons tell better that the base speaks of the matter than one lesson's sum.
    """
    fit = legs.fit
    order = np.argsort(-legs.relevance, kind="stable")
    return fit >= _least_fit(legs, text), order


def _least_fit(legs: Legs, text: str) -> float:
    """Return how fit a lesson must be to be a hit; more than any is if there are to be none."""
    floor = _floor(legs, text)
    if not len(legs.places) or legs.peak < floor:
        return inf
    return min(floor - MEMBER_MARGIN, float(legs.fit[np.argmax(legs.relevance)]))


def _filter(
    catalogue: Catalogue, query: SearchQuery, is_hit: Mask
) -> tuple[Mask, dict[str, tuple[FacetCount, ...]]]:
    """Return which hits pass every filter, and per facet the counts under the other filters."""
    chosen, passes = query.chosen(), _passes(catalogue, query)
    facets = {}
    for facet in FACETS:
        inside = is_hit.copy()
        for other, mask in passes.items():
            if other != facet:
                inside &= mask
        counts = catalogue.counts(facet, inside)
        known = counts.keys() | chosen[facet]
        facets[facet] = tuple(
            FacetCount(value=value, count=counts.get(value, 0), is_selected=value in chosen[facet])
            for value in sorted(known, key=lambda value: (-counts.get(value, 0), value))
        )
    for mask in passes.values():
        is_hit = is_hit & mask
    return is_hit, facets


def _show(view: VectorView, lesson: Lesson, text: str, query: Floats, meaning: float) -> _Shown:
    """Say why ``lesson`` is a hit: the words found in it, or the sentence that means the same."""
    wanted = frozenset(stem(word) for word in words(text) if word not in STOP_WORDS)
    marks = [_word_marks(evidence.quote, wanted) for evidence in lesson.evidence]
    by_words = any(marks) or bool(_word_marks(lesson.statement, wanted))
    by_meaning = meaning >= MEANING_FLOOR
    passages = passages_of(lesson)
    cosines = view.cosines(query, language_of(text), lesson.id)
    order = [passages[place] for place in np.argsort(-cosines, kind="stable")]
    quotes = [evidence.quote for evidence in lesson.evidence]
    best = next((quotes.index(p.text) for p in order if p.text in quotes), 0)
    if not any(marks):
        sentence = next((p.text for p in order if p.role is PassageRole.SENTENCE), "")
        for number, quote in enumerate(quotes):
            start = quote.find(sentence) if sentence else -1
            if start >= 0:
                marks[number], best = ((start, start + len(sentence)),), number
                break
    match = "both" if by_words and by_meaning else "words" if by_words else "meaning"
    return _Shown(match, tuple(marks), best)


_MIN_INSIDE = 5
"""A stem of at least so many letters is also looked for inside a compound."""


def _word_marks(quote: str, wanted: frozenset[str]) -> tuple[tuple[int, int], ...]:
    long = tuple(one for one in wanted if len(one) >= _MIN_INSIDE)
    return tuple(
        (start, end)
        for start, end, word in word_spans(quote)
        if stem(word) in wanted or any(one in word for one in long)
    )
