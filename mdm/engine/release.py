"""A release: everything a match decision depends on, as immutable, dialect-free data.

Weights are integers, in units of 2^-20 bits, so that sums are exact and no order of addition matters.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mdm.engine.levels import AllOf, Level, level_text, parse_level

GRID = 1 << 20
# An m or u below this is not believed: it would be a certainty learnt from a finite sample.
LEAST = 1e-9


@dataclass(frozen=True, slots=True)
class FeatureShape:
    """How a feature is stored: a list of values or one; integers or text."""

    many: bool
    number: bool


@dataclass(frozen=True, slots=True)
class LevelWeight:
    """One level with its probabilities among matches (m) and others (u)."""

    name: str
    when: Level
    m: float
    u: float
    rarity: str | None = None

    @property
    def units(self) -> int:
        """log2(m/u) on the grid."""
        return to_units(math.log2(max(self.m, LEAST) / max(self.u, LEAST)))


@dataclass(frozen=True, slots=True)
class Gate:
    """A condition under which a comparison's levels weigh otherwise: relatives and namesakes resemble each other."""

    name: str
    when: Level
    levels: tuple[LevelWeight, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Ordered levels, first true wins; `gate` holds the same levels as they weigh where its condition holds."""

    name: str
    show: tuple[str, ...]
    unknown: Level
    levels: tuple[LevelWeight, ...]
    gate: Gate | None = None

    @property
    def shift(self) -> int:
        """How many gated levels come before the open ones in level indexes."""
        return 0 if self.gate is None else len(self.gate.levels)

    @property
    def every(self) -> tuple[LevelWeight, ...]:
        """All levels as level indexes count them: gated ones first."""
        return self.levels if self.gate is None else self.gate.levels + self.levels


@dataclass(frozen=True, slots=True)
class Rarity:
    """Term frequencies of one feature: share of the records that know it; below `least` all are equally rare."""

    terms: Mapping[str, float]
    least: float

    def frequency(self, value: str | None) -> float:
        """The share of the value, `least` when it was too rare to be kept."""
        return self.least if value is None else self.terms.get(value, self.least)


@dataclass(frozen=True, slots=True)
class KeyRule:
    """A blocking key: features, each whole or cut to a prefix."""

    name: str
    on: tuple[tuple[str, int | None], ...]


@dataclass(frozen=True, slots=True)
class Release:
    """The active rules of matching for one entity type.

    shared: feature -> values that so many people hold that agreeing on one says nothing.
    """

    release_id: str
    entity: str
    records: int
    prior: float
    features: Mapping[str, FeatureShape]
    comparisons: tuple[Comparison, ...]
    rarities: Mapping[str, Rarity]
    keys: tuple[KeyRule, ...]
    cap: int
    review: float
    merge: float
    identifying: tuple[str, ...] = ()
    policy: str = ""
    created_at: str = ""
    notes: tuple[str, ...] = ()
    training: Mapping[str, Any] = field(default_factory=dict)
    shared: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def prior_units(self) -> int:
        """log2 of the prior odds on the grid."""
        return to_units(math.log2(self.prior / (1 - self.prior)))


def to_units(bits: float) -> int:
    """Bits on the grid. A threshold reached is `units >= to_units(threshold)`: integers leave no noise to decide."""
    return round(bits * GRID)


def to_bits(units: int) -> float:
    """Grid units as bits; exact."""
    return units / GRID


def rarity_units(release_rarity: Rarity, value: str | None, u: float) -> int:
    """What agreeing on this value adds to the level's own weight: log2(u / frequency)."""
    return to_units(math.log2(max(u, LEAST) / max(release_rarity.frequency(value), LEAST)))


def to_json(release: Release) -> dict[str, Any]:
    """The release as plain JSON values."""
    return {
        "format": "mdm-release-1",
        "release_id": release.release_id,
        "entity": release.entity,
        "records": release.records,
        "prior": release.prior,
        "features": {n: {"many": s.many, "number": s.number} for n, s in release.features.items()},
        "comparisons": [_comparison_json(c) for c in release.comparisons],
        "rarities": {n: {"least": r.least, "terms": dict(r.terms)} for n, r in release.rarities.items()},
        "keys": [{"name": k.name, "on": [list(part) for part in k.on]} for k in release.keys],
        "cap": release.cap,
        "thresholds": {"review": release.review, "merge": release.merge},
        "identifying": list(release.identifying),
        "policy": release.policy,
        "created_at": release.created_at,
        "notes": list(release.notes),
        "training": dict(release.training),
        "shared": {feature: list(values) for feature, values in release.shared.items()},
    }


def from_json(data: Mapping[str, Any]) -> Release:
    """The release that `to_json` wrote."""
    return Release(
        release_id=data["release_id"],
        entity=data["entity"],
        records=data["records"],
        prior=data["prior"],
        features={n: FeatureShape(s["many"], s["number"]) for n, s in data["features"].items()},
        comparisons=tuple(_comparison(c) for c in data["comparisons"]),
        rarities={n: Rarity(r["terms"], r["least"]) for n, r in data["rarities"].items()},
        keys=tuple(KeyRule(k["name"], tuple((f, n) for f, n in k["on"])) for k in data["keys"]),
        cap=data["cap"],
        review=data["thresholds"]["review"],
        merge=data["thresholds"]["merge"],
        identifying=tuple(data["identifying"]),
        policy=data["policy"],
        created_at=data["created_at"],
        notes=tuple(data["notes"]),
        training=data["training"],
        shared={feature: tuple(values) for feature, values in data.get("shared", {}).items()},
    )


def _comparison_json(comparison: Comparison) -> dict[str, Any]:
    return {
        "name": comparison.name,
        "show": list(comparison.show),
        "unknown": level_text(comparison.unknown),
        "levels": [_level_json(level) for level in comparison.levels],
        "gate": _gate_json(comparison.gate),
    }


def _gate_json(gate: Gate | None) -> dict[str, Any] | None:
    if gate is None:
        return None
    return {"name": gate.name, "when": level_text(gate.when), "levels": [_level_json(level) for level in gate.levels]}


def _gate(data: Mapping[str, Any] | None) -> Gate | None:
    if data is None:
        return None
    return Gate(data["name"], parse_level(data["when"]), tuple(_level(level) for level in data["levels"]))


def _level_json(level: LevelWeight) -> dict[str, Any]:
    data = {"name": level.name, "when": level_text(level.when), "m": level.m, "u": level.u, "rarity": level.rarity}
    return data | {"bits": to_bits(level.units)}


def _comparison(data: Mapping[str, Any]) -> Comparison:
    return Comparison(
        name=data["name"],
        show=tuple(data["show"]),
        unknown=parse_level(data["unknown"]),
        levels=tuple(_level(level) for level in data["levels"]),
        gate=_gate(data["gate"]),
    )


def _level(data: Mapping[str, Any]) -> LevelWeight:
    return LevelWeight(data["name"], parse_level(data["when"]), data["m"], data["u"], data["rarity"])


def flat_levels(comparison: Comparison) -> list[LevelWeight]:
    """All levels in the order engines test them, gated ones with the gate in their condition."""
    if comparison.gate is None:
        return list(comparison.levels)
    when = comparison.gate.when
    gated = [replace(level, when=AllOf((when, level.when))) for level in comparison.gate.levels]
    return gated + list(comparison.levels)
