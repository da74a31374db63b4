"""What each source knows about people -> its rows, in the habits of that source."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from mdm.demo import contacts, dates
from mdm.demo.addresses import Addresses
from mdm.demo.columns import Column, Columns, choose, constant, each, joined
from mdm.demo.people import People
from mdm.demo.person_names import Forms, formal_name, ledger_name, nicknamed, typed_name
from mdm.demo.slips import Clerk
from mdm.demo.spelling import arabic_letters, persian_digits, unaccented

Layout = Callable[[People, Forms, Clerk], Columns]

PLANTED_BIRTH_DATE = "19000101"
PLANTED_WEB_BIRTH_DATE = "1911-11-11"
PLANTED_PHONE = "0000000000"
PLANTED_EMAIL = "none@example.com"


def _crm(known: People, forms: Forms, clerk: Clerk) -> Columns:
    """Well kept: split names, E.164, ISO dates."""
    dice, us = clerk.dice, known.country == "US"
    initials = each(lambda middle: middle[:1], known.middle)
    middle = choose(dice.chance(0.5), initials, known.middle) if us else known.middle
    suffix = clerk.omits(known.suffix, 0.4)
    return {
        "first_name": clerk.slips(known.given, 0.02),
        "middle_name": clerk.omits(middle, 0.4 if us else 0.1),
        "last_name": clerk.slips(joined(known.family, suffix), 0.02),
        "birth_date": clerk.omits(dates.iso(known.born), 0.25),
        "gender": choose(known.male, "M", "F"),
        "national_id": clerk.omits(known.national_id, 0.5),
        "email": clerk.omits(clerk.slips(known.email, 0.01), 0.15),
        "phone": clerk.omits(contacts.e164(known.phone, known.country), 0.1),
        "phone2": clerk.omits(contacts.e164(known.home_phone, known.country), 0.7),
        "address": clerk.slips(known.address.line, 0.02),
        "city": known.address.city,
        "region": known.address.region,
        "postcode": _postcodes(known, clerk, 0.02),
    }


def _billing(known: People, forms: Forms, clerk: Clerk) -> Columns:
    """An accountant's ledger: one name, one line of address, dates and digits of the country."""
    dice, iran = clerk.dice, known.country == "IR"
    national_id = each(persian_digits, known.national_id) if iran else known.national_id
    postcode = each(persian_digits, known.address.postcode) if iran else known.address.postcode
    return {
        "full_name": clerk.slips(ledger_name(known, dice), 0.02),
        "birth_date": clerk.omits(dates.local(known.born, known.country), 0.1),
        "national_id": clerk.slips(clerk.omits(national_id, 0.05), 0.01),
        "email": clerk.plants(clerk.omits(known.email, 0.55), 0.01, PLANTED_EMAIL),
        "phone": clerk.omits(contacts.national(known.phone, known.country, dice), 0.2),
        "address": clerk.slips(one_line(known.address, known.country), 0.02),
        "postcode": clerk.omits(postcode, 0.9 if known.country == "VN" else 0.3),
    }


def _web(known: People, forms: Forms, clerk: Clerk) -> Columns:
    """Typed by the customers themselves: nicknames, Latin letters, missing diacritics, much left out."""
    dice, address = clerk.dice, known.address
    born = dates.typed(known.born, known.country, dice)
    line = address.short
    if known.country != "US":
        plainly = each(unaccented, address.short) if known.country == "VN" else address.latin
        line = choose(dice.chance(0.35), plainly, line)
    city = address.former_region if known.country == "VN" else address.city
    return {
        "full_name": clerk.slips(typed_name(known, forms, dice), 0.06),
        "birth_date": clerk.plants(clerk.omits(clerk.slips(born, 0.03), 0.65), 0.02, PLANTED_WEB_BIRTH_DATE),
        "email": clerk.omits(clerk.slips(known.email, 0.02), 0.04),
        "phone": clerk.omits(clerk.slips(contacts.typed(known.phone, known.country, dice), 0.02), 0.3),
        "address": clerk.omits(clerk.slips(line, 0.05), 0.4),
        "city": clerk.omits(choose(dice.chance(0.2), each(str.lower, city), city), 0.3),
        "postcode": _postcodes(known, clerk, 0.5),
    }


