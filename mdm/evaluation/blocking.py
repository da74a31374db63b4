"""Blocking recall: labels, candidate pairs -> the share of true pairs among the candidates."""

from __future__ import annotations

from typing import Any

import numpy as np

from mdm.evaluation.intervals import wilson_measure
from mdm.evaluation.labels import Ints, Labels, Pairs, positions
from mdm.evaluation.measures import linked_share
from mdm.reports import Measure


def blocking_recall(labels: Labels, candidates: Any) -> Measure:
    """The share of true pairs that were proposed; candidates: table of left, right (source:record_id)."""
    proposed = pair_keys(labels, *known_pairs(labels, candidates))
    if isinstance(labels, Pairs):
        true = pair_keys(labels, labels.left, labels.right)[labels.same]
        return wilson_measure(int(np.isin(true, proposed).sum()), len(true))
    left, right = np.divmod(np.unique(proposed), max(1, len(labels.refs)))
    found = labels.clusters[left][labels.clusters[left] == labels.clusters[right]]
    return linked_share(labels.clusters, found)


def known_pairs(labels: Labels, pairs: Any) -> tuple[Ints, Ints]:
    """The positions of both records of each pair of two different labelled records."""
    left, right = positions(pairs.column("left"), labels.refs), positions(pairs.column("right"), labels.refs)
    known = (left >= 0) & (right >= 0) & (left != right)
    return left[known], right[known]


def pair_keys(labels: Labels, left: Ints, right: Ints) -> Ints:
    """One number per pair, the same whichever side comes first."""
    return np.minimum(left, right) * len(labels.refs) + np.maximum(left, right)
