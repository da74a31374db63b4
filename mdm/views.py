"""Views: one entity, now, at an earlier moment, or through time -> what a door shows of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection

from mdm.errors import BadInput, NotFound
from mdm.ids import entity_id
from mdm.store import entities, goldens, records
from mdm.store.store import moment_of


@dataclass(frozen=True, slots=True)
class MemberView:
    """A record of an entity; version and updated_at: of the record now."""

    source: str
    record_id: str
    version: int
    updated_at: str | None


@dataclass(frozen=True, slots=True)
class EntityView:
    """An entity; golden: field -> winning claims with their origin. redirect: where an old id leads in the end."""

    eid: int
    entity_type: str
    state: str
    version: int
    redirect: int | None
    recorded_at: str | None
    golden: Mapping[str, Any]
    members: tuple[MemberView, ...]


@dataclass(frozen=True, slots=True)
class Happening:
    """One change of an entity: records that joined and left, fields whose golden value changed, by name."""

    change_no: int
    recorded_at: str
    run_id: int | None
    joined: tuple[str, ...]
    left: tuple[str, ...]
    fields: tuple[str, ...]


def view(connection: Connection, eid: int) -> EntityView:
    """The entity as it is. Raises NotFound."""
    found = entities.get(connection, eid)
    redirect = None if found.redirect_eid is None else entities.resolve_redirect(connection, eid)
    stored = entities.golden(connection, [eid]).to_pylist()
    rids = entities.members(connection, [eid])["rid"].to_pylist()
    golden = orjson.loads(stored[0]["values"]) if stored else {}
    moment = stored[0]["recorded_at"] if stored else None
    members = _members(connection, rids)
    return EntityView(eid, found.entity_type, found.state, found.version, redirect, moment, golden, members)


def view_at(connection: Connection, eid: int, moment: str) -> EntityView:
    """The entity as it was at a moment, UTC ISO 8601 to the second. Raises NotFound, also when it was not yet."""
    found = entities.get(connection, eid)
    versions = [row for row in goldens.history(connection, eid).to_pylist() if row["recorded_at"] <= moment]
    rids = entities.membership_at(connection, eid, moment)
    if not versions:
        raise NotFound(f"entity {entity_id(eid)} was not there at {moment}")
    newest = versions[-1]
    # Golden values outlive their entity in the history; an entity without members was closed by then.
    state = "active" if rids else "closed"
    golden = orjson.loads(newest["values"]) if rids else {}
    members = _members(connection, rids)
    return EntityView(eid, found.entity_type, state, newest["version"], None, newest["recorded_at"], golden, members)


def history(connection: Connection, eid: int) -> list[Happening]:
    """Every change of the entity, oldest first. Raises NotFound."""
    entities.get(connection, eid)
    log = entities.membership_log_of(connection, eid).to_pylist()
    names = {r.rid: f"{r.source}:{r.record_id}" for r in records.by_rids(connection, {row["rid"] for row in log})}
    changed = _changed_fields(goldens.history(connection, eid).to_pylist())
    moments: dict[int, tuple[str, int | None]] = {no: (moment, None) for no, (moment, _) in changed.items()}
    moments |= {row["change_no"]: (row["recorded_at"], row["run_id"]) for row in log}
    moved: dict[tuple[int, int], list[str]] = {}
    for row in log:
        moved.setdefault((row["change_no"], row["joined"]), []).append(names[row["rid"]])
    return [
        Happening(
            change_no=no,
            recorded_at=moment,
            run_id=run_id,
            joined=tuple(sorted(moved.get((no, 1), ()))),
            left=tuple(sorted(moved.get((no, 0), ()))),
            fields=changed[no][1] if no in changed else (),
        )
        for no, (moment, run_id) in sorted(moments.items())
    ]


def _changed_fields(versions: list[dict[str, Any]]) -> dict[int, tuple[str, tuple[str, ...]]]:
    """change_no -> when, and the fields whose winners became other ones."""
    changed: dict[int, tuple[str, tuple[str, ...]]] = {}
    before: dict[str, Any] = {}
    for row in versions:
        now = orjson.loads(row["values"])
        fields = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
        changed[row["change_no"]] = row["recorded_at"], tuple(fields)
        before = now
    return changed


def parse_moment(text: str) -> str:
    """A moment as the store writes it, UTC to the second. Raises BadInput."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{text!r} is no moment; write it as 2026-01-31T12:00:00Z") from None
    return moment_of(moment)


def _members(connection: Connection, rids: list[int]) -> tuple[MemberView, ...]:
    columns = ["source", "record_id", "version", "updated_at"]
    rows = records.load(connection, rids, columns).to_pylist()
    found = (MemberView(*(row[name] for name in columns)) for row in rows)
    return tuple(sorted(found, key=lambda member: (member.source, member.record_id)))
