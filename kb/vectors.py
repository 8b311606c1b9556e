"""The only door to FAISS: exact nearest passages, and the snapshot on disk that spares a rebuild.

The database is the truth. A snapshot is a disposable copy of its vectors at one generation, in a
folder of its own: built under a lock, synced, renamed into place, and only then pointed at from
the database. It is never written to again, because readers map it. A reader takes the snapshot
that the database points at, hides what has changed since, and adds what is newer out of the same
read transaction; so every answer is that of the database at one instant, however old the snapshot
is, and also without any.

FAISS holds the vectors as the encoder gave them. E5's vectors share a large common part; taking
the mean away raises nDCG@10 from .575 to .629. Part of what they share is their language, which
makes an English question find whatever is English: each lesson is centred on the mean of its own
language, and so is the question. That is done on the inner products afterwards, so the means may
move with every new lesson while the snapshot stays as it is.
"""

import hashlib
import json
import logging
import os
import shutil
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from kb.domain import LessonId
from kb.errors import StaleIndexError
from kb.passages import PassageRole
from kb.store import IndexPointer, IndexRow, Store

FORMAT = 2
_FILES = ("vectors.faiss", "rows.npz")
_KEEP = 2
_SHRINK = 20
"""A mean counts as if it held so many passages of nothing in particular besides its own."""
_log = logging.getLogger(__name__)

Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class DenseScores:
    """Mean-centred cosines of a question with every lesson, float32 of shape (n,), -1 to 1.

    ``passage`` is the best whole quote of the lesson, ``sentence`` its best single sentence.
    """

    passage: Vector
    sentence: Vector


@dataclass(frozen=True, slots=True)
class _Part:
    """Some rows of vectors: which lesson each belongs to, and whether it is a whole quote.

    ``pieces`` are the token ids of the lessons, one lesson after the other, ``piece_counts`` of
    each.
    """

    index: Any
    lesson_ids: tuple[LessonId, ...]
    owner: NDArray[np.int32]
    is_quote: NDArray[np.bool_]
    pieces: NDArray[np.int32]
    piece_counts: NDArray[np.int32]

    def matrix(self) -> Vector:
        """Return the vectors as FAISS keeps them, without a copy; valid while the part lives."""
        count, dim = self.index.ntotal, self.index.d
        flat: Vector = faiss.rev_swig_ptr(self.index.get_xb(), count * dim)
        return flat.reshape(count, dim)


def _part(rows: Sequence[IndexRow], dim: int) -> _Part:
    index = faiss.IndexFlatIP(dim)
    counts = [len(row.roles) for row in rows]
    if rows:
        index.add(np.ascontiguousarray(np.concatenate([row.vectors for row in rows]), np.float32))
    roles = [role == PassageRole.QUOTE for row in rows for role in row.roles]
    return _Part(
        index=index,
        lesson_ids=tuple(row.lesson_id for row in rows),
        owner=np.repeat(np.arange(len(rows), dtype=np.int32), counts),
        is_quote=np.array(roles, bool),
        pieces=np.concatenate([np.zeros(0, np.int32), *(row.pieces for row in rows)]),
        piece_counts=np.array([len(row.pieces) for row in rows], np.int32),
    )


