"""The desk: decisions with history, editions, jobs, accounts, relations, trained heads."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    _widen()
    _history()
    _jobs()
    _accounts()
    op.create_table(
        "head",
        sa.Column("number", sa.Integer(), primary_key=True),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Integer(), nullable=False),
        sqlite_strict=True,
    )


def _widen() -> None:
    op.add_column("programme", sa.Column("municipalities", sa.Integer()))
    op.add_column("programme", sa.Column("inhabitants", sa.Integer()))
    op.add_column("programme", sa.Column("budget", sa.Text()))
    op.add_column("report", sa.Column("changed", sa.Integer(), nullable=False, server_default="0"))
    op.execute("UPDATE report SET changed = added")
    op.add_column("report", sa.Column("edition_of", sa.Text()))
    op.add_column("report", sa.Column("text_key", sa.Text()))
    op.create_index(op.f("ix_report_text_key"), "report", ["text_key"])
    for reason in ("kind_reason", "phase_reason"):
        op.add_column("lesson", sa.Column(reason, sa.Text(), nullable=False, server_default=""))
    op.add_column("lesson", sa.Column("confidence", sa.REAL()))
    op.add_column("lesson", sa.Column("merged_into", sa.Text()))
    op.add_column("lesson", sa.Column("previous", sa.Text()))
    op.add_column(
        "lesson", sa.Column("has_changed", sa.Integer(), nullable=False, server_default="0")
    )
    op.create_index(op.f("ix_lesson_previous"), "lesson", ["previous"])
    op.drop_index("ix_lesson_place", "lesson")
    op.create_index("ix_lesson_place", "lesson", ["report_id", "position"])


def _history() -> None:
    op.create_table(
        "change",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("report_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("undoes", sa.Integer(), unique=True),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_change_report_id"), "change", ["report_id"])
    op.create_table(
        "change_item",
        sa.Column("change_id", sa.Integer(), sa.ForeignKey("change.id"), primary_key=True),
        sa.Column("position", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("report_id", sa.Text(), nullable=False),
        sa.Column("lesson_id", sa.Text()),
        sa.Column("before", sa.Text()),
        sa.Column("after", sa.Text()),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_change_item_lesson_id"), "change_item", ["lesson_id"])
    op.create_table(
        "relation",
        sa.Column("first", sa.Text(), sa.ForeignKey("lesson.id"), primary_key=True),
        sa.Column("second", sa.Text(), sa.ForeignKey("lesson.id"), primary_key=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_relation_second"), "relation", ["second"])


def _jobs() -> None:
    op.create_table(
        "job",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("with_ocr", sa.Integer(), nullable=False),
        sa.Column("publish", sa.Integer(), nullable=False),
        sa.Column("edition_of", sa.Text()),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text()),
        sa.Column("progress", sa.REAL(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("worker", sa.Text()),
        sa.Column("lease_until", sa.REAL()),
        sa.Column("error_code", sa.Text()),
        sa.Column("error_detail", sa.Text()),
        sa.Column("report_id", sa.Text()),
        sa.Column("created", sa.REAL(), nullable=False),
        sa.Column("updated", sa.REAL(), nullable=False),
        sa.Column("took_ms", sa.Text()),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_job_sha256"), "job", ["sha256"])
    op.create_index(op.f("ix_job_state"), "job", ["state"])


def _accounts() -> None:
    op.create_table(
        "account",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("password_hash", sa.Text()),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("session_key", sa.Text(), nullable=False),
        sa.Column("is_disabled", sa.Integer(), nullable=False),
        sa.Column("created", sa.Text(), nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "login_link",
        sa.Column("token_sha256", sa.Text(), primary_key=True),
        sa.Column("account", sa.Text(), sa.ForeignKey("account.name"), nullable=False),
        sa.Column("expires", sa.REAL(), nullable=False),
        sqlite_strict=True,
    )
