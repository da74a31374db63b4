"""A component becomes entities: strongest first, evidence against counts, verdicts and promises bind."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdm.engine.cluster import Component, Limits, Node, Pair, cluster, components
from mdm.engine.release import to_units

LIMITS = Limits(join=to_units(2.0), clip=to_units(20.0))
Groups = list[tuple[int, ...]]


def component(
    size: int,
    bits: Mapping[Pair, float],
    *,
    same: Iterable[Iterable[int]] = (),
    different: Iterable[tuple[Iterable[int], Iterable[int]]] = (),
    promised: Iterable[str] = (),
) -> Component:
    """Records 0, 1, ... of sources a, b, a, b, ...; pairs not named weigh -10 bits."""
    nodes = tuple(Node("ab"[i % 2], f"{i:02d}", "ab"[i % 2] in promised) for i in range(size))
    units = {(i, j): to_units(bits.get((i, j), -10.0)) for i in range(size) for j in range(i + 1, size)}
    return Component(
        nodes,
        units,
        tuple(frozenset(side) for side in same),
        tuple((frozenset(left), frozenset(right)) for left, right in different),
    )


TRIANGLE = {(0, 1): 8.0, (0, 2): 8.0, (1, 2): 8.0}


@pytest.mark.parametrize(
    ("name", "given", "groups"),
    [
        ("a single record", component(1, {}), [(0,)]),
        ("a link joins", component(2, {(0, 1): 5.0}), [(0, 1)]),
        ("below the threshold nobody joins", component(2, {(0, 1): 1.0}), [(0,), (1,)]),
        ("all agree", component(3, TRIANGLE), [(0, 1, 2)]),
        ("evidence against keeps a third out", component(3, {(0, 1): 12.0, (1, 2): 8.0}), [(0, 1), (2,)]),
        ("strong support outweighs mild doubt", component(3, {(0, 1): 12.0, (1, 2): 12.0, (0, 2): -1.0}), [(0, 1, 2)]),
        (
            "one certain bridge does not join two groups that contradict each other",
            component(4, {(0, 1): 30.0, (2, 3): 30.0, (1, 2): 1000.0}),
            [(0, 1), (2, 3)],
        ),
        ("a verdict joins against all evidence", component(2, {(0, 1): -30.0}, same=[(0, 1)]), [(0, 1)]),
        (
            "verdicts chain",
            component(4, {}, same=[(0, 1), (1, 2), (2, 3)]),
            [(0, 1, 2, 3)],
        ),
        ("a verdict parts two", component(2, {(0, 1): 30.0}, different=[((0,), (1,))]), [(0,), (1,)]),
        (
            "a verdict parts whole groups",
            component(3, TRIANGLE, different=[((0,), (2,))]),
            [(0, 1), (2,)],
        ),
        (
            "a verdict parts sides, not the records of a side",
            component(3, TRIANGLE, different=[((0, 1), (2,))]),
            [(0, 1), (2,)],
        ),
        ("a promise of no duplicates parts two", component(3, TRIANGLE, promised="a"), [(0, 1), (2,)]),
        ("others of the same source may join", component(4, {(1, 3): 9.0}, promised="a"), [(0,), (1, 3), (2,)]),
        (
            "a verdict breaks the promise, and the entity still grows",
            component(3, TRIANGLE, promised="a", same=[(0, 2)]),
            [(0, 1, 2)],
        ),
    ],
)
def test_partition(name: str, given: Component, groups: Groups) -> None:
    assert cluster(given, LIMITS).groups == groups, name


def test_joins_are_told_strongest_first() -> None:
    joins = cluster(component(3, {(0, 1): 8.0, (0, 2): 9.0, (1, 2): 14.0}), LIMITS).joins
    assert [(join.left, join.right, join.units) for join in joins] == [(1, 2, to_units(14.0)), (0, 2, to_units(9.0))]


SIZE = 7
PAIRS = [(i, j) for i in range(SIZE) for j in range(i + 1, SIZE)]
WEIGHTS = st.lists(st.sampled_from([-25.0, -6.0, -1.0, 1.0, 2.0, 5.0, 9.0, 25.0]), min_size=21, max_size=21)


@given(WEIGHTS, st.sampled_from(PAIRS), st.sampled_from(PAIRS), st.randoms(use_true_random=False))
def test_the_order_of_pairs_and_verdicts_never_matters(
    bits: list[float], tied: Pair, parted: Pair, chance: random.Random
) -> None:
    rules = {"same": [tied], "different": [] if parted == tied else [((parted[0],), (parted[1],))]}
    plain = component(SIZE, dict(zip(PAIRS, bits, strict=True)), **rules)  # type: ignore[arg-type]
    shuffled_pairs = list(plain.units.items())
    chance.shuffle(shuffled_pairs)
    shuffled = Component(plain.nodes, dict(shuffled_pairs), plain.same[::-1], plain.different[::-1])
    assert cluster(shuffled, LIMITS).groups == cluster(plain, LIMITS).groups


@given(WEIGHTS, st.sampled_from(PAIRS), st.sampled_from(PAIRS))
def test_every_record_is_in_one_group_and_verdicts_hold(bits: list[float], tied: Pair, parted: Pair) -> None:
    if set(tied) & set(parted):
        return
    given = component(
        SIZE, dict(zip(PAIRS, bits, strict=True)), same=[tied], different=[((parted[0],), (parted[1],))], promised="b"
    )
    groups = cluster(given, LIMITS).groups
    assert sorted(i for group in groups for i in group) == list(range(SIZE))
    home = {i: group for group in groups for i in group}
    assert home[tied[0]] == home[tied[1]]
    assert home[parted[0]] != home[parted[1]]
    for group in groups:
        promised = [i for i in group if given.nodes[i].duplicate_free and i not in tied]
        assert len(promised) <= 1


def test_components_are_what_pairs_connect() -> None:
    assert components([(5, 3), (1, 2), (3, 9), (2, 1)]) == [[1, 2], [3, 5, 9]]
    assert components([]) == []
