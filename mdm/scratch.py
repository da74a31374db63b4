"""The scratch database of one run: DuckDB on a temporary file, gone with the run. It computes and never keeps."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

MEMORY_LIMIT = "2GB"


@contextmanager
def open_scratch() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to an empty database that spills to a temporary folder, both removed at the end."""
    with tempfile.TemporaryDirectory(prefix="mdm-") as folder:
        connection = duckdb.connect(str(Path(folder) / "scratch.duckdb"))
        try:
            connection.execute(f"set memory_limit = '{MEMORY_LIMIT}'")
            connection.execute(f"set threads = {os.cpu_count() or 1}")
            connection.execute("set preserve_insertion_order = false")
            connection.execute("set enable_progress_bar = false")
            yield connection
        finally:
            connection.close()


def append(connection: duckdb.DuckDBPyConnection, table: str, rows: pa.Table) -> None:
    """Nothing; the rows stand in the table, which is made to fit the first ones."""
    connection.register("arriving", rows)
    try:
        exists = connection.execute("select 1 from duckdb_tables() where table_name = ?", [table]).fetchall()
        verb = f"insert into {table}" if exists else f"create table {table} as"
        connection.execute(f"{verb} select * from arriving")
    finally:
        connection.unregister("arriving")


def count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    """The number of rows in the table."""
    return int(connection.execute(f"select count(*) from {table}").fetchall()[0][0])
