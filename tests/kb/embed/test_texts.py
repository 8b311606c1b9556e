"""What may be embedded, how it is folded, and how a long text is cut. No model."""

import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.embed import _windows, checked_passages, checked_queries
from kb.errors import InvalidQueryError, ModelUnavailableError
from kb.text import MAX_QUERY_CHARS
from tests.fakes import BrokenEncoder, WordHashEncoder


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param(" \t\n\u00a0", id="blanks"),
        pytest.param("\u00ad\u200b", id="invisible characters only"),
        pytest.param("styret\0kommunen", id="NUL"),
        pytest.param("styret \ud83d", id="half a surrogate pair"),
    ],
)
def test_what_is_not_text_is_refused(text):
    with pytest.raises(ValueError, match="text"):
        checked_passages(["Styret møttes.", text])
    with pytest.raises(InvalidQueryError, match="text"):
        checked_queries([text])


def test_one_text_instead_of_several_is_refused():
    with pytest.raises(TypeError):
        checked_passages("Styret møttes.")


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        pytest.param(unicodedata.normalize("NFD", "rådgiver på Ål"), "rådgiver på Ål", id="NFD"),
        pytest.param("omstillings\u00adprogram", "omstillingsprogram", id="soft hyphen"),
        pytest.param("a\u00a0 b\n\tc", "a b c", id="blanks"),
        pytest.param("ﬁnansiering", "finansiering", id="ligature"),
        pytest.param("se <s> og </s>, <mask>", "se < s> og < /s>, < mask>", id="special tokens"),
        pytest.param("a < b <strong>", "a < b <strong>", id="other angle brackets"),
    ],
)
def test_text_is_folded(written, folded):
    assert checked_passages([written]) == [folded]


@given(st.text())
def test_folding_refuses_or_gives_clean_text_and_is_idempotent(text):
    try:
        (folded,) = checked_passages([text])
    except ValueError:
        return

    assert folded.encode()
    assert "\0" not in folded
    assert folded == " ".join(folded.split())
    assert checked_passages([folded]) == [folded]


def test_a_long_question_is_cut_after_folding():
    (query,) = checked_queries(["\ufdfa" * MAX_QUERY_CHARS])  # each unfolds to 18 characters

    assert len(query) == MAX_QUERY_CHARS


class _CountsCharacters:
    window = 12

    def count_tokens(self, role, text):
        return len(text)

    def embed(self, role, texts):
        raise AssertionError("not asked for here")


@given(st.text(alphabet="ab ", min_size=1).map(lambda t: " ".join(t.split())).filter(bool))
def test_windows_fit_and_lose_nothing(text):
    windows = _windows(_CountsCharacters(), "passage", text)

    assert all(tokens == len(part) <= 12 for part, tokens in windows)
    assert "".join(part for part, _ in windows).replace(" ", "") == text.replace(" ", "")


def test_a_window_ends_between_words():
    windows = _windows(_CountsCharacters(), "passage", "styret fulgte opp planen")

    assert [part for part, _ in windows] == ["styret", "fulgte", "opp planen"]


def test_the_test_encoder_keeps_the_contract():
    encoder = WordHashEncoder()
    texts = ["Styret var for stort.", "Styret ble for stort.", "Fisket sviktet i nord."]

    passages = encoder.embed_passages(texts)

    assert passages.dtype == np.float32
    assert passages.shape == (3, encoder.dim)
    assert np.allclose(np.linalg.norm(passages, axis=1), 1)
    assert passages[0] @ passages[1] > passages[0] @ passages[2]
    assert np.array_equal(passages[1:], encoder.embed_passages(texts[1:]))
    assert encoder.embed_queries([]).shape == (0, encoder.dim)
    with pytest.raises(InvalidQueryError):
        encoder.embed_queries([" "])


def test_the_broken_encoder_is_broken():
    with pytest.raises(ModelUnavailableError):
        BrokenEncoder().embed_queries(["styret"])
