"""The index of all published lessons: a snapshot on disk, and what has changed since.

The database is the truth. A snapshot is a disposable copy of what search needs of it at one
generation, in a folder of its own: built under a lock, synced, renamed into place, and only then
pointed at from the database. It is never written to again, because readers map it. A reader takes
the snapshot that the database points at, hides what has changed since, and adds what is newer out
of the same read transaction; so every answer is that of the database at one instant, however old
the snapshot is, and also without any.

From one generation to the next only what changed is read.
"""

import json
import logging
import os
import shutil
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kb.domain import LessonId
from kb.errors import StaleIndexError
from kb.postings import post
from kb.snapshot import MANIFEST, load, problem, seal, sync
from kb.store import IndexPointer, IndexRow, Store
from kb.vectors import (
    EXACT_UP_TO,
    Part,
    VectorView,
    coded_part,
    columns_of,
    exact_part,
    opened,
    save,
)

FORMAT = 3
_KEEP = 2

WORDS_UP_TO = 2_000
"""So many lessons are left to FTS5, which needs 1 ms for each thousand; others are posted."""

STALE_FROM, STALE_SHARE = 500, 0.02
"""A large snapshot is built anew when so many lessons, and such a share of all, have changed."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class _Snapshot:
    """A snapshot in use. ``lacking`` published lessons had no vectors when it was made."""

    pointer: IndexPointer
    part: Part
    lacking: int


@dataclass(frozen=True, slots=True, eq=False)
class _State:
    """The lessons at one generation: those of a snapshot that are ``alive``, and fresh ones."""

    generation: int
    snapshot: _Snapshot | None
    alive: NDArray[np.bool_]
    fresh: Mapping[LessonId, IndexRow]
    words: Mapping[LessonId, str]


class LessonIndex:
    """What one model makes of the lessons: a view per generation, and the snapshots in a folder."""

    def __init__(self, folder: Path, model_id: str, dim: int) -> None:
        self._folder, self._model_id, self._dim = folder, model_id, dim
        self._lock = threading.Lock()
        self._snapshot: _Snapshot | None = None
        self._kept: tuple[_State, VectorView] | None = None

    def view(self, store: Store) -> VectorView:
        """Return the lessons as they are in the store's current read transaction.

        Raises:
            StaleIndexError: the store's vectors are of another model.
        """
        with self._lock, store.reading():
            generation = store.generation()
            if self._kept is not None and self._kept[0].generation == generation:
                return self._kept[1]
            state = self._read(store, generation)
            view = self._view(state)
            if self._kept is None or self._kept[0].generation < generation:
                self._kept = (state, view)
            return view

    def _read(self, store: Store, generation: int) -> _State:
        start = self._start(store, generation)
        changed = store.changed_since(start.generation) if start.generation else frozenset()
        alive = start.alive.copy()
        if start.snapshot is not None:
            alive[start.snapshot.part.columns.find(changed)] = False
        rows = store.rows(self._model_id, since=start.generation)
        self._refuse_lacking(store, start)
        fresh = {id_: row for id_, row in start.fresh.items() if id_ not in changed}
        fresh |= {row.lesson_id: row for row in rows}
        words: dict[LessonId, str] = {}
        if start.snapshot is not None and start.snapshot.part.words is not None:
            found = store.words([row.number for row in rows])
            words = {id_: text for id_, text in start.words.items() if id_ in fresh}
            words |= {row.lesson_id: found.get(row.number, "") for row in rows}
        return _State(generation, start.snapshot, alive, fresh, words)

    def _start(self, store: Store, generation: int) -> _State:
        """Return what to go on from: what is kept, the snapshot pointed at, or nothing."""
        pointer = store.index_pointer()
        snapshot = self._open(pointer) if pointer else None
        kept = None if self._kept is None else self._kept[0]
        if kept is not None and kept.snapshot is snapshot and kept.generation < generation:
            return kept
        if snapshot is None:
            return _State(0, None, np.ones(0, bool), {}, {})
        every = np.ones(len(snapshot.part.columns), bool)
        return _State(snapshot.pointer.generation, snapshot, every, {}, {})

    def _refuse_lacking(self, store: Store, start: _State) -> None:
        """Refuse a base in which any published lesson has no vector of this model."""
        is_whole = start.snapshot is None or start.snapshot.lacking == 0
        if store.lacking(self._model_id, since=start.generation if is_whole else 0):
            stored = ", ".join(sorted(store.model_ids())) or "no model"
            raise StaleIndexError(
                f"vectors are stored for {stored}, the model is {self._model_id}: run `kb reindex`"
            )

    def _view(self, state: _State) -> VectorView:
        part = exact_part(*columns_of(state.fresh.values(), self._dim))
        every = np.ones(len(state.fresh), bool)
        if state.snapshot is None:
            return VectorView([(part, every)], self._dim)
        if state.snapshot.part.words is not None:
            texts = (state.words[id_] for id_ in state.fresh)
            part = replace(part, words=post(texts, state.snapshot.part.words.usual))
        return VectorView([(state.snapshot.part, state.alive), (part, every)], self._dim)

    def _open(self, pointer: IndexPointer) -> _Snapshot | None:
        if self._snapshot is not None and self._snapshot.pointer == pointer:
            return self._snapshot
        if pointer.model_id != self._model_id:
            return None
        folder = self._folder / pointer.name
        wrong = self._problem(pointer, thoroughly=False)
        if wrong:
            _log.warning("index snapshot=%s ignored: %s", pointer.name, wrong)
            return None
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        part = opened(folder, load(folder))
        self._snapshot = _Snapshot(pointer, part, int(manifest["lacking"]))
        return self._snapshot

    def build(self, store: Store) -> IndexPointer:
        """Write a snapshot of the store as it is now, point the database at it, and tidy up.

        Safe to kill at any instant: what is not pointed at is garbage that the next build removes.
        """
        from filelock import FileLock  # noqa: PLC0415  # brings asyncio; a cold search needs neither

        self._folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self._folder / "build.lock"):
            with store.reading():
                generation, lacking = store.generation(), store.lacking(self._model_id)
                part = self._part(store)
            name = f"g{generation:012d}-{os.getpid()}-{time.time_ns()}"
            temporary = self._folder / f".tmp-{name}"
            temporary.mkdir()
            pointer = IndexPointer(name=name, generation=generation, model_id=self._model_id)
            seal(temporary, save(part, temporary), {**self._about(pointer), "lacking": lacking})
            temporary.rename(self._folder / name)
            sync(self._folder)
            store.point_index(name, generation, self._model_id)
            self._tidy(store)
        with self._lock:  # at the same generation there is now a better way to the same answers
            self._kept = None
        return pointer

    def _part(self, store: Store) -> Part:
        columns, matrix = columns_of(store.each_row(self._model_id), self._dim)
        words = None
        if len(columns) > WORDS_UP_TO:
            words = post(store.each_words(columns.numbers.tolist()))
        make = exact_part if len(matrix) <= EXACT_UP_TO else coded_part
        return make(columns, matrix, words)

    def is_behind(self, store: Store) -> bool:
        """Return whether a new snapshot is worth its building.

        A small one always is. With a large one the next question reads what has changed in less
        time than a builder takes.
        """
        with store.reading():
            pointer = store.index_pointer()
            snapshot = self._open(pointer) if pointer else None
            if snapshot is None or snapshot.part.is_exact:
                return True
            changed = len(store.changed_since(snapshot.pointer.generation))
        return changed >= max(STALE_FROM, STALE_SHARE * len(snapshot.part.columns))

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
                wrong = self._problem(pointer, thoroughly=True)
                if wrong:
                    found.append(f"index {pointer.name}: {wrong}")
            lacking = store.lacking(self._model_id)
            rows = store.each_row(self._model_id) if has_tokens else ()
            bare = sum(not len(row.pieces) for row in rows)
            if bare:
                found.append(f"{bare} published lessons lack token vectors: run `kb reindex`")
            if lacking:
                found.append(f"{lacking} published lessons lack vectors of {self._model_id}")
        return tuple(found)

    def _about(self, pointer: IndexPointer) -> dict[str, object]:
        return {
            "format": FORMAT,
            "model": self._model_id,
            "dim": self._dim,
            "generation": pointer.generation,
        }

    def _problem(self, pointer: IndexPointer, *, thoroughly: bool) -> str:
        folder = self._folder / pointer.name
        return problem(folder, self._about(pointer), thoroughly=thoroughly)
