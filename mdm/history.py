"""The history of runs: stored rows -> summaries for people and machines."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from mdm.reports import RunSummary
from mdm.store import runs
from mdm.store.runs import Run


def run_summaries(connection: Connection, limit: int) -> list[RunSummary]:
    """The runs, newest first, at most `limit` of them."""
    return [_summary(run) for run in runs.all(connection, limit=limit)]


def _summary(run: Run) -> RunSummary:
    told = run.counts
    return RunSummary(
        run_id=run.run_id,
        kind=run.kind,
        started_at=run.started_at,
        finished_at=run.finished_at,
        outcome=run.outcome,
        seconds=_seconds(run.started_at, run.finished_at),
        counts=told.get("counts", {}),
        stages=told.get("seconds", {}),
        releases=told.get("releases", {}),
        merges=told.get("merges", 0),
    )


def _seconds(started_at: str, finished_at: str | None) -> float | None:
    if finished_at is None:
        return None
    return (datetime.fromisoformat(finished_at) - datetime.fromisoformat(started_at)).total_seconds()
