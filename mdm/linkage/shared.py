"""Shared contacts in bulk: found in the features of all records, and left out of them before pairs are weighed."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import pyarrow as pa

from mdm.engine.policy import SharedPolicy
from mdm.engine.release import Release
from mdm.engine.shared import SHARED_NAMES
from mdm.linkage.level_sql import quoted


def find_shared(
    connection: duckdb.DuckDBPyConnection, policy: SharedPolicy | None, features: str
) -> dict[str, tuple[str, ...]]:
    """Feature -> the values that people of many family and of many given names hold, sorted; empty ones left out."""
    if policy is None:
        return {}
    names = [quoted(name) for name in policy.among]
    many = " and ".join(f"count(distinct {name}) >= {SHARED_NAMES}" for name in names)
    found: dict[str, tuple[str, ...]] = {}
    for feature in policy.features:
        rows = connection.execute(f"""
            -- one row per shared value
            select value
            from (select unnest({quoted(feature)}) as value, {", ".join(names)} from {features})
            group by value
            having {many}
            order by value
        """).fetchall()
        if rows:
            found[feature] = tuple(value for (value,) in rows)
    return found


def quiet_features(connection: duckdb.DuckDBPyConnection, release: Release, source: str, name: str) -> str:
    """The name of a table with the rows of `source` in which shared values are not heard.

    It is `source` itself where the release knows none, else a new table, which the caller drops.
    """
    if not release.shared:
        return source
    joins, columns = [], []
    for index, (feature, values) in enumerate(release.shared.items()):
        table, column = f"{name}_{index}", quoted(feature)
        _find_quiet(connection, source, column, values, table)
        joins.append(f"left join {table} q{index} on q{index}.rid = f.rid")
        columns.append(f"case when q{index}.rid is null then f.{column} else q{index}.heard end as {column}")
    connection.execute(f"""
        create or replace table {name} as
        select f.* replace ({", ".join(columns)})
        from {source} f {" ".join(joins)}
    """)
    for index in range(len(release.shared)):
        connection.execute(f"drop table {name}_{index}")
    return name


def _find_quiet(
    connection: duckdb.DuckDBPyConnection, source: str, column: str, values: tuple[str, ...], table: str
) -> None:
    """Make `table`: rid, heard, for each record that holds a shared value; heard: its others in order, or NULL."""
    connection.register("arriving_shared", pa.table({"value": pa.array(values, pa.string())}))
    connection.execute(f"""
        create or replace table {table} as
        with held as (
            select rid, unnest({column}) as value, generate_subscripts({column}, 1) as place
            from {source}
        ),
        told as (
            select h.rid, h.value, h.place, s.value is not null as is_shared
            from held h
            left join arriving_shared s on s.value = h.value
        )
        select rid, list(value order by place) filter (not is_shared) as heard
        from told
        group by rid
        having bool_or(is_shared)
    """)
    connection.unregister("arriving_shared")


def shared_notes(shared: Mapping[str, tuple[str, ...]]) -> list[str]:
    """What a release tells people about them."""
    return [
        f"{feature}: {'1 value is' if len(held) == 1 else f'{len(held):,} values are'} shared by many people, "
        "agreeing on one says nothing"
        for feature, held in shared.items()
    ]
