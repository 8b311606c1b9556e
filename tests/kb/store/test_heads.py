"""Trained heads: all are kept, at most one is in use."""

import pytest

from kb.errors import NotFoundError
from kb.store import Store


def test_a_head_is_kept_and_used_when_it_is_chosen(store: Store) -> None:
    first, second = store.heads.put("one"), store.heads.put("two")
    assert store.heads.active() is None

    store.heads.activate(first)
    store.heads.activate(second)

    active = store.heads.active()
    assert (active.number, active.data, active.is_active) == (second, "two", True)
    assert [(one.data, one.is_active) for one in store.heads.list()] == [
        ("two", True),
        ("one", False),
    ]
    assert active.at.endswith("+00:00")


def test_the_one_that_comes_with_the_program_can_be_chosen_again(store: Store) -> None:
    store.heads.activate(store.heads.put("one"))

    store.heads.activate(None)

    assert store.heads.active() is None
    assert len(store.heads.list()) == 1


def test_a_head_that_is_not_there_cannot_be_used(store: Store) -> None:
    number = store.heads.put("one")
    store.heads.activate(number)

    with pytest.raises(NotFoundError):
        store.heads.activate(99)

    assert store.heads.active().number == number
