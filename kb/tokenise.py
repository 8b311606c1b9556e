"""Cut text into the tokens of multilingual-e5, from a table that opens at once.

Does what the model's own tokeniser does (SentencePiece unigram, Viterbi), without the 0.7 s that
reading its 9 MB of JSON takes. The table holds for each piece a 64-bit hash, its id and its log
probability, sorted by hash, and is memory-mapped; a question needs a few hundred look-ups. Text
must have been folded by :mod:`kb.embed`, which also keeps the model's special tokens out of it.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_PIECE = np.dtype([("hash", "<u8"), ("id", "<i4"), ("score", "<f4")])
_BLANK = "\u2581"
_BLANKS = re.compile(f"[ {_BLANK}]+")
_WORD = re.compile(f"{_BLANK}[^{_BLANK}]*")
_UNKNOWN_PENALTY = 10.0
_CACHED_WORDS = 1 << 16


def write_table(pieces: Sequence[str], scores: Sequence[float], path: Path) -> None:
    """Write the table of ``pieces``, whose places are their ids.

    Raises:
        ValueError: two pieces have one hash.
    """
    table = np.empty(len(pieces), _PIECE)
    table["hash"] = [_hash(piece) for piece in pieces]
    table["id"] = np.arange(len(pieces))
    table["score"] = scores
    table.sort(order="hash")
    if (table["hash"][1:] == table["hash"][:-1]).any():
        raise ValueError("two pieces have the same hash")
    longest = max(map(len, pieces))
    head = np.array([(longest, 0, min(scores))], _PIECE)
    np.save(path, np.concatenate([head, table]), allow_pickle=False)


class Tokeniser:
    """The tokens of a model. Thread-safe."""

    def __init__(self, path: Path, unknown: int) -> None:
        """Open the table at ``path``; ``unknown`` is the id for what is in no piece."""
        table = np.load(path, mmap_mode="r", allow_pickle=False)
        self._longest = int(table["hash"][0])
        self._unknown_score = float(table["score"][0]) - _UNKNOWN_PENALTY
        self._hashes: NDArray[np.uint64] = np.ascontiguousarray(table["hash"][1:])
        self._table = table[1:]
        self._unknown = unknown
        self._cut = lru_cache(_CACHED_WORDS)(self._cut_word)

    def ids(self, text: str) -> list[int]:
        """Return the ids of a folded ``text``, without the model's start and end tokens."""
        marked = _BLANK + _BLANKS.sub(_BLANK, text).removeprefix(_BLANK)
        return [id_ for word in _WORD.findall(marked) for id_ in self._cut(word)]

    def _cut_word(self, word: str) -> tuple[int, ...]:
        """Return the most probable pieces of ``word``; the first found of equals, as SentencePiece.

        A character in no piece is unknown; neighbours that are unknown are one token.
        """
        best: list[float] = [0.0] + [-np.inf] * len(word)
        come: list[tuple[int, int]] = [(0, 0)] * (len(word) + 1)
        for start, pieces in enumerate(self._pieces(word)):
            if not any(end == start + 1 for end, _, _ in pieces):
                pieces.append((start + 1, self._unknown, self._unknown_score))
            for end, id_, score in pieces:
                if best[start] + score > best[end]:
                    best[end], come[end] = best[start] + score, (start, id_)
        ids: list[int] = []
        end = len(word)
        while end:
            end, id_ = come[end]
            if not (id_ == self._unknown and ids and ids[-1] == self._unknown):
                ids.append(id_)
        return tuple(reversed(ids))

    def _pieces(self, word: str) -> list[list[tuple[int, int, float]]]:
        """Return for each start in ``word`` the (end, id, score) of the pieces there."""
        spans = [
            (start, end)
            for start in range(len(word))
            for end in range(start + 1, min(start + self._longest, len(word)) + 1)
        ]
        wanted = np.array([_hash(word[start:end]) for start, end in spans], np.uint64)
        places = np.minimum(np.searchsorted(self._hashes, wanted), len(self._hashes) - 1)
        found: list[list[tuple[int, int, float]]] = [[] for _ in word]
        for number in np.flatnonzero(self._hashes[places] == wanted):
            (start, end), row = spans[number], self._table[places[number]]
            found[start].append((end, int(row["id"]), float(row["score"])))
        return found


def _hash(piece: str) -> int:
    return int.from_bytes(blake2b(piece.encode(), digest_size=8).digest(), "little")
