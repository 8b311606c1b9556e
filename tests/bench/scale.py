"""Large bases: this program beside what a user would pick instead, on the same lessons."""

import os
import sqlite3
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial, wraps
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import faiss
import numpy as np

import kb.ranking
import kb.search
from kb.lexical import grams, pairs, query_grams
from kb.postings import post
from kb.search import Searcher, SearchQuery
from kb.store import IndexRow, Store
from kb.text import STOP_WORDS, language_of, words
from kb.tokens import Question
from kb.vectors import CODED, VectorView, coded_part, columns_of
from tests.bench.measure import Timed
from tests.bench.synthetic import THEMES, Grower, fill

ROOT = Path(__file__).resolve().parents[2]
GOALS = {10_000: (8, 400), 100_000: (12, 1000), 1_000_000: (35, 2500)}
"""By number of lessons: p95 of a warm query without encoding in ms, memory over the model in MB."""

_TRIALS = 30
"""So many questions are also answered by looking at every lesson."""


class Known:
    """An encoder that has read its questions before, so that nothing but search is measured."""

    has_tokens, dim = True, 384

    def __init__(self, asked: Mapping[str, Question], model_id: str) -> None:
        self._asked, self.model_id = asked, model_id

    def read_question(self, text: str) -> Question:
        return self._asked[text]


def base(
    home: Path, grower: Grower, asked: Mapping[str, Question], count: int, model_id: str
) -> None:
    """Measure a whole base of synthetic lessons."""
    started = time.perf_counter()
    with Store.open(home) as store:
        fill(store, grower, count, model_id)
        filled = time.perf_counter() - started
        searcher = Searcher(Known(asked, model_id), home)
        started = time.perf_counter()
        searcher.rebuild(store)
        print(f"\n{count} synthetic lessons: written in {filled:.0f} s, snapshot built in"
              f" {time.perf_counter() - started:.1f} s")  # fmt: skip
        _sizes(home, count)
        warm = next(iter(asked))
        searcher.search(store, SearchQuery(text=warm))
        _side_by_side(store, searcher, asked, count, model_id, home)
        _profile(store, searcher, asked)
        _next_generation(store, searcher, warm)
        if not searcher.ranker.view(store).is_exact:
            _recall(store, searcher, asked)
    _memory(home, count, asked, model_id)


def _sizes(home: Path, count: int) -> None:
    database = sum(path.stat().st_size for path in home.glob("*.db*"))
    index = sum(path.stat().st_size for path in max(home.glob("index/g*")).iterdir())
    print(f"  per lesson: database {database / count / 1000:.1f} kB,"
          f" snapshot {index / count / 1000:.2f} kB")  # fmt: skip


def _side_by_side(store, searcher, asked, count, model_id, home) -> None:
    view = searcher.ranker.view(store)
    with sqlite3.connect(":memory:") as plain:
        rivals = {
            "SQLite FTS5, whole words": _fts5(plain, store, home),
            "bm25s, whole words": _bm25s(store, home),
            "e5 vectors + FAISS Flat": _flat(store, asked, model_id),
        }
        runs = {
            "this program, 20 hits": lambda text: searcher.search(store, SearchQuery(text=text)),
            "  with two filters": lambda text: searcher.search(
                store,
                SearchQuery(text=text, themes=frozenset({THEMES[3]}), years=frozenset({2010})),
            ),
            "  scores alone": lambda text: searcher.ranker.legs(store, text),
            **{name: run for name, run in rivals.items() if run},
            "its 4-grams in FTS5": lambda text: store.grams_match(
                [*query_grams(text), *pairs(text)]
            ),
        }
        times: dict[str, Timed] = defaultdict(Timed)
        for text in asked:
            for name, run in runs.items():
                times[name].run(partial(run, text))
    print(f"  without encoding (n={len(asked)} each, in turns):")
    for name, own in times.items():
        print(f"    {name:26} {own}")
    if count in GOALS:
        own = times["this program, 20 hits"]
        print(f"    goal p95 {GOALS[count][0]} ms: wall {np.percentile(own.wall, 95) * 1000:.1f},"
              f" CPU {np.percentile(own.cpu, 95) * 1000:.1f}")  # fmt: skip
    if not view.is_exact:
        _first_stage_ratio(view, asked)


