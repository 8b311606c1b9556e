"""Accounts for tests, and the way in: what a person does with the login page, in one call."""

import re
from pathlib import Path

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from kb.accounts import add_user
from kb.store import Role, Store

PASSWORD = "fire ville vafler"
NAMES = {Role.READER: "leser", Role.EDITOR: "kari", Role.ADMINISTRATOR: "sjef"}


def add_staff(home: Path) -> None:
    """Make one account of each role."""
    with Store.open(home) as store:
        for role, name in NAMES.items():
            add_user(store, name, role, PASSWORD)


def token(client: FlaskClient, path: str = "/inn") -> str:
    """Return the token of the first form on a page."""
    return token_in(client.get(path).text)


def token_in(page: str) -> str:
    """Return the token of the first form in ``page``."""
    return re.search(r'name="csrf_token" value="([^"]+)"', page)[1]


def log_in(
    client: FlaskClient, role: Role = Role.EDITOR, *, name: str = "", password: str = PASSWORD
) -> TestResponse:
    """Log in as the account of ``role``, or try another name or password."""
    form = {"navn": name or NAMES[role], "passord": password, "csrf_token": token(client)}
    return client.post("/inn", data=form)


def send(client: FlaskClient, path: str, page: str = "/desk", **form: object) -> TestResponse:
    """Send a form that stands on ``page``, with its token."""
    return client.post(path, data={"csrf_token": token(client, page), **form})
