"""The queue as stewards work through it: pages of tasks, claims that end by themselves, deferrals, assignments.

What a task asks follows the present state (`tasks`); who works on it is written here. A task is shown with its version,
and whoever acts on it says which version he saw: another one is refused, and the fresh task goes with the refusal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from mdm.errors import BadInput, Claimed, Closed, NotFound, StaleTask
from mdm.store import audit, queue, tasks
from mdm.store.queue import CLOSED_STATES, OPEN_STATES, Cursor, Wanted
from mdm.store.store import MOMENT, moment_of, recorded_at
from mdm.store.tasks import Task

__all__ = ["Cursor", "Page", "Wanted"]

STATES = (*OPEN_STATES, *CLOSED_STATES)


@dataclass(frozen=True, slots=True)
class Page:
    """Some tasks, and the cursor of the next page; None when there is none. counts: of all that are wanted, by kind."""

    tasks: Sequence[Task]
    next: Cursor | None
    counts: dict[str, int]


def page(connection: Connection, wanted: Wanted, now: str, after: Cursor | None = None, limit: int = 50) -> Page:
    """A page of the queue, the most urgent first; now: the moment as `moment_of` writes it. Raises BadInput."""
    if wanted.state not in (*STATES, "open"):
        raise BadInput(f"unknown state {wanted.state!r}; known: open, {', '.join(STATES)}")
    found = queue.page(connection, wanted, now, after, limit + 1)
    shown, last = found[:limit], found[limit - 1] if len(found) > limit else None
    cursor = None if last is None else (last.priority, last.task_id)
    return Page(shown, cursor, queue.count(connection, wanted, now))


def get(connection: Connection, task_id: int) -> Task:
    """The task, in any state. Raises NotFound."""
    found = tasks.get(connection, task_id)
    if found is None:
        raise NotFound(f"there is no task {task_id}")
    return found


def standing(task: Task, now: str) -> str:
    """Where a task stands: queued, claimed, deferred, pending (a second person has to agree), applied or obsolete."""
    if task.state != "open":
        return task.state
    if task.proposal is not None:
        return "pending"
    if (task.deferred_until or "") > now:
        return "deferred"
    return "claimed" if (task.claimed_until or "") > now else "queued"


def check_actable(connection: Connection, task_id: int, actor: str, version: int | None) -> Task:
    """The task that the actor may act on. Raises NotFound, Closed, Claimed, StaleTask.

    version: the one that the actor saw; None: not said, and not checked.
    """
    task = get(connection, task_id)
    if task.state != "open":
        raise Closed(f"task {task_id} is {task.state} already: {task.reason or 'answered'}")
    holder = task.claimed_by
    if holder not in (None, actor) and (task.claimed_until or "") > recorded_at(connection):
        raise Claimed(f"{holder} works on task {task_id} until {task.claimed_until}")
    if version is not None and version != task.version:
        raise StaleTask(f"task {task_id} has version {task.version}, not {version}: look at it anew", task_id, task)
    return task


def claim(connection: Connection, task_id: int, *, actor: str, minutes: int) -> Task:
    """The task, which nobody else can act on for so long; whoever claims it again goes on. Raises as above."""
    check_actable(connection, task_id, actor, None)
    until = moment_of(_now(connection) + timedelta(minutes=minutes))
    tasks.change(connection, task_id, claimed_by=actor, claimed_until=until)
    return get(connection, task_id)


def let_go(connection: Connection, task_id: int, *, actor: str) -> Task:
    """The task, queued again. Raises as above."""
    check_actable(connection, task_id, actor, None)
    tasks.change(connection, task_id, claimed_by=None, claimed_until=None)
    return get(connection, task_id)


def defer(connection: Connection, task_id: int, *, until: str, actor: str, version: int | None = None) -> Task:
    """The task, out of the queue until that moment or until its records change. Raises as above, BadInput."""
    check_actable(connection, task_id, actor, version)
    if until <= recorded_at(connection):
        raise BadInput(f"{until} has passed; give a moment to come")
    tasks.change(connection, task_id, deferred_until=until, claimed_by=None, claimed_until=None)
    audit.append(connection, actor, "task.deferred", subject=f"task:{task_id}", details={"until": until})
    return get(connection, task_id)


def assign(connection: Connection, task_id: int, *, assignee: str | None, actor: str) -> Task:
    """The task, meant for a person, or for a role as `role:steward`; None: for anybody. Raises NotFound, Closed."""
    task = get(connection, task_id)
    if task.state != "open":
        raise Closed(f"task {task_id} is {task.state} already")
    tasks.change(connection, task_id, assignee=assignee)
    audit.append(connection, actor, "task.assigned", subject=f"task:{task_id}", details={"assignee": assignee})
    return get(connection, task_id)


def _now(connection: Connection) -> datetime:
    return datetime.strptime(recorded_at(connection), MOMENT).replace(tzinfo=UTC)
