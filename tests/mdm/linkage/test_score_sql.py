"""Bulk SQL and the scorer in Python must give the same units on every pair, hostile ones too."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any

import duckdb
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mdm.engine.compare import compile_level
from mdm.engine.levels import MEASURES, measures_of, parse_level
from mdm.engine.release import Comparison, FeatureShape, Gate, LevelWeight, Rarity, Release, from_json, to_json
from mdm.engine.score import make_scorer
from mdm.linkage.score_sql import register_features, score_sql

TEXT = st.text(alphabet="abz19 ", min_size=1, max_size=8).filter(lambda t: t.strip() != "")
SHAPES = {
    "name": FeatureShape(many=False, number=False),
    "other": FeatureShape(many=False, number=False),
    "phones": FeatureShape(many=True, number=False),
    "days": FeatureShape(many=True, number=True),
}
RECORD = st.fixed_dictionaries(
    {
        "name": st.none() | TEXT,
        "other": st.none() | TEXT,
        "phones": st.none() | st.lists(TEXT, min_size=1, max_size=5, unique=True),
        "days": st.none() | st.lists(st.integers(-40_000, 40_000), min_size=1, max_size=3, unique=True),
    }
)


def weigh(name: str, when: str, m: float, u: float, rarity: str | None = None) -> LevelWeight:
    return LevelWeight(name, parse_level(when), m, u, rarity)


def comparison(name: str, unknown: str, *levels: LevelWeight, gate: str | None = None) -> Comparison:
    gated = tuple(LevelWeight(v.name, v.when, v.m, min(0.9, 3 * v.u)) for v in levels)
    made = None if gate is None else Gate(gate, parse_level(GATES[gate]), gated)
    return Comparison(name, (name,), parse_level(unknown), levels, made)


GATES = {"kin": "any(share_any(phones), exact(other))", "namesake": "exact(name)"}


RELEASE = Release(
    release_id="test",
    entity="person",
    records=100,
    prior=0.001,
    features=SHAPES,
    comparisons=(
        comparison(
            "name",
            "missing(name)",
            weigh("same", "exact(name)", 0.7, 0.01, "name"),
            weigh("swapped", "swapped(name, other)", 0.02, 0.0001),
            weigh("similar", "jaro_winkler(name) >= 0.88", 0.1, 0.02, "name"),
            weigh("near", "levenshtein(name) <= 2", 0.05, 0.03),
            weigh("starts", "starts(name) >= 1", 0.03, 0.05),
            weigh("crossed", "crossed(name, other)", 0.03, 0.01),
            weigh("different", "else", 0.1, 0.9),
            gate="kin",
        ),
        comparison(
            "phone",
            "all(missing(phones), missing(other))",
            weigh("same", "share_any(phones)", 0.6, 0.001),
            weigh("one off", "damerau_levenshtein(phones) <= 1", 0.05, 0.002),
            weigh("like", "jaro_winkler(phones) >= 0.9", 0.05, 0.02),
            weigh("half", "all(overlap(phones) >= 0.5, not(present(other)))", 0.1, 0.1),
            weigh("different", "else", 0.2, 0.9),
        ),
        comparison(
            "days",
            "missing(days)",
            weigh("same", "share_any(days)", 0.8, 0.001),
            weigh("month", "within(days) <= 31", 0.1, 0.01),
            weigh("different", "else", 0.1, 0.98),
            gate="namesake",
        ),
    ),
    rarities={"name": Rarity({"a": 0.3, "ab": 0.02}, 0.005)},
    keys=(),
    cap=100,
    review=0.0,
    merge=4.0,
)


# What many people share is not heard: neither as evidence nor by a gate.
SHARED = replace(RELEASE, shared={"phones": ("1", "19", "a")})


def sql_units(rows: list[dict[str, Any]], release: Release = RELEASE) -> dict[tuple[int, int], tuple[int, str]]:
    types = {"name": pa.string(), "other": pa.string(), "phones": pa.list_(pa.string()), "days": pa.list_(pa.int32())}
    columns = {"rid": pa.array(range(len(rows)), pa.int64())}
    columns |= {name: pa.array([row[name] for row in rows], type_) for name, type_ in types.items()}
    pairs = list(combinations(range(len(rows)), 2))
    with duckdb.connect() as connection:
        connection.register("source", pa.table(columns))
        connection.register("pairs", pa.table({"l": [a for a, _ in pairs], "r": [b for _, b in pairs]}))
        register_features(connection, release, "source", "features")
        found = connection.execute(score_sql(release, "pairs", "features")).fetchall()
    return {(left, right): (units, levels) for left, right, units, levels in found}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(RECORD, min_size=2, max_size=12))
def test_sql_and_python_give_the_same_units_and_levels(rows: list[dict[str, Any]]) -> None:
    compare_both(rows, RELEASE)


FEW = st.lists(st.sampled_from(["1", "19", "a", "b", "19a"]), min_size=1, max_size=4, unique=True)
CROWDED = st.lists(RECORD.flatmap(lambda record: FEW.map(lambda phones: record | {"phones": phones})), min_size=2)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(CROWDED)
def test_so_they_do_where_values_are_shared(rows: list[dict[str, Any]]) -> None:
    compare_both(rows[:10], SHARED)


def compare_both(rows: list[dict[str, Any]], release: Release) -> None:
    scorer = make_scorer(release)
    for (left, right), (units, levels) in sql_units(rows, release).items():
        score = scorer.score(rows[left], rows[right])
        assert (score.units, ",".join(str(e.level) for e in score.evidence)) == (units, levels)
        assert scorer.score(rows[right], rows[left]).units == score.units


def plain_level(comparison: Comparison, left: dict[str, Any], right: dict[str, Any]) -> int:
    """The level by closures, one condition after the other."""
    if compile_level(comparison.unknown)(left, right):
        return -1
    gated = comparison.gate is not None and compile_level(comparison.gate.when)(left, right)
    levels = list(enumerate(comparison.every))
    chosen = levels[: comparison.shift] if gated else levels[comparison.shift :]
    return next(index for index, level in chosen if compile_level(level.when)(left, right))


HOSTILE = st.text(alphabet="aA1 \u0130ß\u0915ن漢\U0001f600'\"\\", min_size=1, max_size=300)
HOSTILE_RECORD = st.fixed_dictionaries(
    {
        "name": st.none() | HOSTILE,
        "other": st.none() | HOSTILE,
        "phones": st.none() | st.lists(HOSTILE, min_size=1, max_size=12, unique=True),
        "days": st.none() | st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=12, unique=True),
    }
)


@settings(max_examples=200, deadline=None)
@given(HOSTILE_RECORD, HOSTILE_RECORD)
def test_the_rendered_function_says_what_closures_say(left: dict[str, Any], right: dict[str, Any]) -> None:
    scorer = make_scorer(RELEASE)
    for one, other in ((left, right), (left, left), (left, {**right, "name": left["name"]})):
        _, levels, _ = scorer.weigh(one, other)
        assert levels == tuple(plain_level(comparison, one, other) for comparison in RELEASE.comparisons)


def test_every_measure_is_in_the_release_that_is_tested() -> None:
    used = {m.name for c in RELEASE.comparisons for v in c.levels for m in measures_of(v.when)}
    used |= {m.name for c in RELEASE.comparisons for m in measures_of(c.unknown)}
    assert used == set(MEASURES)


def test_a_release_survives_json() -> None:
    assert from_json(to_json(RELEASE)) == RELEASE
    assert from_json(to_json(SHARED)) == SHARED


def test_a_shared_value_weighs_nothing_and_others_do() -> None:
    scorer = make_scorer(SHARED)
    person = {"name": "ab", "other": None, "days": None}
    alone, unknown, both, other = ({**person, "phones": phones} for phones in (["1"], None, ["1", "b"], ["b"]))
    assert scorer.score(alone, alone) == scorer.score(unknown, unknown)
    assert scorer.score(both, both) == make_scorer(RELEASE).score(other, other)
