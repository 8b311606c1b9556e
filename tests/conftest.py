"""What every test shares: no network, no model hub, and the option that rewrites golden files."""

import os
import socket

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
if "PYTEST_XDIST_WORKER" in os.environ:
    # Two workers with two threads of matrix arithmetic each wait for one another on two cores: the
    # same tests took 56 s of processor time and 317 s, and 15 and 31 with one thread each.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pytest
from hypothesis import settings

# A machine with much to do is late now and then; what is slow shows in --durations.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


_LONGEST = (
    "test_training_set.py",
    "test_quality.py",
    "test_unseen.py",
    "test_review.py",
    "test_default_model.py",
    "test_access.py",
    "test_desk_upload.py",
    "test_acceptance.py",
    "test_other_models.py",
    "test_kill.py",
    "test_plancheck.py",
)
"""Files that take longest, which are begun first: the last file to end is waited for by one worker
alone. ``--no-loadscope-reorder`` keeps the order; else few tests count as little work."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {name: place for place, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(_LONGEST)))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden", action="store_true", help="rewrite the golden files")


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that reaches out of this machine fails at once."""
    connect = socket.socket.connect

    def only_loopback(self: socket.socket, address: object) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6} and address[0] not in _LOOPBACK:
            raise AssertionError(f"a test tried to reach {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", only_loopback)
