"""Links: pairs of records at or above the review threshold, with bits, levels and the release that scored them.

A pair is stored once, the smaller rid on the left.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import pyarrow as pa
from sqlalchemy import Column, Connection, Integer, Select, bindparam, cast, func, select, union

from mdm.store.bulk import bulk_insert, read_listed, stream
from mdm.store.listed import among
from mdm.store.prepared import run
from mdm.store.schema import link, record

_SIDES = tuple(among(side, "rids") for side in (link.c.left_rid, link.c.right_rid))
_DROP_PAIR = link.delete().where(link.c.left_rid == bindparam("left"), link.c.right_rid == bindparam("right"))
_DROPS = tuple(link.delete().where(side) for side in _SIDES)
# A union of two index look-ups: PostgreSQL answers the same condition with `or` by reading the whole table.
_TOUCHING = select(union(*(select(link).where(side) for side in _SIDES)).subquery())


def _leaving(mine: Column[Any], other: Column[Any]) -> Select[Any]:
    """One row per link between an active record of one of the entities `eids` and one of another entity."""
    here, there = record.alias(), record.alias()
    homes = {mine.name: here.c.eid, other.name: there.c.eid}
    return (
        select(link, homes["left_rid"].label("left_eid"), homes["right_rid"].label("right_eid"))
        .join(here, here.c.rid == mine)
        .join(there, there.c.rid == other)
        .where(among(here.c.eid, "eids"), there.c.eid != here.c.eid)
        .where(here.c.state == "active", there.c.state == "active")
    )


_ACROSS = select(
    union(_leaving(link.c.left_rid, link.c.right_rid), _leaving(link.c.right_rid, link.c.left_rid)).subquery()
)


class LinkRow(NamedTuple):
    """One scored pair; left_rid < right_rid.

    bits: match weight. levels: the level reached per comparison, in the release's order, as compact text.
    """

    left_rid: int
    right_rid: int
    bits: float
    levels: str
    release_id: str


def put(connection: Connection, rows: Iterable[LinkRow]) -> None:
    """Nothing; the links are stored. A pair that has a link already is refused by the database."""
    bulk_insert(connection, link, LinkRow._fields, rows)


def replace(connection: Connection, rids: Iterable[int], rows: Iterable[LinkRow]) -> None:
    """Nothing; every link that touches one of the records is gone, and the given ones are stored."""
    distinct = set(rids)
    if distinct:
        for drop in _DROPS:
            run(connection, drop, {"rids": distinct})
    put(connection, rows)


def drop(connection: Connection, pairs: Iterable[tuple[int, int]]) -> None:
    """Nothing; these pairs, the smaller rid first, have no link."""
    for left, right in pairs:
        run(connection, _DROP_PAIR, {"left": left, "right": right})


def touching(connection: Connection, rids: Iterable[int]) -> pa.Table:
    """The links with at least one end among the records, each once: the columns of LinkRow."""
    return read_listed(connection, _TOUCHING, "rids", set(rids))


def histograms(connection: Connection) -> dict[str, dict[int, int]]:
    """Release -> whole bits -> how many of its links have as many, and less than one more. It reads every link."""
    whole = cast(func.floor(link.c.bits), Integer)
    statement = select(link.c.release_id, whole, func.count()).group_by(link.c.release_id, whole)
    found: dict[str, dict[int, int]] = {}
    for release_id, bits, number in connection.execute(statement):
        found.setdefault(release_id, {})[bits] = number
    return found


def across(connection: Connection, eids: Iterable[int]) -> pa.Table:
    """The links between these entities and others, each once: the columns of LinkRow, left_eid, right_eid."""
    return read_listed(connection, _ACROSS, "eids", set(eids))


def scan(connection: Connection) -> Iterator[pa.RecordBatch]:
    """All links in batches, in no stated order."""
    return stream(connection, select(link))


def clear(connection: Connection) -> None:
    """Nothing; there are no links."""
    connection.execute(link.delete())
