"""Training without labels: features and candidate pairs -> a release."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import duckdb
import numpy as np

from mdm.engine.levels import Not, Otherwise, level_text, prune_level
from mdm.engine.policy import ComparisonPolicy, EntityType, LevelPolicy
from mdm.engine.release import Comparison, FeatureShape, Gate, KeyRule, LevelWeight, Rarity, Release
from mdm.linkage import em
from mdm.linkage.level_sql import quoted
from mdm.linkage.score_sql import levels_sql, register_features
from mdm.linkage.shared import find_shared, shared_notes
from mdm.scratch import run_as_written

# More pairs than these teach nothing new; the sample is taken by a hash of the pair, never by chance.
MOST_CANDIDATES = 500_000
RANDOM_PAIRS = 250_000
# Of 2.3 M pairs of 320,000 generated people, those that share no key of at most 50 holders were 27 %, and 0.6 % of all
# pairs that merge; of organisations a third and 0.2 %.
KEY_CAP = 50
# Two records of a store that nobody has seen yet are one customer as often as in one of ten thousand.
EXPECTED_PRIOR = 1e-4
NEVER = Not(Otherwise())


@dataclass(frozen=True, slots=True)
class TrainingInput:
    """Tables of one entity type in DuckDB: `features` (rid, one column each) and `pairs` (l, r).

    labels: the table of labelled pairs (l, r, same), None when there are none.
    """

    connection: duckdb.DuckDBPyConnection
    entity: EntityType
    features: str
    pairs: str
    labels: str | None = None


def starting_release(data: TrainingInput) -> Release:
    """The release that the entity file expects, cut to the features that carry data here, with notes on the rest."""
    known, notes = _known_features(data)
    comparisons = [_comparison(c, data.entity, known) for c in data.entity.comparisons]
    for policy, made in zip(data.entity.comparisons, comparisons, strict=True):
        if made is None:
            notes.append(f"comparison {policy.name} left out: its fields are empty or constant")
    records = _count(data.connection, data.features)
    shared = find_shared(data.connection, data.entity.shared, data.features)
    kept = tuple(c for c in comparisons if c is not None)
    rare = {level.rarity for c in kept for level in c.levels if level.rarity is not None}
    return Release(
        release_id="",
        entity=data.entity.name,
        records=records,
        prior=min(0.5, 1 / max(records, 2)),
        features={n: FeatureShape(f.many, f.number) for n, f in data.entity.features.items()},
        comparisons=kept,
        rarities={feature: _rarity(data, feature) for feature in sorted(rare)},
        keys=tuple(KeyRule(k.name, k.on) for k in data.entity.keys if known.issuperset(f for f, _ in k.on)),
        cap=KEY_CAP,
        review=0.0,
        merge=0.0,
        identifying=data.entity.identifying,
        notes=(*notes, *shared_notes(shared)),
        shared=shared,
    )


def expected_release(entity: EntityType) -> Release:
    """The release that the entity file expects before there is any data; no value is rarer than another."""
    known = frozenset(entity.features)
    comparisons = [c for policy in entity.comparisons if (c := _comparison(policy, entity, known)) is not None]
    return Release(
        release_id="",
        entity=entity.name,
        records=0,
        prior=EXPECTED_PRIOR,
        features={n: FeatureShape(f.many, f.number) for n, f in entity.features.items()},
        comparisons=tuple(replace(c, levels=tuple(replace(v, rarity=None) for v in c.levels)) for c in comparisons),
        rarities={},
        keys=tuple(KeyRule(k.name, k.on) for k in entity.keys),
        cap=KEY_CAP,
        review=0.0,
        merge=0.0,
        identifying=entity.identifying,
        notes=("expected by the entity file, learnt from no data",),
    )


def _known_features(data: TrainingInput) -> tuple[frozenset[str], list[str]]:
    """Features with at least two distinct values, and notes on the others that are not simply absent."""
    columns = ", ".join(f"count(distinct {quoted(name)}), count({quoted(name)})" for name in data.entity.features)
    row = data.connection.execute(f"select {columns} from {data.features}").fetchall()[0]
    known, notes = set(), []
    for index, name in enumerate(data.entity.features):
        distinct, filled = row[2 * index], row[2 * index + 1]
        if distinct >= 2:
            known.add(name)
        elif filled:
            notes.append(f"feature {name} left out: every record has the same value")
    return frozenset(known), notes


def _comparison(policy: ComparisonPolicy, entity: EntityType, known: frozenset[str]) -> Comparison | None:
    """The comparison with levels that can still hold; None when nothing is left to compare."""
    unknown = prune_level(policy.unknown, known)
    if isinstance(unknown, Otherwise):
        return None
    levels: list[LevelPolicy] = []
    seen: set[str] = set()
    for level in policy.levels:
        when = prune_level(level.when, known)
        if when is None or level_text(when) in seen:
            continue
        seen.add(level_text(when))
        rarity = level.rarity if level.rarity in known else None
        levels.append(replace(level, when=when, rarity=rarity))
        if isinstance(when, Otherwise):
            break
    if len(levels) < 2:
        return None
    strangers = tuple(LevelWeight(v.name, v.when, v.m, v.u, v.rarity) for v in levels)
    return Comparison(policy.name, policy.show, unknown or NEVER, strangers, _gate(policy, entity, known, levels))


def _gate(
    policy: ComparisonPolicy, entity: EntityType, known: frozenset[str], levels: list[LevelPolicy]
) -> Gate | None:
    """The comparison's gate; none when its condition can never hold here. Rarity says nothing among relatives."""
    when = None if policy.gate is None else prune_level(entity.gates[policy.gate], known)
    if policy.gate is None or when is None:
        return None
    return Gate(policy.gate, when, tuple(LevelWeight(v.name, v.when, v.m, v.u_gated) for v in levels))


