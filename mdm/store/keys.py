"""Blocking keys: (key, rid) pairs; records that share a key are candidates of each other.

The table is ordered by key only. Which keys a record holds stands, packed, with the record: a second index as long as
the table would double its size and the time to fill it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa
from sqlalchemy import Connection, select

from mdm.engine.keys import unpack_keys
from mdm.store.bulk import arrow_schema, bulk_insert, chunks, read_table, stream
from mdm.store.listed import among
from mdm.store.prepared import run
from mdm.store.schema import record_body, record_key

SORTED_ROWS = 500_000
HELD_RIDS = 20_000
_COLUMNS = ("key", "rid")
_OF_RECORDS = among(record_key.c.rid, "rids")
_WITH_KEYS = among(record_key.c.key, "keys")
# Computed, so that SQLite looks up keys only: with both columns of the index it would look up every key with every
# record, and 9,000 records took longer than ten minutes.
_OF_LISTED = among(record_key.c.rid + 0, "rids")
_DROP_HELD = record_key.delete().where(_WITH_KEYS, _OF_LISTED)
_DROP_BY_SCAN = record_key.delete().where(_OF_RECORDS)
_PACKED = select(record_body.c.rid, record_body.c["keys"]).where(among(record_body.c.rid, "rids"))
_HOLDERS = select(record_key).where(_WITH_KEYS)


def put(connection: Connection, rows: Iterable[tuple[int, int]]) -> None:
    """Nothing; the (key, rid) rows are stored. key: signed 64 bits. Each row may be put once."""
    for chunk in chunks(rows, SORTED_ROWS):
        # SQLite inserts sorted keys 2.7 times as fast as random ones.
        bulk_insert(connection, record_key, _COLUMNS, sorted(chunk))


def replace(connection: Connection, rids: Iterable[int], rows: Iterable[tuple[int, int]]) -> None:
    """Nothing; the records hold the keys given and no others. A rid without rows holds none.

    To be called before the records are replaced: what they hold until now is told by them.
    """
    distinct = set(rids)
    if len(distinct) > HELD_RIDS:
        connection.execute(_DROP_BY_SCAN, {"rids": distinct})
    elif distinct:
        run(connection, _DROP_HELD, {"keys": [key for key, _ in _held(connection, distinct)], "rids": distinct})
    put(connection, rows)


def held(connection: Connection, rids: Iterable[int]) -> pa.Table:
    """The keys of these records: key, rid."""
    rows = _held(connection, rids)
    columns = [[row[place] for row in rows] for place in range(len(_COLUMNS))]
    return pa.table(columns, schema=arrow_schema(_HOLDERS))


def _held(connection: Connection, rids: Iterable[int]) -> list[tuple[int, int]]:
    found = run(connection, _PACKED, {"rids": rids})
    return [(key, rid) for rid, packed in found for key in unpack_keys(packed)]


def sharing(connection: Connection, rids: Iterable[int]) -> pa.Table:
    """All holders of every key that any of these records holds, themselves included: key, rid."""
    return holders(connection, held(connection, rids)["key"].to_pylist())


def holders(connection: Connection, keys: Iterable[int]) -> pa.Table:
    """All holders of these keys, for a record that is not stored: key, rid."""
    return read_table(connection, _HOLDERS, {"keys": keys})


def scan(connection: Connection) -> Iterator[pa.RecordBatch]:
    """All rows in batches, in no stated order: key, rid."""
    return stream(connection, select(record_key))


def clear(connection: Connection) -> None:
    """Nothing; no record holds a key."""
    connection.execute(record_key.delete())
