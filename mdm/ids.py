"""Entity numbers -> the ids people and machines see, and back.

An id is "E", the number in Crockford's base 32, at least seven digits, and a check character. The check is a weighted
sum over GF(32), so any one wrong character and any two swapped neighbours are noticed.
"""

from __future__ import annotations

from mdm.errors import NotFound

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # no I, L, O, U: source https://www.crockford.com/base32.html
_VALUES = {character: value for value, character in enumerate(ALPHABET)} | {"O": 0, "I": 1, "L": 1}
_DIGITS = 7
# Neither database has a greater number; it takes thirteen digits.
GREATEST = 2**63 - 1
_MOST_DIGITS = 13
_POLYNOMIAL = 0b100101  # x^5 + x^2 + 1 is primitive: its powers give 31 different weights


def entity_id(eid: int) -> str:
    """The id of an entity number: `entity_id(1)` is "E0000001" and a check character."""
    digits = _digits(eid)
    return "E" + "".join(ALPHABET[digit] for digit in digits) + ALPHABET[_check(digits)]


def eid_of(entity_id: str) -> int:
    """The number behind an id, upper or lower case, with O, I and L read as 0, 1 and 1.

    Raises NotFound when no entity can have that id.
    """
    values = [_VALUES.get(character, -1) for character in entity_id.upper()[1:]]
    well_formed = entity_id[:1].upper() == "E" and _DIGITS < len(values) <= _MOST_DIGITS + 1 and -1 not in values
    eid = 0
    for value in values[:-1]:
        eid = eid * 32 + value
    if not well_formed or eid > GREATEST or _digits(eid) != values[:-1] or _check(values[:-1]) != values[-1]:
        raise NotFound(f"{entity_id!r} is not an entity id; copy it whole, without changes")
    return eid


def _digits(eid: int) -> list[int]:
    digits: list[int] = []
    while eid or len(digits) < _DIGITS:
        eid, digit = divmod(eid, 32)
        digits.append(digit)
    return digits[::-1]


def _check(digits: list[int]) -> int:
    check = 0
    for digit in digits:
        check = _doubled(check ^ digit)
    return check


def _doubled(value: int) -> int:
    shifted = value << 1
    return shifted ^ _POLYNOMIAL if shifted & 32 else shifted
