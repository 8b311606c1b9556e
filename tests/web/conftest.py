"""The world of :mod:`tests.web.world`, once per run, and a client over it."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from kb import accounts
from kb.config import Config
from kb.embed import Encoder
from kb.store import Store
from tests.web.staff import add_staff, log_in
from tests.web.world import World, build_world
from web import auth, create_app


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
    app = site_over(world.config, world.encoder)
    app.testing = False  # errors are answered as in use, not raised into the test
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Return a fresh client: no cookies from another test, and no attempts counted."""
    auth.limiter.reset()
    return app.test_client()


@pytest.fixture
def editor(client: FlaskClient) -> FlaskClient:
    """Return a client that is logged in; its app must have staff."""
    log_in(client)
    return client


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    """Return a session with the base in ``home``, which the test's file gives."""
    with Store.open(home) as opened:
        yield opened


def site_over(config: Config, encoder: Encoder) -> Flask:
    """Return the website over a base, with clients that leave no file open."""
    app = create_app(config, encoder)
    app.test_client_class = Client
    return app


@pytest.fixture(scope="session")
def staffed(tmp_path_factory: pytest.TempPathFactory, world: World) -> Path:
    """Return a copy of the world with staff, to be copied once more where it is changed."""
    folder = tmp_path_factory.mktemp("staffed") / "home"
    shutil.copytree(world.config.home, folder)
    add_staff(folder)
    return folder


@pytest.fixture
def empty_client(tmp_path: Path, world: World) -> FlaskClient:
    """Return a client of a site whose base is empty."""
    config = type(world.config)(home=tmp_path, corpus=world.config.corpus)
    return create_app(config, world.encoder).test_client()
