"""The worst errors: labels, entities -> the largest wrong merges and the strongest missed pairs, with record ids."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from mdm.evaluation.blocking import pair_keys
from mdm.evaluation.labels import Assignment, Customers, Ints, Labels, Pairs, positions
from mdm.evaluation.measures import contingency, pairs_within
from mdm.reports import MissedPair, WrongMerge

MOST = 20
GROUPS_SHOWN = 8
RECORDS_SHOWN = 5


def wrong_merges(labels: Labels, entities: Ints, assigned: Assignment) -> tuple[WrongMerge, ...]:
    """Entities that hold records of several customers, most wrong pairs first, ties by entity id."""
    wrong = _wrong_pairs(labels, entities)
    worst = sorted(wrong, key=lambda entity: (-wrong[entity], assigned.names[entity]))[:MOST]
    return tuple(_wrong_merge(labels, entities, entity, assigned.names[entity], wrong[entity]) for entity in worst)


def missed_pairs(labels: Labels, entities: Ints, scored: Any | None) -> tuple[MissedPair, ...]:
    """True pairs in two entities, most bits first, ties by record; then some that were never scored."""
    found = [] if scored is None else _scored_misses(labels, entities, scored)
    seen = {(miss.left, miss.right) for miss in found}
    rest = _unscored_misses(labels, entities)
    return tuple([*found, *(miss for miss in rest if (miss.left, miss.right) not in seen)][:MOST])


def _wrong_pairs(labels: Labels, entities: Ints) -> dict[int, int]:
    if isinstance(labels, Pairs):
        joined = entities[labels.left]
        wrong = (joined == entities[labels.right]) & ~labels.same
        numbers, counts = np.unique(joined[wrong], return_counts=True)
        return dict(zip(numbers.tolist(), counts.tolist(), strict=True))
    numbers, sizes = np.unique(entities, return_counts=True)
    cells = contingency(entities, labels.clusters)
    right = np.bincount(cells.entity, weights=pairs_within(cells.size), minlength=len(numbers))
    counts = pairs_within(sizes) - right.astype(np.int64)
    return {entity: count for entity, count in zip(numbers.tolist(), counts.tolist(), strict=True) if count}


def _wrong_merge(labels: Labels, entities: Ints, entity: int, name: str, wrong: int) -> WrongMerge:
    members = np.flatnonzero(entities == entity)
    groups = _groups(labels, members)
    shown = sorted(groups, key=lambda group: (-len(group), group))[:GROUPS_SHOWN]
    return WrongMerge(name, wrong, len(members), tuple(group[:RECORDS_SHOWN] for group in shown))


def _groups(labels: Labels, members: Ints) -> list[tuple[str, ...]]:
    """Members by customer; labelled pairs name no customer, so there each record stands alone."""
    refs = labels.refs.take(pa.array(members)).to_pylist()
    customers = labels.clusters[members] if isinstance(labels, Customers) else members
    by_customer: dict[int, list[str]] = {}
    for ref, customer in zip(refs, customers.tolist(), strict=True):
        by_customer.setdefault(customer, []).append(ref)
    return [tuple(sorted(group)) for group in by_customer.values()]


def _scored_misses(labels: Labels, entities: Ints, scored: Any) -> list[MissedPair]:
    left, right = positions(scored.column("left"), labels.refs), positions(scored.column("right"), labels.refs)
    missed = (left >= 0) & (right >= 0) & (entities[left] != entities[right]) & _are_same(labels, left, right)
    bits = np.asarray(scored.column("bits").to_numpy(), dtype=np.float64)
    chosen = np.flatnonzero(missed)
    strongest = chosen[np.argsort(-bits[chosen], kind="stable")]
    # Ties at the cut must not depend on the order of the table, so all pairs as strong as the last one stay in.
    if len(strongest) > MOST:
        strongest = strongest[bits[strongest] >= bits[strongest[MOST - 1]]]
    misses = {_named(labels, left[i], right[i], float(bits[i])) for i in strongest.tolist()}
    return sorted(misses, key=lambda miss: (-(miss.bits or 0.0), miss.left, miss.right))[:MOST]


def _are_same(labels: Labels, left: Ints, right: Ints) -> npt.NDArray[np.bool_]:
    if isinstance(labels, Customers):
        return np.equal(labels.clusters[left], labels.clusters[right])
    true = pair_keys(labels, labels.left, labels.right)[labels.same]
    return np.isin(pair_keys(labels, left, right), true)


def _unscored_misses(labels: Labels, entities: Ints) -> list[MissedPair]:
    if isinstance(labels, Pairs):
        missed = labels.same & (entities[labels.left] != entities[labels.right])
        pairs = list(zip(labels.left[missed].tolist(), labels.right[missed].tolist(), strict=True))
    else:
        pairs = _split_customers(labels, entities)
    misses = [_named(labels, left, right, None) for left, right in pairs]
    return sorted(misses, key=lambda miss: (miss.left, miss.right))


def _split_customers(labels: Customers, entities: Ints) -> list[tuple[int, int]]:
    """For the customers most torn apart, a record of their largest part and one of their second largest."""
    cells = contingency(entities, labels.clusters)
    order = np.lexsort((cells.entity, -cells.size, cells.cluster))
    largest = np.flatnonzero(np.diff(cells.cluster[order], prepend=-1))
    torn = largest[np.diff(largest, append=len(order)) > 1]
    first, second = order[torn], order[torn + 1]
    worst = np.lexsort((cells.cluster[first], -cells.size[first] * cells.size[second]))[:MOST]
    numbers = np.unique(entities)
    return [
        (
            _first_member(labels, entities == numbers[cells.entity[first[i]]], cells.cluster[first[i]]),
            _first_member(labels, entities == numbers[cells.entity[second[i]]], cells.cluster[second[i]]),
        )
        for i in worst.tolist()
    ]


def _first_member(labels: Customers, inside: npt.NDArray[np.bool_], cluster: np.int64) -> int:
    """The position of the least record id of a customer inside an entity."""
    members = np.flatnonzero(inside & (labels.clusters == cluster)).tolist()
    return min(members, key=lambda member: str(labels.refs[member]))


def _named(labels: Labels, left: int, right: int, bits: float | None) -> MissedPair:
    one, other = sorted((str(labels.refs[left]), str(labels.refs[right])))
    return MissedPair(one, other, bits)
