"""Write made-up customers with their truth: records, truth and golden files, one of each per chunk.

python benchmarks/make_data.py --records 1000000 --out DIR [--seed 1] [--mix en=60,vi=20,fa=20] [--workers 2]
    [--format parquet|csv]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from mdm.demo.generate import DEFAULT_MIX, Plan, make_chunk, make_plan
from mdm.demo.write import write_csv
from mdm.errors import BadInput


def main() -> None:
    """Write the files and print what was written."""
    parser = _parser()
    options = parser.parse_args()
    try:
        plan = make_plan(options.records, options.seed, options.mix)
    except BadInput as error:
        parser.error(str(error))
    options.out.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    clusters = sum(_chunks_written(plan, options.out, options.format, options.workers))
    seconds = time.perf_counter() - started
    rate = options.records / seconds
    print(f"{options.records:,} records, {clusters:,} clusters, {seconds:.1f} s, {rate:,.0f} records/s")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Write made-up customers with their truth.")
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--mix", type=language_mix, default=DEFAULT_MIX, help="weights of languages, as en=60,vi=20,fa=20"
    )
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--format", choices=("parquet", "csv"), default="parquet")
    return parser


def language_mix(text: str) -> dict[str, float]:
    """Language -> weight, from text such as en=60,vi=20."""
    pairs = (pair.partition("=") for pair in text.split(","))
    return {language: float(weight) for language, _, weight in pairs}


def _chunks_written(plan: Plan, out: Path, form: str, workers: int) -> Iterator[int]:
    """The number of clusters of each chunk, as its files are done."""
    write = partial(_write_chunk, plan, out, form)
    if workers == 1:
        yield from map(write, range(plan.chunks))
        return
    with get_context("spawn").Pool(workers) as pool:
        yield from pool.imap_unordered(write, range(plan.chunks))


def _write_chunk(plan: Plan, out: Path, form: str, number: int) -> int:
    chunk = make_chunk(plan, number)
    for name, table in (("records", chunk.records), ("truth", chunk.truth), ("golden", chunk.golden)):
        _write_table(table, out / f"{name}-{number:04d}.{form}")
    return int(chunk.golden.num_rows)


def _write_table(table: pa.Table, path: Path) -> None:
    if path.suffix == ".csv":
        write_csv(table, path)
    else:
        pq.write_table(table, path, compression="zstd")


if __name__ == "__main__":
    main()
