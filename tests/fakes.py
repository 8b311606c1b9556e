"""Small real things that stand in for large ones in tests."""

import zlib
from collections.abc import Sequence

import numpy as np

from kb.embed import Vectors, checked_passages, checked_queries
from kb.errors import ModelUnavailableError


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


class BrokenEncoder:
    """An encoder whose model is gone."""

    model_id = "broken"
    dim = 64

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        raise ModelUnavailableError("the model is gone (on purpose)")

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        raise ModelUnavailableError("the model is gone (on purpose)")
