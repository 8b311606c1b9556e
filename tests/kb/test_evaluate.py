"""The figures are those one gets by hand, and a file that cannot be judged is refused."""

import json
from math import log2
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.errors import ConfigError
from kb.evaluate import (
    SYSTEMS,
    JudgedQuery,
    JudgedSet,
    _fill,
    evaluate,
    load_set,
    ndcg,
    recall,
    reciprocal_rank,
)
from kb.store import Store
from tests.fakes import WordHashEncoder

TWO_AND_ONE = {"a": 2, "b": 1}
IDEAL = 3 + 1 / log2(3)


# ---- the measures


@pytest.mark.parametrize(
    ("ranking", "relevant", "k", "wanted"),
    [
        ("ab", TWO_AND_ONE, 10, 1.0),
        ("ba", TWO_AND_ONE, 10, (1 + 3 / log2(3)) / IDEAL),
        ("xaxb", TWO_AND_ONE, 10, (3 / log2(3) + 1 / log2(5)) / IDEAL),
        ("xaxb", TWO_AND_ONE, 2, (3 / log2(3)) / IDEAL),
        ("xyz", TWO_AND_ONE, 10, 0.0),
        ("", TWO_AND_ONE, 10, 0.0),
        ("xb", {"b": 1}, 10, 1 / log2(3)),
        ("b", {"a": 3, "b": 1}, 10, 1 / (7 + 1 / log2(3))),
        ("abc", {"a": 2, "b": 2, "c": 2}, 2, 1.0),
    ],
)
def test_ndcg(ranking: str, relevant: dict[str, int], k: int, wanted: float) -> None:
    assert ndcg(ranking, relevant, k) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("ranking", "relevant", "k", "wanted"),
    [
        ("ab", TWO_AND_ONE, 10, 1.0),
        ("ba", TWO_AND_ONE, 10, 1 / 2),  # b is of a lower grade
        ("xya", TWO_AND_ONE, 10, 1 / 3),
        ("xya", TWO_AND_ONE, 2, 0.0),
        ("xb", {"b": 1}, 10, 1 / 2),
        ("xbac", {"a": 2, "b": 2}, 10, 1 / 2),
        ("", TWO_AND_ONE, 10, 0.0),
    ],
)
def test_reciprocal_rank(ranking: str, relevant: dict[str, int], k: int, wanted: float) -> None:
    assert reciprocal_rank(ranking, relevant, k) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("ranking", "relevant", "k", "wanted"),
    [
        ("ab", TWO_AND_ONE, 10, 1.0),
        ("b", TWO_AND_ONE, 10, 0.0),
        ("axb", {"a": 2, "b": 2}, 2, 1 / 2),
        ("axb", {"a": 2, "b": 2}, 3, 1.0),
        ("ab", {"a": 2, "b": 2, "c": 2}, 2, 1.0),  # of at most k
        ("ax", {"a": 1, "b": 1}, 5, 1 / 2),
        ("", TWO_AND_ONE, 5, 0.0),
    ],
)
def test_recall(ranking: str, relevant: dict[str, int], k: int, wanted: float) -> None:
    assert recall(ranking, relevant, k) == pytest.approx(wanted)


@given(
    ranking=st.permutations("abcdefgh"),
    relevant=st.dictionaries(st.sampled_from("abcdefghij"), st.integers(1, 2), min_size=1),
    k=st.integers(1, 12),
)
def test_measures_stay_between_0_and_1_and_the_best_order_gives_1(
    ranking: list[str], relevant: dict[str, int], k: int
) -> None:
    best = sorted(relevant, key=lambda one: -relevant[one])
    for measure in (ndcg, reciprocal_rank, recall):
        assert 0 <= measure(ranking, relevant, k) <= 1 + 1e-9
        assert measure(best, relevant, k) == pytest.approx(1)


# ---- the files

EXPECTED = """
[[lesson]]
id = "L01"
quotes = ["Styret møttes for sjelden.", "Møt oftere."]
"""
TOML = """
[[query]]
id = "Q1"
lang = "nn"
style = "keyword"
text = "styremøte"
relevant = [{ report = "fjord", lesson = "L01", grade = 2 }]

[[query]]
id = "Q2"
lang = "nb"
text = "ingenting"
relevant = []

[[out_of_scope]]
text = "Koke egg?"
"""


