"""How fast values are standardised: all fields of mixed records on all cores, by kind, then by kind and country.

    python -m benchmarks.bench_values --records 1000000 [--seed 1] [--workers 2]

The customers are made up, in the layouts of six sources; blocks of 200 rows are read slot by slot, as the batch job
does. Every worker starts with empty caches and reads its share of the blocks; only standardising is timed, not making
and reading the rows. The last table is measured in one process, on the first 100,000 records.
"""

from __future__ import annotations

import argparse
import gc
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from mdm.demo.write import write_project
from mdm.engine.policy import EntityType
from mdm.engine.standardise import Row, read_context, slots_of, standardise
from mdm.entity import load_entity
from mdm.policy import load_policy
from mdm.project_file import SourceSpec
from mdm.sources import scan
from rules.outcome import Context

BLOCK_ROWS = 200
SAMPLED_BLOCKS = 500


@dataclass(frozen=True, slots=True)
class Block:
    """Rows of one source and entity type."""

    source: SourceSpec
    entity: str
    rows: Sequence[Row]


@dataclass(slots=True)
class Spent:
    """Values of one kind and country: how many, how many distinct ones, the seconds they took."""

    values: int = 0
    seconds: float = 0.0
    distinct: set[tuple[str, ...]] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Share:
    """The blocks of a project that one of several workers reads: every n-th."""

    project: Path
    worker: int
    workers: int


@dataclass(slots=True)
class Timed:
    """What one worker read: records, values and seconds by kind, on the clock and of its core."""

    records: int = 0
    values: dict[str, int] = field(default_factory=dict)
    clock: dict[str, float] = field(default_factory=dict)
    core: dict[str, float] = field(default_factory=dict)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    with TemporaryDirectory(prefix="mdm-bench-") as folder:
        write_project(Path(folder), options.records, options.seed)
        project = Path(folder) / "project.yaml"
        print_throughput(time_all(project, options.workers))
        blocks = list(islice(load_blocks(project), SAMPLED_BLOCKS))
    print_countries(time_kinds(blocks))


def print_throughput(shares: Sequence[Timed]) -> None:
    """Records per second in all and by kind: of all fields, and as if that kind were the only one."""
    records, workers = sum(share.records for share in shares), len(shares)
    print(f"{records:,} records, {workers} workers")
    print(f"{'kind':<20}{'values':>12}{'records/s':>12}{'by core time':>14}{'us/record':>11}")
    kinds = sorted({kind for share in shares for kind in share.values})
    for kind in kinds:
        _print_line(kind, shares, [kind], records)
    _print_line("all fields", shares, kinds, records)


def _print_line(name: str, shares: Sequence[Timed], kinds: Sequence[str], records: int) -> None:
    values = sum(share.values.get(kind, 0) for share in shares for kind in kinds)
    clock = max(sum(share.clock.get(kind, 0.0) for kind in kinds) for share in shares)
    core = sum(share.core.get(kind, 0.0) for share in shares for kind in kinds)
    of_core = records / core * len(shares)
    print(f"{name:<20}{values:>12,}{records / clock:>12,.0f}{of_core:>14,.0f}{core / records * 1e6:>11.1f}")


def print_countries(found: Mapping[tuple[str, str], Spent]) -> None:
    """Processor time per value by kind and country."""
    print(f"\n{'kind':<20}{'country':<9}{'values':>10}{'distinct':>10}{'us/value':>10}{'values/s':>12}")
    for (kind, country), spent in sorted(found.items()):
        if not spent.values:
            continue
        each = spent.seconds / spent.values
        share = len(spent.distinct) / spent.values
        print(f"{kind:<20}{country:<9}{spent.values:>10,}{share:>10.0%}{each * 1e6:>10.1f}{1 / each:>12,.0f}")


def load_blocks(project: Path) -> Iterator[Block]:
    """The rows of the project's sources, in blocks, blank cells left out."""
    for batch in scan(load_policy(project).file, lambda _row: None):
        for entity in sorted(set(batch.entities)):
            picked = [row for row, of in zip(batch.rows, batch.entities, strict=True) if of == entity]
            rows = [{c: v for c, v in zip(batch.columns, row, strict=True) if v is not None} for row in picked]
            for start in range(0, len(rows), BLOCK_ROWS):
                yield Block(batch.spec, entity, rows[start : start + BLOCK_ROWS])


def time_kinds(blocks: Iterable[Block]) -> Mapping[tuple[str, str], Spent]:
    """Seconds and values by (kind, country) in this process."""
    spent: dict[tuple[str, str], Spent] = {}
    entities = {name: load_entity(name) for name in ("person", "organisation")}
    for block in blocks:
        for country, rows, contexts in _by_country(block):
            _time_slots(block, entities[block.entity], (country, rows, contexts), spent)
    return spent


def _by_country(block: Block) -> Iterator[tuple[str, list[Row], list[Context]]]:
    groups: dict[str, tuple[list[Row], list[Context]]] = {}
    for row in block.rows:
        context = read_context(row, block.source)
        rows, contexts = groups.setdefault(context.country or "-", ([], []))
        rows.append(row)
        contexts.append(context)
    for country, (rows, contexts) in groups.items():
        yield country, rows, contexts


def _time_slots(
    block: Block,
    entity: EntityType,
    group: tuple[str, list[Row], list[Context]],
    spent: dict[tuple[str, str], Spent],
) -> None:
    country, rows, contexts = group
    for slot in slots_of(block.source, entity):
        total = spent.setdefault((entity.fields[slot.field].kind, country), Spent())
        cells = [tuple(row.get(column, "") for _, column in slot.parts) for row in rows]
        begun = time.process_time()
        standardise(rows, [slot], contexts)
        total.seconds += time.process_time() - begun
        filled = [values for values in cells if any(values)]
        total.values += len(filled)
        total.distinct.update(filled)


def time_all(project: Path, workers: int) -> list[Timed]:
    """What each of so many processes, whose caches are empty, read of the project, all at once."""
    with get_context("fork").Pool(workers) as pool:
        return pool.map(_read_share, [Share(project, worker, workers) for worker in range(workers)], chunksize=1)


def _read_share(share: Share) -> Timed:
    """The claims are dropped at once, so that only reading them is timed."""
    gc.disable()
    entities = {name: load_entity(name) for name in ("person", "organisation")}
    timed = Timed()
    for block in islice(load_blocks(share.project), share.worker, None, share.workers):
        contexts = [read_context(row, block.source) for row in block.rows]
        timed.records += len(block.rows)
        for slot in slots_of(block.source, entities[block.entity]):
            kind = entities[block.entity].fields[slot.field].kind
            clock, core = time.perf_counter(), time.process_time()
            claims = standardise(block.rows, [slot], contexts)
            timed.core[kind] = timed.core.get(kind, 0.0) + time.process_time() - core
            timed.clock[kind] = timed.clock.get(kind, 0.0) + time.perf_counter() - clock
            timed.values[kind] = timed.values.get(kind, 0) + sum(len(each) for each in claims)
    return timed


if __name__ == "__main__":
    main()
