"""Judged questions: does search find what a reader marked, and say so when there is nothing?

The same :class:`~kb.search.Searcher` that answers users is run over the judged passages in a store
of its own, beside each of its two legs and plain cosine of the encoder, all in one run.
"""

import hashlib
import json
import tempfile
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import log2
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kb.domain import (
    Evidence,
    Kind,
    Lesson,
    Page,
    Programme,
    Report,
    ReportStatus,
    Span,
    Status,
)
from kb.embed import Encoder, embed_lessons, tokens_of
from kb.errors import ConfigError
from kb.search import Searcher, SearchQuery
from kb.store import Store
from kb.text import language_of, normalise

SYSTEMS = ("hybrid", "first stage", "meaning", "words", "plain cosine")
_RESAMPLES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedQuery:
    """A question with the passages that answer it: grade 2 answers, 1 is related."""

    id: str
    language: str
    style: str
    text: str
    relevant: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedSet:
    """Questions, questions that nothing answers, and the passages to search (id → texts)."""

    queries: tuple[JudgedQuery, ...]
    out_of_scope: tuple[str, ...]
    passages: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Means over questions; ``low``/``high`` bound 95 % of bootstrap resamples of nDCG@10."""

    queries: int
    ndcg_at_10: float
    low: float
    high: float
    mrr_at_10: float
    recall_at_5: float
    recall_at_10: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Scores by system and slice (``all``, ``lang:nn``, ``style:keyword`` …), and the abstentions.

    ``gain`` is the paired difference in nDCG@10 of the hybrid over each other system with its 95 %
    interval. ``worst`` lists (nDCG@10, id, text) of the hybrid's worst questions.
    """

    passages: int
    model: str
    scores: Mapping[str, Mapping[str, Scores]]
    gain: Mapping[str, tuple[float, float, float]]
    out_of_scope: int
    abstained: float
    wrongly_empty: float
    worst: tuple[tuple[float, str, str], ...]


def ndcg(ranking: Sequence[str], relevant: Mapping[str, int], k: int) -> float:
    """Return nDCG@k with gain 2^grade - 1 (Burges et al., ICML 2005)."""
    gains = [2 ** relevant.get(passage, 0) - 1 for passage in ranking[:k]]
    ideal = [2**grade - 1 for grade in sorted(relevant.values(), reverse=True)[:k]]
    return _discounted(gains) / _discounted(ideal)


def _discounted(gains: Iterable[float]) -> float:
    return sum(gain / log2(rank + 1) for rank, gain in enumerate(gains, start=1))


def reciprocal_rank(ranking: Sequence[str], relevant: Mapping[str, int], k: int) -> float:
    """Return 1 / rank of the first passage of the highest grade, 0 when not in the first k."""
    top = max(relevant.values())
    ranks = (rank for rank, p in enumerate(ranking[:k], start=1) if relevant.get(p) == top)
    return 1 / next(ranks) if any(relevant.get(p) == top for p in ranking[:k]) else 0.0


def recall(ranking: Sequence[str], relevant: Mapping[str, int], k: int) -> float:
    """Return the share of the highest-graded passages found in the first k (of at most k)."""
    top = {passage for passage, grade in relevant.items() if grade == max(relevant.values())}
    return len(top.intersection(ranking[:k])) / min(len(top), k)


def load_set(queries: Path, passages: Sequence[Path]) -> JudgedSet:
    """Read judged questions (.toml or .json) and the passages to search.

    Without ``passages``, those are the lessons expected in every report that a question is judged
    against (``reports/<report>/expected.toml`` beside the questions). Passages come from
    ``expected.toml`` (ids ``folder:lesson``), from ``{"reports": [{"lessons": …}]}`` or from
    ``{"passages": …}``; docs/EVALUATION.md describes the formats.

    Raises:
        ConfigError: a file has another form, or a judgement names an unknown passage.
    """
    with _naming(queries):
        data = _read(queries)
        files = passages or _expected(queries, data)
        asked = tuple(_judged(one) for one in data.get("query") or data["queries"])
        outside = tuple(one["text"] for one in data.get("out_of_scope", []))
    found: dict[str, tuple[str, ...]] = {}
    for path in files:
        with _naming(path):
            found |= _read_passages(path)
    kept = tuple(one for one in asked if one.relevant)
    if not kept:
        raise ConfigError(f"{queries} judges nothing")
    unknown = {passage for one in kept for passage in one.relevant} - found.keys()
    if unknown:
        raise ConfigError(f"{queries} judges passages that are not there: {sorted(unknown)[:5]}")
    return JudgedSet(queries=kept, out_of_scope=outside, passages=found)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{path}: {type(error).__name__}: {error}") from error


