"""Entities: who belongs to whom, through which ids, with which golden values, now and at every earlier change.

Invariant: every member of an entity is a record whose `eid` names an active entity. A change that closes an entity
moves all its members in the same change, so its last members are the records that left it then.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, Select, func, select

from mdm.errors import NotFound
from mdm.store import counters, events, goldens, records
from mdm.store.bulk import bulk_insert, bulk_update, chunks, pairs, read_listed, read_table
from mdm.store.events import Event
from mdm.store.goldens import load as golden
from mdm.store.goldens import scan as scan_golden
from mdm.store.listed import among
from mdm.store.prepared import run
from mdm.store.schema import change, entity, membership_log, record
from mdm.store.stamps import stamp
from mdm.store.store import recorded_at

__all__ = [
    "Entity",
    "EntityChanges",
    "Event",
    "allocate_eids",
    "apply",
    "former_members",
    "get",
    "golden",
    "members",
    "membership_at",
    "membership_log_of",
    "redirects",
    "resolve_redirect",
    "scan_golden",
    "stamp",
    "types_of",
]

APPLY_ROWS = 100_000
Move = tuple[int, int | None, int | None]

_NOTE_CHANGE = change.insert()
_ENTITIES_OF = select(record.c.rid, record.c.eid).where(among(record.c.rid, "rids"))
_MEMBERS = select(record.c.eid, record.c.rid).where(among(record.c.eid, "eids"))
_REDIRECTS = select(entity.c.eid, entity.c.redirect_eid).where(among(entity.c.redirect_eid, "eids"))
_BUMP = entity.update().where(among(entity.c.eid, "eids")).values(version=entity.c.version + 1)
_TYPES = select(entity.c.eid, entity.c.entity_type).where(among(entity.c.eid, "eids"))
_STRAY = (
    select(record.c.rid, record.c.eid)
    .join(entity, entity.c.eid == record.c.eid)
    .where(among(record.c.eid, "eids"), entity.c.state != "active")
    .limit(1)
)


def _last_members() -> Select[Any]:
    """One row per (closed entity, last member), for entities that have a last member among the parameter `rids`."""
    log = membership_log.c
    theirs = (
        select(log.eid)
        .join(entity, entity.c.eid == log.eid)
        .where(among(log.rid, "rids"), log.joined == 0, entity.c.state != "active")
    )
    closing = (
        select(log.eid, func.max(log.change_no).label("change_no"))
        .where(log.eid.in_(theirs))
        .group_by(log.eid)
        .cte("closing")
    )
    last = (
        select(log.eid, log.rid)
        .join(closing, (closing.c.eid == log.eid) & (closing.c.change_no == log.change_no))
        .where(log.joined == 0)
        .cte("last")
    )
    return select(last.c.eid, last.c.rid).where(last.c.eid.in_(select(last.c.eid).where(among(last.c.rid, "rids"))))


_LAST_MEMBERS = _last_members()


@dataclass(frozen=True, slots=True)
class EntityChanges:
    """A decision about entities, whole: what it creates, closes, moves and publishes.

    created: (eid, entity_type). retired: (eid, the entity it redirects to, or None). revived: closed eids in use again.
    membership: (rid, eid), None for a record that belongs to nobody; unchanged ones may be named and become resolved.
    golden: (eid, values as JSON text with their origin); equal values make no new version. run_id: None in real time.
    """

    created: Sequence[tuple[int, str]] = ()
    retired: Sequence[tuple[int, int | None]] = ()
    revived: Sequence[int] = ()
    membership: Sequence[tuple[int, int | None]] = ()
    golden: Sequence[tuple[int, str]] = ()
    events: Sequence[Event] = ()
    run_id: int | None = None


@dataclass(frozen=True, slots=True)
class Entity:
    """One entity: state active, redirected (redirect_eid says where to) or retired.

    version: counts the changes of its state, members or golden values; 1 when created.
    """

    eid: int
    entity_type: str
    state: str
    redirect_eid: int | None
    version: int
    created_run: int | None


def allocate_eids(connection: Connection, amount: int) -> int:
    """The first of `amount` consecutive entity numbers."""
    return counters.allocate(connection, "eid", amount)


def apply(connection: Connection, changes: EntityChanges) -> int:
    """The number of the change, written whole: entities, members, log, golden values, and last its events.

    Raises ValueError when a member would be left in an entity that is not active: a defect of the caller.
    """
    change_no = counters.allocate(connection, "change", 1)
    noted = {"change_no": change_no, "run_id": changes.run_id, "recorded_at": recorded_at(connection)}
    run(connection, _NOTE_CHANGE, noted)
    _create(connection, changes)
    _revive(connection, changes.revived)
    touched = _move(connection, changes.membership, change_no)
    touched |= goldens.put(connection, changes.golden, change_no)
    _close(connection, changes.retired, change_no)
    touched |= {eid for eid, _ in changes.retired} | set(changes.revived)
    _bump_versions(connection, touched - {eid for eid, _ in changes.created})
    _refuse_strays(connection, changes)
    events.append(connection, changes.events, changes.run_id)
    return change_no


def _create(connection: Connection, changes: EntityChanges) -> None:
    columns = ("eid", "entity_type", "state", "version", "created_run")
    rows = ((eid, entity_type, "active", 1, changes.run_id) for eid, entity_type in changes.created)
    bulk_insert(connection, entity, columns, rows)


def _revive(connection: Connection, eids: Iterable[int]) -> None:
    bulk_update(connection, entity, ("eid", "state", "redirect_eid"), ((eid, "active", None) for eid in eids))


def _move(connection: Connection, membership: Iterable[tuple[int, int | None]], change_no: int) -> set[int]:
    """The entities that lost or won a member; log and records say so."""
    touched: set[int] = set()
    for chunk in chunks(membership, APPLY_ROWS):
        before = _entities_of(connection, [rid for rid, _ in chunk])
        moves = [(rid, before[rid], eid) for rid, eid in chunk if before[rid] != eid]
        bulk_insert(connection, membership_log, ("eid", "change_no", "rid", "joined"), _log_rows(moves, change_no))
        records.set_entities(connection, chunk)
        touched.update(eid for _, old, new in moves for eid in (old, new) if eid is not None)
    return touched


def _entities_of(connection: Connection, rids: Iterable[int]) -> dict[int, int | None]:
    return pairs(connection, _ENTITIES_OF, {"rids": rids})


def _log_rows(moves: Iterable[Move], change_no: int) -> list[tuple[int, int, int, int]]:
    """One row per entity a record left (joined 0) or joined (1), sorted as the log is."""
    left = [(old, change_no, rid, 0) for rid, old, _ in moves if old is not None]
    joined = [(new, change_no, rid, 1) for rid, _, new in moves if new is not None]
    return sorted(left + joined)


def _close(connection: Connection, retired: Sequence[tuple[int, int | None]], change_no: int) -> None:
    columns = ("eid", "state", "redirect_eid")
    rows = ((eid, "retired" if target is None else "redirected", target) for eid, target in retired)
    bulk_update(connection, entity, columns, rows)
    goldens.close(connection, [eid for eid, _ in retired])


def _bump_versions(connection: Connection, eids: Iterable[int]) -> None:
    for chunk in chunks(sorted(eids), APPLY_ROWS):
        run(connection, _BUMP, {"eids": chunk})


def _refuse_strays(connection: Connection, changes: EntityChanges) -> None:
    """Nothing, when all entities this change names in membership or retires keep the invariant."""
    named = {eid for _, eid in changes.membership if eid is not None} | {eid for eid, _ in changes.retired}
    for chunk in chunks(sorted(named - {eid for eid, _ in changes.created}), APPLY_ROWS):
        for rid, eid in run(connection, _STRAY, {"eids": chunk}):
            raise ValueError(f"record {rid} would stay in entity {eid}, which is not active")


def get(connection: Connection, eid: int) -> Entity:
    """The entity of that number, in any state. Raises NotFound."""
    row = connection.execute(select(entity).where(entity.c.eid == eid)).one_or_none()
    if row is None:
        raise NotFound(f"there is no entity {eid}")
    return Entity(**row._mapping)


def resolve_redirect(connection: Connection, eid: int) -> int:
    """The entity where the redirects from `eid` end, itself when it does not redirect. Raises NotFound."""
    here = get(connection, eid)
    while here.redirect_eid is not None:
        here = get(connection, here.redirect_eid)
    return here.eid


def redirects(connection: Connection, eids: Collection[int]) -> pa.Table:
    """The entities that redirect straight to one of these: eid, redirect_eid."""
    return read_listed(connection, _REDIRECTS, "eids", eids)


def members(connection: Connection, eids: Collection[int]) -> pa.Table:
    """The present members of these entities: eid, rid."""
    return read_listed(connection, _MEMBERS, "eids", eids)


def former_members(connection: Connection, rids: Iterable[int]) -> pa.Table:
    """The last members of every closed entity whose last members include one of the records: eid, rid.

    An entity closes once at a time, so what left it in its newest change were its last members.
    """
    return read_listed(connection, _LAST_MEMBERS, "rids", set(rids))


def membership_at(connection: Connection, eid: int, moment: str) -> list[int]:
    """The members the entity had at a moment (UTC ISO 8601 as in recorded_at), by rid."""
    log = membership_log.c
    newest = (
        select(log.rid, func.max(log.change_no).label("change_no"))
        .join(change, change.c.change_no == log.change_no)
        .where(log.eid == eid, change.c.recorded_at <= moment)
        .group_by(log.rid)
        .subquery()
    )
    statement = (
        select(log.rid)
        .join(newest, (newest.c.rid == log.rid) & (newest.c.change_no == log.change_no))
        .where(log.eid == eid, log.joined == 1)
        .order_by(log.rid)
    )
    return list(connection.scalars(statement))


def membership_log_of(connection: Connection, eid: int) -> pa.Table:
    """Who joined (1) and left (0) the entity, oldest first: change_no, recorded_at, run_id, rid, joined."""
    log = membership_log.c
    statement = (
        select(log.change_no, change.c.recorded_at, change.c.run_id, log.rid, log.joined)
        .join(change, change.c.change_no == log.change_no)
        .where(log.eid == eid)
        .order_by(log.change_no, log.joined, log.rid)
    )
    return read_table(connection, statement)


def types_of(connection: Connection, eids: Iterable[int]) -> dict[int, str]:
    """The entity type of each of these entities."""
    return pairs(connection, _TYPES, {"eids": eids})
