"""The outbox: what happened to entities, numbered without gaps in the order of commits.

Events carry ids and field names, never values.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import orjson
from sqlalchemy import Connection, select

from mdm.store import counters
from mdm.store.bulk import bulk_insert
from mdm.store.schema import event
from mdm.store.store import recorded_at


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to an entity.

    kind: created, changed, merged, split or retired. fields: names of golden fields that changed.
    """

    kind: str
    eid: int
    fields: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event with its number; run_id is None for a real-time change."""

    event_no: int
    kind: str
    eid: int
    run_id: int | None
    fields: tuple[str, ...]
    details: Mapping[str, Any]
    recorded_at: str


def append(connection: Connection, events: Sequence[Event], run_id: int | None) -> None:
    """Nothing; the events stand at the end of the outbox. Call it last in a transaction: it locks the numbering."""
    if not events:
        return
    first = counters.allocate(connection, "event", len(events))
    moment = recorded_at(connection)
    columns = ("event_no", "kind", "eid", "run_id", "fields", "details", "recorded_at")
    bulk_insert(
        connection,
        event,
        columns,
        (
            (number, given.kind, given.eid, run_id, _json(given.fields), _json(given.details), moment)
            for number, given in zip(count(first), events)
        ),
    )


def after(connection: Connection, event_no: int, limit: int) -> list[StoredEvent]:
    """At most `limit` events with a greater number, in order; a consumer goes on from the last one's number."""
    statement = select(event).where(event.c.event_no > event_no).order_by(event.c.event_no).limit(limit)
    return [_stored(dict(row._mapping)) for row in connection.execute(statement)]


def _stored(row: dict[str, Any]) -> StoredEvent:
    row["fields"] = tuple(json.loads(row["fields"]))
    row["details"] = json.loads(row["details"])
    return StoredEvent(**row)


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
