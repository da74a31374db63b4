"""Changes: decided parts -> ids, golden records and events, ready to be written in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

import orjson
from sqlalchemy import Connection

from mdm.deciding import Part, Person
from mdm.engine.inherit import Members, inherit
from mdm.engine.policy import EntityType
from mdm.ids import entity_id
from mdm.store import crosswalk, entities, records, tasks
from mdm.store.entities import EntityChanges
from mdm.store.events import Event


@dataclass(slots=True)
class Draft:
    """A growing EntityChanges; `merges` counts joins of two entities, a new record counting as one of its own."""

    created: list[tuple[int, str]] = field(default_factory=list)
    retired: list[tuple[int, int | None]] = field(default_factory=list)
    revived: list[int] = field(default_factory=list)
    membership: list[tuple[int, int | None]] = field(default_factory=list)
    golden: list[tuple[int, str]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    merges: int = 0

    @property
    def eids(self) -> frozenset[int]:
        """The entities that win members, close or are in use again."""
        joined = {eid for _, eid in self.membership if eid is not None}
        return frozenset(joined.union((eid for eid, _ in self.retired), self.revived))

    def changes(self, run_id: int | None) -> EntityChanges:
        """The change as the store takes it."""
        return EntityChanges(
            self.created, self.retired, self.revived, self.membership, self.golden, self.events, run_id
        )


@dataclass(frozen=True, slots=True)
class Before:
    """The ids that touched records carried: living ones with their members, closed ones with their last."""

    living: Mapping[int, Members]
    closed: Mapping[int, Members]


@dataclass(frozen=True, slots=True)
class Portion:
    """Decided parts that are written together; gone: records that belong to nobody any more (deleted, quarantined).

    No present entity has members in two portions, so each can be written by itself.
    """

    parts: Sequence[Part]
    gone: Sequence[int] = ()


def read_before(connection: Connection, entity: EntityType, rids: Sequence[int], people: Sequence[Person]) -> Before:
    """What the store says of the ids of this type that these records carry or carried."""
    eids = sorted({person.eid for person in people if person.eid is not None})
    living = _grouped(entities.members(connection, eids)) if eids else {}
    closed = _grouped(entities.former_members(connection, rids))
    # A record may have been of another type: its old id never comes to mean a customer of this one.
    types = entities.types_of(connection, closed)
    return Before(living, {eid: members for eid, members in closed.items() if types[eid] == entity.name})


def _reserved(connection: Connection, entity: EntityType, rids: Sequence[int]) -> dict[int, Members]:
    """Ids of another master that have no entity yet, with the records of this type it put there.

    They are inherited like living ones: who has most of the records carries the id, and an id that nobody carries
    redirects.
    """
    if crosswalk.is_empty(connection):
        return {}
    table = crosswalk.waiting(connection, rids, entity.name)
    return _grouped(table.rename_columns(["eid", "rid"]))


def _is_outdated(connection: Connection, people: Sequence[Person], before: Before) -> bool:
    """Whether a record has another version or entity than it was decided with, or an entity has other members."""
    mine = {person.rid: (person.version, person.eid) for person in people}
    if any(rid not in mine for members in before.living.values() for rid in members):
        return True
    return records.standing(connection, mine) != mine


def _grouped(table: object) -> dict[int, Members]:
    groups: dict[int, set[int]] = {}
    columns = table.to_pydict()  # type: ignore[attr-defined]
    for eid, rid in zip(columns["eid"], columns["rid"], strict=True):
        groups.setdefault(eid, set()).add(rid)
    return {eid: frozenset(rids) for eid, rids in groups.items()}


def draft_changes(
    connection: Connection,
    entity: EntityType,
    portion: Portion,
    people: Mapping[int, Person],
    golden: Sequence[str],
) -> Draft | None:
    """Everything that the decided portion changes; golden: the golden text of each of its parts.

    None when the store is no longer what the decision was made from: it must be made again.
    """
    parts, gone = portion.parts, portion.gone
    rids = [rid for part in parts for rid in part]
    before = read_before(connection, entity, rids, [people[rid] for rid in (*rids, *gone)])
    if _is_outdated(connection, [people[rid] for rid in (*rids, *gone)], before):
        return None
    reserved = _reserved(connection, entity, rids)
    # Who has a number that was somebody else's has no claim to the id of that customer.
    strangers = tasks.strangers(connection, rids)
    living = {eid: members - strangers for eid, members in before.living.items()}
    heirs = inherit([frozenset(part) for part in parts], {**living, **reserved}, before.closed)
    draft = Draft(revived=list(heirs.revived))
    fresh = sum(eid is None for eid in heirs.ids)
    numbers = count(entities.allocate_eids(connection, fresh))
    eids = [next(numbers) if eid is None else eid for eid in heirs.ids]
    draft.created = [(eid, entity.name) for eid, old in zip(eids, heirs.ids, strict=True) if old is None]
    draft.created += [(eid, entity.name) for eid in sorted(reserved)]
    draft.retired = [(eid, eids[place]) for eid, place in sorted(heirs.redirected.items())]
    draft.retired += [(eid, None) for eid in heirs.retired]
    draft.membership = [(rid, eid) for part, eid in zip(parts, eids, strict=True) for rid in part]
    draft.membership += [(rid, None) for rid in gone]
    draft.merges = sum(_arrivals(part, people) - 1 for part in parts)
    draft.golden = list(zip(eids, golden, strict=True))
    _add_events(connection, draft, parts, eids, before)
    return draft


def _arrivals(part: Part, people: Mapping[int, Person]) -> int:
    """How many entities met in the part: the old ones its records carried, and each new record."""
    olds = [people[rid].eid for rid in part]
    return len({eid for eid in olds if eid is not None}) + sum(eid is None for eid in olds)


def _add_events(
    connection: Connection, draft: Draft, parts: Sequence[Part], eids: Sequence[int], before: Before
) -> None:
    """Ids and field names only, never values: created, merged, split, changed and retired, in that order per entity."""
    created = {eid for eid, _ in draft.created}
    absorbed: dict[int, list[str]] = {}
    for old, new in draft.retired:
        if new is not None:
            absorbed.setdefault(new, []).append(entity_id(old))
    home = {rid: eid for part, eid in zip(parts, eids, strict=True) for rid in part}
    fields = _changed_fields(connection, draft, created)
    for eid, part in zip(eids, parts, strict=True):
        members = before.living.get(eid, frozenset())
        elsewhere = sorted({home[rid] for rid in members if rid in home} - {eid})
        if eid in created or eid in draft.revived:
            draft.events.append(Event("created", eid, details={"revived": True} if eid in draft.revived else {}))
        if eid in absorbed:
            draft.events.append(Event("merged", eid, details={"absorbed": absorbed[eid]}))
        if elsewhere:
            draft.events.append(Event("split", eid, details={"into": [entity_id(other) for other in elsewhere]}))
        if members and (fields.get(eid) or members != frozenset(part)):
            draft.events.append(Event("changed", eid, fields=tuple(fields.get(eid, ()))))
    for old, new in draft.retired:
        draft.events.append(Event("retired", old, details={} if new is None else {"redirect": entity_id(new)}))


def _changed_fields(connection: Connection, draft: Draft, created: set[int]) -> dict[int, list[str]]:
    """eid -> the golden fields whose winners differ from the stored ones."""
    fresh = {eid: text for eid, text in draft.golden if eid not in created}
    stored = entities.golden(connection, sorted(fresh)).to_pydict() if fresh else {"eid": [], "values": []}
    changed: dict[int, list[str]] = {}
    for eid, text in zip(stored["eid"], stored["values"], strict=True):
        if text != fresh[eid]:
            old, new = orjson.loads(text), orjson.loads(fresh[eid])
            changed[eid] = sorted(field for field in old.keys() | new.keys() if old.get(field) != new.get(field))
    return changed
