"""Blocking keys: who shares one, who gets none, and that a hostile record gets a bounded number."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdm.engine.keys import MOST_COMBINATIONS, compile_keys
from mdm.engine.release import KeyRule

RULES = (
    KeyRule("phone", (("phones", None),)),
    KeyRule("name", (("family", None), ("given", 1))),
    KeyRule("born", (("family", None), ("days", None))),
)
MANY = {"phones", "days"}
ANN: dict[str, Any] = {"given": "ann", "family": "lee", "phones": ["1", "2"], "days": [10_000]}


def keys_of(features: dict[str, Any], entity: str = "person") -> list[int]:
    return compile_keys(RULES, entity, MANY)(features)


def shared(left: dict[str, Any], right: dict[str, Any], entity: str = "person") -> int:
    return len(set(keys_of(left)) & set(keys_of(right, entity)))


@pytest.mark.parametrize(
    ("name", "other", "entity", "count"),
    [
        ("the same content shares all: two phones, name, birth, content", ANN, "person", 5),
        ("one phone of several", {"phones": ["2", "9"]}, "person", 1),
        ("a prefix is enough where a rule says so", {"given": "ada", "family": "lee"}, "person", 1),
        ("but all features of a rule must agree", {"given": "bo", "family": "lee"}, "person", 0),
        ("an unknown feature gives no key", {"family": "lee", "days": None}, "person", 0),
        ("values do not move between features", {"given": "lee", "family": "ann"}, "person", 0),
        ("another type of entity never shares", ANN, "organisation", 0),
    ],
)
def test_who_shares_a_key(name: str, other: dict[str, Any], entity: str, count: int) -> None:
    assert shared(ANN, other, entity) == count, name


def test_two_records_without_any_value_are_of_identical_content() -> None:
    assert shared({"given": None}, {"given": None}) == 1


def test_a_hostile_record_has_a_bounded_number_of_keys() -> None:
    many = {"family": "lee", "phones": [str(n) for n in range(500)], "days": list(range(500))}
    assert len(keys_of(many)) == 2 * MOST_COMBINATIONS + 1


RECORDS = st.fixed_dictionaries(
    {
        "given": st.none() | st.text(min_size=1, max_size=3),
        "family": st.none() | st.text(min_size=1, max_size=3),
        "phones": st.none() | st.lists(st.text("0123456789", min_size=1), min_size=1, max_size=4, unique=True),
        "days": st.none() | st.lists(st.integers(-40_000, 40_000), min_size=1, max_size=2, unique=True),
    }
)


@given(RECORDS)
def test_keys_are_sorted_distinct_signed_64_bit_numbers_whatever_the_order(features: dict[str, Any]) -> None:
    keys = keys_of(features)
    assert keys == sorted(set(keys))
    assert all(-(2**63) <= key < 2**63 for key in keys)
    assert compile_keys(RULES[::-1], "person", MANY)(dict(reversed(features.items()))) == keys