def _first_stage_ratio(view: VectorView, asked: Mapping[str, Question]) -> None:
    """Compare with Flat over the very same vectors."""
    rows = np.concatenate(
        [one.part.vectors.vectors(np.arange(len(one.part.columns.roles))) for one in view._parts]
    )
    flat = faiss.IndexFlatIP(rows.shape[1])
    flat.add(np.ascontiguousarray(rows))
    faiss.omp_set_num_threads(1)
    mine, theirs = Timed(), Timed()
    for text, question in asked.items():
        mine.run(lambda q=question, t=text: view.nearest(q.vector, language_of(t), 10))
        theirs.run(lambda q=question: flat.search(q.vector[None], 10))
    ratio = np.median(mine.cpu) / np.median(theirs.cpu)
    deep = Timed()
    for text, question in asked.items():
        deep.run(
            lambda q=question, t=text: view.nearest(q.vector, language_of(t), kb.ranking.NEAREST)
        )
    deep_ratio = np.median(deep.cpu) / np.median(theirs.cpu)
    print(f"  first stage over {len(rows)} vectors, one thread: {CODED}")
    print(f"    ten nearest                {mine}")
    print(f"    {kb.ranking.NEAREST} nearest, as used       {deep}")
    print(f"    FAISS Flat                 {theirs}")
    print(f"    ratio {ratio:.2f}, as used {deep_ratio:.2f} (goal .15)")


def _texts(home: Path) -> Iterator[str]:
    with sqlite3.connect(home / "erfaringsbanken.db") as connection:
        yield from (row[0] for row in connection.execute("SELECT quote FROM evidence"))


def _fts5(plain: sqlite3.Connection, store: Store, home: Path) -> Callable[[str], object]:
    plain.execute("CREATE VIRTUAL TABLE words USING fts5 (quote)")
    plain.executemany("INSERT INTO words VALUES (?)", ((text,) for text in _texts(home)))

    def ask(text: str) -> object:
        said = " OR ".join(f'"{word}"' for word in words(text) if word not in STOP_WORDS)
        found = "SELECT rowid FROM words WHERE words MATCH ? ORDER BY bm25(words) LIMIT 20"
        return plain.execute(found, (said or '"-"',)).fetchall()

    return ask


def _bm25s(store: Store, home: Path) -> Callable[[str], object] | None:
    try:
        print("  bm25s", version("bm25s"))
        import bm25s  # a rival, not a dependency
    except PackageNotFoundError:
        print("  bm25s is not installed: left out")
        return None
    quiet = {"show_progress": False}
    index = bm25s.BM25()
    index.index([[*words(text)] for text in _texts(home)], **quiet)
    return lambda text: index.retrieve([words(text) or ["-"]], k=20, **quiet)


def _flat(store: Store, asked: Mapping[str, Question], model_id: str) -> Callable[[str], object]:
    """What a script of twenty lines does: a vector for each lesson, the rest from the database."""
    flat = faiss.IndexFlatIP(384)
    ids = []
    with store.reading():
        for row in store.each_row(model_id):
            flat.add(row.vectors[:1])
            ids.append(row.lesson_id)

    def ask(text: str) -> object:
        _, rows = flat.search(asked[text].vector[None], 20)
        return store.lessons([ids[row] for row in rows[0]])

    return ask


STAGES = (
    (kb.ranking, "_words", "words: postings or FTS5"),
    (VectorView, "nearest", "vectors: candidates"),
    (VectorView, "scores_at", "vectors: exact scores"),
    (kb.ranking.Ranker, "_late", "late interaction of 50"),
    (kb.search, "_filter", "filters and counts"),
    (kb.search.Searcher, "_hits", "hits: read and marked"),
)


@contextmanager
def _watched() -> Iterator[dict[str, list[float]]]:
    """Note how long each stage takes while this is open."""
    spent: dict[str, list[float]] = defaultdict(list)
    whole = {(owner, name): getattr(owner, name) for owner, name, _ in STAGES}

    def watch(run, label):
        @wraps(run)
        def watched(*args, **named):
            started = time.thread_time()
            try:
                return run(*args, **named)
            finally:
                spent[label].append(time.thread_time() - started)

        return watched

    for owner, name, label in STAGES:
        setattr(owner, name, watch(whole[owner, name], label))
    try:
        yield spent
    finally:
        for (owner, name), run in whole.items():
            setattr(owner, name, run)


