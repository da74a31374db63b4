"""Answers to stewards: tasks, decisions, previews and verdicts -> JSON that the caller's role may see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection

from api.answers import Json, entity_json, event_json
from mdm import queue
from mdm.decisions import Effect, Preview
from mdm.engine.policy import EntityType
from mdm.ids import entity_id
from mdm.masking import field_class, masked
from mdm.sayings import PINNED
from mdm.store import records
from mdm.store.events import StoredEvent
from mdm.store.tasks import Task
from mdm.store.verdicts import Identity, Verdict
from mdm.tasks import KINDS


def tasks_json(connection: Connection, found: Iterable[Task], now: str) -> list[Json]:
    """The tasks; now: by which leases and deferrals end."""
    listed = list(found)
    rids = {rid for task in listed for rid in (task.left_rid, task.right_rid) if rid is not None}
    rows = records.load(connection, rids, ["rid", "source", "record_id"]).to_pylist()
    names = {row["rid"]: f"{row['source']}:{row['record_id']}" for row in rows}
    return [_task_json(task, names, now) for task in listed]


def _task_json(task: Task, names: Mapping[int, str], now: str) -> Json:
    shown = (names.get(rid) for rid in (task.left_rid, task.right_rid) if rid is not None)
    kept = ("task_id", "kind", "version", "bits", "priority", "assignee", "claimed_by", "claimed_until")
    dated = ("deferred_until", "opened_at", "closed_at", "reason", "verdict_id")
    return {
        **{name: getattr(task, name) for name in (*kept, *dated)},
        "asks": KINDS[task.kind],
        "entity": task.entity_type,
        "state": queue.standing(task, now),
        "entities": list(map(entity_id, task.eids)),
        "records": [name for name in shown if name is not None],
        "affected": task.records,
        "details": dict(task.details),
        "proposal": None if task.proposal is None else _proposal_json(task.proposal),
    }


def _proposal_json(proposal: Mapping[str, Any]) -> Json:
    sides = {side: [":".join(name) for name in proposal[side]] for side in ("left", "right")}
    return {**proposal, **sides}


def effect_json(effect: Effect) -> Json:
    """What a decision did."""
    return {
        "outcome": effect.outcome,
        "verdict_id": effect.verdict_id,
        "task_id": effect.task_id,
        "entities": _moves_json(effect.entities),
        "tasks": list(effect.tasks),
        "risks": list(effect.risks),
    }


def _moves_json(moves: Iterable[tuple[int | None, int | None]]) -> list[Json]:
    return [
        {"old": None if old is None else entity_id(old), "new": None if new is None else entity_id(new)}
        for old, new in moves
    ]


def preview_json(preview: Preview, types: Mapping[str, EntityType], role: str) -> Json:
    """What a decision would do."""

    def told(views: Iterable[Any]) -> list[Json]:
        return [
            {**entity_json(view, types.get(view.entity_type), role), "new": view.eid in preview.created}
            for view in views
        ]

    events = (StoredEvent(0, each.kind, each.eid, None, each.fields, each.details, "") for each in preview.events)
    return {
        "before": told(preview.before),
        "after": told(preview.after),
        "entities": _moves_json(preview.entities),
        "events": [
            {k: v for k, v in event_json(e).items() if k in ("kind", "entity_id", "fields", "details")} for e in events
        ],
        "tasks_opened": preview.opened,
        "risks": list(preview.risks),
    }


def verdict_json(verdict: Verdict, withdrawn: Verdict | None, types: Mapping[str, EntityType], role: str) -> Json:
    """A verdict; withdrawn: the entry that withdrew it. A pinned value is masked like any other of its field."""
    details = dict(verdict.details)
    if verdict.kind == PINNED:
        pii = min((field_class(type_, details["field"]) for type_ in types.values()), key=("high", "low", "none").index)
        for key in ("value", "over"):
            details[key] = {sub: masked(role, pii, text) for sub, text in (details.get(key) or {}).items()}
    return {
        "verdict_id": verdict.verdict_id,
        "kind": verdict.kind,
        "left": _names(verdict.left),
        "right": _names(verdict.right),
        "reason": verdict.reason,
        "comment": verdict.comment,
        "actor": verdict.actor,
        "recorded_at": verdict.recorded_at,
        "details": details,
        "withdrawn_at": None if withdrawn is None else withdrawn.recorded_at,
        "withdrawn_by": None if withdrawn is None else withdrawn.actor,
    }


def _names(side: Iterable[Identity]) -> list[str]:
    return [":".join(name) for name in side]
