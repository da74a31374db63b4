"""The audit trail a page at a time: who did what to whom, when and why."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from mdm.ids import entity_id
from mdm.store import audit
from mdm.store.audit import Entry

ROWS = 50


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines: by whom, what (whole or its beginning), about what; empty: all. before: a number to go on from."""

    actor: str = ""
    action: str = ""
    subject: str = ""
    before: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A line in words. facts: (name, text) of its details; erased: they were erased."""

    number: int
    recorded_at: str
    actor: str
    action: str
    subject: str
    facts: tuple[tuple[str, str], ...]
    erased: bool


@dataclass(frozen=True, slots=True)
class Trail:
    """Some lines, newest first, and the number before which the next ones stand; None at the end."""

    lines: tuple[Line, ...]
    next: int | None


def trail(connection: Connection, wanted: Wanted) -> Trail:
    """The lines that are wanted, newest first."""
    found = audit.listed(
        connection,
        before=wanted.before,
        limit=ROWS + 1,
        actor=wanted.actor,
        action=wanted.action,
        subject=wanted.subject,
    )
    shown = found[:ROWS]
    return Trail(tuple(map(_line, shown)), shown[-1].audit_no if len(found) > ROWS else None)


def _line(entry: Entry) -> Line:
    details = {} if entry.details is None else entry.details
    facts = tuple((name, _text(name, value)) for name, value in details.items() if value not in (None, "", [], {}))
    return Line(
        entry.audit_no, entry.recorded_at, entry.actor, entry.action, entry.subject, facts, entry.details is None
    )


def _text(name: str, value: object) -> str:
    """A detail in one line; record names are pairs, entities numbers."""
    if name == "eid" and isinstance(value, int):
        return entity_id(value)
    if isinstance(value, list):
        parts = (":".join(map(str, each)) if isinstance(each, list) else str(each) for each in value)
        return ", ".join(parts)
    if isinstance(value, dict):
        return ", ".join(f"{key} {text}" for key, text in value.items())
    return str(value)
