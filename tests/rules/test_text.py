"""Text: tidy forms, ASCII folding, compare keys, scripts and consonant skeletons."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.outcome import Context
from rules.text import (
    ascii_digits,
    ascii_fold,
    compare_key,
    consonant_skeleton,
    script_of,
    standardise_text,
    tidy,
)

CONTEXT = Context()


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("  two   words ", "two words"),
        ("\u200fعلي\u200f", "علی"),
        ("ك\u0640\u0640تاب", "کتاب"),
        ("حسن\u200cزاده", "حسن\u200cزاده"),
        ("\u200cحسن \u200c زاده\u200c", "حسن زاده"),
        ("Ａｃｍｅ", "Acme"),
        ("O’Brien – Smith", "O'Brien - Smith"),
        ("Tie\u0302\u0301n", "Tiến"),
        # Letters that look alike: one Cyrillic letter in a Latin word, one Latin letter in a Cyrillic word.
        ("J\u043ehn", "John"),
        ("\u0418\u0432a\u043d", "\u0418\u0432\u0430\u043d"),
        # A word of either script alone stays, and so does one whose other letters look like nothing else.
        ("\u0440\u0430\u0440\u0430 papa", "\u0440\u0430\u0440\u0430 papa"),
        ("Zх\u0436", "Zх\u0436"),
    ],
)
def test_tidy_keeps_what_is_seen_and_drops_what_is_not(raw: str, expected: str) -> None:
    assert tidy(raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("Nguyễn Thị Đào", "Nguyen Thi Dao"),
        ("Tie\u0302\u0301n", "Tien"),
        ("Jürgen Ößler", "Jurgen Ossler"),
        ("Владимир", "Vladimir"),
        ("Паўлавіч", "Pavlavich"),
    ],
)
def test_fold_gives_the_usual_ascii_spelling(raw: str, expected: str) -> None:
    assert ascii_fold(raw) == expected


def test_persian_and_arabic_digits_become_ascii() -> None:
    assert ascii_digits("۰۱۲۳۴۵۶۷۸۹ ٠١٢٣٤٥٦٧٨٩") == "0123456789 0123456789"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("O'Brien & Co.", "obrien co"),
        ("Đường 3/2", "duong 3 2"),
        ("--", None),
        ("", None),
        ("🙂", None),
        ("۱۲ الف", "12 lf"),
    ],
)
def test_compare_key_is_words_or_nothing(raw: str, expected: str | None) -> None:
    assert compare_key(raw) == expected


@given(st.text())
def test_compare_key_is_ascii_never_empty_and_stable(text: str) -> None:
    key = compare_key(text)
    assert key is None or re.fullmatch("[a-z0-9]+( [a-z0-9]+)*", key)
    assert key is None or compare_key(key) == key


@given(st.text())
def test_tidy_is_stable(text: str) -> None:
    assert tidy(tidy(text)) == tidy(text)


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("Nguyễn", "latin"),
        ("رضا", "arabic"),
        ("Иван", "cyrillic"),
        ("毛泽东", "han"),
        ("123", None),
        ("علی Ali", "arabic"),
    ],
)
def test_script_is_that_of_most_letters(text: str, script: str | None) -> None:
    assert script_of(text) == script


@pytest.mark.parametrize(
    ("persian", "latin"),
    [
        ("محمد", ("Mohammad", "Muhamad")),
        ("رضا", ("Reza", "Rezaa")),
        ("قاسمی", ("Ghasemi", "Qasemi")),
        ("فاطمه", ("Fatemeh", "Fateme")),
        ("جواد", ("Javad", "Jawad")),
        ("خسرو", ("Khosrow", "Khosro")),
        ("علی", ("Ali", "Aly")),
        ("یوسف", ("Yousef", "Yusuf")),
        ("شریفی", ("Sharifi",)),
        ("چراغی", ("Cheraghi",)),
        ("پویا", ("Pouya", "Pooya")),
    ],
)
def test_skeleton_is_the_same_in_both_scripts(persian: str, latin: tuple[str, ...]) -> None:
    assert {consonant_skeleton(spelling) for spelling in latin} == {consonant_skeleton(persian)}


def test_skeleton_tells_different_names_apart() -> None:
    assert consonant_skeleton("کریمی") != consonant_skeleton("Rahimi")
    assert consonant_skeleton("خان") != consonant_skeleton("Hakan")


def test_text_has_folded_value_and_words() -> None:
    (outcome,) = standardise_text({"value": " Phường  Hòa Bình, Hòa "}, CONTEXT, {})
    assert outcome.clean == {"value": "Phường Hòa Bình, Hòa"}
    assert outcome.compare == {"value": ("phuong hoa binh hoa",), "tokens": ("phuong", "hoa", "binh")}


def test_empty_text_says_nothing() -> None:
    assert standardise_text({"value": " \u200f "}, CONTEXT, {}) == ()
    assert standardise_text({}, CONTEXT, {}) == ()
