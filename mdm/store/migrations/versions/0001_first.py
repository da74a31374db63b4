"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

COUNTERS = ("source", "rid", "eid", "change", "event", "verdict", "run", "audit", "quarantined")


def upgrade() -> None:
    create_records()
    create_matching()
    create_entities()
    create_golden()
    create_decisions()
    create_operations()


def number(name: str, *arguments: sa.ForeignKey, nullable: bool = False) -> sa.Column[int]:
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column(name, kind, *arguments, autoincrement=False, nullable=nullable)


def words(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def small(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.SmallInteger(), nullable=False)


def version() -> sa.Column[int]:
    return sa.Column("version", sa.Integer(), autoincrement=False, nullable=False)


def create_records() -> None:
    op.create_table(
        "source",
        number("source_id"),
        words("name"),
        sa.PrimaryKeyConstraint("source_id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "record",
        number("rid"),
        number("source_id"),
        words("record_id"),
        words("entity_type"),
        words("state"),
        words("content_hash"),
        words("updated_at", nullable=True),
        version(),
        words("recorded_at"),
        number("run_id", nullable=True),
        small("resolved"),
        number("eid", nullable=True),
        sa.PrimaryKeyConstraint("rid"),
        sa.UniqueConstraint("source_id", "record_id"),
        sa.CheckConstraint("state in ('active', 'quarantined', 'deleted')"),
    )
    op.create_index("record_eid", "record", ["eid"])
    unresolved = sa.text("resolved = 0")
    op.create_index("record_unresolved", "record", ["rid"], sqlite_where=unresolved, postgresql_where=unresolved)
    op.create_table(
        "record_body",
        number("rid"),
        sa.Column("keys", sa.LargeBinary(), nullable=False),
        words("payload"),
        words("claims"),
        words("features"),
        words("issues"),
        sa.PrimaryKeyConstraint("rid"),
    )
    op.create_table(
        "record_version",
        number("rid"),
        version(),
        words("state"),
        words("content_hash"),
        words("updated_at", nullable=True),
        words("recorded_at"),
        number("run_id", nullable=True),
        words("payload"),
        sa.PrimaryKeyConstraint("rid", "version"),
    )


def create_matching() -> None:
    op.create_table(
        "record_key",
        number("key"),
        number("rid"),
        sa.PrimaryKeyConstraint("key", "rid"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "link",
        number("left_rid"),
        number("right_rid"),
        sa.Column("bits", sa.Double(), nullable=False),
        words("levels"),
        words("release_id"),
        sa.PrimaryKeyConstraint("left_rid", "right_rid"),
        sa.CheckConstraint("left_rid < right_rid"),
        sqlite_with_rowid=False,
    )
    op.create_index("link_right", "link", ["right_rid"])


def create_entities() -> None:
    op.create_table(
        "entity",
        number("eid"),
        words("entity_type"),
        words("state"),
        number("redirect_eid", sa.ForeignKey("entity.eid"), nullable=True),
        version(),
        number("created_run", nullable=True),
        sa.PrimaryKeyConstraint("eid"),
        sa.CheckConstraint("state in ('active', 'redirected', 'retired')"),
    )
    op.create_index("entity_redirect", "entity", ["redirect_eid"])
    op.create_table(
        "change",
        number("change_no"),
        number("run_id", nullable=True),
        words("recorded_at"),
        sa.PrimaryKeyConstraint("change_no"),
    )
    op.create_table(
        "membership_log",
        number("eid"),
        number("change_no"),
        number("rid"),
        small("joined"),
        sa.PrimaryKeyConstraint("eid", "change_no", "rid"),
        sqlite_with_rowid=False,
    )
    op.create_index("membership_log_rid", "membership_log", ["rid"])


def create_golden() -> None:
    for table, key in (("golden", ("eid",)), ("golden_version", ("eid", "version"))):
        op.create_table(
            table,
            number("eid"),
            version(),
            words("recorded_at"),
            number("change_no"),
            words("values"),
            sa.PrimaryKeyConstraint(*key),
        )


def create_decisions() -> None:
    op.create_table(
        "verdict",
        number("verdict_id"),
        words("kind"),
        words("left_records"),
        words("right_records"),
        words("reason"),
        words("actor"),
        words("recorded_at"),
        number("undoes", sa.ForeignKey("verdict.verdict_id"), nullable=True),
        sa.PrimaryKeyConstraint("verdict_id"),
        sa.UniqueConstraint("undoes"),
    )
    op.create_table(
        "release",
        words("release_id"),
        words("entity_type"),
        words("created_at"),
        sa.Column("records", sa.BigInteger(), nullable=False),
        words("policy_hash"),
        words("body"),
        sa.PrimaryKeyConstraint("release_id"),
    )
    op.create_table(
        "active_release",
        words("entity_type"),
        sa.Column("release_id", sa.Text(), sa.ForeignKey("release.release_id"), nullable=False),
        words("activated_at"),
        sa.PrimaryKeyConstraint("entity_type"),
    )


def create_operations() -> None:
    op.create_table(
        "event",
        number("event_no"),
        words("kind"),
        number("eid"),
        number("run_id", nullable=True),
        words("fields"),
        words("details"),
        words("recorded_at"),
        sa.PrimaryKeyConstraint("event_no"),
    )
    op.create_table(
        "quarantined_row",
        number("row_no"),
        number("run_id"),
        words("source"),
        words("file"),
        sa.Column("line", sa.BigInteger(), nullable=False),
        words("reason"),
        words("raw"),
        sa.PrimaryKeyConstraint("row_no"),
    )
    op.create_index("quarantined_row_run", "quarantined_row", ["run_id"])
    op.create_table(
        "run",
        number("run_id"),
        words("kind"),
        words("started_at"),
        words("finished_at", nullable=True),
        words("outcome", nullable=True),
        words("counts"),
        sa.PrimaryKeyConstraint("run_id"),
    )
    create_audit()
    create_counters()


def create_audit() -> None:
    op.create_table(
        "audit",
        number("audit_no"),
        words("actor"),
        words("action"),
        words("subject"),
        words("details", nullable=True),
        words("salt", nullable=True),
        words("details_digest"),
        words("recorded_at"),
        words("digest"),
        sa.PrimaryKeyConstraint("audit_no"),
    )


def create_counters() -> None:
    counter = op.create_table(
        "counter",
        words("name"),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.bulk_insert(counter, [{"name": name, "value": 0} for name in COUNTERS])
