"""The steward pages over loopback: the queue with every filter, and the round trip of a decision (post, next task).

    python -m benchmarks.bench_pages -p PROJECT [--decisions 100] [--rounds 20]

Uses a store that has seen a run and has open tasks. It decides some of them: give it a copy.
"""

from __future__ import annotations

import argparse
import http.client
import re
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import psutil

from benchmarks.bench_api import served
from mdm import Project
from mdm.store import overview, tasks

FORM = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin", "Accept": "text/html"}
FILTERS = (
    "",
    "kind=match",
    "kind=conflict",
    "type=person",
    "type=organisation",
    "low=2&high=6",
    "state=queued",
    "state=claimed",
    "state=deferred",
    "state=applied",
    "for=me",
    "for=claimed",
)
PAGES = ("/", "/quality", "/model", "/activity", "/quarantine")


def main() -> None:
    """Serve, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-p", "--project", type=Path, required=True)
    parser.add_argument("--decisions", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    project = Project.open(options.project)
    with project.store() as store, store.reading() as connection:
        records, waiting = sum(overview.record_counts(connection).values()), tasks.open_counts(connection)
    sources = [f"source={source.name}" for source in project.policy.file.sources]
    with served(project, 1) as port:
        visitor = Visitor(port)
        print(
            f"{records:,} records, {sum(waiting.values()):,} open tasks, {project.policy.file.store.partition(':')[0]}"
        )
        for query in (*FILTERS, *sources):
            show(f"/queue?{query}", lambda query=query: visitor.times(f"/queue?{query}", options.rounds))  # type: ignore[misc]
        for page in PAGES:
            first = visitor.get(page)[0]
            show(f"{page} (first {first:,.0f} ms)", lambda page=page: visitor.times(page, options.rounds))  # type: ignore[misc]
        show("decision, round trip", lambda: visitor.decide(options.decisions))


class Visitor:
    """A steward on the machine itself, over one connection."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def get(self, address: str) -> tuple[float, str]:
        """Milliseconds, and the page."""
        begun = time.perf_counter()
        self.connection.request("GET", address, headers={"Accept": "text/html"})
        response = self.connection.getresponse()
        text = response.read().decode()
        if response.status != 200:
            raise RuntimeError(f"{address}: {response.status}")
        return 1000 * (time.perf_counter() - begun), text

    def times(self, address: str, rounds: int) -> list[float]:
        """Milliseconds of so many visits."""
        return [self.get(address)[0] for _ in range(rounds)]

    def post(self, address: str, fields: dict[str, str]) -> str:
        """Where the form led to."""
        self.connection.request("POST", address, urlencode(fields), FORM)
        response = self.connection.getresponse()
        response.read()
        if response.status != 303:
            raise RuntimeError(f"{address}: {response.status}")
        return response.getheader("Location") or ""

    def decide(self, count: int) -> list[float]:
        """Milliseconds of each decision until the next task was read: post, redirect, page."""
        fields = _hidden(self.get("/queue")[1])
        address = self.post("/queue/next", {"form_token": fields["form_token"], "queue": "kind=match"})
        page, taken = self.get(address)[1], []
        for number in range(count):
            fields = _hidden(page)
            verdict = "different" if number % 3 else "same"
            begun = time.perf_counter()
            task = address.partition("?")[0]
            address = self.post(f"{task}/decide", {**fields, "verdict": verdict, "reason": "evidence"})
            page = self.get(address)[1]
            taken.append(1000 * (time.perf_counter() - begun))
        return taken


def _hidden(page: str) -> dict[str, str]:
    names = ("form_token", "version", "queue")
    found = {name: re.search(rf'name="{name}" value="([^"]*)"', page) for name in names}
    return {name: match.group(1).replace("&amp;", "&") for name, match in found.items() if match is not None}


def show(name: str, measured: Callable[[], list[float]]) -> None:
    """Print the median, the 95th percentile, and what the server computed for each: other jobs do not change that."""
    before = computed()
    taken = measured()
    each = 1000 * (computed() - before) / len(taken)
    p95 = statistics.quantiles(taken, n=20)[-1] if len(taken) > 1 else taken[0]
    print(f"  {name:<45} p50 {statistics.median(taken):7.0f} ms   p95 {p95:7.0f} ms   processor {each:7.0f} ms")


def computed() -> float:
    """Seconds of processor time that the server has used."""
    children = psutil.Process().children(recursive=True)
    return float(sum(child.cpu_times().user + child.cpu_times().system for child in children))


if __name__ == "__main__":
    main()
