"""The check digits are recomputed here one digit at a time, from the rules as written down."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest

from mdm.demo.columns import Dice, column
from mdm.demo.identifiers import (
    SSN_ROOM,
    citizen_numbers,
    employer_numbers,
    iranian_company_ids,
    melli_codes,
    social_security_numbers,
    vietnamese_tax_codes,
)


@pytest.fixture
def dice() -> Dice:
    return Dice(np.random.default_rng(1), 3000)


def is_valid_melli_code(code: str) -> bool:
    rest = sum(int(digit) * weight for digit, weight in zip(code, range(10, 1, -1), strict=False)) % 11
    return len(code) == 10 and int(code[9]) == (rest if rest < 2 else 11 - rest)


def is_valid_vietnamese_tax_code(code: str) -> bool:
    total = sum(int(digit) * weight for digit, weight in zip(code, (31, 29, 23, 19, 17, 13, 7, 5, 3), strict=False))
    return len(code) == 10 and code[9] == str(10 - total % 11)


def is_valid_company_id(code: str) -> bool:
    weights = (29, 27, 23, 19, 17, 29, 27, 23, 19, 17)
    total = sum((int(digit) + int(code[9]) + 2) * weight for digit, weight in zip(code, weights, strict=False))
    return len(code) == 11 and int(code[10]) == total % 11 % 10


@pytest.mark.parametrize(
    ("is_valid", "body", "check"),
    [
        (is_valid_melli_code, "123456789", "1"),  # 10 + 18 + 24 + 28 + 30 + 30 + 28 + 24 + 18 = 210 = 19 * 11 + 1
        (is_valid_melli_code, "000000001", "9"),  # 2, and 11 - 2
        (is_valid_vietnamese_tax_code, "012345678", "7"),  # 29 + 46 + 57 + 68 + 65 + 42 + 35 + 24 = 33 * 11 + 3; 10 - 3
        (is_valid_company_id, "1000000000", "5"),  # 3 * 29 + 2 * 201 = 489 = 44 * 11 + 5
    ],
)
def test_the_rules_accept_one_check_digit_worked_out_by_hand(
    is_valid: Callable[[str], bool], body: str, check: str
) -> None:
    assert [digit for digit in "0123456789" if is_valid(body + digit)] == [check]


def test_check_digits_are_right(dice: Dice) -> None:
    assert all(map(is_valid_melli_code, melli_codes(dice)))
    assert all(map(is_valid_vietnamese_tax_code, vietnamese_tax_codes(dice)))
    assert all(map(is_valid_company_id, iranian_company_ids(dice)))


def test_social_security_numbers_are_of_ranges_never_issued(dice: Dice) -> None:
    numbers = social_security_numbers(np.append(dice.distinct(SSN_ROOM), [0, SSN_ROOM - 1]))
    assert all(re.fullmatch(r"9\d\d-(0[1-9]|[1-4]\d)-(?!0000)\d{4}", number) for number in numbers)
    assert len(set(numbers[:3000])) == 3000


def test_employer_numbers_have_a_prefix_in_use(dice: Dice) -> None:
    assert all(re.fullmatch(r"[1-8]\d-\d{7}", number) for number in employer_numbers(dice))


@pytest.mark.parametrize(
    ("born", "male", "start"),
    [("1999-12-31", True, "079099"), ("1980-05-17", False, "079180"), ("2001-01-01", True, "079201"),
     ("2004-02-29", False, "079304")],
)  # fmt: skip
def test_a_citizen_number_tells_province_century_gender_and_year(born: str, male: bool, start: str) -> None:
    dice = Dice(np.random.default_rng(1), 1)
    number = citizen_numbers(column(["079"]), np.array([male]), np.array([born], "datetime64[D]"), dice)[0]
    assert number.startswith(start)
    assert len(number) == 12
