"""``check`` finds damage of every kind, done behind the store's back."""

import sqlite3
from pathlib import Path

import pytest

from kb.domain import Status
from kb.errors import StoreDamagedError
from kb.store import Store
from kb.store.session import DATABASE
from tests.make import MODEL, a_filing, set_status

QUOTES = ("Styret møttes for sjelden. Det gjorde|at vedtak drog ut.", "Små steg først.")

DAMAGE = [
    pytest.param(
        "UPDATE evidence SET quote = replace(quote, 'Små', 'Små ')",
        "quote does not stand on page 2",
        id="quote",
    ),
    pytest.param(
        "UPDATE page SET text = replace(text, 'møttes', 'møttest') WHERE number = 1",
        "page 1: the text does not have its SHA-256",
        id="page text",
    ),
    pytest.param(
        "UPDATE page SET text = replace(text, 'Små', 'små'), text_sha256 = text_sha256",
        "quote does not stand on page 2",
        id="page text under a quote",
    ),
    pytest.param(
        "UPDATE lesson SET statement = replace(statement, 'steg', 'stag')",
        "statement is in none of its quotes",
        id="statement",
    ),
    pytest.param(
        "UPDATE evidence_span SET end_at = end_at - 1 WHERE page = 1",
        "quote does not stand on page 1",
        id="span end",
    ),
    pytest.param(
        "UPDATE evidence_span SET start_at = 0, end_at = 0 WHERE page = 1",
        "cannot be read: 1:0-0 is not a span",
        id="impossible span",
    ),
    pytest.param(
        "UPDATE evidence_span SET page = 7 WHERE page = 1",
        "keys: evidence_span",
        id="span off the report",
    ),
    pytest.param("DELETE FROM evidence_span WHERE page = 2", "quote does not stand", id="no span"),
    pytest.param(
        "DELETE FROM evidence_span; DELETE FROM evidence", "lacks a statement", id="no evidence"
    ),
    pytest.param("DELETE FROM page WHERE number = 2", "keys: evidence_span", id="no page"),
    pytest.param("UPDATE lesson SET kind = 'sukess'", "cannot be read: 'sukess'", id="kind"),
    pytest.param(
        "DELETE FROM vector WHERE position = 1", "1 of 2 vectors of test-model", id="one vector"
    ),
    pytest.param("DELETE FROM vector", "0 of 2 vectors", id="all vectors"),
    pytest.param(
        "UPDATE vector SET role = 'sentence'", "2 of 2 vectors of test-model", id="vector role"
    ),
    pytest.param(
        "UPDATE vector SET data = substr(data, 2)", "vector 0 has 15 bytes", id="short vector"
    ),
    pytest.param(
        "UPDATE state SET index_generation = 99",
        "the index is of generation 99, but the store is at 1",
        id="index ahead of the store",
    ),
    pytest.param(
        "UPDATE state SET generation = 0",
        "a lesson is of generation 1, but the store is at 0",
        id="generation behind",
    ),
    pytest.param(
        "INSERT INTO gone VALUES ('x', 5)", "a removal is of generation 5", id="removal ahead"
    ),
    pytest.param(
        "UPDATE lesson SET status = 'retired'", "words are not those", id="unpublished but found"
    ),
    pytest.param("DELETE FROM lesson_grams", "words are not those", id="published but not found"),
    pytest.param(
        "INSERT INTO lesson_grams (rowid, grams) VALUES (99, 'a')",
        "row 99 belongs to no lesson",
        id="words of nothing",
    ),
    pytest.param(
        "DELETE FROM lesson_grams_data WHERE id > 10", "full-text index: ", id="FTS5 index"
    ),
    pytest.param("UPDATE report SET programme = 'nothing'", "keys: report", id="no such programme"),
    pytest.param(
        "UPDATE report SET sha256 = 'f00'", "original file cannot be read", id="report's SHA-256"
    ),
]


@pytest.fixture
def filled(home: Path) -> Path:
    with Store.open(home) as store:
        a_filing(*QUOTES).add_to(store)
        store.point_index("g1", 1, MODEL)
        assert store.check() == ()
    return home


@pytest.mark.parametrize(("damage", "message"), DAMAGE)
def test_check_tells_what_is_damaged(filled: Path, damage: str, message: str) -> None:
    raw = sqlite3.connect(filled / DATABASE)
    raw.executescript(damage)
    raw.close()

    with Store.open(filled) as store:
        problems = store.check()

    assert any(message in problem for problem in problems), problems


def _change(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"o", b"0", 1))


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        pytest.param(_change, "does not have its SHA-256", id="one byte changed"),
        pytest.param(Path.unlink, "cannot be read", id="gone"),
        pytest.param(lambda path: path.write_bytes(b""), "does not have its SHA-256", id="emptied"),
    ],
)
def test_check_tells_of_a_damaged_original(filled: Path, harm: object, message: str) -> None:
    (original,) = (filled / "files").iterdir()
    harm(original)

    with Store.open(filled) as store:
        (problem,) = store.check()

    assert message in problem


def test_one_unreadable_lesson_does_not_hide_what_is_wrong_with_another(filled: Path) -> None:
    raw = sqlite3.connect(filled / DATABASE)
    raw.executescript(
        "UPDATE lesson SET kind = 'x' WHERE position = 0;"
        "UPDATE lesson SET statement = 'x' WHERE position = 1;"
    )
    raw.close()

    with Store.open(filled) as store:
        problems = store.check()

    assert len([one for one in problems if "cannot be read" in one]) == 1
    assert len([one for one in problems if "none of its quotes" in one]) == 1


def test_a_torn_database_file_is_told_not_crashed_on(filled: Path) -> None:
    raw = sqlite3.connect(filled / DATABASE)
    raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    root = raw.execute("SELECT rootpage FROM sqlite_master WHERE name = 'evidence'").fetchone()[0]
    raw.close()
    data = bytearray((filled / DATABASE).read_bytes())
    data[(root - 1) * 4096 : root * 4096] = b"\xff" * 4096
    (filled / DATABASE).write_bytes(bytes(data))

    with Store.open(filled) as store:
        assert any("database" in problem for problem in store.check())
        with pytest.raises(StoreDamagedError):
            store.lessons(store.lesson_ids())


def test_check_waits_for_its_own_read_to_end(filled: Path) -> None:
    with Store.open(filled) as store:
        with store.reading(), pytest.raises(RuntimeError):
            store.check()
        set_status(store, store.lesson_ids(), Status.RETIRED)
        assert store.check() == ()
