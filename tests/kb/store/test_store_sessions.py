"""Sessions beside each other, opening, and the shape of the database."""

import os
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import ProgrammingError

from kb.domain import Status
from kb.errors import StoreDamagedError, StoreUnavailableError
from kb.store import Store, schema, sqlite
from kb.store.session import DATABASE
from tests.make import MODEL, a_filing, set_status


def test_reading_sees_one_instant_whatever_others_write(home: Path, store: Store) -> None:
    filing = a_filing("En.").add_to(store)
    with Store.open(home) as other:
        with store.reading():
            before = (store.generation(), store.lesson_ids(), store.facets())
            set_status(other, [filing.lessons[0].id], Status.REJECTED)
            a_filing("To.", original=b"2").add_to(other)
            with store.reading():
                assert (store.generation(), store.lesson_ids(), store.facets()) == before
            assert len(store.rows(MODEL)) == 1
        assert store.generation() == other.generation() == 3
        assert len(store.lesson_ids()) == 2


def test_a_session_sees_what_another_wrote_before_it_asks(home: Path, store: Store) -> None:
    assert store.lesson_ids() == ()
    with Store.open(home) as other:
        a_filing("En.").add_to(other)
    assert len(store.lesson_ids()) == 1


def test_reading_ends_also_when_it_fails(store: Store) -> None:
    def fail() -> None:
        with store.reading():
            store.generation()
            raise KeyError

    with pytest.raises(KeyError):
        fail()

    a_filing().add_to(store)
    assert store.generation() == 1


def test_a_change_while_reading_is_refused(store: Store) -> None:
    filing = a_filing()
    with store.reading(), pytest.raises(RuntimeError, match="reading"):
        filing.add_to(store)
    assert store.reports() == ()
    filing.add_to(store)


def test_writers_wait_for_each_other(home: Path, store: Store) -> None:
    def add(number: int) -> None:
        with Store.open(home) as own:
            for part in range(4):
                a_filing(f"Råd {number}.{part}.", original=f"{number}.{part}".encode()).add_to(own)

    threads = [threading.Thread(target=add, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert store.generation() == len(store.reports()) == 12
    assert store.check() == ()


def test_a_session_survives_a_lock_it_did_not_get(
    home: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "_BUSY_SECONDS", 0.02)
    with Store.open(home) as impatient:
        blocker = sqlite3.connect(home / DATABASE, isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailableError, match="locked"):
            a_filing().add_to(impatient)
        assert impatient.generation() == 0
        blocker.execute("ROLLBACK")
        blocker.close()

        a_filing().add_to(impatient)
        assert impatient.generation() == 1


def test_many_may_open_a_new_store_at_once(home: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from kb.store import Store; sys.stdin.readline()\n"
        "with Store.open(Path(sys.argv[1])) as store: print(store.generation())"
    )
    children = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for child in children:
        child.stdin.write("go\n")
        child.stdin.flush()
    ends = [child.communicate(timeout=60) for child in children]

    assert [(out, err) for out, err in ends] == [("0\n", "")] * 4


def test_opening_a_store_that_is_up_to_date_needs_no_alembic(store: Store, home: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from kb.store import Store\n"
        "Store.open(Path(sys.argv[1])).close()\n"
        "print([name for name in ('alembic', 'faiss', 'torch') if name in sys.modules])"
    )
    out = subprocess.run(
        [sys.executable, "-c", code, str(home)], check=True, capture_output=True, text=True
    )

    assert out.stdout == "[]\n"


@pytest.mark.parametrize("content", [b"not a database" * 100, b"%PDF-1.7\n" + bytes(5000)])
def test_a_file_that_is_no_database_is_refused(home: Path, content: bytes) -> None:
    home.mkdir()
    (home / DATABASE).write_bytes(content)

    with pytest.raises(StoreDamagedError):
        Store.open(home)

    assert (home / DATABASE).read_bytes() == content


def test_a_database_of_a_newer_program_is_refused_and_left_alone(home: Path, store: Store) -> None:
    store.close()
    raw = sqlite3.connect(home / DATABASE)
    raw.execute("UPDATE alembic_version SET version_num = '9999'")
    raw.commit()

    with pytest.raises(StoreDamagedError, match="9999"):
        Store.open(home)

    assert raw.execute("SELECT version_num FROM alembic_version").fetchone() == ("9999",)
    raw.close()


def test_the_migrations_lead_to_the_tables(home: Path, store: Store) -> None:
    fresh = create_engine("sqlite://")
    schema.metadata.create_all(fresh)
    raw = sqlite3.connect(home / DATABASE)
    with fresh.connect() as wanted:
        for table in schema.metadata.tables:
            for pragma in ("table_xinfo", "foreign_key_list"):
                statement = f"PRAGMA {pragma}({table})"
                found = set(raw.execute(statement))
                assert found == {tuple(row) for row in wanted.exec_driver_sql(statement)}, table
            assert _indexes(raw, table) == _indexes(wanted.connection, table)
    raw.close()
    fresh.dispose()


def _indexes(connection: object, table: str) -> set[tuple[object, ...]]:
    cursor = connection.cursor()
    rows = cursor.execute(f"PRAGMA index_list({table})").fetchall()
    return {
        (unique, tuple(cursor.execute(f"PRAGMA index_info('{name}')").fetchall()))
        for _, name, unique, *_ in rows
    }


def test_the_version_is_the_newest_migration() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(sqlite._MIGRATIONS))
    config.set_main_option("path_separator", "os")

    assert ScriptDirectory.from_config(config).get_heads() == [schema.VERSION]


def test_the_database_is_strict_and_careful(home: Path, store: Store) -> None:
    raw = sqlite3.connect(home / DATABASE)
    lax = raw.execute(
        "SELECT name FROM pragma_table_list WHERE type = 'table' AND NOT strict AND schema = 'main'"
    )
    assert {row[0] for row in lax} == {"alembic_version", "sqlite_schema"}
    raw.close()

    pragmas = {
        name: store._connection.exec_driver_sql(f"PRAGMA {name}").scalar()
        for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
    }
    assert pragmas == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 10_000,
    }


def test_a_session_belongs_to_its_thread(store: Store) -> None:
    with ThreadPoolExecutor(1) as pool, pytest.raises(ProgrammingError, match="thread"):
        pool.submit(store.generation).result()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_what_we_make_is_readable_to_its_owner_only(tmp_path: Path) -> None:
    home = tmp_path / "new"
    with Store.open(home) as store, store.reading():
        store.generation()
        modes = {path.name: path.stat().st_mode & 0o777 for path in (home, *home.iterdir())}

    assert modes == {
        "new": 0o700,
        DATABASE: 0o600,
        f"{DATABASE}-wal": 0o600,
        f"{DATABASE}-shm": 0o600,
    }


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_what_is_there_already_keeps_its_mode(tmp_path: Path) -> None:
    home = tmp_path / "old"
    home.mkdir()
    home.chmod(0o750)
    Store.open(home).close()
    (home / DATABASE).chmod(0o640)

    Store.open(home).close()

    assert home.stat().st_mode & 0o777 == 0o750
    assert (home / DATABASE).stat().st_mode & 0o777 == 0o640
