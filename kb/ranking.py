"""Every published lesson gets its scores for a question, in two stages.

In the first stage two legs look at every published lesson: meaning (mean-centred cosines of the
question with the lesson's quotes and sentences) and words (BM25 over character 4-grams and stems,
as a share of what the question's tokens could give). The best of them are looked at again by late
interaction: how near each token of the question comes to some token of a quote (MaxSim).

    first     = passage cosine + sentence cosine + 0.6 · words
    relevance = passage cosine + sentence cosine + words + 2 · MaxSim

Every lesson gets these scores as long as there are few vectors. Of many, only those get them that
are among the best of either leg; filters are applied before that, so that the best of even a few
lessons are among them.

All terms are absolute: about 0 when a lesson has nothing to do with the question, whatever else is
in the list. On the dev set with distractors nDCG@10 is .759; that of the first stage alone .744.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import log
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kb.domain import LessonId
from kb.embed import Encoder
from kb.index import LessonIndex
from kb.lexical import pairs, query_grams
from kb.store import Store
from kb.text import language_of
from kb.tokens import Question, maxsim, weights
from kb.vectors import DenseScores, Mask, Places, VectorView

WORD_WEIGHT = 0.6
"""Weight of the word leg in the first stage: flat from .6 to 1.3 on the dev set."""

LATE_WEIGHT = 2.0
"""Weight of late interaction beside the legs: flat from 2 to 5 on the dev set."""

RERANKED = 50
"""So many lessons get a second look; a look at all of 506 was worth .0015."""

NEAREST, WORDIEST = 500, 700
"""So many passages by meaning and lessons by words are sought in a large base."""

ALL_OF = 2_000
"""A filter that leaves so few lessons leaves all of them to be scored."""

USUAL_LATE, USUAL_LATE_PER_FIRST = 0.15, 0.2
"""The MaxSim to be expected of a lesson by its first score, where none is computed."""

_NO_WORDS = 0.01
_CACHED_QUERIES = 4096

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Legs:
    """What each leg says of the lessons that were looked at, by place in ``view``; shape (n,).

    ``late`` is the MaxSim of those that the first stage ranks first, and what is usual of others.
    The first ``unfiltered`` were looked at whatever the filters.
    No lesson that was not looked at is fitter than ``beyond``, as far as codes tell.
    """

    view: VectorView
    places: Places
    dense: DenseScores
    words: Floats
    late: Floats
    unfiltered: int
    beyond: float

    @property
    def lessons(self) -> int:
        """How many lessons are published."""
        return self.view.count

    @property
    def lesson_ids(self) -> tuple[LessonId, ...]:
        """The lessons that were looked at."""
        return self.view.ids(self.places)

    @property
    def keys(self) -> NDArray[np.int64]:
        """Their numbers in the database."""
        return self.view.numbers[self.places]

    def only(self, which: NDArray[np.intp]) -> "Legs":
        """Return what is said of some of the lessons, in that order."""
        return replace(
            self,
            places=self.places[which],
            dense=DenseScores(self.dense.passage[which], self.dense.sentence[which]),
            words=self.words[which],
            late=self.late[which],
        )

    @property
    def meaning(self) -> Floats:
        """Sum of the passage and sentence cosines."""
        return self.dense.passage + self.dense.sentence

    @property
    def first(self) -> Floats:
        """The score of the first stage."""
        return self.meaning + np.float32(WORD_WEIGHT) * self.words

    @property
    def relevance(self) -> Floats:
        """The score that ranks."""
        return self.meaning + self.words + np.float32(LATE_WEIGHT) * self.late

    @property
    def fit(self) -> Floats:
        """The score that decides what is a hit: ranking asks for finer differences than this."""
        return self.meaning + self.words + self.late


class Ranker:
    """Scores lessons with one encoder over one index. Shared by all threads."""

    def __init__(self, encoder: Encoder, home: Path) -> None:
        self._encoder = encoder
        self._index = LessonIndex(home / "index", encoder.model_id, encoder.dim)
        self._lock = threading.Lock()
        self._queries: OrderedDict[str, Question] = OrderedDict()

    def legs(self, store: Store, text: str) -> Legs:
        """Return the scores of lessons for a normalised, non-empty ``text``.

        In a small base those of all, in a large one those of the best.
        """
        question = self.read(text)
        with store.reading():
            view = self._index.view(store)
            words = _words(store, view, text)
            best = _best(view, question, text, words, None)
            dense = view.scores_at(question.vector, language_of(text), best.places)
            count = len(best.places)
            legs = Legs(view, best.places, dense, words[best.places], _NOTHING, count, best.beyond)
            return replace(legs, late=self._late(store, legs, text))

    def widened(self, store: Store, legs: Legs, text: str, within: Sequence[Mask]) -> Legs:
        """Return the legs with the best lessons inside each set of filters added.

        Args:
            store: the caller's, in the read transaction of ``legs``.
            legs: for ``text``.
            text: the question.
            within: for each set of filters which lessons pass, by their numbers in the database.
        """
        view, question = legs.view, self.read(text)
        if view.is_exact or not within:  # all lessons are there already
            return legs
        words = _words(store, view, text)
        sets = [_best(view, question, text, words, mask[view.numbers]) for mask in within]
        extra = np.setdiff1d(np.concatenate([one.places for one in sets]), legs.places)
        dense = view.scores_at(question.vector, language_of(text), extra)
        added = replace(legs, places=extra, dense=dense, words=words[extra])
        return replace(
            legs,
            places=np.concatenate([legs.places, extra]),
            dense=DenseScores(
                np.concatenate([legs.dense.passage, dense.passage]),
                np.concatenate([legs.dense.sentence, dense.sentence]),
            ),
            words=np.concatenate([legs.words, added.words]),
            late=np.concatenate([legs.late, _usual(added.first)]),
        )

    def _late(self, store: Store, legs: Legs, text: str) -> Floats:
        """Return the MaxSim of the lessons that are first, and the usual one of the others.

        The usual one is what lessons of the same first score have; so a lesson that was not looked
        at, or has no token vectors, keeps a place among the others, whatever the filters.
        """
        view, places, first = legs.view, legs.places, legs.first
        late = _usual(first)
        question = self.read(text)
        top = np.lexsort((view.numbers[places], -first))[:RERANKED]
        rows = dict(zip(view.ids(places[top]), top.tolist(), strict=True))
        tokens = store.tokens(list(rows), self._encoder.model_id) if len(question.ids) else {}
        if not tokens:
            return late
        quotes = [quote for own in tokens.values() for quote in own]
        owners = [rows[lesson_id] for lesson_id, own in tokens.items() for _ in own]
        shares = weights(question.ids, view.lessons_with(question.ids), view.count)
        own = view.mean_of(language_of(text))
        late[owners] = -1
        met = maxsim(question, shares, own, quotes, view.means, view.tongues[places[owners]])
        np.maximum.at(late, owners, met)
        return late

    def view(self, store: Store) -> VectorView:
        """Return the vectors as they are in the store's current read transaction."""
        return self._index.view(store)

    def read(self, text: str) -> Question:
        """Return what the encoder makes of a normalised ``text``; kept for the next time."""
        with self._lock:
            if text in self._queries:
                self._queries.move_to_end(text)
                return self._queries[text]
        question = self._encoder.read_question(text)
        with self._lock:
            self._queries[text] = question
            if len(self._queries) > _CACHED_QUERIES:
                self._queries.popitem(last=False)
        return question

    def refresh(self, store: Store) -> None:
        """Write a fresh index snapshot of the store, if it is worth it, and point the store at it.

        Search is right without it; :meth:`rebuild` writes one in any case.
        """
        if self._index.is_behind(store):
            self._index.build(store)

    def rebuild(self, store: Store) -> None:
        """Write a fresh index snapshot of the store and point the store at it."""
        self._index.build(store)

    def problems(self, store: Store) -> tuple[str, ...]:
        """Return what is wrong with the derived indexes, in plain English; () if nothing."""
        return self._index.problems(store, has_tokens=self._encoder.has_tokens)


