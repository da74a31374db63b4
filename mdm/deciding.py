"""Deciding: links and verdicts of touched components -> the entities of their records.

Batch and real time decide by these functions; they differ in how the pairs inside a component are weighed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from mdm.engine.cluster import Component, Node, Pair, cluster, components, limits_of
from mdm.engine.release import Release, to_units
from mdm.sayings import APART, CONFIRMED, sayings_of
from mdm.store.verdicts import Verdict

# All inner pairs of a component are scored: n^2 / 2. A larger one is cut at higher thresholds first.
LARGEST_COMPONENT = 200
CUT_STEP = to_units(2.0)

Part = tuple[int, ...]


class Person(NamedTuple):
    """What deciding needs to know of a record: its name, its source's promise, its version and present entity."""

    rid: int
    source: str
    record_id: str
    duplicate_free: bool
    version: int
    eid: int | None

    @property
    def name(self) -> tuple[str, str]:
        """What ties are broken by."""
        return self.source, self.record_id


class Link(NamedTuple):
    """A merge-level link between two records, in grid units."""

    left: int
    right: int
    units: int


class Weighed(NamedTuple):
    """agreed: places of pieces all of whose inner pairs are close enough; units: every inner pair of the others."""

    agreed: Collection[int]
    units: Mapping[int, Mapping[Pair, int]]


class Weigh(Protocol):
    """Weighs all pairs inside each piece (a list of record numbers), also those no key proposed."""

    def __call__(self, pieces: Sequence[Sequence[int]], least: int, pressing: Collection[int]) -> Weighed:
        """least: the units from which a pair is close enough. pressing: places of pieces that never count as agreed."""


@dataclass(frozen=True, slots=True)
class Rulings:
    """The verdicts that bind, as record numbers: sets held together, and pairs of sets kept apart.

    confirmed: those of `same` that a steward looked at as a whole, which others need more evidence to join.
    """

    same: tuple[frozenset[int], ...] = ()
    different: tuple[tuple[frozenset[int], frozenset[int]], ...] = ()
    confirmed: tuple[frozenset[int], ...] = ()

    def ties(self, people: Mapping[int, Person]) -> list[Pair]:
        """Pairs that connect each set held together, among these people."""
        found: list[Pair] = []
        for together in self.same:
            here = sorted(together & people.keys())
            found += [(here[0], other) for other in here[1:]]
        return found

    @property
    def bound(self) -> frozenset[int]:
        """Every record some ruling names."""
        named = [*self.same, *(side for pair in self.different for side in pair)]
        return frozenset().union(*named)


@dataclass(frozen=True, slots=True)
class Decision:
    """The entities as sorted record numbers, in the order of their first names; cut: components too large to keep."""

    parts: list[Part]
    cut: list[Part]


def rulings_of(verdicts: Iterable[Verdict], rids: Mapping[tuple[str, str], int]) -> Rulings:
    """The rulings of the active verdicts; records that are not stored are passed over."""
    same, different, confirmed = [], [], []
    for verdict in verdicts:
        for saying in sayings_of(verdict):
            left, right = (frozenset(rids[name] for name in side if name in rids) for side in saying[1:])
            if saying.what == APART:
                different.append((left, right))
            elif left | right:
                same.append(left | right)
                confirmed += [left | right] if verdict.kind == CONFIRMED else []
    return Rulings(tuple(same), tuple(different), tuple(confirmed))


def partition(
    release: Release, people: Mapping[int, Person], links: Sequence[Link], rulings: Rulings, weigh: Weigh
) -> Decision:
    """The entities of all these people: the components of merge-level links and `same` verdicts, each clustered.

    Both ends of every link are among `people`, and so is every record that a link reaches from them.
    """
    alone = set(people)
    pieces: list[list[int]] = []
    cut: list[Part] = []
    ties = rulings.ties(people)
    for group in components([(link.left, link.right) for link in links] + ties):
        alone.difference_update(group)
        if len(group) > LARGEST_COMPONENT:
            cut.append(tuple(group))
            pieces += _cut_to_size(group, links, ties)
        else:
            pieces.append(group)
    parts = _cluster_all(release, people, pieces, rulings, weigh)
    parts += [(rid,) for rid in alone]
    return Decision(sorted(parts, key=lambda part: min(people[rid].name for rid in part)), cut)


def _cut_to_size(group: list[int], links: Sequence[Link], ties: Sequence[Pair]) -> list[list[int]]:
    """The group split by raising the threshold until every piece is small enough; verdicts still hold."""
    members = set(group)
    inner = [link for link in links if link.left in members]
    held = [tie for tie in ties if tie[0] in members]
    if not inner:
        return [group]
    least = min(link.units for link in inner)
    done: list[list[int]] = []
    while inner:
        least += CUT_STEP
        inner = [link for link in inner if link.units >= least]
        found = components([(link.left, link.right) for link in inner] + held)
        small = [piece for piece in found if len(piece) <= LARGEST_COMPONENT or not inner]
        done += small
        members.difference_update(rid for piece in small for rid in piece)
        inner = [link for link in inner if link.left in members]
        held = [tie for tie in held if tie[0] in members]
    return done + [[rid] for rid in members]


def _cluster_all(
    release: Release, people: Mapping[int, Person], pieces: list[list[int]], rulings: Rulings, weigh: Weigh
) -> list[Part]:
    """The parts of every piece; a piece whose inner pairs all agree is one part without further thought."""
    limits = limits_of(release)
    bound = rulings.bound
    pressing = {
        place for place, piece in enumerate(pieces) if not bound.isdisjoint(piece) or _promised_apart(piece, people)
    }
    weighed = weigh(pieces, limits.join, pressing)
    parts: list[Part] = []
    for place, piece in enumerate(pieces):
        if place in weighed.agreed:
            parts.append(tuple(piece))
        else:
            parts += _cluster_piece(piece, people, weighed.units.get(place, {}), rulings, release)
    return parts


def _promised_apart(piece: Sequence[int], people: Mapping[int, Person]) -> bool:
    sources = [people[rid].source for rid in piece if people[rid].duplicate_free]
    return len(sources) != len(set(sources))


def _cluster_piece(
    piece: Sequence[int],
    people: Mapping[int, Person],
    units: Mapping[Pair, int],
    rulings: Rulings,
    release: Release,
) -> list[Part]:
    if len(piece) == 1:
        return [tuple(piece)]
    ordered = sorted(piece, key=lambda rid: people[rid].name)
    place = {rid: index for index, rid in enumerate(ordered)}
    component = Component(
        nodes=tuple(Node(people[rid].source, people[rid].record_id, people[rid].duplicate_free) for rid in ordered),
        units={_ordered(place[a], place[b]): value for (a, b), value in units.items()},
        same=tuple(_places(side, place) for side in rulings.same if not side.isdisjoint(place)),
        different=tuple((_places(a, place), _places(b, place)) for a, b in rulings.different),
        confirmed=tuple(_places(side, place) for side in rulings.confirmed if not side.isdisjoint(place)),
    )
    groups = cluster(component, limits_of(release)).groups
    return [tuple(sorted(ordered[index] for index in group)) for group in groups]


def _ordered(a: int, b: int) -> Pair:
    return (a, b) if a < b else (b, a)


def _places(side: frozenset[int], place: Mapping[int, int]) -> frozenset[int]:
    return frozenset(place[rid] for rid in side if rid in place)
