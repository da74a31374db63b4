"""Contacts that many different people share: a clinic's phone says nothing about who its patients are.

A value is shared when people of at least so many family names, and of as many given names, hold it. Both, because one
person's records may spell a family name in several ways, and a big household has one family name and many given ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

SHARED_NAMES = 5

Use = Literal["personal", "household", "shared"]


def classify(people: Iterable[tuple[str | None, str | None]]) -> Use:
    """How a contact is used by the people who gave it, each as (family, given) in a form that spellings share."""
    held = list(people)
    families = {family for family, _ in held if family is not None}
    givens = {given for _, given in held if given is not None}
    if len(families) >= SHARED_NAMES and len(givens) >= SHARED_NAMES:
        return "shared"
    return "household" if len(givens) > 1 else "personal"


def quiet(features: Mapping[str, Any], shared: Mapping[str, frozenset[str]]) -> Mapping[str, Any]:
    """The features without shared values; a feature that holds no others is unknown. The same where there are none."""
    for feature, values in shared.items():
        held = features.get(feature)
        if held is not None and not values.isdisjoint(held):
            features = {**features, feature: [value for value in held if value not in values] or None}
    return features