def _rarity(data: TrainingInput, feature: str) -> Rarity:
    name = quoted(feature)
    rows = data.connection.execute(f"""
        select {name}, count(*) as n
        from {data.features}
        where {name} is not null
        group by all
        order by n desc, {name}
    """).fetchall()
    total = sum(n for _, n in rows)
    # How many others have the value: of a name that two records share, each knows one more.
    return Rarity({value: (n - 1) / total for value, n in rows if n >= 2}, 1 / max(total, 1))


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    return int(connection.execute(f"select count(*) from {table}").fetchall()[0][0])


def fit_release(data: TrainingInput, start: Release, begin: Release | None = None) -> Release:
    """The release whose prior, m and u are learnt from the candidate pairs and a sample of all others.

    start: what is expected. begin: where the estimation sets out from, with the same comparisons (None: from `start`).
    """
    if not start.comparisons:
        return start
    register_features(data.connection, start, data.features, "train_features")
    pairs, candidates = _sample(data, start)
    begin = start if begin is None else begin
    tables = [_table(c, b) for c, b in zip(start.comparisons, begin.comparisons, strict=True)]
    fit = em.estimate(pairs, em.Fit(start.prior, tables))
    notes = list(begin.notes)
    if fit.change >= 0.01:
        notes.append(f"estimation had not settled after {fit.steps} steps (last change {fit.change:.3f})")
    learnt = tuple(_learnt(c, t) for c, t in zip(start.comparisons, fit.tables, strict=True))
    training = {"candidate_pairs": candidates, "sampled_pairs": len(pairs.weights), "steps": fit.steps}
    return replace(start, comparisons=learnt, prior=fit.prior, notes=tuple(notes), training=training)


def _table(expected: Comparison, begin: Comparison) -> em.Table:
    m, u = np.array([v.m for v in begin.every]), np.array([v.u for v in begin.every])
    expected_m, expected_u = np.array([v.m for v in expected.every]), np.array([v.u for v in expected.every])
    rare = np.array([v.rarity is not None for v in expected.every])
    return em.Table(m, u, expected_m, expected_u, expected.shift, rare)


def _learnt(comparison: Comparison, table: em.Table) -> Comparison:
    levels = [replace(v, m=float(m), u=float(u)) for v, m, u in zip(comparison.every, table.m, table.u, strict=True)]
    gate = None if comparison.gate is None else replace(comparison.gate, levels=tuple(levels[: table.shift]))
    return replace(comparison, gate=gate, levels=tuple(levels[table.shift :]))


