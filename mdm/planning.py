"""Planning: a decision that is not written -> what it would change, entity by entity."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from mdm.deciding import Part
from mdm.ids import entity_id
from mdm.reports import Plan, PlannedChange
from mdm.resolving import Decided, inseparable

EXAMPLE_RECORDS = 6


@dataclass(frozen=True, slots=True)
class _Group:
    """Entities before and after that share records; gone: records that leave for nowhere."""

    before: dict[int, list[int]]
    after: Sequence[Part]
    gone: Sequence[int]

    @property
    def kind(self) -> str | None:
        """What happens to the entities, None when nothing does."""
        old = sorted(sorted(members) for members in self.before.values())
        if old == sorted(sorted(part) for part in self.after) and not self.gone:
            return None
        if len(self.before) > 1:
            return "merged" if len(self.after) == 1 else "regrouped"
        if not self.before:
            return "created" if self.after else None
        if not self.after:
            return "retired"
        if len(self.after) > 1:
            return "split"
        return "changed"


def plan_of(entity: str, release_id: str, decided: Decided | None) -> Plan:
    """Counts of what would happen to entities, and every change, mergers and splits first."""
    groups = [] if decided is None else list(_groups(decided))
    changes = sorted(_changes(decided, groups), key=lambda c: (_ORDER[c.kind], c.entities, c.records))
    counts = Counter(change.kind for change in changes)
    same = sum(1 for group in groups if group.kind is None)
    return Plan(entity, release_id, same, {kind: counts[kind] for kind in _ORDER}, tuple(changes))


_ORDER = {kind: n for n, kind in enumerate(("merged", "split", "regrouped", "retired", "changed", "created"))}


def _groups(decided: Decided) -> Iterator[_Group]:
    for parts, gone in inseparable(decided):
        before: dict[int, list[int]] = {}
        for rid in (*(rid for part in parts for rid in part), *gone):
            eid = decided.people[rid].eid
            if eid is not None:
                before.setdefault(eid, []).append(rid)
        yield _Group(before, parts, [rid for rid in gone if decided.people[rid].eid is not None])


def _changes(decided: Decided | None, groups: Iterable[_Group]) -> Iterator[PlannedChange]:
    for group in groups:
        kind = group.kind
        if kind is not None and decided is not None:
            records = tuple(tuple(_names(decided, part)) for part in group.after)
            yield PlannedChange(kind, tuple(map(entity_id, sorted(group.before))), records)


def _names(decided: Decided, part: Part) -> list[str]:
    names = sorted(":".join(decided.people[rid].name) for rid in part)
    more = len(names) - EXAMPLE_RECORDS
    return names if more <= 0 else [*names[:EXAMPLE_RECORDS], f"(+{more} more)"]
