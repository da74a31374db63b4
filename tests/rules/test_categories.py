"""Categories: words of a short list, built in or given, and what no list knows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.categories import standardise_category
from rules.outcome import Context, Outcome

CONTEXT = Context()
GENDER = {"type": "gender"}


def read(value: str, options: dict[str, str]) -> Outcome:
    (outcome,) = standardise_category({"value": value}, CONTEXT, options)
    return outcome


@pytest.mark.parametrize(
    ("value", "meaning"),
    [
        ("M", "male"),
        ("male", "male"),
        ("1", "male"),
        ("۱", "male"),
        ("Nam", "male"),
        ("مرد", "male"),
        ("Mr.", "male"),
        ("F", "female"),
        ("2", "female"),
        ("NỮ", "female"),
        ("nu", "female"),
        ("زن", "female"),
        ("مؤنث", "female"),
        ("Non-binary", "other"),
        ("khác", "other"),
    ],
)
def test_genders_in_the_words_of_our_customers(value: str, meaning: str) -> None:
    assert read(value, GENDER) == Outcome({"value": meaning}, {"value": (meaning,)})


def test_given_values_win_over_the_built_in_list() -> None:
    options = {"type": "gender", "values": "1=female, 2=male"}
    assert read("1", options).compare == {"value": ("female",)}
    assert read("M", options).compare == {"value": ("male",)}


def test_values_without_a_meaning_stand_for_themselves() -> None:
    assert read("GOLD", {"values": "gold, silver"}) == Outcome({"value": "gold"}, {"value": ("gold",)})


def test_a_word_no_list_knows_is_kept_and_flagged_when_there_is_a_list() -> None:
    assert read("Retail Trade", {}) == Outcome({"value": "Retail Trade"}, {"value": ("retail trade",)})
    assert read("manly", GENDER) == Outcome({"value": "manly"}, {"value": ("manly",)}, ("category.unlisted",))


@pytest.mark.parametrize("value", ["unknown", "N/A", "-", "0", "không rõ"])
def test_unknown_is_no_category(value: str) -> None:
    assert read(value, GENDER) == Outcome({}, {}, ("category.placeholder",))


def test_nothing_says_nothing() -> None:
    assert standardise_category({}, CONTEXT, {}) == ()


@given(st.text(max_size=10), st.sampled_from([{}, GENDER, {"values": "a=b,c"}]))
def test_the_clean_value_standardises_to_the_same_compare_value(value: str, options: dict[str, str]) -> None:
    for outcome in standardise_category({"value": value}, CONTEXT, options):
        if outcome.clean:
            assert read(outcome.clean["value"], options).compare == outcome.compare
