"""The training set is what it says, shares nothing with what is judged, made the shipped head."""

import hashlib
import json
import os
import re
from collections import Counter, defaultdict
from itertools import chain
from pathlib import Path

import numpy as np
import pytest

from ingest.classifier import Head, feature_names, load_head, parse_head
from ingest.marked import shipped_examples
from ingest.train import HEAD_FILE, digests, remembered, train
from kb.domain import Kind
from kb.embed import DEFAULT_ID, open_encoder
from kb.taxonomy import load_cues, load_taxonomy

CORPUS = Path(__file__).resolve().parents[2] / "corpus"
FILES = sorted(CORPUS.glob("training/*.jsonl"))
PASSAGES = [
    (path.stem, json.loads(line))
    for path in FILES
    for line in path.read_text(encoding="utf-8").splitlines()
]
CUES = load_cues(CORPUS / "cues.toml")
SALT = "erfaringsbanken"
REAL = Path(__file__).with_name("real-report-shingles.txt")
"""Salted hashes of all runs of seven words of the real report that we develop against."""


def runs(text: str, length: int) -> set[str]:
    words = re.findall(r"\w+", text.lower())
    return {" ".join(words[at : at + length]) for at in range(len(words) - length + 1)}


def shipped() -> Head:
    return parse_head((CORPUS / HEAD_FILE).read_text(encoding="utf-8"))


def test_it_is_large_and_varied_enough():
    holding = Counter(bool(told["lessons"]) for _, told in PASSAGES)

    assert holding[True] >= 600
    assert holding[False] >= 600
    assert len(FILES) >= 12
    assert {told["language"] for _, told in PASSAGES} == {"nb", "nn", "en"}
    assert {lesson["kind"] for _, told in PASSAGES for lesson in told["lessons"]} == set(Kind)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_passage_is_as_the_readme_says(path):
    known = {theme.id for theme in load_taxonomy(CORPUS / "taxonomy.toml").themes}
    told = [one for style, one in PASSAGES if style == path.stem]

    assert len({one["language"] for one in told}) == 1
    for one in told:
        text = one["text"]
        assert one["section"], one["id"]
        for lesson in one["lessons"]:
            assert lesson["quote"] in text, one["id"]
            assert set(lesson["themes"]) <= known, one["id"]
            before = text[: text.index(lesson["quote"])].rstrip()
            assert not before or before[-1] in '.!?:|»”")…–', one["id"]


def test_no_eight_words_in_a_row_stand_twice():
    owners = defaultdict(set)
    for _, told in PASSAGES:
        for run in runs(told["text"], 8):
            owners[run].add(told["id"])

    assert {run: ids for run, ids in owners.items() if len(ids) > 1} == {}
    assert max(Counter(told["id"] for _, told in PASSAGES).values()) == 1


def test_it_shares_no_eight_words_with_the_sample_reports_or_the_judged_questions():
    judged = [*CORPUS.glob("reports/*/report.md"), CORPUS / "queries.toml"]
    mine = set(chain.from_iterable(runs(told["text"], 8) for _, told in PASSAGES))

    shared = {path.name: mine & runs(path.read_text(encoding="utf-8"), 8) for path in judged}

    assert {name: found for name, found in shared.items() if found} == {}


def test_it_shares_no_seven_words_with_the_real_report():
    real = set(REAL.read_text(encoding="utf-8").split())
    mine = set(chain.from_iterable(runs(told["text"], 7) for _, told in PASSAGES))

    shared = [run for run in mine if hashlib.sha256((SALT + run).encode()).hexdigest()[:10] in real]

    assert len(real) > 4_000
    assert shared == []


def test_the_retold_real_report_is_not_trained_on():
    assert "hallingdal-gjenfortalt" not in {one.style for one in shipped_examples(CORPUS)}


# ── The shipped head ─────────────────────────────────────────────────────────────────────────────


def test_the_shipped_head_was_made_of_the_set_and_the_cues_as_they_are():
    """If this fails, run ``python -m ingest.train``."""
    head = shipped()

    measured = {one["style"]: one["digest"] for one in head.figures["styles"]}

    assert head.model_id == DEFAULT_ID
    assert head.scale.names == feature_names(CUES)
    assert measured == digests(shipped_examples(CORPUS), CUES)


def test_it_is_the_one_that_is_used():
    assert load_head(CORPUS / HEAD_FILE, DEFAULT_ID, CUES) is not None


def test_styles_it_had_not_seen_were_judged_well_in_each_language():
    means = shipped().figures["means"]

    assert means["all"]["recall"] >= 0.90
    assert means["all"]["precision"] >= 0.80
    assert means["all"]["auc"] >= 0.93
    assert means["all"]["leakage"] <= 0.15
    for figure in ("recall", "precision", "auc"):
        assert means["nn"][figure] >= means["nb"][figure] - 0.05
        assert means["en"][figure] >= means["nb"][figure] - 0.05


@pytest.mark.model
@pytest.mark.bench
def test_training_again_gives_the_shipped_head():
    """Ten seconds; the first time two minutes more, for the vectors."""
    default = Path(__file__).parents[2] / ".kb" / "test-models"
    cache = Path(os.environ.get("TEST_MODEL_CACHE", default))
    encoder = open_encoder("default", cache)
    embed = remembered(encoder.embed_passages, encoder.model_id, cache / "training.npz")

    head, old = train(shipped_examples(CORPUS), CUES, encoder.model_id, embed), shipped()

    assert head.threshold == pytest.approx(old.threshold, abs=0.051)
    np.testing.assert_allclose(head.lesson, old.lesson, atol=0.01)
    for kind in Kind:
        np.testing.assert_allclose(head.kinds[kind], old.kinds[kind], atol=0.01)
