"""Quality of records and sources; verdicts may be bound to the content of a record."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("record", sa.Column("quality", sa.Text(), nullable=False, server_default=sa.text("'-'")))
    op.add_column("verdict", sa.Column("content_hash", sa.Text(), nullable=True))
    op.create_table(
        "measure",
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("entity_type", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("dimension", sa.Text(), nullable=False),
        sa.Column("passed", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "source", "entity_type", "field", "dimension"),
    )
