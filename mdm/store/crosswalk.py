"""What another master said: record -> the entity number reserved for its id there, and the ids of elsewhere as aliases.

A reserved number has no entity until records that the other master put there are decided.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

import pyarrow as pa
from sqlalchemy import Connection, exists, select

from mdm.store import counters, records
from mdm.store.bulk import bulk_insert, chunks, pairs, read_table
from mdm.store.listed import among
from mdm.store.prepared import run
from mdm.store.schema import alias, entity, imported, record

ROWS = 50_000
_OF_ALIASES = select(alias.c.alias, alias.c.eid).where(among(alias.c.alias, "aliases"))
_OF_EIDS = select(alias.c.eid, alias.c.alias).where(among(alias.c.eid, "eids"))
_ALIASES = select(alias.c.alias, alias.c.eid).order_by(alias.c.alias)
_STATES = select(entity.c.eid, entity.c.state, entity.c.redirect_eid).where(among(entity.c.eid, "eids"))
_IMPORTED_EIDS = select(imported.c.eid).where(among(imported.c.eid, "eids")).distinct()
_JOINED = (imported.c.source_id == record.c.source_id) & (imported.c.record_id == record.c.record_id)
_SAME, _OWN = imported.alias(), record.alias()
_TOUCHED = (
    select(_SAME.c.eid)
    .join(_OWN, (_SAME.c.source_id == _OWN.c.source_id) & (_SAME.c.record_id == _OWN.c.record_id))
    .where(among(_OWN.c.rid, "rids"))
)
_SAID = (
    select(imported.c.eid.label("said"), record.c.rid, record.c.eid, record.c.entity_type)
    .join(record, _JOINED)
    .where(record.c.state == "active", imported.c.eid.in_(_TOUCHED))
)
_ANY = select(imported.c.eid).limit(1)
_WAITING = ~exists().where(entity.c.eid == imported.c.eid)


def is_empty(connection: Connection) -> bool:
    """Whether no other master said anything."""
    return not run(connection, _ANY)


def known(connection: Connection, aliases: Iterable[str]) -> dict[str, int]:
    """The entity number of each alias that has one."""
    found: dict[str, int] = {}
    for chunk in chunks(aliases, ROWS):
        found |= pairs(connection, _OF_ALIASES, {"aliases": chunk})
    return found


def names(connection: Connection, eids: Iterable[int]) -> dict[int, str]:
    """The alias of each of these entity numbers that has one."""
    return pairs(connection, _OF_EIDS, {"eids": eids})


def reserve(connection: Connection, fresh: Collection[str], numbers: Collection[int]) -> dict[str, int]:
    """The new number of each fresh alias; `numbers` are never given to anybody else."""
    counters.allocate(connection, "eid", max(0, max(numbers, default=0) - counters.last(connection, "eid")))
    first = counters.allocate(connection, "eid", len(fresh))
    named = {text: first + place for place, text in enumerate(sorted(fresh))}
    bulk_insert(connection, alias, ("alias", "eid"), named.items())
    return named


def taken(connection: Connection, eids: Iterable[int]) -> set[int]:
    """Those of the numbers that belong to entities of this store, and not because they were imported."""
    found: set[int] = set()
    for chunk in chunks(sorted(eids), ROWS):
        here = set(connection.scalars(select(entity.c.eid).where(among(entity.c.eid, "eids")), {"eids": chunk}))
        found |= here.difference(connection.scalars(_IMPORTED_EIDS, {"eids": chunk}))
    return found


def put(connection: Connection, said: Mapping[tuple[str, str], int]) -> list[int]:
    """The numbers of the stored records among those named; what is said of them replaces what was said before."""
    numbers = records.source_ids(connection, sorted({source for source, _ in said}))
    rows = sorted((numbers[source], record_id, eid) for (source, record_id), eid in said.items())
    stored: list[int] = []
    for source_id in sorted(numbers.values()):
        for chunk in chunks((row for row in rows if row[0] == source_id), ROWS):
            named = {"record_ids": [record_id for _, record_id, _ in chunk]}
            drop = imported.delete().where(imported.c.source_id == source_id, among(imported.c.record_id, "record_ids"))
            connection.execute(drop, named)
            bulk_insert(connection, imported, ("source_id", "record_id", "eid"), chunk)
            of_source = select(record.c.rid).where(record.c.source_id == source_id, record.c.state != "deleted")
            stored += connection.scalars(of_source.where(among(record.c.record_id, "record_ids")), named)
    return stored


def waiting(connection: Connection, rids: Iterable[int], entity_type: str) -> pa.Table:
    """The active records of that type whose other master's id has no entity yet: said, rid.

    All records of every such id that one of the records has.
    """
    statement = _SAID.with_only_columns(imported.c.eid.label("said"), record.c.rid)
    return read_table(connection, statement.where(_WAITING, record.c.entity_type == entity_type), {"rids": set(rids)})


def said(connection: Connection, rids: Iterable[int], entity_type: str) -> pa.Table:
    """The active records of that type of every other master's id that one of the records has: said, rid, eid."""
    return read_table(connection, _SAID.where(record.c.entity_type == entity_type), {"rids": set(rids)})


def present(connection: Connection) -> Iterator[tuple[str, int | None]]:
    """Each alias with the active entity it leads to today; None when it has none."""
    for chunk in chunks(connection.execute(_ALIASES), ROWS):
        ends = _followed(connection, {row.eid for row in chunk})
        yield from ((row.alias, ends[row.eid]) for row in chunk)


def _followed(connection: Connection, eids: Collection[int]) -> dict[int, int | None]:
    """The active entity where the redirects from each number end."""
    ends: dict[int, int | None] = {}
    states = {eid: (state, to) for eid, state, to in connection.execute(_STATES, {"eids": eids})}
    forward = {to for _, to in states.values() if to is not None}
    further = _followed(connection, forward) if forward else {}
    for eid in eids:
        state, to = states.get(eid, ("retired", None))
        ends[eid] = eid if state == "active" else further.get(to or 0)
    return ends
