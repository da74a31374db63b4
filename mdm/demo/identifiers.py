"""National ids and tax ids with right check digits, all random: none belongs to anybody."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mdm.demo.columns import Column, Days, Dice, Mask, Numbers, glued, padded, plain
from mdm.demo.dates import gregorian

# areas 900..999 were never issued as SSN; groups 01..49 of them were never issued as ITIN either
_SSN_GROUPS = 49
_SSN_SERIALS = 9999
SSN_ROOM = 100 * _SSN_GROUPS * _SSN_SERIALS

_EIN_PREFIXES = np.array([*range(10, 17), *range(20, 28), *range(30, 49), *range(50, 69), *range(80, 89)])
_VN_TAX_WEIGHTS = (31, 29, 23, 19, 17, 13, 7, 5, 3)
_IR_COMPANY_WEIGHTS = (29, 27, 23, 19, 17, 29, 27, 23, 19, 17)

Digits = npt.NDArray[np.int64]


def social_security_numbers(serials: Numbers) -> Column:
    """Numbers in the never issued range; different serials below SSN_ROOM give different numbers."""
    area, rest = np.divmod(serials, _SSN_GROUPS * _SSN_SERIALS)
    group, serial = np.divmod(rest, _SSN_SERIALS)
    return glued(padded(area + 900, 3), "-", padded(group + 1, 2), "-", padded(serial + 1, 4))


def citizen_numbers(birth_code: Column, male: Mask, born: Days, dice: Dice) -> Column:
    """Vietnamese CCCD: province of birth, century and gender, year, six digits.

    Source: Decree 137/2015/ND-CP, article 13.
    """
    year = gregorian(born)[0]
    century = 2 * (year // 100 - 19) + ~male
    return glued(birth_code, plain(century), padded(year % 100, 2), padded(dice.numbers(0, 10**6), 6))


def melli_codes(dice: Dice) -> Column:
    """Iranian national codes: nine digits and a check digit."""
    body = dice.numbers(10_000_000, 10**9)
    rest = _weighted_sum(_digits(body, 9), range(10, 1, -1)) % 11
    return padded(body * 10 + np.where(rest < 2, rest, 11 - rest), 10)


def employer_numbers(dice: Dice) -> Column:
    """US EIN: a prefix in use and seven digits."""
    prefix = _EIN_PREFIXES[dice.numbers(0, len(_EIN_PREFIXES))]
    return glued(padded(prefix, 2), "-", padded(dice.numbers(0, 10**7), 7))


def vietnamese_tax_codes(dice: Dice) -> Column:
    """Ten digits, the last one a check digit; a branch adds -001 to the code of its parent."""
    body = dice.numbers(100_000_000 // 10, 100_000_000 * 4)
    remainder = _weighted_sum(_digits(body, 9), _VN_TAX_WEIGHTS) % 11
    # remainder 0 has no check digit: such a body is moved on by one, whose weight 3 gives remainder 3
    last = body % 10
    body = np.where(remainder == 0, np.where(last < 9, body + 1, body - 1), body)
    remainder = _weighted_sum(_digits(body, 9), _VN_TAX_WEIGHTS) % 11
    return padded(body * 10 + 10 - remainder, 10)


def iranian_company_ids(dice: Dice) -> Column:
    """Eleven digits, the last one a check digit."""
    body = dice.numbers(1_000_000_000, 1_100_000_000)
    digits = _digits(body, 10)
    shift = digits[:, 9:10] + 2
    remainder = _weighted_sum(digits + shift, _IR_COMPANY_WEIGHTS) % 11
    return padded(body * 10 + np.where(remainder == 10, 0, remainder), 11)


def _digits(numbers: Numbers, width: int) -> Digits:
    """One row per number, one column per digit, the first digit first."""
    powers = 10 ** np.arange(width - 1, -1, -1)
    digits: Digits = numbers[:, None] // powers % 10
    return digits


def _weighted_sum(digits: Digits, weights: range | tuple[int, ...]) -> Numbers:
    total: Numbers = (digits * np.asarray(weights)).sum(axis=1)
    return total
