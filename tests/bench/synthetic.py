"""Many lessons out of few: real texts with words put in from others, real vectors moved a little.

A lesson keeps the sentences of a real one; some words are drawn from all texts as often as they
occur there. Its vectors are moved towards and away from their ten nearest neighbours, which keeps
them where texts of this field lie. Vectors and words are not of each other: what is measured is
time, memory, and whether a fast way finds what the exact way finds.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import faiss
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import insert, text

from kb.domain import Kind, Phase, ReportType, Status
from kb.lexical import grams
from kb.store import Store, schema
from kb.store.records import sha256_of
from kb.store.state import raise_generation
from kb.text import sentences

PER_REPORT = 25
PER_PROGRAMME = 20 * PER_REPORT
THEMES = tuple(f"tema-{number}" for number in range(24))
_SHARE_REPLACED = 0.3
_MOVED = 0.22
_NEIGHBOURS = 10


@dataclass(frozen=True)
class Seed:
    """A real lesson: its sentences, and the vectors of the whole and of each sentence."""

    sentences: tuple[str, ...]
    vectors: NDArray[np.float32]


class Grower:
    """Makes lessons; the same dice make the same ones."""

    def __init__(self, seeds: Sequence[Seed], dice: np.random.Generator) -> None:
        self.seeds, self._dice = seeds, dice
        every = " ".join(s for seed in seeds for s in seed.sentences).split()
        self._words = np.array([word for word in every if word.isalpha() and word.islower()])
        self._rows = np.concatenate([seed.vectors for seed in seeds])
        self._starts = np.cumsum([0, *(len(seed.vectors) for seed in seeds)])
        _, near = faiss.knn(
            self._rows, self._rows, _NEIGHBOURS + 1, metric=faiss.METRIC_INNER_PRODUCT
        )
        self._near = near[:, 1:]

    def grow(self, count: int) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
        """Yield blocks of lessons: the number of the seed of each, and all their vectors."""
        for start in range(0, count, 10_000):
            chosen = self._dice.integers(0, len(self.seeds), min(10_000, count - start))
            sizes = np.diff(self._starts)[chosen]
            begins = np.cumsum(sizes) - sizes
            rows = np.repeat(self._starts[chosen] - begins, sizes) + np.arange(sizes.sum())
            yield chosen.tolist(), self._moved(rows)

    def _moved(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        own = self._rows[rows]
        moved = own.copy()
        for rank in range(_NEIGHBOURS):
            away = self._rows[self._near[rows, rank]] - own
            moved += away * (_MOVED * self._dice.standard_normal((len(rows), 1), np.float32))
        return moved / np.linalg.norm(moved, axis=1, keepdims=True)

    def sentences(self, seed: int) -> list[str]:
        """Return the sentences of a seed with some words from elsewhere."""
        drawn = iter(self._words[self._dice.integers(0, len(self._words), 200)].tolist())
        swaps = iter((self._dice.random(1000) < _SHARE_REPLACED).tolist())
        real = list(self.seeds[seed].sentences)
        made = [
            " ".join(
                next(drawn, word) if word.isalpha() and word.islower() and next(swaps, False) else word
                for word in sentence.split()
            )
            for sentence in real
        ]
        return made if sentences(" ".join(made)) == made else real


def fill(store: Store, grower: Grower, count: int, model_id: str) -> None:
    """Put ``count`` published lessons into an empty store, past its verbs, which take minutes."""
    dice = np.random.default_rng(count)
    number = 0
    connection = store._connection
    with store._writing():
        generation = raise_generation(connection)
        for chosen, vectors in grower.grow(count):
            halves, row = vectors.astype("<f2"), 0
            for start in range(0, len(chosen), PER_REPORT):
                some = chosen[start : start + PER_REPORT]
                texts = [grower.sentences(seed) for seed in some]
                sizes = [len(grower.seeds[seed].vectors) for seed in some]
                own = halves[row : row + sum(sizes)]
                row += sum(sizes)
                _put(connection, number, texts, sizes, own, model_id, generation, dice)
                number += len(some)


def _put(connection, first, texts, sizes, halves, model_id, generation, dice):
    put = partial(_insert, connection)
    report = hashlib.sha256(f"report {first}".encode()).hexdigest()
    slug = f"programme-{first // PER_PROGRAMME}"
    if first % PER_PROGRAMME == 0:
        put(schema.programme, [{"slug": slug, "name": slug, "programme_type": "regionalt"}])
    types = tuple(ReportType)
    wholes = [" ".join(own) for own in texts]
    page = "\n".join(wholes)
    put(
        schema.report,
        [
            {
                "id": report[:12], "programme": slug, "file": "rapport.pdf", "sha256": report,
                "report_type": types[int(dice.integers(len(types)))], "pages": 1,
                "year": int(dice.integers(2000, 2026)), "language": "nb", "status": "published",
                "sources": "[]", "added": first + 1, "changed": generation,
            }
        ],
    )  # fmt: skip
    text_sha256 = sha256_of(page)
    put(schema.page, [{"report_id": report[:12], "number": 1, "text": page,
                       "text_sha256": text_sha256}])  # fmt: skip
    ids = [hashlib.sha256(f"lesson {first + i}".encode()).hexdigest()[:12] for i in range(len(texts))]
    kinds, phases = tuple(Kind), tuple(Phase)
    put(
        schema.lesson,
        [
            {
                "number": first + i + 1, "id": ids[i], "report_id": report[:12], "position": i,
                "statement": whole, "is_edited": 0, "status": Status.PUBLISHED, "language": "nb",
                "kind": kinds[int(dice.integers(len(kinds)))], "reason": "bench",
                "phase": phases[int(dice.integers(len(phases)))],
                "created": generation, "changed": generation,
            }
            for i, whole in enumerate(wholes)
        ],
    )  # fmt: skip
    put(
        schema.lesson_theme,
        [
            {"lesson_id": one, "position": place, "theme": THEMES[int(theme)], "confidence": 0.5,
             "assigned_by": "rule", "reason": "bench"}
            for one in ids
            for place, theme in enumerate(dice.permutation(len(THEMES))[: dice.integers(1, 4)])
        ],
    )  # fmt: skip
    put(schema.evidence, [{"lesson_id": one, "position": 0, "section": "[]", "quote": whole}
                          for one, whole in zip(ids, wholes, strict=True)])  # fmt: skip
    starts = np.cumsum([0, *(len(whole) + 1 for whole in wholes)]).tolist()
    put(
        schema.evidence_span,
        [
            {"lesson_id": one, "evidence": 0, "position": 0, "report_id": report[:12], "page": 1,
             "start_at": starts[i], "end_at": starts[i] + len(wholes[i])}
            for i, one in enumerate(ids)
        ],
    )  # fmt: skip
    blobs = iter(half.tobytes() for half in halves)
    rows = []
    for one, size in zip(ids, sizes, strict=True):
        own = [next(blobs) for _ in range(size)]
        passages = [("quote", own[0]), *(("sentence", data) for data in own[1:] or own)]
        rows += [
            {"lesson_id": one, "model_id": model_id, "position": place, "role": role,
             "dim": halves.shape[1], "data": data}
            for place, (role, data) in enumerate(passages)
        ]  # fmt: skip
    put(schema.vector, rows)
    connection.execute(
        text("INSERT INTO lesson_grams (rowid, grams) VALUES (:number, :grams)"),
        [
            {"number": first + i + 1, "grams": " ".join(grams(f"{whole}\n{whole}"))}
            for i, whole in enumerate(wholes)
        ],
    )


def _insert(connection, table, rows):
    connection.execute(insert(table), rows)
