"""Saved searches and digests: what is told is told once, also when the power fails."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kb.errors import ConflictError, NotFoundError
from kb.store import Digest, Frequency, Role, Store
from kb.store.saved import new_digest
from tests.make import a_filing, publish

KARI, OLA = "kari", "ola"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path) as opened:
        for name in (KARI, OLA):
            opened.accounts.add(name, Role.READER, None)
        yield opened


def subscribed(store: Store, account: str = KARI) -> Digest:
    wanted = new_digest(account, f"{account}@example.no", "nb", Frequency.WEEKLY)
    assert store.saved.subscribe(wanted, f"token-{account}", 100.0)
    confirmed = store.saved.confirm(f"token-{account}", 50.0)
    assert confirmed is not None
    return confirmed


# ---- searches


def test_a_search_is_kept_for_its_account_only(store: Store):
    number = store.saved.add(KARI, "Styret", "q=styret")

    assert [one.name for one in store.saved.of(KARI)] == ["Styret"]
    assert store.saved.of(OLA) == ()
    for verb in (store.saved.delete, store.saved.restore):
        with pytest.raises(NotFoundError):
            verb(OLA, number)
    assert store.saved.of(KARI)[0].id == number


def test_the_same_search_is_kept_once_and_a_deleted_one_comes_back(store: Store):
    first = store.saved.add(KARI, "Styret", "q=styret")
    store.saved.delete(KARI, first)

    assert store.saved.of(KARI) == ()
    assert store.saved.add(KARI, "Styret", "q=styret") == first
    store.saved.delete(KARI, first)
    store.saved.restore(KARI, first)
    assert [one.id for one in store.saved.of(KARI)] == [first]


def test_the_oldest_deleted_searches_are_forgotten(store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("kb.store.saved._KEPT_DELETED", 2)
    numbers = [store.saved.add(KARI, f"{n}", f"q={n}") for n in range(4)]

    for number in numbers:
        store.saved.delete(KARI, number)

    kept = []
    for number in numbers:
        try:
            kept.append(store.saved.restore(KARI, number).id)
        except NotFoundError:
            continue
    assert len(kept) == 2


def test_keeping_a_search_is_no_change_of_the_base(store: Store):
    before = store.generation()

    store.saved.add(KARI, "Styret", "q=styret")
    subscribed(store)

    assert store.generation() == before


# ---- the address


def test_nothing_is_sent_before_the_address_is_confirmed(store: Store):
    wanted = new_digest(KARI, "kari@example.no", "nn", Frequency.MONTHLY)

    assert store.saved.subscribe(wanted, "token", 100.0)
    assert store.saved.confirmed() == ()
    assert store.saved.confirm("other", 50.0) is None
    assert store.saved.confirm("token", 101.0) is None, "too late"
    assert store.saved.confirm("token", 50.0)
    assert store.saved.confirm("token", 50.0) is None, "only once"
    assert [one.address for one in store.saved.confirmed()] == ["kari@example.no"]


def test_only_another_address_must_be_confirmed_again(store: Store):
    subscribed(store)
    often = new_digest(KARI, "kari@example.no", "en", Frequency.MONTHLY)
    other = new_digest(KARI, "kari@example.org", "en", Frequency.MONTHLY)

    assert not store.saved.subscribe(often, "t2", 100.0)
    assert store.saved.digest(KARI).frequency is Frequency.MONTHLY
    assert store.saved.confirmed()
    assert store.saved.subscribe(other, "t3", 100.0)
    assert store.saved.confirmed() == ()


def test_the_key_of_the_link_ends_it_and_forgets_the_address(store: Store):
    mine, other = subscribed(store), subscribed(store, OLA)

    assert store.saved.stop(mine.stop_key)
    assert not store.saved.stop(mine.stop_key)
    assert store.saved.digest(KARI) is None
    assert store.saved.digest(OLA) == other


def test_a_closed_account_gets_no_mail(store: Store):
    subscribed(store)

    store.accounts.disable(KARI)

    assert store.saved.confirmed() == ()


# ---- told once


def test_what_was_published_before_is_not_news(store: Store):
    report = a_filing(status="candidate").add_to(store).report
    publish(store, report.id)

    number = store.saved.add(KARI, "Alt", "")

    last = store.publications.last_change()
    assert last > 0
    assert {one.change for one in store.publications.all().values()} == {last}
    assert [(one.id, one.since) for one in store.saved.of(KARI)] == [(number, last)]


def test_a_claim_is_made_by_one_program_only(store: Store, tmp_path: Path):
    digest, number = subscribed(store), store.saved.add(KARI, "Alt", "")

    store.saved.claim(digest, {number: ["a", "b"]}, 7)

    with Store.open(tmp_path) as other, pytest.raises(ConflictError):
        other.saved.claim(digest, {number: ["a", "b"]}, 7)
    assert store.saved.sent(number) == {"a", "b"}
    assert store.saved.of(KARI)[0].since == 7


def test_a_claim_that_nobody_settled_stays_told_and_says_so(store: Store):
    digest, number = subscribed(store), store.saved.add(KARI, "Alt", "")

    store.saved.claim(digest, {number: ["a"]}, 7)

    left = store.saved.digest(KARI)
    assert left.doubtful
    assert left.sent is None
    assert store.saved.sent(number) == {"a"}


def test_a_refused_mail_is_told_again_and_a_settled_one_is_not(store: Store):
    digest, number = subscribed(store), store.saved.add(KARI, "Alt", "")

    store.saved.claim(digest, {number: ["a"]}, 7)
    store.saved.release(digest, {number: ["a"]}, {number: 3})
    assert (store.saved.sent(number), store.saved.of(KARI)[0].since) == (frozenset(), 3)
    assert store.saved.digest(KARI) == digest
    store.saved.claim(digest, {number: ["a"]}, 7)
    store.saved.settle(KARI)

    settled = store.saved.digest(KARI)
    assert settled.sent
    assert settled.doubtful is None
    assert store.saved.sent(number) == {"a"}


def test_a_choice_made_while_the_mail_is_written_stops_it(store: Store):
    digest, number = subscribed(store), store.saved.add(KARI, "Alt", "")

    store.saved.stop(digest.stop_key)

    with pytest.raises(ConflictError):
        store.saved.claim(digest, {number: ["a"]}, 7)
    assert store.saved.sent(number) == frozenset()
