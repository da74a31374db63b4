"""The server over loopback: latency at a fixed rate, requests per second at most, recall of copies by kind.

    python -m benchmarks.bench_api --records 100000 [--store postgresql://...] [--workers 4] [--rate 100] [--seconds 10]

Stores made-up customers by the batch job, starts `mdm serve`, and calls it from this process. Latency counts from the
moment a request was due, so a late answer makes the next ones late too.
"""

from __future__ import annotations

import argparse
import http.client
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import orjson

from benchmarks.bench_batch import write_records
from mdm import Project
from mdm.guess import write_project
from mdm.store import records

CONNECTIONS = 8
SAMPLE = 2_000
RECALLED = 400


@dataclass(frozen=True, slots=True)
class Sampled:
    """A stored record: its row as its source delivered it, its entity, and which column feeds which field."""

    source: str
    record_id: str
    row: dict[str, str]
    entity_id: str
    columns: dict[str, str]


Send = Callable[[http.client.HTTPConnection], tuple[int, bytes]]


def main() -> None:
    """Store, serve, call, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--store", help="URL of an empty store; else SQLite in a temporary folder")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--rate", type=float, default=100, help="matches per second; upserts come twice as fast")
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mdm-bench-") as folder:
        file = write_records(Path(folder) / "records.parquet", options.records, options.seed)
        project = Project.open(write_project(Path(folder) / "project", [file]), options.store)
        project.run()
        known = sample(project, random.Random(options.seed))
        with served(project, options.workers) as port:
            print(
                f"{options.records:,} records, {project.policy.file.store.partition(':')[0]}, {options.workers} workers"
            )
            measure(port, known, options)
            recall(port, known[:RECALLED], random.Random(2))


def sample(project: Project, chance: random.Random) -> list[Sampled]:
    """Some stored people with their rows."""
    from mdm.ids import entity_id

    specs = {source.name: source for source in project.policy.file.sources}
    with project.store() as store, store.reading() as connection:
        rids = [
            rid for batch in records.scan(connection, ["rid"], entity_type="person") for rid in batch["rid"].to_pylist()
        ]
        found = records.by_rids(connection, chance.sample(rids, min(SAMPLE, len(rids))))
    sampled = []
    for each in found:
        mappings = specs[each.source].fields["person"]
        columns = {f"{m.field}.{part}": column for m in mappings for part, column in m.slots[0].items()}
        row = orjson.loads(each.payload)
        sampled.append(Sampled(each.source, each.record_id, row, entity_id(each.eid or 0), columns))
    chance.shuffle(sampled)
    return sampled


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
        process.wait(30)


def wait_until_ready(port: int) -> None:
    """Nothing; the server answers."""
    for _ in range(300):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise RuntimeError("the server did not come up")


def measure(port: int, known: Sequence[Sampled], options: argparse.Namespace) -> None:
    """Print latency and throughput of matches and upserts."""
    chance = random.Random(3)
    matches = [matching(each.source, mutated(each, kind, chance)) for each in known for kind in ("exact", "typo")]
    warm = paced(port, matches[:200], rate=options.rate)
    show("match, warm-up", warm, options.rate)
    count = int(options.rate * options.seconds)
    show("match", paced(port, [matches[n % len(matches)] for n in range(count)], rate=options.rate), options.rate)
    begun = time.perf_counter()
    flood = paced(port, [matches[n % len(matches)] for n in range(3 * count)], rate=None)
    print(f"  match, as fast as it goes  {len(flood) / (time.perf_counter() - begun):,.0f} requests/s")
    puts = [
        putting(each, mutated(each, "typo" if n % 2 else "missing", chance), fresh=n % 3 == 0)
        for n, each in enumerate(known)
    ]
    rate = 2 * options.rate
    show("upsert", paced(port, puts[: int(rate * options.seconds)], rate=rate), rate)
    begun = time.perf_counter()
    flood = paced(
        port, [putting(each, mutated(each, "swapped", chance), fresh=False) for each in known[:1000]], rate=None
    )
    print(f"  upsert, as fast as it goes  {len(flood) / (time.perf_counter() - begun):,.0f} records/s")


def show(title: str, seconds: Sequence[float], rate: float) -> None:
    """Print the percentiles of latencies."""
    ordered = sorted(seconds)
    at = {share: 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))] for share in (0.5, 0.9, 0.99)}
    shown = "  ".join(f"p{share * 100:g} {ms:.2f} ms" for share, ms in at.items())
    print(f"  {title:<24}{rate:g}/s  {shown}  max {1000 * ordered[-1]:.1f} ms", flush=True)


def paced(port: int, requests: Sequence[Send], *, rate: float | None) -> list[float]:
    """Seconds from when each request was due (None: when a connection was free) to its answer."""
    queue: SimpleQueue[tuple[float | None, Send] | None] = SimpleQueue()
    took: list[float] = []
    failed: list[tuple[int, bytes]] = []

    def work() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while (job := queue.get()) is not None:
            due, send = job
            begun = time.perf_counter() if due is None else due
            status, body = send(connection)
            took.append(time.perf_counter() - begun)
            if status != 200:
                failed.append((status, body))
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    begun = time.perf_counter()
    for number, send in enumerate(requests):
        due = None if rate is None else begun + number / rate
        if due is not None:
            time.sleep(max(0.0, due - time.perf_counter()))
        queue.put((due, send))
    for _ in threads:
        queue.put(None)
    for thread in threads:
        thread.join()
    if failed:
        raise RuntimeError(f"{len(failed)} requests failed, the first: {failed[0]}")
    return took


def matching(source: str, row: dict[str, str]) -> Send:
    """A match of a row by its source's columns."""
    body = orjson.dumps({"source": source, "record": row})
    return lambda connection: call(connection, "POST", "/v1/match", body)


