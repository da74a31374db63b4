"""Oddities: the entities that were decided -> those of unlikely size, and those that one weak link holds together.

Pure functions of parts and their merge-level links; batch and real time ask the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from mdm.deciding import Link, Part
from mdm.engine.release import to_units

# One customer in so many records is possible, and more often a mistake.
UNLIKELY_SIZE = 30
# A link that is less than this above the merge threshold is weak, when nothing else connects what it connects.
WEAK_BITS = to_units(4.0)
# What hangs on a bridge by a single record is an ordinary match.
LEAST_SIDE = 2

Neighbours = Mapping[int, Mapping[int, int]]


class Bridge(NamedTuple):
    """The only merge-level link (left < right) between two groups of records of one entity, in grid units."""

    left: int
    right: int
    units: int


def unlikely_sizes(parts: Iterable[Part]) -> list[Part]:
    """The parts of unlikely size."""
    return [part for part in parts if len(part) >= UNLIKELY_SIZE]


def weak_bridges(parts: Sequence[Part], links: Iterable[Link], merge: int) -> list[Bridge]:
    """The weakest bridge of each part that has a weak one, ties by number; merge: the threshold in grid units."""
    homes = {rid: place for place, part in enumerate(parts) if len(part) >= 2 * LEAST_SIDE for rid in part}
    inner: dict[int, dict[int, dict[int, int]]] = {}
    for left, right, units in links:
        place = homes.get(left)
        if place is not None and place == homes.get(right):
            known = inner.setdefault(place, {})
            known.setdefault(left, {})[right] = units
            known.setdefault(right, {})[left] = units
    found = []
    for known in inner.values():
        weak = [bridge for bridge in _bridges(known) if bridge.units < merge + WEAK_BITS]
        found += [min(weak, key=lambda bridge: (bridge.units, bridge))] if weak else []
    return sorted(found)


def _bridges(known: Neighbours) -> Iterator[Bridge]:
    """The links without which the records fall into two groups, neither too small.

    Source: Tarjan 1974, a note on finding the bridges of a graph; without recursion.
    """
    reached: dict[int, int] = {}
    low: dict[int, int] = {}
    sizes: dict[int, int] = {}
    for root in sorted(known):
        if root not in reached:
            order = _visit(known, root, reached, low, sizes)
            for parent, child in order:
                whole = sizes[root]
                if low[child] > reached[parent] and min(sizes[child], whole - sizes[child]) >= LEAST_SIDE:
                    yield Bridge(min(parent, child), max(parent, child), known[parent][child])


def _visit(
    known: Neighbours, root: int, reached: dict[int, int], low: dict[int, int], sizes: dict[int, int]
) -> list[tuple[int, int]]:
    """The tree of a depth-first walk as (parent, child); how early each is reached, and reaches back to; sizes."""
    tree: list[tuple[int, int]] = []
    reached[root] = low[root] = len(reached)
    sizes[root] = 1
    stack = [(root, root, iter(sorted(known[root])))]
    while stack:
        here, parent, coming = stack[-1]
        for other in coming:
            if other not in reached:
                reached[other] = low[other] = len(reached)
                sizes[other] = 1
                tree.append((here, other))
                stack.append((other, here, iter(sorted(known[other]))))
                break
            if other != parent:
                low[here] = min(low[here], reached[other])
        else:
            stack.pop()
            if stack:
                low[parent] = min(low[parent], low[here])
                sizes[parent] += sizes[here]
    return tree
