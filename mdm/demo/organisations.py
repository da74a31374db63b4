"""Company words of a country -> organisations, their branches, and how their names are written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from mdm.demo.addresses import Addresses, draw_addresses
from mdm.demo.columns import Column, Dice, Mask, choose, each, glued, joined, ladder, mixed, plain
from mdm.demo.contacts import landlines
from mdm.demo.identifiers import employer_numbers, iranian_company_ids, vietnamese_tax_codes
from mdm.demo.people import Part
from mdm.demo.spelling import squashed, unaccented
from mdm.demo.words import Table, Words


@dataclass(frozen=True, slots=True)
class Organisations:
    """One row per organisation.

    name: without trade and legal form where the country separates them; latin: the whole name in Latin letters.
    """

    country: str
    name: Column
    trade: Column
    trade_short: Column
    form: Column
    form_short: Column
    latin: Column
    tax_id: Column
    email: Column
    phone: Column
    website: Column
    address: Addresses


@dataclass(frozen=True, slots=True)
class Market:
    """The same organisations today and before they moved, and which of them are branches of the one above."""

    now: Organisations
    before: Organisations
    moved: Mask
    branch: Mask


def draw_organisations(words: Words, part: Part, dice: Dice) -> Market:
    """A market with branches that share the name of their parent but have another tax id and address."""
    branch = _branches(dice)
    parent = np.arange(dice.size) - branch
    names = {name: values[parent] for name, values in _NAMES[words.country](words, dice).items()}
    address = draw_addresses(words, dice)
    host = _hosts(names["latin"], part, dice)
    organisations = Organisations(
        country=words.country,
        **names,
        tax_id=_tax_ids(words.country, branch, dice),
        email=dice.pick(("info", "sales", "contact", "office")) + "@" + host,
        phone=landlines(words.country, address.area_code, dice),
        website="www." + host,
        address=address,
    )
    moved = dice.chance(0.1)
    before = replace(organisations, address=mixed(moved, draw_addresses(words, dice), address))
    return Market(organisations, before, moved, branch)


def _branches(dice: Dice) -> Mask:
    """Some rows are branches of the row above, never of another branch."""
    branch = dice.chance(0.06)
    branch[:1] = False
    branch[1:] &= ~branch[:-1]
    return branch


def _tax_ids(country: str, branch: Mask, dice: Dice) -> Column:
    if country == "US":
        return employer_numbers(dice)
    if country == "IR":
        return iranian_company_ids(dice)
    own = vietnamese_tax_codes(dice)
    return choose(branch, np.roll(own, 1) + "-001", own)


def _hosts(latin: Column, part: Part, dice: Dice) -> Column:
    """Host names under the reserved top level .example, different for every organisation."""
    serial = plain(np.arange(dice.size) * part.count + part.number)
    return glued(each(lambda name: squashed(name)[:18], latin), "-", serial, ".example")


def _drawn(table: Table, dice: Dice) -> dict[str, Column]:
    row = dice.rungs(table.steps)
    return {name: values[row] for name, values in table.columns.items()}


def _us_names(words: Words, dice: Dice) -> dict[str, Column]:
    """Evergreen Roofing, Walsh Roofing, Walsh & Kemp Roofing, Evergreen Harbor Roofing."""
    first, second = (_drawn(words.companies.names, dice)["word"] for _ in range(2))
    owner, partner = (dice.words(words.names.family) for _ in range(2))
    style = dice.rungs(ladder([34, 22, 14, 30]))
    name = np.choose(style, [first, owner, owner + " & " + partner, first + " " + second])
    trade, form = _drawn(words.companies.trades, dice), _drawn(words.companies.forms, dice)
    return {
        "name": name,
        "trade": trade["word"],
        "trade_short": choose(trade["short"] == "", trade["word"], trade["short"]),
        "form": form["word"],
        "form_short": form["short"],
        "latin": name + " " + trade["word"],
    }


def _vietnamese_names(words: Words, dice: Dice) -> dict[str, Column]:
    """Minh Long, Minh Long Phú Quý: the trade stands between legal form and name."""
    first, second = (_drawn(words.companies.names, dice)["word"] for _ in range(2))
    name = first + choose(dice.chance(0.6), " " + second, "")
    trade, form = _drawn(words.companies.trades, dice), _drawn(words.companies.forms, dice)
    return {
        "name": name,
        "trade": trade["word"],
        "trade_short": trade["short"],
        "form": form["word"],
        "form_short": form["short"],
        "latin": each(unaccented, name) + " " + trade["latin"] + " " + form["latin"],
    }


def _iranian_names(words: Words, dice: Dice) -> dict[str, Column]:
    first, second = (_drawn(words.companies.names, dice) for _ in range(2))
    trade, form = _drawn(words.companies.trades, dice), _drawn(words.companies.forms, dice)
    longer = dice.chance(0.7)
    return {
        "name": first["word"] + choose(longer, " " + second["word"], ""),
        "trade": trade["word"],
        "trade_short": trade["word"],
        "form": form["word"],
        "form_short": form["short"],
        "latin": trade["latin"] + " " + first["latin"] + choose(longer, " " + second["latin"], ""),
    }


def legal_name(known: Organisations, dice: Dice) -> Column:
    """With its legal form in full, as in a register."""
    if known.country == "VN":
        return joined(known.form, known.trade, known.name)
    if known.country == "IR":
        return glued("شرکت ", joined(known.trade, known.name), " (", known.form, ")")
    core = joined(known.name, known.trade)
    return choose(dice.chance(0.5), joined(core, known.form), joined(core, known.form_short, by=", "))


def everyday_name(known: Organisations, dice: Dice) -> Column:
    """As a sales person writes it."""
    if known.country == "VN":
        return joined(known.form, choose(dice.chance(0.5), known.trade_short, ""), known.name)
    if known.country == "IR":
        return glued("شرکت ", joined(known.trade, known.name))
    return joined(known.name, known.trade, known.form_short)


def short_name(known: Organisations, dice: Dice) -> Column:
    """With every abbreviation the country knows, as an old system holds it."""
    if known.country == "VN":
        written = joined(known.form_short, known.trade_short, known.name)
        return choose(dice.chance(0.4), each(unaccented, written), written)
    if known.country == "IR":
        return glued("شرکت ", joined(known.trade, known.name))
    written = joined(known.name, known.trade_short, known.form_short)
    return choose(dice.chance(0.5), each(lambda name: name.replace("&", "AND"), written), written)


def typed_name(known: Organisations, dice: Dice) -> Column:
    """As people type it: without legal form, in lower case, in Latin letters, now and then only initials."""
    style = dice.rungs(ladder([40, 25, 28, 7]))
    core = _core(known)
    options = {
        "US": [core, each(_careless, core), everyday_name(known, dice), each(_initials, core)],
        "VN": [core, each(lambda name: unaccented(name).lower(), core), known.latin, joined(known.form_short, core)],
        "IR": [core, known.latin, known.latin + " Co.", "شرکت " + core],
    }
    typed: Column = np.choose(style, options[known.country])
    return typed


def _core(known: Organisations) -> Column:
    """The name people use in speech."""
    parts = {"US": (known.name, known.trade), "VN": (known.name,), "IR": (known.trade, known.name)}
    return joined(*parts[known.country])


def _careless(name: str) -> str:
    return name.replace(" & ", " and ").lower()


def _initials(name: str) -> str:
    return "".join(word[0] for word in name.split() if word[0].isalpha())


_NAMES: dict[str, Callable[[Words, Dice], dict[str, Column]]] = {
    "US": _us_names,
    "VN": _vietnamese_names,
    "IR": _iranian_names,
}
