"""Tasks: questions to stewards."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

OPEN = sa.text("state = 'open'")


def upgrade() -> None:
    op.create_table(
        "task",
        number("task_id"),
        words("kind"),
        words("question"),
        words("entity_type"),
        words("state"),
        number("left_eid", nullable=True),
        number("right_eid", nullable=True),
        number("left_rid", nullable=True),
        number("right_rid", nullable=True),
        sa.Column("bits", sa.Double(), nullable=True),
        number("records"),
        number("priority"),
        words("details"),
        sa.Column("version", sa.Integer(), nullable=False),
        words("opened_at"),
        number("opened_run", nullable=True),
        words("closed_at", nullable=True),
        number("closed_run", nullable=True),
        words("reason", nullable=True),
        number("verdict_id", nullable=True),
        sa.PrimaryKeyConstraint("task_id"),
        sa.CheckConstraint("state in ('open', 'applied', 'obsolete')"),
    )
    op.create_index("task_question", "task", ["question"], unique=True, sqlite_where=OPEN, postgresql_where=OPEN)
    for column in ("left_eid", "right_eid", "left_rid", "priority"):
        op.create_index(f"task_{column}", "task", [column], sqlite_where=OPEN, postgresql_where=OPEN)
    counter = sa.table("counter", sa.column("name", sa.Text()), sa.column("value", sa.BigInteger()))
    op.bulk_insert(counter, [{"name": "task", "value": 0}])


def number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column(name, kind, autoincrement=False, nullable=nullable)


def words(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)
