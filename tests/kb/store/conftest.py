"""A real store on disk, fresh for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kb.store import Store


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    with Store.open(home) as opened:
        yield opened
