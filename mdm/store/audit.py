"""The audit trail: a hash chain over keyed digests, so that details can be erased without breaking it."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from mdm.store import counters
from mdm.store.prepared import run
from mdm.store.schema import audit
from mdm.store.store import recorded_at

START = "0" * 64
_CHAINED = ("audit_no", "actor", "action", "subject", "details_digest", "recorded_at")
_DIGEST = select(audit.c.digest).where(audit.c.audit_no == bindparam("number"))
_APPEND = audit.insert()


def append(connection: Connection, actor: str, action: str, *, subject: str, details: Mapping[str, Any]) -> int:
    """The number of the new row. Call it last in a transaction: it locks the end of the chain."""
    audit_no = counters.allocate(connection, "audit", 1)
    previous = next((digest for (digest,) in run(connection, _DIGEST, {"number": audit_no - 1})), START)
    written, salt = json.dumps(dict(details), sort_keys=True), secrets.token_hex(16)
    row = {
        "audit_no": audit_no,
        "actor": actor,
        "action": action,
        "subject": subject,
        "details_digest": _details_digest(salt, written),
        "recorded_at": recorded_at(connection),
    }
    run(connection, _APPEND, {**row, "details": written, "salt": salt, "digest": _digest(previous, row)})
    return audit_no


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the trail; details: None when they were erased."""

    audit_no: int
    recorded_at: str
    actor: str
    action: str
    subject: str
    details: Mapping[str, Any] | None


def listed(
    connection: Connection, *, before: int | None, limit: int, actor: str = "", action: str = "", subject: str = ""
) -> list[Entry]:
    """The lines with a smaller number than `before`, newest first; actor, action, subject: only those, empty for all.

    An action is named whole or by its beginning.
    """
    statement = select(audit).order_by(audit.c.audit_no.desc()).limit(limit)
    if before is not None:
        statement = statement.where(audit.c.audit_no < before)
    for column, wanted in ((audit.c.actor, actor), (audit.c.subject, subject)):
        if wanted:
            statement = statement.where(column == wanted)
    if action:
        statement = statement.where(func.substr(audit.c.action, 1, len(action)) == action)
    return [_entry(dict(row._mapping)) for row in connection.execute(statement)]


def _entry(row: Mapping[str, Any]) -> Entry:
    details = None if row["details"] is None else json.loads(row["details"])
    return Entry(row["audit_no"], row["recorded_at"], row["actor"], row["action"], row["subject"], details)


def erase_details(connection: Connection, audit_no: int) -> None:
    """Nothing; the details of that row cannot be read or guessed any more, and the chain still holds."""
    connection.execute(audit.update().where(audit.c.audit_no == audit_no).values(details=None, salt=None))


def check_chain(connection: Connection) -> int | None:
    """The number of the first row that was changed or is missing; None when the whole trail stands."""
    previous, expected = START, 1
    for row in connection.execute(select(audit).order_by(audit.c.audit_no)):
        if row.audit_no != expected or not _holds(previous, dict(row._mapping)):
            return expected
        previous, expected = row.digest, expected + 1
    return None if counters.last(connection, "audit") == expected - 1 else expected


def _holds(previous: str, row: Mapping[str, Any]) -> bool:
    if row["details"] is not None and _details_digest(row["salt"] or "", row["details"]) != row["details_digest"]:
        return False
    return bool(row["digest"] == _digest(previous, row))


def _digest(previous: str, row: Mapping[str, Any]) -> str:
    canonical = json.dumps([row[name] for name in _CHAINED], separators=(",", ":"))
    return hashlib.sha256((previous + canonical).encode()).hexdigest()


def _details_digest(salt: str, details: str) -> str:
    return hmac.new(salt.encode(), details.encode(), hashlib.sha256).hexdigest()
