"""How well search finds what a reader judged: floors a little under what was measured.

Measured on ``corpus/queries.toml`` over the six reports it was judged against. It was written and
judged without knowledge of the program, and nothing was tuned on it or learned from it.
"""

import os
from pathlib import Path

import pytest

from kb.embed import open_encoder
from kb.evaluate import Evaluation, evaluate, load_set

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.model, pytest.mark.bench]


@pytest.fixture(scope="module")
def result() -> Evaluation:
    cache = Path(os.environ.get("TEST_MODEL_CACHE", ROOT / ".kb" / "test-models"))
    corpus = ROOT / "corpus"
    return evaluate(load_set(corpus / "queries.toml", []), open_encoder("default", cache), corpus)


def test_the_right_lessons_come_first(result: Evaluation) -> None:
    """Measured: nDCG@10 .397 (95 % .36 to .43), recall@10 .50; the figures are printed with -rA."""
    for system, slices in result.scores.items():
        one = slices["all"]
        print(
            f"{system:14} nDCG@10 {one.ndcg_at_10:.3f} [{one.low:.3f}, {one.high:.3f}]"
            f"  MRR@10 {one.mrr_at_10:.3f}  R@5 {one.recall_at_5:.3f}  R@10 {one.recall_at_10:.3f}"
        )

    hybrid = result.scores["hybrid"]["all"]
    assert hybrid.queries == 223
    assert hybrid.ndcg_at_10 >= 0.385
    assert hybrid.recall_at_10 >= 0.48


def test_the_second_look_is_worth_it(result: Evaluation) -> None:
    """Measured: +.014 (95 % +.001 to +.027); the first stage gained more from ADR 0018."""
    mean, low, _ = result.gain["first stage"]

    assert mean >= 0.01
    assert low > -0.005


@pytest.mark.parametrize("leg", ["meaning", "words", "plain cosine"])
def test_both_legs_together_are_no_worse_than_one(result: Evaluation, leg: str) -> None:
    mean, low, high = result.gain[leg]
    print(f"hybrid - {leg}: {mean:+.3f} [{low:+.3f}, {high:+.3f}]")

    assert mean >= 0


@pytest.mark.parametrize("language", ["nb", "nn", "en"])
def test_no_language_is_left_behind(result: Evaluation, language: str) -> None:
    one = result.scores["hybrid"][f"lang:{language}"]
    print(f"{language}: nDCG@10 {one.ndcg_at_10:.3f} of {one.queries} questions")

    assert one.ndcg_at_10 >= 0.29


def test_nothing_fits_is_said_sometimes_rightly_and_hardly_ever_wrongly(
    result: Evaluation,
) -> None:
    """Measured: 32 of 66, and 29 of 223, with floors that were set for plain reading."""
    print(
        f"out of scope: {result.abstained:.0%} of {result.out_of_scope} answered with nothing; "
        f"in scope wrongly empty: {result.wrongly_empty:.1%}"
    )

    assert result.out_of_scope == 66
    assert result.abstained >= 0.45
    assert result.wrongly_empty <= 0.14
