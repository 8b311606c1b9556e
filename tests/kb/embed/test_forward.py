"""The forward pass in numpy is the model: the same tokens, the same vectors, its own folder."""

import base64
import copy
import json
import tomllib
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from kb import forward
from kb.embed import checked_passages, open_encoder
from kb.text import sentences

pytestmark = pytest.mark.model

CORPUS = Path(__file__).parents[3] / "corpus"
CASES = json.loads(
    resources.files("kb").joinpath("data", "encoder-selftest.json").read_text(encoding="utf-8")
)
PROMPTS = {"query": "query:", "passage": "passage:"}


@pytest.fixture(scope="session")
def numpy_pass(encoder) -> forward.Forward:
    return encoder._tokens_engine()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["text"][:20])
def test_stored_texts_give_the_stored_tokens_and_vectors(numpy_pass, case):
    [text] = checked_passages([case["text"]])

    ids = numpy_pass.token_ids(f"{PROMPTS[case['role']]} {text}")
    vector = numpy_pass.run(ids).mean(axis=0)

    assert [0, *ids, 2] == case["token_ids"]
    expected = np.frombuffer(base64.b64decode(case["vector"]), "<f2").astype(np.float32)
    norms = np.linalg.norm(vector) * np.linalg.norm(expected)
    assert vector @ expected / norms > 0.999


def test_reports_and_questions_are_cut_as_by_the_models_own_tokeniser(numpy_pass, engines):
    asked = tomllib.loads((CORPUS / "queries.toml").read_text(encoding="utf-8"))
    texts = [one["text"] for one in [*asked["query"], *asked["out_of_scope"]]]
    for path in sorted(CORPUS.glob("reports/*/report.md")):
        texts += sentences(path.read_text(encoding="utf-8"))
    texts += [
        "a" * 500,
        "日本語 テスト",
        "x▁y ▁z",
        "ȹȹȹȹ w 🎉🎉",
        "ﷺ ﬁn",
        "1 000,5 %",
        "e\u0301 A\u030a",
    ]
    folded = [text for one in texts if one.strip() for text in checked_passages([one])]

    other = [
        text
        for text in folded
        if [0, *numpy_pass.token_ids(f"query: {text}"), 2] != engines[1].token_ids("query", text)
    ]

    assert len(folded) > 800
    assert other == []


def test_one_pass_gives_the_questions_vector_and_its_tokens(encoder, model_cache):
    text = "Hvordan får vi med de store bedriftene?"

    plain = open_encoder("default", model_cache, plain_questions=True).read_question(text)
    question = encoder.read_question(text)

    assert plain.vector @ encoder.embed_queries([text])[0] > 0.999
    for one in (plain, question):
        assert np.allclose(np.linalg.norm(one.vectors, axis=1), 1, atol=1e-5)
        assert len(one.ids) == len(one.vectors) == len(encoder._tokens_engine().token_ids(text))


def test_what_was_learned_changes_the_tokens_of_questions_a_little(encoder, model_cache):
    text = "Hvordan får vi med de store bedriftene?"
    plain = open_encoder("default", model_cache, plain_questions=True)

    taught, before = encoder.read_question(text), plain.read_question(text)
    [passage], [same] = encoder.embed_tokens([text]), plain.embed_tokens([text])

    assert np.allclose(taught.vector, before.vector, atol=1e-5)
    assert 0.9 < (taught.vectors * before.vectors).sum(axis=1).mean() < 0.9999
    assert np.array_equal(passage.cells, same.cells)


def test_the_addition_is_the_product_of_two_matrices_beside_a_weight(numpy_pass):
    name = "encoder.layer.11.output.dense"
    dice = np.random.default_rng(1)
    down = dice.normal(size=(1536, 2)).astype(np.float32) / 40
    up = dice.normal(size=(2, 384)).astype(np.float32) / 4
    weight = numpy_pass._tensors[f"{name}.weight"]

    begun = numpy_pass._begun([5, 6, 7])
    added = numpy_pass._through(begun, range(12), {name: (down, up)})
    whole = copy.copy(numpy_pass)
    whole._tensors = numpy_pass._tensors | {f"{name}.weight": weight + down @ up}

    assert np.allclose(added, whole.run([5, 6, 7]), atol=1e-4)
    assert not np.allclose(added, numpy_pass.run([5, 6, 7]), atol=1e-2)


def test_an_addition_survives_its_file(tmp_path):
    dice = np.random.default_rng(1)
    addition = {
        name: (dice.normal(size=(8, 2)).astype("<f2"), dice.normal(size=(2, 4)).astype("<f2"))
        for name in ("encoder.layer.8.output.dense", "encoder.layer.9.output.dense")
    }

    forward.write_addition(addition, tmp_path / "one.npz", "made of nothing")
    found = forward.read_addition(tmp_path / "one.npz")

    assert found.keys() == addition.keys()
    for name, thin in addition.items():
        assert all(map(np.array_equal, found[name], thin))


def test_every_token_of_a_long_passage_is_kept(encoder):
    text = "Styret møttes sjelden, og sakene hopet seg opp. " * 60

    [short, long] = encoder.embed_tokens(["Styret møttes sjelden.", text])

    assert len(long.ids) == len(encoder._tokens_engine().token_ids(text.strip())) > 600
    assert short.cells.dtype == np.int8


def test_a_damaged_folder_is_built_anew(encoder, tmp_path):
    from kb.embed import _find_weights, _open_forward

    weights = _find_weights(tmp_path)
    first = _open_forward(weights, tmp_path).run([5, 6])
    layers = tmp_path / forward.FOLDER / "layers.npy"
    with layers.open("r+b") as file:
        file.truncate(1000)

    again = _open_forward(weights, tmp_path).run([5, 6])

    assert np.array_equal(first, again)
    assert layers.stat().st_size > 80_000_000
