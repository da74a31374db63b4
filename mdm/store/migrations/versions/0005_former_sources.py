"""Former names of sources."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "former_source",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("last_verdict", kind, autoincrement=False, nullable=False),
        sa.Column("source_id", kind, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("name", "last_verdict"),
    )
