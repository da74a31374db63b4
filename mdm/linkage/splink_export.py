"""A release -> Splink 5 settings, and Splink's own weights of given pairs, the reference for all scoring."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa
from splink import DuckDBAPI, Linker

from mdm.engine.levels import Level, Measure, Otherwise
from mdm.engine.release import LEAST, Comparison, FeatureShape, KeyRule, LevelWeight, Release, flat_levels
from mdm.linkage.level_sql import LevelSql, quoted
from mdm.linkage.shared import quiet_features

_COMPREHENSION = re.compile(r"\[\[(?P<inner>.+) for y in (?P<right>\S+)\] for x in (?P<left>\S+)\]")
_LAMBDAS = r"list_transform(\g<left>, lambda x: list_transform(\g<right>, lambda y: \g<inner>))"


class SplinkLevelSql(LevelSql):
    """Levels for Splink, whose parser takes the variables of a list comprehension for columns: lambdas do the same."""

    def _similarity(self, measure: Measure) -> str:
        return _COMPREHENSION.sub(_LAMBDAS, super()._similarity(measure))

    def splink_condition(self, level: Level) -> str:
        """The level as Splink reads it, which knows the last one by its word."""
        return "ELSE" if isinstance(level, Otherwise) else self.condition(level)


def splink_settings(release: Release) -> dict[str, Any]:
    """The release as Splink settings, plain JSON values; the table to link has `rid` and one column per feature.

    Rarity needs the release's own term frequencies registered, else Splink counts those of the table. The cap on hot
    keys has no counterpart: Splink's blocking proposes their pairs too.
    """
    render = SplinkLevelSql(release.features)
    return {
        "link_type": "dedupe_only",
        "sql_dialect": "duckdb",
        "unique_id_column_name": "rid",
        "probability_two_random_records_match": release.prior,
        "retain_matching_columns": False,
        "retain_intermediate_calculation_columns": False,
        "blocking_rules_to_generate_predictions": [_blocking_rule(key, release.features) for key in release.keys],
        "comparisons": [_comparison(comparison, release, render) for comparison in release.comparisons],
    }


def _comparison(comparison: Comparison, release: Release, render: SplinkLevelSql) -> dict[str, Any]:
    unknown = {
        "sql_condition": render.condition(comparison.unknown),
        "label_for_charts": "unknown",
        "is_null_level": True,
    }
    levels = [_level(level, release, render) for level in flat_levels(comparison)]
    return {
        "output_column_name": comparison.name,
        "comparison_description": ", ".join(comparison.show),
        "comparison_levels": [unknown, *levels],
    }


def _level(level: LevelWeight, release: Release, render: SplinkLevelSql) -> dict[str, Any]:
    settings = {
        "sql_condition": render.splink_condition(level.when),
        "label_for_charts": level.name,
        "m_probability": max(level.m, LEAST),
        "u_probability": max(level.u, LEAST),
    }
    if level.rarity is None:
        return settings
    return settings | {
        "tf_adjustment_column": level.rarity,
        "tf_adjustment_weight": 1.0,
        "tf_minimum_u_value": max(release.rarities[level.rarity].least, LEAST),
        # A term's frequency stands in for the u of its own level, not of the comparison's exact one.
        "disable_tf_exact_match_detection": True,
    }


def _blocking_rule(key: KeyRule, features: Mapping[str, FeatureShape]) -> dict[str, Any]:
    equal = " and ".join(f"{_key_part('l', *part)} = {_key_part('r', *part)}" for part in key.on)
    many = [feature for feature, _ in key.on if features[feature].many]
    return {"blocking_rule": equal, "sql_dialect": "duckdb"} | ({"arrays_to_explode": many} if many else {})


def _key_part(side: str, feature: str, length: int | None) -> str:
    column = f"{side}.{quoted(feature)}"
    return column if length is None else f"left({column}::varchar, {length})"


@dataclass(frozen=True, slots=True)
class SplinkSession:
    """A Splink linker with the cursor and the database API that are its own."""

    cursor: duckdb.DuckDBPyConnection
    api: Any
    linker: Any


@contextmanager
def open_splink(
    connection: duckdb.DuckDBPyConnection, settings: Mapping[str, Any], features: str
) -> Iterator[SplinkSession]:
    """A quiet linker over the table of features; the tables that it makes go with it."""
    with connection.cursor() as cursor, _quiet():
        # A second linker on the same API would silently reuse the first one's term frequencies.
        api = DuckDBAPI(cursor)
        linker: Any = Linker(api.register(features), dict(settings), log_level=None)
        try:
            yield SplinkSession(cursor, api, linker)
        finally:
            linker.table_management.delete_tables_created_by_splink_from_db()


@contextmanager
def _quiet() -> Iterator[None]:
    """Splink logs what it trains and doubts; what matters of it is said in the notes of a release."""
    logger = logging.getLogger("splink")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def splink_scores(connection: duckdb.DuckDBPyConnection, release: Release, features: str, pairs: str) -> pa.Table:
    """One row per pair: l, r, bits, the match weight that Splink's predict gives under this release.

    features, pairs: tables of the database, rows as (rid, one column per feature) and as (l, r) with l < r.
    """
    heard = quiet_features(connection, release, features, "splink_quiet")
    try:
        with open_splink(connection, splink_settings(release), heard) as session:
            register_pairs(session, pairs)
            register_rarities(session, release, heard)
            scored = session.linker.inference.predict()
            return session.cursor.sql(f"""
                select rid_l as l, rid_r as r, match_weight as bits
                from {scored.physical_name}
            """).to_arrow_table()
    finally:
        if heard != features:
            connection.execute(f"drop table {heard}")


def register_pairs(session: SplinkSession, pairs: str) -> None:
    """Nothing; predict scores exactly these pairs (l, r)."""
    session.cursor.execute(f"""
        create temp table splink_pairs as
        select '0' as match_key, l as join_key_l, r as join_key_r
        from {pairs}
    """)
    session.linker.table_management.register_blocked_pairs_for_predict(session.api.register("splink_pairs"))


def register_rarities(session: SplinkSession, release: Release, features: str) -> None:
    """Nothing; rarity weighs by the release's term frequencies."""
    for feature, table in rarity_tables(session.cursor, release, features).items():
        session.linker.table_management.register_term_frequency_lookup(session.api.register(table), feature)


def rarity_tables(connection: duckdb.DuckDBPyConnection, release: Release, features: str) -> dict[str, str]:
    """Feature -> a temporary table of its values (FEATURE, tf_FEATURE); values the release does not list are rarest.

    Splink takes a value that is in no table for an absent one, so every value of the features is listed.
    """
    tables = {feature: f"splink_terms_{index}" for index, feature in enumerate(release.rarities)}
    for feature, table in tables.items():
        name, rarity = quoted(feature), release.rarities[feature]
        terms = pa.table({"value": list(rarity.terms), "frequency": list(rarity.terms.values())}, schema=_TERMS)
        connection.register("release_terms", terms)
        connection.execute(f"""
            create temp table {table} as
            select distinct f.{name}, coalesce(t.frequency, {rarity.least!r}) as {quoted(f"tf_{feature}")}
            from {features} f
            left join release_terms t on t.value = f.{name}
            where f.{name} is not null
        """)
        connection.unregister("release_terms")
    return tables


_TERMS = pa.schema([("value", pa.string()), ("frequency", pa.float64())])
