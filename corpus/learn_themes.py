"""Learn what labelled lessons teach about themes; writes ``corpus/themes.npz``.

    python corpus/learn_themes.py            # learn, measure, write: two minutes on two cores
    python corpus/learn_themes.py --check    # was the file made of the labels as they are now?

The labels are those of the training passages (``corpus/training/*.jsonl``) and of the lessons expected
in the sample reports. Whatever is fitted or printed comes from a regression that has not seen the style
or report it is for. The same labels, model and machine give the same bytes.
"""

import hashlib
import json
import os
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ingest.examples import BUCKETS, Examples, Weights, save_examples, unit, word_rows
from ingest.tags import (
    KEPT,
    MAX_THEMES,
    Confirmed,
    leanings_of,
    theme_prototypes,
    votes_of,
    word_signs,
)
from kb.embed import open_encoder
from kb.taxonomy import Taxonomy, load_taxonomy

CORPUS = Path(__file__).resolve().parent
FILE = CORPUS / "themes.npz"
CACHE = Path(os.environ.get("TEST_MODEL_CACHE", CORPUS.parent / ".kb" / "test-models"))

_FURTHER = 0.7
"""What a theme that is not the main one counts in the regression: the main theme comes first more often."""
_RIDGE = 1.0
_STEPS = 30
_BATCH = 100

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Label:
    """A quote with its themes, main theme first, of one house style or report."""

    group: str
    quote: str
    section: tuple[str, ...]
    themes: tuple[str, ...]


def labels() -> list[Label]:
    """Return all labelled lessons, in the order of their files."""
    return [*_passages(), *_samples()]


def digest(found: Sequence[Label]) -> str:
    """Return the SHA-256 of everything that is learned from."""
    told = [
        (one.id, one.prototype, [p.pattern for p in one.cues + one.weak_cues + one.counter_cues])
        for one in load_taxonomy(CORPUS / "taxonomy.toml").themes
    ]
    return hashlib.sha256(repr((found, told)).encode()).hexdigest()


