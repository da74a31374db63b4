"""Scoring records: claims and issues of one record -> a letter per field, from which scores of sources are counted.

A letter is a digit of three bits: 1 the field has a value, 2 it holds one that is not valid, 4 it contradicts another.
A planted value counts as missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rules.issue_codes import NOT_VALID
from rules.record_view import field_of
from rules.rulebook import RuleBook

FILLED, INVALID, INCONSISTENT = 1, 2, 4
_DIMENSIONS = {"validity": INVALID, "consistency": INCONSISTENT}


@dataclass(frozen=True, slots=True)
class ScorePlan:
    """How records of an entity type are scored. meaning: issue as stored -> (place of its field, bit).

    consistent: the places of fields that some rule holds against others; elsewhere consistency says nothing.
    """

    places: Mapping[str, int]
    meaning: Mapping[str, tuple[int, int]]
    consistent: frozenset[int]


def plan_scores(fields: Iterable[str], rules: RuleBook) -> ScorePlan:
    """The plan for an entity type with these fields, in this order, by these rules but those of severity info."""
    places = {field: place for place, field in enumerate(fields)}
    meaning = {f"{field}:{code}": (place, INVALID) for field, place in places.items() for code in NOT_VALID}
    consistent = set()
    for rule in rules.applied:
        place, bit = places.get(field_of(rule.field)), _DIMENSIONS.get(rule.dimension)
        if place is None or bit is None or rule.severity == "info":
            continue
        meaning[f"rule.{rule.id}"] = (place, bit)
        if bit == INCONSISTENT:
            consistent.add(place)
    return ScorePlan(places, meaning, frozenset(consistent))


def letters_of(claims: Mapping[str, Sequence[Mapping[str, Any]]], issues: Iterable[str], plan: ScorePlan) -> str:
    """The letters of one record. issues: `field:code` and `rule.<id>`."""
    states = [0] * len(plan.places)
    for field, offered in claims.items():
        for claim in offered:
            if claim["clean"]:
                states[plan.places[field]] = FILLED
                break
    for issue in issues:
        told = plan.meaning.get(issue)
        if told is not None:
            states[told[0]] |= told[1]
    return "".join(map(str, states))


@dataclass(slots=True)
class Count:
    """How many records passed, of those that were asked."""

    passed: int = 0
    total: int = 0

    def add(self, passed: bool, records: int) -> None:
        """Count so many records more."""
        self.passed += records if passed else 0
        self.total += records


def count_scores(
    groups: Iterable[tuple[str, int]], fields: Iterable[str], plan: ScorePlan
) -> dict[tuple[str, str], Count]:
    """(field, dimension) -> count, over groups of (letters, records). fields: those the source maps.

    Letters of another length come from a time when the type had other fields, and count for nothing.
    """
    asked = [(field, plan.places[field]) for field in fields]
    counts: dict[tuple[str, str], Count] = {}
    for letters, records in groups:
        if len(letters) != len(plan.places):
            continue
        for field, place in asked:
            bits = int(letters[place])
            counts.setdefault((field, "completeness"), Count()).add(bool(bits & FILLED), records)
            if bits & (FILLED | INVALID):
                counts.setdefault((field, "validity"), Count()).add(not bits & INVALID, records)
            if place in plan.consistent:
                counts.setdefault((field, "consistency"), Count()).add(not bits & INCONSISTENT, records)
    return counts