class VectorView:
    """All vectors of published lessons at one generation. Immutable; shared by threads."""

    def __init__(
        self,
        parts: Sequence[tuple[_Part, frozenset[LessonId]]],
        languages: Mapping[LessonId, str],
        dim: int,
    ) -> None:
        """Take parts, each with the lessons in it that no longer count, and lessons' languages."""
        ids: list[LessonId] = []
        self._alive: list[NDArray[np.bool_]] = []
        self._parts: list[tuple[_Part, NDArray[np.int32], NDArray[np.bool_]]] = []
        for part, gone in parts:
            place = np.full(len(part.lesson_ids), -1, np.int32)
            for number, lesson_id in enumerate(part.lesson_ids):
                if lesson_id not in gone:
                    place[number] = len(ids)
                    ids.append(lesson_id)
            self._alive.append(place >= 0)
            owner = place[part.owner] if len(part.owner) else part.owner
            self._parts.append((part, owner, owner >= 0))
        self.lesson_ids = tuple(ids)
        self._piece_counts: NDArray[np.int64] | None = None
        self._numbers = {lesson_id: number for number, lesson_id in enumerate(ids)}
        self.dim = dim
        spoken = [languages.get(lesson_id, "") for lesson_id in ids]
        self._tongues = {tongue: number for number, tongue in enumerate(sorted(set(spoken)), 1)}
        self._tongue = np.array([self._tongues[tongue] for tongue in spoken], np.intp)
        self._means = self._find_means()
        self._norms = [
            _distances(part.matrix(), self._means, self._row_tongues(owner))
            for part, owner, _ in self._parts
        ]

    def _row_tongues(self, owner: NDArray[np.int32]) -> NDArray[np.intp]:
        """Return for each row which mean is taken from it; row 0 of the means for dead rows."""
        if not len(self._tongue):
            return np.zeros(len(owner), np.intp)
        return np.where(owner >= 0, self._tongue[np.maximum(owner, 0)], 0)

    def _find_means(self) -> Vector:
        """Return the mean quote over all lessons (row 0) and over those of each language."""
        totals = np.zeros((len(self._tongues) + 1, self.dim), np.float64)
        counts = np.zeros(len(totals))
        for part, owner, live in self._parts:
            chosen = np.flatnonzero(live & part.is_quote)
            if len(chosen):
                np.add.at(totals, self._row_tongues(owner)[chosen], part.matrix()[chosen])
                np.add.at(counts, self._row_tongues(owner)[chosen], 1)
        totals[0], counts[0] = totals.sum(axis=0), counts.sum()
        # A mean over a handful of passages is their topic, not what the model or language adds:
        # all are drawn towards nothing, those of a language towards the mean of all.
        everything = totals[0] / (counts[0] + _SHRINK)
        means = (totals + _SHRINK * everything) / (counts + _SHRINK)[:, None]
        means[0] = everything
        return np.asarray(means, np.float32)

    @property
    def means(self) -> Vector:
        """The mean quote of all lessons (row 0) and of each language."""
        return self._means

    @property
    def tongues(self) -> NDArray[np.intp]:
        """For each lesson, in the order of ``lesson_ids``, the row of its language in ``means``."""
        return self._tongue

    def mean_of(self, language: str) -> Vector:
        """Return the mean quote of a language; of all when no lesson has it."""
        mean: Vector = self._means[self._tongues.get(language, 0)]
        return mean

    def _centred(self, query: Vector, language: str) -> Vector:
        return _unit(query - self.mean_of(language))

    def scores(
        self, query: Vector, language: str, among: NDArray[np.bool_] | None = None
    ) -> DenseScores:
        """Return the scores of every lesson, in the order of ``lesson_ids``.

        Args:
            query: float32 of shape (dim,), L2 norm 1.
            language: of the question; one that no lesson has is centred like all lessons.
            among: bool of shape (n,); lessons outside it are not looked at and score -1.
        """
        centred = self._centred(query, language)
        offsets = self._means @ centred
        passage = np.full(len(self.lesson_ids), -1, np.float32)
        sentence = passage.copy()
        for (part, owner, live), norms in zip(self._parts, self._norms, strict=True):
            wanted = live if among is None else live & among[np.maximum(owner, 0)]
            if not wanted.any():
                continue
            products, rows = _search(part.index, centred, wanted)
            away = offsets[self._row_tongues(owner)[rows]]
            cosines = ((products - away) / np.maximum(norms[rows], 1e-9)).astype(np.float32)
            quotes = part.is_quote[rows]
            np.maximum.at(passage, owner[rows[quotes]], cosines[quotes])
            np.maximum.at(sentence, owner[rows[~quotes]], cosines[~quotes])
        return DenseScores(passage=passage, sentence=sentence)

    def lessons_with(self, pieces: NDArray[np.int32]) -> NDArray[np.int64]:
        """Return in how many lessons each of these tokens occurs, (n,)."""
        if self._piece_counts is None:
            live = [
                part.pieces[np.repeat(alive, part.piece_counts)]
                for (part, _, _), alive in zip(self._parts, self._alive, strict=True)
            ]
            self._piece_counts = np.bincount(np.concatenate([np.zeros(0, np.int32), *live]))
        known = pieces < len(self._piece_counts)
        counts = np.zeros(len(pieces), np.int64)
        counts[known] = self._piece_counts[pieces[known]]
        return counts

    def vectors_of(self, lesson_id: LessonId) -> Vector | None:
        """Return a lesson's vectors in the order of its passages, (n, dim); None if not here."""
        number = self._numbers.get(lesson_id)
        if number is None:
            return None
        for part, owner, _ in self._parts:
            rows = owner == number
            if rows.any():
                vectors: Vector = part.matrix()[rows].copy()
                return vectors
        return None

    def cosines(self, query: Vector, language: str, lesson_id: LessonId) -> Vector:
        """Return the centred cosine of each passage of one lesson, (n,); (0,) if not here."""
        vectors = self.vectors_of(lesson_id)
        if vectors is None:
            return np.zeros(0, np.float32)
        mean = self._means[self._tongue[self._numbers[lesson_id]]]
        cosines: Vector = _unit(vectors - mean) @ self._centred(query, language)
        return cosines


