"""One task as a steward answers it: both sides field by field, the evidence in bits, every value with its source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import orjson
from sqlalchemy import Connection

from mdm import explaining, queue, tasks
from mdm.desk.dossier import Reader, verdicts_about
from mdm.desk.values import GoldenValue, RecordValues, golden_of, record_values, title_of
from mdm.engine.policy import EntityType
from mdm.engine.survive import Member, survive
from mdm.explaining import Grounds
from mdm.ids import entity_id
from mdm.masking import field_class, masked
from mdm.reports import EvidenceLine, Explanation, TaskLine, VerdictLine
from mdm.sayings import ACKNOWLEDGED, CONFIRMED, DIFFERENT, PINNED, RELATED, SAME, UNSURE
from mdm.store import entities, pins, records
from mdm.store.records import StoredRecord
from mdm.store.tasks import Task

_WORST = ("high", "low", "none")


@dataclass(frozen=True, slots=True)
class Heard:
    """A value that records of one side hold; newest: the last date any of them was changed. golden: it is shown."""

    value: str
    records: tuple[str, ...]
    newest: str | None
    golden: bool
    issues: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A field on both sides. agreement: same (one value), shared (among others), differs, left, right (only there)."""

    field: str
    left: tuple[Heard, ...]
    right: tuple[Heard, ...]
    agreement: str


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a question: an entity, or the one record that stands for it inside an entity."""

    eid: int | None
    entity_id: str | None
    version: int
    title: str
    records: tuple[RecordValues, ...]

    @property
    def sources(self) -> str:
        """Each source with how many records it has here, as `crm 2, web 1`."""
        names = [record.source for record in self.records]
        return ", ".join(f"{name} {names.count(name)}" for name in sorted(set(names)))


@dataclass(frozen=True, slots=True)
class Question:
    """A task with what it shows.

    standing: queued, claimed, deferred, pending, applied or obsolete. proposal: what waits for a second person.
    answers: the verdicts that fit it. explanation: None where it is about one record. within: both are one entity.
    merged: the golden record that the two would have as one; empty where they are one already.
    """

    task: TaskLine
    version: int
    standing: str
    claimed_by: str | None
    claimed_until: str | None
    deferred_until: str | None
    assignee: str | None
    proposal: Mapping[str, object] | None
    answers: tuple[str, ...]
    sides: tuple[Side, ...]
    rows: tuple[Row, ...]
    explanation: Explanation | None
    within: bool
    merged: Mapping[str, GoldenValue]
    verdicts: tuple[VerdictLine, ...]
    merge: float
    review: float

    @property
    def right_is_there(self) -> bool:
        """Whether there are two sides."""
        return len(self.sides) > 1


def question(connection: Connection, task: Task, reader: Reader, now: str) -> Question:
    """The task as the reader may see it; now: the moment as the store writes it."""
    entity, role = reader.types[task.entity_type], reader.role
    sides = [side for side in _sides(connection, task) if side[1]]
    shown = tuple(_side(connection, eid, found, entity, role) for eid, found in sides)
    grounds = reader.grounds(connection, entity.name, [r.rid for _, found in sides for r in found])
    fields = _fields(entity, shown)
    goldens = [_golden_texts(connection, eid, entity, role) for eid, _ in sides]
    heard = [_heard(side, golden) for side, golden in zip(shown, goldens, strict=True)]
    rows = tuple(_row(field, [each.get(field, ()) for each in heard]) for field in fields)
    return Question(
        task=tasks.lines_of(connection, [task])[0],
        version=task.version,
        standing=queue.standing(task, now),
        claimed_by=task.claimed_by,
        claimed_until=task.claimed_until,
        deferred_until=task.deferred_until,
        assignee=task.assignee,
        proposal=task.proposal,
        answers=answers_to(task),
        sides=shown,
        rows=rows,
        explanation=_explained(connection, task, grounds, entity, role),
        within=task.right_eid is None and task.right_rid is not None,
        merged=_merged(connection, [r for _, found in sides for r in found], entity, role) if task.right_eid else {},
        verdicts=tuple(verdicts_about(connection, [r for _, found in sides for r in found], reader)),
        merge=grounds.release.merge,
        review=grounds.release.review,
    )


def answers_to(task: Task) -> tuple[str, ...]:
    """The verdicts that fit the task, as a steward would read them."""
    if task.state != "open" or task.proposal is not None:
        return ()
    if task.kind == tasks.PINNED:
        return PINNED, ACKNOWLEDGED
    if task.right_eid is not None:
        return SAME, DIFFERENT, RELATED, UNSURE
    if task.right_rid is not None:
        return DIFFERENT, SAME, UNSURE
    return (ACKNOWLEDGED,) if task.kind == tasks.REUSED else (CONFIRMED, ACKNOWLEDGED)


def _merged(
    connection: Connection, found: Sequence[StoredRecord], entity: EntityType, role: str
) -> dict[str, GoldenValue]:
    """The golden record of all of them together, as survivorship would make it."""
    pinned: dict[int, dict[str, Mapping[str, str]]] = {}
    for pin in pins.of_records(connection, [record.rid for record in found]):
        pinned.setdefault(pin.rid, {})[pin.field] = pin.value
    members = [
        Member(r.source, r.record_id, r.updated_at, orjson.loads(r.claims), pinned.get(r.rid, {})) for r in found
    ]
    return {value.field: value for value in golden_of(survive(members, entity), found, entity, role)}


def _sides(connection: Connection, task: Task) -> Iterable[tuple[int | None, list[StoredRecord]]]:
    """The two entities; or, inside one entity, its two records that contradict each other; or the one entity."""
    if task.right_eid is not None:
        for eid in (task.left_eid, task.right_eid):
            yield eid, _members(connection, eid)
    elif task.left_rid is not None and task.right_rid is not None:
        for rid in (task.left_rid, task.right_rid):
            yield task.left_eid, records.by_rids(connection, [rid])
    else:
        yield task.left_eid, _members(connection, task.left_eid)


def _members(connection: Connection, eid: int | None) -> list[StoredRecord]:
    if eid is None:
        return []
    found = records.by_rids(connection, entities.members(connection, [eid])["rid"].to_pylist())
    return sorted(found, key=lambda record: (record.source, record.record_id))


def _side(
    connection: Connection, eid: int | None, found: Sequence[StoredRecord], entity: EntityType, role: str
) -> Side:
    golden = _golden(connection, eid)
    version = 0 if eid is None else entities.get(connection, eid).version
    shown = tuple(record_values(record, entity, role) for record in found)
    return Side(eid, None if eid is None else entity_id(eid), version, title_of(golden, entity, role), shown)


def _golden(connection: Connection, eid: int | None) -> dict[str, list[dict[str, object]]]:
    stored = [] if eid is None else entities.golden(connection, [eid])["values"].to_pylist()
    golden: dict[str, list[dict[str, object]]] = orjson.loads(stored[0]) if stored else {}
    return golden


def _golden_texts(connection: Connection, eid: int | None, entity: EntityType, role: str) -> set[tuple[str, str]]:
    shown = golden_of(_golden(connection, eid), (), entity, role)
    return {(value.field, value.text) for value in shown}


def _fields(entity: EntityType, sides: Sequence[Side]) -> list[str]:
    """The fields that any side knows, in the order of the entity file."""
    order = {name: place for place, name in enumerate(entity.fields)}
    found = {field: None for side in sides for record in side.records for field, _ in record.values}
    return sorted(found, key=lambda field: order.get(field, len(order)))


def _heard(side: Side, golden: set[tuple[str, str]]) -> dict[str, tuple[Heard, ...]]:
    found: dict[str, dict[str, list[RecordValues]]] = {}
    for record in side.records:
        for field, value in record.values:
            found.setdefault(field, {}).setdefault(value, []).append(record)
    return {
        field: tuple(
            sorted(
                (_one(value, holders, (field, value) in golden) for value, holders in values.items()),
                key=lambda heard: (not heard.golden, -len(heard.records), heard.value),
            )
        )
        for field, values in found.items()
    }


def _one(value: str, holders: Sequence[RecordValues], golden: bool) -> Heard:
    newest = max((record.updated_at for record in holders if record.updated_at), default=None)
    names = tuple(dict.fromkeys(record.name for record in holders))
    return Heard(value, names, newest, golden, ())


def _row(field: str, heard: Sequence[tuple[Heard, ...]]) -> Row:
    left, right = heard[0], heard[1] if len(heard) > 1 else ()
    return Row(field, left, right, _agreement(left, right))


def _agreement(left: Sequence[Heard], right: Sequence[Heard]) -> str:
    if not left or not right:
        return "left" if left else "right"
    one, other = ({" ".join(each.value.casefold().split()) for each in side} for side in (left, right))
    if one == other:
        return "same"
    return "shared" if one & other else "differs"


def _explained(
    connection: Connection, task: Task, grounds: Grounds, entity: EntityType, role: str
) -> Explanation | None:
    """Why the two records that show it match or not; None when one record shows it."""
    if task.left_rid is None or task.right_rid is None:
        return None
    by_rid = {record.rid: record for record in records.by_rids(connection, [task.left_rid, task.right_rid])}
    left, right = by_rid[task.left_rid], by_rid[task.right_rid]
    told = explaining.explain(connection, (left.source, left.record_id), (right.source, right.record_id), grounds)
    return replace(told, evidence=tuple(evidence_for(line, entity, role) for line in told.evidence))


def evidence_for(line: EvidenceLine, entity: EntityType, role: str) -> EvidenceLine:
    """A line of evidence; its values are of the class of the most protected field they show."""
    shown = next((c.show for c in entity.comparisons if c.name == line.comparison), ())
    pii = min((field_class(entity, address) for address in shown), key=_WORST.index, default="high")
    return replace(line, left=masked(role, pii, line.left), right=masked(role, pii, line.right))
