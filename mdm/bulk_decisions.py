"""Bulk decisions: one answer to all queued tasks of a pattern, whose reach was looked at before.

Each task is decided by itself, as it was when its reach was shown: what an earlier one of them changed is left to a
person, and so is what needs a second one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import orjson
from sqlalchemy import Connection

from mdm import queue
from mdm.decisions import Answer, Desk
from mdm.errors import Conflict, MdmError
from mdm.queue import Wanted
from mdm.store.store import moment_of
from mdm.store.tasks import Task

MOST = 200  # tasks of one request: some ten milliseconds each
EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Reach:
    """What a bulk decision would be about: at most MOST of `wanted` tasks, the most urgent first.

    digest: of the tasks and their versions; a decision names it, so that it is about nothing else.
    """

    tasks: Sequence[Task]
    wanted: int
    records: int
    entities: int
    digest: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one task: applied, pending, deferred, or the code of the error with its message."""

    task_id: int
    outcome: str
    verdict_id: int | None = None
    message: str = ""


def reach(connection: Connection, wanted: Wanted, now: str) -> Reach:
    """The tasks of the pattern that nobody works on."""
    page = queue.page(connection, replace(wanted, state="queued"), now, None, MOST)
    eids = {eid for task in page.tasks for eid in task.eids}
    seen = orjson.dumps([(task.task_id, task.version) for task in page.tasks])
    digest = hashlib.sha256(seen).hexdigest()[:32]
    affected = sum(task.records for task in page.tasks)
    return Reach(page.tasks, sum(page.counts.values()), affected, len(eids), digest)


def decide_all(desk: Desk, wanted: Wanted, answer: Answer, *, seen: str, actor: str) -> list[Outcome]:
    """What became of each task. Raises Conflict when the pattern has another reach by now than the one seen."""
    with desk.store.reading() as connection:
        found = reach(connection, wanted, moment_of(desk.store.now()))
    if found.digest != seen:
        raise Conflict("the tasks of this pattern are not those of the preview any more: look at it anew")
    return [_decide(desk, task, answer, actor) for task in found.tasks]


def _decide(desk: Desk, task: Task, answer: Answer, actor: str) -> Outcome:
    try:
        effect = desk.decide(task.task_id, replace(answer, version=task.version), actor=actor)
    except MdmError as error:
        return Outcome(task.task_id, error.code, None, str(error))
    return Outcome(task.task_id, effect.outcome, effect.verdict_id)
