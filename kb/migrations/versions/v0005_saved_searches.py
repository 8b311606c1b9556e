"""Searches that people keep, and the e-mails that tell what is new in them."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "saved_search",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("account", sa.Text(), sa.ForeignKey("account.name"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("created", sa.Text(), nullable=False),
        sa.Column("since", sa.Integer(), nullable=False),
        sa.Column("in_digest", sa.Integer(), nullable=False),
        sa.Column("deleted", sa.Text()),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_saved_search_account"), "saved_search", ["account"])
    op.create_table(
        "saved_sent",
        sa.Column("search", sa.Integer(), sa.ForeignKey("saved_search.id"), primary_key=True),
        sa.Column("lesson_id", sa.Text(), primary_key=True),
        sqlite_strict=True,
    )
    op.create_table(
        "digest",
        sa.Column("account", sa.Text(), sa.ForeignKey("account.name"), primary_key=True),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("frequency", sa.Text(), nullable=False),
        sa.Column("confirmed", sa.Text()),
        sa.Column("token_sha256", sa.Text(), unique=True),
        sa.Column("expires", sa.REAL()),
        sa.Column("stop_key", sa.Text(), nullable=False, unique=True),
        sa.Column("sent", sa.Text()),
        sa.Column("doubtful", sa.Text()),
        sqlite_strict=True,
    )
