"""The tables. Changes go into ``kb/migrations/versions`` too; a test holds the two together.

Types are those that both SQLite's STRICT tables and PostgreSQL know. Lists are JSON in a text
column: nothing is asked of their inside. The words of the lessons stand in a full-text table that
each database has its own kind of (see :mod:`kb.store.sqlite`).
"""

from sqlalchemy import (
    REAL,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)
from sqlalchemy.types import TypeEngine

VERSION = "0006"
"""The newest migration. An older database is brought up to it when it is opened."""

metadata = MetaData()
_DOUBLE: TypeEngine[float] = Double().with_variant(REAL(), "sqlite")

state = Table(
    "state",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("generation", Integer, nullable=False),
    Column("index_name", Text),
    Column("index_generation", Integer),
    Column("index_model_id", Text),
    sqlite_strict=True,
)
"""One row. ``generation`` counts the committed changes."""

programme = Table(
    "programme",
    metadata,
    Column("slug", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("place", Text),
    Column("programme_type", Text),
    Column("period_from", Integer),
    Column("period_to", Integer),
    Column("municipalities", Integer),
    Column("inhabitants", Integer),
    Column("budget", Text),
    sqlite_strict=True,
)

report = Table(
    "report",
    metadata,
    Column("id", Text, primary_key=True),
    Column("programme", Text, ForeignKey("programme.slug"), nullable=False, index=True),
    Column("programme_name", Text),
    Column("file", Text, nullable=False),
    Column("sha256", Text, nullable=False, unique=True),
    Column("title", Text),
    Column("report_type", Text),
    Column("client", Text),
    Column("contractor", Text),
    Column("year", Integer),
    Column("language", Text, nullable=False),
    Column("pages", Integer),
    Column("note", Text),
    Column("status", Text, nullable=False),
    Column("sources", Text, nullable=False),
    Column("added", Integer, nullable=False, unique=True),
    Column("changed", Integer, nullable=False, server_default="0"),
    Column("edition_of", Text),
    Column("text_key", Text, index=True),
    sqlite_strict=True,
)
"""``added`` is the generation that brought the report, so it orders reports by age; ``changed`` the
one that last changed its row. ``edition_of`` names a report that may have been purged since."""

page = Table(
    "page",
    metadata,
    Column("report_id", Text, ForeignKey("report.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("label", Text),
    Column("text", Text, nullable=False),
    Column("text_sha256", Text, nullable=False),
    Column("problem", Text),
    sqlite_strict=True,
)

lesson = Table(
    "lesson",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("report_id", Text, ForeignKey("report.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("statement", Text, nullable=False),
    Column("is_edited", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("phase", Text),
    Column("status", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("created", Integer, nullable=False),
    Column("changed", Integer, nullable=False, index=True),
    Column("kind_reason", Text, nullable=False, server_default=""),
    Column("phase_reason", Text, nullable=False, server_default=""),
    Column("confidence", _DOUBLE),
    Column("merged_into", Text),
    Column("previous", Text, index=True),
    Column("has_changed", Integer, nullable=False, server_default="0"),
    Index("ix_lesson_place", "report_id", "position"),
    sqlite_strict=True,
)
"""``created`` and ``changed`` are generations. ``number`` ties the lesson to its words. A lesson
split off from another shares its position and comes after it by ``number``."""

lesson_theme = Table(
    "lesson_theme",
    metadata,
    Column("lesson_id", Text, ForeignKey("lesson.id"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("theme", Text, nullable=False),
    Column("confidence", _DOUBLE, nullable=False),
    Column("assigned_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Index("ix_lesson_theme_theme", "theme", "lesson_id", unique=True),
    sqlite_strict=True,
)

evidence = Table(
    "evidence",
    metadata,
    Column("lesson_id", Text, ForeignKey("lesson.id"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("section", Text, nullable=False),
    Column("quote", Text, nullable=False),
    Column("lead_in", Text),
    sqlite_strict=True,
)

evidence_span = Table(
    "evidence_span",
    metadata,
    Column("lesson_id", Text, primary_key=True),
    Column("evidence", Integer, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("report_id", Text, nullable=False),
    Column("page", Integer, nullable=False),
    Column("start_at", Integer, nullable=False),
    Column("end_at", Integer, nullable=False),
    ForeignKeyConstraint(["lesson_id", "evidence"], ["evidence.lesson_id", "evidence.position"]),
    ForeignKeyConstraint(["report_id", "page"], ["page.report_id", "page.number"]),
    Index("ix_evidence_span_page", "report_id", "page"),
    sqlite_strict=True,
)

vector = Table(
    "vector",
    metadata,
    Column("lesson_id", Text, ForeignKey("lesson.id"), primary_key=True),
    Column("model_id", Text, primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("role", Text, nullable=False),
    Column("dim", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
    sqlite_strict=True,
)
"""One row per passage of a lesson; ``data`` holds ``dim`` little-endian float16."""

token_vector = Table(
    "token_vector",
    metadata,
    Column("lesson_id", Text, ForeignKey("lesson.id"), primary_key=True),
    Column("model_id", Text, primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("dim", Integer, nullable=False),
    Column("ids", LargeBinary, nullable=False),
    Column("scales", LargeBinary, nullable=False),
    Column("cells", LargeBinary, nullable=False),
    sqlite_strict=True,
)
"""One row per whole quote of a lesson: token ids as little-endian int32, a float16 scale per token,
and ``dim`` int8 per token. Derived; a lesson may have none. ``cells``, the largest, come last, so
that the ids are read without them."""

gone = Table(
    "gone",
    metadata,
    Column("lesson_id", Text, primary_key=True),
    Column("generation", Integer, nullable=False, index=True),
    sqlite_strict=True,
)
"""Lessons that were removed, and when, so that an older index can hide them."""

change = Table(
    "change",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("report_id", Text, nullable=False, index=True),
    Column("reason", Text),
    Column("undoes", Integer, unique=True),
    sqlite_strict=True,
)
"""What a person did to a report, in order. ``at`` is UTC, ISO 8601. Rows are never changed."""

change_item = Table(
    "change_item",
    metadata,
    Column("change_id", Integer, ForeignKey("change.id"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("report_id", Text, nullable=False),
    Column("lesson_id", Text, index=True),
    Column("before", Text),
    Column("after", Text),
    sqlite_strict=True,
)
"""What a lesson, or a report where ``lesson_id`` is null, was before and after a change: a JSON
object of the values that differ. ``before`` is null for a lesson that the change made, ``after``
for one that it took away."""

relation = Table(
    "relation",
    metadata,
    Column("first", Text, ForeignKey("lesson.id"), primary_key=True),
    Column("second", Text, ForeignKey("lesson.id"), primary_key=True, index=True),
    Column("kind", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Text, nullable=False),
    sqlite_strict=True,
)
"""What a person decided about a pair of lessons; proposals are computed, never stored."""

job = Table(
    "job",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("sha256", Text, nullable=False, index=True),
    Column("file", Text, nullable=False),
    Column("with_ocr", Integer, nullable=False),
    Column("publish", Integer, nullable=False),
    Column("edition_of", Text),
    Column("by", Text, nullable=False),
    Column("state", Text, nullable=False, index=True),
    Column("stage", Text),
    Column("progress", _DOUBLE, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("worker", Text),
    Column("lease_until", _DOUBLE),
    Column("error_code", Text),
    Column("error_detail", Text),
    Column("report_id", Text),
    Column("created", _DOUBLE, nullable=False),
    Column("updated", _DOUBLE, nullable=False),
    Column("took_ms", Text),
    sqlite_strict=True,
)
"""Files on their way in. Times are seconds since 1970; ``progress`` is 0-1 of the whole job."""

account = Table(
    "account",
    metadata,
    Column("name", Text, primary_key=True),
    Column("password_hash", Text),
    Column("role", Text, nullable=False),
    Column("session_key", Text, nullable=False),
    Column("is_disabled", Integer, nullable=False),
    Column("created", Text, nullable=False),
    sqlite_strict=True,
)
"""Who may log in. A new ``session_key`` ends all sessions; no hash means: by one-time link only."""

login_link = Table(
    "login_link",
    metadata,
    Column("token_sha256", Text, primary_key=True),
    Column("account", Text, ForeignKey("account.name"), nullable=False),
    Column("expires", _DOUBLE, nullable=False),
    sqlite_strict=True,
)
"""One-time links; a row is taken away when its link is used."""

collection = Table(
    "collection",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("owner", Text, ForeignKey("account.name"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("intro", Text, nullable=False),
    Column("share_sha256", Text, unique=True),
    Column("created", Text, nullable=False),
    Column("used", Integer, nullable=False),
    Column("deleted", Text),
    sqlite_strict=True,
)
"""Lessons that a person keeps. ``share_sha256`` is of the token in the link that lets others read;
null: nobody else may. ``used`` counts up over all collections: the highest was used last. Times are
UTC, ISO 8601."""

collection_lesson = Table(
    "collection_lesson",
    metadata,
    Column("collection", Integer, ForeignKey("collection.id"), primary_key=True),
    Column("lesson_id", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("note", Text, nullable=False),
    Column("removed", Text),
    sqlite_strict=True,
)
"""``lesson_id`` may name a lesson that is gone since. A row with ``removed`` (UTC, ISO 8601) waits
to be put back or forgotten."""

head = Table(
    "head",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("at", Text, nullable=False),
    Column("data", Text, nullable=False),
    Column("is_active", Integer, nullable=False),
    sqlite_strict=True,
)
"""Lesson classifiers trained here, with their figures; older ones are kept."""

saved_search = Table(
    "saved_search",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account", Text, ForeignKey("account.name"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("created", Text, nullable=False),
    Column("since", Integer, nullable=False),
    Column("in_digest", Integer, nullable=False),
    Column("deleted", Text),
    sqlite_strict=True,
)
"""What people search for again and again. ``since`` is the change up to which they were told."""

saved_sent = Table(
    "saved_sent",
    metadata,
    Column("search", Integer, ForeignKey("saved_search.id"), primary_key=True, autoincrement=False),
    Column("lesson_id", Text, primary_key=True),
    sqlite_strict=True,
)
"""The lessons a digest has told of, so that none is told twice; they may be gone since."""

digest = Table(
    "digest",
    metadata,
    Column("account", Text, ForeignKey("account.name"), primary_key=True),
    Column("address", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("frequency", Text, nullable=False),
    Column("confirmed", Text),
    Column("token_sha256", Text, unique=True),
    Column("expires", _DOUBLE),
    Column("stop_key", Text, nullable=False, unique=True),
    Column("sent", Text),
    Column("doubtful", Text),
    sqlite_strict=True,
)
"""Where news of the saved searches of an account is sent. The row goes when the person ends it."""

profile = Table(
    "profile",
    metadata,
    Column("account", Text, ForeignKey("account.name"), primary_key=True),
    Column("phase", Text),
    Column("start_year", Integer),
    Column("start_month", Integer),
    Column("programme_type", Text),
    Column("years", Integer),
    Column("municipalities", Integer),
    sqlite_strict=True,
)
"""Where the programme of a person is, as they told it; what they left open is null."""

self_check = Table(
    "self_check",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account", Text, ForeignKey("account.name"), nullable=False),
    Column("phase", Text, nullable=False),
    Column("lesson_id", Text, nullable=False),
    Column("mark", Text),
    Column("note", Text, nullable=False),
    Column("at", Text, nullable=False),
    Index("ix_self_check_place", "account", "phase"),
    sqlite_strict=True,
)
"""What a person made of a lesson; the newest row of a lesson counts, and undoing takes it away. A
null ``mark`` is none. The lesson may be gone since. ``at`` is UTC, ISO 8601."""
