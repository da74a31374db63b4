"""Answers: what the engine says -> JSON that the caller's role may see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import orjson
from fastapi.responses import Response

from mdm.asking import Answer, Candidate
from mdm.engine.policy import EntityType
from mdm.explaining import golden_values
from mdm.ids import entity_id
from mdm.incoming import Incoming
from mdm.masking import field_class, masked
from mdm.reports import EvidenceLine, Explanation, HowReport
from mdm.resolve import Stored
from mdm.store.events import StoredEvent
from mdm.store.records import StoredRecord
from mdm.views import EntityView, Happening

Json = dict[str, Any]
_WORST = ("high", "low", "none")


def respond(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """The JSON response; orjson is five times as fast as a response model."""
    return Response(orjson.dumps(content), status, dict(headers or {}), "application/json")


def _id(eid: int | None) -> str | None:
    return None if eid is None else entity_id(eid)


def match_json(answer: Answer, entity: EntityType, role: str, limit: int) -> Json:
    """The answer to a match."""
    return {
        "decision": answer.decision,
        "entity_id": _id(answer.eid),
        "would_merge": [entity_id(eid) for eid in answer.would_merge],
        "release": answer.release,
        "issues": list(answer.issues),
        "candidates": [_candidate_json(found, entity, role) for found in answer.candidates],
        "candidate_limit": limit,
        "compared": answer.compared,
    }


def _candidate_json(found: Candidate, entity: EntityType, role: str) -> Json:
    told: Json = {"entity_id": _id(found.eid), "grade": found.grade}
    if role == "match":
        return told
    return told | {
        "weight": found.weight,
        "probability": found.probability,
        "record": {"source": found.source, "record_id": found.record_id},
        "golden": golden_json(found.golden, entity, role),
        "evidence": [evidence_json(line, entity, role) for line in found.evidence],
    }


def evidence_json(line: Any, entity: EntityType, role: str) -> Json:
    """One line of evidence; its values are of the class of the most protected field they show."""
    shown = next((c.show for c in entity.comparisons if c.name == line.comparison), ())
    pii = min((field_class(entity, address) for address in shown), key=_WORST.index, default="high")
    return {
        "comparison": line.comparison,
        "level": line.level,
        "bits": line.bits,
        "left": masked(role, pii, line.left),
        "right": masked(role, pii, line.right),
    }


def golden_json(golden: Mapping[str, Any], entity: EntityType, role: str) -> dict[str, str | None]:
    """Golden values by column, such as `name.given`."""
    return {column: masked(role, field_class(entity, column), text) for column, text, _ in golden_values(golden)}


def _provenance_json(golden: Mapping[str, Any]) -> Json:
    kept = ("source", "record_id", "updated_at", "by")
    return {column: {name: winner[name] for name in kept} for column, _, winner in golden_values(golden)}


def preview_json(incoming: Incoming, role: str, entity: EntityType, keys: Sequence[str]) -> Json:
    """How a record is standardised and keyed."""
    fields = {}
    for name, claims in incoming.prepared.claims.items():
        pii = field_class(entity, name)
        fields[name] = [
            {
                "clean": {sub: masked(role, pii, text) for sub, text in claim["clean"].items()},
                "issues": list(claim["issues"]),
                "trust": claim["trust"],
            }
            for claim in claims
        ]
    return {
        "entity": incoming.entity,
        "state": incoming.state,
        "rejected_by": list(incoming.prepared.rejected),
        "issues": list(incoming.prepared.issues),
        "fields": fields,
        "unmapped": list(incoming.unmapped),
        "keys": list(keys),
    }


def stored_json(stored: Stored) -> Json:
    """What became of a record."""
    return {
        "entity_id": _id(stored.entity),
        "outcome": stored.outcome,
        "version": stored.version,
        "stored": stored.written,
        "entities": [{"old": _id(old), "new": _id(new)} for old, new in stored.entities],
        "tasks": list(stored.tasks),
        "issues": list(stored.issues),
    }


def record_json(record: StoredRecord, classes: Mapping[str, str], role: str, entity: EntityType) -> Json:
    """A stored record; classes: column -> class of the field it feeds. Other columns count as high."""
    row: dict[str, str] = orjson.loads(record.payload)
    values = {
        name: [
            {sub: masked(role, field_class(entity, name), text) for sub, text in claim["clean"].items()}
            for claim in claims
        ]
        for name, claims in orjson.loads(record.claims).items()
    }
    return {
        "source": record.source,
        "record_id": record.record_id,
        "entity_type": record.entity_type,
        "entity_id": _id(record.eid),
        "state": record.state,
        "version": record.version,
        "updated_at": record.updated_at,
        "recorded_at": record.recorded_at,
        "decided": record.resolved,
        "record": {column: masked(role, classes.get(column, "high"), text) for column, text in row.items()},
        "values": values,
        "issues": orjson.loads(record.issues),
    }


def entity_json(view: EntityView, entity: EntityType | None, role: str) -> Json:
    """An entity with its golden record, the origin of each value, and its members."""
    golden = {} if entity is None else golden_json(view.golden, entity, role)
    return {
        "entity_id": entity_id(view.eid),
        "entity_type": view.entity_type,
        "state": view.state,
        "version": view.version,
        "recorded_at": view.recorded_at,
        "golden": golden,
        "provenance": _provenance_json(view.golden),
        "members": [asdict(member) for member in view.members],
    }


def happening_json(happening: Happening) -> Json:
    """One change of an entity: names of records and fields, no values."""
    told = asdict(happening)
    return {name: list(value) if isinstance(value, tuple) else value for name, value in told.items()}


def event_json(event: StoredEvent) -> Json:
    """One event of the feed."""
    return {
        "event_no": event.event_no,
        "kind": event.kind,
        "entity_id": entity_id(event.eid),
        "fields": list(event.fields),
        "details": dict(event.details),
        "run_id": event.run_id,
        "recorded_at": event.recorded_at,
    }


def explanation_json(told: Explanation, entity: EntityType | None, role: str) -> Json:
    """Why two records match or not."""
    lines: Sequence[EvidenceLine] = told.evidence
    evidence = [] if entity is None else [evidence_json(line, entity, role) for line in lines]
    return {**asdict(told), "evidence": evidence, "notes": list(told.notes), "verdicts": list(told.verdicts)}


def how_json(told: HowReport, entity: EntityType, role: str) -> Json:
    """How an entity came together."""
    golden = [
        {**asdict(line), "value": masked(role, field_class(entity, line.field), line.value)} for line in told.golden
    ]
    return {**asdict(told), "golden": golden}
