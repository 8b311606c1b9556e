"""First tables: programmes, reports, lessons with evidence, vectors, and the word index."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "gone",
        sa.Column("lesson_id", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("lesson_id"),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_gone_generation"), "gone", ["generation"], unique=False)
    op.create_table(
        "programme",
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("programme_type", sa.Text(), nullable=True),
        sa.Column("period_from", sa.Integer(), nullable=True),
        sa.Column("period_to", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("slug"),
        sqlite_strict=True,
    )
    op.create_table(
        "state",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("index_name", sa.Text(), nullable=True),
        sa.Column("index_generation", sa.Integer(), nullable=True),
        sa.Column("index_model_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_strict=True,
    )
    op.create_table(
        "report",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("programme_name", sa.Text(), nullable=True),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("report_type", sa.Text(), nullable=True),
        sa.Column("client", sa.Text(), nullable=True),
        sa.Column("contractor", sa.Text(), nullable=True),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("sources", sa.Text(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme"],
            ["programme.slug"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("added"),
        sa.UniqueConstraint("sha256"),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_report_programme"), "report", ["programme"], unique=False)
    op.create_table(
        "lesson",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("report_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("is_edited", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["report_id"],
            ["report.id"],
        ),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("id"),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_lesson_changed"), "lesson", ["changed"], unique=False)
    op.create_index("ix_lesson_place", "lesson", ["report_id", "position"], unique=True)
    op.create_table(
        "page",
        sa.Column("report_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("text_sha256", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["report_id"],
            ["report.id"],
        ),
        sa.PrimaryKeyConstraint("report_id", "number"),
        sqlite_strict=True,
    )
    op.create_table(
        "evidence",
        sa.Column("lesson_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("section", sa.Text(), nullable=False),
        sa.Column("quote", sa.Text(), nullable=False),
        sa.Column("lead_in", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["lesson_id"],
            ["lesson.id"],
        ),
        sa.PrimaryKeyConstraint("lesson_id", "position"),
        sqlite_strict=True,
    )
    op.create_table(
        "lesson_theme",
        sa.Column("lesson_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("theme", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Double().with_variant(sa.REAL(), "sqlite"), nullable=False),
        sa.Column("assigned_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["lesson_id"],
            ["lesson.id"],
        ),
        sa.PrimaryKeyConstraint("lesson_id", "position"),
        sqlite_strict=True,
    )
    op.create_index("ix_lesson_theme_theme", "lesson_theme", ["theme", "lesson_id"], unique=True)
    op.create_table(
        "vector",
        sa.Column("lesson_id", sa.Text(), nullable=False),
        sa.Column("model_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("dim", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["lesson_id"],
            ["lesson.id"],
        ),
        sa.PrimaryKeyConstraint("lesson_id", "model_id", "position"),
        sqlite_strict=True,
    )
    op.create_table(
        "evidence_span",
        sa.Column("lesson_id", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("report_id", sa.Text(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("start_at", sa.Integer(), nullable=False),
        sa.Column("end_at", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["lesson_id", "evidence"],
            ["evidence.lesson_id", "evidence.position"],
        ),
        sa.ForeignKeyConstraint(
            ["report_id", "page"],
            ["page.report_id", "page.number"],
        ),
        sa.PrimaryKeyConstraint("lesson_id", "evidence", "position"),
        sqlite_strict=True,
    )
    op.create_index("ix_evidence_span_page", "evidence_span", ["report_id", "page"], unique=False)
    op.execute("INSERT INTO state (id, generation) VALUES (1, 0)")
    if op.get_bind().dialect.name == "sqlite":
        _words_in_sqlite()


def _words_in_sqlite() -> None:
    """FTS5 is SQLite's own; on another database the word leg gets a table of its own kind."""
    op.execute(
        "CREATE VIRTUAL TABLE lesson_grams USING fts5 (grams, "
        "tokenize = \"unicode61 remove_diacritics 0 categories 'L* M* N* P* S* Co'\")"
    )
    op.execute("CREATE VIRTUAL TABLE lesson_gram_count USING fts5vocab (lesson_grams, row)")
