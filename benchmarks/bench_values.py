"""How fast values are standardised, by kind and country, then all fields together on all cores.

    python -m benchmarks.bench_values --records 100000 [--seed 1] [--workers 2]

The customers are made up, in the layouts of six sources; blocks of 200 rows are read slot by slot, as the batch job
does. First all fields, over all workers and with empty caches; then by kind, in processor time of this process.
"""

from __future__ import annotations

import argparse
import gc
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    with TemporaryDirectory(prefix="mdm-bench-") as folder:
        write_project(Path(folder), options.records, options.seed)
        blocks = list(load_blocks(Path(folder) / "project.yaml"))
    records = sum(len(block.rows) for block in blocks)
    seconds = time_all(blocks, options.workers)
    print(f"all fields: {records:,} records, {options.workers} workers, {records / seconds:,.0f} records/s")
    print(f"{'kind':<20}{'country':<9}{'values':>10}{'distinct':>10}{'us/value':>10}{'values/s':>12}")
    for (kind, country), spent in sorted(time_kinds(blocks).items()):
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


def time_all(blocks: Sequence[Block], workers: int) -> float:
    """Seconds to read every field of every row, over so many processes whose caches are empty."""
    shares = [list(blocks[start::workers]) for start in range(workers)]
    with get_context("fork").Pool(workers) as pool:
        begun = time.perf_counter()
        pool.map(_read_all, shares, chunksize=1)
        return time.perf_counter() - begun


def _read_all(blocks: Sequence[Block]) -> int:
    """How many claims the rows make; they are dropped at once, so that only reading is timed."""
    gc.disable()
    entities = {name: load_entity(name) for name in ("person", "organisation")}
    claims = 0
    for block in blocks:
        contexts = [read_context(row, block.source) for row in block.rows]
        read = standardise(block.rows, slots_of(block.source, entities[block.entity]), contexts)
        claims += sum(map(len, read))
    return claims


if __name__ == "__main__":
    main()
