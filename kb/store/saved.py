"""Searches that people keep, and the e-mails that tell them what is new in them.

A digest is sent at most once. The lessons in it are marked as sent in one transaction (``claim``)
right before the mail server is given the text, and the mark stays unless the server refuses it
(``release``). What is left when the program ends in between is a mail of which nobody knows whether
it arrived: ``doubtful`` tells so, and it is never sent again.

No generation is raised here: what people keep for themselves is no part of what is known.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, Update, delete, insert, select, update

from kb.domain import LessonId
from kb.errors import ConflictError, NotFoundError
from kb.store import sqlite
from kb.store.publications import Publications
from kb.store.records import batches, now
from kb.store.schema import account as account_table
from kb.store.schema import digest, saved_search, saved_sent

MAX_SAVED = 100
"""So many searches may one account keep."""
_KEPT_DELETED = 100
"""So many deleted searches of an account can be brought back; older ones are forgotten."""


class Frequency(StrEnum):
    """How often a digest is sent at most."""

    WEEKLY = "weekly"
    MONTHLY = "monthly"


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedSearch:
    """A search of one account. ``address`` is what stands after ``/sok?``.

    ``since`` is the number of the change up to which a digest has told what was published.
    """

    id: int
    account: str
    name: str
    address: str
    created: str
    since: int
    in_digest: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """Where and how often an account's digest goes. Times are UTC, ISO 8601.

    Nothing is sent before ``confirmed``. ``stop_key`` stands in the link that ends it all without
    logging in. ``doubtful`` is when a mail was begun of which it is not known whether it arrived.
    """

    account: str
    address: str
    language: str
    frequency: Frequency
    confirmed: str | None
    stop_key: str
    sent: str | None
    doubtful: str | None


class Saved:
    """The saved searches and digests of a store. Each verb that writes is one transaction."""

    def __init__(self, connection: Connection) -> None:
        """Use the store's ``connection``."""
        self._connection = connection

    # --- searches -------------------------------------------------------------------------------

    def add(self, account: str, name: str, address: str) -> int:
        """Keep a search and return its number; the same search under the same name only once."""
        same = (
            (saved_search.c.account == account)
            & (saved_search.c.name == name)
            & (saved_search.c.address == address)
        )
        with self._writing():
            known = self._connection.scalar(select(saved_search.c.id).where(same))
            if known is not None:
                self._set(known, deleted=None)
                return int(known)
            values = {
                "account": account,
                "name": name,
                "address": address,
                "created": now(),
                "since": self._last_change(),
                "in_digest": 1,
            }
            key = self._connection.execute(insert(saved_search), values).inserted_primary_key
        assert key is not None  # noqa: S101 - the database always tells the row it wrote
        return int(key[0])

    def of(self, account: str) -> tuple[SavedSearch, ...]:
        """Return the searches of an account, last saved first."""
        own = (saved_search.c.account == account) & saved_search.c.deleted.is_(None)
        chosen = select(saved_search).where(own).order_by(saved_search.c.id.desc())
        return tuple(_search_of(row) for row in self._all(chosen))

    def delete(self, account: str, number: int) -> SavedSearch:
        """Take a search away and return it; :meth:`restore` brings it back.

        Raises:
            NotFoundError: the account has no such search.
        """
        with self._writing():
            found = self._own(account, number)
            self._set(number, deleted=now())
            self._forget_oldest_deleted(account)
        return found

    def restore(self, account: str, number: int) -> SavedSearch:
        """Bring back a search that was taken away.

        Raises:
            NotFoundError: the account has no such search, or it is forgotten.
        """
        with self._writing():
            found = self._own(account, number)
            self._set(number, deleted=None)
        return found

    def choose(self, account: str, number: int, *, in_digest: bool) -> SavedSearch:
        """Let the digest tell of a search, or not; what was published until now is not told.

        Raises:
            NotFoundError: the account has no such search.
        """
        with self._writing():
            found = self._own(account, number)
            if found.in_digest is not in_digest:
                self._set(number, in_digest=int(in_digest), since=self._last_change())
        return found

    # --- digests --------------------------------------------------------------------------------

    def digest(self, account: str) -> Digest | None:
        """Return the digest of an account, confirmed or not; None if there is none."""
        rows = self._all(select(digest).where(digest.c.account == account))
        return _digest_of(rows[0]) if rows else None

    def subscribe(self, wanted: Digest, token_sha256: str, expires: float) -> bool:
        """Keep ``wanted``; return whether its address must be confirmed with the token first.

        An address that is confirmed stays so when only language or frequency change.
        """
        with self._writing():
            known = self.digest(wanted.account)
            chosen = {"language": wanted.language, "frequency": wanted.frequency}
            if known is not None and known.confirmed and known.address == wanted.address:
                self._connection.execute(_of(wanted.account).values(chosen))
                return False
            self._connection.execute(delete(digest).where(digest.c.account == wanted.account))
            values = {
                "account": wanted.account,
                "address": wanted.address,
                "stop_key": wanted.stop_key,
                "token_sha256": token_sha256,
                "expires": expires,
                **chosen,
            }
            self._connection.execute(insert(digest), values)
            return True

    def awaits(self, token_sha256: str, seconds: float) -> bool:
        """Return whether the token confirms an address at this time (seconds since 1970)."""
        return bool(self._all(select(digest).where(_fresh(token_sha256, seconds))))

    def confirm(self, token_sha256: str, seconds: float) -> Digest | None:
        """Begin to send to the address; None if the token is unknown, used or too old.

        Told is what is published from now on.
        """
        with self._writing():
            rows = self._all(select(digest).where(_fresh(token_sha256, seconds)))
            if not rows:
                return None
            account = rows[0].account
            values = {"confirmed": now(), "token_sha256": None, "expires": None}
            self._connection.execute(_of(account).values(values))
            own = update(saved_search).where(saved_search.c.account == account)
            self._connection.execute(own.values(since=self._last_change()))
            return self.digest(account)

    def stop(self, stop_key: str) -> bool:
        """End the digest with this key and forget its address; whether there was one."""
        with self._writing():
            gone = self._connection.execute(delete(digest).where(digest.c.stop_key == stop_key))
            return gone.rowcount == 1

    def confirmed(self) -> tuple[Digest, ...]:
        """Return the digests that may be sent: confirmed, and their accounts are open."""
        chosen = (
            select(digest)
            .join(account_table, account_table.c.name == digest.c.account)
            .where(digest.c.confirmed.is_not(None), account_table.c.is_disabled == 0)
            .order_by(digest.c.account)
        )
        return tuple(_digest_of(row) for row in self._all(chosen))

    def sent(self, search: int) -> frozenset[LessonId]:
        """Return the lessons that a digest has told of for this search."""
        chosen = select(saved_sent.c.lesson_id).where(saved_sent.c.search == search)
        return frozenset(row.lesson_id for row in self._all(chosen))

    def claim(self, seen: Digest, told: Mapping[int, Sequence[LessonId]], until: int) -> None:
        """Mark as sent what the mail about to go tells, up to the change ``until``.

        Args:
            seen: as it was when the mail was written.
            told: for each search the lessons in the mail.
            until: the last change when they were looked up.

        Raises:
            ConflictError: another program sends it, or the person has changed or ended it.
        """
        with self._writing():
            if self.digest(seen.account) != seen:
                raise ConflictError(f"the digest of {seen.account}")
            for number, lessons in told.items():
                rows = [{"search": number, "lesson_id": one} for one in lessons]
                self._connection.execute(insert(saved_sent), rows)
                self._set(number, since=until)
            self._connection.execute(_of(seen.account).values(doubtful=now()))

    def settle(self, account: str) -> None:
        """Note that the mail server has accepted the mail."""
        with self._writing():
            self._connection.execute(_of(account).values(sent=now(), doubtful=None))

    def release(
        self, seen: Digest, told: Mapping[int, Sequence[LessonId]], since: Mapping[int, int]
    ) -> None:
        """Take a claim back: the mail server has refused the mail, so it is to be sent again."""
        with self._writing():
            for number, lessons in told.items():
                for batch in batches(lessons):
                    self._connection.execute(
                        delete(saved_sent).where(
                            saved_sent.c.search == number, saved_sent.c.lesson_id.in_(batch)
                        )
                    )
                self._set(number, since=since[number])
            self._connection.execute(_of(seen.account).values(doubtful=seen.doubtful))

    # --- statements -----------------------------------------------------------------------------

    def _forget_oldest_deleted(self, account: str) -> None:
        old = (
            select(saved_search.c.id)
            .where(saved_search.c.account == account, saved_search.c.deleted.is_not(None))
            .order_by(saved_search.c.deleted.desc())
            .offset(_KEPT_DELETED)
        )
        numbers = [row.id for row in self._all(old)]
        self._connection.execute(delete(saved_sent).where(saved_sent.c.search.in_(numbers)))
        self._connection.execute(delete(saved_search).where(saved_search.c.id.in_(numbers)))

    def _own(self, account: str, number: int) -> SavedSearch:
        same = (saved_search.c.account == account) & (saved_search.c.id == number)
        rows = self._all(select(saved_search).where(same))
        if not rows:
            raise NotFoundError(f"saved search {number} of {account}")
        return _search_of(rows[0])

    def _set(self, number: int, **values: object) -> None:
        one = update(saved_search).where(saved_search.c.id == number)
        self._connection.execute(one.values(values))

    def _last_change(self) -> int:
        return Publications(self._connection).last_change()

    def _all(self, chosen: Any) -> Sequence[Row[Any]]:
        with sqlite.reading(self._connection):
            return self._connection.execute(chosen).all()

    def _writing(self) -> Any:
        return sqlite.transaction(self._connection, sqlite.WRITE)


def new_digest(account: str, address: str, language: str, frequency: Frequency) -> Digest:
    """Return a digest that is not confirmed yet, with a key of its own."""
    return Digest(
        account=account,
        address=address,
        language=language,
        frequency=frequency,
        confirmed=None,
        stop_key=secrets.token_urlsafe(24),
        sent=None,
        doubtful=None,
    )


def _of(account: str) -> Update:
    return update(digest).where(digest.c.account == account)


def _fresh(token_sha256: str, seconds: float) -> Any:
    return (digest.c.token_sha256 == token_sha256) & (digest.c.expires > seconds)


def _search_of(row: Row[Any]) -> SavedSearch:
    return SavedSearch(
        id=row.id,
        account=row.account,
        name=row.name,
        address=row.address,
        created=row.created,
        since=row.since,
        in_digest=bool(row.in_digest),
    )


def _digest_of(row: Row[Any]) -> Digest:
    return Digest(
        account=row.account,
        address=row.address,
        language=row.language,
        frequency=Frequency(row.frequency),
        confirmed=row.confirmed,
        stop_key=row.stop_key,
        sent=row.sent,
        doubtful=row.doubtful,
    )
