"""How alike two quotes are: in words, in meaning and in themes.

Words are TF-IDF over four-letter pieces, which see that «styreseminar» and «seminaret» are kin.
Vectors are centred on their mean first: raw ones all point the same way (cosine 0.8 to 0.97 for any
two texts). Measured on 12 reports in three languages, 301 pairs that tell the same lesson among
11,689: average precision .19 for vectors, .40 for words, .51 for the sum. A quote that tells the
same lesson is among the three nearest for 82 of 100.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import log

import numpy as np
from numpy.typing import NDArray

from kb.domain import Lesson, LessonId, ThemeId
from kb.passages import PassageRole, passages_of
from kb.text import content_words, key

Floats = NDArray[np.float32]
Matrix = NDArray[np.float64]

IDENTICAL = 9.0
"""The likeness of two quotes with the same letters; no other two reach 2."""
NEAREST = 3
_WORDS, _VECTORS, _THEMES = 1.0, 0.25, 0.2
_PIECE = 4


def likeness(
    quotes: Sequence[str], vectors: Floats, themes: Sequence[Mapping[ThemeId, float]]
) -> Matrix:
    """Return how alike each pair of quotes is, shape (n, n); higher is more, no unit.

    How rare a word is, and what all vectors have in common, is judged by the quotes themselves:
    give all of a report.

    Args:
        quotes: texts.
        vectors: one row per quote, L2 norm 1; a row of zeros where there is none.
        themes: of each quote, with confidence.
    """
    like = np.zeros((len(quotes), len(quotes)))
    for worth, rows in (
        (_WORDS, _word_rows(quotes)),
        (_VECTORS, centred(vectors)),
        (_THEMES, theme_rows(themes)),
    ):
        like += worth * (rows @ rows.T)
    keys = np.array([key(quote) for quote in quotes])
    like[keys[:, None] == keys[None, :]] = IDENTICAL
    return like


def nearest(
    lessons: Sequence[Lesson], vectors: Mapping[LessonId, Floats]
) -> dict[LessonId, tuple[tuple[LessonId, float], ...]]:
    """Return for each lesson the three others most like it, with their likeness, most alike first.

    Two lessons are as alike as their two most alike quotes. Equally alike ones stand in the order
    given; those that share nothing are left out.

    Args:
        lessons: that are compared with each other.
        vectors: of each lesson's passages, as :func:`kb.passages.passages_of` orders them; without
            them a lesson is compared by words and themes.
    """
    owners, quotes, rows = [], [], []
    for position, lesson in enumerate(lessons):
        for passage in passages_of(lesson):
            if passage.role is PassageRole.QUOTE:
                owners.append(position)
                quotes.append(passage.text)
                own = vectors.get(lesson.id)
                rows.append(None if own is None else own[passage.position])
    if not lessons:
        return {}
    themes = [{tag.theme: tag.confidence for tag in lessons[owner].tags} for owner in owners]
    like = likeness(quotes, _stacked(rows), themes)
    best = np.full((len(lessons), len(lessons)), -np.inf)
    np.maximum.at(best, (np.array(owners)[:, None], np.array(owners)[None, :]), like)
    np.fill_diagonal(best, -np.inf)
    return {
        lesson.id: tuple(
            (lessons[other].id, float(best[row, other]))
            for other in np.argsort(-best[row], kind="stable")[:NEAREST]
            if best[row, other] > 0
        )
        for row, lesson in enumerate(lessons)
    }


def centred(vectors: Floats) -> Matrix:
    """Return ``vectors`` with L2 norm 1 after what they have in common is taken off.

    A row of zeros, where no vector is known, stays and counts for nothing.
    """
    known = vectors.any(axis=1)
    rows = np.zeros(vectors.shape)
    if known.any():
        rows[known] = vectors[known].astype(np.float64) - vectors[known].mean(axis=0)
    return _with_length_1(rows)


def _with_length_1(rows: Matrix) -> Matrix:
    unit: Matrix = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return unit


def _stacked(rows: Sequence[Floats | None]) -> Floats:
    dim = next((len(row) for row in rows if row is not None), 1)
    return np.stack([np.zeros(dim, np.float32) if row is None else row for row in rows])


def weighted_pieces(quotes: Sequence[str]) -> list[dict[str, float]]:
    """Return the TF-IDF of the pieces of each quote's content words, as a unit vector.

    How rare a piece is, the quotes decide.
    """
    counts = [
        Counter(piece for word in content_words(quote) for piece in _pieces_of(word))
        for quote in quotes
    ]
    spread = Counter(piece for count in counts for piece in count)
    return [
        _unit({p: (1 + log(n)) * log((1 + len(quotes)) / spread[p]) for p, n in count.items()})
        for count in counts
    ]


def _unit(row: dict[str, float]) -> dict[str, float]:
    length = sum(value * value for value in row.values()) ** 0.5 or 1.0
    return {name: value / length for name, value in row.items()}


def _word_rows(quotes: Sequence[str]) -> Matrix:
    pieces = weighted_pieces(quotes)
    column = {piece: at for at, piece in enumerate(dict.fromkeys(p for row in pieces for p in row))}
    rows = np.zeros((len(quotes), len(column)))
    for row, own in zip(rows, pieces, strict=True):
        row[[column[piece] for piece in own]] = list(own.values())
    return rows


def _pieces_of(word: str) -> set[str]:
    return {word[start : start + _PIECE] for start in range(max(1, len(word) - _PIECE + 1))}


def theme_rows(themes: Sequence[Mapping[ThemeId, float]]) -> Matrix:
    """Return a unit vector over all themes that occur, per mapping; zeros where there are none."""
    ids = sorted({theme for own in themes for theme in own})
    rows = np.zeros((len(themes), max(1, len(ids))))
    for row, own in enumerate(themes):
        for theme, confidence in own.items():
            rows[row, ids.index(theme)] = confidence
    return _with_length_1(rows)
