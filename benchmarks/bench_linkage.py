"""Our scoring of candidate pairs against bare Splink: the same model, the same pairs, side by side in one process.

    python benchmarks/bench_linkage.py [--records 100000] [--seed 1]

Both read the same tables of DuckDB and write one row per pair; what depends on term frequencies is counted for both.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import duckdb

from mdm.demo.write import write_project
from mdm.engine.release import GRID, Release
from mdm.linkage.level_sql import quoted
from mdm.linkage.score_sql import register_features, score_sql
from mdm.linkage.splink_export import open_splink, register_pairs, register_rarities, splink_settings
from mdm.linkage.train import TrainingInput, starting_release
from mdm.matching import Work, make_candidates
from mdm.policy import load_policy
from mdm.scratch import count, open_scratch
from mdm.sources import scan
from mdm.staging import StagingPolicy, stage


@dataclass(frozen=True, slots=True)
class Race:
    """Both scorings of the pairs of one entity type: the seconds of each run, and the largest difference in bits."""

    pairs: int
    ours: list[float]
    splink: list[float]
    difference: float


def main() -> None:
    """Print one line per entity type."""
    parser = argparse.ArgumentParser(description="Our scoring of candidate pairs against bare Splink.")
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with open_scratch() as scratch:
        for data in load_generated(scratch, options.records, options.seed):
            print(f"{data.entity.name}: {report(race(data, starting_release(data)))}", flush=True)


def load_generated(scratch: duckdb.DuckDBPyConnection, records: int, seed: int) -> Iterator[TrainingInput]:
    """Features and candidate pairs of people, then organisations; `truth` holds source, record_id, cluster_id.

    `features_TYPE` numbers the records as `rids_TYPE` (rid, source, record_id) does.
    """
    with tempfile.TemporaryDirectory() as folder:
        write_project(Path(folder), records, seed)
        policy = load_policy(Path(folder) / "project.yaml")
        sources = {source.name: source for source in policy.file.sources}
        batches = scan(policy.file, lambda _row: None)
        stage(scratch, batches, StagingPolicy(sources, policy.entities, policy.rules), {}, lambda _rows: None)
        truth = (Path(folder) / "truth.csv").as_posix()
        scratch.execute("create table truth as from read_csv($file, all_varchar = true)", {"file": truth})
    for entity in policy.entities.values():
        work = Work(scratch, entity)
        _number_records(work)
        data = TrainingInput(scratch, entity, work.table("features"), work.table("pairs"))
        make_candidates(work, starting_release(data).cap, among=None)
        yield data


def _number_records(work: Work) -> None:
    columns = ", ".join(f"f_{name} as {quoted(name)}" for name in work.entity.features)
    work.scratch.execute(f"""
        create table {work.table("rids")} as
        select row_number() over (order by source, record_id, seq) as rid, seq, source, record_id, keys
        from {work.table("staged")}
        where state = 'active'
    """)
    work.scratch.execute(f"""
        create table {work.table("features")} as
        select rid, {columns}
        from {work.table("staged")}
        join {work.table("rids")} using (seq)
    """)
    work.scratch.execute(
        f"create table {work.table('keys')} as select unnest(keys) as key, rid from {work.table('rids')}"
    )


def race(data: TrainingInput, release: Release, *, repeats: int = 3) -> Race:
    """Both scorings in turn. Raises RuntimeError when they did not score the same pairs."""
    ours, splink = [], []
    for _ in range(repeats):
        ours.append(_seconds(lambda: score_ours(data, release)))
        splink.append(score_splink(data, release))
    rows = data.connection.execute(
        "select count(*), max(abs(units / $grid - bits)) from ours join splink using (l, r)", {"grid": GRID}
    )
    pairs, difference = rows.fetchall()[0]
    if pairs != count(data.connection, data.pairs):
        raise RuntimeError(f"both scored {pairs} pairs of {count(data.connection, data.pairs)}")
    return Race(pairs, ours, splink, difference)


def score_ours(data: TrainingInput, release: Release) -> None:
    """Nothing; `ours` holds the pairs with their units."""
    register_features(data.connection, release, data.features, "scored_features")
    data.connection.execute(f"create or replace table ours as {score_sql(release, data.pairs, 'scored_features')}")


def score_splink(data: TrainingInput, release: Release) -> float:
    """The seconds of Splink's predict, without those of making the linker; `splink` holds the pairs with their bits."""
    with open_splink(data.connection, splink_settings(release), data.features) as session:
        register_pairs(session, data.pairs)
        started = time.perf_counter()
        register_rarities(session, release, data.features)
        scored = session.linker.inference.predict()
        seconds = time.perf_counter() - started
        session.cursor.execute(f"""
            create or replace table splink as
            select rid_l as l, rid_r as r, match_weight as bits
            from {scored.physical_name}
        """)
    return seconds


def _seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def report(race: Race) -> str:
    """The race in one line."""
    ours, splink = median(race.ours), median(race.splink)
    return (
        f"{race.pairs:,} pairs, ours {ours:.2f} s, splink {splink:.2f} s, ratio {ours / splink:.2f}, "
        f"largest difference {race.difference:.1e} bits"
    )


if __name__ == "__main__":
    main()
