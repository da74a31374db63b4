"""Crosswalk: what another master said, and names of entities from elsewhere."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alias",
        sa.Column("alias", sa.Text(), nullable=False),
        number("eid"),
        sa.PrimaryKeyConstraint("alias"),
    )
    op.create_index("alias_eid", "alias", ["eid"])
    op.create_table(
        "imported",
        number("source_id"),
        sa.Column("record_id", sa.Text(), nullable=False),
        number("eid"),
        sa.PrimaryKeyConstraint("source_id", "record_id"),
    )
    op.create_index("imported_eid", "imported", ["eid"])


def number(name: str) -> sa.Column[int]:
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column(name, kind, autoincrement=False, nullable=False)