def putting(each: Sampled, row: dict[str, str], *, fresh: bool) -> Send:
    """A put of a row, as another version of the record or as a new one."""
    name = f"{each.record_id}-new" if fresh else each.record_id
    kept = {column: text for column, text in row.items() if text != each.record_id}
    body = orjson.dumps({"record": kept})
    return lambda connection: call(connection, "PUT", f"/v1/records/{each.source}/{name}", body)


def call(connection: http.client.HTTPConnection, method: str, path: str, body: bytes) -> tuple[int, bytes]:
    """Status and body of one request."""
    connection.request(method, path, body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    return response.status, response.read()


KINDS = ("exact", "typo", "swapped", "missing", "old address")


def mutated(each: Sampled, kind: str, chance: random.Random) -> dict[str, str]:
    """The row with one slip of that kind."""
    row, columns = dict(each.row), each.columns
    name = [column for key, column in columns.items() if key.startswith("name.") and len(row.get(column, "")) > 3]
    if kind == "typo" and name:
        column = chance.choice(name)
        at = chance.randrange(1, len(row[column]) - 1)
        row[column] = row[column][:at] + chance.choice("aeiourstln") + row[column][at + 1 :]
    elif kind == "swapped" and len(name) > 1:
        row[name[0]], row[name[-1]] = row[name[-1]], row[name[0]]
    elif kind == "missing":
        there = [column for key, column in columns.items() if column in row and not key.startswith("name.")]
        for column in chance.sample(there, min(1, len(there))):
            del row[column]
    elif kind == "old address":
        for key, column in columns.items():
            if key.startswith("address.") and column in row:
                row[column] = (
                    f"{chance.randrange(1, 999)} Elm Street"
                    if "line" in key
                    else chance.choice(["Springfield", "Salem"])
                )
    return row


def recall(port: int, known: Sequence[Sampled], chance: random.Random) -> None:
    """Print how many copies find the entity of their original: among the candidates, and as the decision."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    now: dict[str, Any] = {}
    for each in known:
        status, body = call(connection, "GET", f"/v1/records/{each.source}/{each.record_id}", b"")
        now[each.record_id] = orjson.loads(body) if status == 200 else {}
    for kind in KINDS:
        candidates = decided = asked = 0
        for each in known:
            stored = now[each.record_id]
            if stored.get("state") != "active":
                continue
            copy = Sampled(each.source, each.record_id, stored["record"], stored["entity_id"], each.columns)
            _, body = matching(each.source, mutated(copy, kind, chance))(connection)
            answer = orjson.loads(body)
            asked += 1
            candidates += any(found["entity_id"] == copy.entity_id for found in answer["candidates"])
            decided += answer["entity_id"] == copy.entity_id
        print(
            f"  recall, {kind:<12} of {asked}: among candidates {candidates / asked:.3f}, decided {decided / asked:.3f}"
        )


if __name__ == "__main__":
    main()
