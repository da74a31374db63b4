"""Corrections: the values that a verdict gives instead of delivered ones."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("verdict", sa.Column("corrections", sa.Text(), nullable=True))
