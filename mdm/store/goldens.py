"""Golden values: one JSON text per active entity with the origin of each value, older versions beside it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

import pyarrow as pa
from sqlalchemy import Connection, func, select, union_all

from mdm.store.bulk import bulk_insert, bulk_update, chunks, pairs, read_listed, read_table, stream
from mdm.store.listed import among
from mdm.store.prepared import run
from mdm.store.schema import entity, golden, golden_version
from mdm.store.store import recorded_at

PUT_ROWS = 5_000
_COLUMNS = ("eid", "version", "recorded_at", "change_no", "values")
_GIVEN = among(golden.c.eid, "eids")
_LOAD = select(golden).where(_GIVEN)
_DROP = golden.delete().where(_GIVEN)
_ARCHIVE = golden_version.insert().from_select([column.name for column in golden.c], _LOAD)
_PRESENT = select(golden.c.eid, golden.c.version, golden.c["values"]).where(_GIVEN)
_NEWEST = (
    select(golden_version.c.eid, func.max(golden_version.c.version))
    .where(among(golden_version.c.eid, "eids"))
    .group_by(golden_version.c.eid)
)
_SCAN = select(golden.c.eid, entity.c.entity_type, golden.c.version, golden.c.recorded_at, golden.c["values"]).join(
    entity, entity.c.eid == golden.c.eid
)


def put(connection: Connection, rows: Iterable[tuple[int, str]], change_no: int) -> set[int]:
    """The entities whose values are other than before; their older values stand in the history."""
    changed: set[int] = set()
    for chunk in chunks(rows, PUT_ROWS):
        changed |= _put(connection, dict(chunk), change_no)
    return changed


def _put(connection: Connection, given: dict[int, str], change_no: int) -> set[int]:
    present = _present(connection, given)
    changed = {eid: present[eid][0] for eid in present if present[eid][1] != given[eid]}
    fresh = dict.fromkeys(given.keys() - present.keys(), 0)
    before = changed | fresh | _last_versions(connection, fresh)
    stamp = (recorded_at(connection), change_no)
    rows = {eid: (eid, version + 1, *stamp, given[eid]) for eid, version in before.items()}
    _archive(connection, changed)
    bulk_update(connection, golden, _COLUMNS, (rows[eid] for eid in sorted(changed)))
    bulk_insert(connection, golden, _COLUMNS, (rows[eid] for eid in sorted(fresh)))
    return set(before)


def _present(connection: Connection, eids: Iterable[int]) -> dict[int, tuple[int, str]]:
    return {eid: (version, values) for eid, version, values in run(connection, _PRESENT, {"eids": eids})}


def _last_versions(connection: Connection, eids: Collection[int]) -> dict[int, int]:
    """The newest version in the history, for a revived entity; entities without history are left out."""
    return pairs(connection, _NEWEST, {"eids": eids}) if eids else {}


def _archive(connection: Connection, eids: Collection[int]) -> None:
    if eids:
        run(connection, _ARCHIVE, {"eids": eids})


def close(connection: Connection, eids: Iterable[int]) -> None:
    """Nothing; these entities have no golden values any more, their last ones stand in the history."""
    closed = set(eids)
    if closed:
        _archive(connection, closed)
        run(connection, _DROP, {"eids": closed})


def load(connection: Connection, eids: Collection[int]) -> pa.Table:
    """The golden values of these entities: eid, version, recorded_at, change_no, values (JSON text)."""
    return read_listed(connection, _LOAD, "eids", eids)


def scan(connection: Connection) -> Iterator[pa.RecordBatch]:
    """The golden values of all active entities, in batches: eid, entity_type, version, recorded_at, values."""
    return stream(connection, _SCAN)


def history(connection: Connection, eid: int) -> pa.Table:
    """Every version of an entity's golden values, oldest first; one held from its recorded_at on."""
    versions = union_all(*(select(table).where(table.c.eid == eid) for table in (golden_version, golden))).subquery()
    return read_table(connection, select(versions).order_by(versions.c.version))
