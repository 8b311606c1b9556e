"""Quotes that tell the same lesson are near, whatever the language of the vectors."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kb.likeness import IDENTICAL, likeness, nearest
from kb.passages import passages_of
from tests.make import a_lesson, a_report, vectors_for

SEMINAR = "Styreseminaret etter det første året ga styret forståelse for mandat og rammer."
AGAIN = "Styret peker på at styreseminaret etter første år ga forståelse for rammer og mandat."
NAME = "Navnet på programmet betydde mye for at bedriftene ville være med."
CLOSING = "Videreføringen ble planlagt altfor sent, og kommunen satte ikke av penger."
REPORT = a_report()


def alike(*quotes, themes=None, vectors=None):
    rows = np.eye(len(quotes), dtype=np.float32) if vectors is None else vectors
    return likeness(quotes, rows, themes or [{} for _ in quotes])


def lessons_of(*quotes, themes=()):
    return [a_lesson(quote, report=REPORT, themes=themes) for quote in quotes]


def test_the_same_words_in_another_order_are_near():
    like = alike(SEMINAR, AGAIN, NAME, CLOSING)

    assert like[0, 1] > 2 * max(like[0, 2], like[0, 3])


def test_vectors_and_themes_bring_quotes_nearer():
    vectors = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], np.float32)
    themes = [{"navn": 0.9}, {}, {"navn": 0.5}, {}]

    plain = alike(NAME, CLOSING, SEMINAR, AGAIN)
    assert alike(NAME, CLOSING, SEMINAR, AGAIN, vectors=vectors)[0, 1] > plain[0, 1]
    assert alike(NAME, CLOSING, SEMINAR, AGAIN, themes=themes)[0, 2] > plain[0, 2]


def test_a_quote_without_a_vector_is_compared_by_words():
    vectors = np.array([[0, 0], [0, 0], [1, 0]], np.float32)

    like = alike(SEMINAR, AGAIN, NAME, vectors=vectors)

    assert np.isfinite(like).all()
    assert like[0, 1] > like[0, 2]


def test_the_same_letters_are_identical_whatever_the_layout():
    like = alike(NAME, "Navnet på pro\u00adgrammet " + NAME[21:], CLOSING)

    assert like[0, 1] == IDENTICAL
    assert like[0, 2] < 2


def test_the_three_nearest_come_most_alike_first():
    lessons = lessons_of(SEMINAR, NAME, AGAIN, CLOSING, "Prosjektene måtte ha eigenkapital.")

    found = nearest(lessons, vectors_for(lessons))

    assert set(found) == {one.id for one in lessons}
    assert found[lessons[0].id][0][0] == lessons[2].id
    for own, near in found.items():
        assert len(near) <= 3
        assert own not in dict(near)
        assert [score for _, score in near] == sorted((s for _, s in near), reverse=True)


def test_two_lessons_are_as_alike_as_their_most_alike_quotes():
    both = a_lesson(NAME, SEMINAR, report=REPORT)
    others = lessons_of(CLOSING, AGAIN)

    found = nearest([both, *others], vectors_for([both, *others]))

    assert found[both.id][0][0] == others[1].id


def test_a_lesson_without_vectors_has_neighbours_by_its_words():
    lessons = lessons_of(SEMINAR, NAME, AGAIN)

    assert nearest(lessons, {})[lessons[0].id][0][0] == lessons[2].id


def test_no_lessons_have_no_neighbours():
    assert nearest([], {}) == {}
    assert nearest(lessons_of(NAME), {}) == {a_lesson(NAME, report=REPORT).id: ()}


def test_vectors_are_those_of_the_passages():
    (lesson,) = lessons_of(SEMINAR + " " + NAME)
    vectors = vectors_for([lesson])

    assert len(vectors[lesson.id]) == len(passages_of(lesson)) == 3
    assert nearest([lesson], vectors) == {lesson.id: ()}


WORDS = st.sampled_from("styret navnet bedriftene rammer mandat penger sent tillit 3".split())


@given(st.lists(st.lists(WORDS, min_size=1, max_size=6).map(" ".join), min_size=1, max_size=12))
def test_likeness_goes_both_ways(quotes):
    vectors = np.random.default_rng(1).normal(size=(len(quotes), 4)).astype(np.float32)

    like = likeness(quotes, vectors, [{} for _ in quotes])

    assert np.allclose(like, like.T)
    assert (np.diag(like) == IDENTICAL).all()
