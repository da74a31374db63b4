"""The queue a page at a time, with what each question is about; and the next question for a steward."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import orjson
from sqlalchemy import Connection

from mdm import queue, tasks
from mdm.desk.values import title_of
from mdm.engine.policy import EntityType
from mdm.ids import entity_id
from mdm.masking import may
from mdm.queue import Cursor, Wanted
from mdm.reports import TaskLine
from mdm.store import entities
from mdm.store import queue as stored_queue
from mdm.store.tasks import Task

ROWS = 50


@dataclass(frozen=True, slots=True)
class Row:
    """A task in the queue. titles: of its entities, in their order. standing: see `queue.standing`."""

    line: TaskLine
    titles: tuple[str, ...]
    standing: str
    claimed_by: str | None
    assignee: str | None


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of the queue; counts: of all that are wanted, by kind. next: where the next page begins, or None."""

    rows: tuple[Row, ...]
    counts: Mapping[str, int]
    next: Cursor | None

    @property
    def total(self) -> int:
        """How many are wanted."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class Viewer:
    """For whom a list is: the role that masks values, and the moment by which leases end."""

    role: str
    now: str


@dataclass(frozen=True, slots=True)
class Person:
    """A steward by name and role."""

    name: str
    role: str

    def may_be_asked(self, task: Task) -> bool:
        """Whether the task is meant for nobody in particular, for the person, or for a role the person has."""
        meant = task.assignee
        return meant in (None, self.name) or ((meant or "").startswith("role:") and may(self.role, (meant or "")[5:]))


def listing(
    connection: Connection, wanted: Wanted, viewer: Viewer, types: Mapping[str, EntityType], after: Cursor | None
) -> Listing:
    """A page of the queue as the viewer may see it."""
    found = queue.page(connection, wanted, viewer.now, after, ROWS)
    lines = tasks.lines_of(connection, found.tasks)
    titles = _titles(connection, found.tasks, types, viewer.role)
    rows = tuple(_row(task, line, titles, viewer.now) for task, line in zip(found.tasks, lines, strict=True))
    return Listing(rows, found.counts, found.next)


def _titles(
    connection: Connection, found: Sequence[Task], types: Mapping[str, EntityType], role: str
) -> dict[int, str]:
    kinds = {eid: task.entity_type for task in found for eid in task.eids}
    rows = entities.golden(connection, kinds).to_pylist() if kinds else []
    return {row["eid"]: title_of(orjson.loads(row["values"]), types[kinds[row["eid"]]], role) for row in rows}


def _row(task: Task, line: TaskLine, titles: Mapping[int, str], now: str) -> Row:
    named = tuple(titles.get(eid) or entity_id(eid) for eid in task.eids)
    standing = queue.standing(task, now)
    return Row(line, named, standing, task.claimed_by if standing == "claimed" else None, task.assignee)


def next_task(connection: Connection, wanted: Wanted, now: str, person: Person, after: Task | None) -> Task | None:
    """The most urgent task that waits and is for the person, first those less urgent than `after`; None at the end."""
    waiting = replace(wanted, state="queued")
    start = None if after is None else (after.priority, after.task_id)
    for cursor in dict.fromkeys((start, None)):
        for task in stored_queue.page(connection, waiting, now, cursor, ROWS):
            if person.may_be_asked(task) and (after is None or task.task_id != after.task_id):
                return task
    return None
