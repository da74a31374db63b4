"""95 % intervals: shares and resampled sums -> Measure.

Same input, same interval: the bootstrap draws from a fixed seed.
"""

from __future__ import annotations

from math import isnan, sqrt

import numpy as np
import numpy.typing as npt

from mdm.reports import Measure

Floats = npt.NDArray[np.float64]

Z_95 = 1.959963984540054
DRAWS = 1000
SEED = 20240229
CELLS_AT_ONCE = 2_000_000
NOTHING = Measure(None, None, None)


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """The bounds of a share of independent trials, at least one of them.

    Source: Wilson 1927, score interval without continuity correction.
    """
    share = successes / trials
    spread = Z_95**2 / trials
    centre = (share + spread / 2) / (1 + spread)
    half = Z_95 * sqrt(share * (1 - share) / trials + spread / (4 * trials)) / (1 + spread)
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))


def wilson_measure(successes: int, trials: int) -> Measure:
    """A share of independent trials with its Wilson interval."""
    if trials == 0:
        return NOTHING
    low, high = wilson(successes, trials)
    return Measure(successes / trials, low, high)


def dice_measure(both: int, either: int) -> Measure:
    """F1 of labelled pairs from the share of pairs right among those joined or true.

    F1 = 2J / (1 + J) rises with that share J, so the bounds of J carry over.
    """
    share = wilson_measure(both, either)
    if share.value is None or share.low is None or share.high is None:
        return NOTHING
    return Measure(_dice(share.value), _dice(share.low), _dice(share.high))


def bootstrap(sums: Floats) -> Floats:
    """Column totals of DRAWS resamples of the rows, drawn with replacement.

    Equal rows are drawn as one group: most customers are resolved without error, so a million rows are a few
    hundred groups.
    """
    groups, sizes = np.unique(sums, axis=0, return_counts=True)
    generator = np.random.default_rng(SEED)
    shares = sizes / sizes.sum()
    at_once = max(1, CELLS_AT_ONCE // len(groups))
    blocks = [min(at_once, DRAWS - start) for start in range(0, DRAWS, at_once)]
    return np.concatenate([generator.multinomial(len(sums), shares, size=block) @ groups for block in blocks])


def bootstrap_measure(value: float, draws: Floats, units: int) -> Measure:
    """A value with the percentile interval of its resampled values (not a number: undefined in that draw).

    units: how many independent things it rests on; at exactly 0 or 1 resampling shows no spread, so there the
    bound is Wilson's for that many.
    """
    if isnan(value) or units == 0:
        return NOTHING
    if value in (0.0, 1.0):
        return Measure(value, *wilson(units if value else 0, units))
    low, high = np.nanpercentile(draws, [2.5, 97.5])
    return Measure(value, min(value, float(low)), max(value, float(high)))


def _dice(share: float) -> float:
    return 2 * share / (1 + share)
