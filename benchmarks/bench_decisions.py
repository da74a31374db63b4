"""A simulated steward at the queue: latency of decisions and pages, and how quality grows with every answer.

    python -m benchmarks.bench_decisions --records 20000 [--decisions 300] [--order queue|random] [--slips 0.02]

Stores made-up customers by the batch job and answers the open questions of the queue by the truth of the generator,
wrong once in a while. Prints milliseconds per decision and per page, and pairwise precision and recall on the way.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from mdm import Project, queue
from mdm.decisions import Answer, Desk
from mdm.demo.generate import generate
from mdm.errors import Conflict
from mdm.guess import write_project
from mdm.queue import Wanted
from mdm.resolve import Resolver
from mdm.store import Store, records
from mdm.store.store import moment_of
from mdm.store.tasks import Task

Truth = dict[int, str]
PAGE = 50
REPORTS = 6


@dataclass(frozen=True, slots=True)
class Steward:
    """Answers by the truth; chance: of slips and of the order."""

    desk: Desk
    truth: Truth
    chance: random.Random
    slips: float

    def answer(self, task: Task) -> Answer:
        """Same when the two records that show the task are one customer, but for slips."""
        is_same = self.truth[task.left_rid or 0] == self.truth[task.right_rid or 0]
        said = is_same != (self.chance.random() < self.slips)
        return Answer("same" if said else "different", "evidence", version=task.version)


def main() -> None:
    """Store, decide, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--decisions", type=int, default=300)
    parser.add_argument("--order", choices=("queue", "random"), default="queue")
    parser.add_argument("--slips", type=float, default=0.02)
    parser.add_argument("--store", help="URL of an empty store; else SQLite in a temporary folder")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mdm-bench-") as folder:
        (chunk,) = generate(options.records, seed=options.seed)
        file = Path(folder) / "records.parquet"
        pq.write_table(chunk.records, file)
        project = Project.open(write_project(Path(folder) / "project", [file]), options.store)
        project.run()
        with project.store() as store:
            desk = Desk(Resolver(store, project.policy))
            truth = truth_of(store, chunk.truth.to_pylist())
            work(Steward(desk, truth, random.Random(options.seed), options.slips), options)


def truth_of(store: Store, rows: Sequence[dict[str, str]]) -> Truth:
    """Record number -> its customer."""
    names = {(row["source"], row["record_id"]): str(row["cluster_id"]) for row in rows}
    with store.reading() as connection:
        return {rid: names[name] for name, rid in records.numbers(connection, names).items()}


def work(steward: Steward, options: argparse.Namespace) -> None:
    """Decide, and print what it took and brought."""
    decided, pages, done = list[float](), list[float](), 0
    report(steward, 0)
    while done < options.decisions and (tasks := page(steward, pages, options)):
        for task in tasks:
            begun = time.perf_counter()
            try:
                steward.desk.decide(task.task_id, steward.answer(task), actor="simulated")
            except Conflict:
                continue
            decided.append(time.perf_counter() - begun)
            done += 1
            if done % max(1, options.decisions // REPORTS) == 0:
                report(steward, done)
            if done == options.decisions:
                break
    show("decision", decided)
    show("page of the queue", pages)


def page(steward: Steward, took: list[float], options: argparse.Namespace) -> list[Task]:
    """The next questions about two records; in the queue's order, or drawn from all of it."""
    now = moment_of(steward.desk.store.now())
    most = PAGE if options.order == "queue" else 100_000
    begun = time.perf_counter()
    with steward.desk.store.reading() as connection:
        found = queue.page(connection, Wanted("queued", kind="match"), now, None, most).tasks
    took.append(time.perf_counter() - begun)
    return list(found) if options.order == "queue" else steward.chance.sample(list(found), min(PAGE, len(found)))


def report(steward: Steward, done: int) -> None:
    """Print precision and recall over pairs."""
    with steward.desk.store.reading() as connection:
        standing = records.standing(connection, steward.truth)
    made, true, both = (dict[object, int]() for _ in range(3))
    for rid, (_, eid) in standing.items():
        for counts, name in ((made, eid), (true, steward.truth[rid]), (both, (eid, steward.truth[rid]))):
            counts[name] = counts.get(name, 0) + 1
    right, joined, wanted = (sum(n * (n - 1) // 2 for n in counts.values()) for counts in (both, made, true))
    print(f"  after {done:>5} decisions  precision {right / joined:.4f}  recall {right / wanted:.4f}", flush=True)


def show(title: str, seconds: Sequence[float]) -> None:
    """Print percentiles."""
    ordered = sorted(seconds)
    at = [1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))] for share in (0.5, 0.95, 0.99)]
    print(f"  {title:<20}{len(ordered):>6}  p50 {at[0]:.1f} ms  p95 {at[1]:.1f} ms  p99 {at[2]:.1f} ms")


if __name__ == "__main__":
    main()
