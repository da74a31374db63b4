"""Quarantine: records that a rule rejected -> listed, released or discarded by a steward, bound to what they say.

A released record takes part as if no rule had rejected it, in every run and reading, until its content changes. Both
decisions are verdicts: they stand in the ledger and the audit trail, and withdrawing one undoes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Literal

import orjson
from sqlalchemy import Connection

from mdm import delivery, learning
from mdm.engine.keys import pack_keys
from mdm.engine.prepare import Prepared, compile_policy, prepare
from mdm.errors import BadInput, Conflict, NotFound
from mdm.policy import ProjectPolicy
from mdm.reports import QuarantinedLine
from mdm.staging import claims_text, features_text
from mdm.store import arrivals, audit, keys, links, records, runs, verdicts
from mdm.store.records import Reading, StoredRecord
from mdm.store.verdicts import RELEASED, Content, Identity, Verdict

SHOWN = 300  # characters of a row that is listed


def list_quarantined(connection: Connection, policy: ProjectPolicy, *, every: bool = False) -> list[QuarantinedLine]:
    """The records that wait, by name; then the rows of the last run that could not become records.

    every: also what was discarded or released at its present content.
    """
    released, discarded = verdicts.released(connection), verdicts.discarded(connection)
    lines = [_line(policy, record, _state(record, released, discarded)) for record in _held(connection, released)]
    shown = [line for line in lines if every or line.state == "waiting"]
    return sorted(shown, key=lambda line: line.record or "") + list(_rows(connection))


def _held(connection: Connection, released: Set[Content]) -> Iterator[StoredRecord]:
    quarantined = records.scan(connection, ["rid"], state="quarantined")
    rids = [rid for batch in quarantined for rid in batch["rid"].to_pylist()]
    yield from records.by_rids(connection, rids)
    found = records.by_ids(connection, [(source, record_id) for source, record_id, _ in released])
    yield from (record for record in found if record.state == "active" and _content(record) in released)


def _content(record: StoredRecord) -> Content:
    return record.source, record.record_id, record.content_hash


def _state(record: StoredRecord, released: Set[Content], discarded: Set[Content]) -> str:
    if record.state == "active" and _content(record) in released:
        return "released"
    return "discarded" if _content(record) in discarded else "waiting"


def _line(policy: ProjectPolicy, record: StoredRecord, state: str) -> QuarantinedLine:
    book = policy.rules.get(record.entity_type)
    rejecting = set() if book is None else {f"rule.{rule.id}" for rule in book.applied if rule.action.name == "reject"}
    issues = orjson.loads(record.issues)
    return QuarantinedLine(
        record=f"{record.source}:{record.record_id}",
        entity=record.entity_type,
        state=state,
        reasons=tuple(issue.removeprefix("rule.") for issue in issues if issue in rejecting),
        row=_row_text(record.payload),
    )


def _row_text(payload: str) -> str:
    """The row as `column=value` pairs, cut to what fits a list."""
    return ", ".join(f"{column}={value}" for column, value in orjson.loads(payload).items())[:SHOWN]


def _rows(connection: Connection) -> Iterator[QuarantinedLine]:
    """The rows that the last run set aside: nothing can release them but a better file."""
    run = runs.last(connection, "batch")
    for row in [] if run is None else records.quarantined_rows(connection, run.run_id).to_pylist():
        place = f"{row['file']} line {row['line']}"
        yield QuarantinedLine(None, None, "unreadable", (row["reason"],), row["raw"][:SHOWN], place)


@dataclass(frozen=True, slots=True)
class Decision:
    """What a steward decides about quarantined records; kind: released or discarded."""

    kind: Literal["released", "discarded"]
    names: tuple[Identity, ...]
    reason: str
    actor: str


def decide(connection: Connection, policy: ProjectPolicy, decision: Decision) -> list[int]:
    """The numbers of the verdicts, one per distinct record; released ones are prepared anew and wait to be decided.

    Raises NotFound, Conflict for a record that is not in quarantine, BadInput when the project changed since its run.
    """
    found = _quarantined(connection, decision.names)
    numbers = [
        verdicts.add(
            connection,
            Verdict(
                decision.kind,
                ((record.source, record.record_id),),
                (),
                decision.reason,
                decision.actor,
                content_hash=record.content_hash,
            ),
        )
        for record in found
    ]
    if decision.kind == RELEASED:
        prepare_again(connection, policy, found)
    for number, record in zip(numbers, found, strict=True):
        details = {"kind": decision.kind, "left": [[record.source, record.record_id]], "reason": decision.reason}
        audit.append(connection, decision.actor, "verdict.given", subject=f"verdict:{number}", details=details)
    return numbers


def _quarantined(connection: Connection, names: Sequence[Identity]) -> list[StoredRecord]:
    found = {(record.source, record.record_id): record for record in records.by_ids(connection, names)}
    for name in names:
        if name not in found:
            raise NotFound(f"there is no record {':'.join(name)}")
        if found[name].state != "quarantined":
            raise Conflict(f"{':'.join(name)} is not in quarantine, it is {found[name].state}")
    return [found[name] for name in dict.fromkeys(names)]


def follow(connection: Connection, policy: ProjectPolicy, withdrawn: Verdict) -> None:
    """Nothing; what the withdrawn verdict had released is judged by the rules again."""
    if withdrawn.kind == RELEASED:
        found = records.by_ids(connection, withdrawn.left)
        bound = [record for record in found if record.content_hash == withdrawn.content_hash]
        prepare_again(connection, policy, [record for record in bound if record.state != "deleted"])


def prepare_again(connection: Connection, policy: ProjectPolicy, found: Iterable[StoredRecord]) -> None:
    """Nothing; the records are as today's verdicts and rules make them, with their keys, and all they touch waits."""
    again = [record for record in found if _is_known(policy, record)]
    if not again:
        return
    _refuse_changed(connection, policy, {record.entity_type for record in again})
    released = verdicts.released(connection)
    made = [(record, _prepare(policy, record, released)) for record in again]
    rids = [record.rid for record in again]
    arriving = sorted((key, record.rid) for record, each in made for key in each.keys)
    touching = links.touching(connection, rids)
    neighbours = {*touching["left_rid"].to_pylist(), *touching["right_rid"].to_pylist()}
    caps = {release.cap for name in policy.entities if (release := learning.active_release(connection, name))}
    crossing = delivery.holders_of_crossing_keys(connection, arriving, rids, caps)
    keys.replace(connection, rids, arriving)
    records.reread(connection, [_reading(record, each) for record, each in made])
    records.unresolve(connection, neighbours | crossing)
    arrivals.note_reread(connection, rids)


