"""Blocking keys: features -> signed 64-bit integers; records that share one become candidates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from itertools import product
from typing import Any

from mdm.engine.release import KeyRule

# Combinations of multi-valued features per key rule: enough for real records, bounded for hostile ones.
MOST_COMBINATIONS = 16


def blocking_keys(features: Mapping[str, Any], rules: Sequence[KeyRule], entity: str) -> list[int]:
    """The keys of a record, sorted and distinct; a rule with an unknown feature gives none."""
    keys = {content_key(features, entity)}
    for rule in rules:
        for values in _combinations(features, rule):
            keys.add(_key(entity, rule.name, values))
    return sorted(keys)


def content_key(features: Mapping[str, Any], entity: str) -> int:
    """The key that records of identical content share, whatever else is known."""
    return _key(entity, "content", [f"{name}={features[name]!r}" for name in sorted(features)])


def _combinations(features: Mapping[str, Any], rule: KeyRule) -> list[tuple[str, ...]]:
    columns: list[list[str]] = []
    for feature, length in rule.on:
        value = features.get(feature)
        if value is None:
            return []
        values = value if isinstance(value, list) else [value]
        columns.append([str(v) if length is None else str(v)[:length] for v in values])
    return list(product(*columns))[:MOST_COMBINATIONS]


def _key(entity: str, rule: str, values: Sequence[str]) -> int:
    text = "\x1f".join((entity, rule, *values))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)
