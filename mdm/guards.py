"""Guards: what a run is about to do -> nothing, or a Breaker that stops it before harm, with what lets it pass.

A guard looks at shares of what is there, so each has a number below which nothing is alarming.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import duckdb

from mdm.errors import Breaker

FEW_RECORDS = 20
FEW_MERGES = 50
GUARDS = ("deletes", "drop", "merges", "giants", "rules", "rejected")


@dataclass(frozen=True, slots=True)
class GuardSpec:
    """How much may happen in one run.

    deletes: share of a source's stored records that a snapshot may lack. drop: share by which the rows of a snapshot
    may be fewer than in its last delivery. merges: share of the present entities that may be absorbed by others.
    entity_size: most records of an entity.
    """

    deletes: float = 0.1
    drop: float = 0.5
    merges: float = 0.1
    entity_size: int = 150


def check_deletions(scratch: duckdb.DuckDBPyConnection, spec: GuardSpec) -> None:
    """Raises Breaker when a snapshot lacks more than the share of what its source delivered before."""
    rows = scratch.execute("""
        select g.source, count(*), any_value(s.stored)
        from gone g
        join (select source, count(*) as stored from stored where state <> 'deleted' group by source) s
            on s.source = g.source
        group by g.source
        order by g.source
    """).fetchall()
    for source, missing, stored in rows:
        if missing > spec.deletes * stored:
            raise Breaker(
                f"source {source!r}: {missing} of {stored} stored records are missing from the snapshot, more than "
                f"{spec.deletes:.0%}; nothing was written. If they are really gone, run again with --allow-deletes"
            )


def check_drop(now: Mapping[str, int], before: Mapping[str, int], snapshots: Iterable[str], spec: GuardSpec) -> None:
    """Raises Breaker when a snapshot has far fewer rows than in its last delivery; now, before: rows by source."""
    for source in sorted(snapshots):
        rows, earlier = now.get(source, 0), before.get(source, 0)
        if earlier > FEW_RECORDS and rows < (1 - spec.drop) * earlier:
            raise Breaker(
                f"source {source!r} delivered {rows} rows, {earlier} in the run before, which is a drop of more than "
                f"{spec.drop:.0%}; nothing was written. If the delivery is whole, run again with --allow drop"
            )


def check_merges(parts: Sequence[Collection[int | None]], entities: int, spec: GuardSpec) -> None:
    """Raises Breaker when too many present entities would be absorbed; parts: the present entities each part holds."""
    absorbed = sum(max(len({eid for eid in eids if eid is not None}) - 1, 0) for eids in parts)
    if absorbed > max(spec.merges * entities, FEW_MERGES):
        raise Breaker(
            f"{absorbed} of {entities} entities would be absorbed by others, more than {spec.merges:.0%}; nothing was "
            "published. `mdm run --dry-run --allow merges` shows examples; if they are right, run again with "
            "--allow merges"
        )


def check_sizes(names: Sequence[tuple[int, str]], spec: GuardSpec) -> None:
    """Raises Breaker when an entity would be a giant; names: its size and one of its records, of each entity."""
    size, record = max(names, default=(0, ""))
    if size > spec.entity_size:
        raise Breaker(
            f"the entity of {record} would have {size} records, more than {spec.entity_size}; nothing was published. "
            f"`mdm profile` may show a value that many share by accident; if it is right, run again with --allow giants"
        )