def _is_known(policy: ProjectPolicy, record: StoredRecord) -> bool:
    """Whether the project still says how records of its source and type are read."""
    sources = {source.name: source for source in policy.file.sources}
    return record.source in sources and record.entity_type in sources[record.source].fields


def _refuse_changed(connection: Connection, policy: ProjectPolicy, types: Iterable[str]) -> None:
    for name in types:
        release = learning.active_release(connection, name)
        if release is not None and release.policy != policy.hashes[name]:
            raise BadInput("the project changed since its last run; run `mdm run` first, then decide about quarantine")


def _prepare(policy: ProjectPolicy, record: StoredRecord, released: Set[Content]) -> Prepared:
    sources = {source.name: source for source in policy.file.sources}
    entity = record.entity_type
    compiled = compile_policy(sources[record.source], policy.entities[entity], policy.rules[entity])
    passes = [0] if _content(record) in released else []
    return prepare([orjson.loads(record.payload)], compiled, passes)[0]


def _reading(record: StoredRecord, made: Prepared) -> Reading:
    return Reading(
        rid=record.rid,
        entity_type=record.entity_type,
        state="quarantined" if made.rejected else "active",
        content_hash=record.content_hash,
        updated_at=made.updated_at,
        quality=made.quality,
        keys=pack_keys(made.keys),
        claims=claims_text(made.claims),
        features=features_text(made.features),
        issues=orjson.dumps(made.issues).decode(),
    )
