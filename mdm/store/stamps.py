"""Whole store -> one digest of what it decided: the partition and the golden values, whatever ids they carry."""

from __future__ import annotations

import hashlib
from collections import defaultdict

import orjson
from sqlalchemy import Connection, select

from mdm.store.schema import golden, record, source


def stamp(connection: Connection) -> str:
    """A digest that is equal exactly when the same records form the same entities with the same golden values.

    Entity and record numbers have no part in it: they may depend on the order of arrival.
    """
    groups: dict[int, list[list[str]]] = defaultdict(list)
    statement = select(record.c.eid, source.c.name, record.c.record_id).join(
        source, source.c.source_id == record.c.source_id
    )
    for eid, name, record_id in connection.execute(statement.where(record.c.eid.is_not(None))):
        groups[eid].append([name, record_id])
    values = {eid: orjson.loads(text) for eid, text in connection.execute(select(golden.c.eid, golden.c["values"]))}
    lines = sorted(
        orjson.dumps([sorted(members), values.get(eid)], option=orjson.OPT_SORT_KEYS) for eid, members in groups.items()
    )
    return hashlib.sha256(b"\n".join(lines)).hexdigest()