def _support(known: People, forms: Forms, clerk: Clerk) -> Columns:
    """Taken down on the phone: misheard and swapped names, the household's line."""
    dice = clerk.dice
    given = nicknamed(known.given, forms, 0.2, dice) if known.country == "US" else known.given
    given = clerk.slips(clerk.mishears(given, 0.12), 0.03)
    family = clerk.slips(clerk.mishears(known.family, 0.15), 0.03)
    swapped = dice.chance(0.03)
    phone = choose(dice.chance(0.15), known.home_phone, known.phone)
    return {
        "first_name": choose(swapped, family, given),
        "last_name": choose(swapped, given, family),
        "birth_date": clerk.omits(dates.local(known.born, known.country), 0.75),
        "email": clerk.omits(known.email, 0.6),
        "phone": clerk.omits(clerk.slips(contacts.typed(phone, known.country, dice), 0.03), 0.04),
        "city": clerk.omits(known.address.city, 0.3),
    }


def _legacy(known: People, forms: Forms, clerk: Clerk) -> Columns:
    """Fixed widths, capitals, no diacritics, planted values and lost zeros."""
    dice, address = clerk.dice, known.address
    given = clerk.slips(known.given, 0.04)
    given = choose(dice.chance(0.12), each(lambda name: name[:1], given), given)
    born = clerk.slips(dates.compact(known.born, known.country, dice), 0.02)
    return {
        "first_name": old_text(given, known.country, 10),
        "middle_name": clerk.omits(old_text(known.middle, known.country, 8), 0.3),
        "last_name": old_text(clerk.slips(known.family, 0.04), known.country, 14),
        "birth_date": clerk.omits(clerk.plants(born, 0.04, PLANTED_BIRTH_DATE), 0.2),
        "gender": clerk.omits(choose(known.male, "1", "2"), 0.3),
        "national_id": clerk.omits(_without_zeros(known.national_id, clerk), 0.3),
        "phone": clerk.omits(
            clerk.plants(contacts.outdated(known.phone, known.country, dice), 0.05, PLANTED_PHONE), 0.35
        ),
        "address": old_text(clerk.slips(address.short, 0.04), known.country, 40),
        "city": old_text(address.former_region if known.country == "VN" else address.city, known.country, 20),
        "region": address.region if known.country == "US" else constant("", dice.size),
        "postcode": _postcodes(known, clerk, 0.3),
    }


def _partner(known: People, forms: Forms, clerk: Clerk) -> Columns:
    """Bought lists: full names, little else."""
    dice = clerk.dice
    return {
        "full_name": clerk.slips(formal_name(known, dice.chance(0.5)), 0.03),
        "birth_date": clerk.omits(dates.iso(known.born), 0.4),
        "email": clerk.omits(known.email, 0.3),
        "phone": clerk.omits(contacts.typed(known.phone, known.country, dice), 0.3),
        "city": known.address.city,
    }


def one_line(address: Addresses, country: str) -> Column:
    """The whole address in one line, Vietnamese ones in the units before July 2025."""
    if country == "US":
        return joined(address.short, address.city, address.region + " " + address.postcode, by=", ")
    if country == "VN":
        return joined(address.former_line, address.former_region, by=", ")
    return each(persian_digits, joined(address.region, address.city, address.line, by="، "))


def old_text(values: Column, country: str, width: int) -> Column:
    """As a system of fixed widths and a small character set holds it."""
    if country == "IR":
        return each(lambda text: arabic_letters(text).replace("\u200c", " ")[:width].rstrip(), values)
    return each(lambda text: unaccented(text).upper()[:width].rstrip(), values)


def _without_zeros(numbers: Column, clerk: Clerk) -> Column:
    """Half of the numbers as a spreadsheet keeps them: no separators, no leading zeros."""
    bare = each(lambda number: number.replace("-", "").lstrip("0"), numbers)
    return choose(clerk.dice.chance(0.5), bare, numbers)


def _postcodes(known: People, clerk: Clerk, omitted: float) -> Column:
    """Hardly anybody in Vietnam knows a postcode."""
    return clerk.omits(known.address.postcode, 0.9 if known.country == "VN" else omitted)


def with_a_contact(row: Columns, known: People, clerk: Clerk) -> Columns:
    """A row that says nothing but a name gets its phone back: no record is hopeless in principle."""
    strong = [row[name] != "" for name in ("email", "phone", "birth_date", "national_id", "address") if name in row]
    hopeless = ~np.logical_or.reduce(strong)
    return row | {"phone": choose(hopeless, contacts.typed(known.phone, known.country, clerk.dice), row["phone"])}


PERSON_LAYOUTS: Mapping[str, Layout] = {
    "crm": _crm,
    "billing": _billing,
    "web": _web,
    "support": _support,
    "legacy": _legacy,
    "partner": _partner,
}
