"""Quality by threshold: labels, scored pairs -> the partition at each threshold and its pairwise quality."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from mdm.evaluation.labels import Ints, Labels, positions
from mdm.evaluation.measures import PairCounts, pair_counts
from mdm.reports import ThresholdPoint

MOST_POINTS = 40
STEPS = (0.5, 1.0, 2.0, 5.0, 10.0, 25.0)


@dataclass(frozen=True, slots=True)
class ScoredPairs:
    """Pairs as node numbers with their bits, strongest first, and the node of each labelled record."""

    left: Ints
    right: Ints
    bits: npt.NDArray[np.float64]
    labelled: Ints
    nodes: int


def quality_curve(labels: Labels, scored: Any, marks: Iterable[float]) -> tuple[ThresholdPoint, ...]:
    """The quality at each threshold, highest first, when every pair at or above it joins its two records.

    scored: table of left, right (source:record_id), bits. marks: thresholds that must be among the points.
    """
    pairs = _numbered(labels, scored)
    if len(pairs.bits) == 0:
        return ()
    parents = list(range(pairs.nodes))
    points, done = [], 0
    for threshold in _grid(pairs.bits, marks):
        until = int(np.searchsorted(-pairs.bits, -threshold, side="right"))
        _join(parents, pairs.left[done:until], pairs.right[done:until])
        done = until
        points.append(_point(threshold, pair_counts(labels, _roots(parents)[pairs.labelled])))
    return tuple(points)


def _numbered(labels: Labels, scored: Any) -> ScoredPairs:
    left, right = scored.column("left").cast(pa.string()), scored.column("right").cast(pa.string())
    nodes = pc.unique(pa.chunked_array([labels.refs, *left.chunks, *right.chunks], pa.string()))
    bits = np.asarray(scored.column("bits").to_numpy(), dtype=np.float64)
    order = np.argsort(-bits, kind="stable")
    return ScoredPairs(
        left=positions(left, nodes)[order],
        right=positions(right, nodes)[order],
        bits=bits[order],
        labelled=positions(labels.refs, nodes),
        nodes=len(nodes),
    )


def _grid(bits: npt.NDArray[np.float64], marks: Iterable[float]) -> list[float]:
    lowest, highest = float(bits.min()), float(bits.max())
    step = next((s for s in STEPS if (highest - lowest) / s <= MOST_POINTS), (highest - lowest) / MOST_POINTS)
    regular = np.arange(np.floor(lowest / step), np.ceil(highest / step) + 1) * step
    return sorted({*regular.tolist(), *marks}, reverse=True)


def _join(parents: list[int], left: Ints, right: Ints) -> None:
    for one, other in zip(left.tolist(), right.tolist(), strict=True):
        root, child = _root(parents, one), _root(parents, other)
        parents[max(root, child)] = min(root, child)


def _root(parents: list[int], node: int) -> int:
    while parents[node] != node:
        parents[node] = parents[parents[node]]
        node = parents[node]
    return node


def _roots(parents: list[int]) -> Ints:
    roots = np.asarray(parents, dtype=np.int64)
    while not np.array_equal(roots[roots], roots):
        roots = roots[roots]
    return roots


def _point(threshold: float, counts: PairCounts) -> ThresholdPoint:
    return ThresholdPoint(
        bits=threshold,
        precision=_share(counts.right, counts.joined),
        recall=_share(counts.right, counts.true),
        f1=_share(2 * counts.right, counts.joined + counts.true),
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
