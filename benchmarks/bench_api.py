"""The server over loopback: latency at a fixed rate, requests per second at most, hot keys, recall of copies, Splink.

    python -m benchmarks.bench_api --records 1000000 --keep DIR [--store postgresql://...]
    python -m benchmarks.bench_api --use DIR [--store ...] [--workers 4] [--rate 100] [--seconds 10] [--splink 3]

`--keep` stores made-up customers by the batch job and leaves them in DIR, where `--use` finds them; without either, a
temporary folder holds them. The server runs in processes of its own and is called from this one. Latency counts from
the moment a request was due, so a late answer makes the next ones late too. `--results FILE` appends a line of JSON for
`benchmarks.plot_api`.
"""

from __future__ import annotations

import argparse
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import orjson

from benchmarks.bench_batch import write_records
from benchmarks.bench_between import race_splink
from benchmarks.copies import Sampled, judge_copies, make_copies, mutated, sample
from benchmarks.load import Latencies, Send, call, paced
from mdm import Project
from mdm.guess import write_project
from mdm.store import sources

# So many strangers share one phone with the record that is asked about.
CROWDS = (0, 5, 10, 20, 40, 80, 160)
ASKED_OF_A_CROWD = 50


def main() -> None:
    """Store or find, serve, call, print."""
    options = _parse()
    with tempfile.TemporaryDirectory(prefix="mdm-bench-") as temporary:
        folder = options.use or options.keep or Path(temporary)
        project = prepared(folder, options)
        known = sample(project, random.Random(options.seed))
        result: dict[str, Any] = {"records": _stored(project), "store": project.policy.file.store.partition(":")[0]}
        result["workers"] = options.workers
        print("{records:,} records, {store}, {workers} workers".format(**result), flush=True)
        # Those of the other half are changed meanwhile.
        copies = make_copies(known[: len(known) // 2], random.Random(2))
        with served(project, options.workers) as port:
            result |= measure(port, known[len(known) // 2 :], options)
            result["crowds"] = crowd(port, known)
            answers = _answers(port, [matching(copy.of.source, copy.row) for copy in copies])
        judge_copies(project, folder, copies, answers)
        if options.splink:
            race_splink(project, [copy.row | {"": copy.of.source} for copy in copies[: options.splink]])
        if options.results:
            with options.results.open("ab") as file:
                file.write(orjson.dumps(result, option=orjson.OPT_NON_STR_KEYS) + b"\n")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a new folder where the filled store stays")
    parser.add_argument("--use", type=Path, help="a folder that --keep filled")
    parser.add_argument("--store", help="URL of a store, empty unless --use is given; else SQLite in the folder")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--rate", type=float, default=100, help="matches per second; upserts come twice as fast")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--splink", type=int, default=0, help="how many of the copies Splink is asked about, too")
    parser.add_argument("--results", type=Path)
    return parser.parse_args()


def prepared(folder: Path, options: argparse.Namespace) -> Project:
    """The project over a filled store."""
    if options.use:
        return Project.open(folder / "project" / "project.yaml", options.store)
    folder.mkdir(parents=True, exist_ok=True)
    file = write_records(folder / "records.parquet", options.records, options.seed)
    project = Project.open(write_project(folder / "project", [file]), options.store)
    project.run()
    return project


def _stored(project: Project) -> int:
    with project.store() as store, store.reading() as connection:
        return sum(sources.held(connection).values())


@contextmanager
def served(project: Project, workers: int) -> Iterator[int]:
    """The port of a server in processes of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = ["-p", str(project.policy.file.path), "--store", project.policy.file.store]
    command = [sys.executable, "-m", "mdm", "serve", *arguments, "--port", str(port), "--workers", str(workers)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=os.environ)
    try:
        wait_until_ready(port)
        yield port
    finally:
        process.terminate()
        process.wait(60)


def wait_until_ready(port: int) -> None:
    """Nothing; the server answers."""
    for _ in range(300):
        try:
            if call(HTTPConnection("127.0.0.1", port, timeout=5), "GET", "/readyz", b"")[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise RuntimeError("the server did not come up")


def measure(port: int, known: Sequence[Sampled], options: argparse.Namespace) -> dict[str, float]:
    """Latency and throughput of matches and upserts, printed and as numbers."""
    chance = random.Random(3)
    matches = [matching(each.source, mutated(each, kind, chance)) for each in known for kind in ("exact", "typo")]
    paced(port, matches[:300], rate=options.rate)  # the first ones wait for pages of the store
    count = int(options.rate * options.seconds)
    at_rate = _show("match", paced(port, _cycled(matches, count), rate=options.rate), options.rate)
    flood = _show("match", paced(port, _cycled(matches, 3 * count), rate=None), None)
    puts = [
        putting(each, mutated(each, kind, chance), fresh=kind == "exact")
        for kind in ("typo", "missing", "exact")
        for each in known
    ]
    chance.shuffle(puts)
    count = min(int(2 * options.rate * options.seconds), len(puts) // 2)
    paced(port, puts[count : count + 100], rate=None)
    put = _show("upsert", paced(port, puts[:count], rate=2 * options.rate), 2 * options.rate)
    most = _show("upsert", paced(port, puts[-count // 2 :], rate=None), None)
    return {
        "match_p50": at_rate.at(0.5),
        "match_p99": at_rate.at(0.99),
        "match_most": flood.rate,
        "upsert_p50": put.at(0.5),
        "upsert_p99": put.at(0.99),
        "upsert_most": most.rate,
    }


def _cycled(requests: Sequence[Send], count: int) -> list[Send]:
    return [requests[n % len(requests)] for n in range(count)]


def _show(title: str, latencies: Latencies, rate: float | None) -> Latencies:
    pace = f"at {rate:g}/s" if rate is not None else f"at most: {latencies.rate:,.0f}/s"
    print(f"  {title:<8}{pace:<20}{latencies}", flush=True)
    return latencies


def crowd(port: int, known: Sequence[Sampled]) -> dict[int, float]:
    """Crowd -> median milliseconds of asking about one of them, as strangers who share the phone come in."""
    told = [each for each in known if "phone" in each.row.keys() & {*each.columns.values()}]
    shared = {"phone": told[0].row["phone"]}
    strangers = [Sampled(e.source, f"{e.record_id}-crowd", e.row | shared, "", e.columns) for e in told[1:]]
    medians, there = {}, 0
    for size in (size for size in CROWDS if size <= len(strangers)):
        paced(port, [putting(each, each.row, fresh=False) for each in strangers[there:size]], rate=None)
        there = size
        asked = paced(port, [matching(told[0].source, told[0].row)] * ASKED_OF_A_CROWD, rate=None, connections=1)
        medians[size] = asked.at(0.5)
        print(f"  a crowd of {size:<6}match {asked}", flush=True)
    gone = [_deleting(each) for each in strangers[:there]]
    paced(port, gone, rate=None)
    return medians


def matching(source: str, row: Mapping[str, str]) -> Send:
    """A match of a row by its source's columns."""
    body = orjson.dumps({"source": source, "record": row})
    return lambda connection: call(connection, "POST", "/v1/match", body)


def putting(each: Sampled, row: Mapping[str, str], *, fresh: bool) -> Send:
    """A put of a row, as another version of the record or as a new one."""
    name = f"{each.record_id}-new" if fresh else each.record_id
    # The row names its record, perhaps without what made another one of it.
    kept = {column: text for column, text in row.items() if column != "record_id"}
    body = orjson.dumps({"record": kept})
    return lambda connection: call(connection, "PUT", f"/v1/records/{each.source}/{name}", body)


def _deleting(each: Sampled) -> Send:
    return lambda connection: call(connection, "DELETE", f"/v1/records/{each.source}/{each.record_id}", b"")


def _answers(port: int, asked: Sequence[Send]) -> list[Any]:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    return [orjson.loads(send(connection)[1]) for send in asked]


if __name__ == "__main__":
    main()
