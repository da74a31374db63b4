"""Households of a country -> people as they are now and as they were before they moved, changed phone or married."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from mdm.demo.addresses import Addresses, draw_addresses
from mdm.demo.columns import (
    Column,
    Days,
    Dice,
    Ladder,
    Mask,
    Numbers,
    choose,
    constant,
    each,
    ladder,
    mixed,
    take,
)
from mdm.demo.contacts import landlines, made_unique, mailboxes, mobiles
from mdm.demo.dates import day_in, gregorian
from mdm.demo.identifiers import SSN_ROOM, citizen_numbers, melli_codes, social_security_numbers
from mdm.demo.spelling import squashed, unaccented
from mdm.demo.words import Words

# one, two ... five people under one roof
_HOUSEHOLD_STEPS: Ladder = ladder([36, 27, 17, 14, 6])
_HEAD, _PARTNER = 0, 1
_LAST_BIRTH_YEAR = 2008


@dataclass(frozen=True, slots=True)
class Part:
    """Which part of a data set is drawn, so that ids and mailboxes differ between the parts."""

    number: int
    count: int


@dataclass(frozen=True, slots=True)
class People:
    """One row per person. Phones are national significant numbers; an empty suffix or middle name means none."""

    country: str
    household: Numbers
    male: Mask
    born: Days
    given: Column
    middle: Column
    family: Column
    suffix: Column
    national_id: Column
    email: Column
    phone: Column
    home_phone: Column
    address: Addresses


@dataclass(frozen=True, slots=True)
class Population:
    """The same people today and before: a stale source knows the earlier values."""

    now: People
    before: People
    moved: Mask


@dataclass(frozen=True, slots=True)
class _Homes:
    """Who lives together: the household, the role in it and the row of its head, one entry per person."""

    household: Numbers
    role: Numbers
    head: Numbers
    count: int


def draw_people(words: Words, part: Part, dice: Dice) -> Population:
    """A population with households, twins, Sr and Jr, namesakes, shared mailboxes and people who moved."""
    homes = _draw_homes(dice)
    male, born = _draw_lives(homes, dice)
    names = _draw_names(words, homes, male, dice)
    address: Addresses = take(draw_addresses(words, dice.resized(homes.count)), homes.household)
    country = words.country
    home_phone = landlines(country, _by_household(address.area_code, homes), dice.resized(homes.count))
    people = People(
        country=country,
        household=homes.household,
        male=male,
        born=born,
        **names,
        national_id=_national_ids(words, (male, born, address.birth_code), part, dice),
        email=_draw_mailboxes(words, names, born, part, dice),
        phone=mobiles(country, address.area_code, dice),
        home_phone=home_phone[homes.household],
        address=address,
    )
    return _with_past(words, _share_mailboxes(people, homes, dice), homes, dice)


def _draw_homes(dice: Dice) -> _Homes:
    sizes = dice.rungs(_HOUSEHOLD_STEPS) + 1
    household = np.repeat(np.arange(dice.size), sizes)[: dice.size]
    first = (np.cumsum(sizes) - sizes)[household]
    return _Homes(household, np.arange(dice.size) - first, first, int(household[-1]) + 1)


def _by_household(values: Column, homes: _Homes) -> Column:
    """The values of the heads, one per household."""
    heads: Column = values[homes.role == _HEAD]
    return heads


def _draw_lives(homes: _Homes, dice: Dice) -> tuple[Mask, Days]:
    """Gender and date of birth: partners of about the same age, children a generation younger, some of them twins."""
    male = dice.chance(0.5)
    male = np.where(homes.role == _PARTNER, ~male[homes.head], male)
    head_year = dice.numbers(1946, 1999)[homes.head]
    is_child = homes.role > _PARTNER
    year = head_year + np.where(homes.role == _PARTNER, dice.numbers(-7, 8), is_child * dice.numbers(20, 38))
    year = np.where(year > _LAST_BIRTH_YEAR, _LAST_BIRTH_YEAR - dice.numbers(0, 12), year)
    born = day_in(year, dice)
    twins = np.flatnonzero((homes.role > _PARTNER + 1) & dice.chance(0.07))
    born[twins] = born[twins - 1]
    return male, born


def _draw_names(words: Words, homes: _Homes, male: Mask, dice: Dice) -> Mapping[str, Column]:
    """Given, middle, family name and suffix; women of Vietnam and Iran keep their family name."""
    names = words.names
    given = choose(male, dice.words(names.given[True]), dice.words(names.given[False]))
    middle = choose(male, dice.words(names.middle[True]), dice.words(names.middle[False]))
    own = dice.words(names.family)
    keeps_own = (homes.role == _PARTNER) & dice.chance(0.14 if words.country == "US" else 1.0)
    family = choose(keeps_own, own, own[homes.head])
    given, family = _plant_namesakes(given, family, _namesakes(homes, male, dice))
    suffix = constant("", dice.size)
    if words.country == "US":
        juniors = (homes.role > _PARTNER) & male & male[homes.head] & dice.chance(0.03)
        given = choose(juniors, given[homes.head], given)
        suffix[homes.head[juniors]] = "Sr"
        suffix[juniors] = "Jr"
    return {"given": given, "middle": middle, "family": family, "suffix": suffix}


def _namesakes(homes: _Homes, male: Mask, dice: Dice) -> tuple[Numbers, Numbers]:
    """Some who live alone, and for each another one of the same gender who does."""
    ends = np.append(homes.role[1:] == _HEAD, True)
    alone = np.flatnonzero((homes.role == _HEAD) & ends & dice.chance(0.15))
    pairs = alone[: len(alone) // 2 * 2].reshape(-1, 2)
    pairs = pairs[male[pairs[:, 0]] == male[pairs[:, 1]]]
    return pairs[:, 0], pairs[:, 1]


def _plant_namesakes(given: Column, family: Column, pairs: tuple[Numbers, Numbers]) -> tuple[Column, Column]:
    copies, models = pairs
    given, family = given.copy(), family.copy()
    given[copies], family[copies] = given[models], family[models]
    return given, family


def _national_ids(words: Words, births: tuple[Mask, Days, Column], part: Part, dice: Dice) -> Column:
    male, born, birth_code = births
    if words.country == "US":
        return social_security_numbers(dice.distinct(SSN_ROOM // part.count) * part.count + part.number)
    return citizen_numbers(birth_code, male, born, dice) if words.country == "VN" else melli_codes(dice)


def latin_names(words: Words, names: Column) -> Column:
    """The names as their bearers mostly write them in Latin letters."""
    if words.country == "IR":
        return each(lambda name: words.names.forms[name][0], names)
    return each(unaccented, names)


def _draw_mailboxes(words: Words, names: Mapping[str, Column], born: Days, part: Part, dice: Dice) -> Column:
    given, family = (each(squashed, latin_names(words, names[name])) for name in ("given", "family"))
    return made_unique(mailboxes(given, family, gregorian(born)[0], dice), part.number, part.count)


def _share_mailboxes(people: People, homes: _Homes, dice: Dice) -> People:
    """A few partners use the mailbox of the head of their household."""
    shared = (homes.role == _PARTNER) & dice.chance(0.04)
    return replace(people, email=choose(shared, people.email[homes.head], people.email))


def _with_past(words: Words, now: People, homes: _Homes, dice: Dice) -> Population:
    """The people with what was true of them earlier: other address, phone, mailbox or maiden name."""
    moved = dice.chance(0.16)
    married = (homes.role == _PARTNER) & ~now.male & dice.chance(0.35 if now.country == "US" else 0.0)
    before = replace(
        now,
        address=mixed(moved, draw_addresses(words, dice), now.address),
        phone=choose(dice.chance(0.2), mobiles(now.country, now.address.area_code, dice), now.phone),
        email=choose(dice.chance(0.15), each(_older_mailbox, now.email), now.email),
        family=choose(married, dice.words(words.names.family), now.family),
    )
    return Population(now, before, moved)


def _older_mailbox(address: str) -> str:
    return address.partition("@")[0] + "@old.example.org"
