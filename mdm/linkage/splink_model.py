"""Training with Splink: a starting release -> the same with u as random pairs show it and m as blocked pairs do.

Gates are left aside: among random pairs those under a gate are the matches themselves (on generated people 9.0e-5 of
all pairs are under the gate and 8.3e-5 are matches), so that a gated u learnt from them would weigh nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import duckdb
from splink.internals.exceptions import SplinkException

from mdm.engine.levels import features_of
from mdm.engine.policy import EntityType
from mdm.engine.release import Comparison, LevelWeight, Release
from mdm.linkage.level_sql import quoted
from mdm.linkage.splink_export import open_splink, splink_settings
from mdm.linkage.train import TrainingInput

RANDOM_PAIRS = 400_000
BLOCKED_PAIRS = 400_000
SESSIONS = 3
# A level seen in fewer pairs, or a blocking that finds fewer, tells nothing.
LEAST_SEEN = 30
LEAST_BLOCKED = 500
# Above so many pairs per record, matches drown among what a blocking finds.
MOST_PER_RECORD = 20
# A value that more records than these share is one that many have, as a name, more than one that one customer has.
CROWD = 5
# Splink takes all random pairs for others: a level not so much more common than matches shows the matches.
OVER_PRIOR = 20
# What Splink raises on data: an m that underflows, a level or a blocking without pairs, SQL that fails.
FAILURES = (SplinkException, ValueError, ArithmeticError, duckdb.Error)

Name = Literal["m", "u"]
KeyPart = tuple[str, int | None]
# Comparison -> per level what Splink found, None where it saw too little.
Found = Mapping[str, Sequence[float | None]]


@dataclass(frozen=True, slots=True)
class Blocking:
    """Pairs of records that are equal in some features, of a list feature in the first value.

    fields: what such pairs share for that reason; comparisons that read them are not learnt here.
    filled: the share of records that have all the features. crowded: the share of the pairs that are equal in a value
    of more records than one customer is likely to have.
    """

    name: str
    sql: str
    fields: frozenset[str]
    filled: float
    crowded: float
    pairs: int


@dataclass(frozen=True, slots=True)
class Session:
    """What one blocking taught: comparison -> m per level, and how many of its pairs are matches."""

    blocking: str
    matches: float
    m: Mapping[str, Sequence[float]]


def train_with_splink(data: TrainingInput, start: Release, *, seed: int) -> Release:
    """The starting release with m and u as Splink estimates them; what it cannot tell stays, and notes say so."""
    if start.records < 2 or not start.comparisons:
        return start
    notes: list[str] = []
    u = random_shares(data, start, seed, notes)
    with_u = _replaced(start, "u", u)
    blockings = choose_blockings(data, start)
    tried = [train_session(data, with_u, blocking, notes) for blocking in blockings]
    sessions = [session for session in tried if session is not None]
    m = {comparison.name: _merged(comparison, sessions) for comparison in start.comparisons}
    learnt_on = ", ".join(session.blocking for session in sessions) or "nothing"
    notes.append(f"splink learnt m from pairs that share {learnt_on}")
    notes += [*_doubts("u", start, u), *_doubts("m", start, m)]
    return replace(_replaced(with_u, "m", m), notes=(*start.notes, *notes))


def random_shares(data: TrainingInput, start: Release, seed: int, notes: list[str]) -> Found:
    """The share of random pairs at each level; empty, with a note, when Splink fails."""
    settings = _bare_settings(start)
    for comparison in settings["comparisons"]:
        for level in comparison["comparison_levels"]:
            # Splink leaves a level that it did not see as it was: without a value, that shows.
            level.pop("u_probability", None)
    try:
        with open_splink(data.connection, settings, data.features) as session:
            session.linker.training.estimate_u_using_random_sampling(
                max_pairs=RANDOM_PAIRS, seed=seed, min_count_per_level=None, num_chunks=1
            )
            model = session.linker.misc.save_model_to_json()
    except FAILURES as error:
        notes.append(f"splink could not estimate u: {_first_line(error)}")
        return {}
    pairs = min(RANDOM_PAIRS, start.records * (start.records - 1) / 2)
    least = max(LEAST_SEEN / pairs, OVER_PRIOR * start.prior)
    return {
        comparison["output_column_name"]: [
            _believed(level.get("u_probability", 0.0), least) for level in comparison["comparison_levels"][1:]
        ]
        for comparison in model["comparisons"]
    }


def _bare_settings(release: Release) -> dict[str, Any]:
    """Settings without gates, rarity and blocking rules, which training does not use."""
    comparisons = tuple(
        replace(c, gate=None, levels=tuple(replace(level, rarity=None) for level in c.levels))
        for c in release.comparisons
    )
    return splink_settings(replace(release, comparisons=comparisons, keys=()))


def _believed(share: float, least: float) -> float | None:
    # Sums over threads differ in their last bits from run to run; a release must not.
    return float(f"{share:.9g}") if share >= least else None


def train_session(data: TrainingInput, release: Release, blocking: Blocking, notes: list[str]) -> Session | None:
    """What expectation maximisation finds among the blocked pairs; None, with a note, when it fails."""
    # Splink would start from the share of matches among all pairs; among these it is nearer to one per record.
    prior = 1 / (2 + blocking.pairs / (blocking.filled * release.records))
    settings = _bare_settings(release) | {
        "probability_two_random_records_match": prior,
        "em_convergence": 0.001,
        "max_iterations": 15,
    }
    try:
        with open_splink(data.connection, settings, data.features) as session:
            model = session.linker.training.estimate_parameters_using_expectation_maximisation(
                blocking.sql, estimate_without_term_frequencies=True, **_sampling(blocking)
            ).core_model_settings
    except FAILURES as error:
        notes.append(f"splink could not learn from pairs that share {blocking.name}: {_first_line(error)}")
        return None
    fair = {c.name for c in release.comparisons if not fields_of(c, data.entity) & blocking.fields}
    return Session(
        blocking=blocking.name,
        matches=model.probability_two_random_records_match * min(blocking.pairs, BLOCKED_PAIRS),
        m={
            comparison.output_column_name: [level.m_probability for level in comparison.comparison_levels[1:]]
            for comparison in model.comparisons
            if comparison.output_column_name in fair
        },
    )


def _sampling(blocking: Blocking) -> dict[str, float]:
    """Bounds for a blocking with many pairs; Splink counts those of some records first, and must see some."""
    if blocking.pairs <= BLOCKED_PAIRS:
        return {}
    return {"max_pairs": BLOCKED_PAIRS, "record_sample_proportion": (BLOCKED_PAIRS / blocking.pairs) ** 0.5}


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]


def _merged(comparison: Comparison, sessions: Sequence[Session]) -> list[float | None]:
    """m per level over the sessions that could tell, each as heavy as its matches; None for a level they never saw."""
    told = [session for session in sessions if comparison.name in session.m]
    counts = [sum(s.matches * s.m[comparison.name][i] for s in told) for i in range(len(comparison.levels))]
    total = sum(counts)
    return [_believed(count / total, LEAST_SEEN / total) if total else None for count in counts]


def _replaced(release: Release, name: Name, found: Found) -> Release:
    """The release with its m or u as found."""
    return replace(release, comparisons=tuple(_relearnt(c, name, found.get(c.name, ())) for c in release.comparisons))


def _relearnt(comparison: Comparison, name: Name, found: Sequence[float | None]) -> Comparison:
    """The comparison with another m or u. A match looks the same under the gate: its m there is this one, too."""
    shares = blend([getattr(level, name) for level in comparison.levels], found)
    gate = comparison.gate
    if gate is not None and name == "m":
        gate = replace(gate, levels=_with(gate.levels, name, shares))
    return replace(comparison, levels=_with(comparison.levels, name, shares), gate=gate)


def _with(levels: Sequence[LevelWeight], name: Name, shares: Sequence[float]) -> tuple[LevelWeight, ...]:
    pairs = zip(levels, shares, strict=True)
    return tuple(replace(level, m=share) if name == "m" else replace(level, u=share) for level, share in pairs)


def blend(expected: Sequence[float], found: Sequence[float | None]) -> list[float]:
    """Shares that add up to one: where nothing was found those expected, over the rest the found ones in proportion."""
    seen = sum(share for share in found if share is not None)
    if seen == 0:
        return list(expected)
    total = sum(expected)
    kept = sum(e for e, f in zip(expected, found, strict=True) if f is None) / total
    return [e / total if f is None else f / seen * (1 - kept) for e, f in zip(expected, found, strict=True)]


def _doubts(name: Name, release: Release, found: Found) -> list[str]:
    """At most one note: the levels whose m or u stays as expected."""
    doubts = []
    for comparison in release.comparisons:
        shares = found.get(comparison.name, [None] * len(comparison.levels))
        unseen = [level.name for level, share in zip(comparison.levels, shares, strict=True) if share is None]
        if unseen:
            listed = "every level" if len(unseen) == len(shares) else ", ".join(unseen)
            doubts.append(f"{comparison.name} ({listed})")
    return [f"{name} stays as expected where splink saw too few pairs: {'; '.join(doubts)}"] if doubts else []


def fields_of(comparison: Comparison, entity: EntityType) -> frozenset[str]:
    """The fields that a comparison reads, its gate aside."""
    levels = (comparison.unknown, *(level.when for level in comparison.levels))
    return _fields((feature for level in levels for feature in features_of(level)), entity)


def _fields(features: Iterable[str], entity: EntityType) -> frozenset[str]:
    return frozenset(field for feature in features for field, _ in entity.features[feature].sources)


def choose_blockings(data: TrainingInput, start: Release) -> list[Blocking]:
    """Up to three blockings that together teach the most comparisons; filled and selective ones first."""
    usable = sorted(_usable(data, start), key=lambda blocking: (blocking.name, blocking.sql))
    reads = [fields_of(comparison, data.entity) for comparison in start.comparisons]
    taught = [0] * len(reads)
    chosen: list[Blocking] = []
    for _ in range(min(SESSIONS, len(usable))):
        gains = [_gain(blocking, start.records, reads, taught) for blocking in usable]
        if max(gains) == 0:
            break
        chosen.append(usable.pop(gains.index(max(gains))))
        taught = [n + (not fields & chosen[-1].fields) for n, fields in zip(taught, reads, strict=True)]
    return chosen


def _gain(blocking: Blocking, records: int, reads: Sequence[frozenset[str]], taught: Sequence[int]) -> float:
    """What a session would add: a comparison never taught counts one, one taught before a quarter, then a ninth.

    Crowds count against a blocking: of 33,067 pairs with equal full names 20,236 were matches and Splink saw 32,919;
    of 21,503 with equal phones 21,462 were and it saw 21,450.
    """
    lessons = sum(1 / (1 + n) ** 2 for n, fields in zip(taught, reads, strict=True) if not fields & blocking.fields)
    density = blocking.pairs / (blocking.filled * records)
    return lessons * blocking.filled * (1 - blocking.crowded) ** 2 / (1 + density)


def _usable(data: TrainingInput, start: Release) -> list[Blocking]:
    """The release's keys, and the part of each that one field gives, where they find enough pairs and not too many."""
    every = {part for key in start.keys for part in _parts(key.on, data.entity)}
    blockings = [_blocking(data, start, on) for on in every]
    return [b for b in blockings if LEAST_BLOCKED <= b.pairs <= MOST_PER_RECORD * b.filled * start.records]


