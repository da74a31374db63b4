"""Accounts: people who sign in to the pages, and their sessions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account",
        number("account_no"),
        words("name"),
        words("password"),
        words("role"),
        words("created_at"),
        words("disabled_at", nullable=True),
        sa.PrimaryKeyConstraint("account_no"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "session",
        words("digest"),
        number("account_no"),
        words("created_at"),
        words("expires_at"),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index("session_account_no", "session", ["account_no"])
    counter = sa.table("counter", sa.column("name"), sa.column("value"))
    op.bulk_insert(counter, [{"name": "account", "value": 0}])


def number(name: str) -> sa.Column[int]:
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column(name, kind, autoincrement=False, nullable=False)


def words(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)
