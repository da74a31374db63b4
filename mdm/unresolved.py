"""Unresolved: what waits in the store -> the records to link, and everybody whose entity may change with them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection

from mdm.deciding import Link, Person, Rulings, rulings_of
from mdm.engine.release import GRID, Release, to_units
from mdm.matching import Work
from mdm.scratch import fetch
from mdm.store import entities, links, records, verdicts
from mdm.store.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Unresolved:
    """What must be decided anew in one entity type.

    linked: rids to link. gone: rids that leave its entities, those in `moved` for another type.
    active: how many records of the type may be linked. held: others of the type, which an entity of another type has to
    let go first: nothing is linked to them yet.
    """

    linked: list[int]
    gone: list[int]
    moved: list[int]
    active: int
    held: frozenset[int] = frozenset()

    @property
    def everything(self) -> bool:
        """Whether all records of the type are to be linked."""
        return len(self.linked) == self.active


def read_unresolved(work: Work, connection: Connection, *, everything: bool) -> Unresolved:
    """A record that another type's entity still holds is not linked yet: that type lets it go first."""
    name = work.entity.name
    columns = ["rid", "entity_type", "state", "eid"]
    table = records.waiting(connection, columns).to_pydict()
    types = entities.types_of(connection, {eid for eid in table["eid"] if eid is not None})
    linked: list[int] = []
    gone: list[int] = []
    moved: list[int] = []
    held: set[int] = set()
    for rid, entity, state, eid in zip(*(table[column] for column in columns), strict=True):
        home = types.get(eid, entity)
        if entity != home == name:
            gone.append(rid)
            moved += [rid] if state == "active" else []
        elif entity == name != home:
            held.add(rid)
        elif entity == name:
            (linked if state == "active" else gone).append(rid)
    active = [rid for rid in active_rids(work, connection) if rid not in held]
    return Unresolved(sorted(active if everything else linked), sorted(gone), moved, len(active), frozenset(held))


def active_rids(work: Work, connection: Connection) -> list[int]:
    """The records of the type that may be matched."""
    batches = records.scan(connection, ["rid"], entity_type=work.entity.name)
    return [rid for batch in batches for rid in batch["rid"].to_pylist()]


def read_touched(
    work: Work, connection: Connection, release: Release, todo: Unresolved
) -> tuple[dict[int, Person], list[Link]]:
    """Everybody in the components of the unresolved records, with all merge-level links among them.

    The links of unresolved records are those of `links_TYPE`; what the store holds of theirs is out of date.
    """
    made = [Link(*row) for row in fetch(work.scratch, _strong(work, release))]
    if todo.everything:
        return read_people(work, connection, todo.linked), made
    rids, found = _closure(work, connection, _Links(connection, release, {*todo.linked, *todo.gone}, made), todo)
    # A job that died after it had written links leaves some to records that are of another type by now.
    return read_people(work, connection, rids), [link for link in found if rids.issuperset(link[:2])]


def _strong(work: Work, release: Release) -> str:
    return f"select l, r, units from {work.table('links')} where units >= {to_units(release.merge)}"


class _Links:
    """The merge-level links as they are now: those made in this run, and the stored ones between other records."""

    def __init__(self, connection: Connection, release: Release, outdated: set[int], made: list[Link]) -> None:
        self.connection = connection
        self.least = to_units(release.merge)
        self.outdated = outdated
        self.made: dict[int, list[Link]] = {}
        for link in made:
            self.made.setdefault(link.left, []).append(link)
            self.made.setdefault(link.right, []).append(link)

    def touching(self, rids: set[int]) -> set[Link]:
        """The links with an end among the records."""
        found = {link for rid in rids for link in self.made.get(rid, ())}
        stored = links.touching(self.connection, rids)
        columns = (stored[name].to_pylist() for name in ("left_rid", "right_rid", "bits"))
        for left, right, bits in zip(*columns, strict=True):
            units = round(bits * GRID)
            if units >= self.least and left not in self.outdated and right not in self.outdated:
                found.add(Link(left, right, units))
        return found


def _closure(work: Work, connection: Connection, known: _Links, todo: Unresolved) -> tuple[set[int], list[Link]]:
    """Grow from the unresolved records and their old companions along merge-level links and verdicts."""
    olds = records.load(connection, [*todo.linked, *todo.gone], ["eid"])["eid"].to_pylist()
    companions = entities.members(connection, {eid for eid in olds if eid is not None})["rid"].to_pylist()
    rulings = read_rulings(connection, verdicts.active(connection))
    rids: set[int] = set()
    found: set[Link] = set()
    fresh = set(_state_filtered(work, connection, [*todo.linked, *companions])) - todo.held
    while fresh:
        rids |= fresh
        new = known.touching(fresh) - found
        found |= new
        reached = {end for left, right, _ in new for end in (left, right)}
        reached |= {rid for together in rulings.same if together & rids for rid in together}
        fresh = set(_state_filtered(work, connection, reached - rids)) - todo.held
    return rids, list(found)


def _state_filtered(work: Work, connection: Connection, rids: Iterable[int]) -> list[int]:
    """Those of the records that are active and of this type."""
    table = records.load(connection, rids, ["rid", "entity_type", "state"]).to_pydict()
    rows = zip(table["rid"], table["entity_type"], table["state"], strict=True)
    return [rid for rid, entity, state in rows if entity == work.entity.name and state == "active"]


def read_people(work: Work, connection: Connection, rids: Iterable[int]) -> dict[int, Person]:
    """The records as deciding knows them."""
    columns = ["rid", "source", "record_id", "version", "eid"]
    table = records.load(connection, rids, columns)
    rows = zip(*(table[name].to_pylist() for name in columns), strict=True)
    return {
        rid: Person(rid, source, record_id, source in work.promised, version, eid)
        for rid, source, record_id, version, eid in rows
    }


def read_rulings(connection: Connection, active: list[Verdict]) -> Rulings:
    """The active verdicts as record numbers."""
    names = {name for verdict in active for name in (*verdict.left, *verdict.right)}
    return rulings_of(active, records.numbers(connection, names))