def _distances(vectors: Vector, means: Vector, which: NDArray[np.intp]) -> Vector:
    """Return the length of each vector less its mean, without a copy of all the vectors."""
    lengths = np.einsum("ij,ij->i", vectors, vectors)
    products = (vectors @ means.T)[np.arange(len(vectors)), which]
    squares = lengths - 2 * products + np.einsum("ij,ij->i", means, means)[which]
    return np.asarray(np.sqrt(np.maximum(squares, 0)), np.float32)


def _unit(vectors: Vector) -> Vector:
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: Vector = vectors / np.maximum(norms, 1e-9)
    return unit


def _search(
    index: Any, query: Vector, wanted: NDArray[np.bool_]
) -> tuple[Vector, NDArray[np.int64]]:
    """Return inner products and row numbers of all wanted rows, by exact search."""
    params = None
    if not wanted.all():
        bits = np.packbits(wanted, bitorder="little")
        selector = faiss.IDSelectorBitmap(bits)  # type: ignore[call-arg, arg-type]  # the stub lacks the wrapper
        params = faiss.SearchParameters()
        params.sel = selector
    products, rows = index.search(query[None, :], int(wanted.sum()), params=params)
    found = rows[0] >= 0
    return products[0][found], rows[0][found]


class VectorIndex:
    """The vectors of one model: a view per generation, and the snapshots in ``folder``."""

    def __init__(self, folder: Path, model_id: str, dim: int) -> None:
        self._folder, self._model_id, self._dim = folder, model_id, dim
        self._lock = threading.Lock()
        self._snapshot: tuple[str, _Part] | None = None
        self._view: tuple[int, VectorView] | None = None

    def view(self, store: Store) -> VectorView:
        """Return the vectors as they are in the store's current read transaction.

        Raises:
            StaleIndexError: the store's vectors are of another model.
        """
        generation = store.generation()
        with self._lock:
            if self._view is None or self._view[0] != generation:
                self._view = (generation, self._read(store))
            return self._view[1]

    def _read(self, store: Store) -> VectorView:
        pointer = store.index_pointer()
        part = self._open(pointer) if pointer else None
        if pointer is None or part is None:
            rows, gone, parts = store.rows(self._model_id), frozenset[LessonId](), []
        else:
            rows = store.rows(self._model_id, since=pointer.generation)
            gone = store.changed_since(pointer.generation)
            parts = [(part, gone)]
        languages = {row.lesson_id: row.language for row in store.facets()}
        view = VectorView([*parts, (_part(rows, self._dim), frozenset())], languages, self._dim)
        if len(view.lesson_ids) < len(languages):
            stored = ", ".join(sorted(store.model_ids())) or "no model"
            raise StaleIndexError(
                f"vectors are stored for {stored}, the model is {self._model_id}: run `kb reindex`"
            )
        return view

    def _open(self, pointer: IndexPointer) -> _Part | None:
        if self._snapshot is not None and self._snapshot[0] == pointer.name:
            return self._snapshot[1]
        if pointer.model_id != self._model_id:
            return None
        folder = self._folder / pointer.name
        problem = _problem(folder, pointer, self._model_id, self._dim)
        if problem:
            _log.warning("index snapshot=%s ignored: %s", pointer.name, problem)
            return None
        index = faiss.read_index(str(folder / _FILES[0]), faiss.IO_FLAG_MMAP_IFC)
        with np.load(folder / _FILES[1], allow_pickle=False) as rows:
            part = _Part(
                index=index,
                lesson_ids=tuple(str(lesson_id) for lesson_id in rows["lesson_ids"]),
                owner=rows["owner"],
                is_quote=rows["is_quote"],
                pieces=rows["pieces"],
                piece_counts=rows["piece_counts"],
            )
        self._snapshot = (pointer.name, part)
        return part

    def build(self, store: Store) -> IndexPointer:
        """Write a snapshot of the store as it is now, point the database at it, and tidy up.

        Safe to kill at any instant: what is not pointed at is garbage that the next build removes.
        """
        from filelock import FileLock  # noqa: PLC0415  # brings asyncio; a cold search needs neither

        self._folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self._folder / "build.lock"):
            with store.reading():
                generation, rows = store.generation(), store.rows(self._model_id)
            name = f"g{generation:012d}-{os.getpid()}-{time.time_ns()}"
            temporary = self._folder / f".tmp-{name}"
            temporary.mkdir()
            _write(temporary, _part(rows, self._dim), generation, self._model_id)
            temporary.rename(self._folder / name)
            _sync(self._folder)
            store.point_index(name, generation, self._model_id)
            self._tidy(store)
        return IndexPointer(name=name, generation=generation, model_id=self._model_id)

    def _tidy(self, store: Store) -> None:
        pointer = store.index_pointer()
        kept = {pointer.name} if pointer else set()
        whole = sorted(path for path in self._folder.iterdir() if path.name.startswith("g"))
        old = [path for path in whole[:-_KEEP] if path.name not in kept]
        for path in [*old, *self._folder.glob(".tmp-*")]:
            shutil.rmtree(path, ignore_errors=True)

    def problems(self, store: Store, *, has_tokens: bool = False) -> tuple[str, ...]:
        """Return what is wrong with the snapshot pointed at and with the vectors; () if nothing.

        Lessons without token vectors are told of only if the model ``has_tokens``.
        """
        with store.reading():
            pointer = store.index_pointer()
            found = []
            if pointer is not None and pointer.model_id == self._model_id:
                problem = _problem(self._folder / pointer.name, pointer, self._model_id, self._dim)
                if problem:
                    found.append(f"index {pointer.name}: {problem}")
            rows = store.rows(self._model_id)
            lacking = len({row.lesson_id for row in store.facets()} - {r.lesson_id for r in rows})
            bare = sum(not len(row.pieces) for row in rows) if has_tokens else 0
            if bare:
                found.append(f"{bare} published lessons lack token vectors: run `kb reindex`")
            if lacking:
                found.append(f"{lacking} published lessons lack vectors of {self._model_id}")
        return tuple(found)


