"""Tasks: entities and links as they are now -> the questions that stewards should answer.

Open tasks are a function of the present state. Whoever changes entities calls `refresh` in the same transaction: what
is asked about the touched entities is derived anew, new questions are put, and those that nothing raises any more are
closed with the reason. Only what a record said before it was reused is no part of the present state: that is remembered
in its task.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

import orjson
from sqlalchemy import Connection

from mdm.contradictions import Contradiction
from mdm.deciding import Part, Rulings
from mdm.engine.release import to_bits
from mdm.ids import entity_id
from mdm.oddities import Bridge
from mdm.reports import TaskLine
from mdm.store import crosswalk, goldens, links, pins, records, tasks
from mdm.store.tasks import Closing, Question, Task
from mdm.store.verdicts import Identity, Verdict

MATCH, CONFLICT, CUT, CROSSWALK, REUSED = "match", "conflict", "cut", "crosswalk", tasks.REUSED
WEAK, SIZE = "weak", "size"
APPROVAL, PINNED, AUDIT = "approval", "pinned", "audit"
# What others put, which stands as long as its records are as they were then.
LASTING = (APPROVAL, AUDIT)
KINDS: Mapping[str, str] = {
    MATCH: "two entities may be one customer",
    CONFLICT: "strong identifiers inside an entity contradict each other",
    CUT: "so many records hang together that they were cut apart at higher thresholds",
    WEAK: "one weak link holds two groups of records together",
    SIZE: "an entity has more records than is likely",
    REUSED: "a record says something wholly different from before: its number may be somebody else's now",
    CROSSWALK: "the crosswalk of another master says otherwise",
    PINNED: "the records say something else than when a value was pinned",
    APPROVAL: "a second person has to agree",
    AUDIT: "a pair drawn at random, to tell how good decisions are",
}
# A weight that is so many bits away from the merge threshold counts half as urgent.
HALF_URGENT_BITS = 4.0

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Findings:
    """What deciding saw and the store does not show; cut: components too large to keep, as sorted records.

    large: entities of unlikely size. bridges: the weakest link of those that hang together by a weak one.
    """

    contradictions: Sequence[Contradiction] = ()
    cut: Sequence[Part] = ()
    large: Sequence[Part] = ()
    bridges: Sequence[Bridge] = ()

    def among(self, rids: AbstractSet[int]) -> Findings:
        """What was seen of the entities that have their first records among these."""
        return replace(
            self,
            contradictions=[each for each in self.contradictions if each.left in rids],
            large=[part for part in self.large if part[0] in rids],
            bridges=[bridge for bridge in self.bridges if bridge.left in rids],
        )


@dataclass(frozen=True, slots=True)
class Touched:
    """What one change of entities touched.

    eids: entities that appeared, closed, won or lost members, or had records decided anew. rids: those records.
    merge: the threshold in bits by which they were decided.
    """

    entity: str
    eids: frozenset[int]
    rids: frozenset[int]
    merge: float
    findings: Findings = field(default_factory=Findings)


def refresh(connection: Connection, touched: Touched, rulings: Rulings, run_id: int | None) -> list[int]:
    """The numbers of the tasks opened; what is open about the touched entities follows from the present state.

    rulings: of all verdicts that name a touched record.
    """
    standing = {task.question: task for task in tasks.open_about(connection, touched.eids, touched.rids)}
    asked = {q.question: q for q in _questions(connection, touched, rulings, standing.values())}
    again = ((standing[name], asked[name]) for name in sorted(standing.keys() & asked.keys()))
    tasks.renew(connection, [(old, new) for old, new in again if old.content != new])
    over = [task for name, task in standing.items() if name not in asked]
    tasks.close(connection, _closings(connection, over), run_id)
    return tasks.put(connection, [asked[name] for name in sorted(asked.keys() - standing.keys())], run_id)


def _questions(
    connection: Connection, touched: Touched, rulings: Rulings, standing: Iterable[Task]
) -> Iterator[Question]:
    present = records.standing(connection, touched.rids)
    homes = {rid: eid for rid, (_, eid) in present.items()}
    matches = _matches(connection, touched, rulings)
    drafts = {draft.question: draft for draft in (*matches, *_conflicts(touched, homes, rulings))}
    for draft in _crosswalk_questions(connection, touched, rulings):
        known = drafts.get(draft.question)
        # One question however many reasons there are to ask it.
        drafts[draft.question] = draft if known is None else replace(draft, bits=known.bits)
    pinned = _contradicted_pins(connection, touched, homes)
    odd = [*_weak(touched, homes, rulings), *_large(touched, homes, rulings)]
    yield from _sized(connection, touched, [*drafts.values(), *odd, *pinned])
    yield from _cuts(touched, homes)
    yield from _reuses(standing, present)
    yield from _lasting(connection, standing)


def _matches(connection: Connection, touched: Touched, rulings: Rulings) -> list[Question]:
    """One question per two entities between which there are links, shown by the strongest."""
    table = links.across(connection, touched.eids)
    columns = (table[name].to_pylist() for name in ("left_eid", "right_eid", "bits", "left_rid", "right_rid"))
    best: dict[Pair, tuple[float, int, int]] = {}
    count: dict[Pair, int] = {}
    for one, other, bits, left, right in zip(*columns, strict=True):
        pair, link = ((one, other), (bits, -left, -right)) if one < other else ((other, one), (bits, -right, -left))
        count[pair] = count.get(pair, 0) + 1
        if pair not in best or link > best[pair]:
            best[pair] = link
    apart = _kept_apart(connection, rulings) if best else set()
    return [
        _draft(touched, MATCH, pair, (-left, -right), bits=bits, details={"links": count[pair]})
        for pair, (bits, left, right) in best.items()
        if pair not in apart
    ]


def _kept_apart(connection: Connection, rulings: Rulings) -> set[Pair]:
    """The pairs of entities that verdicts forbid to become one."""
    named = {rid for sides in rulings.different for side in sides for rid in side}
    homes = {rid: eid for rid, (_, eid) in records.standing(connection, named).items() if eid is not None}
    return {
        _ordered(homes[left], homes[right])
        for one, other in rulings.different
        for left in one & homes.keys()
        for right in other & homes.keys()
    }


def _conflicts(touched: Touched, homes: Mapping[int, int | None], rulings: Rulings) -> list[Question]:
    """One question per entity whose records contradict each other, unless verdicts call them one all the same."""
    found: dict[int, list[Contradiction]] = {}
    for contradiction in touched.findings.contradictions:
        eid = homes.get(contradiction.left)
        if eid is not None and not _held_together(rulings, contradiction.left, contradiction.right):
            found.setdefault(eid, []).append(contradiction)
    return [
        _draft(
            touched,
            CONFLICT,
            (eid, None),
            min(here)[:2],
            details={"comparisons": sorted({each.comparison for each in here}), "pairs": len(here)},
        )
        for eid, here in found.items()
    ]


def _weak(touched: Touched, homes: Mapping[int, int | None], rulings: Rulings) -> Iterator[Question]:
    """One question per entity that a weak link holds together, unless verdicts do."""
    for left, right, units in touched.findings.bridges:
        if homes.get(left) is not None and not _held_together(rulings, left, right):
            draft = _draft(touched, WEAK, (homes[left], None), (left, right), details={})
            yield replace(draft, bits=to_bits(units))


def _large(touched: Touched, homes: Mapping[int, int | None], rulings: Rulings) -> Iterator[Question]:
    """One question per entity of unlikely size, unless a verdict names it whole."""
    for part in touched.findings.large:
        if homes.get(part[0]) is not None and not any(side.issuperset(part) for side in rulings.same):
            yield _draft(touched, SIZE, (homes[part[0]], None), (part[0], None), details={"size": len(part)})


def _held_together(rulings: Rulings, left: int, right: int) -> bool:
    return any(left in side and right in side for side in rulings.same)


def _crosswalk_questions(connection: Connection, touched: Touched, rulings: Rulings) -> list[Question]:
    """One question per two entities that are one to the other master, and per entity that is several to it."""
    if crosswalk.is_empty(connection):
        return []
    table = crosswalk.said(connection, touched.rids, touched.entity)
    columns = (table[name].to_pylist() for name in ("said", "eid", "rid"))
    by_id: dict[int, dict[int, list[int]]] = {}
    by_entity: dict[int, dict[int, list[int]]] = {}
    for said, eid, rid in zip(*columns, strict=True):
        if eid is not None:
            by_id.setdefault(said, {}).setdefault(eid, []).append(rid)
            by_entity.setdefault(eid, {}).setdefault(said, []).append(rid)
    apart = _kept_apart(connection, rulings)
    names = _said_names(connection, by_id)
    torn = [
        _draft(
            touched, CROSSWALK, pair, (min(by_id[said][pair[0]]), min(by_id[said][pair[1]])), details={"ids": [text]}
        )
        for said, text in sorted(names.items())
        for pair in _torn_pairs(by_id[said])
        if pair not in apart
    ]
    return torn + [draft for eid in sorted(by_entity) for draft in _mixed(touched, eid, by_entity[eid], names, rulings)]


def _said_names(connection: Connection, numbers: Iterable[int]) -> dict[int, str]:
    """The ids as the other master wrote them."""
    given = crosswalk.names(connection, numbers)
    return {number: given.get(number) or entity_id(number) for number in numbers}


def _torn_pairs(groups: Mapping[int, Sequence[int]]) -> list[Pair]:
    """The entity with most of the records, beside each other one."""
    first, *others = sorted(groups, key=lambda eid: (-len(groups[eid]), eid))
    return [_ordered(first, other) for other in others]


def _mixed(
    touched: Touched, eid: int, groups: Mapping[int, Sequence[int]], names: Mapping[int, str], rulings: Rulings
) -> list[Question]:
    """At most one question about an entity that holds records of several ids; verdicts may call two of them one."""
    if eid not in touched.eids:
        return []
    first, *others = sorted(groups, key=lambda said: (-len(groups[said]), said))
    open_ = [said for said in others if not _held_together(rulings, min(groups[first]), min(groups[said]))]
    if not open_:
        return []
    details = {"ids": [names[said] for said in (first, *open_)]}
    shown = (min(groups[first]), min(groups[open_[0]]))
    return [_draft(touched, CROSSWALK, (eid, None), shown, details=details)]


def _cuts(touched: Touched, homes: Mapping[int, int | None]) -> Iterator[Question]:
    """One question per component that was cut, named by its first record."""
    for members in touched.findings.cut:
        if members[0] in touched.rids:
            draft = _draft(touched, CUT, (homes.get(members[0]), None), (members[0], None), details={})
            yield replace(
                draft, question=f"cut:{members[0]}", records=len(members), priority=urgency(len(members), 0.0)
            )


def _reuses(standing: Iterable[Task], present: Mapping[int, tuple[int, int | None]]) -> Iterator[Question]:
    """The questions about reused records that still say what raised them; `reuse` puts them."""
    for task in standing:
        version, eid = present.get(task.left_rid or 0, (0, None))
        if task.kind == REUSED and version == task.details["version"] and eid is not None:
            yield replace(task.content, left_eid=eid)


def _contradicted_pins(connection: Connection, touched: Touched, homes: Mapping[int, int | None]) -> Iterator[Question]:
    """One question per pinned value where the records say neither it nor what they said when it was pinned."""
    known = [pin for pin in pins.of_records(connection, touched.rids) if homes.get(pin.rid) is not None]
    eids = {eid for pin in known if (eid := homes[pin.rid]) is not None}
    stored = goldens.load(connection, eids).to_pylist() if eids else []
    golden = {row["eid"]: orjson.loads(row["values"]) for row in stored}
    for pin in known:
        eid = homes[pin.rid]
        shown = golden.get(eid or 0, {}).get(pin.field, ())
        over: dict[str, str] = {}
        for winner in shown:
            over |= (winner["over"] or {}) if winner["by"] == "pinned" else {}
        if over and over not in (dict(pin.over or {}), dict(pin.value)):
            details = {"field": pin.field, "verdict": pin.verdict_id}
            draft = _draft(touched, PINNED, (eid, None), (pin.rid, None), details=details)
            yield replace(draft, question=f"pinned:{eid}:{pin.field}")


def _lasting(connection: Connection, standing: Iterable[Task]) -> Iterator[Question]:
    """The tasks that others put and whose records are still as they were."""
    waiting = [task for task in standing if task.kind in LASTING]
    sizes = tasks.entity_sizes(connection, {eid for task in waiting for eid in task.eids}) if waiting else {}
    for task in waiting:
        if fingerprint(sizes.get(eid, (0, 0))[1] for eid in task.eids) == task.fingerprint:
            yield task.content


def _draft(
    touched: Touched,
    kind: str,
    eids: tuple[int | None, int | None],
    rids: tuple[int | None, int | None],
    *,
    details: Mapping[str, object],
    bits: float | None = None,
) -> Question:
    name = ":".join(str(eid) for eid in eids if eid is not None)
    question = f"pair:{name}" if eids[1] is not None else f"{kind}:{name}"
    return Question(kind, question, touched.entity, *eids, *rids, bits, 0, 0, details)


def _sized(connection: Connection, touched: Touched, drafts: Sequence[Question]) -> Iterator[Question]:
    """The questions with the number of records they affect, and how urgent that makes them."""
    eids = {eid for draft in drafts for eid in draft.eids}
    sizes = tasks.entity_sizes(connection, eids) if eids else {}
    for draft in drafts:
        here = [sizes.get(eid, (0, 0)) for eid in draft.eids]
        affected = sum(size for size, _ in here)
        distance = 0.0 if draft.bits is None else abs(draft.bits - touched.merge)
        yield replace(
            draft, records=affected, priority=urgency(affected, distance), fingerprint=fingerprint(s for _, s in here)
        )


def fingerprint(sums: Iterable[int]) -> int:
    """One number of the fingerprints of entities, in the order of the task; fits a column."""
    found = 0
    for each in sums:
        found = (found * 31 + each) % (1 << 61)
    return found


def urgency(affected: int, distance: float) -> int:
    """What an answer is worth: 1,000 for one record at the threshold, more with more records, less far from it.

    distance: bits between the weight and the merge threshold.
    """
    return round(1000 * math.log2(1 + affected) / (1 + distance / HALF_URGENT_BITS))


def _closings(connection: Connection, over: Sequence[Task]) -> list[Closing]:
    """Obsolete, each with what settled it."""
    eids = {eid for task in over for eid in task.eids}
    alive = set(tasks.entity_sizes(connection, eids)) if eids else set()
    return [Closing(task.task_id, "obsolete", _why_over(task, alive)) for task in over]


def _why_over(task: Task, alive: AbstractSet[int]) -> str:
    if not alive >= set(task.eids):
        return "an entity it was about is part of another one now, or is no more"
    if task.kind in LASTING:
        return "its records changed after it was put; put it anew if it is still a question"
    return "the records as they are now do not raise it, or a verdict answers it"


def task_lines(connection: Connection, *, kind: str | None, state: str | None, limit: int | None) -> list[TaskLine]:
    """The tasks as people read them, the most urgent first."""
    return lines_of(connection, tasks.listed(connection, kind=kind, state=state, limit=limit))


def lines_of(connection: Connection, found: Sequence[Task]) -> list[TaskLine]:
    """The tasks as people read them."""
    shown = {rid for task in found for rid in (task.left_rid, task.right_rid) if rid is not None}
    table = records.load(connection, shown, ["rid", "source", "record_id"]).to_pydict()
    columns = zip(table["rid"], table["source"], table["record_id"], strict=True)
    names = {rid: f"{source}:{record_id}" for rid, source, record_id in columns}
    return [_line(task, names) for task in found]


def _line(task: Task, names: Mapping[int, str]) -> TaskLine:
    return TaskLine(
        task_id=task.task_id,
        kind=task.kind,
        asks=KINDS[task.kind],
        entity=task.entity_type,
        entities=tuple(map(entity_id, task.eids)),
        records=tuple(names[rid] for rid in (task.left_rid, task.right_rid) if rid is not None),
        bits=task.bits,
        affected=task.records,
        priority=task.priority,
        details=task.details,
        state=task.state,
        opened_at=task.opened_at,
        closed_at=task.closed_at,
        reason=task.reason,
    )


def answer(connection: Connection, verdict_id: int, given: Verdict, homes: Mapping[Identity, Pair]) -> None:
    """Nothing; the open tasks that the verdict answers are applied.

    homes: record -> its number and its entity, 0 for none.
    """
    left, right = ({homes[name] for name in side if name in homes} for side in (given.left, given.right))
    eids, rids = ({pair[place] for pair in left | right} for place in (1, 0))
    answered = [
        task
        for task in tasks.open_about(connection, eids, rids)
        if _answers(task, (left, right)) or _answers(task, (right, left))
    ]
    closings = [Closing(t.task_id, "applied", f"verdict {given.kind}", verdict_id) for t in answered]
    tasks.close(connection, closings, None)


def _answers(task: Task, sides: tuple[Iterable[Pair], Iterable[Pair]]) -> bool:
    """Whether the sides (record, entity) are the two of the task: its entities, or the records inside its entity."""
    place, wanted = (1, (task.left_eid, task.right_eid)) if task.right_eid else (0, (task.left_rid, task.right_rid))
    return all(name in {pair[place] for pair in side} for name, side in zip(wanted, sides, strict=True))


def _ordered(one: int, other: int) -> Pair:
    return (one, other) if one < other else (other, one)