def put(path: Path, data: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
    return path


def test_a_set_in_toml_names_lessons_by_folder(tmp_path: Path) -> None:
    expected = put(tmp_path / "fjord" / "expected.toml", EXPECTED)

    judged = load_set(put(tmp_path / "q.toml", TOML), [expected])

    assert judged == JudgedSet(
        queries=(
            JudgedQuery(
                id="Q1", language="nn", style="keyword", text="styremøte",
                relevant={"fjord:L01": 2},
            ),
        ),
        out_of_scope=("Koke egg?",),
        passages={"fjord:L01": ("Styret møttes for sjelden.", "Møt oftere.")},
    )  # fmt: skip


@pytest.mark.parametrize(("style", "rel"), [({}, "relevant"), ({"type": "direct"}, "rel")])
def test_a_set_in_json_names_passages_by_id(
    tmp_path: Path, style: dict[str, str], rel: str
) -> None:
    queries = {"queries": [{"id": "Q", "lang": "nb", "text": "t", rel: {"P": 1, "D": 0}, **style}]}
    lessons = {"reports": [{"lessons": [{"id": "P", "quotes": [{"text": "Én."}]}]}]}
    others = {"passages": [{"id": "D", "text": "To."}]}

    judged = load_set(
        put(tmp_path / "q.json", queries),
        [put(tmp_path / "lessons.json", lessons), put(tmp_path / "others.json", others)],
    )

    assert judged.passages == {"P": ("Én.",), "D": ("To.",)}
    [query] = judged.queries
    assert (query.style, query.relevant) == ("direct", {"P": 1})
    assert judged.out_of_scope == ()


GOOD = {"queries": [{"id": "Q", "lang": "nb", "text": "t", "relevant": {"D": 1}}]}
PASSAGES = {"passages": [{"id": "D", "text": "To."}]}


@pytest.mark.parametrize(
    ("queries", "passages", "file"),
    [
        ("{", PASSAGES, "q.json"),
        ("[]", PASSAGES, "q.json"),
        ("[1]", PASSAGES, "q.json"),
        ({}, PASSAGES, "q.json"),
        ({"queries": []}, PASSAGES, "q.json"),
        ({"queries": ["x"]}, PASSAGES, "q.json"),
        ({"queries": [{"id": "Q"}]}, PASSAGES, "q.json"),
        ({"queries": [{**GOOD["queries"][0], "relevant": 5}]}, PASSAGES, "q.json"),
        ({"queries": [{**GOOD["queries"][0], "relevant": {"D": "x"}}]}, PASSAGES, "q.json"),
        ({"queries": [{**GOOD["queries"][0], "relevant": [{"report": "r"}]}]}, PASSAGES, "q.json"),
        ({"queries": [{**GOOD["queries"][0], "relevant": {}}]}, PASSAGES, "q.json"),
        ({**GOOD, "out_of_scope": ["egg"]}, PASSAGES, "q.json"),
        (GOOD, {"passages": []}, "q.json"),
        (GOOD, "not json", "p.json"),
        (GOOD, {"passages": [{"id": "D"}]}, "p.json"),
        (GOOD, {"passages": ["D"]}, "p.json"),
        (GOOD, {"passages": [{"id": "D", "text": " "}]}, "p.json"),
        (GOOD, {"reports": [{"lessons": [{"id": "D", "quotes": []}]}]}, "p.json"),
        (GOOD, {"reports": 1}, "p.json"),
    ],
)
def test_a_file_in_another_form_is_refused_by_name(
    tmp_path: Path, queries: object, passages: object, file: str
) -> None:
    with pytest.raises(ConfigError, match=file):
        load_set(put(tmp_path / "q.json", queries), [put(tmp_path / "p.json", passages)])


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml"):
        load_set(tmp_path / "nowhere.toml", [])
    with pytest.raises(ConfigError, match=r"nowhere\.json"):
        load_set(put(tmp_path / "q.json", GOOD), [tmp_path / "nowhere.json"])


def test_a_judgement_of_a_passage_that_is_not_there_is_refused(tmp_path: Path) -> None:
    wrong = {"queries": [{**GOOD["queries"][0], "relevant": {"D": 1, "X9": 2}}]}

    with pytest.raises(ConfigError, match="X9"):
        load_set(put(tmp_path / "q.json", wrong), [put(tmp_path / "p.json", PASSAGES)])


# ---- the whole


def a_set(**out_of_scope: object) -> JudgedSet:
    passages = {
        "styre": ("Styret møttes for sjelden.", "Styret burde møtes hver måned."),
        "hage": ("Næringshagen og programmet ringte de samme bedriftene.",),
        "navn": ("Navnet sa ingenting om omstilling.",),
        "leder": ("Programlederen satt alene da sykdommen kom.",),
    }
    asked = [
        ("Q1", "nb", "direct", "Hvor ofte bør styret møtes?", {"styre": 2}),
        ("Q2", "nb", "keyword", "næringshage bedrifter", {"hage": 2, "navn": 1}),
        ("Q3", "nn", "direct", "Kva gjer vi når programleiaren er sjuk åleine?", {"leder": 2}),
    ]
    queries = tuple(
        JudgedQuery(id=id_, language=lang, style=style, text=text, relevant=relevant)
        for id_, lang, style, text, relevant in asked
    )
    return JudgedSet(
        queries=queries, out_of_scope=("zqxwv qqqq", "styret møttes for sjelden"), passages=passages
    )


def test_a_small_set_is_judged_as_one_would_by_hand() -> None:
    result = evaluate(a_set(), WordHashEncoder())

    assert (result.passages, result.model, result.out_of_scope) == (4, "word-hash-64", 2)
    assert set(result.scores) == set(SYSTEMS)
    assert set(result.gain) == set(SYSTEMS) - {"hybrid"}
    hybrid = result.scores["hybrid"]
    assert {name: one.queries for name, one in hybrid.items()} == {
        "all": 3, "lang:nb": 2, "lang:nn": 1, "style:direct": 2, "style:keyword": 1,
    }  # fmt: skip
    assert hybrid["all"].mrr_at_10 == 1.0
    assert hybrid["all"].recall_at_5 == hybrid["all"].recall_at_10 == 1.0
    assert hybrid["lang:nn"].ndcg_at_10 == 1.0
    assert hybrid["style:keyword"].ndcg_at_10 >= round(3 / IDEAL, 4)
    assert result.abstained == 0.5  # the second of the two is answered, as it should
    assert result.wrongly_empty == 0.0
    for slices in result.scores.values():
        for one in slices.values():
            assert 0 <= one.low <= one.ndcg_at_10 <= one.high <= 1
    assert result.worst[0][1] == "Q2"
    assert [score for score, _, _ in result.worst] == sorted(s for s, _, _ in result.worst)


def test_the_gain_is_the_mean_of_paired_differences() -> None:
    result = evaluate(a_set(), WordHashEncoder())

    for system, (mean, low, high) in result.gain.items():
        of = result.scores["hybrid"]["all"].ndcg_at_10 - result.scores[system]["all"].ndcg_at_10
        assert mean == pytest.approx(of, abs=2e-4)
        assert low <= mean <= high


def test_the_same_set_gives_the_same_figures() -> None:
    assert evaluate(a_set(), WordHashEncoder()) == evaluate(a_set(), WordHashEncoder())


def test_a_set_without_questions_out_of_scope_abstains_from_nothing() -> None:
    from dataclasses import replace

    result = evaluate(replace(a_set(), out_of_scope=()), WordHashEncoder())

    assert (result.out_of_scope, result.abstained) == (0, 0.0)


def test_passages_are_centred_on_their_own_language(tmp_path: Path) -> None:
    """As users' lessons are: without it an English question finds whatever is English."""
    passages = {
        "nb": ("Styret burde ikke ha ventet så lenge.",),
        "en": ("The board should not have waited for so long.",),
        "nn": ("Styret burde ikkje ha venta så lenge.",),
    }
    with Store.open(tmp_path) as store:
        names = _fill(store, passages, WordHashEncoder())

        assert {names[row.lesson_id]: row.language for row in store.facets()} == {
            "nb": "nb", "en": "en", "nn": "nn",
        }  # fmt: skip
