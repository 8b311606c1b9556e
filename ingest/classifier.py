"""Judges the sentences of a report: their features, a learned head, and how it is fitted.

The head is linear: what the encoder makes of a sentence (less the mean of its language) beside what
:mod:`ingest.reading` finds in and around it, weighted by ridge logistic regression. So it is fitted
in a second, is a file one can read, and can say what spoke for a sentence. numpy only.
"""

import base64
import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest.reading import BRIEF, Reading, Sentence
from ingest.types import Block, Role
from kb.domain import Kind, Span
from kb.taxonomy import Cues, SectionRole, cue_text

FORMAT = 2
"""Raise it when a feature changes its meaning: a head of another format is not used."""

Floats = NDArray[np.float64]
Embed = Callable[[Sequence[str]], NDArray[np.float32]]
"""Gives the vector of each text, (n, dim), rows of L2 norm 1: ``Encoder.embed_passages``."""

_RULE_SCALE = 2.0
_USUAL_CHARS, _LONG = 90, 150
_MOST_NUMBERS, _MOST_SUBSTANCE, _MOST_COMMAS = 3, 15, 3
_TELLING_NEIGHBOURS = ("reason", "effect", "shortfall", "worked", "counterfactual")
_WORDINGS = {
    name: re.compile(pattern)
    for name, pattern in {
        "perfect": r"\b(har|have|has|hadde|had)\b",
        "past": r"\b(var|ble|vart|blei|was|were)\b",
        "present": r"\b(er|blir|is|are|vert)\b",
        "negated": r"\b(ikke|ikkje|ingen|uten|utan|not|no|none|without|aldri|never|mangl\w+)\b",
        "we": r"\b(vi|we|vår\w*|our)\b",
        "quoted": '[«“"]',
    }.items()
}
_SECTIONS = (*((str(role), role) for role in SectionRole), ("unknown", None))
_NUMBER = re.compile(r"\d+")
_STOPPED = re.compile(r"[.!?…][»”\")\]]*$")