def _read(path: Path) -> dict[str, Any]:
    text = path.read_text(encoding="utf-8")
    return dict(tomllib.loads(text) if path.suffix == ".toml" else json.loads(text))


def _expected(queries: Path, data: Mapping[str, Any]) -> list[Path]:
    reports = {judged["report"] for one in data["query"] for judged in one["relevant"]}
    return [queries.parent / "reports" / name / "expected.toml" for name in sorted(reports)]


def _judged(one: Mapping[str, Any]) -> JudgedQuery:
    relevant = one.get("relevant", one.get("rel", {}))
    if isinstance(relevant, list):
        relevant = {f"{r['report']}:{r['lesson']}": r["grade"] for r in relevant}
    return JudgedQuery(
        id=one["id"],
        language=one["lang"],
        style=one.get("style", one.get("type", "direct")),
        text=one["text"],
        relevant={passage: grade for passage, grade in relevant.items() if grade > 0},
    )


def _read_passages(path: Path) -> dict[str, tuple[str, ...]]:
    data, found = _read(path), {}
    for lesson in data.get("lesson", []):
        found[f"{path.parent.name}:{lesson['id']}"] = tuple(lesson["quotes"])
    for report in data.get("reports", []):
        for lesson in report["lessons"]:
            found[lesson["id"]] = tuple(quote["text"] for quote in lesson["quotes"])
    for passage in data.get("passages", []):
        found[passage["id"]] = (passage["text"],)
    for name, texts in found.items():
        if not texts or not all(map(normalise, texts)):
            raise ValueError(f"passage {name} holds no text")
    return found


@contextmanager
def judged_base(
    judged: JudgedSet, encoder: Encoder
) -> Iterator[tuple[Store, Path, dict[str, str]]]:
    """Give a store that holds the passages as lessons, its folder, and the passage of each id."""
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder)) as store:
        yield store, Path(folder), _fill(store, judged.passages, encoder)


def evaluate(judged: JudgedSet, encoder: Encoder, corpus: Path | None = None) -> Evaluation:
    """Search every question and compare the rankings with the judgements.

    ``corpus`` holds the floors that decide what is answered with nothing.
    """
    with judged_base(judged, encoder) as (store, folder, names):
        searcher = Searcher(encoder, folder, corpus)
        rankings = _rankings(store, searcher, encoder, judged, names)
        empty = [
            searcher.search(store, SearchQuery(text=text)).no_match for text in judged.out_of_scope
        ]
        lost = [
            searcher.search(store, SearchQuery(text=query.text)).no_match
            for query in judged.queries
        ]
    values = {system: _per_query(judged, rankings[system]) for system in SYSTEMS}
    hybrid = values["hybrid"][:, 0]
    order = np.argsort(hybrid, kind="stable")[:10]
    return Evaluation(
        passages=len(judged.passages),
        model=encoder.model_id,
        scores={system: _slices(judged, values[system]) for system in SYSTEMS},
        gain={
            system: _interval(hybrid - values[system][:, 0])
            for system in SYSTEMS
            if system != "hybrid"
        },
        out_of_scope=len(empty),
        abstained=float(np.mean(empty)) if empty else 0.0,
        wrongly_empty=float(np.mean(lost)),
        worst=tuple(
            (round(float(hybrid[i]), 3), judged.queries[i].id, judged.queries[i].text)
            for i in order
        ),
    )


