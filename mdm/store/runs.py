"""Runs: the history of batch jobs with their counts and outcome."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from mdm.errors import NotFound
from mdm.store import counters
from mdm.store.schema import run
from mdm.store.store import recorded_at

RECENT = 20  # runs back, for sources that do not deliver every time


@dataclass(frozen=True, slots=True)
class Run:
    """One batch job: done, failed, stopped by a guard or died; finished_at and outcome are None while it works."""

    run_id: int
    kind: str
    started_at: str
    finished_at: str | None
    outcome: str | None
    counts: Mapping[str, Any]


def start(connection: Connection, kind: str) -> int:
    """The number of a new run. Its caller holds the run lock, so those of its kind that never ended have died."""
    died = {"finished_at": recorded_at(connection), "outcome": "died"}
    connection.execute(run.update().where(run.c.outcome.is_(None), run.c.kind == kind).values(died))
    run_id = counters.allocate(connection, "run", 1)
    connection.execute(run.insert().values(run_id=run_id, kind=kind, started_at=recorded_at(connection), counts="{}"))
    return run_id


def finish(connection: Connection, run_id: int, outcome: str, counts: Mapping[str, Any]) -> None:
    """Nothing; the run has ended with this outcome. Raises NotFound for an unknown run."""
    values = {"finished_at": recorded_at(connection), "outcome": outcome, "counts": json.dumps(dict(counts))}
    if connection.execute(run.update().where(run.c.run_id == run_id).values(values)).rowcount == 0:
        raise NotFound(f"there is no run {run_id}")


def last_rows(connection: Connection) -> dict[str, int]:
    """Source -> rows of its last delivery that was taken."""
    done = select(run.c.counts).where(run.c.outcome == "done").order_by(run.c.run_id.desc()).limit(RECENT)
    rows: dict[str, int] = {}
    for counts in connection.scalars(done):
        rows = json.loads(counts).get("rows", {}) | rows
    return rows


def all(connection: Connection, *, limit: int | None = None) -> list[Run]:
    """The runs, newest first, at most `limit` of them."""
    statement = select(run).order_by(run.c.run_id.desc()).limit(limit)
    return [_run(dict(row._mapping)) for row in connection.execute(statement)]


def last(connection: Connection, kind: str | None = None) -> Run | None:
    """The newest run, of that kind when one is given; None when there was none."""
    statement = select(run).order_by(run.c.run_id.desc()).limit(1)
    if kind is not None:
        statement = statement.where(run.c.kind == kind)
    row = connection.execute(statement).one_or_none()
    return None if row is None else _run(dict(row._mapping))


def _run(row: dict[str, Any]) -> Run:
    return Run(**{**row, "counts": json.loads(row["counts"])})