@dataclass(frozen=True, slots=True)
class _Best:
    """Lessons to look at, and the fit that no other reaches."""

    places: Places
    beyond: float


_NOTHING: Floats = np.zeros(0, np.float32)


def _usual(first: Floats) -> Floats:
    usual: Floats = np.float32(USUAL_LATE) + np.float32(USUAL_LATE_PER_FIRST) * first
    return usual


def _best(
    view: VectorView, question: Question, text: str, words: Floats, among: Mask | None
) -> _Best:
    """Return the lessons to look at: the best by meaning and the best by words."""
    if among is not None and np.count_nonzero(among) <= ALL_OF:
        return _Best(np.flatnonzero(among), -np.inf)
    near = view.nearest(question.vector, language_of(text), NEAREST, among)
    if view.is_exact:
        return _Best(near.places, -np.inf)
    said, least = _highest(words, among)
    # Of two cosines and a share that others do not exceed, and the MaxSim taken for usual then.
    first = 2 * near.beyond + WORD_WEIGHT * least
    beyond = 2 * near.beyond + least + USUAL_LATE + USUAL_LATE_PER_FIRST * first
    return _Best(np.union1d(near.places, said), beyond)


def _highest(words: Floats, among: Mask | None) -> tuple[Places, float]:
    """Return the places of about the ``WORDIEST`` highest shares, and what no other exceeds.

    Found by lowering a threshold, which takes a tenth of the time of sorting.
    """
    said = words if among is None else np.where(among, words, np.float32(0))
    least = float(said.max(initial=0))
    while least > _NO_WORDS and np.count_nonzero(said >= least) < WORDIEST:
        least *= 0.9
    least = max(least, _NO_WORDS)
    found = np.flatnonzero(said >= least)
    if len(found) > 2 * WORDIEST:  # many alike: a question of one frequent word
        found = found[np.argsort(-said[found], kind="stable")[: 2 * WORDIEST]]
        least = float(said[found[-1]])
    return found, least


def _words(store: Store, view: VectorView, text: str) -> Floats:
    """Return the share of every lesson, by place, in what the question's tokens could give."""
    tokens = query_grams(text)
    if not tokens:
        return np.zeros(view.count, np.float32)
    asked = [*tokens, *pairs(text)]
    if view.words is not None:
        whole = _sum_of_idf(view.words.counts(tokens), tokens, view.count)
        return view.words.scores(asked) / np.float32(whole)
    whole = _sum_of_idf(store.gram_counts(tokens), tokens, view.count)
    found = store.grams_match(asked)
    shares = [found.get(lesson_id, 0.0) / whole for lesson_id in view.lesson_ids]
    return np.array(shares, np.float32)


def _sum_of_idf(counts: Mapping[str, int], tokens: Sequence[str], lessons: int) -> float:
    total = sum(
        log(1 + (lessons - min(counts.get(token, 0), lessons) + 0.5) / (counts.get(token, 0) + 0.5))
        for token in tokens
    )
    return max(total, 1e-9)
