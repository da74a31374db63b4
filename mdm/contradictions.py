"""Contradictions: the records of an entity -> pairs of them whose strong identifiers cannot be one customer's.

Which comparisons are strong stands in the entity file; two records contradict each other where such a comparison is
known and reaches its last level. Batch and real time ask the same condition, by SQL and by closures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import pyarrow as pa

from mdm.deciding import Part
from mdm.engine.compare import Features, Test, compile_level
from mdm.engine.levels import AllOf, Level, Not, features_of
from mdm.engine.policy import ComparisonPolicy, EntityType
from mdm.engine.release import FeatureShape
from mdm.linkage.level_sql import LevelSql, quoted, sides
from mdm.matching import Work
from mdm.scratch import append, fetch


class Contradiction(NamedTuple):
    """Two records (left < right) of one entity and the comparison by which they contradict each other."""

    left: int
    right: int
    comparison: str


def find_in_bulk(work: Work, parts: Sequence[Part]) -> list[Contradiction]:
    """The contradictions inside the parts, sorted; `features_TYPE` holds their records."""
    strong = _strong(work.entity)
    groups = [(part, place) for place, part in enumerate(parts) if len(part) > 1] if strong else []
    if not groups:
        return []
    work.scratch.execute("drop table if exists parted")
    rids, places = [rid for part, _ in groups for rid in part], [place for part, place in groups for _ in part]
    append(work.scratch, "parted", pa.table({"rid": pa.array(rids, pa.int64()), "part": pa.array(places, pa.int64())}))
    found = [(*row, name) for name, level in strong.items() for row in fetch(work.scratch, _query(work, level))]
    return sorted(map(Contradiction._make, found))


def compile_strong(entity: EntityType) -> dict[str, Test]:
    """Strong comparison -> whether two records contradict each other by it."""
    return {name: compile_level(level) for name, level in _strong(entity).items()}


def find_among(
    tests: Mapping[str, Test], features: Callable[[int], Features], parts: Iterable[Part]
) -> Iterator[Contradiction]:
    """The contradictions inside the parts; tests: compiled. features: of a record in them."""
    for part in parts:
        for left, right in combinations(sorted(part), 2):
            for name, contradicts in tests.items():
                if contradicts(features(left), features(right)):
                    yield Contradiction(left, right, name)


def _strong(entity: EntityType) -> dict[str, Level]:
    return {c.name: contradiction(c) for c in entity.comparisons if c.name in entity.strong}


def contradiction(comparison: ComparisonPolicy) -> Level:
    """The condition that the comparison is known and reaches none but its last level."""
    return AllOf((Not(comparison.unknown), *(Not(level.when) for level in comparison.levels[:-1])))


def _query(work: Work, level: Level) -> str:
    """One row per contradicting pair: l, r."""
    render = LevelSql({name: FeatureShape(f.many, f.number) for name, f in work.entity.features.items()})
    needed = sorted(features_of(level))
    columns = [f"{side}.{quoted(n)} as {to}" for n in needed for side, to in zip("lr", sides(n), strict=True)]
    return f"""
        with holders as (
            select part, f.*
            from parted
            join {work.table("features")} f using (rid)
            where {" or ".join(f"f.{quoted(name)} is not null" for name in needed)}
        ),
        paired as (
            select l.rid as l, r.rid as r, {", ".join(columns)}
            from holders l
            join holders r on l.part = r.part and l.rid < r.rid
        )
        select l, r
        from paired
        where {render.condition(level)}
    """
