"""What an upsert waits for while a batch job writes: latencies at a fixed rate, alone and beside batch jobs.

    python -m benchmarks.bench_beside --use DIR [--store postgresql://...] [--rate 20] [--changed 20000]

DIR as `bench_api --keep` fills it. The delivery holds other customers under the ids of known ones: all of it changes.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import threading
import time
from itertools import count
from pathlib import Path

from benchmarks.bench_api import prepared, putting, served
from benchmarks.bench_batch import write_records
from benchmarks.copies import mutated, sample
from benchmarks.load import Latencies, paced

SLICE_SECONDS = 1


def main() -> None:
    """Serve, run the jobs, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--use", type=Path, required=True)
    parser.add_argument("--store")
    parser.add_argument("--rate", type=float, default=20)
    parser.add_argument("--changed", type=int, default=20_000)
    options = parser.parse_args()
    project = prepared(options.use, options)
    known, chance = sample(project, random.Random(5)), random.Random(6)
    puts = [putting(each, mutated(each, "typo", chance), fresh=True) for each in known]
    drawn = count()

    def put_while(done: threading.Event) -> Latencies:
        took: list[float] = []
        begun = time.perf_counter()
        while not done.is_set():
            some = [puts[next(drawn) % len(puts)] for _ in range(int(options.rate * SLICE_SECONDS))]
            took += paced(port, some, rate=options.rate).ms
        return Latencies(tuple(sorted(took)), time.perf_counter() - begun)

    def beside(title: str, *arguments: str) -> None:
        done, found = threading.Event(), list[Latencies]()
        thread = threading.Thread(target=lambda: found.append(put_while(done)))
        thread.start()
        if arguments:
            store = project.policy.file.store
            command = [sys.executable, "-m", "mdm", "run", "-p", str(project.policy.file.path), "--store", store]
            subprocess.run([*command, *arguments], check=True, stdout=subprocess.DEVNULL)
        else:
            time.sleep(10)
        done.set()
        thread.join()
        print(f"  {title:<24}{found[0].seconds:>7.0f} s  {found[0]}", flush=True)

    file, kept = options.use / "records.parquet", options.use / "records.kept.parquet"
    file.rename(kept)
    try:
        write_records(file, options.changed, seed=77)
        with served(project, 1) as port:
            beside("alone")
            beside(f"{options.changed:,} changed", "--no-retrain")
            beside("run --full", "--no-retrain", "--full")
    finally:
        kept.replace(file)


if __name__ == "__main__":
    main()
