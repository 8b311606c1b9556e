"""Collections of lessons that people keep for themselves and may share."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "collection",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("owner", sa.Text(), sa.ForeignKey("account.name"), nullable=False, index=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("intro", sa.Text(), nullable=False),
        sa.Column("share_sha256", sa.Text(), unique=True),
        sa.Column("created", sa.Text(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("deleted", sa.Text()),
        sqlite_strict=True,
    )
    op.create_table(
        "collection_lesson",
        sa.Column("collection", sa.Integer(), sa.ForeignKey("collection.id"), primary_key=True),
        sa.Column("lesson_id", sa.Text(), primary_key=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("removed", sa.Text()),
        sqlite_strict=True,
    )
