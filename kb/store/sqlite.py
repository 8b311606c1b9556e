"""All that only SQLite knows: how a connection begins, its locks, and FTS5 for the words.

The rest of :mod:`kb.store` is plain SQLAlchemy. Another database needs its own version of this
module and of the two full-text tables in the first migration.
"""

import os
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Row, bindparam, create_engine, event, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from kb.errors import StoreDamagedError, StoreUnavailableError
from kb.store import schema

READ, WRITE = "BEGIN", "BEGIN IMMEDIATE"
_BUSY_SECONDS = 10.0
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_OUT_OF_REACH = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
    }
)
_MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"


def connect(path: Path) -> Connection:
    """Return a connection to the database at ``path``, created or brought up to date if need be.

    Raises:
        StoreDamagedError: the file is not a database, or of a newer version of the program.
    """
    connection = _engine(path).connect()
    try:
        if _version(connection) != schema.VERSION:
            _migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(connection: Connection, begin: str) -> Iterator[None]:
    """Run one transaction: committed at the end, rolled back by an exception.

    Python's sqlite3 begins a transaction only at the first INSERT, so its own handling is switched
    off and BEGIN is said here. A writer takes its lock at once: one that reads first and asks for
    the lock later can be refused without waiting.
    """
    with connection.begin():
        connection.exec_driver_sql(begin)
        yield


@contextmanager
def reading(connection: Connection) -> Iterator[None]:
    """Read in the transaction that is open, or else in one of its own."""
    if connection.in_transaction():
        yield
        return
    with transaction(connection, READ):
        yield


@lru_cache(maxsize=8)
def _engine(path: Path) -> Engine:
    """Return the engine of ``path``: no open connection, only the statements compiled so far."""
    engine = create_engine("sqlite://", creator=partial(_open, path), poolclass=NullPool)
    event.listen(engine, "handle_error", _translate)
    return engine


def _open(path: Path) -> sqlite3.Connection:
    try:
        _make_private(path)
        connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
    except (OSError, sqlite3.Error) as error:
        raise StoreUnavailableError(f"{path}: {error}") from error
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA journal_mode = WAL").fetchone()
    except sqlite3.Error as error:
        connection.close()
        if _is_damage(error):
            raise StoreDamagedError(f"{path}: {error}") from error
        if _is_out_of_reach(error):
            raise StoreUnavailableError(f"{path}: {error}") from error
        raise
    return connection


def _make_private(path: Path) -> None:
    """Make a new database readable to its owner only; SQLite gives -wal and -shm the same mode."""
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _translate(context: ExceptionContext) -> None:
    if _is_damage(context.original_exception):
        raise StoreDamagedError(str(context.original_exception)) from context.original_exception
    if _is_out_of_reach(context.original_exception):
        raise StoreUnavailableError(str(context.original_exception)) from context.original_exception


def _is_damage(error: BaseException) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED


def _is_out_of_reach(error: BaseException) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _OUT_OF_REACH


def _version(connection: Connection) -> str | None:
    try:
        with transaction(connection, READ):
            row = connection.exec_driver_sql("SELECT version_num FROM alembic_version").first()
    except OperationalError:  # no such table: a new file
        return None
    return None if row is None else str(row[0])


def _migrate(connection: Connection) -> None:
    # Alembic takes 190 ms to import, too long for every search.
    from alembic import command  # noqa: PLC0415 - see above
    from alembic.config import Config  # noqa: PLC0415 - see above
    from alembic.util import CommandError  # noqa: PLC0415 - see above

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    try:
        with transaction(connection, WRITE):
            command.upgrade(config, "head")
    except CommandError as error:
        raise StoreDamagedError(f"the database is of another version: {error}") from error


# --- words: FTS5 -------------------------------------------------------------------------------
# Only published lessons have a row in ``lesson_grams``, so that BM25 counts what can be found.
# Its tokeniser takes everything but blanks and control characters as part of a token; with
# unicode61's own choice «10,5» would be two.


