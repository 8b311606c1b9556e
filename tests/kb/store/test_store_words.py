"""The word leg: which lessons hold which tokens, in step with what is published."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kb.domain import Status
from kb.lexical import grams, query_grams
from kb.store import Store
from tests.make import a_filing, publish, set_status, vectors_for


def test_a_lesson_is_found_by_its_words_and_the_rarer_weigh_more(store: Store) -> None:
    many = [f"Kommunen svarte sent, gang {number}." for number in range(8)]
    filing = a_filing("Næringshagen hjalp kommunen.", *many).add_to(store)

    found = store.grams_match(query_grams("næringshage kommune"))

    assert max(found, key=found.get) == filing.lessons[0].id
    assert all(score > 0 for score in found.values())
    assert store.grams_match(query_grams("xylofon")) == {}
    assert store.grams_match([]) == {}


def test_the_words_of_every_quote_count_and_those_of_an_edited_statement(store: Store) -> None:
    filing = a_filing("Styret møttes sjelden.")
    edited = replace(filing.lessons[0], statement="Xylofon hjelper.", is_edited=True)
    replace(filing, lessons=(edited,), vectors=vectors_for([edited])).add_to(store)

    assert store.grams_match(query_grams("xylofon"))
    assert store.grams_match(query_grams("sjelden"))


@pytest.mark.parametrize("word", ["æøå", "ærlig", "Ærlig", "10,5", "2017-2022", "IT", "grønn", "é"])
def test_a_token_is_found_whole_with_its_letters(store: Store, word: str) -> None:
    tokens = grams(word)
    a_filing(f"Ordet {word} står her.").add_to(store)

    assert store.gram_counts(tokens) == dict.fromkeys(tokens, 1)
    assert all(store.grams_match([token]) for token in tokens)


def test_letters_with_and_without_marks_are_not_the_same(store: Store) -> None:
    a_filing("Målet var klårt.").add_to(store)

    assert store.grams_match(grams("målet"))
    assert not store.grams_match(["ǀmal", "malet"])


def test_words_are_counted_among_published_lessons_only(store: Store) -> None:
    filing = a_filing("Styret sov.", "Styret våknet.").add_to(store)
    tokens = query_grams("styret")
    assert store.gram_counts([*tokens, "nothing"]) == dict.fromkeys(tokens, 2)
    assert store.gram_counts([]) == {}

    for status in (Status.CANDIDATE, Status.REJECTED, Status.MERGED, Status.RETIRED):
        set_status(store, [filing.lessons[0].id], status)
        assert list(store.grams_match(tokens)) == [filing.lessons[1].id]
        assert set(store.gram_counts(tokens).values()) == {1}
        assert store.check() == ()
        set_status(store, [filing.lessons[0].id], Status.PUBLISHED)
        assert set(store.grams_match(tokens)) == {lesson.id for lesson in filing.lessons}

    store.remove_report(filing.report.id)
    assert store.grams_match(tokens) == store.gram_counts(tokens) == {}


def test_candidates_are_found_once_they_are_published(store: Store) -> None:
    filing = a_filing("Styret sov.", status=Status.CANDIDATE).add_to(store)
    assert store.grams_match(query_grams("styret")) == {}

    publish(store, filing.report.id)

    assert set(store.grams_match(query_grams("styret"))) == {filing.lessons[0].id}


def test_a_lesson_without_any_word_is_kept_all_the_same(store: Store) -> None:
    a_filing("– ! –").add_to(store)

    assert store.check() == ()


def test_reindexing_makes_the_words_afresh(store: Store) -> None:
    filing = a_filing("Styret sov.").add_to(store)
    with store._writing():
        sqlite_words = store._connection.exec_driver_sql("UPDATE lesson_grams SET grams = 'old'")
        assert sqlite_words.rowcount == 1
    assert store.check() != ()

    store.put_vectors(filing.vectors, filing.model_id)

    assert store.check() == ()
    assert store.grams_match(query_grams("styret"))


STRANGE = ['"', '""', "*", "-", "^a", "a*", "(", ")", ":", "{a b}:", "AND", "OR", "NOT", "NEAR", ""]
STRANGE += ["\0", "a\0b", "\ud800", "😀", "a😀b", " ", "\n", "'", ";", "%", "\\", "+", "ǀ", "é" * 2]


@pytest.mark.parametrize("token", STRANGE, ids=repr)
def test_no_token_breaks_the_question(store: Store, token: str) -> None:
    a_filing("Styret sov.").add_to(store)

    assert store.grams_match([token]) == {}
    assert store.grams_match([token, "ǀsty"])
    assert store.gram_counts([token, "ǀsty"]) == {"ǀsty": 1}


def test_a_question_of_thousands_of_tokens_is_answered(store: Store) -> None:
    a_filing("Styret sov.").add_to(store)
    tokens = [f"t{number}" for number in range(3000)]

    assert store.grams_match([*tokens, "ǀsty"])
    assert store.gram_counts([*tokens, "ǀsty"]) == {"ǀsty": 1}


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(tokens=st.lists(st.text(st.characters(codec=None), max_size=6), max_size=6))
def test_any_tokens_at_all_are_answered(store: Store, tokens: list[str]) -> None:
    assert store.grams_match(tokens) == {}
    assert store.gram_counts(tokens) == {}


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=st.text(min_size=1, max_size=40).filter(lambda text: "|" not in text and text.strip()))
def test_any_text_is_kept_as_it_is_and_found_by_its_tokens(store: Store, text: str) -> None:
    filing = a_filing(text)
    filing.add_to(store)
    try:
        assert store.lessons([filing.lessons[0].id])[filing.lessons[0].id] == filing.lessons[0]
        assert store.check() == ()
        tokens = [token for token in grams(text) if token.isalpha() and token.isascii()]
        assert bool(store.grams_match(tokens)) == bool(tokens)
    finally:
        store.remove_report(filing.report.id)
