"""Words and vectors together decide the themes; each tag says why."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.tags import MAX_THEMES, tag_lessons, theme_prototypes
from ingest.types import Candidate
from kb.domain import AssignedBy, Evidence, Kind, Phase, Span
from kb.taxonomy import Taxonomy, load_taxonomy

CORPUS = Path(__file__).resolve().parents[2] / "corpus"
TAXONOMY: Taxonomy = load_taxonomy(CORPUS / "taxonomy.toml")
THEMES = [theme.id for theme in TAXONOMY.themes]
AXES = np.eye(len(THEMES), dtype=np.float32)
"""Prototypes that share nothing: quote vectors are then built theme by theme."""


def a_candidate(quote, *, section=("4 Erfaringer",)):
    return Candidate(
        statement=quote,
        evidence=Evidence(
            report_id="",
            section=section,
            spans=(Span(page=1, start=0, end=len(quote)),),
            quote=quote,
        ),
        kind=Kind.SUCCESS,
        phase=None,
        language="nb",
        score=3.0,
        reason="",
    )


def towards(*themes):
    """A vector that leans to these themes and is neutral to all others."""
    vector = np.full(len(THEMES), 0.1, np.float32)
    for theme in themes:
        vector[THEMES.index(theme)] = 1.0
    return vector / np.linalg.norm(vector)


def tags_of(quote, *, section=("4 Erfaringer",), vector=None):
    vectors = None if vector is None else vector[None, :]
    prototypes = None if vector is None else AXES
    (one,) = tag_lessons([a_candidate(quote, section=section)], vectors, prototypes, TAXONOMY)
    return one.tags


def test_words_alone_set_a_theme_and_say_which():
    (tag,) = tags_of("Styreseminaret etter ett år var nøkkelen.")

    assert tag.theme == "styreseminar"
    assert tag.assigned_by is AssignedBy.RULE
    assert "styreseminar" in tag.reason


def test_the_vector_alone_sets_a_theme_where_words_say_nothing():
    (tag,) = tags_of("De fikk ro på seg.", vector=towards("navn"))

    assert tag.theme == "navn"
    assert tag.assigned_by is AssignedBy.MODEL
    assert "close in meaning" in tag.reason


def test_words_and_vector_that_agree_are_surer_than_either():
    quote = "Styreseminaret etter ett år var nøkkelen."

    def confidence(vector):
        tags = {tag.theme: tag.confidence for tag in tags_of(quote, vector=vector)}
        return tags.get("styreseminar", 0.0)

    agreeing = confidence(towards("styreseminar"))
    assert agreeing > confidence(None) > confidence(towards("attraktivitet"))


def test_the_heading_speaks_for_a_theme_that_the_quote_takes_for_granted():
    (tag,) = tags_of("Han fikk ro på seg etter hvert.", section=("4.3 Navn på programmet",))

    assert tag.theme == "navn"
    assert "heading" in tag.reason


def test_nothing_that_speaks_for_a_theme_gives_no_theme():
    neutral = np.full(len(THEMES), 1.0, np.float32) / np.sqrt(len(THEMES))

    assert tags_of("Det gikk bra.", section=(), vector=neutral) == ()


def test_one_weak_cue_is_no_cue():
    theme = TAXONOMY.theme("naeringsliv-forankring")
    quote = "Bedriftsleder nummer to var enig."

    assert any(pattern.search(quote.lower()) for pattern in theme.weak_cues)
    assert all(tag.theme != theme.id for tag in tags_of(quote, section=()))


def test_at_most_three_themes_the_surest_first():
    quote = (
        "Programlederen, styreseminaret, navnet på programmet, næringshagen og videreføringen "
        "av omstillingsplanen var alt sammen viktig."
    )

    tags = tags_of(quote)

    assert len(tags) == MAX_THEMES
    assert [tag.confidence for tag in tags] == sorted((t.confidence for t in tags), reverse=True)


@pytest.mark.parametrize(
    ("quote", "phase", "word"),
    [
        ("Videreføringen av programmet må planlegges to år før slutt.", Phase.AVSLUTNING, "vid"),
        ("I strategi- og forankringsfasen burde flere vært med.", Phase.STRATEGI, "strategi"),
        ("De hadde det travelt.", None, ""),
    ],
)
def test_the_phase_is_set_only_where_the_text_tells_and_the_words_are_named(quote, phase, word):
    (one,) = tag_lessons([a_candidate(quote, section=())], None, None, TAXONOMY)

    assert one.candidate.phase is phase
    assert one.candidate.phase_reason.startswith(f"sitatet sier «{word}" if phase else "")
    assert bool(one.candidate.phase_reason) is bool(phase)


def test_a_prototype_is_the_mean_of_its_texts():
    texts = [text for theme in TAXONOMY.themes for text in theme.prototype]
    seen = {text: float(position) for position, text in enumerate(texts)}

    rows = theme_prototypes(
        TAXONOMY, lambda asked: np.array([[seen[text]] for text in asked], np.float32)
    )

    expected = [np.mean([seen[text] for text in theme.prototype]) for theme in TAXONOMY.themes]
    assert rows[:, 0].tolist() == pytest.approx(expected)


def test_what_all_texts_have_in_common_says_nothing_about_the_theme():
    common = np.full(len(THEMES), 5.0, np.float32)
    quotes = [a_candidate(f"De gjorde det på sin måte, nummer {n}.") for n in range(10)]
    vectors = np.stack([towards(THEMES[n]) for n in range(10)])

    plain = tag_lessons(quotes, vectors, AXES, TAXONOMY)
    shifted = tag_lessons(quotes, vectors + common, AXES + common, TAXONOMY)

    assert [one.tags[0].theme for one in shifted] == THEMES[:10]
    assert [[t.theme for t in one.tags] for one in plain] == [
        [t.theme for t in one.tags] for one in shifted
    ]


def test_no_candidates_give_no_tags():
    empty = np.zeros((0, len(THEMES)), np.float32)

    assert tag_lessons([], empty, AXES, TAXONOMY) == ()


@given(st.lists(st.text(min_size=1).filter(str.strip), min_size=1, max_size=12), st.data())
def test_order_is_kept_and_confidence_is_a_share(quotes, data):
    seed = data.draw(st.integers(0, 2**16))
    vectors = np.random.default_rng(seed).normal(size=(len(quotes), len(THEMES)))

    tagged = tag_lessons(
        [a_candidate(quote) for quote in quotes], vectors.astype(np.float32), AXES, TAXONOMY
    )

    assert [one.candidate.evidence.quote for one in tagged] == quotes
    for one in tagged:
        assert len({tag.theme for tag in one.tags}) == len(one.tags) <= MAX_THEMES
        assert all(0 <= tag.confidence <= 1 and tag.reason for tag in one.tags)