def _profile(store: Store, searcher: Searcher, asked: Mapping[str, Question]) -> None:
    total = Timed()
    with _watched() as spent:
        for text in asked:
            total.run(lambda t=text: searcher.search(store, SearchQuery(text=t)))
    mean = sum(total.cpu) / len(asked) * 1000
    print(f"  where the {mean:.1f} ms CPU of a warm request go (mean of {len(asked)}):")
    known = 0.0
    for label, times in spent.items():
        own = sum(times) / len(asked) * 1000
        known += own
        print(f"    {label:26} {own:6.2f} ms  {own / mean:4.0%}")
    print(f"    {'the rest':26} {mean - known:6.2f} ms  {1 - known / mean:4.0%}")


def _next_generation(store: Store, searcher: Searcher, text: str) -> None:
    """Publish one lesson more and ask again."""
    times = Timed()
    for lesson_id in store.lesson_ids()[:5]:
        vectors = {lesson_id: _stored(store, searcher, lesson_id)}
        store.put_vectors(vectors, searcher.ranker._encoder.model_id)
        times.run(lambda: searcher.search(store, SearchQuery(text=text)))
    print(f"  the first request after a change (n=5): {times}")


def _stored(store: Store, searcher: Searcher, lesson_id: str) -> np.ndarray:
    found = store.lessons([lesson_id])[lesson_id]
    return store.vectors_of(found.report_id, searcher.ranker._encoder.model_id)[lesson_id]


