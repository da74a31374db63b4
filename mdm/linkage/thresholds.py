"""Thresholds: a learnt release -> the bits from which pairs are reviewed and merged."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from mdm.engine.release import Release, to_units
from mdm.evaluation.intervals import DRAWS, SEED, wilson

REVIEW_BITS = -3.0
MERGE_BITS = 0.0
# Fewer labelled pairs of either kind say too little of where a threshold should lie.
LEAST_LABELS = 50
# Where a threshold may lie: every half bit.
STEPS = np.arange(-20.0, 40.5, 0.5)

Units = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class LabelledChoice:
    """The merge threshold with the fewest wrong decisions among labelled pairs.

    low, high: its 95 % interval by resampling. wrong: pairs decided wrongly there, of `pairs`.
    precision, recall: there, each with its 95 % interval (value, low, high).
    """

    bits: float
    low: float
    high: float
    wrong: int
    pairs: int
    precision: tuple[float, float, float]
    recall: tuple[float, float, float]


def choose_thresholds(release: Release, review: float | None, merge: float | None) -> Release:
    """The release with the given thresholds, those not given chosen: even odds to merge, 1:8 to review."""
    chosen_merge = MERGE_BITS if merge is None else merge
    chosen_review = min(REVIEW_BITS, chosen_merge) if review is None else review
    return replace(release, review=chosen_review, merge=chosen_merge)


def choose_by_labels(units: Units, same: Flags) -> LabelledChoice | None:
    """The merge threshold that labelled pairs speak for; None when there are too few of either kind.

    units: the weight of each pair on the grid. Of several thresholds that are equally good, the one nearest to even
    odds is taken.
    """
    if min(int(same.sum()), int((~same).sum())) < LEAST_LABELS:
        return None
    place = np.searchsorted([to_units(bits) for bits in STEPS], units, side="right")
    bins = np.column_stack([np.bincount(place[same == kind], minlength=len(STEPS) + 1) for kind in (True, False)])
    at = _best(_wrong(bins))
    drawn = np.random.default_rng(SEED).multinomial(len(units), bins.ravel() / len(units), size=DRAWS)
    resampled = STEPS[[_best(_wrong(draw.reshape(-1, 2))) for draw in drawn]]
    low, high = np.percentile(resampled, [2.5, 97.5])
    hits, joined = int(bins[at + 1 :, 0].sum()), int(bins[at + 1 :].sum())
    return LabelledChoice(
        bits=float(STEPS[at]),
        low=min(float(low), float(STEPS[at])),
        high=max(float(high), float(STEPS[at])),
        wrong=int(_wrong(bins)[at]),
        pairs=len(units),
        precision=_share(hits, joined),
        recall=_share(hits, int(bins[:, 0].sum())),
    )


def _wrong(bins: npt.NDArray[np.generic]) -> npt.NDArray[np.float64]:
    """Per threshold: same pairs below it and different pairs at or above it. bins: pairs (same, different) by step."""
    below = np.cumsum(bins, axis=0)[:-1].astype(np.float64)
    return np.asarray(below[:, 0] + bins[:, 1].sum() - below[:, 1])


def _best(wrong: npt.NDArray[np.float64]) -> int:
    ties = np.flatnonzero(wrong == wrong.min())
    return int(ties[np.argmin(np.abs(STEPS[ties] - MERGE_BITS))])


def _share(part: int, whole: int) -> tuple[float, float, float]:
    return (part / whole, *wilson(part, whole)) if whole else (0.0, 0.0, 1.0)
