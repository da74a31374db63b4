"""The store as a whole: its tables counted and listed for reports, exports and checks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

import pyarrow as pa
from sqlalchemy import Connection, func, literal_column, select

from mdm.store import counters
from mdm.store.bulk import pairs, read_table, stream
from mdm.store.schema import entity, event, golden, link, record, record_body, run, source

_LEFT, _RIGHT = record.alias("l"), record.alias("r")
_ACTIVE_ENTITIES = (
    select(entity.c.entity_type, func.count())
    .where(entity.c.state == "active")
    .group_by(entity.c.entity_type)
    .order_by(entity.c.entity_type)
)
_ACTIVE_RECORDS = (
    select(source.c.name, func.count())
    .join(record, record.c.source_id == source.c.source_id)
    .where(record.c.state == "active")
    .group_by(source.c.name)
    .order_by(source.c.name)
)
_BETWEEN_ENTITIES = (
    select(func.count())
    .select_from(link)
    .join(_LEFT, _LEFT.c.rid == link.c.left_rid)
    .join(_RIGHT, _RIGHT.c.rid == link.c.right_rid)
    .where(_LEFT.c.eid != _RIGHT.c.eid)
)

# One row per source and list of issues: there are few different lists.
_ISSUES = (
    select(source.c.name, record_body.c.issues, func.count())
    .join(record, record.c.rid == record_body.c.rid)
    .join(source, source.c.source_id == record.c.source_id)
    .where(record.c.state != literal_column("'deleted'"), record_body.c.issues != literal_column("'[]'"))
    .group_by(source.c.name, record_body.c.issues)
)


def entity_counts(connection: Connection) -> dict[str, int]:
    """How many active entities there are of each type that has any."""
    return pairs(connection, _ACTIVE_ENTITIES, {})


def record_counts(connection: Connection) -> dict[str, int]:
    """How many active records there are of each source that has any."""
    return pairs(connection, _ACTIVE_RECORDS, {})


def open_links(connection: Connection, entity_type: str, below: float) -> int:
    """How many links of fewer bits than `below` connect two entities of that type."""
    chosen = _BETWEEN_ENTITIES.where(link.c.bits < below, _LEFT.c.entity_type == entity_type)
    return int(connection.execute(chosen).scalar_one())


def scan_entities(connection: Connection) -> Iterator[pa.RecordBatch]:
    """All entities in any state, in batches: eid, entity_type, state, redirect_eid."""
    columns = (entity.c.eid, entity.c.entity_type, entity.c.state, entity.c.redirect_eid)
    return stream(connection, select(*columns))


def scan_golden_ids(connection: Connection) -> Iterator[pa.RecordBatch]:
    """The entity numbers that have golden values, whether or not there is such an entity, in batches: eid."""
    return stream(connection, select(golden.c.eid))


def events_after(connection: Connection, event_no: int) -> pa.Table:
    """The events with a greater number, in order: event_no, kind, eid, fields and details as JSON text."""
    columns = (event.c.event_no, event.c.kind, event.c.eid, event.c.fields, event.c.details)
    return read_table(connection, select(*columns).where(event.c.event_no > event_no).order_by(event.c.event_no))


def event_before(connection: Connection, moment: str) -> int:
    """The number of the last event before all that were recorded at that moment (as in recorded_at) or later."""
    first = connection.scalar(select(func.min(event.c.event_no)).where(event.c.recorded_at >= moment))
    return last_event(connection) if first is None else int(first) - 1


def unresolved_count(connection: Connection) -> int:
    """How many records wait to be decided."""
    waiting = select(func.count()).select_from(record).where(record.c.resolved == literal_column("0"))
    return int(connection.execute(waiting).scalar_one())


def quarantined_count(connection: Connection) -> int:
    """How many records are in quarantine."""
    held = select(func.count()).select_from(record).where(record.c.state == literal_column("'quarantined'"))
    return int(connection.execute(held).scalar_one())


def issue_counts(connection: Connection) -> dict[tuple[str, str], int]:
    """(source, issue code) -> how many present records carry it. It reads every record."""
    counts: dict[tuple[str, str], int] = {}
    for name, issues, records in connection.execute(_ISSUES):
        for code in set(json.loads(issues)):
            counts[name, code] = counts.get((name, code), 0) + records
    return counts


def last_run_age(connection: Connection, now: datetime) -> float:
    """Seconds since the last batch job ended well; -1 when none did."""
    ended = connection.scalar(select(func.max(run.c.finished_at)).where(run.c.outcome == "done"))
    return -1.0 if ended is None else (now - datetime.fromisoformat(ended)).total_seconds()


def last_event(connection: Connection) -> int:
    """The number of the newest event; 0 when there was none yet."""
    return counters.last(connection, "event")


def missing_events(connection: Connection) -> int:
    """How many numbers between the oldest stored event and the last one given out have no event."""
    oldest, stored = connection.execute(select(func.min(event.c.event_no), func.count())).one()
    last = last_event(connection)
    return last if oldest is None else last - int(oldest) + 1 - int(stored)
