"""The batch job end to end: made-up customers of six sources in one file -> golden records in the store.

    python -m benchmarks.bench_batch --records 1000000 [--store postgresql://...] [--seed 1]

Prints seconds and records per second by stage, the same job again with nothing changed and with one record of a hundred
changed (another phone), and the peak of memory over the process and its workers (pages they share counted once each, so
an upper bound).
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from mdm import Project
from mdm.demo.generate import generate
from mdm.guess import write_project
from mdm.reports import RunReport

SAMPLE_SECONDS = 0.2


@dataclass(slots=True)
class Peak:
    """The most memory seen so far, in bytes."""

    bytes: int = 0
    done: threading.Event = field(default_factory=threading.Event)


def main() -> None:
    """Make the data, run the job three times and print each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--store", help="URL of an empty store; else SQLite in a temporary folder")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mdm-bench-") as folder:
        file = write_records(Path(folder) / "records.parquet", arguments.records, arguments.seed)
        project = Project.open(write_project(Path(folder) / "project", [file]), arguments.store)
        for title in ("first run", "again, nothing changed", "again, 1 % changed"):
            if title == "again, 1 % changed":
                change_some(file)
            with watched_memory() as peak:
                begun = time.perf_counter()
                report = project.run()
                seconds = time.perf_counter() - begun
            print_run(title, report, arguments.records, seconds)
            print(f"  peak memory {peak.bytes / 2**30:.2f} GiB, on {os.cpu_count()} cores", flush=True)


def write_records(path: Path, records: int, seed: int) -> Path:
    """The path, where the made-up records now are, a chunk to a row group."""
    writer: pq.ParquetWriter | None = None
    for chunk in generate(records, seed):
        writer = writer or pq.ParquetWriter(path, chunk.records.schema, compression="zstd")
        writer.write_table(chunk.records)
    if writer is not None:
        writer.close()
    return path


def change_some(path: Path) -> None:
    """Nothing; every hundredth record of the file has another phone."""
    table = pq.read_table(path)
    phones = table["phone"].to_pylist()
    for place in range(0, len(phones), 100):
        phones[place] = f"312-555-{place // 100 % 10_000:04d}"
    changed = table.set_column(table.schema.get_field_index("phone"), "phone", pa.array(phones, pa.string()))
    pq.write_table(changed, path, compression="zstd", row_group_size=60_000)


@contextmanager
def watched_memory() -> Iterator[Peak]:
    """The peak of resident memory of this process and its children while inside."""
    peak = Peak()
    thread = threading.Thread(target=_sample, args=(peak,), daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        peak.done.set()
        thread.join()


def _sample(peak: Peak) -> None:
    me = psutil.Process()
    while not peak.done.wait(SAMPLE_SECONDS):
        peak.bytes = max(peak.bytes, sum(_resident(p) for p in [me, *me.children(recursive=True)]))


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def print_run(title: str, report: RunReport, records: int, seconds: float) -> None:
    """Print the stages of a run with their share, then the whole."""
    entities = sum(report.entities_after.values())
    print(f"{title}: {records:,} records, {entities:,} entities")
    for stage, spent in report.seconds.items():
        print(f"  {stage:<20}{spent:>9.1f} s{records / max(spent, 1e-9):>14,.0f} records/s")
    print(f"  {'all':<20}{seconds:>9.1f} s{records / seconds:>14,.0f} records/s")


if __name__ == "__main__":
    main()
