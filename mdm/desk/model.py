"""The model that decides: weights of its levels, thresholds, and how many links lie where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from mdm import learning
from mdm.engine.release import Comparison, LevelWeight, Release, to_bits
from mdm.reports import ReleaseSummary
from mdm.store import links, releases


@dataclass(frozen=True, slots=True)
class LevelShown:
    """A level: how often pairs of one customer (m) and of two (u) reach it, and what it weighs in bits."""

    name: str
    m: float
    u: float
    bits: float
    by_rarity: bool


@dataclass(frozen=True, slots=True)
class ComparisonShown:
    """A comparison with its levels, best first. gate, gated: how they weigh where its condition holds."""

    name: str
    levels: tuple[LevelShown, ...]
    gate: str | None
    gated: tuple[LevelShown, ...]


@dataclass(frozen=True, slots=True)
class ModelShown:
    """The active release of an entity type. histogram: whole bits -> links of at least as many, below one more."""

    entity: str
    release_id: str
    created_at: str
    records: int
    prior_bits: float
    review: float
    merge: float
    comparisons: tuple[ComparisonShown, ...]
    keys: tuple[str, ...]
    cap: int
    shared: Mapping[str, int]
    notes: tuple[str, ...]
    histogram: Mapping[int, int]


def active_models(connection: Connection, names: tuple[str, ...]) -> list[ModelShown]:
    """The active release of each entity type that has one."""
    found = [learning.active_release(connection, name) for name in names]
    histograms = links.histograms(connection)
    return [_shown(release, histograms) for release in found if release is not None]


def _shown(release: Release, histograms: Mapping[str, Mapping[int, int]]) -> ModelShown:
    return ModelShown(
        entity=release.entity,
        release_id=release.release_id,
        created_at=release.created_at,
        records=release.records,
        prior_bits=to_bits(release.prior_units),
        review=release.review,
        merge=release.merge,
        comparisons=tuple(_comparison(each) for each in release.comparisons),
        keys=tuple(rule.name for rule in release.keys),
        cap=release.cap,
        shared={feature: len(values) for feature, values in release.shared.items()},
        notes=release.notes,
        histogram=histograms.get(release.release_id, {}),
    )


def _comparison(given: Comparison) -> ComparisonShown:
    gate = given.gate
    return ComparisonShown(
        name=given.name,
        levels=tuple(map(_level, given.levels)),
        gate=None if gate is None else gate.name,
        gated=() if gate is None else tuple(map(_level, gate.levels)),
    )


def _level(level: LevelWeight) -> LevelShown:
    return LevelShown(level.name, level.m, level.u, to_bits(level.units), level.rarity is not None)


def all_releases(connection: Connection, names: tuple[str, ...]) -> list[ReleaseSummary]:
    """Every release, newest first."""
    active = {stored.release_id for name in names if (stored := releases.active(connection, name)) is not None}
    known = releases.all(connection)
    return [learning.summary(learning.read(each), active=each.release_id in active) for each in reversed(known)]
