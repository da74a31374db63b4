"""Neighbourhood: one record that comes, changes or goes -> the links and the entities that change with it.

The batch job's rules over the few records around one: candidates by keys under the cap, links from the review threshold
on, components closed over merge-level links and verdicts, every inner pair weighed. All is read as it is needed and
decided in memory; nothing is written, so that asking and storing give the same answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import orjson
from sqlalchemy import Connection

from mdm.contradictions import compile_strong, find_among
from mdm.deciding import Link, Part, Person, Rulings, Weighed, partition
from mdm.engine.cluster import Pair
from mdm.engine.compare import Test
from mdm.engine.level_python import Weighed as PairWeight
from mdm.engine.policy import EntityType
from mdm.engine.release import GRID, Release, to_units
from mdm.engine.score import Score, Scorer, make_scorer
from mdm.ledger import RulingIndex
from mdm.oddities import Bridge, unlikely_sizes, weak_bridges
from mdm.store import lookup
from mdm.store.lookup import Known
from mdm.tasks import Findings


@dataclass(frozen=True, slots=True)
class Judge:
    """What decides about one entity type, compiled once.

    strong: comparison -> whether two records contradict each other by it. promised: sources that never hold two records
    of an entity.
    """

    entity: EntityType
    release: Release
    scorer: Scorer
    strong: Mapping[str, Test]
    promised: frozenset[str]
    review: int
    merge: int


def make_judge(entity: EntityType, release: Release, promised: frozenset[str]) -> Judge:
    """The judge of an entity type by a release."""
    thresholds = to_units(release.review), to_units(release.merge)
    return Judge(entity, release, make_scorer(release), compile_strong(entity), promised, *thresholds)


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one record within one entity type: how its neighbours knew it, and how they will.

    before: None when it had no part in the type. after: None when it has none any more; features: of `after`.
    seeds: records that stay as they are, and whose entities are to be decided anew.
    """

    before: Known | None = None
    after: Known | None = None
    features: Mapping[str, Any] = field(default_factory=dict)
    seeds: frozenset[int] = frozenset()

    @property
    def moving(self) -> frozenset[int]:
        """The record that comes, changes or goes, if any."""
        return frozenset(known.rid for known in (self.after, self.before) if known is not None)


@dataclass(frozen=True, slots=True)
class Settlement:
    """What was decided, not written yet.

    people: all those in `parts`, the entities of the touched components, and in `gone`, who leave the type.
    moved: those gone that another type waits for. waiting: people that had not been decided.
    relinked: records all of whose links are made anew, as `made` says; dropped: links that end without that.
    crossed: holders of keys that came to the cap or left it. rulings: that bind. cut: components too large to keep.
    bridges: weak links that hold an entity together.
    """

    people: dict[int, Person]
    parts: list[Part]
    cut: list[Part]
    rulings: Rulings
    gone: list[int]
    relinked: frozenset[int]
    made: dict[Pair, Score]
    dropped: frozenset[Pair]
    crossed: frozenset[int]
    waiting: frozenset[int]
    moved: tuple[int, ...]
    bridges: Sequence[Bridge]

    def changed_parts(self) -> list[Part]:
        """The parts that are not what the store holds already: decided records that are one whole entity."""
        sizes = Counter(person.eid for person in self.people.values())
        return [part for part in self.parts if not self._is_kept(part, sizes)]

    def _is_kept(self, part: Part, sizes: Mapping[int | None, int]) -> bool:
        homes = {self.people[rid].eid for rid in part}
        home = homes.pop()
        return not homes and home is not None and sizes[home] == len(part) and self.waiting.isdisjoint(part)


