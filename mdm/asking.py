"""Asking: "do we know this customer?" -> the entity that storing the record would give it, with the evidence.

Nothing is written. The decision is the one that `resolve` would write now; candidates are shown by entity, each by the
record that speaks most for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from mdm.changes import read_before
from mdm.engine.inherit import inherit
from mdm.engine.prepare import shown_claims
from mdm.engine.release import to_bits
from mdm.engine.score import UNKNOWN, Evidence, Score
from mdm.explaining import level_name, shown_values
from mdm.incoming import Incoming
from mdm.ledger import RulingIndex
from mdm.neighbourhood import Change, Judge, Neighbourhood, Settlement
from mdm.reports import EvidenceLine
from mdm.store import lookup
from mdm.store.lookup import Known

# No stored record has this number.
ASKED = 0


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entity that may be meant, with the record of it that speaks most for it; eid: None for one not decided yet.

    grade: certain from the merge threshold on, probable from the review threshold on, else possible.
    """

    eid: int | None
    grade: str
    weight: float
    probability: float
    source: str
    record_id: str
    golden: Mapping[str, Any]
    evidence: tuple[EvidenceLine, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """decision: match when storing the record would join `eid`, review when a steward would be asked, else new.

    would_merge: other entities that would become one with it. compared: records that were weighed.
    """

    decision: str
    eid: int | None
    would_merge: tuple[int, ...]
    release: str
    issues: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    compared: int


def ask(connection: Connection, judge: Judge, rulings: RulingIndex, incoming: Incoming, limit: int) -> Answer:
    """What storing the record as a new one would do, and at most `limit` candidates, the most likely first."""
    issues = tuple(incoming.prepared.issues)
    if incoming.state != "active":
        return Answer("new", None, (), judge.release.release_id, issues, (), 0)
    asked = _asked(incoming)
    around = Neighbourhood(connection, judge, Change(None, asked, incoming.prepared.features))
    settlement = around.decide(rulings)
    found = around.candidates(ASKED)
    decision, eid, merged = _decision(connection, judge, settlement)
    shown = _best_of_each(around, found, limit)
    candidates = tuple(_candidates(connection, judge, around, incoming, shown))
    return Answer(decision, eid, merged, judge.release.release_id, issues, candidates, len(found))


def _asked(incoming: Incoming) -> Known:
    return Known(
        rid=ASKED,
        source=incoming.source,
        record_id=incoming.record_id,
        entity_type=incoming.entity,
        state="active",
        version=0,
        eid=None,
        resolved=1,
        home=None,
        content_hash=incoming.content_hash,
        updated_at=incoming.prepared.updated_at,
        packed=incoming.packed,
        features="",
    )


def _decision(connection: Connection, judge: Judge, settlement: Settlement) -> tuple[str, int | None, tuple[int, ...]]:
    people = settlement.people
    mine = next(part for part in settlement.parts if ASKED in part)
    met = {people[rid].eid for rid in mine} - {None}
    if len(mine) > 1:
        eid = _heir(connection, judge, settlement, mine) if met else None
        return "match", eid, tuple(sorted(other for other in met if other is not None and other != eid))
    linked = any(ASKED in pair for pair in settlement.made)
    return ("review" if linked else "new"), None, ()


def _heir(connection: Connection, judge: Judge, settlement: Settlement, mine: Sequence[int]) -> int | None:
    """The id that the part would carry."""
    people = settlement.people
    met = {people[rid].eid for rid in mine} - {None}
    elsewhere = any(person.eid in met for rid, person in people.items() if rid not in mine)
    if len(met) == 1 and not elsewhere:
        return met.pop()
    changed = [part for part in settlement.changed_parts() if part is not mine]
    parts = [frozenset(part) - {ASKED} for part in (mine, *changed)]
    rids = [rid for part in parts for rid in part]
    before = read_before(connection, judge.entity, rids, [people[rid] for rid in (*rids, *settlement.gone)])
    return inherit(parts, before.living, before.closed).ids[0]


def _best_of_each(around: Neighbourhood, found: Iterable[int], limit: int) -> list[tuple[Known, Score]]:
    """The best pair of each entity: identical content first, then by weight, then by name."""
    same = around.change.features
    ranked = []
    for rid in found:
        known = around.records[rid]
        is_same = around.features(rid) == {name: value for name, value in same.items() if value is not None}
        ranked.append((not is_same, -around.units(ASKED, rid), known.source, known.record_id, known))
    best: dict[tuple[str, int], Known] = {}
    for *_, known in sorted(ranked, key=lambda entry: entry[:4]):
        home = ("entity", known.eid) if known.eid is not None else ("record", known.rid)
        if len(best) == limit:
            break
        best.setdefault(home, known)
    return [(known, around.score(ASKED, known.rid)) for known in best.values()]


def _candidates(
    connection: Connection,
    judge: Judge,
    around: Neighbourhood,
    incoming: Incoming,
    shown: Sequence[tuple[Known, Score]],
) -> Iterator[Candidate]:
    if not shown:
        return
    theirs = lookup.claims(connection, [known.rid for known, _ in shown])
    golden = lookup.golden(connection, [known.eid for known, _ in shown if known.eid is not None])
    mine = shown_claims(incoming.prepared.claims)
    for known, score in shown:
        yield Candidate(
            eid=known.eid,
            grade=_grade(score, judge),
            weight=score.bits,
            probability=score.probability,
            source=known.source,
            record_id=known.record_id,
            golden={} if known.eid is None else golden.get(known.eid, {}),
            evidence=tuple(_said(judge, score.evidence, mine, theirs[known.rid])),
        )


def _grade(score: Score, judge: Judge) -> str:
    if score.units >= judge.merge:
        return "certain"
    return "probable" if score.units >= judge.review else "possible"


def _said(
    judge: Judge, evidence: Iterable[Evidence], mine: Mapping[str, Any], theirs: Mapping[str, Any]
) -> Iterator[EvidenceLine]:
    for comparison, found in zip(judge.release.comparisons, evidence, strict=True):
        left, right = shown_values(mine, comparison.show), shown_values(theirs, comparison.show)
        if found.level != UNKNOWN or left is not None or right is not None:
            level = level_name(comparison, found.level)
            yield EvidenceLine(comparison.name, level, to_bits(found.units), left, right)
