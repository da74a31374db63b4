"""Golden records: strategies in order, units from one claim, ages relative to the newest, ties by name."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdm.engine.policy import EntityType, SurvivorshipPolicy
from mdm.engine.survive import STRATEGIES, Golden, Member, survive
from mdm.entity import load_entity

PERSON = load_entity("person")


def claim(value: str | dict[str, str], trust: float = 50) -> dict[str, Any]:
    return {"clean": {"value": value} if isinstance(value, str) else value, "trust": trust, "issues": []}


def member(name: str, updated_at: str | None = None, **fields: Any) -> Member:
    """A record `source:id`; each field a claim or a list of them, a text being a claim of trust 50."""
    source, _, record_id = name.partition(":")
    listed = {f: v if isinstance(v, list) else [v] for f, v in fields.items()}
    claims = {f: [claim(v) if isinstance(v, str) else v for v in values] for f, values in listed.items()}
    return Member(source, record_id, updated_at, claims)


def ruled(by: tuple[str, ...], *, unit: bool = False, ageing: float = 0.0) -> EntityType:
    """The person whose every field survives by this rule."""
    return replace(PERSON, survivorship={}, default_survivorship=SurvivorshipPolicy(by, unit, ageing))


def winner(golden: Golden, field: str) -> tuple[dict[str, str], str, str]:
    (value,) = golden[field]
    return value["value"], f"{value['source']}:{value['record_id']}", value["by"]


OLD = member("crm:1", "2020-01-01", gender=claim("male", 40))
NEW = member("web:2", "2024-01-01", gender=claim("female", 30))
LONG = member("web:3", "2021-01-01", gender=claim("female, she says", 20))
UNDATED = member("app:4", None, gender=claim("Male", 10))


@pytest.mark.parametrize(
    ("by", "won"),
    [
        (("trusted",), ("male", "crm:1", "trusted")),
        (("most_recent",), ("female", "web:2", "most_recent")),
        (("most_frequent",), ("male", "crm:1", "most_frequent")),
        (("longest",), ("female, she says", "web:3", "longest")),
        (("first",), ("Male", "app:4", "first")),
        (("most_frequent", "longest"), ("male", "crm:1", "most_frequent")),
    ],
)
def test_strategies(by: tuple[str, ...], won: tuple[str, str, str]) -> None:
    value, record, decided = winner(survive([OLD, NEW, LONG, UNDATED], ruled(by)), "gender")
    assert (value["value"], record, decided) == won


def test_every_strategy_is_told_apart_above() -> None:
    assert set(STRATEGIES) == {"trusted", "most_recent", "most_frequent", "longest", "first"}


def test_a_strategy_that_leaves_a_tie_hands_on_to_the_next() -> None:
    twins = [member("crm:1", "2024-01-01", gender="male"), member("crm:2", "2024-01-01", gender="unknown")]
    value, record, decided = winner(survive(twins, ruled(("most_recent", "longest"))), "gender")
    assert (value["value"], record, decided) == ("unknown", "crm:2", "longest")


def test_ties_that_remain_go_by_trust_then_name() -> None:
    people = [member("web:1", gender="a"), member("crm:2", gender="b"), member("crm:1", gender="c")]
    assert winner(survive(people, ruled(("most_recent",))), "gender")[1] == "crm:1"


def test_one_value_needs_no_strategy() -> None:
    assert winner(survive([OLD], ruled(("trusted",))), "gender")[2] == "only"


def test_a_claim_ages_against_the_newest_of_its_entity() -> None:
    ageing = ruled(("trusted",), ageing=4.0)
    assert winner(survive([OLD, NEW], ageing), "gender")[1] == "web:2"
    assert winner(survive([OLD, NEW._replace(updated_at="2022-01-01")], ageing), "gender")[1] == "crm:1"
    assert winner(survive([OLD, NEW._replace(updated_at=None)], ageing), "gender")[1] == "crm:1"


STREETS = [
    member("crm:1", "2020-01-01", address=claim({"line": "1 Oak St", "city": "Salem", "postcode": "97301"})),
    member("web:2", "2024-01-01", address=claim({"line": "9 Elm Rd", "city": "Provo"})),
]


def test_a_unit_comes_from_one_claim() -> None:
    (value,) = survive(STREETS, ruled(("most_recent",), unit=True))["address"]
    assert value["value"] == {"line": "9 Elm Rd", "city": "Provo"}


def test_parts_each_have_their_winner_and_origin() -> None:
    values = survive(STREETS, ruled(("most_recent",)))["address"]
    assert [(v["value"], v["source"]) for v in values] == [
        ({"city": "Provo"}, "web"),
        ({"line": "9 Elm Rd"}, "web"),
        ({"postcode": "97301"}, "crm"),
    ]


def test_a_refused_value_offers_nothing() -> None:
    assert survive([member("crm:1", gender=claim({}))], PERSON) == {}


VALUES = st.sampled_from(["ann", "Ann", "anna", "bo"])
MEMBERS = st.lists(
    st.builds(
        lambda place, date, values: member(f"{'abc'[place % 3]}:{place}", date, gender=values),
        st.integers(0, 30),
        st.sampled_from([None, "2020-05-01", "2024-05-01"]),
        st.lists(st.builds(claim, VALUES, st.sampled_from([10, 50])), min_size=1, max_size=2),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda m: m.record_id,
)


@given(MEMBERS, st.permutations(list(STRATEGIES)), st.randoms(use_true_random=False))
def test_the_order_of_members_never_matters(people: list[Member], by: list[str], chance: random.Random) -> None:
    entity = ruled(tuple(by), ageing=2.0)
    golden = survive(people, entity)
    offered = [(m.source, m.record_id, c["clean"]) for m in people for c in m.claims["gender"]]
    (value,) = golden["gender"]
    assert (value["source"], value["record_id"], value["value"]) in offered
    chance.shuffle(people)
    assert survive(people, entity) == golden
