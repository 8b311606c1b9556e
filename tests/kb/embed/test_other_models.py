"""Any Sentence Transformers model, here a tiny one with random weights. Needs torch."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kb.embed import open_encoder
from kb.errors import ModelUnavailableError

pytestmark = pytest.mark.model

TEXTS = ["styret var stort", "fisket sviktet"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of 16 dimensions that reads letters, with a window of 24 tokens."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    torch.manual_seed(1)
    plain, folder = (tmp_path_factory.mktemp(name) for name in ("plain", "tiny"))
    letters = {
        char: at for at, char in enumerate(["[PAD]", "[UNK]", *"abcdefghijklmnoprstuvæøå: "])
    }
    tokeniser = Tokenizer(models.WordLevel(letters, unk_token="[UNK]"))
    tokeniser.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    PreTrainedTokenizerFast(
        tokenizer_object=tokeniser, pad_token="[PAD]", unk_token="[UNK]", model_max_length=24
    ).save_pretrained(plain)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = BertConfig(vocab_size=len(letters), intermediate_size=16, **sizes)
    BertModel(config).save_pretrained(plain)
    word = Transformer(str(plain), max_seq_length=24)
    prompts = {"query": "spør: ", "passage": "les: "}
    SentenceTransformer(
        modules=[word, Pooling(word.get_embedding_dimension())], prompts=prompts, device="cpu"
    ).save(str(folder), create_model_card=False)
    return folder


def test_a_folder_is_loaded_silently_with_its_own_prompts(tiny, tmp_path, capfd):
    encoder = open_encoder(str(tiny), tmp_path)

    queries, passages = encoder.embed_queries(TEXTS), encoder.embed_passages(TEXTS)

    assert capfd.readouterr() == ("", "")
    assert queries.shape == (2, encoder.dim) == (2, 16)
    assert queries.dtype == np.float32
    assert np.allclose(np.linalg.norm(passages, axis=1), 1, atol=1e-6)
    model = encoder._quick._model
    for prompt, found in (("spør: ", queries), ("les: ", passages)):
        expected = model.encode([prompt + text for text in TEXTS], normalize_embeddings=True)
        assert np.allclose(found, expected, atol=1e-6)


def test_a_text_beyond_the_window_is_averaged_not_cut(tiny, tmp_path):
    encoder = open_encoder(str(tiny), tmp_path)

    same, other = encoder.embed_passages(["styret var for " * 9 + end for end in ("stort", "gløg")])

    assert not np.allclose(same, other, atol=1e-4)


def test_the_id_changes_with_the_content_and_not_with_the_place(tiny, tmp_path):
    moved, changed = tmp_path / "moved" / tiny.name, tmp_path / "changed" / tiny.name
    shutil.copytree(tiny, moved)
    shutil.copytree(tiny, changed)
    config = changed / "config_sentence_transformers.json"
    settings = json.loads(config.read_text("utf-8"))
    config.write_text(json.dumps(settings | {"prompts": {"query": "q: ", "passage": ""}}), "utf-8")

    ids = [open_encoder(str(folder), tmp_path).model_id for folder in (tiny, moved, changed)]

    assert ids[0] == ids[1] != ids[2]
    assert ids[0].startswith(f"{tiny.name}@")


def test_a_model_without_prompts_is_warned_about(tiny, tmp_path, caplog):
    bare = tmp_path / "bare"
    shutil.copytree(tiny, bare)
    (bare / "config_sentence_transformers.json").write_text("{}")

    encoder = open_encoder(str(bare), tmp_path)

    assert "no prompts" in caplog.text
    assert np.allclose(encoder.embed_queries(TEXTS), encoder.embed_passages(TEXTS), atol=1e-6)


@pytest.mark.parametrize("model", ["intfloat/no-such-model", "/no/such/folder", "no-such-model"])
def test_what_cannot_be_loaded_is_told_with_a_remedy(model, tmp_path):
    with pytest.raises(ModelUnavailableError, match=f"{model}.*KB_MODEL"):
        open_encoder(model, tmp_path)


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "no-such-type"}')

    with pytest.raises(ModelUnavailableError, match="KB_MODEL"):
        open_encoder(str(tmp_path), tmp_path)


def test_a_name_is_found_in_the_hub_cache_offline_and_carries_its_commit(tiny, tmp_path):
    commit = "0123456789abcdef0123456789abcdef01234567"
    repository = tmp_path / "hub" / "models--acme--tiny"
    shutil.copytree(tiny, repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    code = f"""
import pathlib
from kb.embed import open_encoder
encoder = open_encoder("acme/tiny", pathlib.Path({str(tmp_path)!r}))
print(encoder.model_id, *encoder.embed_queries(["styret"]).shape)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)},
    )

    assert (done.stdout, done.stderr) == ("acme/tiny@0123456789ab 1 16\n", "")