_VECTOR_SCALE = 4.0
_RIDGE_FEATURES, _RIDGE_VECTOR, _RIDGE_PARTING = 40.0, 15.0, 100.0
_LEAST_SPREAD = 0.15
"""A feature seen in few sentences is not blown up to the size of the others."""
_MEAN_SHRINK = 20.0
"""The mean of a language is drawn to the mean of all as if by so many sentences (kb.vectors)."""
_OWN_SHRINK = 50.0
"""A report's own mean is drawn to that of its language or of all as if by so many sentences."""
_LAST_OF_WORDS = "unstopped"
_STEPS, _SETTLED = 25, 1e-6
_DIGITS = 6
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Features:
    """What is known of each sentence of some readings: one row each, in reading order.

    ``vectors`` are the encoder's. ``block`` is the number of the sentence's reading.
    """

    rows: Floats
    vectors: Floats
    block: NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How features become inputs of the weights: by what they are besides what is usual.

    What is usual in a report (its subject, its tone) says nothing about its single sentences, so
    every report is centred on itself, the more the longer it is. ``means`` are of the vectors by
    language, "" for any other; ``centre`` and ``spread`` are of the features called ``names``.
    """

    names: tuple[str, ...]
    means: Mapping[str, Floats]
    centre: Floats
    spread: Floats

    def inputs(self, features: Features, language: str) -> Floats:
        """Return the rows that the weights are for, (n, d), of all sentences of one report."""
        rows = (features.rows - _drawn(features.rows, self.centre, _OWN_SHRINK)) / self.spread
        return np.hstack([rows, _VECTOR_SCALE * self.centred(features.vectors, language)])

    def centred(self, vectors: Floats, language: str) -> Floats:
        """Return the vectors of one report less what is usual in it, of length 1 again."""
        usual = self.means.get(language, self.means[""])
        return _unit(vectors - _drawn(vectors, usual, _OWN_SHRINK)) if len(vectors) else vectors


@dataclass(frozen=True, slots=True)
class Exemplar:
    """A lesson of the training set, to show what a sentence is like. ``vector`` is centred."""

    text: str
    vector: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A fitted classifier of one encoder's vectors. Each row of weights ends with its intercept.

    From the logit ``threshold`` on a sentence carries a lesson. ``calibration`` (slope, intercept)
    makes of the best logit in a quote the logit that a reader would keep it. ``parting`` tells
    whether two neighbouring sentences that carry a lesson carry two (:func:`pairs`); it does from
    the logit 0 on. ``figures`` are what training measured, for people.
    """

    model_id: str
    scale: Scale
    lesson: Floats
    kinds: Mapping[Kind, Floats]
    parting: Floats
    threshold: float = 0.0
    calibration: tuple[float, float] = (1.0, 0.0)
    exemplars: tuple[Exemplar, ...] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)

    def confidence(self, logit: float) -> float:
        """Return how sure it is, 0 to 1, that a quote whose best sentence has ``logit`` is kept."""
        slope, intercept = self.calibration
        return round(float(_sigmoid(np.array(slope * logit + intercept))), 3)

    def nearest(self, centred: Floats) -> Exemplar | None:
        """Return the exemplar most like a sentence with this centred vector."""
        return max(self.exemplars, key=lambda one: float(one.vector @ centred), default=None)

    def as_json(self) -> str:
        """Return the file form; equal heads give equal text."""
        data = {
            "format": FORMAT,
            "model_id": self.model_id,
            "figures": self.figures,
            "threshold": _rounded([self.threshold])[0],
            "calibration": _rounded(self.calibration),
            "names": self.scale.names,
            "centre": _rounded(self.scale.centre),
            "spread": _rounded(self.scale.spread),
            "means": {language: _rounded(row) for language, row in self.scale.means.items()},
            "lesson": _rounded(self.lesson),
            "kinds": {str(kind): _rounded(row) for kind, row in self.kinds.items()},
            "parting": _rounded(self.parting),
            "exemplars": [[one.text, _packed(one.vector)] for one in self.exemplars],
        }
        lines = (f'"{name}": {json.dumps(one, ensure_ascii=False)}' for name, one in data.items())
        return "{\n" + ",\n".join(lines) + "\n}\n"


