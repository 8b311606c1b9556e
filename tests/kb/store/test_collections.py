"""Collections are their owner's alone, keep their order, and forget nothing that can be undone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kb.errors import CollectionFullError, NotFoundError
from kb.store import Role, Store
from kb.store.collections import MOST_COLLECTIONS, MOST_LESSONS

KARI, OLA = "kari", "ola"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path) as opened:
        for name in (KARI, OLA):
            opened.accounts.add(name, Role.READER, None)
        yield opened


def ids(store: Store, collection_id: int, owner: str = KARI) -> list[str]:
    found = store.collections.get(owner, collection_id)
    assert found is not None
    return [one.lesson_id for one in found.lessons]


def test_a_collection_keeps_its_lessons_in_order_without_repetition(store: Store) -> None:
    made = store.collections.create(KARI, "Forstudie", ["b", "a", "b"])
    store.collections.add(KARI, made.id, ["c", "a"])

    assert ids(store, made.id) == ["b", "a", "c"]


@pytest.mark.parametrize(
    ("lesson", "steps", "expected"),
    [
        pytest.param("c", -1, "acb", id="up"),
        pytest.param("a", 1, "bac", id="down"),
        pytest.param("a", -1, "abc", id="the first stays first"),
        pytest.param("c", 1, "abc", id="the last stays last"),
        pytest.param("b", 0, "abc", id="nowhere"),
    ],
)
def test_a_lesson_moves(store: Store, lesson: str, steps: int, expected: str) -> None:
    made = store.collections.create(KARI, "Forstudie", ["a", "b", "c"])

    store.collections.move(KARI, made.id, lesson, steps)

    assert "".join(ids(store, made.id)) == expected


def test_what_was_removed_comes_back_where_it_was_with_its_note(store: Store) -> None:
    made = store.collections.create(KARI, "Forstudie", ["a", "b", "c"])
    store.collections.annotate(KARI, made.id, "b", "Viktig")

    store.collections.remove(KARI, made.id, "b")
    without = ids(store, made.id)
    store.collections.put_back(KARI, made.id, "b")

    after = store.collections.get(KARI, made.id)
    assert without == ["a", "c"]
    assert after is not None
    assert [(one.lesson_id, one.note) for one in after.lessons] == [
        ("a", ""),
        ("b", "Viktig"),
        ("c", ""),
    ]
    assert after.removed == ()


def test_saving_a_removed_lesson_again_brings_it_back(store: Store) -> None:
    made = store.collections.create(KARI, "Forstudie", ["a", "b"])
    store.collections.remove(KARI, made.id, "a")

    store.collections.add(KARI, made.id, ["a"])

    assert ids(store, made.id) == ["a", "b"]


def test_moving_passes_over_what_was_removed(store: Store) -> None:
    made = store.collections.create(KARI, "Forstudie", ["a", "b", "c"])
    store.collections.remove(KARI, made.id, "b")

    store.collections.move(KARI, made.id, "c", -1)

    assert ids(store, made.id) == ["c", "a"]


def test_a_deleted_collection_can_be_restored_but_its_link_is_gone(store: Store) -> None:
    made = store.collections.create(KARI, "Forstudie", ["a"])
    token = store.collections.share(KARI, made.id)

    store.collections.delete(KARI, made.id)
    assert store.collections.get(KARI, made.id) is None
    assert store.collections.shared(token) is None
    assert [one.name for one in store.collections.all(KARI) if one.deleted] == ["Forstudie"]
    store.collections.restore(KARI, made.id)

    assert ids(store, made.id) == ["a"]
    assert store.collections.shared(token) is None


def test_what_was_deleted_long_ago_is_forgotten(store: Store) -> None:
    old = store.collections.create(KARI, "Gammel", ["a"])
    kept = store.collections.create(KARI, "Ny", ["a", "b"])
    store.collections.delete(KARI, old.id)
    store.collections.remove(KARI, kept.id, "b")
    for table, column in (("collection", "deleted"), ("collection_lesson", "removed")):
        store._connection.exec_driver_sql(
            f"UPDATE {table} SET {column} = '2020-01-01T00:00:00+00:00' WHERE {column} IS NOT NULL"
        )
    store._connection.commit()

    store.collections.create(KARI, "Enda en")

    assert sorted(one.name for one in store.collections.all(KARI)) == ["Enda en", "Ny"]
    found = store.collections.get(KARI, kept.id)
    assert found is not None
    assert found.removed == ()


def test_nobody_sees_or_changes_what_is_another_persons(store: Store) -> None:
    made = store.collections.create(KARI, "Forstudie", ["a", "b"])
    hers = store.collections
    attempts = [
        lambda: hers.describe(OLA, made.id, "Min", ""),
        lambda: hers.add(OLA, made.id, ["c"]),
        lambda: hers.annotate(OLA, made.id, "a", "x"),
        lambda: hers.move(OLA, made.id, "a", 1),
        lambda: hers.remove(OLA, made.id, "a"),
        lambda: hers.put_back(OLA, made.id, "a"),
        lambda: hers.delete(OLA, made.id),
        lambda: hers.restore(OLA, made.id),
        lambda: hers.share(OLA, made.id),
        lambda: hers.stop_sharing(OLA, made.id),
    ]

    for attempt in attempts:
        with pytest.raises(NotFoundError):
            attempt()

    assert store.collections.get(OLA, made.id) is None
    assert store.collections.all(OLA) == ()
    assert store.collections.holding(OLA) == {}
    assert store.collections.get(KARI, made.id) == made


def test_a_link_shows_the_collection_until_it_is_ended_or_replaced(store: Store) -> None:
    made = store.collections.create(KARI, "Forstudie", ["a"])

    first = store.collections.share(KARI, made.id)
    second = store.collections.share(KARI, made.id)

    assert store.collections.shared(first) is None
    found = store.collections.shared(second)
    assert found is not None
    assert found.id == made.id
    store.collections.stop_sharing(KARI, made.id)
    assert store.collections.shared(second) is None


def test_the_database_holds_no_token(store: Store, tmp_path: Path) -> None:
    made = store.collections.create(KARI, "Forstudie", ["a"])

    token = store.collections.share(KARI, made.id)

    assert len(token) >= 32
    dump = "\n".join(store._connection.connection.iterdump())
    assert "Forstudie" in dump
    assert token not in dump


def test_the_link_of_somebody_who_was_shut_out_ends(store: Store) -> None:
    made = store.collections.create(KARI, "Forstudie", ["a"])
    token = store.collections.share(KARI, made.id)

    store.accounts.disable(KARI)

    assert store.collections.shared(token) is None


def test_collections_are_listed_by_last_use(store: Store) -> None:
    first = store.collections.create(KARI, "Første", ["a"])
    second = store.collections.create(KARI, "Andre", ["a", "b"])

    assert [one.id for one in store.collections.all(KARI)] == [second.id, first.id]
    store.collections.annotate(KARI, first.id, "a", "Brukt nå")

    assert [one.id for one in store.collections.all(KARI)] == [first.id, second.id]
    assert store.collections.holding(KARI) == {"a": "Første", "b": "Andre"}


def test_there_is_an_end_to_what_can_be_kept(store: Store) -> None:
    many = [f"{number:012x}" for number in range(MOST_LESSONS)]
    full = store.collections.create(KARI, "Full", many)

    with pytest.raises(CollectionFullError):
        store.collections.add(KARI, full.id, ["en til"])
    assert len(ids(store, full.id)) == MOST_LESSONS

    for number in range(1, MOST_COLLECTIONS):
        store.collections.create(KARI, str(number))
    with pytest.raises(CollectionFullError):
        store.collections.create(KARI, "En for mye")


def test_collecting_is_no_change_of_what_is_known(store: Store) -> None:
    before = store.generation()

    store.collections.create(KARI, "Forstudie", ["a"])

    assert store.generation() == before
