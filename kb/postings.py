"""The word leg of a large base: which lessons hold each token, as arrays that can be mapped.

SQLite's FTS5 reckons BM25 of every lesson that holds any token of the question, one row at a time:
fine for ten thousand lessons, a second for a hundred thousand. Here the part of BM25 that depends
on the lesson alone is reckoned when the index is built, and a question adds up slices of arrays.
Scores are those of FTS5, with one liberty: the usual length of a lesson is that of the snapshot
until the next one is built.
"""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

K1, B = 1.2, 0.75
"""The constants of BM25 that FTS5 has built in."""

_LEAST_IDF = 1e-6
"""FTS5 lets a token that more than half of the lessons hold count for next to nothing."""

STEP = np.float32((K1 + 1) / 0xFFFF)
"""A weight is less than K1 + 1, so this is exact to some 0.002 %, in half the room of a float."""

_BLOCK = 20_000

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Postings:
    """The lessons that hold each token; lessons count from 0 in the order they were posted.

    Those of the token with the hash ``keys[i]`` (ascending) stand at ``starts[i]:starts[i + 1]`` of
    ``lessons`` (ascending), each with its weight: BM25 without the idf, in ``STEP``. ``lengths``
    (n,) counts the tokens of each lesson, ``usual`` is the mean length that the weights were
    reckoned with.
    """

    keys: NDArray[np.uint64]
    starts: Ints
    lessons: NDArray[np.int32]
    weights: NDArray[np.uint16]
    lengths: NDArray[np.int32]
    usual: float

    def of(self, token: str) -> slice:
        """Return where the lessons with ``token`` stand; an empty slice if there are none."""
        key = _hash(token)
        place = int(np.searchsorted(self.keys, key))
        if place == len(self.keys) or self.keys[place] != key:
            return slice(0, 0)
        return slice(int(self.starts[place]), int(self.starts[place + 1]))


def post(texts: Iterable[str], usual: float | None = None) -> Postings:
    """Return the postings of lessons, each given as its tokens joined by blanks.

    Args:
        texts: as the store keeps them; read once, a block at a time.
        usual: the mean length to reckon with; None takes that of ``texts``.
    """
    vocabulary: defaultdict[str, int] = defaultdict()
    vocabulary.default_factory = vocabulary.__len__
    lengths = array("i")
    terms = array("i")
    blocks = []
    for number, text in enumerate(texts, 1):
        own = text.split()
        terms.extend(map(vocabulary.__getitem__, own))
        lengths.append(len(own))
        if number % _BLOCK == 0:
            blocks.append(_counted(terms, lengths[number - _BLOCK :], number - _BLOCK))
            terms = array("i")
    done = _BLOCK * len(blocks)
    blocks.append(_counted(terms, lengths[done:], done))
    counts = np.frombuffer(lengths, np.int32) if lengths else np.zeros(0, np.int32)
    mean = float(counts.mean()) if usual is None and len(counts) else usual or 1.0
    return _merged(list(vocabulary), blocks, counts, max(mean, 1.0))


_Block = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.uint16]]


def _counted(terms: "array[int]", lengths: "array[int]", first: int) -> _Block:
    """Return term, lesson and count of some lessons from ``first`` on, by term, then by lesson."""
    if not len(terms):
        return np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.uint16)
    owners = np.repeat(np.arange(first, first + len(lengths), dtype=np.int64), lengths)
    pairs = (np.frombuffer(terms, np.int32).astype(np.int64) << 32) | owners
    pairs, counts = np.unique(pairs, return_counts=True)
    return (
        (pairs >> 32).astype(np.int32),
        (pairs & 0xFFFFFFFF).astype(np.int32),
        np.minimum(counts, 0xFFFF).astype(np.uint16),
    )


def _merged(
    vocabulary: Sequence[str], blocks: Sequence[_Block], lengths: NDArray[np.int32], usual: float
) -> Postings:
    keys = np.array([_hash(token) for token in vocabulary], np.uint64)
    order = np.argsort(keys)
    sizes = np.zeros(len(keys), np.int64)
    for terms, _, _ in blocks:
        sizes += np.bincount(terms, minlength=len(keys))
    starts = np.concatenate([[0], np.cumsum(sizes[order])]).astype(np.int64)
    free = np.empty(len(keys), np.int64)  # where the next lesson of each term goes
    free[order] = starts[:-1]
    lessons = np.empty(int(starts[-1]), np.int32)
    weights = np.empty(int(starts[-1]), np.uint16)
    damping = (K1 * (1 - B + B * lengths / usual)).astype(np.float32)
    for terms, owners, counts in blocks:
        if not len(terms):
            continue
        begins = np.flatnonzero(np.diff(terms, prepend=-1))
        runs = np.diff(begins, append=len(terms))
        places = np.repeat(free[terms[begins]] - begins, runs) + np.arange(len(terms))
        free[terms[begins]] += runs
        lessons[places] = owners
        share = counts / (counts + damping[owners])
        weights[places] = np.rint(share * np.float32(0xFFFF)).astype(np.uint16)
    return Postings(keys[order], starts, lessons, weights, lengths, usual)


def _hash(token: str) -> np.uint64:
    digest = blake2b(token.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return np.uint64(int.from_bytes(digest, "little"))


class Words:
    """The word leg over several postings, of which some lessons no longer count."""

    def __init__(self, parts: Sequence[tuple[Postings, NDArray[np.bool_]]]) -> None:
        """Take parts, each with the lessons of it that count."""
        self._parts = [(part, np.flatnonzero(~alive), alive) for part, alive in parts]
        self.count = sum(int(alive.sum()) for _, alive in parts)

    def counts(self, tokens: Iterable[str]) -> dict[str, int]:
        """Return how many lessons hold each of ``tokens``."""
        return {
            token: sum(_living(part, dead, part.of(token)) for part, dead, _ in self._parts)
            for token in set(tokens)
        }

    def scores(self, tokens: Sequence[str]) -> Floats:
        """Return the BM25 of every lesson that counts, part by part, (count,); 0 without match."""
        counts = self.counts(tokens)
        idf = {
            token: max(log((self.count - held + 0.5) / (held + 0.5)), _LEAST_IDF)
            for token, held in counts.items()
        }
        found = []
        for part, dead, alive in self._parts:
            places = [(part.of(token), idf[token]) for token in tokens]
            lessons = [part.lessons[place] for place, _ in places]
            weights = [part.weights[place] * (STEP * np.float32(share)) for place, share in places]
            sums: NDArray[Any] = np.zeros(len(alive))
            if any(map(len, lessons)):
                sums = np.bincount(np.concatenate(lessons), np.concatenate(weights), len(alive))
            found.append(sums[alive] if len(dead) else sums)
        return np.concatenate(found).astype(np.float32) if found else np.zeros(0, np.float32)


def _living(part: Postings, dead: NDArray[np.intp], place: slice) -> int:
    """Return how many of the lessons at ``place`` count."""
    held = part.lessons[place]
    if not len(dead) or not len(held):
        return len(held)
    near = np.minimum(np.searchsorted(held, dead), len(held) - 1)
    return len(held) - int((held[near] == dead).sum())