def _write(folder: Path, part: _Part, generation: int, model_id: str) -> None:
    faiss.write_index(part.index, str(folder / _FILES[0]))
    np.savez(
        folder / _FILES[1],
        lesson_ids=np.array(part.lesson_ids, dtype=np.str_),
        owner=part.owner,
        is_quote=part.is_quote,
        pieces=part.pieces,
        piece_counts=part.piece_counts,
    )
    manifest = {
        "format": FORMAT,
        "model": model_id,
        "dim": part.index.d,
        "count": part.index.ntotal,
        "generation": generation,
        "sha256": {name: _sha256(folder / name) for name in _FILES},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    for name in (*_FILES, "manifest.json"):
        _sync(folder / name)
    _sync(folder)


def _problem(folder: Path, pointer: IndexPointer, model_id: str, dim: int) -> str:
    """Return what keeps the snapshot from being used, or an empty string."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        wanted = {"format": FORMAT, "model": model_id, "dim": dim, "generation": pointer.generation}
        for field, value in wanted.items():
            if manifest[field] != value:
                return f"{field} is {manifest[field]!r}, not {value!r}"
        for name in _FILES:
            if _sha256(folder / name) != manifest["sha256"][name]:
                return f"{name} does not have its checksum"
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"{type(error).__name__}: {error}"
    return ""


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    if os.name == "nt" and path.is_dir():
        return  # Windows cannot open a folder; NTFS journals the rename itself
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