def _fill(
    store: Store, passages: Mapping[str, tuple[str, ...]], encoder: Encoder
) -> dict[str, str]:
    """Put every judged passage into the store as a published lesson; return id → its name."""
    sha256 = hashlib.sha256(repr(sorted(passages.items())).encode()).hexdigest()
    programme = Programme(
        slug="judged",
        name="judged",
        place=None,
        programme_type=None,
        period_from=None,
        period_to=None,
    )
    report = Report(
        id=sha256[:12],
        programme=programme,
        programme_name=None,
        file="judged.txt",
        sha256=sha256,
        title=None,
        report_type=None,
        client=None,
        contractor=None,
        year=None,
        language="nb",
        pages=None,
        note=None,
        status=ReportStatus.PUBLISHED,
    )
    text, lessons, names = "", [], {}
    for number, (name, quotes) in enumerate(passages.items()):
        evidence = []
        for quote in map(normalise, quotes):
            span = Span(page=1, start=len(text), end=len(text) + len(quote))
            text += quote + "\n"
            evidence.append(Evidence(report_id=report.id, section=(), spans=(span,), quote=quote))
        names[f"{number:012d}"] = name
        lessons.append(
            Lesson(
                id=f"{number:012d}",
                report_id=report.id,
                statement=evidence[0].quote,
                is_edited=False,
                kind=Kind.SUCCESS,
                phase=None,
                status=Status.PUBLISHED,
                language=language_of(" ".join(quotes)),
                reason="judged",
                tags=(),
                evidence=tuple(evidence),
            )
        )
    store.add_report(
        report,
        [Page(number=1, label=None, text=text)],
        lessons,
        embed_lessons(lessons, encoder),
        encoder.model_id,
        b"judged set",
        tokens=tokens_of(lessons, encoder),
    )
    return names


def _rankings(
    store: Store,
    searcher: Searcher,
    encoder: Encoder,
    judged: JudgedSet,
    names: Mapping[str, str],
) -> dict[str, list[list[str]]]:
    flat = [(name, text) for name, texts in judged.passages.items() for text in texts]
    plain = encoder.embed_passages([normalise(text) for _, text in flat])
    found: dict[str, list[list[str]]] = defaultdict(list)
    for query in judged.queries:
        legs = searcher.ranker.legs(store, normalise(query.text))
        ids = [names[lesson_id] for lesson_id in legs.lesson_ids]
        for system, scores in (
            ("hybrid", legs.relevance),
            ("first stage", legs.first),
            ("meaning", legs.meaning),
            ("words", legs.words),
        ):
            found[system].append([ids[i] for i in np.argsort(-scores, kind="stable")])
        cosines = plain @ encoder.embed_queries([query.text])[0]
        order = [flat[i][0] for i in np.argsort(-cosines, kind="stable")]
        found["plain cosine"].append(list(dict.fromkeys(order)))
    return found


def _per_query(judged: JudgedSet, rankings: Sequence[Sequence[str]]) -> NDArray[np.float64]:
    """Return (queries, 4): nDCG@10, MRR@10, recall@5, recall@10."""
    return np.array(
        [
            [
                ndcg(ranking, query.relevant, 10),
                reciprocal_rank(ranking, query.relevant, 10),
                recall(ranking, query.relevant, 5),
                recall(ranking, query.relevant, 10),
            ]
            for query, ranking in zip(judged.queries, rankings, strict=True)
        ]
    )


def _slices(judged: JudgedSet, values: NDArray[np.float64]) -> dict[str, Scores]:
    members: dict[str, list[int]] = defaultdict(list)
    for number, query in enumerate(judged.queries):
        for name in ("all", f"lang:{query.language}", f"style:{query.style}"):
            members[name].append(number)
    result = {}
    for name, numbers in sorted(members.items()):
        means = values[numbers].mean(axis=0)
        _, low, high = _interval(values[numbers, 0])
        result[name] = Scores(
            queries=len(numbers),
            ndcg_at_10=round(float(means[0]), 4),
            low=low,
            high=high,
            mrr_at_10=round(float(means[1]), 4),
            recall_at_5=round(float(means[2]), 4),
            recall_at_10=round(float(means[3]), 4),
        )
    return result


def _interval(values: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return mean and the 95 % bootstrap interval; the same values give the same interval."""
    dice = np.random.default_rng(20260101)
    picks = dice.integers(0, len(values), (_RESAMPLES, len(values)))
    low, high = np.quantile(values[picks].mean(axis=1), [0.025, 0.975])
    return round(float(values.mean()), 4), round(float(low), 4), round(float(high), 4)
