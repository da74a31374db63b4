"""Scoring one pair with a release: (features, features) -> weight with the evidence that gave it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from mdm.engine.compare import Features
from mdm.engine.level_python import Weigh, Weighed, compile_weigh
from mdm.engine.release import LevelWeight, Release, rarity_units, to_bits
from mdm.engine.shared import quiet

UNKNOWN = -1


class Evidence(NamedTuple):
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


@dataclass(frozen=True, slots=True)
class Scorer:
    """A release compiled; names: of its comparisons. weigh: the fast way, over features as they are heard."""

    prior_units: int
    names: tuple[str, ...]
    weigh: Weigh
    shared: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def score(self, left: Features, right: Features) -> Score:
        """The weight of the pair and its evidence, one per comparison in the release's order."""
        return self.told(self.weigh(self.heard(left), self.heard(right)))

    def told(self, weighed: Weighed) -> Score:
        """What `weigh` found, with the names of the comparisons."""
        total, levels, units = weighed
        return Score(total, tuple(map(Evidence, self.names, levels, units)))

    def heard(self, features: Features) -> Features:
        """The features as `weigh` wants them: without the values that many people share."""
        return quiet(features, self.shared) if self.shared else features


def make_scorer(release: Release) -> Scorer:
    """The scorer of a release; gives the same units as the SQL rendered from it."""
    weigh = compile_weigh(release, lambda level: _rarity(level, release))
    shared = {feature: frozenset(values) for feature, values in release.shared.items()}
    return Scorer(release.prior_units, tuple(comparison.name for comparison in release.comparisons), weigh, shared)


def _rarity(level: LevelWeight, release: Release) -> Callable[[str | None], int]:
    rarity = release.rarities[level.rarity or ""]

    @lru_cache(maxsize=65536)
    def extra(value: str | None) -> int:
        return rarity_units(rarity, value, level.u)

    return extra
