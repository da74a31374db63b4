"""The queue: tasks by what stewards filter on, a page at a time; who works on which is written by `tasks.change`."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select

from mdm.store import tasks
from mdm.store.bulk import pairs
from mdm.store.listed import among
from mdm.store.schema import record, source, task
from mdm.store.tasks import Task

Cursor = tuple[int, int]  # priority and number of the last task of a page
OPEN_STATES = ("queued", "claimed", "deferred", "pending")
CLOSED_STATES = ("applied", "obsolete")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which tasks; what is None does not narrow.

    state: queued, claimed, deferred, pending, open (all of these), applied or obsolete. source: of a record that shows
    it. low, high: bits, high excluded. eids: the entities it may be about.
    """

    state: str = "open"
    kind: str | None = None
    entity_type: str | None = None
    source: str | None = None
    assignee: str | None = None
    claimed_by: str | None = None
    low: float | None = None
    high: float | None = None
    eids: frozenset[int] | None = None


def page(connection: Connection, wanted: Wanted, now: str, after: Cursor | None, limit: int) -> list[Task]:
    """At most so many of them, the most urgent first, then the oldest; closed ones the newest first.

    now: as in recorded_at; leases and deferrals end by it. after: the last task that was seen.
    """
    is_closed = wanted.state in CLOSED_STATES
    statement = select(task).where(*_conditions(wanted, now)).limit(limit)
    order = (task.c.task_id.desc(),) if is_closed else (task.c.priority.desc(), task.c.task_id)
    if after is not None:
        priority, number = after
        later = and_(task.c.priority == priority, task.c.task_id > number)
        statement = statement.where(task.c.task_id < number if is_closed else or_(task.c.priority < priority, later))
    parameters = {} if wanted.eids is None else {"eids": wanted.eids}
    return [tasks.read(row) for row in connection.execute(statement.order_by(*order), parameters)]


def count(connection: Connection, wanted: Wanted, now: str) -> dict[str, int]:
    """How many of them there are of each kind that has any."""
    statement = select(task.c.kind, func.count()).where(*_conditions(wanted, now))
    parameters = {} if wanted.eids is None else {"eids": wanted.eids}
    return pairs(connection, statement.group_by(task.c.kind).order_by(task.c.kind), parameters)


def _conditions(wanted: Wanted, now: str) -> list[ColumnElement[bool]]:
    found = _of_state(wanted.state, now)
    for column, value in (
        (task.c.kind, wanted.kind),
        (task.c.entity_type, wanted.entity_type),
        (task.c.assignee, wanted.assignee),
        (task.c.claimed_by, wanted.claimed_by),
    ):
        if value is not None:
            found.append(column == value)
    if wanted.low is not None:
        found.append(task.c.bits >= wanted.low)
    if wanted.high is not None:
        found.append(task.c.bits < wanted.high)
    if wanted.source is not None:
        found.append(_shown_by(wanted.source))
    if wanted.eids is not None:
        found.append(or_(among(task.c.left_eid, "eids"), among(task.c.right_eid, "eids")))
    return found


def _of_state(state: str, now: str) -> list[ColumnElement[bool]]:
    if state in CLOSED_STATES:
        return [task.c.state == state]
    is_open = task.c.state == "open"
    pending = task.c.proposal.is_not(None)
    deferred = func.coalesce(task.c.deferred_until, "") > now
    claimed = func.coalesce(task.c.claimed_until, "") > now
    return {
        "open": [is_open],
        "pending": [is_open, pending],
        "deferred": [is_open, ~pending, deferred],
        "claimed": [is_open, ~pending, ~deferred, claimed],
        "queued": [is_open, ~pending, ~deferred, ~claimed],
    }[state]


def _shown_by(name: str) -> ColumnElement[bool]:
    """Each side by itself: of one look-up with `or` SQLite makes a walk over all records of the source."""
    numbers = select(source.c.source_id).where(source.c.name == name).scalar_subquery()
    sides = (
        exists(select(1).where(record.c.rid == side, record.c.source_id == numbers).correlate(task))
        for side in (task.c.left_rid, task.c.right_rid)
    )
    return or_(*sides)
