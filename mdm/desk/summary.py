"""The overview: how much there is, what waits, and how that moved over the last runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from mdm.history import run_summaries
from mdm.reports import RunSummary
from mdm.scorecard.report import DIMENSIONS
from mdm.store import measures, overview
from mdm.store import tasks as stored_tasks

RUNS = 30


@dataclass(frozen=True, slots=True)
class Dimension:
    """A dimension of quality over all sources, run by run (share 0 to 1), oldest first."""

    name: str
    share: float
    trend: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Trend:
    """One number of each of the last runs, oldest first, with the runs' moments."""

    name: str
    moments: tuple[str, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """The store at a glance. tasks: open ones by kind. waiting: records that are not decided yet."""

    records: Mapping[str, int]
    entities: Mapping[str, int]
    tasks: Mapping[str, int]
    waiting: int
    quarantined: int
    merges: int
    quality: tuple[Dimension, ...]
    trends: tuple[Trend, ...]
    runs: tuple[RunSummary, ...]

    @property
    def record_count(self) -> int:
        """All active records."""
        return sum(self.records.values())

    @property
    def entity_count(self) -> int:
        """All active entities."""
        return sum(self.entities.values())

    @property
    def task_count(self) -> int:
        """All open tasks."""
        return sum(self.tasks.values())


def summary(connection: Connection) -> Summary:
    """The store at a glance."""
    runs = run_summaries(connection, RUNS)
    return Summary(
        records=overview.record_counts(connection),
        entities=overview.entity_counts(connection),
        tasks=stored_tasks.open_counts(connection),
        waiting=overview.unresolved_count(connection),
        quarantined=overview.quarantined_count(connection),
        merges=next((run.merges for run in runs if run.outcome == "done"), 0),
        quality=_quality(connection),
        trends=_trends([run for run in reversed(runs) if run.outcome == "done"]),
        runs=tuple(runs[:8]),
    )


def _quality(connection: Connection) -> tuple[Dimension, ...]:
    sums: dict[str, dict[int, list[int]]] = {}
    for each in measures.history(connection, RUNS):
        kept = sums.setdefault(each.measure.dimension, {}).setdefault(each.run_id, [0, 0])
        kept[0] += each.measure.passed
        kept[1] += each.measure.total
    found = []
    for name in DIMENSIONS:
        shares = tuple(passed / total for _, (passed, total) in sorted(sums.get(name, {}).items()) if total)
        if shares:
            found.append(Dimension(name, shares[-1], shares))
    return tuple(found)


def _trends(runs: list[RunSummary]) -> tuple[Trend, ...]:
    moments = tuple(run.started_at for run in runs)
    wanted = {"merges": "merges", "records new": "new records", "pairs compared": "pairs compared"}
    trends = []
    for key, name in wanted.items():
        values = tuple(float(run.merges if key == "merges" else run.counts.get(key, 0)) for run in runs)
        trends.append(Trend(name, moments, values))
    seconds = tuple(run.seconds or 0.0 for run in runs)
    return (*trends, Trend("seconds", moments, seconds))