def _recall(store: Store, searcher: Searcher, asked: Mapping[str, Question]) -> None:
    """Compare the first ten with those that looking at every lesson finds."""
    view = searcher.ranker.view(store)
    found, alike = [], []
    for text in list(asked)[:: max(1, len(asked) // _TRIALS)]:
        legs = searcher.ranker.legs(store, text)
        first = legs.meaning + legs.words
        mine = legs.places[np.argsort(-first, kind="stable")[:10]]
        dense = view.scores(asked[text].vector, language_of(text))
        whole = dense.passage + dense.sentence + kb.ranking._words(store, view, text)
        best = np.argsort(-whole, kind="stable")[:10]
        found.append(len(set(mine) & set(best)) / 10)
        alike.append(list(mine) == list(best))
    print(f"  of the first ten of all lessons, found: {np.mean(found):.4f};"
          f" in the same order: {np.mean(alike):.0%} of {len(found)} real questions")  # fmt: skip


MEMORY = """
import pickle, sys
from pathlib import Path
from kb.search import Searcher, SearchQuery
from kb.store import Store
from tests.bench.scale import Known, resident
home, notes = Path(sys.argv[1]), Path(sys.argv[2])
asked, model_id = pickle.loads(notes.read_bytes())
before = resident()
with Store.open(home) as store:
    searcher = Searcher(Known(asked, model_id), home)
    for text in asked:
        searcher.search(store, SearchQuery(text=text))
    print(resident()[0] - before[0], resident()[1] - before[1])
"""


def resident() -> tuple[float, float]:
    """Return the MB of this process in memory, and those of it that no other can share."""
    lines = Path("/proc/self/status").read_text().splitlines()
    told = (line.split() for line in lines if line.startswith(("VmRSS", "RssAnon")))
    found = {name.rstrip(":"): number for name, number, _ in told}
    return int(found["VmRSS"]) / 1000, int(found["RssAnon"]) / 1000


def _memory(home: Path, count: int, asked: Mapping[str, Question], model_id: str) -> None:
    """Measure in a child, so that nothing else counts. The model is not in it."""
    import pickle  # one place, for a child of ours

    if not Path("/proc/self/status").exists():
        return
    notes = home / "asked.pickle"
    notes.write_bytes(pickle.dumps((dict(asked), model_id)))
    out = subprocess.run(
        [sys.executable, "-c", MEMORY, str(home), str(notes)],
        check=True, capture_output=True, text=True, cwd=ROOT, env={**os.environ},
    ).stdout.split()  # fmt: skip
    goal = f" (goal {GOALS[count][1]} MB)" if count in GOALS else ""
    print(f"  memory over the model after {len(asked)} questions: {float(out[0]):.0f} MB{goal},"
          f" of which {float(out[1]):.0f} MB are not mapped files")  # fmt: skip


def first_stage(folder: Path, grower: Grower, asked: Mapping[str, Question], count: int) -> None:
    """Measure candidates and exact scores over a snapshot that no database stands behind."""
    folder.mkdir()
    started = time.perf_counter()
    code = FIRST_STAGE.format(count=count)
    import pickle  # for a child of ours

    notes = folder / "notes.pickle"
    notes.write_bytes(pickle.dumps((grower, dict(asked))))
    print(f"\n{count} synthetic lessons, first stage only:", flush=True)
    for step in ("build", "ask"):
        subprocess.run([sys.executable, "-c", code, str(folder), step], check=True, cwd=ROOT)
    print(f"  all of this took {time.perf_counter() - started:.0f} s")


FIRST_STAGE = """
import pickle, sys
from pathlib import Path
from tests.bench import scale
folder = Path(sys.argv[1])
grower, asked = pickle.loads((folder / "notes.pickle").read_bytes())
getattr(scale, "million_" + sys.argv[2])(folder, grower, asked, {count})
"""


def million_build(folder: Path, grower: Grower, asked: object, count: int) -> None:
    from kb.passages import PassageRole
    from kb.snapshot import seal
    from kb.vectors import save

    nothing = np.zeros(0, np.int32)
    texts = [
        " ".join(grams(" ".join(2 * grower.sentences(seed))))
        for seed in range(len(grower.seeds))
        for _ in range(3)
    ]

    def rows() -> Iterator[IndexRow]:
        number = 0
        for chosen, vectors in grower.grow(count):
            ends = np.cumsum([len(grower.seeds[seed].vectors) for seed in chosen])
            for own in np.split(vectors, ends[:-1]):
                number += 1
                roles = (PassageRole.QUOTE, *[PassageRole.SENTENCE] * (len(own) - 1))
                yield IndexRow(lesson_id=f"{number:012d}", number=number, language="nb",
                               vectors=own, roles=roles, pieces=nothing)  # fmt: skip

    started = time.perf_counter()
    columns, matrix = columns_of(rows(), 384)
    grown = time.perf_counter() - started
    started = time.perf_counter()
    words_of = post(texts[number % len(texts)] for number in range(count))
    posted = time.perf_counter() - started
    started = time.perf_counter()
    part = coded_part(columns, matrix, words_of)
    seal(folder, save(part, folder), {})
    print(f"  grown in {grown:.0f} s, {len(matrix)} vectors; words posted in {posted:.0f} s;"
          f" vectors coded and all written in {time.perf_counter() - started:.0f} s")  # fmt: skip


def million_ask(folder: Path, grower: Grower, asked: Mapping[str, Question], count: int) -> None:
    from kb.snapshot import load
    from kb.vectors import opened

    faiss.omp_set_num_threads(1)
    before = resident()
    started = time.perf_counter()
    part = opened(folder, load(folder))
    view = VectorView([(part, np.ones(count, bool))], 384)
    took = time.perf_counter() - started
    times = Timed()
    spent: dict[str, Timed] = defaultdict(Timed)

    def ask(text: str) -> object:
        question, language = asked[text], language_of(text)
        shares: list[np.ndarray] = []
        spent["words"].run(lambda: shares.append(kb.ranking._words(None, view, text)))
        near: list[np.ndarray] = []
        spent["candidates"].run(
            lambda: near.append(kb.ranking._best(view, question, text, shares[0], None).places)
        )
        spent["scores"].run(lambda: view.scores_at(question.vector, language, near[0]))
        return near

    for _ in range(2):  # the first round brings the files into memory
        times, spent = Timed(), defaultdict(Timed)
        for text in asked:
            times.run(lambda t=text: ask(t))
    memory = resident()
    print(f"  opened in {took:.2f} s")
    print(f"    first stage (n={len(asked)})      {times}")
    for name, own in spent.items():
        print(f"      {name:24} {own}")
    print(f"    goal p95 {GOALS[count][0]} ms: wall {np.percentile(times.wall, 95) * 1000:.1f},"
          f" CPU {np.percentile(times.cpu, 95) * 1000:.1f}")  # fmt: skip
    print(f"  memory {memory[0] - before[0]:.0f} MB (goal {GOALS[count][1]} MB), of which"
          f" {memory[1] - before[1]:.0f} MB are not mapped files")  # fmt: skip
