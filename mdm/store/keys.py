"""Blocking keys: (key, rid) pairs; records that share a key are candidates of each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa
from sqlalchemy import Connection, select

from mdm.store.bulk import bulk_insert, chunks, read_table, stream
from mdm.store.listed import among
from mdm.store.schema import record_key

SORTED_ROWS = 500_000
_COLUMNS = ("key", "rid")
_OF_RECORDS = among(record_key.c.rid, "rids")
_DROP = record_key.delete().where(_OF_RECORDS)
_HELD = select(record_key).where(_OF_RECORDS)
_HOLDERS = select(record_key).where(among(record_key.c.key, "keys"))
_SHARING = select(record_key).where(record_key.c.key.in_(select(record_key.c.key).where(_OF_RECORDS)))


def put(connection: Connection, rows: Iterable[tuple[int, int]]) -> None:
    """Nothing; the (key, rid) rows are stored. key: signed 64 bits. Each row may be put once."""
    for chunk in chunks(rows, SORTED_ROWS):
        # SQLite inserts sorted keys 2.7 times as fast as random ones.
        bulk_insert(connection, record_key, _COLUMNS, sorted(chunk))


def replace(connection: Connection, rids: Iterable[int], rows: Iterable[tuple[int, int]]) -> None:
    """Nothing; the records hold the keys given and no others. A rid without rows holds none."""
    distinct = set(rids)
    if distinct:
        connection.execute(_DROP, {"rids": distinct})
    put(connection, rows)


def held(connection: Connection, rids: Iterable[int]) -> pa.Table:
    """The keys of these records: key, rid."""
    return read_table(connection, _HELD, {"rids": rids})


def sharing(connection: Connection, rids: Iterable[int]) -> pa.Table:
    """All holders of every key that any of these records holds, themselves included: key, rid."""
    return read_table(connection, _SHARING, {"rids": rids})


def holders(connection: Connection, keys: Iterable[int]) -> pa.Table:
    """All holders of these keys, for a record that is not stored: key, rid."""
    return read_table(connection, _HOLDERS, {"keys": keys})


def scan(connection: Connection) -> Iterator[pa.RecordBatch]:
    """All rows in batches, in no stated order: key, rid."""
    return stream(connection, select(record_key))


def clear(connection: Connection) -> None:
    """Nothing; no record holds a key."""
    connection.execute(record_key.delete())
