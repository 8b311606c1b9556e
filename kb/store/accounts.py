"""Who may log in. Hashes and keys go in and out as they are: what they mean is another's matter.

No generation is raised here: accounts are no part of what is known about programmes.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from kb.errors import AccountError, AccountProblem, NotFoundError
from kb.store import sqlite
from kb.store.records import now
from kb.store.schema import account, login_link


class Role(StrEnum):
    """What an account may do; each role may do all that those before it may."""

    READER = "reader"
    """Reads what is published, like anyone who does not log in."""
    EDITOR = "editor"
    """Brings reports in, decides about lessons, publishes."""
    ADMINISTRATOR = "administrator"
    """Sees the accounts too."""

    def may(self, needed: "Role") -> bool:
        """Return whether this role may do what asks for ``needed``."""
        order = tuple(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One person's access. ``session_key`` stands in each of its sessions: a new one ends them.

    Without a password one gets in by a one-time link only. ``created`` is UTC, ISO 8601.
    """

    name: str
    role: Role
    has_password: bool
    session_key: str
    is_disabled: bool
    created: str


class Accounts:
    """The accounts of a store. Each verb that writes is one transaction."""

    def __init__(self, connection: Connection) -> None:
        """Use the store's ``connection``."""
        self._connection = connection

    def add(self, name: str, role: Role, password_hash: str | None) -> Account:
        """Keep a new account and return it.

        Raises:
            AccountError: the name is taken.
        """
        values = {
            "name": name,
            "password_hash": password_hash,
            "role": role,
            "session_key": _new_key(),
            "is_disabled": 0,
            "created": now(),
        }
        try:
            with self._writing():
                self._connection.execute(insert(account).values(values))
        except IntegrityError as error:
            raise AccountError(AccountProblem.TAKEN, name) from error
        return self._known(name)

    def get(self, name: str) -> Account | None:
        """Return the account, or None."""
        row = self._first(name)
        return None if row is None else _account_of(row)

    def all(self) -> tuple[Account, ...]:
        """Return all accounts by name."""
        with sqlite.reading(self._connection):
            rows = self._connection.execute(select(account).order_by(account.c.name)).all()
        return tuple(_account_of(row) for row in rows)

    def password_hash(self, name: str) -> str | None:
        """Return what the account's password is checked against; None where it has none."""
        row = self._first(name)
        return None if row is None else row.password_hash

    def set_password_hash(self, name: str, password_hash: str) -> Account:
        """Give the account another password and end its sessions and links.

        Raises:
            NotFoundError: there is no such account.
        """
        with self._writing():
            return self._shut_out(name, password_hash=password_hash)

    def renew_password_hash(self, name: str, old: str, new: str) -> None:
        """Replace the hash ``old`` by another of the same password; sessions go on.

        Does nothing where the hash has become another one in the meantime.
        """
        same = (account.c.name == name) & (account.c.password_hash == old)
        with self._writing():
            self._connection.execute(update(account).where(same).values(password_hash=new))

    def set_role(self, name: str, role: Role) -> Account:
        """Give the account another role, from its next request on.

        Raises:
            NotFoundError: there is no such account.
            AccountError: it is the last administrator that can log in.
        """
        with self._writing():
            return self._set(name, role=role)

    def disable(self, name: str) -> Account:
        """Close the account and end its sessions and links.

        Raises:
            NotFoundError: there is no such account.
            AccountError: it is the last administrator that can log in.
        """
        with self._writing():
            return self._shut_out(name, is_disabled=1)

    def enable(self, name: str) -> Account:
        """Open a closed account again.

        Raises:
            NotFoundError: there is no such account.
        """
        with self._writing():
            return self._set(name, is_disabled=0)

    def end_sessions(self, name: str) -> None:
        """Log the account out everywhere; links that were not used yet end too.

        Raises:
            NotFoundError: there is no such account.
        """
        with self._writing():
            self._shut_out(name)

    def put_link(self, name: str, token_sha256: str, expires: float) -> None:
        """Let whoever holds the token in once, until ``expires`` (seconds since 1970).

        Raises:
            NotFoundError: there is no such account.
        """
        with self._writing():
            self._known(name)
            self._connection.execute(
                insert(login_link).values(token_sha256=token_sha256, account=name, expires=expires)
            )

    def has_link(self, token_sha256: str, now: float) -> bool:
        """Return whether the link can be used; it stays."""
        chosen = select(login_link).where(
            login_link.c.token_sha256 == token_sha256, login_link.c.expires > now
        )
        with sqlite.reading(self._connection):
            return self._connection.execute(chosen).first() is not None

    def take_link(self, token_sha256: str, now: float) -> Account | None:
        """Use the link up and return its account; None for one that is unknown, used or too old.

        Old links are taken away too.
        """
        with self._writing():
            self._connection.execute(delete(login_link).where(login_link.c.expires <= now))
            found = self._connection.execute(
                delete(login_link)
                .where(login_link.c.token_sha256 == token_sha256)
                .returning(login_link.c.account)
            ).first()
            return None if found is None else self.get(found.account)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with sqlite.transaction(self._connection, sqlite.WRITE):
            yield

    def _shut_out(self, name: str, **values: object) -> Account:
        """Set values, and let nobody stay in or come in by what was given out before."""
        self._connection.execute(delete(login_link).where(login_link.c.account == name))
        return self._set(name, session_key=_new_key(), **values)

    def _set(self, name: str, **values: object) -> Account:
        before = self._known(name)
        self._connection.execute(update(account).where(account.c.name == name).values(values))
        after = self._known(name)
        if _leads(before) and not _leads(after):
            self._refuse_no_administrator()
        return after

    def _refuse_no_administrator(self) -> None:
        left = select(func.count()).where(
            account.c.role == Role.ADMINISTRATOR, account.c.is_disabled == 0
        )
        if not self._connection.scalar(left):
            raise AccountError(AccountProblem.LAST_ADMINISTRATOR)

    def _known(self, name: str) -> Account:
        found = self.get(name)
        if found is None:
            raise NotFoundError(f"account {name}")
        return found

    def _first(self, name: str) -> Row[Any] | None:
        with sqlite.reading(self._connection):
            return self._connection.execute(select(account).where(account.c.name == name)).first()


def _leads(one: Account) -> bool:
    return one.role is Role.ADMINISTRATOR and not one.is_disabled


def _new_key() -> str:
    return secrets.token_urlsafe(16)


def _account_of(row: Row[Any]) -> Account:
    return Account(
        name=row.name,
        role=Role(row.role),
        has_password=row.password_hash is not None,
        session_key=row.session_key,
        is_disabled=bool(row.is_disabled),
        created=row.created,
    )
