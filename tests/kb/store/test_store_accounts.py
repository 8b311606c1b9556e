"""Who may log in: kept, changed, closed, and let in once by a link."""

import pytest

from kb.errors import AccountError, AccountProblem, NotFoundError
from kb.store import Role, Store


def test_an_account_is_kept_as_it_was_made(store: Store):
    made = store.accounts.add("kari", Role.EDITOR, "hash")

    assert store.accounts.get("kari") == made
    assert made.role is Role.EDITOR
    assert made.has_password
    assert not made.is_disabled
    assert store.accounts.password_hash("kari") == "hash"


def test_accounts_are_no_change_of_what_is_known(store: Store):
    store.accounts.add("kari", Role.EDITOR, "hash")

    assert store.generation() == 0


def test_a_taken_name_is_refused_and_changes_nothing(store: Store):
    made = store.accounts.add("kari", Role.EDITOR, "hash")

    with pytest.raises(AccountError) as caught:
        store.accounts.add("kari", Role.ADMINISTRATOR, "other")

    assert caught.value.reason is AccountProblem.TAKEN
    assert store.accounts.all() == (made,)
    assert store.accounts.password_hash("kari") == "hash"


def test_accounts_are_listed_by_name(store: Store):
    for name in ("per", "anna", "kari"):
        store.accounts.add(name, Role.READER, None)

    assert [one.name for one in store.accounts.all()] == ["anna", "kari", "per"]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda accounts: accounts.set_password_hash("kari", "new"), id="password"),
        pytest.param(lambda accounts: accounts.disable("kari"), id="closed"),
        pytest.param(lambda accounts: accounts.end_sessions("kari"), id="logged out"),
    ],
)
def test_a_change_of_who_may_be_in_ends_all_sessions_and_links(store: Store, change):
    before = store.accounts.add("kari", Role.EDITOR, "hash")

    store.accounts.add("ola", Role.EDITOR, "hash")
    for name in ("kari", "ola"):
        store.accounts.put_link(name, f"link of {name}", expires=100.0)

    change(store.accounts)

    assert store.accounts.get("kari").session_key != before.session_key
    assert not store.accounts.has_link("link of kari", now=0.0)
    assert store.accounts.has_link("link of ola", now=0.0)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda accounts: accounts.set_role("kari", Role.READER), id="role"),
        pytest.param(
            lambda a: a.renew_password_hash("kari", "hash", "stronger"), id="same password"
        ),
        pytest.param(lambda accounts: accounts.enable("kari"), id="opened"),
    ],
)
def test_other_changes_let_sessions_go_on(store: Store, change):
    before = store.accounts.add("kari", Role.EDITOR, "hash")

    change(store.accounts)

    assert store.accounts.get("kari").session_key == before.session_key


def test_a_renewed_hash_does_not_bring_an_old_password_back(store: Store):
    store.accounts.add("kari", Role.EDITOR, "old")
    store.accounts.set_password_hash("kari", "new")

    store.accounts.renew_password_hash("kari", "old", "old, stronger")

    assert store.accounts.password_hash("kari") == "new"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda a: a.set_password_hash("per", "x"), id="password"),
        pytest.param(lambda a: a.set_role("per", Role.EDITOR), id="role"),
        pytest.param(lambda a: a.disable("per"), id="disable"),
        pytest.param(lambda a: a.enable("per"), id="enable"),
        pytest.param(lambda a: a.put_link("per", "t", 9e9), id="link"),
    ],
)
def test_what_is_not_there_cannot_be_changed(store: Store, change):
    with pytest.raises(NotFoundError):
        change(store.accounts)


def test_absence_is_no_error_when_reading(store: Store):
    assert store.accounts.get("per") is None
    assert store.accounts.password_hash("per") is None
    assert store.accounts.all() == ()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda a: a.set_role("sjef", Role.EDITOR), id="another role"),
        pytest.param(lambda a: a.disable("sjef"), id="closed"),
    ],
)
def test_the_last_administrator_stays(store: Store, change):
    store.accounts.add("sjef", Role.ADMINISTRATOR, "hash")
    store.accounts.add("stengt", Role.ADMINISTRATOR, "hash")
    store.accounts.disable("stengt")

    with pytest.raises(AccountError) as caught:
        change(store.accounts)

    assert caught.value.reason is AccountProblem.LAST_ADMINISTRATOR
    kept = store.accounts.get("sjef")
    assert kept.role is Role.ADMINISTRATOR
    assert not kept.is_disabled


def test_an_editor_can_be_closed_where_there_is_no_administrator(store: Store):
    store.accounts.add("kari", Role.EDITOR, "hash")

    assert store.accounts.disable("kari").is_disabled


def test_a_link_lets_in_once(store: Store):
    made = store.accounts.add("kari", Role.EDITOR, None)
    store.accounts.put_link("kari", "token", expires=100.0)

    assert store.accounts.has_link("token", now=99.0)
    assert store.accounts.take_link("token", now=99.0) == made
    assert not store.accounts.has_link("token", now=99.0)
    assert store.accounts.take_link("token", now=99.0) is None


def test_a_link_ends_and_is_then_taken_away(store: Store):
    store.accounts.add("kari", Role.EDITOR, None)
    store.accounts.put_link("kari", "old", expires=100.0)
    store.accounts.put_link("kari", "young", expires=500.0)

    assert store.accounts.take_link("old", now=100.0) is None
    assert not store.accounts.has_link("old", now=50.0), "the row is gone"
    assert store.accounts.has_link("young", now=100.0)


@pytest.mark.parametrize(
    ("role", "may"),
    [
        (Role.READER, {Role.READER}),
        (Role.EDITOR, {Role.READER, Role.EDITOR}),
        (Role.ADMINISTRATOR, set(Role)),
    ],
)
def test_a_role_may_what_those_below_it_may(role: Role, may: set[Role]):
    assert {needed for needed in Role if role.may(needed)} == may
