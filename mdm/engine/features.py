"""Features: claims of one record -> the compare columns of its entity type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from mdm.engine.policy import EntityType

Offered = Sequence[Mapping[str, Any]]
Claims = Mapping[str, Offered]
# A list feature keeps its first values only: a record with a hundred phones must not own the comparison.
MOST_VALUES = 12


class _Feature(NamedTuple):
    """A feature of one field; parts: where its values stand in the claims; without: issues that silence a claim."""

    name: str
    part: str
    many: bool
    number: bool
    without: frozenset[str]


@dataclass(frozen=True, slots=True)
class FeaturePlan:
    """The features of an entity type: those that read one field, by that field, and those that read several."""

    unknown: Mapping[str, None]
    of_field: Mapping[str, tuple[_Feature, ...]]
    of_several: tuple[tuple[tuple[str, _Feature], ...], ...]


def plan_features(entity: EntityType) -> FeaturePlan:
    """The plan by which claims of this entity type become features."""
    of_field: dict[str, tuple[_Feature, ...]] = {}
    of_several = []
    for name, policy in entity.features.items():
        without = frozenset(policy.without)
        read = [(field, _Feature(name, part, policy.many, policy.number, without)) for field, part in policy.sources]
        if len(read) == 1:
            field, feature = read[0]
            of_field[field] = (*of_field.get(field, ()), feature)
        else:
            of_several.append(tuple(read))
    return FeaturePlan(dict.fromkeys(entity.features), of_field, tuple(of_several))


def make_features(claims: Claims, plan: FeaturePlan) -> dict[str, Any]:
    """Feature -> value, list of distinct values in order of claim, or None when unknown."""
    features: dict[str, Any] = {**plan.unknown}
    for field, offered in claims.items():
        for feature in plan.of_field.get(field, ()):
            values = _values(offered, feature)
            if values:
                features[feature.name] = _shaped(values, feature)
    for sources in plan.of_several:
        values = [value for field, feature in sources for value in _values(claims.get(field, ()), feature)]
        if values:
            features[sources[0][1].name] = _shaped(values, sources[0][1])
    return features


def _values(offered: Offered, feature: _Feature) -> Sequence[str]:
    _, part, _, _, without = feature
    if len(offered) == 1 and not without:
        values: Sequence[str] = offered[0]["compare"].get(part, ())
        return values
    heard = [claim["compare"] for claim in offered if without.isdisjoint(claim["issues"])]
    return [value for compare in heard for value in compare.get(part, ())]


def _shaped(values: Sequence[str], feature: _Feature) -> Any:
    _, _, many, number, _ = feature
    if not many:
        return int(values[0]) if number else values[0]
    distinct = [*dict.fromkeys(values)] if len(values) > 1 else [*values]
    return [*map(int, distinct)][:MOST_VALUES] if number else distinct[:MOST_VALUES]
