"""How well search finds what a reader judged: floors a little under what was measured.

Measured on ``corpus/queries.toml`` over the two reports it was judged against.
"""

import os
from pathlib import Path

import pytest

from kb.embed import open_encoder
from kb.evaluate import Evaluation, evaluate, load_set

ROOT = Path(__file__).resolve().parents[2]
JUDGED = ("elvebakken", "granvika")

pytestmark = [pytest.mark.model, pytest.mark.bench]


@pytest.fixture(scope="module")
def result() -> Evaluation:
    cache = Path(os.environ.get("TEST_MODEL_CACHE", ROOT / ".kb" / "test-models"))
    corpus = ROOT / "corpus"
    passages = [corpus / "reports" / name / "expected.toml" for name in JUDGED]
    return evaluate(load_set(corpus / "queries.toml", passages), open_encoder("default", cache))


def test_report(result: Evaluation) -> None:
    for system, slices in result.scores.items():
        for name, one in slices.items():
            print(f"{system:14} {name:18} {one.queries:3}  nDCG@10 {one.ndcg_at_10:.3f} [{one.low:.3f}, {one.high:.3f}]  MRR@10 {one.mrr_at_10:.3f}  R@5 {one.recall_at_5:.3f} R@10 {one.recall_at_10:.3f}")
    print(result.gain, result.out_of_scope, result.abstained, result.wrongly_empty, result.worst)
