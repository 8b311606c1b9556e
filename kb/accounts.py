"""Names, passwords and one-time links: the only door to argon2.

Passwords are kept as argon2id hashes, links as the SHA-256 of their token; neither can be read back
from the database.
"""

import hashlib
import re
import secrets
import time
from functools import cache
from ipaddress import ip_address

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from kb.errors import AccountError, AccountProblem
from kb.store import Store
from kb.store.accounts import Account, Role

DEMO = "demo"
"""The editor of the demo; has no password."""
_NAME = re.compile(r"[a-zæøå0-9][a-zæøå0-9.-]{0,38}[a-zæøå0-9]")
_SHORTEST, _LONGEST = 12, 256
_DAY_MINUTES = 24 * 60
_HASHER = PasswordHasher()  # argon2id with the values of RFC 9106 for little memory: 64 MiB


def check_name(name: str) -> None:
    """Refuse a name that cannot be used.

    Raises:
        AccountError: not 2-40 small letters, digits, full stops or hyphens.
    """
    if not _NAME.fullmatch(name):
        raise AccountError(AccountProblem.NAME, repr(name[:60]))


def check_password(name: str, password: str) -> None:
    """Refuse a password that is easily guessed.

    Raises:
        AccountError: shorter than 12 characters, longer than 256, one character over and over, or
            the name.
    """
    is_long_enough = _SHORTEST <= len(password) <= _LONGEST
    is_varied = len(set(password)) > 1 and password.casefold().strip() != name
    if not (is_long_enough and is_varied):
        raise AccountError(AccountProblem.PASSWORD)


def add_user(store: Store, name: str, role: Role, password: str) -> Account:
    """Make an account and return it.

    Raises:
        AccountError: the name or the password cannot be used, or the name is taken.
    """
    check_name(name)
    check_password(name, password)
    return store.accounts.add(name, role, _HASHER.hash(password))


def set_password(store: Store, name: str, password: str) -> Account:
    """Give the account another password; its sessions end.

    Raises:
        AccountError: the password cannot be used.
        NotFoundError: there is no such account.
    """
    check_password(name, password)
    return store.accounts.set_password_hash(name, _HASHER.hash(password))


def change_password(store: Store, name: str, old: str, new: str) -> Account:
    """Give the account another password for its owner, who knows the old; its sessions end.

    Raises:
        AccountError: the old password is wrong or there is none, or the new one cannot be used.
    """
    if verify(store, name, old) is None:
        raise AccountError(AccountProblem.OLD_PASSWORD)
    return set_password(store, name, new)


def verify(store: Store, name: str, password: str) -> Account | None:
    """Return the account if the password is its own and it is not closed, else None.

    Takes as long for a name that is unknown, closed or without a password: the time tells nothing.
    A hash of older parameters is renewed.
    """
    found = store.accounts.get(name)
    kept = store.accounts.password_hash(name)
    is_right = _matches(kept or _nobodys(), password[: _LONGEST + 1])
    if found is None or kept is None or found.is_disabled or not is_right:
        return None
    if _HASHER.check_needs_rehash(kept):
        store.accounts.renew_password_hash(name, kept, _HASHER.hash(password))
    return found


def make_link(store: Store, name: str, minutes: int) -> str:
    """Return a token that lets its holder in as ``name`` once within so many minutes.

    Raises:
        NotFoundError: there is no such account.
    """
    token = secrets.token_urlsafe(32)
    store.accounts.put_link(name, _digest(token), time.time() + 60 * minutes)
    return token


def link_works(store: Store, token: str) -> bool:
    """Return whether the token can be used; using it up takes :func:`use_link`."""
    return store.accounts.has_link(_digest(token), time.time())


def use_link(store: Store, token: str) -> Account | None:
    """Use the token up and return its account; None if it is unknown, used, old or closed."""
    found = store.accounts.take_link(_digest(token), time.time())
    return None if found is None or found.is_disabled else found


def demo_link(store: Store) -> str:
    """Return a token that lets in the demo's editor once within 24 hours; makes the account.

    Raises:
        AccountError: somebody's own account has that name.
    """
    found = store.accounts.get(DEMO) or store.accounts.add(DEMO, Role.EDITOR, None)
    if found.role is not Role.EDITOR or found.has_password or found.is_disabled:
        raise AccountError(AccountProblem.TAKEN, DEMO)
    return make_link(store, DEMO, _DAY_MINUTES)


def is_loopback(host: str) -> bool:
    """Return whether ``host`` is this machine and cannot be reached from another."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _matches(kept: str, password: str) -> bool:
    try:
        return _HASHER.verify(kept, password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobodys() -> str:
    """Return the hash of a password that nobody knows."""
    return _HASHER.hash(secrets.token_urlsafe(32))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
