"""Small real things that stand in for large ones in tests."""

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kb.embed import Vectors, checked_passages, checked_queries
from kb.errors import ModelUnavailableError
from kb.tokens import Question, Tokens, quantised


class WordHashEncoder:
    """A real encoder without a model: hashed character 4-grams, so shared words are near.

    Deterministic on every machine. Keeps the contract of ``kb.embed.Encoder``, refusals included.
    """

    model_id = "word-hash-64"
    dim = 64

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return self._embed(checked_queries(texts))

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return self._embed(checked_passages(texts))

    @property
    def has_tokens(self) -> bool:
        return True

    def read_question(self, text: str) -> Question:
        words = checked_queries([text])[0].split()
        vector = self.embed_queries([text])[0]
        return Question(vector, _ids(words), self._embed(words))

    def embed_tokens(self, texts: Sequence[str]) -> tuple[Tokens, ...]:
        cut = [text.split() for text in checked_passages(texts)]
        return tuple(quantised(_ids(words), self._embed(words)) for words in cut)

    def _embed(self, texts: Sequence[str]) -> Vectors:
        vectors = np.zeros((len(texts), self.dim), np.float32)
        for row, text in enumerate(texts):
            padded = f" {text.lower()} ".ljust(4)
            for start in range(len(padded) - 3):
                digest = zlib.crc32(padded[start : start + 4].encode())
                # Always positive: like the real model's, its cosines crowd together above 0.
                vectors[row, digest % self.dim] += 1
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors


def _ids(words: Sequence[str]) -> NDArray[np.int32]:
    return np.array([zlib.crc32(word.lower().encode()) % 50_021 for word in words], np.int32)


class BrokenEncoder:
    """An encoder whose model is gone."""

    model_id = "broken"
    dim = 64

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        raise ModelUnavailableError("the model is gone (on purpose)")

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        raise ModelUnavailableError("the model is gone (on purpose)")

    @property
    def has_tokens(self) -> bool:
        return True

    def read_question(self, text: str) -> Question:
        raise ModelUnavailableError("the model is gone (on purpose)")

    def embed_tokens(self, texts: Sequence[str]) -> tuple[Tokens, ...]:
        raise ModelUnavailableError("the model is gone (on purpose)")
