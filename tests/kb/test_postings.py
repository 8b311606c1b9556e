"""The postings give what FTS5 gives."""

import random
from pathlib import Path

import numpy as np
import pytest

from kb.lexical import pairs, query_grams
from kb.postings import Words, post
from kb.store import Store
from tests.kb.test_vectors import write_quotes
from tests.make import a_filing


@pytest.mark.parametrize("text", ["styret og kommune", "plan penger leder", "næringshagen", "xyz"])
def test_scores_are_those_of_fts5(tmp_path: Path, text: str) -> None:
    with Store.open(tmp_path) as store:
        a_filing(*write_quotes(random.Random(1), 60)).add_to(store)
        rows = store.rows("test-model")
        texts = store.words([row.number for row in rows])
        asked = [*query_grams(text), *pairs(text)]
        wanted = store.grams_match(asked)
        counts = store.gram_counts(asked)
    words = Words([(post(texts[row.number] for row in rows), np.ones(len(rows), bool))])

    scores = words.scores(asked)

    found = {row.lesson_id: score for row, score in zip(rows, scores, strict=True) if score}
    assert found == pytest.approx(wanted, rel=1e-4)
    assert {token: held for token, held in words.counts(asked).items() if held} == counts


def test_lessons_that_no_longer_count_are_as_if_they_had_never_been() -> None:
    texts = ["styr plan", "styr styr penge", "plan", "penge leder"]
    alive = np.array([True, False, True, True])
    usual = 2.0
    some = Words([(post(texts, usual), alive)])
    fresh = Words([(post([texts[0], *texts[2:]], usual), np.ones(3, bool))])

    for asked in (["styr"], ["plan", "penge"], ["leder", "styr", "gone"]):
        assert some.counts(asked) == fresh.counts(asked)
        assert some.scores(asked) == pytest.approx(fresh.scores(asked))


def test_parts_are_scored_as_one_base() -> None:
    texts = ["styr plan", "styr styr penge", "plan", "penge leder", "plan styr"]
    whole = Words([(post(texts), np.ones(5, bool))])
    usual = post(texts).usual
    parts = [(post(some, usual), np.ones(len(some), bool)) for some in (texts[:3], texts[3:])]

    for asked in (["styr"], ["plan", "penge"]):
        assert Words(parts).scores(asked) == pytest.approx(whole.scores(asked))


def test_many_lessons_are_posted_in_blocks_and_stay_in_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dice = random.Random(3)
    texts = [" ".join(dice.choices("abcdefgh", k=dice.randint(0, 6))) for _ in range(50)]
    whole = post(texts)

    monkeypatch.setattr("kb.postings._BLOCK", 7)

    for name in ("keys", "starts", "lessons", "weights", "lengths"):
        assert np.array_equal(getattr(post(texts), name), getattr(whole, name))
    held = whole.lessons[whole.of("a")]
    assert held.tolist() == [i for i, text in enumerate(texts) if "a" in text]


def test_no_lessons_have_no_words() -> None:
    words = Words([(post([]), np.ones(0, bool))])

    assert words.scores(["styr"]).shape == (0,)
    assert words.counts(["styr"]) == {"styr": 0}