def _parts(on: tuple[KeyPart, ...], entity: EntityType) -> set[tuple[KeyPart, ...]]:
    fields = _fields((feature for feature, _ in on), entity)
    return {on, *(tuple(part for part in on if field in _fields([part[0]], entity)) for field in fields)}


def _blocking(data: TrainingInput, start: Release, on: tuple[KeyPart, ...]) -> Blocking:
    features = [feature for feature, _ in on]
    values = [_first_value(part, many=start.features[part[0]].many) for part in on]
    filled, pairs, crowded = data.connection.execute(f"""
        select
            coalesce(sum(n), 0),
            coalesce(sum(pairs), 0),
            coalesce(sum(pairs) filter (n > {CROWD}) / sum(pairs), 0)
        from (
            select count(*) as n, n * (n - 1) // 2 as pairs
            from {data.features} as b
            where {" and ".join(f"{value.format(side='b')} is not null" for value in values)}
            group by {", ".join(value.format(side="b") for value in values)}
        )
    """).fetchall()[0]
    return Blocking(
        name=" and ".join(features),
        sql=" and ".join(f"{value.format(side='l')} = {value.format(side='r')}" for value in values),
        fields=_fields(features, data.entity),
        filled=int(filled) / start.records,
        crowded=float(crowded),
        pairs=int(pairs),
    )


def _first_value(part: KeyPart, *, many: bool) -> str:
    feature, length = part
    value = f"{{side}}.{quoted(feature)}" + ("[1]" if many else "")
    return value if length is None else f"left({value}::varchar, {length})"
