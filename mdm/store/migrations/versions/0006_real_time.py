"""Real time: the log of arrivals, the policy of reading, keys of callers, answers that can be repeated."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "arrival",
        number("change_no"),
        number("rid"),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("change_no", "rid"),
        sqlite_with_rowid=False,
    )
    op.create_table("reading", words("entity_type"), words("policy_hash"), sa.PrimaryKeyConstraint("entity_type"))
    create_keys()
    op.create_table(
        "idempotency",
        words("digest"),
        words("request"),
        sa.Column("status", sa.Integer(), nullable=False),
        words("body"),
        words("recorded_at"),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index("idempotency_recorded_at", "idempotency", ["recorded_at"])


def create_keys() -> None:
    op.create_table(
        "api_key",
        number("key_no"),
        words("name"),
        words("digest"),
        words("role"),
        words("sources", nullable=True),
        words("created_at"),
        words("expires_at", nullable=True),
        words("revoked_at", nullable=True),
        sa.PrimaryKeyConstraint("key_no"),
        sa.UniqueConstraint("digest"),
        sa.UniqueConstraint("name"),
    )
    counter = sa.table("counter", sa.column("name"), sa.column("value"))
    op.bulk_insert(counter, [{"name": "api_key", "value": 0}])


def number(name: str) -> sa.Column[int]:
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column(name, kind, autoincrement=False, nullable=False)


def words(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)
