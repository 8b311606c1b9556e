"""The floors of «treff» and «svake treff», learned from questions with and without an answer.

A weighted sum of the signals of :mod:`kb.floors` (logistic regression; a signal that would count
the wrong way is left out) and a floor for each language of question, set so that few questions that
have an answer fall below. What is printed is cross-validated: each question is judged by weights
and floors that were set without it, and without those that have the same answers.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kb.embed import Encoder
from kb.errors import ConfigError
from kb.evaluate import JudgedSet, judged_base
from kb.floors import LANGUAGES, MEASURED_AT, Floors, Signals, Weights, read_signals
from kb.ranking import Ranker
from kb.store import Store
from kb.text import normalise, words

LOST = 0.02
"""The share of answerable questions that each floor may cost where it is set; a little more is lost
on new ones."""

LOST_WEAK = 0.005
"""The same of the floor below which not even weak hits are shown."""

_SIGNS = np.array([1, 1, 1, 1, -1])
_FOLDS, _REPEATS = 10, 5
_RIDGE = 1.0
_KEPT_RISE = 0.5
"""Questions that nothing answers score higher in a larger base, those with an answer hardly: so the
floors rise half as much. With the whole of it, floors set in 169 lessons lost 14 % in 506."""
_FEWEST = 20
"""A language with fewer questions gets the floor of all."""

Matrix = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outsider:
    """A question that nothing answers; ``kind`` is ``junk``, ``far`` or ``near``."""

    text: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Floors, and how they fare with questions that they were not set with.

    ``flagged`` is the share of outsiders that get no ordinary hits, by kind; ``unseen`` that of the
    set's own outsiders, which are never learned from. ``lost`` is the share of answerable questions
    that get none, for ``all`` and by language.
    """

    floors: Floors
    questions: int
    outsiders: int
    flagged: Mapping[str, float]
    unseen: float
    lost: Mapping[str, float]


