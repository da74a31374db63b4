"""Expectation maximisation over the whole space of pairs: level matrices -> prior, m and u.

Splink's sessions each see the pairs of one blocking rule and must leave that rule's comparisons out. Here every
candidate pair counts once and a random sample, weighted, stands for all the rest, so the prior and the u of rare
joint levels (a household's) are estimated where they live. Expected m and u act as a few imagined pairs, which
keeps small or odd data sane.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Levels = npt.NDArray[np.int16]

# Imagined matches, and the share of imagined pairs among all others. A level that no key enumerates is seen in the
# random sample or not at all; without the share, not seen would read as impossible.
M_STRENGTH = 40.0
U_SHARE = 0.05
U_LEAST = 40.0
# A level never seen among n pairs has a share of about 1 / 2n: small data cannot know that something is rare.
UNSEEN = 0.5
# Without labels the two classes can trade places: relatives of a household learnt as matches, or duplicates as
# relatives. So what is learnt may leave what is expected by these factors only.
M_BELOW = 4.0
U_ABOVE = 4.0
TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Pairs:
    """Sampled pairs: one row each; `levels` (-1 unknown), log2 term frequency where the level asks for it, weight.

    Only a `candidate` may be a match: a pair that no key proposes is not one, and what millions of such pairs have in
    common by chance must not look like a second kind of match. labels: what is known of each pair, 1 same, 0 different,
    -1 nothing; None when nothing is known of any.
    """

    levels: Levels
    frequencies: Floats
    weights: Floats
    candidate: npt.NDArray[np.bool_]
    labels: npt.NDArray[np.int8] | None = None


@dataclass(slots=True)
class Table:
    """Probabilities of one comparison: levels under the kin gate first (`shift` of them), then without."""

    m: Floats
    u: Floats
    expected_m: Floats
    expected_u: Floats
    shift: int
    rare: npt.NDArray[np.bool_]


@dataclass(slots=True)
class Fit:
    """Where the estimation ended."""

    prior: float
    tables: list[Table]
    steps: int = 0
    change: float = field(default=1.0)


def estimate(pairs: Pairs, fit: Fit, *, most_steps: int = 40, tolerance: float = 0.002) -> Fit:
    """The fit after steps of expectation and maximisation; stops when no probability moves by more than 0.2 %."""
    for step in range(1, most_steps + 1):
        matches = posterior(pairs, fit) * pairs.weights
        others = pairs.weights - matches
        before = np.concatenate([t.m for t in fit.tables])
        for column, table in enumerate(fit.tables):
            _maximise(table, pairs.levels[:, column], matches, others)
        fit.prior = float(np.clip(matches.sum() / pairs.weights.sum(), 1e-12, 0.5))
        fit.steps, fit.change = step, float(np.abs(np.concatenate([t.m for t in fit.tables]) - before).max())
        if fit.change < tolerance:
            break
    return fit


def posterior(pairs: Pairs, fit: Fit) -> Floats:
    """The probability of a match, per pair; what a label says is certain."""
    bits = weights(pairs, fit)
    shares = np.where(pairs.candidate, 1.0 / (1.0 + np.exp2(-np.clip(bits, -200, 200))), 0.0)
    return shares if pairs.labels is None else np.where(pairs.labels >= 0, pairs.labels, shares)


def weights(pairs: Pairs, fit: Fit) -> Floats:
    """The match weight in bits, per pair."""
    bits = np.full(len(pairs.weights), np.log2(fit.prior / (1 - fit.prior)))
    for column, table in enumerate(fit.tables):
        levels = pairs.levels[:, column]
        known = levels >= 0
        at = levels[known]
        u_bits = np.where(table.rare[at], pairs.frequencies[known, column], np.log2(np.maximum(table.u[at], TINY)))
        bits[known] += np.log2(np.maximum(table.m[at], TINY)) - u_bits
    return bits


def _maximise(table: Table, levels: Levels, matches: Floats, others: Floats) -> None:
    known = levels >= 0
    count = len(table.m)
    m: Floats = np.bincount(levels[known], matches[known], count).astype(np.float64)
    u: Floats = np.bincount(levels[known], others[known], count).astype(np.float64)
    shift = table.shift
    if shift:
        # A match looks the same inside a household and outside; only who else is there differs.
        m = np.tile(m[:shift] + m[shift:], 2)
        gated = _normalised(u[:shift], table.expected_u[:shift], _imagined(u[:shift]))
        table.u[:shift] = _capped(gated, table.expected_u[:shift] * U_ABOVE)
    open_m = _normalised(m[shift:], table.expected_m[shift:], M_STRENGTH)
    expected = table.expected_m[shift:]
    bounded = np.maximum(open_m, expected / M_BELOW)
    table.m = np.tile(bounded / bounded.sum(), 2 if shift else 1)
    table.u[shift:] = _normalised(u[shift:], table.expected_u[shift:], _imagined(u[shift:]))


def _capped(shares: Floats, most: Floats) -> Floats:
    """The shares, none above its cap; the last level, `else`, takes what is left over."""
    moved = np.minimum(shares, most)
    moved[-1] = shares[-1] + float((shares[:-1] - moved[:-1]).sum())
    return np.asarray(moved / moved.sum())


def _imagined(counts: Floats) -> float:
    return max(U_LEAST, U_SHARE * float(counts.sum()))


def _normalised(counts: Floats, expected: Floats, strength: float) -> Floats:
    imagined = counts + UNSEEN + expected / expected.sum() * strength
    return np.asarray(imagined / imagined.sum())
