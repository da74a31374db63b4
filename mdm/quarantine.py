"""Quarantine: records that a rule rejected -> listed, released, corrected or discarded by a steward.

A released record takes part as if no rule had rejected it, a corrected one as if it had been delivered with the better
values, in every run and reading, until what is delivered changes. All decisions are verdicts bound to that content:
they stand in the ledger and the audit trail, and withdrawing one undoes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Literal

import orjson
import pyarrow as pa
from sqlalchemy import Connection

from mdm import delivery, learning
from mdm.engine.amend import Amendment, Values, is_whole, named
from mdm.engine.keys import pack_keys
from mdm.engine.policy import EntityType
from mdm.engine.prepare import Policy, Prepared, compile_policy, prepare
from mdm.errors import BadInput, Conflict, NotFound
from mdm.mapping import field_key
from mdm.policy import ProjectPolicy
from mdm.reports import QuarantinedLine
from mdm.staging import claims_text, features_text
from mdm.store import arrivals, audit, keys, links, records, runs, verdicts
from mdm.store.records import Reading, StoredRecord
from mdm.store.verdicts import CORRECTED, RELEASED, Content, Identity, Verdict
from rules.kinds import KINDS

SHOWN = 300  # characters of a row that is listed
LONGEST = 10_000  # characters of a corrected value
COLUMNS = ("source", "record_id", "entity_type", "state", "reasons", "row", "corrected", "place")
TABLE = pa.schema([(name, pa.string()) for name in COLUMNS])


def list_quarantined(connection: Connection, policy: ProjectPolicy, *, every: bool = False) -> list[QuarantinedLine]:
    """The records that wait, by name; then the rows of the last run that could not become records.

    every: also what was discarded, released or corrected at its present content.
    """
    lines = [replace(line, row=_row_text(line.row)) for line in _lines(connection, policy)]
    shown = [line for line in lines if every or line.state == "waiting"]
    rows = [replace(line, row=line.row[:SHOWN]) for line in _rows(connection)]
    return sorted(shown, key=lambda line: line.record or "") + rows


def quarantine_table(connection: Connection, policy: ProjectPolicy) -> pa.Table:
    """What `list_quarantined` tells with `every`, one row each, as TABLE has it.

    row: a record as JSON, or the text of a row that could not be read. corrected: JSON, null where nothing is.
    """
    lines = sorted(_lines(connection, policy), key=lambda line: line.record or "")
    rows = [
        (
            *(line.record.split(":", 1) if line.record else (None, None)),
            line.entity,
            line.state,
            ", ".join(line.reasons),
            line.row,
            orjson.dumps(line.corrected).decode() if line.corrected else None,
            line.place,
        )
        for line in [*lines, *_rows(connection)]
    ]
    columns = list(zip(*rows, strict=True)) or [()] * len(TABLE)
    return pa.table([pa.array(column, pa.string()) for column in columns], schema=TABLE)


def _lines(connection: Connection, policy: ProjectPolicy) -> Iterator[QuarantinedLine]:
    """The records that rules reject, or would but for a steward, each with its whole row as JSON."""
    decided = _Decided(verdicts.amendments(connection), verdicts.discarded(connection))
    for record in _held(connection, decided.amendments.keys()):
        yield _line(policy, record, decided)


@dataclass(frozen=True, slots=True)
class _Decided:
    """What stewards decided about contents."""

    amendments: Mapping[Content, Amendment]
    discarded: Set[Content]

    def state(self, record: StoredRecord) -> str:
        """The state of a record that is in quarantine, or would be but for a steward."""
        if record.state == "active":
            return "corrected" if self.values(record) else "released"
        return "discarded" if _content(record) in self.discarded else "waiting"

    def values(self, record: StoredRecord) -> dict[str, tuple[str, ...]]:
        """The corrected values of the record by name; none of a field that is to be unknown."""
        return named(self.amendments.get(_content(record), Amendment()).values)


def _held(connection: Connection, amended: Set[Content]) -> Iterator[StoredRecord]:
    quarantined = records.scan(connection, ["rid"], state="quarantined")
    rids = [rid for batch in quarantined for rid in batch["rid"].to_pylist()]
    yield from records.by_rids(connection, rids)
    found = records.by_ids(connection, [(source, record_id) for source, record_id, _ in amended])
    yield from (record for record in found if record.state == "active" and _content(record) in amended)


def _content(record: StoredRecord) -> Content:
    return record.source, record.record_id, record.content_hash


def _line(policy: ProjectPolicy, record: StoredRecord, decided: _Decided) -> QuarantinedLine:
    book = policy.rules.get(record.entity_type)
    rejecting = set() if book is None else {f"rule.{rule.id}" for rule in book.applied if rule.action.name == "reject"}
    issues = orjson.loads(record.issues)
    return QuarantinedLine(
        record=f"{record.source}:{record.record_id}",
        entity=record.entity_type,
        state=decided.state(record),
        reasons=tuple(issue.removeprefix("rule.") for issue in issues if issue in rejecting),
        row=record.payload,
        corrected=decided.values(record),
    )


def _row_text(payload: str) -> str:
    """The row as `column=value` pairs, cut to what fits a list."""
    return ", ".join(f"{column}={value}" for column, value in orjson.loads(payload).items())[:SHOWN]


def _rows(connection: Connection) -> Iterator[QuarantinedLine]:
    """The rows that the last run set aside: nothing can release them but a better file."""
    run = runs.last(connection, "batch")
    for row in [] if run is None else records.quarantined_rows(connection, run.run_id).to_pylist():
        place = f"{row['file']} line {row['line']}"
        yield QuarantinedLine(None, None, "unreadable", (row["reason"],), row["raw"], place)


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
    given = [_verdict(decision.kind, record, decision.reason, decision.actor) for record in found]
    numbers = [verdicts.add(connection, each) for each in given]
    if decision.kind == RELEASED:
        prepare_again(connection, policy, found)
    for number, each in zip(numbers, given, strict=True):
        _note(connection, number, each)
    return numbers


@dataclass(frozen=True, slots=True)
class Correction:
    """Better values for a quarantined record: `name.family` or `phone` -> a text, several, or none for unknown."""

    name: Identity
    values: Mapping[str, str | Sequence[str] | None]
    reason: str
    actor: str


def correct(connection: Connection, policy: ProjectPolicy, correction: Correction) -> int:
    """The number of the verdict; the record is prepared anew with these values and waits to be decided.

    Raises NotFound, UnknownField, Conflict for a record that is not in quarantine or is corrected already, BadInput
    when the project changed since its run, or when rules would still reject the record: the message names them.
    """
    (record,) = _quarantined(connection, [correction.name])
    if not _is_known(policy, record):
        raise BadInput(f"the project no longer reads {record.entity_type} records of {record.source}")
    _refuse_changed(connection, policy, [record.entity_type])
    entity = policy.entities[record.entity_type]
    values = _read_values(entity, correction.values)
    _refuse_parts_of_whole(policy, record, values)
    amendments = verdicts.amendments(connection)
    mine = amendments.get(_content(record), Amendment())
    if mine.values:
        older = verdicts.corrected(connection)[_content(record)].verdict_id
        raise Conflict(
            f"{':'.join(correction.name)} is corrected already, by verdict {older}, and rules still reject it; "
            f"withdraw that one first: mdm verdict undo {older}"
        )
    _refuse_rejected(policy, record, replace(mine, values=values))
    given = _verdict(CORRECTED, record, correction.reason, correction.actor, values)
    number = verdicts.add(connection, given)
    prepare_again(connection, policy, [record])
    _note(connection, number, given)
    return number


def _read_values(entity: EntityType, given: Mapping[str, str | Sequence[str] | None]) -> Values:
    """The values by field and input of its kind. Raises UnknownField, or BadInput for a text nobody can store."""
    values: dict[str, dict[str, list[str]]] = {}
    for key, told in given.items():
        name, part = field_key(entity, key)
        if part in values.setdefault(name, {}):
            raise BadInput(f"{key} is given twice, as {name} and as {name}.{part}")
        texts = [told] if isinstance(told, str) else list(told or ())
        values[name][part] = [text.strip() for text in texts if text.strip()]
        if any(len(text) > LONGEST or not _is_storable(text) for text in texts):
            raise BadInput(f"{key}: a value has at most {LONGEST:,} characters, no NUL and no half of a surrogate pair")
    if not values:
        raise BadInput("a correction needs at least one value, as name.family=Smith")
    return values


def _is_storable(text: str) -> bool:
    """Whether both databases can store the text."""
    return "\0" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text)


def _refuse_parts_of_whole(policy: ProjectPolicy, record: StoredRecord, values: Values) -> None:
    row, slots = orjson.loads(record.payload), _compiled(policy, record).slots
    for name, given in values.items():
        whole = KINDS[policy.entities[record.entity_type].fields[name].kind].whole
        if whole not in given and is_whole(row, slots, name, whole):
            raise BadInput(
                f"{record.source} delivers {name} as one text, so its parts cannot be corrected one by one: "
                f"give {name} as a whole"
            )


def _refuse_rejected(policy: ProjectPolicy, record: StoredRecord, amendment: Amendment) -> None:
    made = _prepare(policy, record, {_content(record): amendment})
    if made.rejected:
        raise BadInput(
            f"{record.source}:{record.record_id} with these values is still rejected by {', '.join(made.rejected)}; "
            "correct what they ask for, or release the record as it is"
        )


def _verdict(kind: str, record: StoredRecord, reason: str, actor: str, values: Values | None = None) -> Verdict:
    name = (record.source, record.record_id)
    return Verdict(kind, (name,), (), reason, actor, content_hash=record.content_hash, corrections=values)


def _note(connection: Connection, number: int, given: Verdict) -> None:
    """The audit names what was corrected; the values stand in the ledger only."""
    details = {"kind": given.kind, "left": [list(name) for name in given.left], "reason": given.reason}
    if given.corrections is not None:
        details["fields"] = sorted(given.corrections)
    audit.append(connection, given.actor, "verdict.given", subject=f"verdict:{number}", details=details)


def _quarantined(connection: Connection, names: Sequence[Identity]) -> list[StoredRecord]:
    found = {(record.source, record.record_id): record for record in records.by_ids(connection, names)}
    for name in names:
        if name not in found:
            raise NotFound(f"there is no record {':'.join(name)}")
        if found[name].state != "quarantined":
            raise Conflict(f"{':'.join(name)} is not in quarantine, it is {found[name].state}")
    return [found[name] for name in dict.fromkeys(names)]


def follow(connection: Connection, policy: ProjectPolicy, withdrawn: Verdict) -> None:
    """Nothing; what the withdrawn verdict had released or corrected is read and judged as it was delivered."""
    if withdrawn.kind in (RELEASED, CORRECTED):
        found = records.by_ids(connection, withdrawn.left)
        bound = [record for record in found if record.content_hash == withdrawn.content_hash]
        prepare_again(connection, policy, [record for record in bound if record.state != "deleted"])


def prepare_again(connection: Connection, policy: ProjectPolicy, found: Iterable[StoredRecord]) -> None:
    """Nothing; the records are as today's verdicts and rules make them, with their keys, and all they touch waits."""
    again = [record for record in found if _is_known(policy, record)]
    if not again:
        return
    _refuse_changed(connection, policy, {record.entity_type for record in again})
    amendments = verdicts.amendments(connection)
    made = [(record, _prepare(policy, record, amendments)) for record in again]
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


def _prepare(policy: ProjectPolicy, record: StoredRecord, amendments: Mapping[Content, Amendment]) -> Prepared:
    amendment = amendments.get(_content(record), Amendment())
    return prepare([orjson.loads(record.payload)], _compiled(policy, record), {0: amendment})[0]


def _compiled(policy: ProjectPolicy, record: StoredRecord) -> Policy:
    sources = {source.name: source for source in policy.file.sources}
    entity = record.entity_type
    return compile_policy(sources[record.source], policy.entities[entity], policy.rules[entity])


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
