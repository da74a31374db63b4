"""Letters of quality: what a record's claims and issues say of its fields, and how letters become scores."""

from __future__ import annotations

from typing import Any

import pytest

from rules.rulebook import Action, Rule, RuleBook
from rules.scorecard import Count, count_scores, letters_of, plan_scores

FIELDS = ("name", "phone", "birth_date")
RULES = RuleBook(
    "person",
    (
        Rule("short", "name.family", "min_length", {"value": 2}),
        Rule("future", "birth_date", "date_max", {"value": "updated_at"}, dimension="consistency"),
        Rule("needed", "phone", "not_null", {}, dimension="completeness"),
        Rule("off", "phone", "max_values", {"value": 1}, dimension="consistency", apply=False),
        Rule("elsewhere", "record.country", "not_null", {}, dimension="consistency", action=Action("flag")),
        Rule("role", "phone", "max_values", {"value": 1}, severity="info"),
        Rule("rows", "record", "row_count", {"min": 1}),
    ),
)
PLAN = plan_scores(FIELDS, RULES)
GOOD: list[dict[str, Any]] = [{"clean": {"value": "x"}, "issues": []}]
REFUSED: list[dict[str, Any]] = [{"clean": {}, "issues": []}]


@pytest.mark.parametrize(
    ("claims", "issues", "letters"),
    [
        ({}, [], "000"),
        ({"name": GOOD}, [], "100"),
        ({"name": GOOD, "phone": REFUSED + GOOD, "birth_date": REFUSED}, [], "110"),
        ({"phone": GOOD}, ["phone:phone.invalid"], "030"),
        ({"phone": REFUSED}, ["phone:phone.unreadable"], "020"),
        ({"phone": REFUSED}, ["phone:phone.placeholder", "phone:phone.reserved"], "000"),
        ({"name": GOOD}, ["rule.short"], "300"),
        ({"birth_date": REFUSED}, ["birth_date:date.impossible", "rule.future"], "006"),
        ({"phone": GOOD}, ["rule.needed", "rule.off", "rule.role", "rule.elsewhere", "rule.unknown"], "010"),
    ],
)
def test_letters(claims: dict[str, Any], issues: list[str], letters: str) -> None:
    assert letters_of(claims, issues, PLAN) == letters


def test_scores_are_counted_over_the_mapped_fields() -> None:
    groups = [("000", 2), ("110", 5), ("031", 1), ("006", 1), ("020", 1), ("-", 100), ("", 7)]
    assert count_scores(groups, ["phone", "birth_date"], PLAN) == {
        ("phone", "completeness"): Count(6, 10),
        ("phone", "validity"): Count(5, 7),
        ("birth_date", "completeness"): Count(1, 10),
        ("birth_date", "validity"): Count(1, 2),
        ("birth_date", "consistency"): Count(9, 10),
    }
