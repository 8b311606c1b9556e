"""The learned head: fitted, kept, refused, explained; a tiny real encoder is the model."""

import json
import logging
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.classifier import (
    Head,
    feature_names,
    features,
    fit_parting,
    load_head,
    logistic,
    never_parted,
)
from ingest.lessons import Learned, find_lessons
from ingest.marked import Example, Marked, shipped_examples
from ingest.reading import read_blocks
from ingest.train import area_under_curve, compare, remembered, table, train
from ingest.types import Role
from kb.domain import Kind, quote_of
from kb.text import sentences
from tests.fakes import WordHashEncoder
from tests.ingest.test_lessons import CORPUS, CUES, a_block, pages_of

ENCODER = WordHashEncoder()
STYLES = ("consult-steps", "status-nn", "consult-en")


@cache
def examples() -> tuple[Example, ...]:
    shipped = shipped_examples(CORPUS)
    return tuple(one for style in STYLES for one in [e for e in shipped if e.style == style][30:90])


@cache
def a_head() -> Head:
    return train(examples(), CUES, ENCODER.model_id, ENCODER.embed_passages)


def decided(text, *, kind=None, style="report-1"):
    """What a person has decided of one proposal: a lesson of this kind, or none."""
    return Example(
        style=style, language="nb", section=("4 Erfaringer",), role=Role.PARAGRAPH, lead_in=None,
        text=text, lessons=(Marked(text, kind),) if kind else (),
        refused=() if kind else (text,), is_complete=False,
    )  # fmt: skip


# ── Fitting ──────────────────────────────────────────────────────────────────────────────────────


def test_logistic_regression_finds_the_weights_that_made_the_labels():
    rng = np.random.default_rng(1)
    inputs = rng.normal(size=(20_000, 2))
    odds = 1 / (1 + np.exp(-(2 * inputs[:, 0] - inputs[:, 1] + 0.5)))

    weights = logistic(inputs, rng.random(20_000) < odds, np.full(2, 1e-3))

    np.testing.assert_allclose(weights, [2, -1, 0.5], atol=0.1)


def test_a_ridge_keeps_weights_small_where_the_labels_are_parted_cleanly():
    inputs = np.array([[-1.0], [1.0]] * 5)

    weights = logistic(inputs, inputs[:, 0] > 0, np.ones(1))

    assert 0.5 < weights[0] < 3


@pytest.mark.parametrize(
    ("scores", "labels", "expected"),
    [
        pytest.param([1, 2, 3, 4], [0, 0, 1, 1], 1.0, id="parted"),
        pytest.param([4, 3, 2, 1], [0, 0, 1, 1], 0.0, id="the wrong way round"),
        pytest.param([1, 1], [0, 1], 0.5, id="a tie is half a chance"),
        pytest.param([1, 3, 2], [0, 0, 1], 0.5, id="one of two beaten"),
        pytest.param([1, 2], [1, 1], None, id="nothing to compare with"),
    ],
)
def test_area_under_curve(scores, labels, expected):
    assert area_under_curve(np.array(scores, float), np.array(labels, bool)) == expected


def test_the_same_examples_give_the_same_bytes():
    again = train(examples(), CUES, ENCODER.model_id, ENCODER.embed_passages)

    assert again.as_json() == a_head().as_json()


def test_figures_are_given_for_each_style_and_as_a_table():
    figures = a_head().figures

    assert {one["style"] for one in figures["styles"]} == set(STYLES)
    assert set(figures["means"]) == {"all", "nb", "nn", "en"}
    assert figures["means"]["all"]["auc"] > 0.8
    assert len(table(a_head()).splitlines()) == 2 + len(STYLES) + 4


def test_a_decision_of_staff_changes_what_is_thought_of_such_a_sentence():
    text = "Kontoret lå vegg i vegg med kaféen, og praten ved disken ga tre prosjekter."
    taken = [decided(text, kind=Kind.SUCCESS, style=f"report-{n}") for n in range(20)]
    refused = [decided(text, style=f"report-{n}") for n in range(20)]

    def confidence(more):
        head = train([*examples(), *more], CUES, ENCODER.model_id, ENCODER.embed_passages)
        learned = Learned(replace(head, threshold=-99.0), ENCODER.embed_passages)
        (one,) = find_lessons([a_block(text, section=("4 Erfaringer",))], CUES, "nb", learned)
        return one.confidence

    assert confidence(refused) + 0.3 < confidence(taken)


def test_of_a_passage_that_is_not_complete_only_what_was_decided_counts():
    text = "Møtet var langt. Saken ble utsatt. Uten avtale ble rollene uklare."
    example = replace(
        decided(text),
        lessons=(Marked("Uten avtale ble rollene uklare.", Kind.WARNING),),
        refused=("Møtet var langt.",),
    )

    labels = [example.label(start, end) for start, end in [(0, 16), (17, 34), (35, 66)]]

    assert labels == [(True, None), (False, None), (True, Kind.WARNING)]


# ── Old against new ──────────────────────────────────────────────────────────────────────────────