def _sample(data: TrainingInput, start: Release) -> tuple[em.Pairs, int]:
    """Candidate pairs, thinned by hash, and random other pairs, weighted to stand for the whole space.

    Labelled pairs are all in it, each standing for itself.
    """
    con = data.connection
    records, candidates = start.records, _count(con, data.pairs)
    keep = max(1, math.ceil(candidates / MOST_CANDIDATES))
    con.execute(f"""
        create or replace table sampled as
        select l, r, true as candidate, -1 as label
        from {data.pairs}
        where hash(l, r) % {keep} = 0
    """)
    _add_random_pairs(data, records)
    labelled = 0 if data.labels is None else _add_labelled_pairs(data)
    counts = dict(con.execute("select candidate, count(*) from sampled where label < 0 group by candidate").fetchall())
    everything = records * (records - 1) / 2
    per_other = max(everything - candidates, 1.0) / max(counts.get(False, 0), 1)
    per_candidate = (candidates - labelled) / max(counts.get(True, 0), 1)
    levelled = levels_sql(start, "sampled", "train_features", kept=["candidate", "label"])
    run_as_written(con, f"create or replace table levelled as {levelled}")
    table = con.sql("from levelled order by l, r").to_arrow_table()
    levels = np.column_stack([table[f"level_{i}"].to_numpy() for i in range(len(start.comparisons))]).astype(np.int16)
    frequencies = np.column_stack([_frequencies(table, start, i, levels[:, i]) for i in range(len(start.comparisons))])
    candidate, labels = table["candidate"].to_numpy(), table["label"].to_numpy().astype(np.int8)
    weights = np.where(labels >= 0, 1.0, np.where(candidate, per_candidate, per_other))
    return em.Pairs(levels, frequencies, weights, candidate, None if data.labels is None else labels), candidates


def _add_labelled_pairs(data: TrainingInput) -> int:
    """How many labelled pairs are candidates; all of them are in the sample with their labels."""
    data.connection.execute(f"delete from sampled s using {data.labels} k where s.l = k.l and s.r = k.r")
    data.connection.execute(f"""
        insert into sampled
        select k.l, k.r, p.l is not null, k.same::int
        from {data.labels} k
        left join {data.pairs} p on p.l = k.l and p.r = k.r
    """)
    counted = data.connection.execute("select count(*) from sampled where candidate and label >= 0")
    return int(counted.fetchall()[0][0])


def _add_random_pairs(data: TrainingInput, records: int) -> None:
    """Pairs that no key proposed, drawn by a hash of a running number, so that every run draws the same."""
    most = records * (records - 1) // 2
    wanted = min(RANDOM_PAIRS, 2 * most)
    data.connection.execute(f"""
        insert into sampled
        with numbered as (
            select rid, row_number() over (order by rid) - 1 as n
            from {data.features}
        ),
        drawn as (
            select hash(i, 17) % {records} as a, hash(i, 71) % {records} as b
            from range({wanted}) t(i)
        ),
        others as (
            select distinct least(x.rid, y.rid) as l, greatest(x.rid, y.rid) as r
            from drawn
            join numbered x on x.n = drawn.a
            join numbered y on y.n = drawn.b
            where drawn.a <> drawn.b
        )
        select l, r, false, -1
        from others
        anti join {data.pairs} p on p.l = others.l and p.r = others.r
    """)


def _frequencies(table: object, start: Release, index: int, levels: np.ndarray) -> em.Floats:
    """log2 of the term frequency behind a level that weighs rarity; 0 elsewhere."""
    comparison = start.comparisons[index]
    every = comparison.every
    if not any(v.rarity for v in every):
        return np.zeros(len(levels))
    u_bits = np.array([math.log2(v.u) if v.rarity else 0.0 for v in every] + [0.0])
    rarity = table[f"rarity_{index}"].to_numpy() / (1 << 20)  # type: ignore[index]
    return np.asarray(u_bits[levels] - np.where(levels >= 0, rarity, 0.0))
