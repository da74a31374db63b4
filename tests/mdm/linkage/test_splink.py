"""Splink loads a release and gives its weights; trained by Splink, a release is nearer to the truth than expected."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import log2
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from benchmarks.bench_linkage import load_generated, race
from mdm.engine.release import Comparison, FeatureShape, Rarity, Release
from mdm.engine.score import make_scorer
from mdm.entity import load_entity
from mdm.linkage import splink_model
from mdm.linkage.score_sql import level_columns, levels_sql, register_features, score_sql
from mdm.linkage.splink_export import open_splink, splink_scores, splink_settings
from mdm.linkage.splink_model import Blocking, blend, choose_blockings, fields_of, train_session, train_with_splink
from mdm.linkage.train import TrainingInput, starting_release
from mdm.scratch import fetch, open_scratch
from tests.mdm.linkage.test_score_sql import RELEASE, SHAPES, weigh
from tests.mdm.linkage.test_score_sql import comparison as weighed

RECORDS = 3_000
PAIRS = 20_000
TYPES = ("person", "organisation")


@pytest.fixture(scope="module")
def generated() -> Iterator[dict[str, TrainingInput]]:
    with open_scratch() as scratch:
        yield {data.entity.name: data for data in load_generated(scratch, RECORDS, seed=3)}


def with_random_pairs(data: TrainingInput, pairs: int = PAIRS) -> TrainingInput:
    """The candidates, and random pairs on top."""
    table = f"many_{data.pairs}"
    data.connection.execute(f"""
        create or replace table {table} as
        from {data.pairs}
        union
        (
            select a.rid as l, b.rid as r
            from {data.features} a
            join {data.features} b on a.rid < b.rid
            order by hash(a.rid, b.rid)
            limit {pairs}
        )
    """)
    return replace(data, pairs=table)


def levels_reached(data: TrainingInput, release: Release) -> list[set[int]]:
    register_features(data.connection, release, data.features, "levelled_features")
    table = data.connection.sql(levels_sql(release, data.pairs, "levelled_features")).to_arrow_table()
    return [set(table[name].to_pylist()) for name in level_columns(release)]


@pytest.mark.parametrize("entity", TYPES)
def test_splink_gives_the_same_weights(generated: dict[str, TrainingInput], entity: str) -> None:
    data = with_random_pairs(generated[entity])
    release = starting_release(data)
    found = race(data, release, repeats=1)
    assert found.pairs >= PAIRS
    assert found.difference < 1e-4
    reached = list(zip(release.comparisons, levels_reached(data, release), strict=True))
    assert any(0 <= level < comparison.shift for comparison, levels in reached for level in levels)
    assert any(level >= 0 and c.every[level].rarity is not None for c, levels in reached for level in levels)


def test_python_gives_the_same_bits_on_a_hundred_thousand_pairs(generated: dict[str, TrainingInput]) -> None:
    compared = 0
    for entity in TYPES:
        data = with_random_pairs(generated[entity], 50_000)
        release = starting_release(data)
        rows = data.connection.sql(f"from {data.features}").to_arrow_table().to_pylist()
        features = {row["rid"]: row for row in rows}
        register_features(data.connection, release, data.features, "scored_features")
        scorer = make_scorer(release)
        for left, right, units, levels in fetch(data.connection, score_sql(release, data.pairs, "scored_features")):
            found = scorer.weigh(scorer.heard(features[left]), scorer.heard(features[right]))
            assert (found[0], ",".join(map(str, found[1]))) == (units, levels)
            compared += 1
    assert compared >= 100_000


def hostile_records(number: int) -> pa.Table:
    """Records that agree by halves, with empty and one-sided values."""
    dice = random.Random(5)
    words = ["a", "ab", "abz", "abz1", "19", "b a", "zz9", "1a9b"]
    numbers = ["5550142", "5550143", "5550199", "7", "77", "90125", "9012555"]

    def some(values: list[Any]) -> list[Any] | None:
        return None if dice.random() < 0.2 else dice.sample(values, dice.randint(1, 4))

    rows = range(number)
    columns = {
        "name": pa.array([dice.choice([None, *words]) for _ in rows], pa.string()),
        "other": pa.array([dice.choice([None, None, *words]) for _ in rows], pa.string()),
        "phones": pa.array([some(numbers) for _ in rows], pa.list_(pa.string())),
        "days": pa.array([some([-40_000, 0, 1, 20, 300, 301]) for _ in rows], pa.list_(pa.int32())),
    }
    assert columns.keys() == SHAPES.keys()
    return pa.table({"rid": pa.array(rows, pa.int64()), **columns})


def test_splink_gives_the_same_weights_on_hostile_values() -> None:
    with duckdb.connect() as connection:
        connection.register("arriving", hostile_records(210))
        connection.execute("create table features as from arriving")
        connection.execute(
            "create table pairs as select a.rid l, b.rid r from features a join features b on a.rid < b.rid"
        )
        data = TrainingInput(connection, load_entity("person"), "features", "pairs")
        found = race(data, RELEASE, repeats=1)
        assert found.pairs > 20_000
        assert found.difference < 1e-4
        reached = levels_reached(data, RELEASE)
    assert all(len(levels) > 4 for levels in reached)


# Equality sees every script, similarity ASCII that is not empty, as features promise. Most terms have no frequency.
SCRIPTS = ("نام", "نام ", "Thúy", "Thuý", "Thủy", "漢字", "\U0001f600", "İ", "i̇", "ß", "ss")
NATIVE = (*SCRIPTS, "'", '"; drop', "\\", "%", "%s", "a")
NUMBERS = ("5550142", "5550143", "1234567890ab", "1234567890cd")
LONG = ("ab" * 150, "ba" * 149 + "b")
ODD = ("a", "'", "''", '"', "\\", "%", "_", "a'b", *LONG, "ab z", "abz", "abz1", "bz1", "zb1", "Ab")
WORLD = replace(
    RELEASE,
    features={**RELEASE.features, "script": FeatureShape(False, False), "aliases": FeatureShape(True, False)},
    comparisons=(
        *RELEASE.comparisons,
        weighed(
            "script",
            "all(missing(script), missing(aliases))",
            weigh("same", "exact(script)", 0.6, 0.01, "script"),
            weigh("half", "overlap(aliases) >= 0.5", 0.1, 0.02),
            weigh("alias", "share_any(aliases)", 0.1, 0.01),
            weigh("one unknown", "any(missing(script), not(present(aliases)))", 0.1, 0.2),
            weigh("different", "else", 0.1, 0.9),
        ),
    ),
    rarities={**RELEASE.rarities, "script": Rarity({"漢字": 0.2, "'": 0.01}, 0.004)},
)


def worldly_records(number: int) -> pa.Table:
    """Hostile records with values of other scripts, long ones, single characters, quotes and patterns."""
    dice = random.Random(8)

    def some(values: Sequence[Any], most: int) -> list[Any] | None:
        return None if dice.random() < 0.2 else dice.sample(values, dice.randint(1, most))

    def one(values: Sequence[str]) -> str | None:
        return None if dice.random() < 0.15 else dice.choice(values)

    # Long values are rare: comparing two of them takes as long as a thousand short ones.
    short = [text for text in ODD if len(text) < 10] * 4
    columns = {
        "name": pa.array([one([*short, *ODD]) for _ in range(number)], pa.string()),
        "other": pa.array([one(short) for _ in range(number)], pa.string()),
        "phones": pa.array([some(sorted({*short, *NUMBERS}), 7) for _ in range(number)]),
        "days": pa.array([some([-900_000, -1, 0, 31, 32, 900_000], 5) for _ in range(number)], pa.list_(pa.int32())),
        "script": pa.array([one(NATIVE) for _ in range(number)], pa.string()),
        "aliases": pa.array([some(NATIVE, 6) for _ in range(number)], pa.list_(pa.string())),
    }
    return pa.table({"rid": pa.array(range(number), pa.int64()), **columns})


def test_three_scorers_agree_on_a_hundred_thousand_hostile_pairs() -> None:
    with duckdb.connect() as connection:
        records = worldly_records(460)
        connection.register("arriving", records)
        connection.execute("create table features as from arriving")
        connection.execute(
            "create table pairs as select a.rid l, b.rid r from features a join features b on a.rid < b.rid"
        )
        data = TrainingInput(connection, load_entity("person"), "features", "pairs")
        found = race(data, WORLD, repeats=1)
        assert found.pairs > 100_000
        assert found.difference < 1e-4
        rows, scorer = records.to_pylist(), make_scorer(WORLD)
        reached: set[tuple[int, int]] = set()
        for left, right, units, levels in connection.execute("select l, r, units, levels from ours").fetchall():
            total, told, _ = scorer.weigh(rows[left], rows[right])
            assert (total, ",".join(map(str, told))) == (units, levels)
            reached.update(enumerate(told))
    every = {(place, level) for place, c in enumerate(WORLD.comparisons) for level in range(-1, len(c.every))}
    # What overlaps by half shares a value, which an earlier level says.
    assert every - reached == {(1, 3)}


def test_splink_leaves_nothing_behind(generated: dict[str, TrainingInput]) -> None:
    data = generated["person"]
    before = tables(data)
    scored = splink_scores(data.connection, starting_release(data), data.features, data.pairs)
    assert scored.column_names == ["l", "r", "bits"]
    assert tables(data) == before


def tables(data: TrainingInput) -> list[tuple[Any, ...]]:
    return data.connection.execute(
        "select table_name from duckdb_tables() union all select view_name from duckdb_views() order by 1"
    ).fetchall()


@pytest.mark.parametrize("entity", TYPES)
def test_a_release_loads_in_splink_from_json(generated: dict[str, TrainingInput], entity: str) -> None:
    data = generated[entity]
    release = starting_release(data)
    settings = json.loads(json.dumps(splink_settings(release)))
    with open_splink(data.connection, settings, data.features) as session:
        loaded = session.linker.misc.save_model_to_json()
        blocked = session.linker.inference.compute_blocked_pairs_for_predict()
        (count,) = session.cursor.execute(f"select count(*) from {blocked.physical_name}").fetchall()[0]
    for comparison, found in zip(release.comparisons, loaded["comparisons"], strict=True):
        levels = found["comparison_levels"][1:]
        assert [level["m_probability"] for level in levels] == [level.m for level in comparison.every]
        assert [level.get("tf_adjustment_column") for level in levels] == [level.rarity for level in comparison.every]
    assert count >= data.connection.execute(f"select count(*) from {data.pairs}").fetchall()[0][0] / 2


def true_m(data: TrainingInput, release: Release) -> list[np.ndarray[Any, Any]]:
    """Per comparison the share of true matches at each open level, gated or not."""
    rids = data.features.replace("features", "rids")
    data.connection.execute(f"""
        create or replace table true_pairs as
        with known as (select rid, cluster_id from {rids} join truth using (source, record_id))
        select a.rid as l, b.rid as r
        from known a
        join known b on a.cluster_id = b.cluster_id and a.rid < b.rid
    """)
    register_features(data.connection, release, data.features, "levelled_features")
    table = data.connection.sql(levels_sql(release, "true_pairs", "levelled_features")).to_arrow_table()
    shares = []
    for name, comparison in zip(level_columns(release), release.comparisons, strict=True):
        level = table[name].to_numpy()
        level = np.where(level < comparison.shift, level, level - comparison.shift)[level >= 0]
        counts = np.bincount(level, minlength=len(comparison.levels))
        shares.append(counts / max(counts.sum(), 1))
    return shares


def bits_off(data: TrainingInput, release: Release) -> float:
    """How far the weights of true matches are off for their m alone, in bits per comparison."""
    return sum(_off(c, shares) for c, shares in zip(release.comparisons, true_m(data, release), strict=True))


def _off(comparison: Comparison, shares: np.ndarray[Any, Any]) -> float:
    levels = zip(comparison.levels, shares, strict=True)
    return float(sum(share * abs(log2(max(level.m, 1e-6) / share)) for level, share in levels if share > 0))


@pytest.mark.slow
def test_training_comes_nearer_to_the_truth(
    generated: dict[str, TrainingInput], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(splink_model, "RANDOM_PAIRS", 50_000)
    data = generated["person"]
    start = starting_release(data)
    learnt = train_with_splink(data, start, seed=7)
    assert bits_off(data, learnt) < 0.6 * bits_off(data, start)
    assert train_with_splink(data, start, seed=7) == learnt
    assert any(note.startswith("u stays as expected") for note in learnt.notes)
    for comparison in learnt.comparisons:
        assert sum(level.m for level in comparison.levels) == pytest.approx(1, abs=0.03)
        if comparison.gate is not None:
            assert [level.m for level in comparison.gate.levels] == [level.m for level in comparison.levels]


@pytest.mark.slow
def test_gated_u_and_levels_nobody_saw_stay_as_expected(generated: dict[str, TrainingInput]) -> None:
    data = generated["organisation"]
    start = starting_release(data)
    learnt = train_with_splink(data, start, seed=7)
    for before, after in zip(start.comparisons, learnt.comparisons, strict=True):
        if before.gate is not None and after.gate is not None:
            assert [level.u for level in after.gate.levels] == [level.u for level in before.gate.levels]
        rare = [(b.u, a.u) for b, a in zip(before.levels, after.levels, strict=True) if b.u < start.prior]
        assert all(learnt_u == pytest.approx(expected, rel=0.05) for expected, learnt_u in rare)
    assert any(level.u < start.prior for comparison in start.comparisons for level in comparison.levels)


def test_blockings_leave_every_comparison_a_session(generated: dict[str, TrainingInput]) -> None:
    data = generated["person"]
    start = starting_release(data)
    blockings = choose_blockings(data, start)
    assert 2 <= len(blockings) <= splink_model.SESSIONS
    assert blockings == choose_blockings(data, start)
    for comparison in start.comparisons:
        assert any(not fields_of(comparison, data.entity) & blocking.fields for blocking in blockings)


@pytest.mark.slow
def test_a_blocking_of_many_pairs_is_sampled(
    generated: dict[str, TrainingInput], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = generated["person"]
    start = starting_release(data)
    blocking = choose_blockings(data, start)[0]
    notes: list[str] = []
    whole = train_session(data, start, blocking, notes)
    monkeypatch.setattr(splink_model, "BLOCKED_PAIRS", blocking.pairs // 4)
    part = train_session(data, start, blocking, notes)
    assert notes == []
    assert whole is not None and part is not None
    assert 0.1 * whole.matches < part.matches < 0.3 * whole.matches
    assert part.m != whole.m


def test_too_few_records_change_nothing_but_the_notes(generated: dict[str, TrainingInput]) -> None:
    data = generated["person"]
    data.connection.execute(f"create or replace table few as from {data.features} where rid <= 12")
    few = replace(data, features="few")
    start = starting_release(few)
    learnt = train_with_splink(few, start, seed=7)
    assert replace(learnt, notes=start.notes) == start
    assert "splink learnt m from pairs that share nothing" in learnt.notes


def test_a_session_that_fails_is_a_note(generated: dict[str, TrainingInput]) -> None:
    data = generated["person"]
    blocking = Blocking("nothing at all", "l.given = r.given and 1 = 0", frozenset({"name"}), 1.0, 0.0, 600)
    notes: list[str] = []
    assert train_session(data, starting_release(data), blocking, notes) is None
    assert notes[0].startswith("splink could not learn from pairs that share nothing at all: ")


@pytest.mark.parametrize(
    ("expected", "found", "shares"),
    [
        ([0.7, 0.3], [], [0.7, 0.3]),
        ([0.7, 0.3], [None, None], [0.7, 0.3]),
        ([0.7, 0.3], [0.4, 0.6], [0.4, 0.6]),
        ([0.7, 0.2, 0.1], [0.5, 0.5, None], [0.45, 0.45, 0.1]),
        ([1.4, 0.6], [0.2, None], [0.7, 0.3]),
    ],
)
def test_blend_keeps_what_was_not_found(expected: list[float], found: list[float | None], shares: list[float]) -> None:
    assert blend(expected, found) == pytest.approx(shares)
