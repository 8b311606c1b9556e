"""A question becomes a page of lessons: scores become hits, filters, counts and reasons.

The scores of :mod:`kb.ranking` are absolute, so a filter does not change the order. Whether there
are hits at all, :mod:`kb.floors` judges; what stands in the question besides words,
:mod:`kb.question` reads and :mod:`kb.narrow` looks up. Command line, website and exports all ask
:meth:`Searcher.search`.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import inf, log
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from kb.catalogue import FACETS, Catalogue, Catalogues
from kb.domain import Lesson, LessonId, Report
from kb.embed import Encoder
from kb.errors import InvalidQueryError
from kb.floors import Signals, State, load_floors, read_signals
from kb.lexical import stem
from kb.narrow import Hint, Narrower
from kb.passages import PassageRole, passages_of
from kb.question import ParsedQuestion, parse
from kb.ranking import NEAREST, Legs, Ranker
from kb.spelling import Speller
from kb.store import Store
from kb.text import MAX_QUERY_CHARS, STOP_WORDS, language_of, normalise, word_spans, words
from kb.twins import Twins, fold
from kb.vectors import VectorView

MEMBER_FLOOR, MEMBER_FLOOR_PER_E, MEMBER_FLOOR_AT = 0.67, 0.07, 50
"""A lesson whose meaning, words and MaxSim add up to less is no hit: totals speak of real hits.
That is .25 less than the best lessons of a question must reach together (ADR 0016), in a base of
50; .07 more each time the base grows e-fold."""

MEMBER_FLOOR_ENGLISH = -0.05
"""Less is asked of an English question: in a base that is mostly Norwegian it finds fewer words."""

CLOSE_TO_BEST = 0.2
"""A lesson so little below the best one is a hit too: where all are weak, none stands alone."""

MOST_WEAK = 5
"""So many weak hits are shown."""

MOST_IN_GROUP = 3
"""So many hits of each group are shown."""

MEANING_FLOOR = 0.40
"""From this sum of cosines on, a hit counts as matched by meaning."""

SIMILAR_FLOOR, SIMILAR_FLOOR_SAME_THEME = 0.37, 0.30
"""Centred cosine from which another lesson is shown as similar; less is asked of one that shares a
theme. Read off 14 lessons with their neighbours in six reports."""

MAX_LIMIT = 1000
_CACHED = 4096

_Key = TypeVar("_Key")
_Kept = TypeVar("_Kept")
Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
Places = NDArray[np.intp]


class Sort(StrEnum):
    """The order of hits; lessons of reports without a year come last when it is by year."""

    RELEVANCE = "relevans"
    NEWEST = "nyest"
    OLDEST = "eldst"


class Group(StrEnum):
    """What hits can be put together by; the values are those of the facets."""

    PROGRAMME = "program"
    THEME = "tema"
    PHASE = "fase"


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchQuery:
    """A question with its filters. An empty set is no filter; values within one set are «or».

    An empty ``text`` lists the lessons inside the filters in the order of their reports. It may
    hold the syntax of :mod:`kb.question`. With ``group``, ``offset`` and ``limit`` count groups.
    ``is_folded`` lets one hit stand for others of its report that say nearly the same.
    """

    text: str = ""
    themes: frozenset[str] = frozenset()
    programmes: frozenset[str] = frozenset()
    phases: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    programme_types: frozenset[str] = frozenset()
    report_types: frozenset[str] = frozenset()
    years: frozenset[int] = frozenset()
    sort: Sort = Sort.RELEVANCE
    group: Group | None = None
    is_folded: bool = True
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
    index of the evidence that answers best. ``twins`` are lessons of the same report that say
    nearly the same, for which this one stands.
    """

    lesson: Lesson
    report: Report
    rank: int
    score: float
    match: str
    marks: tuple[tuple[tuple[int, int], ...], ...]
    best: int
    twins: tuple[Lesson, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HitGroup:
    """The first hits with the same programme, theme or phase; "" for those without.

    ``total`` counts all lessons of the group, those that a hit stands for included. A lesson with
    several themes is in several groups.
    """

    value: str
    total: int
    hits: tuple[Hit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetCount:
    """How many hits have this value, given the other facets' filters."""

    value: str
    count: int
    is_selected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """Hits of one page, with counts that are true for all hits inside the filters.

    ``total`` counts lessons, ``items`` what there is to page through: hits (fewer than lessons when
    one stands for its twins), or groups. ``weak`` are the best of lessons that are no hits, only
    when ``state`` says so. ``did_you_mean`` is another question, ``hints`` are fields and values
    that do not exist.
    """

    query: SearchQuery
    hits: tuple[Hit, ...]
    total: int
    programmes: int
    programmes_in_base: int
    facets: dict[str, tuple[FacetCount, ...]]
    no_match: bool
    took_ms: float
    state: State = State.HITS
    items: int = 0
    groups: tuple[HitGroup, ...] = ()
    weak: tuple[Hit, ...] = ()
    did_you_mean: str | None = None
    hints: tuple[Hint, ...] = ()
    phrases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """What a question finds before the filters.

    ``catalogue`` are the lessons that were looked at: all, or in a large base the best. The rest
    goes by place in it: ``allowed`` is what the question's syntax leaves, ``order`` best first.
    """

    state: State
    catalogue: Catalogue
    allowed: Mask
    is_hit: Mask
    order: NDArray[np.int64]
    legs: Legs | None
    text: str


class Searcher:
    """Hybrid search. Shared by all threads; the store is the caller's."""

    def __init__(self, encoder: Encoder, home: Path, corpus: Path | None = None) -> None:
        """Take the folder of the indexes, and that of the taxonomy and the floors if there is one.

        Raises:
            ConfigError: the file of the floors is wrong.
        """
        self.ranker = Ranker(encoder, home)
        self._model_id = encoder.model_id
        self._floors = load_floors(corpus and corpus / "floors.toml", encoder.model_id)
        self._narrower = Narrower(corpus)
        self._speller = Speller()
        self._twins = Twins()
        self._catalogues = Catalogues()
        self._signals: OrderedDict[tuple[int, str], Signals] = OrderedDict()
        self._near: OrderedDict[tuple[int, LessonId], Places] = OrderedDict()
        self._lock = threading.Lock()

    def search(self, store: Store, query: SearchQuery) -> SearchResult:
        """Return the hits of ``query``; none when nothing in the base fits it."""
        started = time.perf_counter()
        asked = normalise(query.text)[:MAX_QUERY_CHARS]
        parsed = parse(asked)
        with store.reading():
            found, hints = self._find(store, query, parsed)
            catalogue, legs = found.catalogue, found.legs
            inside, facets = _filter(catalogue, query, found.is_hit & found.allowed)
            ranked = found.order[inside[found.order]].tolist()
            twins = (
                fold(self._twins, store, catalogue.rows, ranked, legs)
                if legs is not None and query.is_folded
                else {}
            )
            heads = _sorted(catalogue, _without(ranked, twins), query.sort)
            hits, groups, items = self._page(store, query, found, _Listed(heads, twins))
            weak = self._weak(store, query, found)
            suggestion = self._speller.suggest(store, asked) if words(parsed.text) else None
        state = State.HITS if ranked else State.WEAK if weak else State.NOTHING
        return SearchResult(
            query=query,
            hits=hits,
            total=len(ranked),
            programmes=len(catalogue.counts("program", inside)),
            programmes_in_base=catalogue.programmes,
            facets=facets,
            no_match=not ranked,
            took_ms=round((time.perf_counter() - started) * 1000, 2),
            state=state,
            items=items,
            groups=groups,
            weak=weak,
            did_you_mean=suggestion,
            hints=hints,
            phrases=parsed.phrases,
        )

    def _find(
        self, store: Store, query: SearchQuery, parsed: ParsedQuestion
    ) -> tuple[_Found, tuple[Hint, ...]]:
        """Return what the words of a question find, and what its syntax could not use."""
        catalogue, text = self._catalogues.current(store), parsed.text
        allowed, hints = self._narrower.narrow(store, catalogue, parsed)
        if not words(text):  # nothing to look for: all that the fields leave, or a row of symbols
            size, listed = len(catalogue), not text or bool(parsed.fields)
            state, is_hit = State.HITS if listed else State.NOTHING, np.full(size, listed, bool)
            return _Found(state, catalogue, allowed, is_hit, np.arange(size), None, ""), hints
        legs = self.ranker.legs(store, text)
        state = self._judge(store, legs, text)
        least = -inf if parsed.phrases or state is not State.HITS else _least_fit(legs, text)
        if legs.beyond >= least:  # filters may leave hits that were not looked at
            within = _inside_filters(catalogue, query, allowed)
            legs = self.ranker.widened(store, legs, text, within)
        catalogue, allowed, legs = _align(legs, catalogue, allowed)
        order = np.argsort(-legs.relevance, kind="stable")
        if parsed.phrases:  # who holds the phrase is what was asked for, however near the rest is
            return _Found(State.HITS, catalogue, allowed, allowed, order, legs, text), hints
        hit = _members(legs, text) if state is State.HITS else np.zeros(len(catalogue), bool)
        return _Found(state, catalogue, allowed, hit, order, legs, text), hints

    def _judge(self, store: Store, legs: Legs, text: str) -> State:
        if not legs.lessons:
            return State.NOTHING
        key = (store.generation(), text)
        signals = _kept(self._lock, self._signals, key)
        if signals is None:
            signals = read_signals(store, self.ranker, self._model_id, legs, text)
            _keep(self._lock, self._signals, key, signals)
        return self._floors.judge(signals)

    def _weak(self, store: Store, query: SearchQuery, found: _Found) -> tuple[Hit, ...]:
        """Return the lessons nearest to a question that has no hits, if it comes near any."""
        if found.state is not State.WEAK:
            return ()
        inside, _ = _filter(found.catalogue, query, found.allowed)
        best = found.order[inside[found.order]][:MOST_WEAK].tolist()
        return self._hits(store, found, best, {})

    def _page(
        self,
        store: Store,
        query: SearchQuery,
        found: _Found,
        listed: "_Listed",
    ) -> tuple[tuple[Hit, ...], tuple[HitGroup, ...], int]:
        """Return the hits of the page, or its groups, and how many there are on all pages."""
        page = slice(query.offset, query.offset + query.limit)
        ranks = {number: rank for rank, number in enumerate(listed.heads, start=1)}
        if query.group is None:
            hits = self._hits(store, found, listed.heads[page], listed.twins, ranks)
            return hits, (), len(listed.heads)
        members = _grouped(found.catalogue, listed.heads, query.group)
        shown = {value: members[value][:MOST_IN_GROUP] for value in list(members)[page]}
        once = list(dict.fromkeys(number for own in shown.values() for number in own))
        hits = self._hits(store, found, once, listed.twins, ranks)
        by_id = {hit.lesson.id: hit for hit in hits}
        groups = tuple(
            HitGroup(
                value=value,
                total=sum(1 + len(listed.twins.get(number, ())) for number in members[value]),
                hits=tuple(by_id[found.catalogue.lesson_ids[number]] for number in own),
            )
            for value, own in shown.items()
        )
        return (), groups, len(members)

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
            near = self._near_to(store, catalogue, lesson_id)
            if elsewhere:
                near = _elsewhere(catalogue, near, lesson_id)
            return self._hits(store, _listed(catalogue), near[:limit].tolist(), {})

    def programmes_with_similar(self, store: Store, lesson_id: LessonId) -> int:
        """Return how many other programmes have a lesson that says nearly the same."""
        with store.reading():
            catalogue = self._catalogues.current(store)
            near = _elsewhere(catalogue, self._near_to(store, catalogue, lesson_id), lesson_id)
            return len(np.unique(catalogue.facets["program"].codes[near]))

    def _near_to(self, store: Store, catalogue: Catalogue, lesson_id: LessonId) -> Places:
        """Return the places of the lessons near to one, nearest first; kept for the next time."""
        key = (catalogue.generation, lesson_id)
        kept = _kept(self._lock, self._near, key)
        if kept is not None:
            return kept
        view = self.ranker.view(store)
        number, vectors = catalogue.numbers.get(lesson_id), view.vectors_of(lesson_id)
        if number is None or vectors is None:
            return np.zeros(0, np.intp)
        own = catalogue.rows[number]
        likely = view.nearest(vectors[0], own.language, NEAREST).places
        scores = view.scores_at(vectors[0], own.language, likely).passage
        numbers = catalogue.places_of(view.numbers[likely])
        shares_theme = catalogue.passing("tema", own.themes)[numbers]
        floors = np.where(shares_theme, SIMILAR_FLOOR_SAME_THEME, SIMILAR_FLOOR)
        order = np.lexsort((numbers, -scores))
        near: Places = numbers[order[((numbers != number) & (scores >= floors))[order]]]
        _keep(self._lock, self._near, key, near)
        return near

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
        found: _Found,
        numbers: Sequence[int],
        twins: Mapping[int, tuple[int, ...]],
        ranks: Mapping[int, int] | None = None,
    ) -> tuple[Hit, ...]:
        """Return the lessons with these numbers as hits; without ``ranks`` ranked as they stand."""
        legs, text, ids = found.legs, found.text, found.catalogue.lesson_ids
        everyone = [*numbers, *(twin for number in numbers for twin in twins.get(number, ()))]
        lessons = store.lessons([ids[number] for number in everyone])
        reports = store.reports_of({one.report_id for one in lessons.values()})
        view = self.ranker.view(store) if legs is not None else None
        hits = []
        for place, number in enumerate(numbers, start=1):
            lesson = lessons[ids[number]]
            shown = _Shown("", tuple(() for _ in lesson.evidence), 0)
            if legs is not None and view is not None:
                meaning = float(legs.meaning[number])
                shown = _show(view, lesson, text, self.ranker.read(text).vector, meaning)
            hits.append(
                Hit(
                    lesson=lesson,
                    report=reports[lesson.report_id],
                    rank=ranks[number] if ranks else place,
                    score=round(float(legs.relevance[number]), 4) if legs is not None else 0.0,
                    match=shown.match,
                    marks=shown.marks,
                    best=shown.best,
                    twins=tuple(lessons[ids[twin]] for twin in twins.get(number, ())),
                )
            )
        return tuple(hits)


@dataclass(frozen=True, slots=True)
class _Listed:
    """Hits in the order they are shown, and for some of them those that they stand for."""

    heads: list[int]
    twins: Mapping[int, tuple[int, ...]]


def _kept(lock: threading.Lock, cache: OrderedDict[_Key, _Kept], key: _Key) -> _Kept | None:
    with lock:
        if key in cache:
            cache.move_to_end(key)
        return cache.get(key)


def _keep(lock: threading.Lock, cache: OrderedDict[_Key, _Kept], key: _Key, value: _Kept) -> None:
    with lock:
        cache[key] = value
        if len(cache) > _CACHED:
            cache.popitem(last=False)


def _listed(catalogue: Catalogue) -> _Found:
    """Return all lessons in reading order, as nobody asked for anything."""
    everyone = np.ones(len(catalogue), bool)
    order = np.arange(len(catalogue))
    return _Found(State.HITS, catalogue, everyone, everyone, order, None, "")


def _elsewhere(catalogue: Catalogue, near: Places, lesson_id: LessonId) -> Places:
    """Return those of other programmes than that of the lesson."""
    if not len(near):
        return near
    own = catalogue.rows[catalogue.numbers[lesson_id]].programme
    return near[~catalogue.passing("program", [own])[near]]


def _without(ranked: Sequence[int], twins: Mapping[int, tuple[int, ...]]) -> list[int]:
    """Return the hits that stand for themselves."""
    folded = {twin for own in twins.values() for twin in own}
    return [number for number in ranked if number not in folded]


def _sorted(catalogue: Catalogue, heads: list[int], sort: Sort) -> list[int]:
    if sort is Sort.RELEVANCE:
        return heads
    sign, column = -1 if sort is Sort.NEWEST else 1, catalogue.facets["ar"]
    years = {number: next(map(int, column.of(number)), None) for number in heads}
    return sorted(heads, key=lambda n: (years[n] is None, sign * (years[n] or 0)))


def _grouped(catalogue: Catalogue, heads: Sequence[int], group: Group) -> dict[str, list[int]]:
    """Return the hits of each group, groups in the order of their first hit."""
    members: dict[str, list[int]] = {}
    for number in heads:
        for value in catalogue.facets[group].of(number) or ("",):
            members.setdefault(value, []).append(number)
    return members


@dataclass(frozen=True, slots=True)
class _Shown:
    match: str
    marks: tuple[tuple[tuple[int, int], ...], ...]
    best: int


def _align(legs: Legs, catalogue: Catalogue, allowed: Mask) -> tuple[Catalogue, Mask, Legs]:
    """Return the lessons that were looked at in reading order, and the rest in the same order.

    All are of the same read transaction.
    """
    places = catalogue.places_of(legs.keys)
    order = np.argsort(places)
    if len(order) < len(catalogue):
        catalogue, allowed = catalogue.only(places[order]), allowed[places[order]]
    return catalogue, allowed, legs.only(order)


def _inside_filters(catalogue: Catalogue, query: SearchQuery, allowed: Mask) -> list[Mask]:
    """Return which lessons pass syntax and filters, and which all filters but that of one facet.

    By key of the lesson; none where nothing is left out.
    """
    passes = _passes(catalogue, query)
    if not passes and allowed.all():
        return []
    sets = [passes, *({k: v for k, v in passes.items() if k != one} for one in passes)]
    return [
        catalogue.by_key(np.logical_and.reduce([allowed, *one.values()]))
        for one in sets
        if one or not allowed.all()
    ]


def _passes(catalogue: Catalogue, query: SearchQuery) -> dict[str, Mask]:
    """Return which lessons pass each facet's filter that is set."""
    chosen = query.chosen()
    return {facet: catalogue.passing(facet, chosen[facet]) for facet in FACETS if chosen[facet]}


def _members(legs: Legs, text: str) -> Mask:
    """Return which lessons are hits of a question that has hits."""
    return legs.fit >= _least_fit(legs, text)


def _least_fit(legs: Legs, text: str) -> float:
    """Return how fit a lesson must be to be a hit; the best always is, and those close to it."""
    size = max(legs.lessons, MEMBER_FLOOR_AT)
    floor = MEMBER_FLOOR + MEMBER_FLOOR_PER_E * log(size / MEMBER_FLOOR_AT)
    if language_of(text) == "en":
        floor += MEMBER_FLOOR_ENGLISH
    return min(floor, float(legs.fit[legs.relevance.argmax()]) - CLOSE_TO_BEST)


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
