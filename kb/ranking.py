"""Every published lesson gets its scores for a question, in two stages.

In the first stage two legs look at every published lesson: meaning (mean-centred cosines of the
question with the lesson's quotes and sentences) and words (BM25 over character 4-grams and stems,
as a share of what the question's tokens could give). The best of them are looked at again by late
interaction: how near each token of the question comes to some token of a quote (MaxSim).

    first     = passage cosine + sentence cosine + 0.6 · words
    relevance = passage cosine + sentence cosine + words + 3 · MaxSim

All terms are absolute: about 0 when a lesson has nothing to do with the question, whatever else is
in the list. On the dev set with distractors nDCG@10 is .759; that of the first stage alone .744.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kb.domain import LessonId
from kb.embed import Encoder
from kb.lexical import pairs, query_grams
from kb.store import Store
from kb.text import language_of
from kb.tokens import Question, maxsim, weights
from kb.vectors import DenseScores, VectorIndex, VectorView

WORD_WEIGHT = 0.6
"""Weight of the word leg in the first stage: flat from .6 to 1.3 on the dev set."""

LATE_WEIGHT = 3.0
"""Weight of late interaction beside the legs: flat from 2 to 5 on the dev set."""

RERANKED = 50
"""So many lessons get a second look; a look at all of 506 was worth .0015."""

USUAL_LATE, USUAL_LATE_PER_FIRST = 0.15, 0.2
"""The MaxSim to be expected of a lesson by its first score, where none is computed."""

_CACHED_QUERIES = 4096

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Legs:
    """What each leg says of every published lesson, in the order of ``lesson_ids``; shape (n,).

    ``late`` is the MaxSim of those that the first stage ranks first, and what is usual of others.
    """

    lesson_ids: tuple[LessonId, ...]
    dense: DenseScores
    words: Floats
    late: Floats

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
        self._index = VectorIndex(home / "index", encoder.model_id, encoder.dim)
        self._lock = threading.Lock()
        self._queries: OrderedDict[str, Question] = OrderedDict()

    def legs(self, store: Store, text: str) -> Legs:
        """Return the scores of every published lesson for a normalised, non-empty ``text``."""
        question = self.read(text)
        with store.reading():
            view = self._index.view(store)
            tokens = query_grams(text)
            found = store.grams_match([*tokens, *pairs(text)]) if tokens else {}
            whole = _sum_of_idf(store, tokens, len(view.lesson_ids))
            shares = [found.get(lesson_id, 0.0) / whole for lesson_id in view.lesson_ids]
            dense = view.scores(question.vector, language_of(text))
            usual = np.zeros(len(shares), np.float32)
            legs = Legs(view.lesson_ids, dense, np.array(shares, np.float32), usual)
            return replace(legs, late=self._late(store, view, text, legs.first))

    def _late(self, store: Store, view: VectorView, text: str, first: Floats) -> Floats:
        """Return the MaxSim of the lessons that are ``first``, and the usual one of the others.

        The usual one is what lessons of the same first score have; so a lesson that was not looked
        at, or has no token vectors, keeps a place among the others, whatever the filters.
        """
        late = np.float32(USUAL_LATE) + np.float32(USUAL_LATE_PER_FIRST) * first
        question = self.read(text)
        top = np.argsort(-first, kind="stable")[:RERANKED]
        places = {view.lesson_ids[number]: number for number in top}
        tokens = store.tokens(list(places), self._encoder.model_id) if len(question.ids) else {}
        if not tokens:
            return late
        quotes = [quote for own in tokens.values() for quote in own]
        owners = [places[lesson_id] for lesson_id, own in tokens.items() for _ in own]
        shares = weights(question.ids, view.lessons_with(question.ids), len(first))
        own = view.mean_of(language_of(text))
        late[owners] = -1
        met = maxsim(question, shares, own, quotes, view.means, view.tongues[owners])
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
        """Write a fresh index snapshot of the store and point the store at it."""
        self._index.build(store)

    def problems(self, store: Store) -> tuple[str, ...]:
        """Return what is wrong with the derived indexes, in plain English; () if nothing."""
        return self._index.problems(store, has_tokens=self._encoder.has_tokens)


def _sum_of_idf(store: Store, tokens: Sequence[str], lessons: int) -> float:
    counts = store.gram_counts(tokens)
    total = sum(
        log(1 + (lessons - min(counts.get(token, 0), lessons) + 0.5) / (counts.get(token, 0) + 0.5))
        for token in tokens
    )
    return max(total, 1e-9)
