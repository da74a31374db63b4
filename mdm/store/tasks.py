"""Tasks: questions to stewards. At most one task is open per question; closed ones stay as history."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import BigInteger, Connection, cast, func, literal_column, select, union

from mdm.store import counters
from mdm.store.bulk import bulk_insert, bulk_update, pairs
from mdm.store.listed import among
from mdm.store.prepared import run
from mdm.store.schema import record, task
from mdm.store.store import recorded_at

REUSED = "reused"  # the kind of task that says that a record became somebody else's
# Written out, as the indexes of open tasks have it: a plan made for any state could not use them.
_OPEN = task.c.state == literal_column("'open'")
# A union of three index look-ups, each task once.
_ABOUT = union(
    *(
        select(task).where(_OPEN, among(column, name))
        for column, name in ((task.c.left_eid, "eids"), (task.c.right_eid, "eids"), (task.c.left_rid, "rids"))
    )
)
# A record number and its version as one number; sums of them differ where members or versions do.
_SPREAD = 1009
_SUMMED = cast(func.sum(record.c.rid * _SPREAD + record.c.version), BigInteger)
_SIZES = select(record.c.eid, func.count(), _SUMMED).where(among(record.c.eid, "eids")).group_by(record.c.eid)
_STRANGERS = select(task.c.left_rid).where(
    _OPEN, task.c.kind == REUSED, task.c.left_eid.is_(None), among(task.c.left_rid, "rids")
)
_OPEN_COUNTS = select(task.c.kind, func.count()).where(_OPEN).group_by(task.c.kind).order_by(task.c.kind)


@dataclass(frozen=True, slots=True)
class Question:
    """What a steward is asked; `question` names it, so that the same one is never asked twice at once.

    left_eid, right_eid: the entities it is about, right_eid None when it is about one. left_rid, right_rid: the two
    records that show it best. bits: their weight, None where weights have no part in it. records: how many it affects.
    fingerprint: of the records of its entities with their versions; another one: it is to be looked at anew.
    """

    kind: str
    question: str
    entity_type: str
    left_eid: int | None
    right_eid: int | None
    left_rid: int | None
    right_rid: int | None
    bits: float | None
    records: int
    priority: int
    details: Mapping[str, Any]
    fingerprint: int = 0

    @property
    def eids(self) -> tuple[int, ...]:
        """The entities it is about."""
        return tuple(eid for eid in (self.left_eid, self.right_eid) if eid is not None)


@dataclass(frozen=True, slots=True)
class Task(Question):
    """A question that was put.

    state: open, applied (a verdict answered it) or obsolete (`reason` says what settled it). version: counts the
    changes of its content, 1 when opened. opened_run, closed_run: None outside a batch run. assignee: a person, or
    `role:` and a role. claimed_by holds it until claimed_until. proposal: the verdict that waits for a second person.
    """

    task_id: int = 0
    state: str = "open"
    version: int = 1
    opened_at: str = ""
    opened_run: int | None = None
    closed_at: str | None = None
    closed_run: int | None = None
    reason: str | None = None
    verdict_id: int | None = None
    assignee: str | None = None
    claimed_by: str | None = None
    claimed_until: str | None = None
    deferred_until: str | None = None
    proposal: Mapping[str, Any] | None = None

    @property
    def content(self) -> Question:
        """What it asks, apart from what became of it."""
        return Question(*(getattr(self, name) for name in _CONTENT))


@dataclass(frozen=True, slots=True)
class Closing:
    """How a task ends: obsolete with a reason, or applied with the verdict that answered it."""

    task_id: int
    state: str
    reason: str
    verdict_id: int | None = None


_CONTENT = tuple(field.name for field in fields(Question))


def open_about(connection: Connection, eids: Collection[int], rids: Collection[int]) -> list[Task]:
    """The open tasks about one of these entities, or whose first record is among `rids`, by number."""
    rows = run(connection, _ABOUT, {"eids": eids, "rids": rids})
    found = [_task(dict(zip(task.c.keys(), row, strict=True))) for row in rows]
    return sorted(found, key=lambda each: each.task_id)


def listed(
    connection: Connection, *, kind: str | None = None, state: str | None = "open", limit: int | None = None
) -> list[Task]:
    """The tasks of that kind and state (None: of any), the most urgent first."""
    statement = select(task).order_by(task.c.priority.desc(), task.c.task_id).limit(limit)
    if state is not None:
        statement = statement.where(task.c.state == state)
    if kind is not None:
        statement = statement.where(task.c.kind == kind)
    return [_task(dict(row._mapping)) for row in connection.execute(statement)]


def answered(connection: Connection, kind: str) -> set[int]:
    """The verdicts that answered tasks of the kind."""
    given = select(task.c.verdict_id).where(task.c.kind == kind, task.c.state == "applied")
    return {number for number in connection.scalars(given) if number is not None}


def open_counts(connection: Connection) -> dict[str, int]:
    """How many tasks are open of each kind that has any."""
    return pairs(connection, _OPEN_COUNTS, {})


def strangers(connection: Connection, rids: Collection[int]) -> set[int]:
    """Those of the records that became somebody else's and were not decided since: no entity is asked about yet."""
    return {rid for (rid,) in run(connection, _STRANGERS, {"rids": rids})}


