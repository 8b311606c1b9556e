"""Late interaction: how well each word of a question is met somewhere in a quote.

The encoder gives a vector for every token (piece of a word) in its context. MaxSim takes for each
token of the question the nearest token of the quote and averages those cosines, rare tokens
counting more (Khattab and Zaharia, SIGIR 2020; the weights are ours). A quote is thus judged by
what is in it, not by the mean of all it says.

Vectors of quotes are kept as int8 with one scale per token, 390 bytes a token: ranking is the
same as with float32. They are derived from the text, like all vectors, and can be left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int32]
Floats = NDArray[np.float32]

_TOP = 127
_SHARED = 0.9
"""Token vectors scatter more than passages do, so their mean is shorter than that of passages."""


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """The tokens of one quote, without those that the model adds itself.

    ``ids`` (n,); ``scales`` float16 (n,); ``cells`` int8 (n, dim): a row times its scale has L2
    norm 1.
    """

    ids: Ids
    scales: NDArray[np.float16]
    cells: NDArray[np.int8]


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """What the encoder makes of a question in one pass.

    ``vector`` (dim,) is compared with those of passages. ``ids`` (n,) and ``vectors`` (n, dim),
    rows of L2 norm 1, are of its tokens; both are empty when the model gives none.
    """

    vector: Floats
    ids: Ids
    vectors: Floats


def question_without_tokens(vector: Floats) -> Question:
    """Return the question of a model that gives no token vectors."""
    return Question(vector, np.zeros(0, np.int32), np.zeros((0, len(vector)), np.float32))


def quantised(ids: Ids, vectors: Floats) -> Tokens:
    """Return token vectors of any length, (n, dim), as they are kept."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors / np.maximum(norms, 1e-9)
    scales = (np.abs(unit).max(axis=1, initial=0) / _TOP).astype(np.float16)
    safe = np.maximum(scales.astype(np.float32), 1e-6)[:, None]
    cells = np.clip(np.rint(unit / safe), -_TOP, _TOP).astype(np.int8)
    return Tokens(np.asarray(ids, np.int32), scales, cells)


def weights(ids: Ids, counts: NDArray[np.int64], lessons: int) -> Floats:
    """Return how much each token of a question counts: its idf, as shares that add up to 1.

    Args:
        ids: of the question's tokens.
        counts: in how many lessons each of ``ids`` occurs.
        lessons: how many there are.
    """
    held = np.minimum(counts.astype(np.float64), lessons)
    idf = np.log(1 + (lessons - held + 0.5) / (held + 0.5))
    return np.asarray(idf / max(float(idf.sum()), 1e-9), np.float32) if len(ids) else _NOTHING


_NOTHING = np.zeros(0, np.float32)


def maxsim(
    question: Question,
    shares: Floats,
    own: Floats,
    quotes: Sequence[Tokens],
    means: Floats,
    common: NDArray[np.intp],
) -> Floats:
    """Return the MaxSim of the question with each quote, (quotes,), at most 1.

    What all passages of a language share is taken from the tokens first, like from the vectors of
    passages: else a question finds what is in its own language.

    Args:
        question: with at least one token.
        shares: of its tokens, from :func:`weights`.
        own: the mean of the question's language, (dim,).
        quotes: each with at least one token.
        means: of the passages of each language, (languages, dim).
        common: for each quote the row of ``means`` that is its language's.
    """
    if not quotes:
        return _NOTHING
    asked = question.vectors - _SHARED * own
    asked /= np.maximum(np.linalg.norm(asked, axis=1, keepdims=True), 1e-9)
    away = _SHARED * means
    starts = np.cumsum([0, *(len(one.ids) for one in quotes[:-1])])
    cells = np.concatenate([one.cells for one in quotes]).astype(np.float32)
    scales = np.concatenate([one.scales for one in quotes]).astype(np.float32)
    products = (cells @ np.concatenate([asked, away]).T) * scales[:, None]
    which = np.repeat(common, [len(one.ids) for one in quotes])
    along = products[np.arange(len(which)), len(asked) + which]
    lengths = np.sqrt(np.maximum(1 - 2 * along + (away * away).sum(axis=1)[which], 1e-9))
    cosines = (products[:, : len(asked)] - (away @ asked.T)[which]) / lengths[:, None]
    best = np.maximum.reduceat(cosines, starts, axis=0)
    found: Floats = best @ shares
    return found
