"""A report on the desk: three proposals on two pages, nobody has decided."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kb.desk import Desk
from kb.domain import ReportStatus, Status
from kb.store import Store
from tests.fakes import WordHashEncoder
from tests.make import Filing, a_filing

QUOTES = (
    "Styret bør ha flertall fra næringslivet. Da blir sakene bedre forberedt.",
    "Programlederen kom for sent på plass. Det kostet et halvt år.",
    "Navnet på programmet må næringslivet kjenne seg igjen i.",
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "home") as opened:
        yield opened


def undecided(*quotes: str, original: bytes = b"%PDF original") -> Filing:
    """Return a report of which nothing is decided."""
    filing = a_filing(*quotes, original=original, status=Status.CANDIDATE)
    return replace(filing, report=replace(filing.report, status=ReportStatus.CANDIDATE))


@pytest.fixture
def filing(store: Store) -> Filing:
    return undecided(*QUOTES).add_to(store)


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store, WordHashEncoder, "kari")