def entity_sizes(connection: Connection, eids: Iterable[int]) -> dict[int, tuple[int, int]]:
    """How many records each of these entities holds, and their fingerprint; those that hold none are left out."""
    return {eid: (size, summed) for eid, size, summed in connection.execute(_SIZES, {"eids": eids})}


def get(connection: Connection, task_id: int) -> Task | None:
    """The task of that number, in any state."""
    row = connection.execute(select(task).where(task.c.task_id == task_id)).one_or_none()
    return None if row is None else read(row)


def change(connection: Connection, task_id: int, **columns: Any) -> None:
    """Nothing; the columns of the task have these values."""
    proposal = columns.get("proposal")
    if proposal is not None:
        columns["proposal"] = json.dumps(dict(proposal), sort_keys=True)
    connection.execute(task.update().where(task.c.task_id == task_id).values(**columns))


def put(connection: Connection, questions: Sequence[Question], run_id: int | None) -> list[int]:
    """The numbers of the new open tasks, in the order given. Call it last in a transaction."""
    if not questions:
        return []
    first = counters.allocate(connection, "task", len(questions))
    numbers = list(range(first, first + len(questions)))
    columns = ("task_id", *_CONTENT, "state", "version", "opened_at", "opened_run")
    stamp = ("open", 1, recorded_at(connection), run_id)
    bulk_insert(connection, task, columns, ((n, *_content(q), *stamp) for n, q in zip(numbers, questions, strict=True)))
    return numbers


def renew(connection: Connection, changed: Iterable[tuple[Task, Question]]) -> None:
    """Nothing; each open task asks its question with the present content.

    Where its records changed, whoever put it off or proposed an answer did so about something else: it is queued anew.
    """
    columns = ("task_id", *_CONTENT, "version", "deferred_until", "proposal", "reason")
    rows = ((old.task_id, *_content(new), old.version + 1, *_kept(old, new)) for old, new in changed)
    bulk_update(connection, task, columns, rows)


def _kept(old: Task, new: Question) -> tuple[Any, ...]:
    """deferred_until, proposal and reason after the renewal."""
    proposal = None if old.proposal is None else json.dumps(dict(old.proposal), sort_keys=True)
    if old.fingerprint == new.fingerprint:
        return old.deferred_until, proposal, old.reason
    dropped = "the records changed after an answer was proposed; it has to be given anew"
    return None, None, old.reason if proposal is None else dropped


def close(connection: Connection, closings: Iterable[Closing], run_id: int | None) -> None:
    """Nothing; the tasks have ended."""
    columns = ("task_id", "state", "reason", "verdict_id", "closed_at", "closed_run")
    moment = recorded_at(connection)
    rows = ((c.task_id, c.state, c.reason, c.verdict_id, moment, run_id) for c in closings)
    bulk_update(connection, task, columns, rows)


def _content(question: Question) -> tuple[Any, ...]:
    return tuple(_plain(getattr(question, name)) for name in _CONTENT)


def _plain(value: Any) -> Any:
    return json.dumps(dict(value), sort_keys=True) if isinstance(value, Mapping) else value


def _task(row: dict[str, Any]) -> Task:
    proposal = row["proposal"]
    return Task(
        **{
            **row,
            "details": json.loads(row["details"]),
            "proposal": None if proposal is None else json.loads(proposal),
        }
    )


def read(row: Any) -> Task:
    """The task of a row with all columns of the table."""
    return _task(dict(row._mapping))