def test_a_head_is_not_worse_than_itself():
    found = compare(a_head(), a_head(), examples(), CUES, ENCODER.embed_passages)

    assert found.old == found.new
    assert not found.is_worse


def test_a_head_taught_nonsense_is_worse_and_would_be_refused():
    turned = [
        replace(one, lessons=() if one.lessons else (Marked(one.text, Kind.SUCCESS),))
        for one in examples()
        if one.style != "consult-steps"
    ]
    taught = [*turned, *(one for one in examples() if one.style == "consult-steps")]
    bad = train(taught, CUES, ENCODER.model_id, ENCODER.embed_passages)

    found = compare(
        a_head(), bad, [one for one in taught if one.style == "consult-steps"], CUES,
        ENCODER.embed_passages,
    )  # fmt: skip

    assert found.is_worse


def test_a_report_the_old_head_never_saw_is_judged_by_it_as_it_is():
    more = [*examples(), *(replace(one, style="new") for one in examples()[:40])]
    new = train(more, CUES, ENCODER.model_id, ENCODER.embed_passages)

    found = compare(a_head(), new, more, CUES, ENCODER.embed_passages)

    assert found.passages > compare(new, new, examples(), CUES, ENCODER.embed_passages).passages


# ── Kept in files ────────────────────────────────────────────────────────────────────────────────


def test_a_head_survives_its_file(tmp_path):
    path = tmp_path / "head.json"
    path.write_text(a_head().as_json(), encoding="utf-8")

    found = load_head(path, ENCODER.model_id, CUES)

    assert found is not None
    assert found.as_json() == a_head().as_json()


def broken(change):
    data = json.loads(a_head().as_json())
    change(data)
    return json.dumps(data)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("{", "JSONDecodeError", id="cut off"),
        pytest.param("[]", "TypeError", id="something else"),
        pytest.param(broken(lambda d: d.update(format=0)), "format 0", id="another format"),
        pytest.param(broken(lambda d: d["lesson"].pop()), "belong together", id="a weight lost"),
        pytest.param(broken(lambda d: d["parting"].pop()), "belong together", id="a pair lost"),
        pytest.param(broken(lambda d: d["kinds"].popitem()), "belong together", id="a kind lost"),
        pytest.param(broken(lambda d: d["lesson"].append("x")), "ValueError", id="no number"),
        pytest.param(broken(lambda d: d.update(model_id="other")), "fitted to other", id="model"),
        pytest.param(broken(lambda d: d["names"].__setitem__(0, "x")), "other cues", id="cues"),
    ],
)
def test_a_head_that_cannot_judge_is_left_alone_and_the_log_says_why(tmp_path, caplog, text, said):
    path = tmp_path / "head.json"
    path.write_text(text, encoding="utf-8")

    with caplog.at_level(logging.WARNING):
        found = load_head(path, ENCODER.model_id, CUES)

    assert found is None
    assert said in caplog.text


def test_a_missing_head_is_no_error(tmp_path):
    assert load_head(tmp_path / "head.json", ENCODER.model_id, CUES) is None


def test_vectors_are_asked_for_once_and_never_taken_for_another_models(tmp_path):
    asked = []

    def embed(texts):
        asked.append(list(texts))
        return ENCODER.embed_passages(texts)

    file = tmp_path / "cache" / "vectors.npz"
    first = remembered(embed, "m", file)(["Én.", "To.", "Én."])
    again = remembered(embed, "m", file)(["To.", "Tre."])
    remembered(embed, "other", file)(["To."])

    assert asked == [["Én.", "To."], ["Tre."], ["To."]]
    np.testing.assert_array_equal(first[0], first[2])
    np.testing.assert_array_equal(first[1], again[0])


# ── Judging ──────────────────────────────────────────────────────────────────────────────────────


def learned() -> Learned:
    return Learned(a_head(), ENCODER.embed_passages)


def test_what_is_found_has_a_confidence_and_the_rules_have_none():
    block = a_block("Uten en skriftlig avtale ble rollene uklare, og to bedrifter trakk seg.")

    (by_head,) = find_lessons([block], CUES, "nb", learned())
    (by_rules,) = find_lessons([block], CUES, "nb")

    assert by_head.confidence is not None
    assert 0.5 < by_head.confidence <= 1
    assert by_rules.confidence is None


def test_the_reason_names_the_words_that_spoke_for_it():
    block = a_block("Uten en skriftlig avtale ble rollene uklare, og to bedrifter trakk seg.")

    (one,) = find_lessons([block], CUES, "nb", learned())

    assert "«uklar" in one.reason


def test_where_no_known_phrase_speaks_the_reason_says_so_and_shows_the_nearest_example():
    text = "Bakeren lånte bort lokalet sitt, og kveldene fyltes av folk fra begge bygdene."
    anything = Learned(replace(a_head(), threshold=-99.0), ENCODER.embed_passages)

    (one,) = find_lessons([a_block(text)], CUES, "nb", anything)

    assert one.reason.startswith("ingen kjent vending")
    assert any(f"«{told.text}»" in one.reason for told in a_head().exemplars)


