"""Slips, phones and spellings: how a true value becomes what a source holds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdm.demo.columns import Dice, column
from mdm.demo.contacts import e164, made_unique, national, outdated, typed
from mdm.demo.slips import Clerk
from mdm.demo.spelling import arabic_letters, decomposed, squashed, unaccented


def clerk(size: int, country: str = "US", seed: int = 1) -> Clerk:
    return Clerk(country, Dice(np.random.default_rng(seed), size))


@given(st.text("abcdefghijk xyz", min_size=3, max_size=12), st.integers(0, 1000))
def test_a_slip_keeps_the_first_letter_and_changes_the_length_by_one_at_most(value: str, seed: int) -> None:
    slipped = clerk(1, seed=seed).slips(column([value]), 1.0)[0]
    assert slipped[0] == value[0]
    assert abs(len(slipped) - len(value)) <= 1


def test_slips_hit_about_the_share_asked_for_and_leave_the_given_column_alone() -> None:
    values = column(["Washington"] * 4000)
    slipped = clerk(4000).slips(values, 0.25)
    assert 0.2 < (slipped != values).mean() < 0.3
    assert set(values) == {"Washington"}


def test_very_short_values_do_not_slip() -> None:
    assert list(clerk(3).slips(column(["", "J", "Li"]), 1.0)) == ["", "J", "Li"]


@pytest.mark.parametrize(("country", "name"), [("US", "Stephenson"), ("VN", "Nguyễn"), ("IR", "رستمزاده")])
def test_what_is_misheard_is_written_another_way(country: str, name: str) -> None:
    heard = clerk(50, country).mishears(column([name] * 50), 1.0)
    assert name not in set(heard)
    assert len(set(heard)) > 1


@pytest.mark.parametrize(
    ("country", "number", "international", "written"),
    [
        ("US", "3125550142", "+13125550142", {"(312) 555-0142"}),
        ("VN", "912345678", "+84912345678", {"0912 345 678"}),
        ("IR", "9123456789", "+989123456789", {"0912 345 6789", "۰۹۱۲ ۳۴۵ ۶۷۸۹"}),
    ],
)
def test_phones_of_each_country(country: str, number: str, international: str, written: set[str]) -> None:
    dice, numbers = Dice(np.random.default_rng(1), 80), column([number] * 80)
    assert set(e164(numbers, country)) == {international}
    assert set(national(numbers, country, dice)) == written
    assert len(set(typed(numbers, country, dice))) >= 6


def test_old_systems_keep_vietnamese_prefixes_from_before_2018() -> None:
    dice = Dice(np.random.default_rng(1), 40)
    assert set(outdated(column(["342345678"] * 40), "VN", dice)) == {"0342345678", "01642345678"}
    assert set(outdated(column(["912345678"] * 40), "VN", dice)) == {"0912345678"}


def test_a_mailbox_belongs_to_one_person() -> None:
    boxes = ["a@x.example", "b@x.example", "a@x.example", "a@x.example"]
    assert list(made_unique(boxes, 0, 1)) == ["a@x.example", "b@x.example", "a.1@x.example", "a.2@x.example"]
    assert not set(made_unique(boxes, 0, 2)) & set(made_unique(boxes, 1, 2))


@pytest.mark.parametrize(
    ("text", "plain"), [("Thúy", "Thuy"), ("Đà Nẵng", "Da Nang"), ("Nguyễn", "Nguyen"), ("Ông Ước", "Ong Uoc")]
)
def test_unaccented_is_ascii_in_both_forms_of_unicode(text: str, plain: str) -> None:
    assert unaccented(text) == unaccented(decomposed(text)) == plain


def test_old_keyboards_type_arabic_letters() -> None:
    assert arabic_letters("یکی") == "يكي"


def test_a_squashed_name_fits_into_a_host_name() -> None:
    assert squashed("O'Brien & Đỗ, Ltd. 7") == "obriendoltd7"
