"""What the word leg counts: the same for a lesson and for the question that should find it."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.lexical import grams, query_grams, stem
from kb.store import Store
from kb.text import STOP_WORDS, words
from tests.make import a_filing


@pytest.mark.parametrize(
    "forms",
    [
        "styre styret styrer styrene styrets",
        "bedrift bedrifter bedriftene bedriftens",
        "kommune kommuner kommunene",
        "stor store stort større størst største",
        "god gode godt bedre beste",
        "mange flere flest fleire",
        "sted steder stedene stad stader",
        "bok bøker bøkene",
        "liten lite små mindre minst minste",
        "lang langt lange lengre lengst",
    ],
)
def test_forms_of_a_word_have_one_stem(forms: str) -> None:
    assert len({stem(form) for form in forms.split()}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [("styre", "styrke"), ("bok", "bukk"), ("kommune", "kommunikasjon"), ("år", "åre")],
)
def test_other_words_have_other_stems(one: str, other: str) -> None:
    assert stem(one) != stem(other)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("møte", ["ǀmøt", "møte", "ǂmøt"]),
        ("Møte!", ["ǀmøt", "møte", "ǂmøt"]),
        ("år", ["ǀår", "ǂår"]),
        ("og", ["ǀog"]),
        ("SMB-er", ["ǀsmb", "smbe", "mber", "ǂsmb-er"]),
        ("", []),
        ("– …", []),
    ],
)
def test_grams_of_a_text(text: str, wanted: list[str]) -> None:
    assert grams(text) == wanted


def test_a_question_counts_each_token_once_and_stop_words_not_at_all() -> None:
    assert query_grams("Hva gjør møte møte?") == ["ǀmøt", "møte", "ǂmøt"]
    assert query_grams(" ".join(sorted(STOP_WORDS))) == []


@pytest.mark.parametrize(
    ("compound", "part"),
    [
        ("styreseminaret", "seminar"),
        ("næringshagen", "hage"),
        ("omstillingsprogram", "omstilling"),
        ("bedriftseierne", "bedrift"),
    ],
)
def test_a_compound_shares_tokens_with_its_parts(compound: str, part: str) -> None:
    assert set(grams(compound)) & set(query_grams(part))


@given(st.text(max_size=80))
def test_a_question_finds_what_says_the_same(text: str) -> None:
    asked = query_grams(text)

    assert set(asked) <= set(grams(text))
    assert len(asked) == len(set(asked))
    assert all(token and token == token.strip() for token in grams(text))
    assert bool(asked) == any(word not in STOP_WORDS for word in words(text))


def test_tokens_with_commas_and_hyphens_are_counted_whole(tmp_path) -> None:
    text = "SMB-er fikk 10,5 av 1.000 i Nye-Elvdal i 2016–2020, én på L'Oréal."
    with Store.open(tmp_path) as store:
        [lesson] = a_filing(text).add_to(store).lessons
        tokens = query_grams(text)

        assert store.gram_counts(tokens) == dict.fromkeys(tokens, 1)
        assert store.grams_match(tokens).keys() == {lesson.id}


def test_stems_are_the_same_in_every_thread() -> None:
    found = []
    threads = [
        threading.Thread(
            target=lambda: found.append([stem(f"bedrift{end}") for end in ("er", "ene", "en")] * 50)
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [["bedrift"] * 150] * 4
