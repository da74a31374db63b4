"""Metrics: counters and histograms of one process -> the text format that Prometheus reads. No personal data."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from threading import Lock

SECONDS = (0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.3, 1.0, 3.0, 10.0)
RECORDS = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
Labels = tuple[tuple[str, str], ...]


class Histogram:
    """How often values fell into buckets, by labels."""

    def __init__(self, name: str, bounds: tuple[float, ...]) -> None:
        self.name = name
        self.bounds = bounds
        self.counts: dict[Labels, list[int]] = {}
        self.sums: dict[Labels, float] = {}

    def observe(self, value: float, labels: Labels) -> None:
        """Count a value."""
        counts = self.counts.setdefault(labels, [0] * (len(self.bounds) + 1))
        counts[bisect_left(self.bounds, value)] += 1
        self.sums[labels] = self.sums.get(labels, 0.0) + value

    def lines(self) -> Iterator[str]:
        """The histogram as text."""
        yield f"# TYPE {self.name} histogram"
        for labels, counts in sorted(self.counts.items()):
            below = 0
            for bound, count in zip((*self.bounds, "+Inf"), counts, strict=True):
                below += count
                yield f"{self.name}_bucket{_written((*labels, ('le', str(bound))))} {below}"
            yield f"{self.name}_sum{_written(labels)} {self.sums[labels]:.6f}"
            yield f"{self.name}_count{_written(labels)} {below}"


class Metrics:
    """The metrics of one process; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._seconds = Histogram("mdm_request_seconds", SECONDS)
        self._compared = Histogram("mdm_match_candidates", RECORDS)
        self._requests: Counter[Labels] = Counter()
        self._decisions: Counter[Labels] = Counter()
        self._outcomes: Counter[Labels] = Counter()

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count a request by its route as written, never by its path."""
        with self._lock:
            self._requests[("route", route), ("status", str(status))] += 1
            self._seconds.observe(seconds, (("route", route),))

    def match(self, decision: str, compared: int) -> None:
        """Count an answered match; compared: how many records were weighed."""
        with self._lock:
            self._decisions[(("decision", decision),)] += 1
            self._compared.observe(compared, ())

    def outcome(self, outcome: str) -> None:
        """Count a record that was put or deleted."""
        with self._lock:
            self._outcomes[(("outcome", outcome),)] += 1

    def text(self, gauges: dict[str, float]) -> str:
        """Everything as text; gauges: what is read from the store at this moment."""
        counters = {
            "mdm_requests_total": self._requests,
            "mdm_match_decisions_total": self._decisions,
            "mdm_record_outcomes_total": self._outcomes,
        }
        lines: list[str] = []
        with self._lock:
            for name, counter in counters.items():
                lines.append(f"# TYPE {name} counter")
                lines += [f"{name}{_written(labels)} {count}" for labels, count in sorted(counter.items())]
            lines += [*self._seconds.lines(), *self._compared.lines()]
        for name, value in gauges.items():
            lines += [f"# TYPE {name} gauge", f"{name} {value:g}"]
        return "\n".join(lines) + "\n"


def _written(labels: Labels) -> str:
    return "{" + ",".join(f'{name}="{value}"' for name, value in labels) + "}" if labels else ""