def put_words(connection: Connection, tokens: Mapping[int, Sequence[str]]) -> None:
    """Make ``tokens`` the words of the lessons with these numbers; no tokens means not found."""
    drop_words(connection, tokens)
    rows = [{"number": number, "grams": " ".join(own)} for number, own in tokens.items() if own]
    if rows:
        connection.execute(
            text("INSERT INTO lesson_grams (rowid, grams) VALUES (:number, :grams)"), rows
        )


def drop_words(connection: Connection, numbers: Collection[int]) -> None:
    """Take away the words of the lessons with these numbers."""
    if numbers:
        connection.execute(
            text("DELETE FROM lesson_grams WHERE rowid = :number"),
            [{"number": number} for number in numbers],
        )


def words(connection: Connection, numbers: Collection[int]) -> dict[int, str]:
    """Return the words kept for the lessons with these numbers, joined by blanks."""
    statement = text("SELECT rowid, grams FROM lesson_grams WHERE rowid IN :numbers").bindparams(
        bindparam("numbers", expanding=True)
    )
    return {row[0]: row[1] for row in connection.execute(statement, {"numbers": list(numbers)})}


def ownerless_words(connection: Connection) -> list[int]:
    """Return the numbers that have words but belong to no lesson."""
    statement = text(
        "SELECT rowid FROM lesson_grams WHERE rowid NOT IN (SELECT number FROM lesson)"
    )
    return list(connection.scalars(statement))


def match_words(connection: Connection, tokens: Sequence[str]) -> dict[str, float]:
    """Return the BM25 of each lesson (by id) that holds any of ``tokens``; higher is better."""
    quoted = [f'"{token}"' for token in map(_speakable, tokens) if token]
    if not quoted:
        return {}
    statement = text(
        "SELECT lesson.id, -bm25(lesson_grams) FROM lesson_grams"
        " JOIN lesson ON lesson.number = lesson_grams.rowid WHERE lesson_grams MATCH :query"
    )
    rows = connection.execute(statement, {"query": " OR ".join(quoted)})
    return {row[0]: float(row[1]) for row in rows}


def count_words(connection: Connection, tokens: Collection[str]) -> dict[str, int]:
    """Return how many lessons hold each of ``tokens``; those that none holds are left out."""
    statement = text("SELECT term, doc FROM lesson_gram_count WHERE term IN :tokens")
    asked = list({_encodable(token) for token in tokens})
    rows = connection.execute(
        statement.bindparams(bindparam("tokens", expanding=True)), {"tokens": asked}
    )
    return {row[0]: int(row[1]) for row in rows}


def words_with_prefix(connection: Connection, prefix: str) -> dict[str, int]:
    """Return how many lessons hold each token that begins with ``prefix``."""
    statement = text("SELECT term, doc FROM lesson_gram_count WHERE term >= :low AND term < :high")
    rows = connection.execute(statement, {"low": prefix, "high": prefix + "\U0010ffff"})
    return {row[0]: int(row[1]) for row in rows}


def _speakable(token: str) -> str:
    return _encodable(token).replace('"', '""')


def _encodable(token: str) -> str:
    """Drop what cannot stand in a statement: NUL ends it, a lone surrogate is not UTF-8."""
    return token.replace("\0", "").encode("utf-8", "ignore").decode()


# --- check -------------------------------------------------------------------------------------


def damage(connection: Connection) -> list[str]:
    """Return what SQLite itself finds wrong with the file, its keys and the full-text index."""
    checks = {
        "database": "PRAGMA integrity_check",
        "keys": "PRAGMA foreign_key_check",
        # FTS5 takes its commands as an INSERT, so this needs the write lock.
        "full-text index": "INSERT INTO lesson_grams (lesson_grams) VALUES ('integrity-check')",
    }
    found = []
    with connection.begin() as work:
        connection.exec_driver_sql(WRITE)
        for what, statement in checks.items():
            try:
                result = connection.exec_driver_sql(statement)
                rows = result.all() if result.returns_rows else []
            except StoreDamagedError as error:
                found.append(f"{what}: {error}")
            else:
                found += [f"{what}: {_told(row)}" for row in rows if tuple(row) != ("ok",)]
        work.rollback()  # nothing was changed, and a damaged file may refuse to commit
    return found


def _told(row: Row[Any]) -> str:
    return " ".join(map(str, row))
