"""Pairwise and B-cubed quality: labels, entities -> counts per customer -> precision, recall, F1.

Pairs are counted from the contingency table of customers and entities, never listed: a customer of a million
records costs no more than its cells.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mdm.evaluation.intervals import (
    NOTHING,
    bootstrap,
    bootstrap_measure,
    dice_measure,
    wilson_measure,
)
from mdm.evaluation.labels import Customers, Ints, Labels, Pairs
from mdm.reports import Measure, Quality

Floats = npt.NDArray[np.float64]
Shares = Callable[[Floats], tuple[Floats, Floats, Floats]]

BY_CUSTOMER = "percentile bootstrap over the customers of the truth (1,000 draws, fixed seed); Wilson at 0 and 1"
BY_PAIR = "Wilson over the labelled pairs"


@dataclass(frozen=True, slots=True)
class PairCounts:
    """Pairs of labelled records: in one entity and one customer, in one entity, of one customer."""

    right: int
    joined: int
    true: int


@dataclass(frozen=True, slots=True)
class Cells:
    """The contingency table: one row per (entity, customer) that share records, with both totals beside it."""

    entity: Ints
    cluster: Ints
    size: Ints
    entity_size: Ints
    cluster_size: Ints


def contingency(entities: Ints, clusters: Ints) -> Cells:
    """How many records each entity shares with each customer."""
    _, entity = np.unique(entities, return_inverse=True)
    _, cluster = np.unique(clusters, return_inverse=True)
    width = int(cluster.max(initial=0)) + 1
    keys, size = np.unique(entity.astype(np.int64) * width + cluster, return_counts=True)
    row, column = keys // width, keys % width
    entity_sizes, cluster_sizes = np.bincount(entity), np.bincount(cluster)
    return Cells(row, column, size.astype(np.int64), entity_sizes[row], cluster_sizes[column])


def pair_counts(labels: Labels, entities: Ints) -> PairCounts:
    """The counts behind pairwise precision and recall."""
    if isinstance(labels, Pairs):
        joined = entities[labels.left] == entities[labels.right]
        return PairCounts(int((joined & labels.same).sum()), int(joined.sum()), int(labels.same.sum()))
    cells = contingency(entities, labels.clusters)
    return PairCounts(
        right=int(pairs_within(cells.size).sum()),
        joined=int(pairs_within(np.unique(entities, return_counts=True)[1]).sum()),
        true=int(pairs_within(np.unique(labels.clusters, return_counts=True)[1]).sum()),
    )


def pairs_within(sizes: npt.NDArray[np.integer]) -> Ints:
    """How many pairs a group of each size holds."""
    wide = sizes.astype(np.int64)
    return wide * (wide - 1) // 2


def pairwise(labels: Labels, entities: Ints) -> Quality:
    """Precision, recall and F1 over pairs of records."""
    if isinstance(labels, Pairs):
        return _labelled_pairs(pair_counts(labels, entities))
    cells = contingency(entities, labels.clusters)
    # A wrong pair spans two customers, so each of them carries half of it.
    wrong = cells.size * (cells.entity_size - cells.size) / 2
    right = pairs_within(cells.size)
    sums = np.column_stack(
        [
            _per_cluster(cells, right),
            _per_cluster(cells, right + wrong),
            pairs_within(_cluster_sizes(cells).astype(np.int64)),
        ]
    )
    return _quality(sums, _pairwise_shares)


def bcubed(labels: Customers, entities: Ints) -> Quality:
    """Precision, recall and F1 as the mean over records of what each finds in its entity.

    Source: Bagga and Baldwin 1998, B-cubed, every record with equal weight.
    """
    cells = contingency(entities, labels.clusters)
    squared = cells.size.astype(np.float64) ** 2
    sums = np.column_stack(
        [
            _per_cluster(cells, squared / cells.entity_size),
            _per_cluster(cells, squared / cells.cluster_size),
            _cluster_sizes(cells),
        ]
    )
    return _quality(sums, _bcubed_shares)


def linked_share(customers: Ints, found: Ints) -> Measure:
    """Share of all true pairs that were found.

    customers: the customer of each labelled record; found: the customer of each true pair that was found.
    """
    sizes = np.unique(customers, return_counts=True)[1]
    numbers = np.searchsorted(np.unique(customers), found)
    counts = np.bincount(numbers, minlength=len(sizes))
    sums = np.column_stack([counts, pairs_within(sizes)]).astype(np.float64)
    if not sums[:, 1].any():
        return NOTHING
    drawn = bootstrap(sums)
    value = float(counts.sum() / sums[:, 1].sum())
    return bootstrap_measure(value, ratio(drawn[:, 0], drawn[:, 1]), int((sums[:, 1] > 0).sum()))


def ratio(part: Floats, whole: Floats) -> Floats:
    """part / whole, not a number where whole is 0."""
    return np.divide(part, whole, out=np.full_like(whole, np.nan), where=whole != 0)


def _labelled_pairs(counts: PairCounts) -> Quality:
    return Quality(
        precision=wilson_measure(counts.right, counts.joined),
        recall=wilson_measure(counts.right, counts.true),
        f1=dice_measure(counts.right, counts.joined + counts.true - counts.right),
        intervals=BY_PAIR,
    )


def _quality(sums: Floats, shares: Shares) -> Quality:
    if len(sums) == 0:
        return Quality(NOTHING, NOTHING, NOTHING, BY_CUSTOMER)
    points = shares(sums.sum(axis=0, keepdims=True))
    draws = shares(bootstrap(sums))
    heard = (int((sums[:, 1] > 0).sum()), int((sums[:, 2] > 0).sum()), int((sums[:, 1:] > 0).any(axis=1).sum()))
    precision, recall, f1 = (bootstrap_measure(float(points[i][0]), draws[i], heard[i]) for i in range(3))
    return Quality(precision, recall, f1, BY_CUSTOMER)


def _pairwise_shares(sums: Floats) -> tuple[Floats, Floats, Floats]:
    right, joined, true = sums.T
    return ratio(right, joined), ratio(right, true), ratio(2 * right, joined + true)


def _bcubed_shares(sums: Floats) -> tuple[Floats, Floats, Floats]:
    found_alone, found_whole, records = sums.T
    precision, recall = ratio(found_alone, records), ratio(found_whole, records)
    return precision, recall, ratio(2 * precision * recall, precision + recall)


def _per_cluster(cells: Cells, values: npt.NDArray[np.number]) -> Floats:
    return np.bincount(cells.cluster, weights=values).astype(np.float64)


def _cluster_sizes(cells: Cells) -> Floats:
    return _per_cluster(cells, cells.size)
