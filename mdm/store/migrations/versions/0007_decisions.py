"""Decisions: comments and details of verdicts, who works on a task, values that stewards pinned."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TASK_WORDS = ("assignee", "claimed_by", "claimed_until", "deferred_until", "proposal")


def upgrade() -> None:
    for name in ("comment", "details"):
        op.add_column("verdict", words(name, nullable=True))
    op.add_column("task", sa.Column("fingerprint", sa.BigInteger(), nullable=False, server_default=sa.text("0")))
    for name in TASK_WORDS:
        op.add_column("task", words(name, nullable=True))
    op.create_table(
        "pin",
        number("rid"),
        words("field"),
        number("verdict_id"),
        words("value"),
        words("expires_at", nullable=True),
        sa.PrimaryKeyConstraint("rid", "field"),
    )


def number(name: str) -> sa.Column[int]:
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column(name, kind, autoincrement=False, nullable=False)


def words(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)
