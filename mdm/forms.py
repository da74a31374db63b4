"""Forms: what a steward asks for -> the verdict that says it, about all the records that it means now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from mdm.errors import BadInput, NotFound
from mdm.ids import entity_id
from mdm.sayings import CONFIRMED, RELATED, SPLIT, Side, check, split_of
from mdm.store import entities, records
from mdm.store.tasks import Task
from mdm.store.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Answer:
    """What a steward says to a task. version: of the task he saw. groups: of a split. relation: of `related`."""

    verdict: str
    reason: str = ""
    comment: str = ""
    version: int | None = None
    relation: str = ""
    groups: tuple[Side, ...] = ()
    supersedes: tuple[int, ...] = ()


def verdict_of(connection: Connection, task: Task, answer: Answer, actor: str) -> Verdict:
    """The verdict that an answer to a task is: about all records of its two entities, or about the two it shows.

    Raises BadInput for an answer that does not fit the task.
    """
    details: dict[str, Any] = {"task": task.task_id}
    if answer.verdict == SPLIT:
        given = split_of(answer.groups, answer.reason, actor, answer.comment)
        return replace(given, details={**given.details, **details}).superseding(answer.supersedes)
    if answer.verdict == RELATED:
        details["relation"] = answer.relation or "household"
    left, right = _sides(connection, task, answer.verdict)
    given = Verdict(answer.verdict, left, right, answer.reason, actor, comment=answer.comment, details=details)
    check(given)
    return given.superseding(answer.supersedes)


def _sides(connection: Connection, task: Task, kind: str) -> tuple[Side, Side]:
    if task.left_eid is not None and task.right_eid is not None:
        return members_of(connection, task.left_eid), members_of(connection, task.right_eid)
    if kind == CONFIRMED and task.left_eid is not None:
        return members_of(connection, task.left_eid), ()
    shown = [rid for rid in (task.left_rid, task.right_rid) if rid is not None]
    names = {record.rid: (record.source, record.record_id) for record in records.by_rids(connection, shown)}
    left, *right = [names[rid] for rid in shown if rid in names]
    return (left,), tuple(right)


def members_of(connection: Connection, eid: int) -> Side:
    """The records of an entity by name. Raises NotFound when it has none."""
    rids = entities.members(connection, [eid])["rid"].to_pylist()
    if not rids:
        raise NotFound(f"entity {entity_id(eid)} is no more")
    rows = records.load(connection, rids, ["source", "record_id"]).to_pylist()
    return tuple(sorted((row["source"], row["record_id"]) for row in rows))


def merging(connection: Connection, eids: Sequence[int], *, reason: str, actor: str, comment: str = "") -> Verdict:
    """The verdict that these entities are one customer. Raises BadInput for fewer than two, NotFound."""
    if len(set(eids)) < 2:
        raise BadInput("give two entities or more")
    first, *others = [members_of(connection, eid) for eid in dict.fromkeys(eids)]
    rest = tuple(name for side in others for name in side)
    return Verdict("same", first, rest, reason, actor, comment=comment)


def splitting(
    connection: Connection, eid: int, groups: Sequence[Side], *, reason: str, actor: str, comment: str = ""
) -> Verdict:
    """The verdict that groups of an entity's records are so many customers; with one group: it against all others.

    Raises NotFound, or BadInput when a group names a record of another entity.
    """
    members = members_of(connection, eid)
    named = {name for group in groups for name in group}
    if not named <= set(members):
        strange = ", ".join(":".join(name) for name in sorted(named - set(members)))
        raise BadInput(f"{strange} is no record of entity {entity_id(eid)}")
    rest = tuple(name for name in members if name not in named)
    every = [*groups, rest] if len(groups) == 1 else [*groups]
    return split_of([group for group in every if group], reason, actor, comment)


def proposal_of(given: Verdict, risks: tuple[str, ...]) -> dict[str, Any]:
    """The verdict as a task keeps it until a second person agrees; risks: why one has to."""
    return {
        "kind": given.kind,
        "left": given.left,
        "right": given.right,
        "reason": given.reason,
        "comment": given.comment,
        "actor": given.actor,
        "details": dict(given.details),
        "risks": risks,
    }


def verdict_from(proposal: Mapping[str, Any]) -> Verdict:
    """The verdict that a task kept."""
    left, right = (tuple((source, record_id) for source, record_id in proposal[side]) for side in ("left", "right"))
    kept = {name: proposal[name] for name in ("reason", "actor", "comment", "details")}
    return Verdict(proposal["kind"], left, right, **kept)
