"""Phones and mailboxes: drawn, and written the way each kind of source writes them.

A phone is kept as its national significant number; mailboxes use reserved example domains only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from mdm.demo.columns import Column, Dice, Numbers, WordList, choose, column, each, glued, ladder, padded, plain
from mdm.demo.spelling import arabic_digits, persian_digits

CALLING_CODES = {"US": "+1", "VN": "+84", "IR": "+98"}
_VN_MOBILE = [
    *("32", "33", "34", "35", "36", "37", "38", "39", "70", "76", "77", "78", "79", "81", "82", "83", "84", "85"),
    *("86", "88", "89", "90", "91", "93", "94", "96", "97", "98", "56", "58"),
]
_IR_MOBILE = [
    *("901", "902", "903", "910", "911", "912", "913", "914", "915", "916", "917", "918", "919"),
    *("920", "921", "922", "930", "933", "935", "936", "937", "938", "939"),
]

# The prefixes of September 2018 and what they were before.
_VN_MOBILE_BEFORE_2018 = {
    **{f"3{last}": f"16{last}" for last in "23456789"},
    **{"70": "120", "79": "121", "77": "122", "76": "126", "78": "128"},
    **{"83": "123", "84": "124", "85": "125", "81": "127", "82": "129"},
    **{"56": "186", "58": "188"},
}
_NATIONAL = {"US": "({0}) {1}-{2}", "VN": "0{0} {1} {2}", "IR": "0{0} {1} {2}"}
_TYPED = {
    "US": ("({0}) {1}-{2}", "{0}-{1}-{2}", "{0}.{1}.{2}", "{0}{1}{2}", "1-{0}-{1}-{2}", "+1 {0} {1} {2}"),
    "VN": ("0{0} {1} {2}", "0{0}.{1}.{2}", "0{0}{1}{2}", "+84 {0} {1} {2}", "84{0}{1}{2}", "(+84) {0}{1}{2}"),
    "IR": ("0{0} {1} {2}", "0{0}{1}{2}", "0{0}-{1}{2}", "0098{0}{1}{2}", "+98 {0} {1} {2}", "{0}{1}{2}"),
}
_DOMAIN_WEIGHTS = {
    **{"mail.example.com": 30, "inbox.example.net": 18, "post.example.org": 14, "webmail.example.com": 9},
    **{"box.example.com": 7, "home.example.net": 6, "family.example.org": 5, "letters.example.org": 4},
    **{"fastmail.example.net": 3, "mobile.example.com": 2, "campus.example.org": 1},
}
_DOMAINS = WordList(column(_DOMAIN_WEIGHTS), ladder(list(_DOMAIN_WEIGHTS.values())))


def mobiles(country: str, area_code: Column, dice: Dice) -> Column:
    """Mobile numbers; in the US any number of the area, since mobiles have no range of their own."""
    if country == "US":
        return _us_numbers(area_code, dice)
    prefixes = _VN_MOBILE if country == "VN" else _IR_MOBILE
    return glued(dice.pick(prefixes), padded(dice.numbers(0, 10**7), 7))


def landlines(country: str, area_code: Column, dice: Dice) -> Column:
    """Numbers of the area's fixed network."""
    if country == "US":
        return _us_numbers(area_code, dice)
    room = padded(dice.numbers(0, 10**7), 7)
    lead = _lead(country, dice)
    # ten digits in all, whether the area code has two digits or three
    return column(f"{area}{first}{rest}"[:10] for area, first, rest in zip(area_code, lead, room, strict=True))


def _lead(country: str, dice: Dice) -> Column:
    """The first digit of a subscriber number: 3 in Vietnam, 2 to 8 in Iran."""
    return plain(dice.numbers(3, 4) if country == "VN" else dice.numbers(2, 9))


def _us_numbers(area_code: Column, dice: Dice) -> Column:
    exchange = dice.numbers(200, 990)
    # N11 codes are services
    exchange += exchange % 100 == 11
    return glued(area_code, plain(exchange), padded(dice.numbers(0, 10**4), 4))


def e164(numbers: Column, country: str) -> Column:
    """As +13125550142; an absent number stays absent."""
    return choose(numbers == "", "", glued(CALLING_CODES[country], numbers))


def national(numbers: Column, country: str, dice: Dice) -> Column:
    """As a clerk of the country writes it; in Iran mostly in Persian digits."""
    written = each(lambda number: _filled(_NATIONAL[country], number), numbers)
    return choose(dice.chance(0.6), each(persian_digits, written), written) if country == "IR" else written


def typed(numbers: Column, country: str, dice: Dice) -> Column:
    """As people type it, in many forms."""
    forms = dice.pick(_TYPED[country])
    written = column(_filled(form, number) for form, number in zip(forms, numbers, strict=True))
    return choose(dice.chance(0.15), each(persian_digits, written), written) if country == "IR" else written


def outdated(numbers: Column, country: str, dice: Dice) -> Column:
    """As an old system holds it: prefixes from before 2018, lost leading zeros, Arabic digits."""
    if country == "VN":
        return glued("0", choose(dice.chance(0.35), each(_before_2018, numbers), numbers))
    if country == "IR":
        return choose(dice.chance(0.3), each(arabic_digits, glued("0", numbers)), numbers)
    return numbers


def _before_2018(number: str) -> str:
    old = _VN_MOBILE_BEFORE_2018.get(number[:2]) if len(number) == 9 else None
    return number if old is None else old + number[2:]


def _filled(form: str, number: str) -> str:
    return form.format(number[:3], number[3:6], number[6:])


def mailboxes(given: Column, family: Column, year: Numbers, dice: Dice) -> Column:
    """Addresses made of Latin names, many with a number, at weighted domains; not yet unique."""
    style = dice.rungs(ladder([40, 20, 20, 10, 10]))
    forms = ("{0}.{1}", "{2}{1}", "{0}{1}", "{1}{0}", "{0}_{1}")
    rows = zip(style.tolist(), given, family, strict=True)
    local = column(forms[number].format(first, last, first[:1]) for number, first, last in rows)
    numbered = dice.rungs(ladder([35, 25, 20, 20]))
    suffixes = (plain(dice.numbers(0, 100)), plain(year % 100), plain(year))
    for number, suffix in enumerate(suffixes, start=1):
        local = glued(local, choose(numbered == number, suffix, ""))
    return glued(local, "@", dice.words(_DOMAINS))


def made_unique(addresses: Iterable[str], part: int, parts: int) -> Column:
    """The addresses with a serial where one came before, also across the `parts` of one data set.

    No two people own one mailbox, so a namesake takes the next free serial.
    """
    seen: Counter[str] = Counter()
    unique = []
    for address in addresses:
        serial = seen[address] * parts + part
        seen[address] += 1
        unique.append(address if serial == 0 else address.replace("@", f".{serial}@"))
    return column(unique)