class Neighbourhood:
    """The records around one change, as they will be after it; lives as long as one transaction."""

    def __init__(self, connection: Connection, judge: Judge, change: Change) -> None:
        self.connection = connection
        self.judge = judge
        self.change = change
        self.records: dict[int, Known] = {}
        self.moving = change.moving
        self.relinked: set[int] = {*self.moving}
        self.dropped: set[Pair] = set()
        self.crossed: set[int] = set()
        self.made: dict[Pair, Score] = {}
        self._weighings: dict[Pair, PairWeight] = {}
        self._partners: dict[int, set[int]] = {}
        self._features: dict[int, Mapping[str, Any]] = {}
        self._weighed: dict[int, Mapping[str, Any]] = {}
        self._raw: dict[int, list[int]] = {}
        self._visited: set[int] = set()
        if change.after is not None:
            self.records[change.after.rid] = change.after
            self._features[change.after.rid] = change.features

    def load(self, rids: Iterable[int]) -> None:
        """Read the records that are not known yet."""
        missing = set(rids) - self.records.keys() - self.moving
        if missing:
            self.records |= {known.rid: known for known in lookup.by_rids(self.connection, missing)}

    def takes_part(self, rid: int) -> bool:
        """Whether the record may be linked: active, of this type, and held by no entity of another."""
        known, name = self.records.get(rid), self.judge.entity.name
        return (
            known is not None and known.state == "active" and known.entity_type == name and known.home in (None, name)
        )

    def features(self, rid: int) -> Mapping[str, Any]:
        """The features of a loaded record."""
        found = self._features.get(rid)
        if found is None:
            found = self._features[rid] = orjson.loads(self.records[rid].features)
        return found

    def units(self, left: int, right: int) -> int:
        """The weight of two loaded records in grid units."""
        return self._weighing(left, right)[0]

    def _weighing(self, left: int, right: int) -> PairWeight:
        pair = _ordered(left, right)
        found = self._weighings.get(pair)
        if found is None:
            found = self._weighings[pair] = self.judge.scorer.weigh(self._heard(pair[0]), self._heard(pair[1]))
        return found

    def _heard(self, rid: int) -> Mapping[str, Any]:
        found = self._weighed.get(rid)
        if found is None:
            found = self._weighed[rid] = self.judge.scorer.heard(self.features(rid))
        return found

    def score(self, left: int, right: int) -> Score:
        """The same with its evidence."""
        return self.judge.scorer.told(self._weighing(left, right))

    def holders(self, keys: Iterable[int]) -> dict[int, set[int]]:
        """key -> its holders after the change; of a hot key some, more than the cap."""
        wanted = set(keys)
        missing = wanted - self._raw.keys()
        if missing:
            # Two more than the cap: then a key that only the changed record makes hot can be told from others.
            self._raw |= lookup.holders(self.connection, missing, self.judge.release.cap + 2)
        mine = frozenset(() if self.change.after is None else self.change.after.keys)
        found: dict[int, set[int]] = {}
        for key in wanted:
            held = set(self._raw[key])
            found[key] = held | self.moving if key in mine else held - self.moving
        return found

    def candidates(self, rid: int) -> set[int]:
        """The records that share a key with the loaded record that is not hot."""
        cap = self.judge.release.cap
        cool = (held for held in self.holders(self.records[rid].keys).values() if len(held) <= cap)
        near: set[int] = set().union(*cool)
        near.discard(rid)
        self.load(near)
        return {other for other in near if self.takes_part(other)}

    def relink(self, rid: int) -> None:
        """Make all links of a loaded record anew."""
        self.relinked.add(rid)
        for other in self.candidates(rid):
            self._link(rid, other)

    def _link(self, left: int, right: int) -> None:
        if self.units(left, right) >= self.judge.review:
            pair = _ordered(left, right)
            self.made[pair] = self.score(*pair)
            self._partners.setdefault(left, set()).add(right)
            self._partners.setdefault(right, set()).add(left)

    def cross_caps(self) -> set[int]:
        """Make anew the links that hang on keys which come to or leave the cap; the records whose links changed."""
        old = () if self.change.before is None else self.change.before.keys
        new = () if self.change.after is None else self.change.after.keys
        cap = self.judge.release.cap
        after = self.holders({*old, *new})
        touched: set[int] = set()
        for key in sorted({*old} ^ {*new}):
            before = len(self._raw[key])
            if before <= cap < len(after[key]):
                touched |= self._part(set(self._raw[key]))
            elif before > cap >= len(after[key]):
                touched |= self._meet(after[key] - self.moving)
        return touched

    def _part(self, crowd: set[int]) -> set[int]:
        """The crowd of a key that becomes hot keeps only the links that another key proposes."""
        self.crossed |= crowd
        self.load(crowd)
        cap, touched = self.judge.release.cap, set()
        for left, right, _ in lookup.links(self.connection, crowd):
            if left in crowd and right in crowd and left in self.records and right in self.records:
                shared = set(self.records[left].keys) & set(self.records[right].keys)
                if all(len(held) > cap for held in self.holders(shared).values()):
                    self.dropped.add((left, right))
                    touched |= {left, right}
        return touched

    def _meet(self, crowd: set[int]) -> set[int]:
        """The crowd of a key that is hot no longer: its records propose each other again."""
        self.crossed |= crowd
        self.load(crowd)
        linked = {(left, right) for left, right, _ in lookup.links(self.connection, crowd)}
        touched = set()
        for pair in combinations(sorted(filter(self.takes_part, crowd)), 2):
            if pair not in linked:
                self._link(*pair)
                if pair in self.made:
                    touched |= {*pair}
        return touched

    def strong_links(self, rids: Collection[int]) -> set[Link]:
        """The merge-level links that touch the records, as they are after the change."""
        found = set()
        asked = set(rids) - self.relinked
        for left, right, bits in lookup.links(self.connection, asked) if asked else ():
            if left not in self.relinked and right not in self.relinked and (left, right) not in self.dropped:
                found.add(Link(left, right, round(bits * GRID)))
        for rid in rids:
            for other in self._partners.get(rid, ()):
                pair = _ordered(rid, other)
                found.add(Link(*pair, self.made[pair].units))
        return {link for link in found if link.units >= self.judge.merge}

    def decide(self, rulings: RulingIndex) -> Settlement:
        """The entities of everybody in the components that the change touches.

        rulings: of all verdicts. Links of records that wait to be decided are made anew on the way.
        """
        seeds = self.cross_caps() | self._former_neighbours() | self.change.seeds
        if self.change.after is not None:
            self.relink(self.change.after.rid)
            seeds.add(self.change.after.rid)
        rids, links, gone = self._closure(seeds, rulings)
        # A link met before its end turned out to be outdated, or to leave, counts no more.
        links = {link for link in links if self._stands(link) and rids.issuperset(link[:2])}
        people = {rid: self._person(rid) for rid in rids}
        binding = rulings.about(rids)
        decision = partition(self.judge.release, people, list(links), binding, self._weigh)
        return Settlement(
            people=people | {rid: self._person(rid) for rid in gone},
            parts=decision.parts,
            cut=decision.cut,
            rulings=binding,
            gone=sorted(gone),
            relinked=frozenset(self.relinked | gone),
            made=self.made,
            dropped=frozenset(self.dropped),
            crossed=frozenset(self.crossed),
            waiting=frozenset(rid for rid in rids if not self.records[rid].resolved),
            moved=tuple(rid for rid in sorted(gone - self.moving) if self.records[rid].state == "active"),
            bridges=weak_bridges(decision.parts, links, self.judge.merge),
        )

    def findings(self, settlement: Settlement) -> Findings:
        """What stewards should know of the entities it decided."""
        strong = self.judge.strong
        known = (part for part in settlement.parts if len(part) > 1)
        found = sorted(find_among(strong, self.features, known))
        return Findings(found, settlement.cut, unlikely_sizes(settlement.parts), settlement.bridges)

    def _former_neighbours(self) -> set[int]:
        """Whom the record was linked to at merge level, and the members of its entity."""
        before = self.change.before
        if before is None:
            return set()
        stored = lookup.links(self.connection, [before.rid])
        found = {end for left, right, bits in stored if round(bits * GRID) >= self.judge.merge for end in (left, right)}
        if before.eid is not None:
            found |= self._members([before.eid])
        found.discard(before.rid)
        return found

    def _members(self, eids: Iterable[int]) -> set[int]:
        """The present members of the entities."""
        found = lookup.members(self.connection, eids)
        self.records |= {known.rid: known for known in found if known.rid not in self.moving}
        return {known.rid for known in found}

    def _leaving(self) -> set[int]:
        """The record itself, if it leaves, and those of its entity who have left it undecided."""
        before = self.change.before
        if before is not None and before.eid is not None:
            return {rid for rid in self._members([before.eid]) if not self.takes_part(rid)}
        # Of a record that an entity of another type still holds, this type has only links.
        is_held = before is not None and before.home not in (None, self.judge.entity.name)
        return set() if self.change.after is not None or is_held else {*self.moving}

    def _closure(self, seeds: set[int], rulings: RulingIndex) -> tuple[set[int], set[Link], set[int]]:
        """Everybody whom merge-level links, entities and verdicts connect to the seeds; the links; who leaves."""
        rids: set[int] = set()
        links: set[Link] = set()
        gone = self._leaving()
        reached = seeds - gone
        while reached:
            self.load(reached)
            fresh = {rid for rid in reached if self.takes_part(rid)}
            rids |= fresh
            for rid in fresh - self.relinked:
                if not self.records[rid].resolved:
                    self.relink(rid)
            new = self.strong_links(fresh)
            links |= new
            reached = {end for left, right, _ in new for end in (left, right)}
            reached |= rulings.tied(fresh)
            companions = self._companions(fresh)
            gone |= {rid for rid in companions - self.moving if not self.takes_part(rid)}
            reached = (reached | companions) - rids - gone
        return rids, links, gone

    def _companions(self, rids: Iterable[int]) -> set[int]:
        """The members of the entities that the records are in, of each entity once."""
        eids = {eid for rid in rids if (eid := self.records[rid].eid) is not None} - self._visited
        self._visited |= eids
        return self._members(eids) if eids else set()

    def _stands(self, link: Link) -> bool:
        pair = (link.left, link.right)
        return pair in self.made or (pair not in self.dropped and self.relinked.isdisjoint(pair))

    def _person(self, rid: int) -> Person:
        known = self.records.get(rid) or self.change.before
        assert known is not None
        promises = known.source in self.judge.promised
        return Person(rid, known.source, known.record_id, promises, known.version, known.eid)

    def _weigh(self, pieces: Sequence[Sequence[int]], least: int, pressing: Collection[int]) -> Weighed:
        """Every inner pair of every piece."""
        agreed: set[int] = set()
        units: dict[int, dict[Pair, int]] = {}
        for place, piece in enumerate(pieces):
            inner = {_ordered(a, b): self.units(a, b) for a, b in combinations(piece, 2)}
            if place not in pressing and min(inner.values(), default=0) >= least:
                agreed.add(place)
            units[place] = inner
        return Weighed(agreed, units)


def _ordered(a: int, b: int) -> Pair:
    return (a, b) if a < b else (b, a)
