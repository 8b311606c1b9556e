"""What labelled lessons teach about themes, and the file it is kept in.

A quote is seen twice: as the encoder's vector and as the four-letter pieces of its words. A ridge
regression per theme over both gives a score of about 0 to 1. ``corpus/learn_themes.py`` learns
it from the training passages and the sample reports; this module applies it.
"""

import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kb.domain import ThemeId
from kb.errors import TaxonomyError
from kb.text import content_words

Floats = NDArray[np.float32]

BUCKETS = 8192
"""Pieces of words are hashed into so many columns; half as many cost one point of F1."""
_PIECE = 4
_CHUNK = 256
_TELLING = 2
_CLEAR = 0.04
"""A word is named in a reason when it alone adds this much to a score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What speaks for one theme in one quote: numbers of cues, and what the vectors say."""

    first_cue: float = 0.0
    further_cue: float = 0.0
    weak_cue: float = 0.0
    heading: float = 0.0
    leaning: float = 0.0
    learned: float = 0.0
    vote: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What each of the signs adds to the logit of a theme's confidence."""

    intercept: float
    first_cue: float
    further_cue: float
    weak_cue: float
    heading: float
    leaning: float
    learned: float = 0.0
    vote: float = 0.0

    def logit(self, signs: Signs) -> float:
        """Return the logit of the confidence."""
        worth = (getattr(self, one.name) * getattr(signs, one.name) for one in fields(Signs))
        return float(self.intercept + sum(worth))


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """What was learned for ``themes``, in their order, with vectors of one model.

    ``mean`` (dim) is taken off every vector, ``rarity`` (buckets) weighs the pieces of words,
    ``by_vector`` (dim, themes) and ``by_word`` (buckets, themes) are the regression's weights and
    ``base`` (themes) its constants.
    """

    model_id: str
    themes: tuple[ThemeId, ...]
    mean: Floats
    rarity: Floats
    by_vector: Floats
    by_word: Floats
    base: Floats
    weights: Weights

    def scores(self, quotes: Sequence[str], vectors: Floats) -> Floats:
        """Return about 0 to 1 for each quote and theme, shape (quotes, themes)."""
        out = np.empty((len(quotes), len(self.themes)), np.float32)
        for start in range(0, len(quotes), _CHUNK):
            part = slice(start, start + _CHUNK)
            meant = unit(vectors[part] - self.mean) @ self.by_vector
            out[part] = meant + unit(word_rows(quotes[part]) * self.rarity) @ self.by_word
        return out + self.base

    def telling(self, quote: str, column: int) -> tuple[str, ...]:
        """Return the words of ``quote`` that speak most for a theme; none where none does."""
        words = list(dict.fromkeys(word for word in content_words(quote) if not word.isdigit()))
        length = float(np.linalg.norm(word_rows([quote])[0] * self.rarity)) or 1.0
        worth = {
            word: float(
                np.log(2.0)
                * sum(self.rarity[at] * self.by_word[at, column] for at in _buckets(word))
                / length
            )
            for word in words
        }
        ranked = sorted(worth, key=lambda word: -worth[word])
        return tuple(word for word in ranked[:_TELLING] if worth[word] >= _CLEAR)


def unit(rows: Floats) -> Floats:
    """Return ``rows`` with L2 norm 1; a row of zeros stays."""
    scaled: Floats = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return scaled


def word_rows(quotes: Sequence[str]) -> Floats:
    """Return how often each bucket's pieces stand in each quote, damped; words count once."""
    rows = np.zeros((len(quotes), BUCKETS), np.float32)
    for row, quote in enumerate(quotes):
        for word in dict.fromkeys(content_words(quote)):
            if not word.isdigit():
                np.add.at(rows[row], _buckets(word), 1.0)
    damped: Floats = np.log1p(rows)
    return damped


def _buckets(word: str) -> list[int]:
    marked = f"^{word}"
    pieces = {marked[at : at + _PIECE] for at in range(max(1, len(marked) - _PIECE + 1))}
    return sorted(zlib.crc32(piece.encode()) % BUCKETS for piece in pieces)


def load_examples(path: Path, themes: Sequence[ThemeId], model_id: str) -> Examples | None:
    """Return what was learned, its columns in the order of ``themes``.

    None when it was learned with another model, whose vectors mean something else, or not at all.
    A theme it does not know has the score 0.

    Raises:
        TaxonomyError: the file is no such file.
    """
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as kept:
            if str(kept["model_id"]) != model_id:
                return None
            known = [str(theme) for theme in kept["themes"]]
            by_word = kept["by_word"].astype(np.float32) * kept["scale"]
            columns = [known.index(theme) if theme in known else len(known) for theme in themes]
            return Examples(
                model_id=model_id,
                themes=tuple(themes),
                mean=kept["mean"].astype(np.float32),
                rarity=kept["rarity"].astype(np.float32),
                by_vector=_with_unknown(kept["by_vector"].astype(np.float32))[:, columns],
                by_word=_with_unknown(by_word)[:, columns],
                base=np.append(kept["base"], np.float32(0))[columns].astype(np.float32),
                weights=Weights(**dict(zip(_names(), map(float, kept["weights"]), strict=True))),
            )
    except (KeyError, ValueError, OSError, zipfile.BadZipFile) as error:
        raise TaxonomyError(f"{path.name}: expected what learn_themes.py wrote: {error}") from error


def save_examples(path: Path, learned: Examples, sources: str) -> None:
    """Write ``learned``; the same values give the same bytes. ``sources`` is a digest of them."""
    scale = np.maximum(np.abs(learned.by_word).max(axis=0), 1e-9) / 127
    kept: dict[str, NDArray[np.generic]] = {
        "model_id": np.array(learned.model_id),
        "sources": np.array(sources),
        "themes": np.array(learned.themes),
        "mean": learned.mean.astype(np.float16),
        "rarity": learned.rarity.astype(np.float16),
        "by_vector": learned.by_vector.astype(np.float16),
        "by_word": np.round(learned.by_word / scale).astype(np.int8),
        "scale": scale.astype(np.float32),
        "base": learned.base.astype(np.float32),
        "weights": np.array([getattr(learned.weights, name) for name in _names()]),
    }
    with path.open("wb") as file:
        np.savez_compressed(file, **kept)  # type: ignore[arg-type]  # its stub wants no keywords


def _names() -> list[str]:
    return [one.name for one in fields(Weights)]


def _with_unknown(columns: Floats) -> Floats:
    """Return the columns with one of zeros after them, for a theme that nothing was learned of."""
    widened: Floats = np.hstack([columns, np.zeros((len(columns), 1), np.float32)])
    return widened
