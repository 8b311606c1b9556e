"""The same lesson in several chapters becomes one, and nothing else does."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.merge import merge_repeats
from ingest.types import Candidate, TaggedCandidate
from kb.domain import (
    AssignedBy,
    Evidence,
    Kind,
    Phase,
    Span,
    Status,
    ThemeTag,
    lesson_id,
    report_id,
)
from kb.text import key

SHA = "ab" * 32

SEMINAR = "Styreseminaret etter det første året ga styret forståelse for mandat og rammer."
SEMINAR_AGAIN = (
    "Styret peker på at styreseminaret etter første år ga forståelse for rammer og mandat."
)
NAME = "Navnet på programmet betydde mye for at bedriftene ville være med."
CLOSING = "Videreføringen ble planlagt altfor sent, og kommunen satte ikke av penger."


def a_tag(theme, confidence=0.8):
    return ThemeTag(
        theme=theme, confidence=confidence, assigned_by=AssignedBy.RULE, reason="the quote says it"
    )


def tagged(quote, *, score=3.0, themes=("navn",), phase=None, page=1, kind=Kind.SUCCESS):
    candidate = Candidate(
        statement=quote,
        evidence=Evidence(
            report_id="",
            section=("5 Vurdering",),
            spans=(Span(page=page, start=0, end=len(quote)),),
            quote=quote,
        ),
        kind=kind,
        phase=phase,
        language="nb",
        score=score,
        reason="worded as advice",
        kind_reason=f"because {kind}",
        phase_reason=f"because {phase}" if phase else "",
    )
    return TaggedCandidate(candidate=candidate, tags=tuple(map(a_tag, themes)))


def merged(*candidates, vectors=None):
    if vectors is None:
        vectors = np.eye(max(len(candidates), 1), dtype=np.float32)[: len(candidates)]
    return merge_repeats(candidates, vectors, SHA)


def quotes_of(lessons):
    return [[evidence.quote for evidence in lesson.evidence] for lesson in lessons]


def test_a_lesson_told_twice_becomes_one_with_both_quotes():
    lessons = merged(
        tagged(SEMINAR, themes=["styreseminar"], page=4),
        tagged(NAME, page=5),
        tagged(SEMINAR_AGAIN, themes=["styreseminar"], page=9),
        tagged(CLOSING, themes=["videreforing"], page=10),
    )

    assert quotes_of(lessons) == [[SEMINAR, SEMINAR_AGAIN], [NAME], [CLOSING]]
    assert lessons[0].reason == "worded as advice; told in 2 places"
    assert lessons[1].reason == "worded as advice"


def test_the_clearest_wording_is_the_core():
    (lesson, _, _) = merged(
        tagged(SEMINAR, score=2.0, themes=["styreseminar"]),
        tagged(SEMINAR_AGAIN, score=6.0, themes=["styreseminar"], kind=Kind.RECOMMENDATION, page=9),
        tagged(NAME),
        tagged(CLOSING, themes=["videreforing"]),
    )

    assert lesson.statement == SEMINAR_AGAIN
    assert lesson.kind is Kind.RECOMMENDATION
    assert lesson.id == lesson_id(SHA, SEMINAR_AGAIN)
    assert [evidence.page for evidence in lesson.evidence] == [9, 1]


def test_lessons_of_one_theme_in_other_words_stay_apart():
    other = "Introkurset burde ha blitt kjørt på nytt da styret hadde behandlet noen søknader."

    lessons = merged(
        tagged(SEMINAR, themes=["styreseminar"]),
        tagged(other, themes=["styreseminar"]),
        tagged(NAME),
        tagged(CLOSING, themes=["videreforing"]),
    )

    assert len(lessons) == 4


def test_vectors_that_agree_do_not_merge_what_shares_no_words():
    same = np.tile(np.array([[1.0, 0.0]], np.float32), (3, 1))
    same[2] = [0.0, 1.0]

    assert len(merged(tagged(SEMINAR), tagged(CLOSING), tagged(NAME), vectors=same)) == 3


def test_the_same_words_twice_are_one_lesson_whatever_the_layout():
    lessons = merged(
        tagged(NAME, page=1), tagged("Navnet på pro\u00adgrammet " + NAME[21:], page=8)
    )

    assert [len(lesson.evidence) for lesson in lessons] == [2]


def test_a_merged_lesson_gathers_themes_and_the_first_phase_told():
    (lesson, *_) = merged(
        tagged(SEMINAR, score=6.0, themes=["styreseminar", "planverk"]),
        tagged(SEMINAR_AGAIN, themes=["styreseminar", "styrearbeid"], phase=Phase.GJENNOMFORING),
        tagged(NAME),
        tagged(CLOSING, themes=["videreforing"]),
    )

    assert [tag.theme for tag in lesson.tags] == ["styreseminar", "planverk", "styrearbeid"]
    assert lesson.phase is Phase.GJENNOMFORING
    assert lesson.phase_reason == f"because {Phase.GJENNOMFORING}"
    assert lesson.kind_reason == f"because {Kind.SUCCESS}"


def test_lessons_belong_to_the_report_and_wait_for_review():
    (lesson,) = merged(tagged(NAME))

    assert lesson.report_id == report_id(SHA)
    assert lesson.evidence[0].report_id == report_id(SHA)
    assert lesson.status is Status.CANDIDATE
    assert not lesson.is_edited


def test_no_candidates_give_no_lessons():
    assert merge_repeats([], np.zeros((0, 4), np.float32), SHA) == ()


WORDS = st.sampled_from(
    ["styret", "navnet", "bedriftene", "rammer", "mandat", "penger", "sent", "tillit", "3"]
)
QUOTES = st.lists(WORDS, min_size=1, max_size=6).map(" ".join)


@pytest.mark.filterwarnings("error")
@given(st.lists(QUOTES, max_size=14), st.integers(0, 2**16))
def test_every_quote_is_kept_once_ids_are_unique_and_order_is_reading_order(quotes, seed):
    vectors = np.random.default_rng(seed).normal(size=(len(quotes), 8)).astype(np.float32)
    candidates = [tagged(quote, page=page) for page, quote in enumerate(quotes, start=1)]

    lessons = merge_repeats(candidates, vectors, SHA)

    pages = [evidence.page for lesson in lessons for evidence in lesson.evidence]
    assert sorted(pages) == list(range(1, len(quotes) + 1))
    assert len({lesson.id for lesson in lessons}) == len(lessons)
    firsts = [min(evidence.page for evidence in lesson.evidence) for lesson in lessons]
    assert firsts == sorted(firsts)
    by_key = {key(quote) for quote in quotes}
    assert len(lessons) <= len(by_key)