def load_head(path: Path, model_id: str, cues: Cues) -> Head | None:
    """Return the head in ``path``; None, with a line in the log, where it cannot judge.

    That is so for a file that is missing or damaged, and for a head of another encoder, another
    format or other cues: then the rules decide.
    """
    try:
        head = parse_head(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        _log.warning("head %s is not used: %s: %s", path.name, type(error).__name__, error)
        return None
    if head.model_id != model_id:
        _log.warning("head %s is not used: it is fitted to %s", path.name, head.model_id)
        return None
    if head.scale.names != feature_names(cues):
        _log.warning("head %s is not used: it was fitted to other cues", path.name)
        return None
    return head


def parse_head(text: str) -> Head:
    """Read what :meth:`Head.as_json` wrote.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: it is something else.
    """
    data = json.loads(text)
    if data["format"] != FORMAT:
        raise ValueError(f"format {data['format']}, not {FORMAT}")
    scale = Scale(
        names=tuple(map(str, data["names"])),
        means={language: _row(row) for language, row in data["means"].items()},
        centre=_row(data["centre"]),
        spread=_row(data["spread"]),
    )
    slope, intercept = data["calibration"]
    head = Head(
        model_id=str(data["model_id"]),
        scale=scale,
        lesson=_row(data["lesson"]),
        kinds={Kind(kind): _row(row) for kind, row in data["kinds"].items()},
        parting=_row(data["parting"]),
        threshold=float(data["threshold"]),
        calibration=(float(slope), float(intercept)),
        exemplars=tuple(
            Exemplar(str(text), _unpacked(packed)) for text, packed in data["exemplars"]
        ),
        figures=data["figures"],
    )
    wide = len(scale.names) + len(scale.means[""]) + 1
    paired = len(never_parted(scale.names))
    if (
        {len(head.lesson), *map(len, head.kinds.values())} != {wide}
        or set(head.kinds) != set(Kind)
        or len(head.parting) != paired
    ):
        raise ValueError("weights and features do not belong together")
    return head


def _rounded(row: Sequence[float] | Floats) -> list[float]:
    return [float(f"{value:.{_DIGITS}g}") for value in row]


def _row(values: Any) -> Floats:
    row = np.array(values, np.float64)
    if row.ndim != 1 or not np.isfinite(row).all():
        raise ValueError("expected a row of numbers")
    return row


def _packed(vector: Floats) -> str:
    """Return a vector of length 1 in one byte a number: near enough to find the nearest."""
    return base64.b64encode(np.round(vector * 127).astype(np.int8).tobytes()).decode()


def _unpacked(text: str) -> Floats:
    return _unit(np.frombuffer(base64.b64decode(text), np.int8).astype(np.float64))


def _unit(vectors: Floats) -> Floats:
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: Floats = vectors / np.maximum(norms, 1e-9)
    return unit


def _drawn(rows: Floats, usual: Floats, weight: float) -> Floats:
    """Return the mean of ``rows``, drawn to ``usual`` as if that were ``weight`` rows more."""
    mean: Floats = (rows.sum(axis=0) + weight * usual) / (len(rows) + weight)
    return mean


def _sigmoid(logits: Floats) -> Floats:
    odds: Floats = 1 / (1 + np.exp(-np.clip(logits, -30, 30)))
    return odds


# ---- features


def features(readings: Sequence[Reading], cues: Cues, embed: Embed) -> Features:
    """Return the features of every sentence of ``readings``."""
    rows = [list(told.values()) for told in _described(readings, cues)]
    texts = [sentence.text for reading in readings for sentence in reading.sentences]
    vectors = embed(texts) if texts else np.zeros((0, 0))
    return Features(
        rows=np.array(rows, np.float64).reshape(len(texts), len(feature_names(cues))),
        vectors=np.asarray(vectors, np.float64),
        block=np.repeat(np.arange(len(readings)), [len(one.sentences) for one in readings]),
    )


def feature_names(cues: Cues) -> tuple[str, ...]:
    """Return the names of the features, in the order of their rows."""
    sentence = Sentence(0, 1, "x", 0.0, (), frozenset(), 0)
    span = Span(page=1, start=0, end=1)
    block = Block(role=Role.PARAGRAPH, level=0, text="x", spans=(span,), section=())
    reading = Reading(block=block, section=None, is_governed=False, sentences=(sentence,))
    return tuple(next(_described([reading], cues)))


def _described(readings: Sequence[Reading], cues: Cues) -> Iterator[dict[str, float]]:
    for number, reading in enumerate(readings):
        around = _of_block(reading) | {
            "block before": _beside(readings, number, number - 1),
            "block after": _beside(readings, number, number + 1),
        }
        for position, sentence in enumerate(reading.sentences):
            yield (
                _of_words(sentence, cues)
                | _of_place(reading, position)
                | _of_neighbours(reading, position)
                | around
            )


def _of_words(sentence: Sentence, cues: Cues) -> dict[str, float]:
    """Return what the sentence itself shows."""
    folded = cue_text(sentence.text)
    found = {cue.id for cue, _ in sentence.cues}
    chars = len(sentence.text)
    return (
        {"rules": sentence.score / _RULE_SCALE}
        | {f"cue {cue.id}": float(cue.id in found) for cue in cues.cues}
        | {f"votes {kind}": sum(c.kinds.get(kind, 0.0) for c, _ in sentence.cues) for kind in Kind}
        | {name: float(bool(worded.search(folded))) for name, worded in _WORDINGS.items()}
        | {
            "length": float(np.log(chars / _USUAL_CHARS)),
            "brief": float(chars < BRIEF),
            "long": float(chars > _LONG),
            "numbers": min(_MOST_NUMBERS, len(_NUMBER.findall(sentence.text))) / _MOST_NUMBERS,
            "commas": min(_MOST_COMMAS, sentence.text.count(",")) / _MOST_COMMAS,
            "substance": min(_MOST_SUBSTANCE, sentence.substance) / _MOST_SUBSTANCE,
            "links back": float(sentence.links_back),
            "points back": float(sentence.points_back),
            "colon": float(sentence.text.endswith(":")),
            "unstopped": float(not _STOPPED.search(sentence.text)),
        }
    )


def _of_place(reading: Reading, position: int) -> dict[str, float]:
    """Return what the headings, the form and the place in the block promise."""
    role = reading.section.role if reading.section else None
    is_point = reading.block.role is Role.BULLET or bool(reading.block.lead_in)
    count = len(reading.sentences)
    told = {f"section {name}": float(role is one) for name, one in _SECTIONS}
    told |= {f"point in section {name}": float(is_point and role is one) for name, one in _SECTIONS}
    promised = reading.section.kinds if reading.section else {}
    told |= {f"section votes {kind}": promised.get(kind, 0.0) for kind in Kind}
    return told | {
        "bullet": float(reading.block.role is Role.BULLET),
        "table row": float(reading.block.role is Role.TABLE_ROW),
        "has lead-in": float(bool(reading.block.lead_in)),
        "governed": float(reading.is_governed),
        "only": float(count == 1),
        "first": float(count > 1 and position == 0),
        "last": float(count > 1 and position == count - 1),
        "place": position / (count - 1) if count > 1 else 0.5,
        "sentences": float(np.log(count)),
    }


def _of_neighbours(reading: Reading, position: int) -> dict[str, float]:
    """Return what stands before and after the sentence in its block."""
    told: dict[str, float] = {}
    for name, at in (("before", position - 1), ("after", position + 1)):
        one = reading.sentences[at] if 0 <= at < len(reading.sentences) else None
        found = {cue.id for cue, _ in one.cues} if one else set()
        told[f"rules {name}"] = one.score / _RULE_SCALE if one else 0.0
        told |= {f"cue {cue} {name}": float(cue in found) for cue in _TELLING_NEIGHBOURS}
        if name == "after":
            told["after links back"] = float(one is not None and one.links_back)
    return told


def _of_block(reading: Reading) -> dict[str, float]:
    scores = [one.score / _RULE_SCALE for one in reading.sentences] or [0.0]
    return {"rules mean": sum(scores) / len(scores), "rules best": max(scores)}


def _beside(readings: Sequence[Reading], number: int, other: int) -> float:
    """Return the best score of the rules in a neighbouring block under the same headings."""
    if not 0 <= other < len(readings):
        return 0.0
    here, there = readings[number], readings[other]
    if there.block.section != here.block.section:
        return 0.0
    return max((one.score for one in there.sentences), default=0.0) / _RULE_SCALE


# ---- pairs of sentences


def pairs(head: Head, inputs: Floats, first: Sequence[int], second: Sequence[int]) -> Floats:
    """Return the inputs of ``parting`` for pairs of sentences: the words of both and their logits.

    How alike the two are does not help: cosine and shared stems are a little higher between two
    lessons than within one. What tells is whether each is a lesson in its own right.

    Args:
        head: gives the logits.
        inputs: as :meth:`Scale.inputs` gives them, of all sentences of one report.
        first: rows of the earlier sentences.
        second: rows of the later sentences, in the same order.
    """
    words = inputs[:, : _words(head.scale.names)]
    shown = np.hstack([words, logits(inputs, head.lesson)[:, None]])
    return np.hstack([shown[list(first)], shown[list(second)]])


def fit_parting(
    names: tuple[str, ...], rows: Floats, is_parted: NDArray[np.bool_], wrongly: float
) -> Floats:
    """Return weights for ``rows`` of :func:`pairs`, positive from where two lessons are told.

    The share ``wrongly`` of the pairs that tell one lesson is parted.
    """
    if is_parted.all() or not is_parted.any():
        return never_parted(names)
    weights = logistic(rows, is_parted, np.full(rows.shape[1], _RIDGE_PARTING))
    weights[-1] -= np.quantile(logits(rows[~is_parted], weights), 1 - wrongly)
    return weights


def never_parted(names: tuple[str, ...]) -> Floats:
    """Return weights of ``parting`` that leave neighbouring sentences together."""
    return np.append(np.zeros(2 * _words(names) + 2), -1.0)


def _words(names: tuple[str, ...]) -> int:
    """Return how many of the features tell of the sentence itself; they come first."""
    return names.index(_LAST_OF_WORDS) + 1


# ---- fitting

Labelled = tuple[Features, str, Sequence[Kind | None]]
"""Features of a text, its language, and for each sentence the kind of the lesson it tells."""


def fit_head(
    model_id: str, names: tuple[str, ...], texts: Sequence[Labelled], near: Head | None = None
) -> Head:
    """Return a head fitted to sentences that somebody has labelled; the same input, the same head.

    Its threshold is where a lesson is as likely as not; :mod:`ingest.train` sets a better one. The
    search starts at ``near``, if a head is given that cannot be far.
    """
    rows = np.vstack([one.rows for one, _, _ in texts])
    scale = Scale(
        names=names,
        means=_means(texts),
        centre=rows.mean(axis=0),
        spread=np.maximum(rows.std(axis=0), _LEAST_SPREAD),
    )
    inputs = np.vstack([scale.inputs(one, language) for one, language, _ in texts])
    kinds = np.array([str(kind or "") for _, _, labels in texts for kind in labels])
    told = kinds != ""
    ridge = np.full(inputs.shape[1], _RIDGE_VECTOR)
    ridge[: len(names)] = _RIDGE_FEATURES
    return Head(
        model_id=model_id,
        scale=scale,
        lesson=logistic(inputs, told, ridge, near.lesson if near else None),
        kinds={
            kind: logistic(
                inputs[told], kinds[told] == kind, ridge, near.kinds[kind] if near else None
            )
            for kind in Kind
        },
        parting=never_parted(names),
    )


def _means(texts: Sequence[Labelled]) -> dict[str, Floats]:
    """Return the mean vector of each language, and under "" of all."""
    everything = np.vstack([one.vectors for one, _, _ in texts]).mean(axis=0)
    means = {"": everything}
    for language in sorted({language for _, language, _ in texts}):
        own = np.vstack([one.vectors for one, spoken, _ in texts if spoken == language])
        means[language] = _drawn(own, everything, _MEAN_SHRINK)
    return means


def logistic(
    inputs: Floats, labels: NDArray[np.bool_], ridge: Floats, near: Floats | None = None
) -> Floats:
    """Return the weights, intercept last, of logistic regression with a ridge on each weight.

    Newton's method from ``near``, so the same on every run; the intercept is free.
    """
    data = np.hstack([inputs, np.ones((len(inputs), 1))])
    penalty = np.append(ridge, 1e-6)
    weights = np.zeros(data.shape[1]) if near is None else near.copy()
    for _ in range(_STEPS):
        odds = _sigmoid(data @ weights)
        gradient = data.T @ (odds - labels) + penalty * weights
        hessian = (data * (odds * (1 - odds) + 1e-9)[:, None]).T @ data + np.diag(penalty)
        step = np.linalg.solve(hessian, gradient)
        weights -= step
        if np.abs(step).max() < _SETTLED:
            break
    return weights


def logits(inputs: Floats, weights: Floats) -> Floats:
    """Return the logit of each row of ``inputs``."""
    found: Floats = inputs @ weights[:-1] + weights[-1]
    return found
