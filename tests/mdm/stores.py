"""What a SQLite store holds, counted from outside."""

from __future__ import annotations

import sqlite3
from pathlib import Path

TABLES = ("record", "quarantined_row", "golden", "run")


def contents(folder: Path, name: str = "acme.db") -> dict[str, int]:
    """Rows by table; nothing at all where no store was made."""
    if not (folder / name).exists():
        return dict.fromkeys(TABLES, 0)
    connection = sqlite3.connect(folder / name)
    try:
        return {table: connection.execute(f"select count(*) from {table}").fetchone()[0] for table in TABLES}
    finally:
        connection.close()
