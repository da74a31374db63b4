"""Candidate pairs: one table of keys -> distinct pairs of records that share one."""

from __future__ import annotations

import duckdb


def drop_hot_keys(connection: duckdb.DuckDBPyConnection, keys: str, cap: int) -> int:
    """Create `KEYS_cool`: the keys that 2 to `cap` records hold; returns how many keys were hotter.

    A function of the record set alone, so neither order nor batch decides which pairs exist.
    """
    connection.execute(f"""
        create or replace table {keys}_cool as
        select key, rid
        from {keys}
        where key in (select key from {keys} group by key having count(*) between 2 and {cap})
    """)
    hot = connection.execute(f"select count(*) from (select 1 from {keys} group by key having count(*) > {cap})")
    return int(hot.fetchall()[0][0])
