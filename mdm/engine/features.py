"""Features: claims of one record -> the compare columns of its entity type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mdm.engine.policy import EntityType, FeaturePolicy

Claims = Mapping[str, Sequence[Mapping[str, Any]]]
# A list feature keeps its first values only: a record with a hundred phones must not own the comparison.
MOST_VALUES = 12


def make_features(claims: Claims, entity: EntityType) -> dict[str, Any]:
    """Feature -> value, list of distinct values in order of claim, or None when unknown."""
    return {name: _feature(claims, policy) for name, policy in entity.features.items()}


def _feature(claims: Claims, policy: FeaturePolicy) -> Any:
    values: list[Any] = []
    for field, part in policy.sources:
        for claim in claims.get(field, ()):
            if policy.without and not set(policy.without).isdisjoint(claim["issues"]):
                continue
            for value in claim["compare"].get(part, ()):
                if value not in values:
                    values.append(value)
    if policy.number:
        values = [int(value) for value in values]
    if not values:
        return None
    return values[:MOST_VALUES] if policy.many else values[0]
