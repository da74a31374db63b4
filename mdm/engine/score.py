"""Scoring one pair with a release: (features, features) -> weight with the evidence that gave it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from mdm.engine.compare import Features, Test, compile_level
from mdm.engine.release import Comparison, LevelWeight, Release, rarity_units, to_bits
from mdm.engine.shared import quiet

UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one comparison says: the index of its level in `flat_levels` (-1 unknown) and its grid units."""

    comparison: str
    level: int
    units: int


@dataclass(frozen=True, slots=True)
class Score:
    """The match weight in grid units: prior plus evidence."""

    units: int
    evidence: tuple[Evidence, ...]

    @property
    def bits(self) -> float:
        """The match weight in bits."""
        return to_bits(self.units)

    @property
    def probability(self) -> float:
        """The posterior probability that the two records are one entity."""
        return 1 / (1 + math.exp2(min(-self.bits, 1000.0)))


Weigh = Callable[[Features, Features], Evidence]


@dataclass(frozen=True, slots=True)
class Scorer:
    """A release compiled to closures."""

    prior_units: int
    weighers: tuple[Weigh, ...]
    shared: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def score(self, left: Features, right: Features) -> Score:
        """The weight of the pair and its evidence, one per comparison in the release's order."""
        if self.shared:
            left, right = quiet(left, self.shared), quiet(right, self.shared)
        evidence = tuple(weigh(left, right) for weigh in self.weighers)
        return Score(self.prior_units + sum(e.units for e in evidence), evidence)


def make_scorer(release: Release) -> Scorer:
    """The scorer of a release; gives the same units as the SQL rendered from it."""
    shared = {feature: frozenset(values) for feature, values in release.shared.items()}
    return Scorer(release.prior_units, tuple(_weigher(c, release) for c in release.comparisons), shared)


def _weigher(comparison: Comparison, release: Release) -> Weigh:
    unknown = compile_level(comparison.unknown)
    every = [(i, *_compiled(level, release)) for i, level in enumerate(comparison.every)]
    gated, levels = every[: comparison.shift], every[comparison.shift :]
    gate = None if comparison.gate is None else compile_level(comparison.gate.when)
    name = comparison.name

    def weigh(left: Features, right: Features) -> Evidence:
        if not unknown(left, right):
            for index, test, units in gated if gate is not None and gate(left, right) else levels:
                if test(left, right):
                    return Evidence(name, index, units(left, right))
        return Evidence(name, UNKNOWN, 0)

    return weigh


def _compiled(level: LevelWeight, release: Release) -> tuple[Test, Callable[[Features, Features], int]]:
    base = level.units
    if level.rarity is None:
        return compile_level(level.when), lambda _left, _right: base
    feature = level.rarity
    rarity = release.rarities[feature]

    @lru_cache(maxsize=65536)
    def extra(value: str | None) -> int:
        return rarity_units(rarity, value, level.u)

    return compile_level(
        level.when
    ), lambda left, right: base + min(extra(left.get(feature)), extra(right.get(feature)))
