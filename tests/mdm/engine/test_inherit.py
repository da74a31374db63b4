"""Ids last: greatest overlap, then the oldest id; a closed id comes back to most of its last members."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdm.engine.inherit import Members, inherit

Groups = dict[int, set[int]]


def frozen(groups: Groups) -> dict[int, Members]:
    return {eid: frozenset(members) for eid, members in groups.items()}


@pytest.mark.parametrize(
    ("name", "parts", "living", "closed", "ids"),
    [
        ("nothing before: new ids", [{1}, {2}], {}, {}, [None, None]),
        ("nothing changed", [{1, 2}], {10: {1, 2}}, {}, [10]),
        ("a new member", [{1, 2, 3}], {10: {1, 2}}, {}, [10]),
        ("a merge: the greater overlap", [{1, 2, 3}], {10: {1}, 11: {2, 3}}, {}, [11]),
        ("a merge of equals: the older id", [{1, 2}], {10: {1}, 11: {2}}, {}, [10]),
        ("a split: the greater part", [{1}, {2, 3}], {10: {1, 2, 3}}, {}, [None, 10]),
        ("a split into equals: the first part", [{1}, {2}], {10: {1, 2}}, {}, [10, None]),
        ("members trade places", [{1, 4}, {2, 3}], {10: {1, 2}, 11: {3, 4}}, {}, [10, 11]),
        ("undo of a merge gives back both", [{1}, {2}], {10: {1, 2}}, {11: {2}}, [10, 11]),
        ("undo, when the older id had closed", [{1}, {2, 3}], {11: {1, 2, 3}}, {10: {1}}, [10, 11]),
        ("a deleted record comes back", [{1}], {}, {10: {1}}, [10]),
        ("half of the last members is not most", [{1}, {2}], {}, {10: {1, 2}}, [None, None]),
        ("a living id wins over a closed one", [{1, 2}], {12: {1}}, {10: {2}}, [12]),
        ("two closed ids: all of one is more than most of another", [{1, 2, 3}], {}, {10: {1, 2, 4}, 11: {3}}, [11]),
    ],
)
def test_ids(name: str, parts: list[set[int]], living: Groups, closed: Groups, ids: list[int | None]) -> None:
    assert list(inherit([frozenset(p) for p in parts], frozen(living), frozen(closed)).ids) == ids, name


def test_who_loses_an_id_is_redirected_to_where_most_of_its_records_are() -> None:
    heirs = inherit([frozenset({1, 2, 3}), frozenset({4})], frozen({10: {1, 2}, 11: {3, 4}, 12: {5}}), {})
    assert heirs.ids == (10, 11)
    assert (heirs.redirected, heirs.retired) == ({}, (12,))
    heirs = inherit([frozenset({1, 2, 3})], frozen({10: {1}, 11: {2, 3}, 12: set()}), {})
    assert (heirs.ids, heirs.redirected, heirs.retired) == ((11,), {10: 0}, (12,))


def test_revived_ids_are_told() -> None:
    heirs = inherit([frozenset({1}), frozenset({2})], frozen({10: {1, 2}}), frozen({11: {2}}))
    assert heirs.revived == (11,)


PARTITION = st.lists(st.integers(0, 4), min_size=8, max_size=8)


def groups_of(labels: list[int], first: int = 0) -> Groups:
    groups: Groups = {}
    for rid, label in enumerate(labels):
        groups.setdefault(first + label, set()).add(rid)
    return groups


@given(PARTITION, PARTITION, PARTITION, st.randoms(use_true_random=False))
def test_every_id_has_one_fate_and_no_order_matters(
    now: list[int], before: list[int], last: list[int], chance: random.Random
) -> None:
    parts = [frozenset(members) for _, members in sorted(groups_of(now).items())]
    living, closed = frozen(groups_of(before, 10)), frozen(groups_of(last, 20))
    heirs = inherit(parts, living, closed)
    used = [eid for eid in heirs.ids if eid is not None]
    assert len(set(used)) == len(used)
    assert {*living} == (set(used) & {*living}) | set(heirs.redirected) | set(heirs.retired)
    assert set(heirs.revived) == set(used) - {*living}
    shuffled = [list(groups.items()) for groups in (living, closed)]
    for items in shuffled:
        chance.shuffle(items)
    assert inherit(parts, dict(shuffled[0]), dict(shuffled[1])) == heirs


@given(PARTITION, PARTITION)
def test_merging_all_and_undoing_it_gives_back_the_ids(before: list[int], other: list[int]) -> None:
    living = frozen(groups_of(before, 10))
    everyone = frozenset(range(len(before)))
    merged = inherit([everyone], living, {})
    (kept,) = merged.ids
    assert kept is not None
    closed = {eid: living[eid] for eid in merged.redirected}
    parts = [members for _, members in sorted(living.items())]
    back = inherit(parts, {kept: everyone}, closed)
    assert dict(zip(back.ids, parts, strict=True)) == living
