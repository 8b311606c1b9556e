"""Does the base speak of a question's matter at all? The floors of «treff» and «svake treff».

An encoder places every text somewhere, so the nearest lesson is never far away. What tells a
question that nothing answers is how well its parts are met by the best lessons there are: four
signals, added up with weights, against a floor for the question's language. Weights and floors are
set by ``kb eval --floors`` (:mod:`kb.calibrate`) and kept in ``corpus/floors.toml`` with the model
that they hold for.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from math import log
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kb.errors import ConfigError
from kb.lexical import stem_token
from kb.ranking import RERANKED, Legs, Ranker
from kb.store import Store
from kb.text import STOP_WORDS, language_of, words
from kb.tokens import maxsim
from kb.tokens import weights as token_weights

LANGUAGES = ("nb", "nn", "en")
MEASURED_AT = 50
"""Floors are kept as those of a base of so many lessons."""

UNKNOWN_WORDS = 0.1
"""Keywords of which no lesson holds more than this share count as held by none."""

Mask = NDArray[np.bool_]


class State(StrEnum):
    """What can be said to a question."""

    HITS = "hits"
    WEAK = "weak"
    """Below the floor, but words of the question occur, or something comes near it."""
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """How well the best lessons meet a question.

    ``meaning``, ``words`` and ``late`` are the highest of each leg, wherever it was found. ``met``
    is the mean over the question's tokens of how near any of the first lessons comes to it: what
    no lesson speaks of pulls it down, also when the rest of the question fits; None without token
    vectors. ``bare`` is 1 for keywords that no lesson holds: only whole questions tell an encoder
    what is meant. ``has_words`` tells whether any word means something by itself, ``is_known``
    whether any of those occurs.
    """

    language: str
    lessons: int
    meaning: float
    words: float
    late: float
    met: float | None
    bare: float
    has_words: bool
    is_known: bool

    @property
    def vector(self) -> tuple[float, ...]:
        """The signals in the order of :class:`Weights`."""
        return (self.meaning, self.words, self.late, self.met or 0.0, self.bare)


@dataclass(frozen=True, slots=True)
class Weights:
    """What each signal counts, in the order of :attr:`Signals.vector`."""

    meaning: float
    words: float
    late: float
    met: float
    bare: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Floors:
    """The weights, and from which sum on a question gets hits or weak hits, by its language.

    The best of many unfitting lessons looks better than the best of few, so both floors rise by
    ``rise`` each time the base grows e-fold.
    """

    model: str
    weights: Weights
    rise: float
    hits: Mapping[str, float]
    weak: Mapping[str, float]

    def score(self, signals: Signals) -> float:
        """Return the weighted sum, as it would be in a base of ``MEASURED_AT`` lessons."""
        own = self.weights
        weights = (own.meaning, own.words, own.late, own.met, own.bare)
        growth = log(max(signals.lessons, MEASURED_AT) / MEASURED_AT)
        total = sum(w * value for w, value in zip(weights, signals.vector, strict=True))
        return total - self.rise * growth

    def judge(self, signals: Signals) -> State:
        """Return what can be said to a question with these signals."""
        if signals.met is None and self.weights.met:
            return FALLBACK.judge(signals)
        if not signals.has_words:
            return State.NOTHING
        score = self.score(signals)
        if score >= self.hits[signals.language]:
            return State.HITS
        is_near = signals.is_known or score >= self.weak[signals.language]
        return State.WEAK if is_near else State.NOTHING


FALLBACK = Floors(
    model="",
    weights=Weights(meaning=1.0, words=1.0, late=1.0, met=0.0, bare=-0.15),
    rise=0.07,
    hits={"nb": 0.92, "nn": 0.92, "en": 0.87},
    weak={"nb": 0.82, "nn": 0.82, "en": 0.77},
)
"""For a model without calibrated floors: those of ADR 0016, set by hand on bases of 58 and 506."""


def load_floors(path: Path | None, model_id: str) -> Floors:
    """Return the floors kept in ``path`` if they are of this model, else ``FALLBACK``.

    Raises:
        ConfigError: the file is there and has another form.
    """
    if path is None or not path.is_file():
        return FALLBACK
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        if data["model"] != model_id:
            return FALLBACK
        return Floors(
            model=data["model"],
            weights=Weights(**{each.name: float(data["weights"][each.name]) for each in _PARTS}),
            rise=float(data["rise"]),
            hits={language: float(data["hits"][language]) for language in LANGUAGES},
            weak={language: float(data["weak"][language]) for language in LANGUAGES},
        )
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{path}: {type(error).__name__}: {error}") from error


_PARTS = fields(Weights)


def write_floors(path: Path, floors: Floors, remarks: tuple[str, ...]) -> None:
    """Keep ``floors`` in ``path``, with ``remarks`` as comments at the top."""
    tables: dict[str, Mapping[str, Any]] = {
        "weights": {each.name: getattr(floors.weights, each.name) for each in _PARTS},
        "hits": floors.hits,
        "weak": floors.weak,
    }
    lines = [f"# {remark}" for remark in remarks]
    lines += ["", f'model = "{floors.model}"', f"rise = {floors.rise:.4f}"]
    for name, table in tables.items():
        lines += ["", f"[{name}]", *(f"{key} = {value:.4f}" for key, value in table.items())]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_signals(
    store: Store, ranker: Ranker, model_id: str, legs: Legs, text: str, among: Mask | None = None
) -> Signals:
    """Return the signals of a normalised ``text`` with words in it.

    Args:
        store: the caller's, in the read transaction that ``legs`` come from.
        ranker: that scored ``legs``.
        model_id: of the ranker's encoder.
        legs: in the ranker's own order.
        text: the question.
        among: bool of shape (n,): the base is to be only these lessons; None for all, whatever the
            filters.
    """
    kept = np.flatnonzero(among) if among is not None else np.arange(legs.unfiltered)
    own = [word for word in words(text) if word not in STOP_WORDS]
    counts = store.gram_counts([stem_token(word) for word in own])
    best_words = float(legs.words[kept].max(initial=0))
    is_bare = STOP_WORDS.isdisjoint(words(text)) and best_words < UNKNOWN_WORDS
    return Signals(
        language=language_of(text),
        lessons=legs.lessons if among is None else len(kept),
        meaning=float(legs.meaning[kept].max(initial=-1)),
        words=best_words,
        late=float(legs.late[kept].max(initial=-1)),
        met=_met(store, ranker, model_id, legs, text, kept),
        bare=float(is_bare),
        has_words=bool(own),
        is_known=bool(counts),
    )


def _met(
    store: Store, ranker: Ranker, model_id: str, legs: Legs, text: str, kept: NDArray[np.int64]
) -> float | None:
    """Return how near the first lessons come to each token of the question, on average."""
    question, view = ranker.read(text), ranker.view(store)
    first = kept[np.argsort(-legs.first[kept], kind="stable")[:RERANKED]]
    places = dict(zip(view.ids(legs.places[first]), first.tolist(), strict=True))
    tokens = store.tokens(list(places), model_id) if len(question.ids) else {}
    if not tokens:
        return None
    quotes = [quote for own in tokens.values() for quote in own]
    owners = [places[lesson_id] for lesson_id, own in tokens.items() for _ in own]
    mean, each = view.mean_of(language_of(text)), np.eye(len(question.ids), dtype=np.float32)
    nearest = maxsim(question, each, mean, quotes, view.means, view.tongues[legs.places[owners]])
    shares = token_weights(question.ids, view.lessons_with(question.ids), legs.lessons)
    return float(nearest.max(axis=0) @ shares)
