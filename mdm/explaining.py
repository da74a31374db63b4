"""Explaining: stored records and the release that decides about them -> why they match, and how an entity grew.

The same scorer and the same clustering as everywhere run here once more, so what is said is what was decided.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import orjson
from sqlalchemy import Connection

from mdm import learning, steward
from mdm.deciding import Rulings
from mdm.engine.amend import named
from mdm.engine.cluster import Component, Join, Node, Pair, cluster, components, limits_of
from mdm.engine.release import Comparison, Release, to_bits, to_units
from mdm.engine.score import UNKNOWN, Evidence, Score, Scorer, make_scorer
from mdm.errors import BadInput, NotFound
from mdm.ids import eid_of, entity_id
from mdm.reports import EvidenceLine, Explanation, GoldenLine, HowReport, LinkLine, VerdictLine
from mdm.store import crosswalk, entities, keys, records, verdicts
from mdm.store.records import StoredRecord
from mdm.store.verdicts import UNDO, Identity, Verdict
from mdm.unresolved import read_rulings


@dataclass(frozen=True, slots=True)
class Grounds:
    """What explains decisions about one entity type: the release, its scorer, the verdicts that hold.

    A server keeps the first two and gives the verdicts that name the records; else all are read for each question.
    """

    release: Release
    scorer: Scorer
    verdicts: Sequence[Verdict]


def read_grounds(connection: Connection, entity: str) -> Grounds | None:
    """The grounds as they are stored; None when no release is active for the type."""
    release = learning.active_release(connection, entity)
    return None if release is None else Grounds(release, make_scorer(release), verdicts.active(connection))


def explain(connection: Connection, left: Identity, right: Identity, known: Grounds | None = None) -> Explanation:
    """Why two stored records match or not, by the active release of their entity type, or the grounds that are given.

    Raises NotFound when one is not stored, BadInput when both are the same one.
    """
    if left == right:
        raise BadInput(f"{_name(left)} is given twice; give two different records")
    one, other = (_record(connection, identity) for identity in (left, right))
    grounds = known or read_grounds(connection, one.entity_type)
    notes = [note for record in (one, other) for note in _state_notes(record)]
    held = verdicts.active(connection) if grounds is None else grounds.verdicts
    spoken = tuple(_verdict_text(v) for v in held if _is_about(v, left, right))
    if grounds is None or one.entity_type != other.entity_type or "deleted" in (one.state, other.state):
        return _uncompared(one, other, (*notes, *_why_uncompared(one, other, grounds)), spoken)
    release = grounds.release
    score = grounds.scorer.score(_features(one), _features(other))
    notes += [*_shared_notes(one, other, release), *_key_notes(connection, one, other, release)]
    notes += _outcome_notes(one, other, score, release)
    return Explanation(
        left=_name(left),
        right=_name(right),
        same_entity=_same_entity(one, other),
        prior=to_bits(release.prior_units),
        weight=score.bits,
        probability=score.probability,
        grade=_grade(score, release),
        evidence=tuple(_evidence_lines(one, other, score.evidence, release)),
        notes=tuple(notes),
        verdicts=spoken,
    )


def _record(connection: Connection, identity: Identity) -> StoredRecord:
    found = records.by_ids(connection, [identity])
    if not found:
        raise NotFound(
            f"there is no record {_name(identity)}; write source:record_id as in the project, "
            "and `mdm run` must have read it"
        )
    return found[0]


def _name(identity: Identity) -> str:
    return ":".join(identity)


def _named(record: StoredRecord) -> str:
    return _name((record.source, record.record_id))


def _features(record: StoredRecord) -> dict[str, Any]:
    features: dict[str, Any] = orjson.loads(record.features)
    return features


def _same_entity(one: StoredRecord, other: StoredRecord) -> bool:
    return one.eid is not None and one.eid == other.eid


def _uncompared(one: StoredRecord, other: StoredRecord, notes: tuple[str, ...], spoken: tuple[str, ...]) -> Explanation:
    """An explanation without a score: 0 bits that say nothing, and the reason as a note."""
    return Explanation(
        left=_named(one),
        right=_named(other),
        same_entity=_same_entity(one, other),
        prior=0.0,
        weight=0.0,
        probability=0.0,
        grade="none",
        evidence=(),
        notes=notes,
        verdicts=spoken,
    )


def _why_uncompared(one: StoredRecord, other: StoredRecord, grounds: Grounds | None) -> list[str]:
    if one.entity_type != other.entity_type:
        types = (f"{_named(record)} is of type {record.entity_type}" for record in (one, other))
        return [f"{', '.join(types)}: records of different types are never compared"]
    if grounds is None:
        return [f"nothing decides about {one.entity_type} yet: `mdm run` learns a release"]
    return ["nothing is left to compare"]


def _state_notes(record: StoredRecord) -> list[str]:
    name = _named(record)
    if record.state == "deleted":
        return [f"{name} was deleted and belongs to nobody"]
    if record.state == "quarantined":
        issues = ", ".join(orjson.loads(record.issues)) or "no reason recorded"
        return [f"{name} is quarantined and belongs to nobody: {issues}"]
    return [] if record.resolved else [f"{name} changed since entities were decided; `mdm run` decides anew"]


def _shared_notes(one: StoredRecord, other: StoredRecord, release: Release) -> Iterator[str]:
    """What both have in common and is not heard, because many people have it: counted, since notes are not masked."""
    left, right = _features(one), _features(other)
    for feature, shared in release.shared.items():
        both = {*(left.get(feature) or ())} & {*(right.get(feature) or ())} & {*shared}
        if both:
            number = "a value" if len(both) == 1 else f"{len(both)} values"
            yield f"{feature}: {number} in common, shared by many people: it says nothing"


def _key_notes(connection: Connection, one: StoredRecord, other: StoredRecord, release: Release) -> list[str]:
    """Whether the batch job compares the two at all."""
    if one.state != "active" or other.state != "active":
        return []
    mine, theirs = (set(keys.held(connection, [record.rid])["key"].to_pylist()) for record in (one, other))
    if not mine & theirs:
        return ["they share no blocking key, so nothing compares them unless others connect them"]
    held = keys.holders(connection, mine & theirs)["key"].value_counts().to_pylist()
    if min(count["counts"] for count in held) > release.cap:
        return [f"they share only keys that more than {release.cap} records hold, which propose no pairs"]
    return []


def _outcome_notes(one: StoredRecord, other: StoredRecord, score: Score, release: Release) -> list[str]:
    """Where the entities are not what the weight alone would make them."""
    if one.eid is None or other.eid is None:
        return []
    strong = score.units >= to_units(release.merge)
    if strong and not _same_entity(one, other):
        return ["the weight is enough to merge; verdicts or the evidence of other records keep them apart"]
    if _same_entity(one, other) and not strong:
        return [f"other records or verdicts connect them: `mdm how {entity_id(one.eid)}` shows the way"]
    return []


def _grade(score: Score, release: Release) -> str:
    """possible: the evidence speaks for a match, but not enough to review it."""
    if score.units >= to_units(release.merge):
        return "certain"
    if score.units >= to_units(release.review):
        return "probable"
    return "possible" if score.units > release.prior_units else "none"


def _evidence_lines(
    one: StoredRecord, other: StoredRecord, evidence: Iterable[Evidence], release: Release
) -> Iterator[EvidenceLine]:
    left_claims, right_claims = orjson.loads(one.claims), orjson.loads(other.claims)
    for comparison, found in zip(release.comparisons, evidence, strict=True):
        left, right = (shown_values(claims, comparison.show) for claims in (left_claims, right_claims))
        level = level_name(comparison, found.level)
        if found.level == UNKNOWN and left is not None and right is not None:
            level = "no evidence of its own"
        yield EvidenceLine(comparison.name, level, to_bits(found.units), left, right)


def level_name(comparison: Comparison, level: int) -> str:
    """The name of a level by its index in a score, with the gate under which it weighed otherwise."""
    if level == UNKNOWN:
        return "unknown"
    name = comparison.every[level].name
    gate = comparison.gate if level < comparison.shift else None
    return name if gate is None else f"{name} (weighed as {gate.name})"


def shown_values(claims: Mapping[str, Sequence[Mapping[str, Any]]], show: Iterable[str]) -> str | None:
    """The distinct clean values of the fields (`name`) and sub-fields (`name.given`), None when there are none."""
    found: dict[str, None] = {}
    for address in show:
        field, _, sub = address.partition(".")
        for claim in claims.get(field, ()):
            text = claim["clean"].get(sub) if sub else whole_text(claim["clean"])
            if text:
                found[text] = None
    return "; ".join(found) or None


def whole_text(clean: Mapping[str, str]) -> str:
    """A claim in one line: its value, its full name, or all its parts."""
    return clean.get("value") or clean.get("full") or ", ".join(clean.values())


def _is_about(verdict: Verdict, left: Identity, right: Identity) -> bool:
    """Whether the verdict names the two, one on each side; `same` holds together what it names on one side too."""
    sides = [(verdict.left, verdict.right), (verdict.right, verdict.left)]
    across = any(left in one and right in other for one, other in sides)
    return across or (verdict.kind == "same" and {left, right} <= {*verdict.left, *verdict.right})


def _verdict_text(verdict: Verdict) -> str:
    sides = " and ".join(", ".join(_name(identity) for identity in side) for side in (verdict.left, verdict.right))
    reason = f": {verdict.reason}" if verdict.reason else ""
    return (
        f"{verdict.kind}, {sides}, by {verdict.actor} at {verdict.recorded_at} (verdict {verdict.verdict_id}){reason}"
    )


def verdict_lines(entries: Sequence[Verdict]) -> list[VerdictLine]:
    """The verdicts among the entries of the ledger; an undo entry is the moment its verdict was withdrawn."""
    withdrawn = {entry.undoes: entry.recorded_at for entry in entries if entry.undoes is not None}
    return [
        VerdictLine(
            verdict_id=entry.verdict_id,
            kind=entry.kind,
            left=tuple(_name(identity) for identity in entry.left),
            right=tuple(_name(identity) for identity in entry.right),
            reason=entry.reason,
            actor=entry.actor,
            created_at=entry.recorded_at,
            withdrawn_at=withdrawn.get(entry.verdict_id),
            corrected=named(entry.corrections or {}),
        )
        for entry in entries
        if entry.kind != UNDO
    ]


@dataclass(frozen=True, slots=True)
class Growth:
    """How the members came together: joins and ties of verdicts between positions, and parts that never joined."""

    joins: Sequence[Join]
    ties: Sequence[Pair]
    parts: int


def how(connection: Connection, entity: str, known: Grounds | None = None) -> HowReport:
    """How an entity came together; `entity` is its id, an id that redirects to it, or one of its records.

    Raises NotFound when there is no such entity or record, or the record belongs to nobody.
    """
    eid, notes = _find(connection, entity)
    members = records.by_rids(connection, entities.members(connection, [eid])["rid"].to_pylist())
    members.sort(key=lambda record: (record.source, record.record_id))
    entity_type = entities.get(connection, eid).entity_type
    grounds = known or read_grounds(connection, entity_type)
    growth = Growth((), (), len(members)) if grounds is None else _grow(connection, members, grounds)
    names = [_named(record) for record in members]
    weakest = min(growth.joins, key=lambda join: (join.closeness, join.units), default=None)
    return HowReport(
        entity_id=entity_id(eid),
        entity=entity_type,
        members=tuple(names),
        links=tuple(_link_line(join, names) for join in growth.joins),
        weakest=None if weakest is None else _link_line(weakest, names),
        falls_out=() if weakest is None else tuple(names[place] for place in _falls_out(growth, weakest)),
        golden=tuple(_golden_lines(connection, eid)),
        notes=(*notes, *_growth_notes(members, growth, grounds)),
    )


def _find(connection: Connection, entity: str) -> tuple[int, list[str]]:
    """The active entity that is meant, with a note when its id is another one now or that of another master."""
    alias = crosswalk.known(connection, [entity]).get(entity)
    if alias is None and ":" in entity:
        return _entity_of(_record(connection, steward.parse_record(entity))), []
    asked = eid_of(entity) if alias is None else alias
    try:
        eid = entities.resolve_redirect(connection, asked)
    except NotFound:
        raise NotFound(f"there is no entity {entity}; name one of its records as source:record_id instead") from None
    if entities.get(connection, eid).state != "active":
        raise NotFound(f"entity {entity} is no more: its last records were deleted, quarantined or moved")
    named = [] if alias is None else [f"{entity} of another master is {entity_id(asked)} here"]
    return eid, named if eid == asked else [*named, f"{entity_id(asked)} is part of {entity_id(eid)} now"]


def _entity_of(record: StoredRecord) -> int:
    if record.eid is None or record.state != "active":
        reason = _state_notes(record) or [f"{_named(record)} belongs to no entity yet; `mdm run` decides"]
        raise NotFound(reason[0])
    return record.eid


def _grow(connection: Connection, members: Sequence[StoredRecord], grounds: Grounds) -> Growth:
    """The clustering of the members among themselves, as it was decided."""
    scorer = grounds.scorer
    features = [_features(record) for record in members]
    places = {record.rid: place for place, record in enumerate(members)}
    rulings = read_rulings(connection, list(grounds.verdicts))
    component = Component(
        nodes=tuple(Node(record.source, record.record_id) for record in members),
        units={(a, b): scorer.score(features[a], features[b]).units for a, b in combinations(range(len(members)), 2)},
        same=_held_together(rulings, places),
    )
    grown = cluster(component, limits_of(grounds.release))
    ties = [(min(side), other) for side in component.same for other in sorted(side)[1:]]
    return Growth(grown.joins, ties, len(grown.groups))


def _held_together(rulings: Rulings, places: Mapping[int, int]) -> tuple[frozenset[int], ...]:
    here = (frozenset(places[rid] for rid in side if rid in places) for side in rulings.same)
    return tuple(side for side in here if len(side) > 1)


def _link_line(join: Join, names: Sequence[str]) -> LinkLine:
    return LinkLine(names[join.left], names[join.right], to_bits(join.units))


def _falls_out(growth: Growth, weakest: Join) -> list[int]:
    """The smaller side of the entity without that join; of equal sides the one without the first member."""
    kept = [(join.left, join.right) for join in growth.joins if join is not weakest]
    alone = [(place, place) for place in (weakest.left, weakest.right)]
    parts = components([*kept, *growth.ties, *alone])
    sides = [part for part in parts if weakest.left in part or weakest.right in part]
    return min(sides, key=lambda side: (len(side), -side[0])) if len(sides) > 1 else []


def _growth_notes(members: Sequence[StoredRecord], growth: Growth, grounds: Grounds | None) -> list[str]:
    if grounds is None:
        return ["no release is active for this type, so how its records belong together cannot be shown"]
    notes = []
    if growth.ties:
        notes.append("verdicts hold some of the records together, whatever their weights say")
    if growth.parts > 1:
        notes.append(f"decided today they would be {growth.parts} entities; `mdm run --full` decides anew")
    waiting = sum(not record.resolved for record in members)
    if waiting:
        notes.append(f"{waiting} of the records changed since; `mdm run` decides anew")
    return notes


def _golden_lines(connection: Connection, eid: int) -> Iterator[GoldenLine]:
    for text in entities.golden(connection, [eid])["values"].to_pylist():
        for column, value, winner in golden_values(orjson.loads(text)):
            yield GoldenLine(column, value, f"{winner['source']}:{winner['record_id']}", winner["by"])


def golden_values(golden: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Each golden value as (column, text, the winning claim it comes from)."""
    for field, winners in golden.items():
        for winner in winners:
            for sub, text in winner["value"].items():
                yield golden_column(field, sub), text, winner


def golden_column(field: str, sub: str) -> str:
    """The name a golden value goes by: `name.given`, and the field alone for its only or main value."""
    return field if sub == "value" else f"{field}.{sub}"