def _passages() -> Iterator[Label]:
    for path in sorted(CORPUS.glob("training/*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            passage = json.loads(line)
            section = tuple(passage["section"])
            for one in passage["lessons"]:
                yield Label(path.stem, one["quote"], section, tuple(one["themes"]))


def _samples() -> Iterator[Label]:
    for path in sorted(CORPUS.glob("reports/*/expected.toml")):
        under = _under_headings(path.with_name("report.md").read_text(encoding="utf-8"))
        for one in tomllib.loads(path.read_text(encoding="utf-8"))["lesson"]:
            for quote in one["quotes"]:
                head = next((h for h, body in under if _letters(quote)[:40] in body), None)
                yield Label(path.parent.name, quote, (head,) if head else (), tuple(one["themes"]))


def _under_headings(text: str) -> list[tuple[str, str]]:
    parts: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if line.startswith("#"):
            parts.append((line.lstrip("# ").strip(), []))
        elif parts:
            parts[-1][1].append(line)
    return [(head, _letters(" ".join(body))) for head, body in parts]


def _letters(text: str) -> str:
    return "".join(char for char in text.lower() if char.isalnum())


def learn(
    found: Sequence[Label], taxonomy: Taxonomy, vectors: Floats, prototypes: Floats, model_id: str
) -> Examples:
    """Return what ``found`` teaches; prints how well it does on each style and report left out."""
    themes = [theme.id for theme in taxonomy.themes]
    quotes = [one.quote for one in found]
    groups = np.array([one.group for one in found])
    graded = np.array([[_grade(one, theme) for theme in themes] for one in found])
    mean = vectors.mean(axis=0)
    counts = word_rows(quotes)
    rarity = np.log((1 + len(found)) / (1 + (counts > 0).sum(axis=0))).astype(np.float32)
    rows = np.hstack([unit(vectors - mean), unit(counts * rarity)]).astype(np.float64)

    learned, votes = _left_out(rows @ rows.T, graded, groups), np.zeros(graded.shape)
    leanings = np.zeros(graded.shape)
    for group in sorted(set(groups)):
        out = groups == group
        others = Confirmed(
            vectors=vectors[~out], themes=[one.themes for one in found if one.group != group]
        )
        votes[out] = votes_of(vectors[out], others, mean, themes)
        leanings[out] = leanings_of(vectors[out], prototypes)
    signs = np.array(
        [
            [astuple(word_signs(theme, one.quote, one.section)[0])[:4] for theme in taxonomy.themes]
            for one in found
        ]
    )
    signs = np.concatenate([signs, np.stack([leanings, learned, votes], axis=2)], axis=2)
    carried = (graded > 0).astype(np.float64)
    _report(
        found,
        themes,
        {group: _confidences(signs, carried, groups == group) for group in sorted(set(groups))},
    )

    base = graded.mean(axis=0)
    weights = rows.T @ np.linalg.solve(rows @ rows.T + _RIDGE * np.eye(len(rows)), graded - base)
    return Examples(
        model_id=model_id,
        themes=tuple(themes),
        mean=mean,
        rarity=rarity,
        by_vector=weights[:-BUCKETS].astype(np.float32),
        by_word=weights[-BUCKETS:].astype(np.float32),
        base=base.astype(np.float32),
        weights=_weights(_logistic(signs, carried)),
    )


def _grade(label: Label, theme: str) -> float:
    return 1.0 if label.themes[0] == theme else _FURTHER if theme in label.themes else 0.0


def _left_out(kernel: Doubles, graded: Doubles, groups: NDArray[np.str_]) -> Doubles:
    """Return the ridge scores of each group, learned from all the others."""
    scores = np.zeros(graded.shape)
    for group in sorted(set(groups)):
        out = groups == group
        base = graded[~out].mean(axis=0)
        within = kernel[np.ix_(~out, ~out)] + _RIDGE * np.eye(int((~out).sum()))
        scores[out] = (
            kernel[np.ix_(out, ~out)] @ np.linalg.solve(within, graded[~out] - base) + base
        )
    return scores


def _logistic(signs: Doubles, carried: Doubles) -> Doubles:
    """Return the weights of the signs, the constant last, by Newton's method with a small ridge."""
    rows = np.hstack([signs.reshape(-1, signs.shape[-1]), np.ones((carried.size, 1))])
    truth = carried.ravel()
    small = np.eye(rows.shape[1])
    small[-1, -1] = 0.0
    weights = np.zeros(rows.shape[1])
    for _ in range(_STEPS):
        sure = 1 / (1 + np.exp(-rows @ weights))
        slope = rows.T @ (truth - sure) - small @ weights
        weights += np.linalg.solve((rows * (sure * (1 - sure))[:, None]).T @ rows + small, slope)
    return weights


def _weights(fitted: Doubles) -> Weights:
    names = (
        "first_cue",
        "further_cue",
        "weak_cue",
        "heading",
        "leaning",
        "learned",
        "vote",
        "intercept",
    )
    return Weights(
        **{name: round(float(value), 3) for name, value in zip(names, fitted, strict=True)}
    )


def _confidences(signs: Doubles, carried: Doubles, out: NDArray[np.bool_]) -> Doubles:
    fitted = _logistic(signs[~out], carried[~out])
    return 1 / (1 + np.exp(-(signs[out] @ fitted[:-1] + fitted[-1])))


def _report(found: Sequence[Label], themes: Sequence[str], sure: Mapping[str, Doubles]) -> None:
    """Print how often the first theme is right, and micro-F1, per group, and over the styles and the reports."""
    reports = {path.parent.name for path in CORPUS.glob("reports/*/expected.toml")}
    sums = {name: np.zeros(6) for name in ("styles", "reports")}
    for group, rows in sure.items():
        own = [one.themes for one in found if one.group == group]
        right = np.zeros(6)
        for truth, row in zip(own, rows, strict=True):
            ranked = np.argsort(-row)[:MAX_THEMES]
            given = [themes[at] for at in ranked if row[at] >= KEPT] or [themes[ranked[0]]]
            right += [
                1,
                given[0] == truth[0],
                given[0] in truth,
                len(set(given) & set(truth)),
                len(given),
                len(truth),
            ]
        sums["reports" if group in reports else "styles"] += right
        _line(group, right)
    for name, right in sums.items():
        if right[0]:
            _line(f"all {name}", right)


def _line(name: str, right: Doubles) -> None:
    quotes, main, one, both, given, true = right
    shares = f"main theme {main / quotes:.3f}, one of its themes first {one / quotes:.3f}"
    print(f"{name:24} {quotes:5.0f} quotes, {shares}, micro-F1 {2 * both / (given + true):.3f}")


def main() -> None:
    """Learn and write, or check."""
    found = labels()
    if "--check" in sys.argv[1:]:
        with np.load(FILE) as kept:
            is_same = str(kept["sources"]) == digest(found)
        sys.exit(
            0
            if is_same
            else "corpus/themes.npz was made of other labels: run corpus/learn_themes.py"
        )
    taxonomy = load_taxonomy(CORPUS / "taxonomy.toml")
    encoder = open_encoder("default", CACHE)
    quotes = [one.quote for one in found]
    parts = [
        encoder.embed_passages(quotes[at : at + _BATCH]) for at in range(0, len(quotes), _BATCH)
    ]
    prototypes = theme_prototypes(taxonomy, encoder.embed_passages)
    learned = learn(found, taxonomy, np.vstack(parts), prototypes, encoder.model_id)
    save_examples(FILE, learned, digest(found))
    print(
        f"{FILE.name}: {FILE.stat().st_size / 1000:.0f} kB from {len(found)} quotes; {learned.weights}"
    )


if __name__ == "__main__":
    main()
