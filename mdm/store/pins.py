"""Pins: golden values that a steward fixed, by the record each is bound to; whatever entity holds it shows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, select

from mdm.store.listed import among
from mdm.store.schema import pin

_OF_RECORDS = select(pin).where(among(pin.c.rid, "rids"))


@dataclass(frozen=True, slots=True)
class Pin:
    """A value (sub-field -> text) of a field; over: what the records said when it was pinned, None for nothing."""

    rid: int
    field: str
    verdict_id: int
    value: Mapping[str, str]
    over: Mapping[str, str] | None = None
    expires_at: str | None = None


def put(connection: Connection, given: Pin) -> None:
    """Nothing; the value holds. The record has no other pin of that field."""
    text = orjson.dumps({"value": dict(given.value), "over": given.over}, option=orjson.OPT_SORT_KEYS).decode()
    columns = {"rid": given.rid, "field": given.field, "verdict_id": given.verdict_id}
    connection.execute(pin.insert().values(**columns, value=text, expires_at=given.expires_at))


def drop(connection: Connection, verdict_id: int) -> None:
    """Nothing; what that verdict pinned holds no more."""
    connection.execute(pin.delete().where(pin.c.verdict_id == verdict_id))


def of_records(connection: Connection, rids: Iterable[int]) -> list[Pin]:
    """The pins of these records, by record and field."""
    found = [_pin(row) for row in connection.execute(_OF_RECORDS, {"rids": rids})]
    return sorted(found, key=lambda each: (each.rid, each.field))


def expired(connection: Connection, now: str) -> list[int]:
    """The verdicts whose pins have ended by that moment, oldest first."""
    ended = select(pin.c.verdict_id).where(pin.c.expires_at <= now).order_by(pin.c.verdict_id)
    return list(connection.scalars(ended))


def _pin(row: Any) -> Pin:
    told = orjson.loads(row.value)
    return Pin(row.rid, row.field, row.verdict_id, told["value"], told["over"], row.expires_at)
