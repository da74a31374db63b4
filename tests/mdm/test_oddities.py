"""Oddities: bridges against the definition, on graphs drawn at random; sizes."""

from __future__ import annotations

import random

import pytest

from mdm.deciding import Link
from mdm.engine.cluster import components
from mdm.engine.release import to_units
from mdm.oddities import UNLIKELY_SIZE, Bridge, unlikely_sizes, weak_bridges

MERGE = to_units(6.0)


def link(left: int, right: int, bits: float) -> Link:
    return Link(left, right, to_units(bits))


PAIRS = [link(1, 2, 20.0), link(3, 4, 20.0)]


@pytest.mark.parametrize(
    ("links", "found"),
    [
        ([*PAIRS, link(2, 3, 7.0)], [(2, 3, 7.0)]),
        ([*PAIRS, link(2, 3, 12.0)], []),
        ([*PAIRS, link(2, 3, 7.0), link(1, 4, 7.0)], []),
        ([link(1, 2, 20.0), link(2, 3, 20.0), link(3, 4, 7.0)], []),
        ([*PAIRS, link(2, 3, 8.0), link(4, 5, 20.0), link(5, 6, 7.0), link(6, 7, 20.0)], [(5, 6, 7.0)]),
    ],
)
def test_the_weakest_link_between_two_groups_is_found(links: list[Link], found: list[tuple[int, int, float]]) -> None:
    part = tuple(sorted({end for left, right, _ in links for end in (left, right)}))
    assert weak_bridges([part], links, MERGE) == [Bridge(a, b, to_units(bits)) for a, b, bits in found]


@pytest.mark.parametrize("seed", range(200))
def test_bridges_are_what_their_definition_says(seed: int) -> None:
    chance = random.Random(seed)
    drawn = (sorted(chance.sample(range(9), 2)) for _ in range(chance.randint(3, 14)))
    pairs = sorted({(left, right) for left, right in drawn})
    links = [link(left, right, chance.choice([6.5, 7.0, 7.0, 9.0, 15.0])) for left, right in pairs]
    (part, *_) = sorted(components([each[:2] for each in links]), key=len, reverse=True)
    inside = [each for each in links if each.left in part]
    weak = []
    for each in inside:
        rest = components([other[:2] for other in inside if other is not each] + [(rid, rid) for rid in part])
        is_weak = each.units < MERGE + to_units(4.0)
        if len(rest) == 2 and min(map(len, rest)) >= 2 and is_weak:
            weak.append(Bridge(*each))
    expected = [min(weak, key=lambda bridge: (bridge.units, bridge))] if weak else []
    chance.shuffle(links)
    assert weak_bridges([tuple(part)], links, MERGE) == expected


def test_thirty_records_are_unlikely() -> None:
    parts = [tuple(range(UNLIKELY_SIZE - 1)), tuple(range(100, 100 + UNLIKELY_SIZE))]
    assert unlikely_sizes(parts) == parts[1:]
