"""The world of :mod:`tests.web.world`, once per run, and a client over it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from kb import accounts
from tests.web.world import World, build_world
from web import create_app


class Client(FlaskClient):
    """A client that reads every answer to its end at once, so that no file stays open."""

    def open(self, *args: Any, buffered: bool = True, **kwargs: Any) -> TestResponse:
        return super().open(*args, buffered=buffered, **kwargs)


@pytest.fixture(scope="package", autouse=True)
def quick_hashes() -> Iterator[None]:
    """Hash passwords with little work; ``tests/kb/test_accounts.py`` tries the real thing."""
    with pytest.MonkeyPatch.context() as patch:
        quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        patch.setattr(accounts, "_HASHER", quick)
        yield
    accounts._nobodys.cache_clear()  # others want a hash of the real parameters


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Return a base that tests read but do not change."""
    return build_world(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def app(world: World) -> Flask:
    app = create_app(world.config, world.encoder)
    app.test_client_class = Client
    app.testing = False  # errors are answered as in use, not raised into the test
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Return a fresh client: no cookies from another test."""
    return app.test_client()


@pytest.fixture
def empty_client(tmp_path: Path, world: World) -> FlaskClient:
    """Return a client of a site whose base is empty."""
    config = type(world.config)(home=tmp_path, corpus=world.config.corpus)
    return create_app(config, world.encoder).test_client()
