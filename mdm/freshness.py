"""Freshness: what a run holds in scratch tables, against what others changed in the store since it read or wrote it.

A run remembers the newest change it knows of. Before it reads the store again it forgets what changed later: the rows
it prepared of those records, and tables that hold all records of a type.
"""

from __future__ import annotations

import duckdb
import pyarrow as pa
from sqlalchemy import Connection

from mdm.scratch import append, fetch, has_table
from mdm.store import arrivals

KNOWN = "known_change"
# Scratch tables whose names begin so say what is loaded whole; they end with the type.
WHOLE = "whole_"


def remember(scratch: duckdb.DuckDBPyConnection, connection: Connection) -> None:
    """Nothing; what the store says in this transaction is what scratch tables are made from."""
    scratch.execute(f"drop table if exists {KNOWN}")
    append(scratch, KNOWN, pa.table({"change_no": pa.array([arrivals.now(connection)], pa.int64())}))


def forget_overtaken(scratch: duckdb.DuckDBPyConnection, connection: Connection) -> None:
    """Nothing; scratch tables hold nothing that others changed before this transaction began."""
    if has_table(scratch, KNOWN):
        ((known,),) = fetch(scratch, f"from {KNOWN}")
        moved = arrivals.since(connection, known).wholly
        if moved and has_table(scratch, "numbered"):
            scratch.execute("delete from numbered where rid in (select unnest(?))", [sorted(moved)])
        if moved:
            forget_whole(scratch)
    remember(scratch, connection)


def forget_whole(scratch: duckdb.DuckDBPyConnection) -> None:
    """Nothing; no table counts as holding all records any more."""
    names = "select table_name from information_schema.tables where starts_with(table_name, ?)"
    for (name,) in scratch.execute(names, [WHOLE]).fetchall():
        scratch.execute(f"drop table {name}")
