"""Places and streets of a country -> addresses in every form the sources write them in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mdm.demo.columns import Column, Dice, Numbers, choose, column, constant, each, ladder, plain
from mdm.demo.spelling import unaccented
from mdm.demo.words import Words

_US_TYPES = (
    *(("Street", "St"), ("Avenue", "Ave"), ("Road", "Rd"), ("Drive", "Dr"), ("Lane", "Ln"), ("Court", "Ct")),
    *(("Boulevard", "Blvd"), ("Place", "Pl"), ("Way", "Way"), ("Circle", "Cir"), ("Terrace", "Ter")),
)
_US_TYPE_STEPS = ladder([26, 17, 13, 12, 9, 7, 4, 4, 3, 3, 2])
_US_DIRECTIONS = (("North ", "N "), ("South ", "S "), ("East ", "E "), ("West ", "W "), ("", ""))
_US_DIRECTION_STEPS = ladder([7, 7, 7, 7, 72])
_VN_UNITS = {
    **{"Phường": "P", "Xã": "X", "Thị trấn": "TT", "Đặc khu": "ĐK"},
    **{"Quận": "Q", "Huyện": "H", "Thị xã": "TX", "Thành phố": "TP"},
}
_IR_POSTCODE_DIGITS = "1345679"


@dataclass(frozen=True, slots=True)
class Addresses:
    """One row per address.

    line: street line in full; short: the same with abbreviations; latin: in Latin letters, as emigrants type it.
    former_*: the same place in the units before the Vietnamese reform of July 2025; elsewhere a copy.
    birth_code: province code of a Vietnamese citizen number, else empty.
    """

    line: Column
    short: Column
    latin: Column
    city: Column
    region: Column
    postcode: Column
    former_line: Column
    former_city: Column
    former_region: Column
    area_code: Column
    birth_code: Column


def draw_addresses(words: Words, dice: Dice) -> Addresses:
    """Addresses of a country, cities by the number of their people."""
    return _DRAW[words.country](words, dice)


def _us(words: Words, dice: Dice) -> Addresses:
    place = dice.rungs(words.places.steps)
    places = words.places.columns
    line, short = _us_lines(words, dice)
    city, region = places["city"][place], places["region"][place]
    return Addresses(
        line=line,
        short=short,
        latin=line,
        city=city,
        region=region,
        postcode=_one_of(places["postcodes"][place], dice) + column(f"{n:02d}" for n in dice.numbers(1, 100)),
        former_line=line,
        former_city=city,
        former_region=region,
        area_code=_one_of(places["area_codes"][place], dice),
        birth_code=constant("", dice.size),
    )


def _us_lines(words: Words, dice: Dice) -> tuple[Column, Column]:
    """The street line in full and abbreviated."""
    kinds, directions = dice.rungs(_US_TYPE_STEPS), dice.rungs(_US_DIRECTION_STEPS)
    named = words.streets.columns["name"][dice.rungs(words.streets.steps)]
    street = choose(dice.chance(0.12), column(map(_ordinal, dice.numbers(1, 120).tolist())), named)
    number, has_unit, unit = plain(dice.numbers(1, 9900)), dice.chance(0.22), plain(dice.numbers(1, 420))
    forms = []
    for form, mark in ((0, ", Apt "), (1, " #")):
        kind, direction = _form(_US_TYPES, form)[kinds], _form(_US_DIRECTIONS, form)[directions]
        forms.append(number + " " + direction + street + " " + kind + choose(has_unit, mark + unit, ""))
    return forms[0], forms[1]


def _form(pairs: tuple[tuple[str, str], ...], which: int) -> Column:
    return column(pair[which] for pair in pairs)


def _ordinal(number: int) -> str:
    if 10 <= number % 100 <= 20:
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"


def _one_of(lists: Column, dice: Dice) -> Column:
    """One of the blank-separated values of each cell."""
    draws = dice.rng.random(len(lists)).tolist()
    options = (cell.split() for cell in lists)
    return column(values[int(draw * len(values))] for values, draw in zip(options, draws, strict=True))


def _vietnamese(words: Words, dice: Dice) -> Addresses:
    place = dice.rungs(words.places.steps)
    places = {name: values[place] for name, values in words.places.columns.items()}
    alley = choose(dice.chance(0.25), "/" + plain(dice.numbers(1, 60)), "")
    street = words.streets.columns["name"][dice.rungs(words.streets.steps)]
    house = plain(dice.numbers(1, 900)) + alley + " " + street
    abbreviated = {name: _abbreviated_units(words.places.columns[name])[place] for name in ("ward", "district")}
    line = house + ", " + places["city"]
    return Addresses(
        line=line,
        short=house + ", " + abbreviated["ward"] + ", " + abbreviated["district"],
        latin=each(unaccented, line),
        city=places["city"],
        region=places["region"],
        postcode=places["postcode"],
        former_line=house + ", " + places["ward"] + ", " + places["district"],
        former_city=places["district"],
        former_region=places["former_region"],
        area_code=places["area_code"],
        birth_code=places["birth_code"],
    )


def _abbreviated_units(units: Column) -> Column:
    """Phường 5 -> P5, Quận Ba Đình -> Q. Ba Đình."""
    return each(_abbreviated_unit, units)


def _abbreviated_unit(unit: str) -> str:
    kind = next(kind for kind in _VN_UNITS if unit.startswith(kind + " "))
    name = unit.removeprefix(kind + " ")
    return f"{_VN_UNITS[kind]}{name}" if name.isdigit() else f"{_VN_UNITS[kind]}. {name}"


def _iranian(words: Words, dice: Dice) -> Addresses:
    place, street = dice.rungs(words.places.steps), dice.rungs(words.streets.steps)
    places = {name: values[place] for name, values in words.places.columns.items()}
    line, short, latin = _iranian_lines(words, street, dice)
    return Addresses(
        line=line,
        short=short,
        latin=latin + ", " + places["city_latin"],
        city=places["city"],
        region=places["region"],
        postcode=_one_of(places["postcodes"], dice) + _postcode_tails(dice),
        former_line=line,
        former_city=places["city"],
        former_region=places["region"],
        area_code=places["area_code"],
        birth_code=constant("", dice.size),
    )


def _iranian_lines(words: Words, street: Numbers, dice: Dice) -> tuple[Column, Column, Column]:
    """The street line in full, abbreviated, and in Latin letters."""
    alley, house = plain(dice.numbers(1, 60)), plain(dice.numbers(1, 400))
    has_unit, unit = dice.chance(0.7), plain(dice.numbers(1, 14))
    name, latin_name = words.streets.columns["name"][street], words.streets.columns["latin"][street]
    line = "خیابان " + name + "، کوچه " + alley + "، پلاک " + house + choose(has_unit, "، واحد " + unit, "")
    short = "خ " + name + " ک " + alley + " پ " + house + choose(has_unit, " و " + unit, "")
    latin = latin_name + " St., Alley " + alley + ", No. " + house + choose(has_unit, ", Unit " + unit, "")
    return line, short, latin


def _postcode_tails(dice: Dice) -> Column:
    """Eight digits; 0, 2 and 8 are left out, since not every place of a postcode may hold them."""
    draws = dice.rng.integers(0, len(_IR_POSTCODE_DIGITS), (dice.size, 8))
    return column("".join(_IR_POSTCODE_DIGITS[digit] for digit in row) for row in draws.tolist())


_DRAW: dict[str, Callable[[Words, Dice], Addresses]] = {"US": _us, "VN": _vietnamese, "IR": _iranian}
