"""Hits, weak hits or nothing: what the floors say, where they come from, how they are set."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kb.calibrate import Outsider, _regression, calibrate, load_outsiders
from kb.config import Config
from kb.errors import ConfigError
from kb.evaluate import load_set
from kb.floors import FALLBACK, Floors, Signals, State, Weights, load_floors, write_floors
from tests.fakes import WordHashEncoder

FIT = Signals(
    language="nb",
    lessons=50,
    meaning=0.5,
    words=0.4,
    late=0.4,
    met=0.5,
    bare=0.0,
    has_words=True,
    is_known=True,
)
OWN = Floors(
    model="m",
    weights=Weights(1.0, 1.0, 0.0, 2.0, -0.5),
    rise=0.1,
    hits={"nb": 1.5, "nn": 1.6, "en": 1.4},
    weak={"nb": 1.2, "nn": 1.2, "en": 1.1},
)


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        pytest.param({}, State.HITS, id="fits"),
        pytest.param({"met": 0.2}, State.WEAK, id="below the floor, a word occurs"),
        pytest.param({"met": 0.2, "is_known": False}, State.WEAK, id="near, no word occurs"),
        pytest.param({"met": 0.1, "is_known": False}, State.NOTHING, id="far, no word occurs"),
        pytest.param({"met": 0.0}, State.WEAK, id="far, but a word occurs"),
        pytest.param({"has_words": False}, State.NOTHING, id="only words that mean nothing"),
        pytest.param({"bare": 1.0, "is_known": False}, State.WEAK, id="keywords nobody holds"),
        pytest.param({"lessons": 5000}, State.WEAK, id="more is asked of a large base"),
        pytest.param({"language": "nn", "words": 0.05}, State.WEAK, id="floor of nynorsk"),
        pytest.param({"language": "en", "words": 0.05}, State.HITS, id="floor of English"),
    ],
)
def test_what_is_said_to_a_question(changes: dict[str, object], wanted: State) -> None:
    assert OWN.judge(replace(FIT, **changes)) is wanted


def test_without_token_vectors_the_fallback_judges() -> None:
    bare = replace(FIT, met=None, late=0.1)

    assert OWN.judge(bare) is FALLBACK.judge(bare) is State.HITS


def test_floors_are_kept_and_are_not_used_with_another_model(tmp_path: Path) -> None:
    path = tmp_path / "floors.toml"
    assert load_floors(path, "m") == load_floors(None, "m") == FALLBACK

    write_floors(path, OWN, ("how it was set",))

    assert load_floors(path, "m") == OWN
    assert load_floors(path, "another") == FALLBACK


@pytest.mark.parametrize("text", ["model = 3 4", 'model = "m"', 'model = "m"\nweights = 1'])
def test_a_damaged_file_of_floors_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "floors.toml").write_text(text)

    with pytest.raises(ConfigError, match=r"floors\.toml"):
        load_floors(tmp_path / "floors.toml", "m")


def test_the_shipped_floors_and_outsiders_can_be_read() -> None:
    corpus = Config.load({}).corpus
    outsiders = load_outsiders(corpus / "out-of-scope.toml")

    assert len({one.text for one in outsiders}) >= 60
    assert {one.kind for one in outsiders} == {"far", "near", "junk"}
    judged = load_set(corpus / "queries.toml", ())
    assert not {one.text for one in outsiders} & set(judged.out_of_scope)
    if (corpus / "floors.toml").exists():
        model = (corpus / "floors.toml").read_text().split('model = "')[1].split('"')[0]
        assert load_floors(corpus / "floors.toml", model) != FALLBACK


def test_a_signal_that_would_count_the_wrong_way_is_left_out() -> None:
    dice = np.random.default_rng(1)
    labels = np.repeat([0.0, 1.0], 60)
    good, useless = labels + dice.normal(0, 0.4, 120), dice.normal(0, 1, 120)
    values = np.column_stack([good, useless, -labels + dice.normal(0, 0.4, 120), good, 0 * good])

    weights = _regression(values, labels)

    assert weights[0] > 0
    assert weights[2] == weights[4] == 0
    assert (weights[:4] >= 0).all()


TOPICS = ("styret", "havna", "lakseslakteriet", "hotellet", "skipsverftet", "gruvene", "turistene")


def test_floors_that_are_set_tell_questions_apart(tmp_path: Path) -> None:
    passages = [
        {"id": f"{topic}{n}", "text": f"{topic.capitalize()} trengte {other} mer enn ventet."}
        for topic in TOPICS
        for n, other in enumerate(("folk", "penger", "planer"))
    ]
    queries = [
        {
            "id": f"Q{number}",
            "lang": "nb",
            "text": f"Trengte {passage['text'].split()[0].lower()} {passage['text'].split()[2]}?",
            "relevant": {passage["id"]: 2},
        }
        for number, passage in enumerate(passages)
    ]
    (tmp_path / "p.json").write_text(json.dumps({"passages": passages}))
    (tmp_path / "q.json").write_text(
        json.dumps({"queries": queries, "out_of_scope": [{"text": "xyzzy qwop"}]})
    )
    judged = load_set(tmp_path / "q.json", [tmp_path / "p.json"])
    outside = ["jazzklubb", "ski uten smøring", "zebraer i dyrehagen", "og", "xkcd", "bilvask"]
    outsiders = [Outsider(text=text, kind="far") for text in outside]

    result = calibrate(judged, outsiders, WordHashEncoder())

    assert result.floors.model == WordHashEncoder.model_id
    assert (result.questions, result.outsiders) == (21, 6)
    assert result.flagged["far"] >= 0.8
    assert result.unseen == 1.0
    assert result.lost["all"] <= 0.25
    assert all(result.floors.weak[one] <= result.floors.hits[one] for one in ("nb", "nn", "en"))
