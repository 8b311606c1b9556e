"""Where a person's programme is, and what they made of its lessons."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "profile",
        sa.Column("account", sa.Text(), sa.ForeignKey("account.name"), primary_key=True),
        sa.Column("phase", sa.Text()),
        sa.Column("start_year", sa.Integer()),
        sa.Column("start_month", sa.Integer()),
        sa.Column("programme_type", sa.Text()),
        sa.Column("years", sa.Integer()),
        sa.Column("municipalities", sa.Integer()),
        sqlite_strict=True,
    )
    op.create_table(
        "self_check",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("account", sa.Text(), sa.ForeignKey("account.name"), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("lesson_id", sa.Text(), nullable=False),
        sa.Column("mark", sa.Text()),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sqlite_strict=True,
    )
    op.create_index("ix_self_check_place", "self_check", ["account", "phase"])
