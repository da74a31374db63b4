"""Bulk scoring: a release rendered to DuckDB SQL, giving the units of the engine's scorer on every pair.

Tables: `features` has one row per record (rid, one column per feature); pairs have one row per pair (l, r).
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pyarrow as pa

from mdm.engine.levels import Level, features_of
from mdm.engine.release import Comparison, LevelWeight, Release, rarity_units
from mdm.linkage.level_sql import LevelSql, quoted, sides
from mdm.linkage.shared import quiet_features


def register_features(connection: duckdb.DuckDBPyConnection, release: Release, source: str, target: str) -> None:
    """Create `target`: the rows of `source` with, beside them, the rarity units of each level that asks for them.

    Values that the release calls shared are not among them.
    """
    columns, joins = [], []
    heard = quiet_features(connection, release, source, f"{target}_quiet")
    for index, (feature, levels) in enumerate(_rare_levels(release).items()):
        table = f"rarity_{index}"
        _register_terms(connection, release, feature, levels, table)
        joins.append(f"left join {table} t{index} on t{index}.value = f.{quoted(feature)}")
        for name, level in levels.items():
            absent = rarity_units(release.rarities[feature], None, level.u)
            columns.append(f", coalesce(t{index}.{name}, {absent}) as {name}")
    sql = f"create or replace table {target} as select f.* {''.join(columns)} from {heard} f {' '.join(joins)}"
    connection.execute(sql)
    if heard != source:
        connection.execute(f"drop table {heard}")


def _rare_levels(release: Release) -> dict[str, dict[str, LevelWeight]]:
    """feature -> rarity column -> level."""
    found: dict[str, dict[str, LevelWeight]] = {}
    for c, comparison in enumerate(release.comparisons):
        for index, level in enumerate(comparison.every):
            if level.rarity is not None:
                found.setdefault(level.rarity, {})[_rarity_column(c, index)] = level
    return found


def _rarity_column(comparison: int, level: int) -> str:
    return f"rare_{comparison}_{level}"


def _register_terms(
    connection: duckdb.DuckDBPyConnection,
    release: Release,
    feature: str,
    levels: dict[str, LevelWeight],
    table: str,
) -> None:
    rarity = release.rarities[feature]
    columns: dict[str, pa.Array] = {"value": pa.array(rarity.terms, pa.string())}
    for name, level in levels.items():
        units = [rarity_units(rarity, value, level.u) for value in rarity.terms]
        columns[name] = pa.array(units, pa.int64())
    terms = pa.table(columns)
    connection.register("arriving_terms", terms)
    connection.execute(f"create or replace table {table} as select * from arriving_terms")
    connection.unregister("arriving_terms")


def level_columns(release: Release) -> list[str]:
    """The names of the level columns of a scored pair, in the order of the comparisons."""
    return [f"level_{index}" for index in range(len(release.comparisons))]


def levels_sql(release: Release, pairs: str, features: str, *, kept: Sequence[str] = ()) -> str:
    """One row per pair: l, r, `kept` columns of the pairs, the level index of each comparison, its rarity units."""
    render = LevelSql(release.features)
    gates = {c.gate.name: c.gate.when for c in release.comparisons if c.gate is not None}
    levels: list[Level] = list(gates.values())
    for comparison in release.comparisons:
        levels += [comparison.unknown, *(level.when for level in comparison.levels)]
    others = "".join(f", {column}" for column in kept)
    layers = [render.collect(levels), *render.share(levels)]
    layers.append([f"{render.condition(when)} as {_gate_column(name)}" for name, when in gates.items()])
    layers.append([case for i, c in enumerate(release.comparisons) for case in _level_cases(render, c, i)])
    paired = f"""
    layer_0 as (
        select p.l, p.r{others},
        {_paired(release, levels)}
        from {pairs} p
        join {features} l on l.rid = p.l
        join {features} r on r.rid = p.r
    )"""
    columns = ["l", "r", *kept, *level_columns(release), *_rarity_cases(release)]
    return f"""
    with {", ".join([paired, *(_layer(n, columns) for n, columns in enumerate(layers, 1))])}
    select
        {_listed(columns)}
    from layer_{len(layers)}
    """


def _layer(number: int, columns: Sequence[str]) -> str:
    """A step that adds columns to those of the step before."""
    return f"""
    layer_{number} as (
        select
        {_listed(["*", *columns])}
        from layer_{number - 1}
    )"""


def score_sql(release: Release, pairs: str, features: str, *, shown_from: int | None = None) -> str:
    """One row per pair: l, r, units (the match weight on the grid), levels (the level indexes as compact text).

    shown_from: below so many units levels are null, since writing them takes longer than finding them; None: none are.
    """
    units = [str(release.prior_units)]
    units += [_units_case(comparison, index) for index, comparison in enumerate(release.comparisons)]
    texts = " || ',' || ".join(f"{name}::varchar" for name in level_columns(release)) or "''"
    shown = texts if shown_from is None else f"case when units >= {shown_from} then {texts} end"
    return f"""
    with levels as ({levels_sql(release, pairs, features)}),
    weighed as (
        select *,
        {" + ".join(units)} as units
        from levels
    )
    select
        l,
        r,
        units,
        {shown} as levels
    from weighed
    """


def _listed(columns: Sequence[str]) -> str:
    return ",\n        ".join(columns)


def _paired(release: Release, levels: Sequence[Level]) -> str:
    columns = []
    for feature in sorted({f for level in levels for f in features_of(level)}):
        for side, name in zip("lr", sides(feature), strict=True):
            columns.append(f"{side}.{quoted(feature)} as {name}")
    for levels_of_feature in _rare_levels(release).values():
        for name in levels_of_feature:
            columns.append(f"least(l.{name}, r.{name}) as {name}")
    return _listed(columns)


def _level_cases(render: LevelSql, comparison: Comparison, index: int) -> list[str]:
    """The level index as the engine's scorer counts it: gated levels first."""
    shift = comparison.shift
    index_of = (
        "{i}"
        if comparison.gate is None
        else f"case when {_gate_column(comparison.gate.name)} then {{i}} else {{i}} + {shift} end"
    )
    branches = " ".join(
        f"when {render.condition(level.when)} then {index_of.format(i=i)}" for i, level in enumerate(comparison.levels)
    )
    unknown = render.condition(comparison.unknown)
    return [f"case when {unknown} then -1 {branches} else -1 end as level_{index}"]


def _gate_column(name: str) -> str:
    return quoted(f"gate_{name}")


def _rarity_cases(release: Release) -> list[str]:
    return [
        f"case level_{c} {branches} else 0 end as rarity_{c}"
        for c, comparison in enumerate(release.comparisons)
        if (branches := _rarity_branches(c, comparison))
    ]


def _rarity_branches(index: int, comparison: Comparison) -> str:
    return " ".join(
        f"when {i} then {_rarity_column(index, i)}"
        for i, level in enumerate(comparison.every)
        if level.rarity is not None
    )


def _units_case(comparison: Comparison, index: int) -> str:
    branches = " ".join(f"when {i} then {level.units}" for i, level in enumerate(comparison.every))
    rarity = f" + rarity_{index}" if _rarity_branches(index, comparison) else ""
    return f"case level_{index} {branches} else 0 end{rarity}"
