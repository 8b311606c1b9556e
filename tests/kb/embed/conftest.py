"""The real model, built once and kept: TEST_MODEL_CACHE or .kb/test-models."""

import os
from pathlib import Path

import pytest

from kb.embed import Encoder, open_encoder


@pytest.fixture(scope="session")
def model_cache() -> Path:
    default = Path(__file__).parents[3] / ".kb" / "test-models"
    return Path(os.environ.get("TEST_MODEL_CACHE", default))


@pytest.fixture(scope="session")
def encoder(model_cache: Path) -> Encoder:
    return open_encoder("default", model_cache)


@pytest.fixture(scope="session")
def engines(encoder):
    """The C engine and the Sentence Transformers engine of the default model."""
    return encoder._quick, encoder._open_batch()
