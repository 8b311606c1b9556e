"""Late interaction on numbers one can check by hand, and against a plain computation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.tokens import Question, maxsim, quantised, weights

DIM = 8


def rows(seed: int, count: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, DIM)).astype(np.float32)


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def a_question(vectors: np.ndarray) -> Question:
    return Question(unit(vectors.mean(axis=0)), np.arange(len(vectors), dtype=np.int32), vectors)


@given(seed=st.integers(0, 10_000), count=st.integers(1, 40), scale=st.floats(1e-3, 1e3))
@settings(max_examples=60, deadline=None)
def test_kept_vectors_point_where_the_given_ones_did(seed: int, count: int, scale: float) -> None:
    given_ = rows(seed, count) * np.float32(scale)

    kept = quantised(np.arange(count, dtype=np.int32), given_)

    back = kept.cells.astype(np.float32) * kept.scales.astype(np.float32)[:, None]
    assert kept.cells.nbytes == count * DIM
    assert np.allclose(back, unit(given_), atol=0.006)


@given(
    seed=st.integers(0, 10_000),
    asked=st.integers(1, 6),
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=5),
)
@settings(max_examples=60, deadline=None)
def test_maxsim_is_the_weighted_mean_of_the_nearest_tokens(
    seed: int, asked: int, sizes: list[int]
) -> None:
    question = a_question(unit(rows(seed, asked)))
    quotes = [quantised(np.arange(n, dtype=np.int32), rows(seed + n, n)) for n in sizes]
    means, own = 0.3 * rows(seed + 100, 3), 0.3 * rows(seed + 200, 1)[0]
    common = np.arange(len(sizes)) % 3
    shares = unit(np.abs(rows(seed + 300, 1))[0, :asked])
    shares /= shares.sum()

    found = maxsim(question, shares, own, quotes, means, common)

    wanted = unit(question.vectors - 0.9 * own)
    for value, quote, language in zip(found, quotes, common, strict=True):
        whole = quote.cells.astype(np.float32) * quote.scales.astype(np.float32)[:, None]
        cosines = unit(unit(whole) - 0.9 * means[language]) @ wanted.T
        assert value == pytest.approx(float(cosines.max(axis=0) @ shares), abs=0.02)


def test_a_quote_that_holds_every_word_beats_one_that_is_about_the_same() -> None:
    words = np.eye(4, DIM, dtype=np.float32)
    about = np.full((3, DIM), 0.5, np.float32)
    quotes = [
        quantised(np.arange(3, dtype=np.int32), about),
        quantised(np.arange(4, dtype=np.int32), words),
    ]
    nothing = np.zeros((1, DIM), np.float32)
    shares = np.full(4, 0.25, np.float32)

    found = maxsim(a_question(words), shares, nothing[0], quotes, nothing, np.zeros(2, np.intp))

    assert found[1] == pytest.approx(1, abs=0.01)
    assert found[0] < 0.5


def test_no_quotes_have_no_score() -> None:
    nothing = np.zeros((1, DIM), np.float32)

    found = maxsim(
        a_question(rows(1, 2)),
        np.ones(2, np.float32),
        nothing[0],
        [],
        nothing,
        np.zeros(0, np.intp),
    )

    assert found.shape == (0,)


def test_rare_tokens_count_more_and_all_add_up_to_one() -> None:
    shares = weights(np.array([5, 6, 7], np.int32), np.array([0, 10, 100]), 100)

    assert shares.sum() == pytest.approx(1)
    assert shares[0] > shares[1] > shares[2] > 0