def load_outsiders(path: Path) -> tuple[Outsider, ...]:
    """Read questions that nothing answers.

    Raises:
        ConfigError: the file is missing or has another form.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        return tuple(Outsider(text=one["text"], kind=one["kind"]) for one in data["out_of_scope"])
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{path}: {type(error).__name__}: {error}") from error


def calibrate(judged: JudgedSet, outsiders: Sequence[Outsider], encoder: Encoder) -> Calibration:
    """Set the floors for ``encoder`` and tell how they fare."""
    known = {normalise(text).lower() for text in judged.out_of_scope}
    outsiders = [one for one in outsiders if normalise(one.text).lower() not in known]
    with judged_base(judged, encoder) as (store, folder, _), store.reading():
        reader = _Reader(store, Ranker(encoder, folder), encoder.model_id)
        inside = reader.read(query.text for query in judged.queries)
        outside = reader.read(one.text for one in outsiders)
        unseen = reader.read(judged.out_of_scope)
        halves = reader.read_halves(one.text for one in outsiders)
    keys = [repr(sorted(query.relevant.items())) for query in judged.queries]
    data = _Data.of(inside, outside, keys)
    floors = data.fitted(encoder.model_id, halves)
    flags = data.cross_validated()
    is_out = data.labels == 0
    kinds = np.array(["in"] * len(inside) + [one.kind for one in outsiders])
    kept = {kind: float(flags[kinds == kind].mean()) for kind in sorted({*kinds} - {"in"})}
    rest = is_out & (kinds != "junk")
    lost = {"all": float(flags[~is_out].mean())}
    for language in LANGUAGES:
        own = ~is_out & (data.languages == language)
        if own.any():
            lost[language] = float(flags[own].mean())
    return Calibration(
        floors=floors,
        questions=len(inside),
        outsiders=len(outside),
        flagged={**kept, "all but junk": float(flags[rest].mean()) if rest.any() else 0.0},
        unseen=float(np.mean([_is_flagged(floors, one) for one in unseen])) if unseen else 0.0,
        lost=lost,
    )


def _is_flagged(floors: Floors, signals: Signals) -> bool:
    return not signals.has_words or floors.score(signals) < floors.hits[signals.language]


@dataclass(frozen=True, slots=True)
class _Reader:
    """Asks the questions of one base."""

    store: Store
    ranker: Ranker
    model_id: str

    def read(self, texts: Iterable[str]) -> list[Signals]:
        return [self._one(text) for text in map(normalise, texts) if words(text)]

    def read_halves(self, texts: Iterable[str]) -> list[tuple[Signals, Signals]]:
        """Return the signals in the whole base, and with every second lesson only."""
        pairs = []
        for text in map(normalise, texts):
            if words(text):
                half = np.arange(len(self.ranker.legs(self.store, text).lesson_ids)) % 2 == 0
                pairs.append((self._one(text), self._one(text, half)))
        return pairs

    def _one(self, text: str, among: Mask | None = None) -> Signals:
        legs = self.ranker.legs(self.store, text)
        return read_signals(self.store, self.ranker, self.model_id, legs, text, among)


@dataclass(frozen=True, slots=True)
class _Data:
    """Questions as rows: signals, 1 where there is an answer, language, what is held together."""

    values: Matrix
    labels: Matrix
    languages: NDArray[np.str_]
    groups: NDArray[np.str_]
    has_words: Mask

    @classmethod
    def of(
        cls, inside: Sequence[Signals], outside: Sequence[Signals], keys: Sequence[str]
    ) -> "_Data":
        both = [*inside, *outside]
        return cls(
            np.array([one.vector for one in both]),
            np.array([1.0] * len(inside) + [0.0] * len(outside)),
            np.array([one.language for one in both]),
            np.array([*keys, *(f"outside {number}" for number in range(len(outside)))]),
            np.array([one.has_words for one in both]),
        )

    def learn(self, rows: Mask) -> tuple[Matrix, dict[str, float], dict[str, float]]:
        """Return weights and both floors from some of the questions."""
        usable = rows & self.has_words
        weights = _regression(self.values[usable], self.labels[usable])
        scores = self.values @ weights
        hits, weak = {}, {}
        for language in LANGUAGES:
            own = usable & (self.labels == 1) & (self.languages == language)
            if own.sum() < _FEWEST:
                own = usable & (self.labels == 1)
            hits[language] = float(np.quantile(scores[own], LOST))
            weak[language] = float(np.quantile(scores[own], LOST_WEAK))
        return weights, hits, weak

    def cross_validated(self) -> Matrix:
        """Return how often each question fell below floors that were set without it."""
        names, counts = np.unique(self.groups), np.zeros(len(self.groups))
        for seed in range(_REPEATS):
            shuffled = np.random.default_rng(seed).permutation(names)
            fold_of = {name: place % _FOLDS for place, name in enumerate(shuffled)}
            folds = np.array([fold_of[name] for name in self.groups])
            for fold in range(_FOLDS):
                weights, hits, _ = self.learn(folds != fold)
                floor = np.array([hits[language] for language in self.languages])
                is_flagged = ~self.has_words | (self.values @ weights < floor)
                counts[folds == fold] += is_flagged[folds == fold]
        return counts / _REPEATS

    def fitted(self, model_id: str, halves: Sequence[tuple[Signals, Signals]]) -> Floors:
        """Return floors from all rows; ``halves`` tell how much they rise as a base grows."""
        weights, hits, weak = self.learn(np.ones(len(self.values), bool))
        given = Weights(*map(float, weights))
        flat = Floors(model=model_id, weights=given, rise=0.0, hits=hits, weak=weak)
        grown = [flat.score(whole) - flat.score(half) for whole, half in halves]
        rise = _KEPT_RISE * max(0.0, float(np.mean(grown)) / log(2)) if grown else 0.0
        # What was measured in this base is told as it would be in one of MEASURED_AT lessons.
        size = halves[0][0].lessons if halves else 0
        away = rise * log(max(size, MEASURED_AT) / MEASURED_AT)
        return Floors(
            model=model_id,
            weights=given,
            rise=rise,
            hits={language: floor - away for language, floor in hits.items()},
            weak={language: floor - away for language, floor in weak.items()},
        )


def _regression(values: Matrix, labels: Matrix) -> Matrix:
    """Return the weights of a logistic regression, 0 where the sign would be wrong; sum of 4.

    Both classes count alike; the scale is that of the signals.
    """
    active = np.flatnonzero(values.std(axis=0) > 0)
    share = np.where(labels == 1, 0.5 / labels.mean(), 0.5 / (1 - labels.mean()))
    weights = np.zeros(values.shape[1])
    while len(active):
        spread = values[:, active].std(axis=0)
        found = _newton(
            (values[:, active] - values[:, active].mean(axis=0)) / spread, labels, share
        )
        signs = found * _SIGNS[active]
        if (signs >= 0).all():
            weights[active] = found / spread
            break
        active = np.delete(active, int(signs.argmin()))
    return weights * (4 / max(float(np.abs(weights).sum()), 1e-9))


def _newton(values: Matrix, labels: Matrix, share: Matrix) -> Matrix:
    """Return the slopes of a ridge logistic regression by Newton's method."""
    rows = np.column_stack([np.ones(len(values)), values])
    ridge = np.diag([1e-6, *([_RIDGE] * values.shape[1])])
    found = np.zeros(rows.shape[1])
    for _ in range(25):
        chance = 1 / (1 + np.exp(-np.clip(rows @ found, -30, 30)))
        slope = rows.T @ (share * (chance - labels)) + ridge @ found
        bend = (rows * (share * chance * (1 - chance))[:, None]).T @ rows + ridge
        found -= np.linalg.solve(bend, slope)
    return np.asarray(found[1:], np.float64)
