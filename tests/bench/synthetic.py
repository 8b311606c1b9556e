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
from kb.store.records import sha256_of, token_records
from kb.store.state import raise_generation
from kb.text import sentences
from kb.tokens import Tokens

PER_REPORT = 25
PER_PROGRAMME = 20 * PER_REPORT
THEMES = tuple(f"tema-{number}" for number in range(24))
_SHARE_REPLACED = 0.3
_MOVED = 0.22
_NEIGHBOURS = 10


@dataclass(frozen=True)
class Seed:
    """A real lesson: its sentences, the vectors of the whole and of each sentence if there are
    several, and the tokens of the whole."""

    sentences: tuple[str, ...]
    vectors: NDArray[np.float32]
    tokens: Tokens


class Grower:
    """Makes lessons; the same dice make the same ones."""

    def __init__(self, seeds: Sequence[Seed], dice: np.random.Generator) -> None:
        self.seeds, self._dice = seeds, dice
        every = " ".join(s for seed in seeds for s in seed.sentences).split()
        self._words = np.array([word for word in every if _is_plain(word)])
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
                next(drawn, word) if _is_plain(word) and next(swaps, False) else word
                for word in sentence.split()
            )
            for sentence in real
        ]
        return made if sentences(" ".join(made)) == made else real


def _is_plain(word: str) -> bool:
    return word.isalpha() and word.islower()


def fill(store: Store, grower: Grower, count: int, model_id: str) -> None:
    """Put ``count`` published lessons into an empty store, past its verbs, which take minutes."""
    dice = np.random.default_rng(count)
    number = 0
    with store._writing():
        generation = raise_generation(store._connection)
        for chosen, vectors in grower.grow(count):
            halves, row = vectors.astype("<f2"), 0
            for start in range(0, len(chosen), PER_REPORT):
                seeds = [grower.seeds[seed] for seed in chosen[start : start + PER_REPORT]]
                texts = [grower.sentences(seed) for seed in chosen[start : start + PER_REPORT]]
                sizes = [len(seed.vectors) for seed in seeds]
                wholes = [" ".join(own) for own in texts]
                ids = _put_report(store._connection, number, wholes, generation, dice)
                own = np.split(halves[row : row + sum(sizes)], np.cumsum(sizes)[:-1])
                _put_vectors(store._connection, ids, own, seeds, model_id)
                row, number = row + sum(sizes), number + len(seeds)


def _put_report(connection, first, wholes, generation, dice):
    """Write one report with a page that holds all its quotes; return the ids of the lessons."""
    put = partial(_insert, connection)
    digest = hashlib.sha256(f"report {first}".encode()).hexdigest()
    report, slug = digest[:12], f"programme-{first // PER_PROGRAMME}"
    if first % PER_PROGRAMME == 0:
        put(schema.programme, slug=slug, name=slug, programme_type="regionalt")
    put(
        schema.report,
        id=report, programme=slug, file="rapport.pdf", sha256=digest, pages=1, language="nb",
        report_type=_one_of(ReportType, dice), year=int(dice.integers(2000, 2026)),
        status="published", sources="[]", added=first + 1, changed=generation,
    )  # fmt: skip
    page = "\n".join(wholes)
    put(schema.page, report_id=report, number=1, text=page, text_sha256=sha256_of(page))
    ids = [
        hashlib.sha256(f"lesson {first + place}".encode()).hexdigest()[:12]
        for place in range(len(wholes))
    ]
    lessons, themes, quotes, spans, words = [], [], [], [], []
    at = 0
    for place, (one, whole) in enumerate(zip(ids, wholes, strict=True)):
        lessons.append({
            "number": first + place + 1, "id": one, "report_id": report, "position": place,
            "statement": whole, "is_edited": 0, "status": Status.PUBLISHED, "language": "nb",
            "kind": _one_of(Kind, dice), "phase": _one_of(Phase, dice), "reason": "bench",
            "created": generation, "changed": generation,
        })  # fmt: skip
        for rank, theme in enumerate(dice.permutation(len(THEMES))[: dice.integers(1, 4)]):
            themes.append({"lesson_id": one, "position": rank, "theme": THEMES[int(theme)],
                           "confidence": 0.5, "assigned_by": "rule", "reason": ""})  # fmt: skip
        quotes.append({"lesson_id": one, "position": 0, "section": "[]", "quote": whole})
        spans.append({"lesson_id": one, "evidence": 0, "position": 0, "report_id": report,
                      "page": 1, "start_at": at, "end_at": at + len(whole)})  # fmt: skip
        words.append({"number": first + place + 1, "grams": " ".join(grams(f"{whole}\n{whole}"))})
        at += len(whole) + 1
    tables = (schema.lesson, schema.lesson_theme, schema.evidence, schema.evidence_span)
    for table, rows in zip(tables, (lessons, themes, quotes, spans), strict=True):
        connection.execute(insert(table), rows)
    connection.execute(
        text("INSERT INTO lesson_grams (rowid, grams) VALUES (:number, :grams)"), words
    )
    return ids


def _put_vectors(connection, ids, vectors, seeds, model_id):
    rows, tokens = [], []
    for one, own, seed in zip(ids, vectors, seeds, strict=True):
        halves = [half.tobytes() for half in own]
        passages = [("quote", halves[0]), *(("sentence", half) for half in halves[1:] or halves)]
        for place, (role, data) in enumerate(passages):
            rows.append({"lesson_id": one, "model_id": model_id, "position": place, "role": role,
                         "dim": own.shape[1], "data": data})  # fmt: skip
        tokens += token_records(one, [seed.tokens], model_id)
    connection.execute(insert(schema.vector), rows)
    connection.execute(insert(schema.token_vector), tokens)


def _one_of(kind, dice):
    values = tuple(kind)
    return values[int(dice.integers(len(values)))]


def _insert(connection, table, **values):
    connection.execute(insert(table), [values])
