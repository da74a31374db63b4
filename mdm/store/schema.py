"""The tables of the store, one definition for SQLite and PostgreSQL.

Integer keys, JSON as text that the store never looks into. The big tables carry no foreign keys: PostgreSQL would check
them row by row during COPY, and `mdm verify` checks the same invariants over whole sets.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)

# INTEGER PRIMARY KEY is SQLite's own row id; BIGINT PRIMARY KEY would cost a second b-tree.
WIDE = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData()


def _text(name: str, *, absent: bool = False) -> Column[str]:
    return Column(name, Text, nullable=absent)


def _wide(name: str, *, key: bool = False, absent: bool = False) -> Column[int]:
    return Column(name, WIDE, primary_key=key, autoincrement=False, nullable=absent)


def _state(*allowed: str) -> CheckConstraint:
    return CheckConstraint(f"state in ({', '.join(repr(state) for state in allowed)})")


source = Table(
    "source",
    metadata,
    _wide("source_id", key=True),
    _text("name"),
    UniqueConstraint("name"),
)

record = Table(
    "record",
    metadata,
    _wide("rid", key=True),
    _wide("source_id"),
    _text("record_id"),
    _text("entity_type"),
    _text("state"),
    _text("content_hash"),
    _text("updated_at", absent=True),
    Column("version", Integer, nullable=False),
    _text("recorded_at"),
    _wide("run_id", absent=True),
    Column("resolved", SmallInteger, nullable=False),
    _wide("eid", absent=True),
    Column("quality", Text, nullable=False, server_default=text("'-'")),
    UniqueConstraint("source_id", "record_id"),
    _state("active", "quarantined", "deleted"),
)
Index("record_eid", record.c.eid)
Index(
    "record_unresolved",
    record.c.rid,
    sqlite_where=text("resolved = 0"),
    postgresql_where=text("resolved = 0"),
)

# What a record says, apart from what is decided about it: a decision about a million records rewrites 150 bytes of
# each, not three thousand.
record_body = Table(
    "record_body",
    metadata,
    _wide("rid", key=True),
    Column("keys", LargeBinary, nullable=False),
    _text("payload"),
    _text("claims"),
    _text("features"),
    _text("issues"),
)

record_version = Table(
    "record_version",
    metadata,
    _wide("rid", key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    _text("state"),
    _text("content_hash"),
    _text("updated_at", absent=True),
    _text("recorded_at"),
    _wide("run_id", absent=True),
    _text("payload"),
)

record_key = Table(
    "record_key",
    metadata,
    _wide("key", key=True),
    _wide("rid", key=True),
    sqlite_with_rowid=False,
)

link = Table(
    "link",
    metadata,
    _wide("left_rid", key=True),
    _wide("right_rid", key=True),
    Column("bits", Double, nullable=False),
    _text("levels"),
    _text("release_id"),
    CheckConstraint("left_rid < right_rid"),
    sqlite_with_rowid=False,
)
Index("link_right", link.c.right_rid)

entity = Table(
    "entity",
    metadata,
    _wide("eid", key=True),
    _text("entity_type"),
    _text("state"),
    Column("redirect_eid", WIDE, ForeignKey("entity.eid"), nullable=True),
    Column("version", Integer, nullable=False),
    _wide("created_run", absent=True),
    _state("active", "redirected", "retired"),
)
Index("entity_redirect", entity.c.redirect_eid)

change = Table(
    "change",
    metadata,
    _wide("change_no", key=True),
    _wide("run_id", absent=True),
    _text("recorded_at"),
)

membership_log = Table(
    "membership_log",
    metadata,
    _wide("eid", key=True),
    _wide("change_no", key=True),
    _wide("rid", key=True),
    Column("joined", SmallInteger, nullable=False),
    sqlite_with_rowid=False,
)
Index("membership_log_rid", membership_log.c.rid)

golden = Table(
    "golden",
    metadata,
    _wide("eid", key=True),
    Column("version", Integer, nullable=False),
    _text("recorded_at"),
    _wide("change_no"),
    _text("values"),
)

golden_version = Table(
    "golden_version",
    metadata,
    _wide("eid", key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    _text("recorded_at"),
    _wide("change_no"),
    _text("values"),
)

verdict = Table(
    "verdict",
    metadata,
    _wide("verdict_id", key=True),
    _text("kind"),
    _text("left_records"),
    _text("right_records"),
    _text("reason"),
    _text("actor"),
    _text("recorded_at"),
    Column("undoes", WIDE, ForeignKey("verdict.verdict_id"), nullable=True),
    _text("content_hash", absent=True),
    _text("corrections", absent=True),
    _text("comment", absent=True),
    _text("details", absent=True),
    UniqueConstraint("undoes"),
)

task = Table(
    "task",
    metadata,
    _wide("task_id", key=True),
    _text("kind"),
    _text("question"),
    _text("entity_type"),
    _text("state"),
    _wide("left_eid", absent=True),
    _wide("right_eid", absent=True),
    _wide("left_rid", absent=True),
    _wide("right_rid", absent=True),
    Column("bits", Double, nullable=True),
    _wide("records"),
    _wide("priority"),
    _text("details"),
    Column("version", Integer, nullable=False),
    _text("opened_at"),
    _wide("opened_run", absent=True),
    _text("closed_at", absent=True),
    _wide("closed_run", absent=True),
    _text("reason", absent=True),
    _wide("verdict_id", absent=True),
    Column("fingerprint", BigInteger, nullable=False, server_default=text("0")),
    _text("assignee", absent=True),
    _text("claimed_by", absent=True),
    _text("claimed_until", absent=True),
    _text("deferred_until", absent=True),
    _text("proposal", absent=True),
    _state("open", "applied", "obsolete"),
)
_OPEN = text("state = 'open'")
Index("task_question", task.c.question, unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN)
for _searched in ("left_eid", "right_eid", "left_rid", "priority"):
    Index(f"task_{_searched}", task.c[_searched], sqlite_where=_OPEN, postgresql_where=_OPEN)

# The values that hold instead of what records claim, by the record that each is bound to: a reading of the verdicts.
pin = Table(
    "pin",
    metadata,
    _wide("rid"),
    _text("field"),
    _wide("verdict_id"),
    _text("value"),
    _text("expires_at", absent=True),
    PrimaryKeyConstraint("rid", "field"),
)

former_source = Table(
    "former_source",
    metadata,
    _text("name"),
    _wide("last_verdict"),
    _wide("source_id"),
    PrimaryKeyConstraint("name", "last_verdict"),
)

alias = Table(
    "alias",
    metadata,
    Column("alias", Text, primary_key=True),
    _wide("eid"),
)
Index("alias_eid", alias.c.eid)

imported = Table(
    "imported",
    metadata,
    _wide("source_id", key=True),
    Column("record_id", Text, primary_key=True),
    _wide("eid"),
)
Index("imported_eid", imported.c.eid)

release = Table(
    "release",
    metadata,
    Column("release_id", Text, primary_key=True),
    _text("entity_type"),
    _text("created_at"),
    Column("records", BigInteger, nullable=False),
    _text("policy_hash"),
    _text("body"),
)

active_release = Table(
    "active_release",
    metadata,
    Column("entity_type", Text, primary_key=True),
    Column("release_id", Text, ForeignKey("release.release_id"), nullable=False),
    _text("activated_at"),
)

event = Table(
    "event",
    metadata,
    _wide("event_no", key=True),
    _text("kind"),
    _wide("eid"),
    _wide("run_id", absent=True),
    _text("fields"),
    _text("details"),
    _text("recorded_at"),
)

quarantined_row = Table(
    "quarantined_row",
    metadata,
    _wide("row_no", key=True),
    _wide("run_id"),
    _text("source"),
    _text("file"),
    Column("line", BigInteger, nullable=False),
    _text("reason"),
    _text("raw"),
)
Index("quarantined_row_run", quarantined_row.c.run_id)

run = Table(
    "run",
    metadata,
    _wide("run_id", key=True),
    _text("kind"),
    _text("started_at"),
    _text("finished_at", absent=True),
    _text("outcome", absent=True),
    _text("counts"),
)

measure = Table(
    "measure",
    metadata,
    _wide("run_id", key=True),
    Column("source", Text, primary_key=True),
    Column("entity_type", Text, primary_key=True),
    Column("field", Text, primary_key=True),
    Column("dimension", Text, primary_key=True),
    Column("passed", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    _wide("audit_no", key=True),
    _text("actor"),
    _text("action"),
    _text("subject"),
    _text("details", absent=True),
    _text("salt", absent=True),
    _text("details_digest"),
    _text("recorded_at"),
    _text("digest"),
)

# What was decided in real time, by the change that did it: see `arrivals`.
arrival = Table(
    "arrival",
    metadata,
    _wide("change_no", key=True),
    _wide("rid", key=True),
    Column("kind", SmallInteger, nullable=False),
    sqlite_with_rowid=False,
)

# The policy by which the records of a type were read last, where it is not the active release's.
reading = Table(
    "reading",
    metadata,
    Column("entity_type", Text, primary_key=True),
    _text("policy_hash"),
)

api_key = Table(
    "api_key",
    metadata,
    _wide("key_no", key=True),
    _text("name"),
    _text("digest"),
    _text("role"),
    _text("sources", absent=True),
    _text("created_at"),
    _text("expires_at", absent=True),
    _text("revoked_at", absent=True),
    UniqueConstraint("digest"),
    UniqueConstraint("name"),
)

# People who sign in to the pages, and the sessions in which they are signed in.
account = Table(
    "account",
    metadata,
    _wide("account_no", key=True),
    _text("name"),
    _text("password"),
    _text("role"),
    _text("created_at"),
    _text("disabled_at", absent=True),
    UniqueConstraint("name"),
)

session = Table(
    "session",
    metadata,
    Column("digest", Text, primary_key=True),
    _wide("account_no"),
    _text("created_at"),
    _text("expires_at"),
)
Index("session_account_no", session.c.account_no)

# Answers to requests that carried an Idempotency-Key, so that a repeat is answered without being done again.
idempotency = Table(
    "idempotency",
    metadata,
    Column("digest", Text, primary_key=True),
    _text("request"),
    Column("status", Integer, nullable=False),
    _text("body"),
    _text("recorded_at"),
)
Index("idempotency_recorded_at", idempotency.c.recorded_at)

counter = Table(
    "counter",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
)
