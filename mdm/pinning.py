"""Pinning: a golden value that a steward fixed -> bound to one record, shown by whatever entity holds that.

A pin survives deliveries, merges and splits, until it is withdrawn or its date comes. What the records said when it was
pinned is kept: when they come to say something else, a task asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson
from sqlalchemy import Connection

from mdm.engine.policy import EntityType
from mdm.errors import BadInput, BadRecord
from mdm.ids import entity_id
from mdm.incoming import Reception
from mdm.sayings import PINNED
from mdm.store import entities, pins, records, verdicts
from mdm.store.pins import Pin
from mdm.store.verdicts import Identity, Verdict


def pinning(
    connection: Connection, reception: Reception, eid: int, values: Mapping[str, Any], given: Verdict
) -> Verdict:
    """The verdict that pins the values, all of one field, on the entity; what was pinned before is superseded.

    values: as a record told by field. given: reason, comment, actor and perhaps expires_at. Raises NotFound, BadRecord.
    """
    type_ = reception.entity(entities.get(connection, eid).entity_type)
    field, value = _read(reception, type_.name, values)
    golden = _golden(connection, eid)
    rids = entities.members(connection, [eid])["rid"].to_pylist()
    names = {r.rid: (r.source, r.record_id) for r in records.by_rids(connection, rids)}
    if not names:
        raise BadInput(f"entity {entity_id(eid)} has no records")
    older = [pin for pin in pins.of_records(connection, rids) if pin.field == field]
    details = {
        **given.details,
        "field": field,
        "value": value,
        "over": said_of(golden.get(field, ()), value, unit=_is_unit(type_, field)),
        "supersedes": sorted(pin.verdict_id for pin in older),
    }
    anchor = _anchor(golden.get(field, ()), sorted(names.values()))
    return replace(given, kind=PINNED, left=(anchor,), right=(), details=details)


def again(connection: Connection, older: Verdict, entity: EntityType, actor: str) -> Verdict:
    """The verdict that keeps a pin although the records say something else by now, which is known then."""
    rid = records.numbers(connection, older.left)[older.left[0]]
    eid = records.standing(connection, [rid])[rid][1]
    field = older.details["field"]
    golden = {} if eid is None else _golden(connection, eid)
    over = said_of(golden.get(field, ()), older.details["value"], unit=_is_unit(entity, field))
    details = {**older.details, "over": over, "supersedes": [older.verdict_id]}
    return Verdict(PINNED, older.left, (), older.reason, actor, comment=older.comment, details=details)


def enter(connection: Connection, given: Verdict) -> int:
    """The number of the verdict; the value holds, once its record's entity is decided anew."""
    number = verdicts.add(connection, given)
    rid = records.numbers(connection, given.left)[given.left[0]]
    told = given.details
    pin = Pin(rid, told["field"], number, told["value"], told.get("over"), told.get("expires_at"))
    pins.put(connection, pin)
    return number


def said_of(winners: Any, value: Mapping[str, str], *, unit: bool) -> dict[str, str] | None:
    """What the records say where the value is pinned, or would be; None for nothing."""
    found: dict[str, str] = {}
    for winner in winners:
        natural = winner.get("over") if winner["by"] == "pinned" else winner["value"]
        found |= {sub: text for sub, text in (natural or {}).items() if unit or sub in value}
    return found or None


def _is_unit(entity: EntityType, field: str) -> bool:
    return entity.survivorship.get(field, entity.default_survivorship).unit


def _read(reception: Reception, entity: str, values: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """The field and its clean value. Raises BadRecord."""
    claims = reception.of_fields(entity, values).prepared.claims
    if len(claims) != 1:
        raise BadRecord("a pin is about one field", "/values")
    ((field, offered),) = claims.items()
    told = [claim for claim in offered if claim["clean"]]
    if len(told) != 1:
        said = ", ".join(issue for claim in offered for issue in claim["issues"]) or "not one value"
        raise BadRecord(f"this cannot be pinned: {said}", f"/values/{field}")
    return field, dict(told[0]["clean"])


def _golden(connection: Connection, eid: int) -> dict[str, Any]:
    stored = entities.golden(connection, [eid]).to_pylist()
    return orjson.loads(stored[0]["values"]) if stored else {}


def _anchor(winners: Any, names: list[Identity]) -> Identity:
    """The record whose value wins now; else the first one."""
    origins = [(winner["source"], winner["record_id"]) for winner in winners]
    return next((origin for origin in origins if origin in names), names[0])
