"""Clustering: one component -> its entities. A pure function: order of records and pairs never matters.

Entities grow from single records, the closest two first. Closeness is the mean weight over all pairs across, each
pair clipped so that one certainty cannot outvote many contradictions: evidence against a would-be entity counts, and
a single strong link cannot pull two big groups together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush

from mdm.engine.release import Release, to_units

CLIP_BITS = 20.0
# What a steward confirmed as a whole grows only by what is that much closer: 32 times the odds.
CONFIRMED_BITS = 5.0

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Node:
    """A record in a component. duplicate_free: its source never holds two records of one entity."""

    source: str
    record_id: str
    duplicate_free: bool = False


@dataclass(frozen=True, slots=True)
class Component:
    """What merge-level links and `same` verdicts connect.

    nodes: sorted by (source, record_id). units: grid units for every pair of positions (i < j).
    same: positions that verdicts hold together. different: two sets of positions that verdicts keep apart.
    confirmed: those of `same` that need more evidence to be joined by others.
    """

    nodes: tuple[Node, ...]
    units: Mapping[Pair, int]
    same: tuple[frozenset[int], ...] = ()
    different: tuple[tuple[frozenset[int], frozenset[int]], ...] = ()
    confirmed: tuple[frozenset[int], ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """Grid units: `join` is the least closeness of two groups that become one; pair weights are clipped to +- clip.

    confirmed: what is added to `join` where one of the groups is confirmed.
    """

    join: int
    clip: int
    confirmed: int = 0


def limits_of(release: Release) -> Limits:
    """The limits that a release implies."""
    # A clip below the threshold would keep even certain pairs apart.
    return Limits(
        join=to_units(release.merge),
        clip=to_units(max(CLIP_BITS, release.merge)),
        confirmed=to_units(CONFIRMED_BITS),
    )


@dataclass(frozen=True, slots=True)
class Join:
    """One step of growing an entity: the strongest pair across, and the closeness of the two groups."""

    left: int
    right: int
    units: int
    closeness: float


@dataclass(slots=True)
class Clustering:
    """The entities as sorted positions, and the joins in the order they were made."""

    groups: list[tuple[int, ...]]
    joins: list[Join] = field(default_factory=list)


def cluster(component: Component, limits: Limits) -> Clustering:
    """The partition of the component into entities.

    Records that verdicts call the same start together, whatever their weights say.
    """
    growing = _Growing(component, limits)
    while (step := growing.best()) is not None:
        growing.join(*step)
    groups = sorted(tuple(sorted(group)) for group in growing.groups.values())
    return Clustering(groups, growing.joins)


class _Growing:
    """The groups so far with the sum of clipped weights between each two that may still join.

    Two groups that a rule keeps apart stay apart, whatever they grow by: `barred` never shrinks. queue: a heap of
    (-closeness, pair) for pairs close enough to join; entries that a later join made untrue are passed over.
    """

    def __init__(self, component: Component, limits: Limits) -> None:
        self.component = component
        self.limits = limits
        self.joins: list[Join] = []
        self.groups = {i: {i} for i in range(len(component.nodes))}
        self.sums = {pair: self.clipped(units) for pair, units in component.units.items()}
        self.barred: set[Pair] = set()
        self.queue: list[tuple[float, Pair]] = []
        self.confirmed = frozenset().union(*component.confirmed)
        for together in component.same:
            first, *others = sorted(together)
            for other in others:
                left, right = self.home(first), self.home(other)
                if left != right:
                    self.merge(min(left, right), max(left, right))
        self.count_as_one()
        self.queue.clear()
        for pair in self.sums:
            self.enqueue(pair)

    def clipped(self, units: int) -> int:
        return max(-self.limits.clip, min(self.limits.clip, units))

    def home(self, position: int) -> int:
        return next(name for name, group in self.groups.items() if position in group)

    def count_as_one(self) -> None:
        """What a verdict holds together is one record to the others: all its pairs weigh what the strongest does."""
        for pair in self.sums:
            left, right = (self.groups[name] for name in pair)
            if len(left) * len(right) > 1:
                strongest = max(self.component.units[_ordered(a, b)] for a in left for b in right)
                self.sums[pair] = self.clipped(strongest) * len(left) * len(right)

    def best(self) -> Pair | None:
        """The closest two groups that may join; ties go to the first by (source, record_id)."""
        while self.queue:
            distance, pair = heappop(self.queue)
            if pair not in self.sums or self.closeness(pair) != -distance or -distance < self.least(pair):
                continue
            if self.allowed(pair):
                return pair
            del self.sums[pair]
            self.barred.add(pair)
        return None

    def enqueue(self, pair: Pair) -> None:
        closeness = self.closeness(pair)
        if closeness >= self.least(pair):
            heappush(self.queue, (-closeness, pair))

    def least(self, pair: Pair) -> int:
        """How close the pair must be; more where one of its groups is confirmed, as far as the clip lets it."""
        limits = self.limits
        if not self.confirmed or all(self.confirmed.isdisjoint(self.groups[name]) for name in pair):
            return limits.join
        return max(limits.join, min(limits.join + limits.confirmed, limits.clip))

    def closeness(self, pair: Pair) -> float:
        left, right = pair
        return self.sums[pair] / (len(self.groups[left]) * len(self.groups[right]))

    def allowed(self, pair: Pair) -> bool:
        left, right = (self.groups[name] for name in pair)
        together = left | right
        if any(a & together and b & together for a, b in self.component.different):
            return False
        # Only across: a verdict may have put two records of such a source together, and their entity still grows.
        return self.promising(left).isdisjoint(self.promising(right))

    def promising(self, group: set[int]) -> set[str]:
        """The sources of the group that hold no two records of one entity."""
        return {self.component.nodes[i].source for i in group if self.component.nodes[i].duplicate_free}

    def join(self, left: int, right: int) -> None:
        across = [
            (self.component.units[_ordered(a, b)], -min(a, b), -max(a, b))
            for a in self.groups[left]
            for b in self.groups[right]
        ]
        units, a, b = max(across)
        self.joins.append(Join(-a, -b, units, self.closeness((left, right))))
        self.merge(left, right)

    def merge(self, left: int, right: int) -> None:
        """The right group becomes part of the left one."""
        self.groups[left] |= self.groups.pop(right)
        self.sums.pop((left, right), None)
        for other in self.groups.keys() - {left}:
            kept, gone = _ordered(other, left), _ordered(other, right)
            if kept in self.barred or gone in self.barred:
                self.barred.add(kept)
                self.sums.pop(kept, None)
                self.sums.pop(gone, None)
            else:
                self.sums[kept] += self.sums.pop(gone)
                self.enqueue(kept)


def _ordered(a: int, b: int) -> Pair:
    return (a, b) if a < b else (b, a)


def components(pairs: Iterable[Pair]) -> list[list[int]]:
    """The connected components of the pairs, each sorted, in the order of their smallest member."""
    parent: dict[int, int] = {}

    def root(x: int) -> int:
        while parent.setdefault(x, x) != x:
            parent[x] = parent[parent[x]]
            x = parent[x]
        return x

    for left, right in pairs:
        a, b = root(left), root(right)
        if a != b:
            parent[max(a, b)] = min(a, b)
    found: dict[int, list[int]] = {}
    for x in sorted(parent):
        found.setdefault(root(x), []).append(x)
    return list(found.values())