def test_confidence_grows_with_the_logit_and_stays_between_0_and_1():
    found = [a_head().confidence(logit) for logit in (-50.0, -1.0, 0.0, 1.0, 50.0)]

    assert found == sorted(found)
    assert 0 <= found[0] < found[-1] <= 1


def test_every_sentence_is_embedded_in_one_call():
    calls = []

    def embed(texts):
        calls.append(list(texts))
        return ENCODER.embed_passages(texts)

    find_lessons([a_block("Én sak. To saker."), a_block("Tre saker.")], CUES, "nb",
                 Learned(a_head(), embed))  # fmt: skip

    assert calls == [["Én sak.", "To saker.", "Tre saker."]]


def test_a_report_without_text_has_no_lessons():
    assert find_lessons([], CUES, "nb", learned()) == ()
    assert features((), CUES, ENCODER.embed_passages).rows.shape[0] == 0


@given(st.lists(st.text(min_size=1), max_size=3), st.sampled_from(["nb", "nn", "en", "se"]))
def test_no_text_breaks_it_and_every_quote_stands_where_it_says(texts, language):
    kept = [" ".join(text.split()) for text in texts]
    blocks = [a_block(text, section=(text,), lead_in=text) for text in kept if text.strip("\0 ")]
    blocks = [one for one in blocks if "\0" not in one.text and one.text.isprintable()]

    for one in find_lessons(blocks, CUES, language, learned()):
        home = next(b for b in blocks if one.evidence.quote in b.text)
        assert quote_of(one.evidence.spans, pages_of(home)) == one.evidence.quote
        assert one.statement in sentences(one.evidence.quote)


def test_rows_and_names_belong_together():
    readings = read_blocks([a_block("Én sak. To saker.")], CUES, "nb")

    known = features(readings, CUES, ENCODER.embed_passages)

    assert known.rows.shape == (2, len(feature_names(CUES)))
    assert len(set(feature_names(CUES))) == len(feature_names(CUES))


# ── One lesson or two ────────────────────────────────────────────────────────────────────────────

SIDE_BY_SIDE = (
    "Uten en skriftlig avtale ble rollene uklare, og to bedrifter trakk seg. "
    "Styreseminaret etter første år var avgjørende for at styret forsto mandatet sitt."
)


def quotes_with_bias(bias: float, text: str) -> list[str]:
    """What is proposed in ``text`` when every pair of neighbours is parted, or none is."""
    head = a_head()
    parting = np.append(np.zeros(len(head.parting) - 1), bias)
    anything = Learned(replace(head, threshold=-99.0, parting=parting), ENCODER.embed_passages)
    return [one.evidence.quote for one in find_lessons([a_block(text)], CUES, "nb", anything)]


def test_neighbours_are_proposals_of_their_own_where_the_head_parts_them():
    assert quotes_with_bias(-1.0, SIDE_BY_SIDE) == [SIDE_BY_SIDE]
    assert quotes_with_bias(1.0, SIDE_BY_SIDE) == sentences(SIDE_BY_SIDE)


def test_a_sentence_that_points_back_is_never_parted_from_what_it_points_to():
    text = SIDE_BY_SIDE.replace("Styreseminaret etter første år", "Dette")

    assert quotes_with_bias(1.0, text) == [text]


def test_parting_is_learned_from_pairs_and_parts_as_many_wrongly_as_allowed():
    names = feature_names(CUES)
    rng = np.random.default_rng(2)
    is_parted = rng.random(400) < 0.5
    rows = rng.normal(size=(400, len(never_parted(names)) - 1))
    rows[:, 0] += 3 * is_parted

    weights = fit_parting(names, rows, is_parted, 0.1)

    parted = rows @ weights[:-1] + weights[-1] > 0
    assert parted[~is_parted].mean() == pytest.approx(0.1, abs=0.01)
    assert parted[is_parted].mean() > 0.5


def test_without_pairs_of_both_sorts_nothing_is_parted():
    names = feature_names(CUES)
    rows = np.ones((3, len(never_parted(names)) - 1))

    weights = fit_parting(names, rows, np.ones(3, bool), 0.1)

    assert (rows @ weights[:-1] + weights[-1] < 0).all()


# ── Why this kind ────────────────────────────────────────────────────────────────────────────────


def test_the_kind_is_explained_by_the_words_that_vote_for_it():
    (one,) = find_lessons([a_block("Nye program bør avklare rollene skriftlig.")], CUES, "nb")

    assert one.kind is Kind.RECOMMENDATION
    assert "«bør»" in one.kind_reason


def test_where_no_words_vote_for_a_kind_the_two_likeliest_are_told():
    text = "Bakeren lånte bort lokalet sitt, og kveldene fyltes av folk fra begge bygdene."
    anything = Learned(replace(a_head(), threshold=-99.0), ENCODER.embed_passages)

    (one,) = find_lessons([a_block(text)], CUES, "nb", anything)

    assert one.kind_reason.startswith("ingen kjent vending; språkmodellen mener ")
