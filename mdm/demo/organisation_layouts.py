"""What each source knows about organisations -> its rows, in the habits of that source."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mdm.demo import contacts
from mdm.demo.columns import Column, Columns, Dice, choose, each
from mdm.demo.organisations import Organisations, everyday_name, legal_name, short_name, typed_name
from mdm.demo.person_layouts import old_text, one_line
from mdm.demo.slips import Clerk


@dataclass(frozen=True, slots=True)
class Habit:
    """How a source writes a company, and what share of each value it does not have."""

    name: Callable[[Organisations, Dice], Column]
    name_slips: float
    phone: Callable[[Organisations, Dice], Column]
    no_tax_id: float
    no_email: float
    no_phone: float
    no_website: float
    no_address: float


def _e164(known: Organisations, dice: Dice) -> Column:
    return contacts.e164(known.phone, known.country)


def _national(known: Organisations, dice: Dice) -> Column:
    return contacts.national(known.phone, known.country, dice)


def _typed(known: Organisations, dice: Dice) -> Column:
    return contacts.typed(known.phone, known.country, dice)


def _outdated(known: Organisations, dice: Dice) -> Column:
    return contacts.outdated(known.phone, known.country, dice)


# name, its slips, phone; then the shares without tax id, email, phone, website, address
ORGANISATION_HABITS: Mapping[str, Habit] = {
    "crm": Habit(everyday_name, 0.015, _e164, 0.4, 0.3, 0.15, 0.4, 0.02),
    "billing": Habit(legal_name, 0.015, _national, 0.05, 0.5, 0.2, 0.9, 0.0),
    "web": Habit(typed_name, 0.05, _typed, 0.95, 0.1, 0.3, 0.4, 0.3),
    "support": Habit(typed_name, 0.06, _typed, 0.97, 0.5, 0.05, 0.95, 1.0),
    "legacy": Habit(short_name, 0.03, _outdated, 0.3, 0.95, 0.3, 1.0, 0.02),
    "partner": Habit(legal_name, 0.015, _typed, 0.25, 0.4, 0.3, 0.3, 0.02),
}


def organisation_row(source: str, known: Organisations, clerk: Clerk) -> Columns:
    """The columns the source holds about these organisations."""
    habit, dice = ORGANISATION_HABITS[source], clerk.dice
    name = clerk.slips(habit.name(known, dice), habit.name_slips)
    bare_tax_id = source in ("legacy", "partner")
    tax_id = each(lambda number: number.replace("-", ""), known.tax_id) if bare_tax_id else known.tax_id
    website = choose(dice.chance(0.5), known.website, "https://" + known.website + "/")
    return {
        "org_name": old_text(name, known.country, 28) if source == "legacy" else name,
        "tax_id": clerk.omits(tax_id, habit.no_tax_id),
        "email": clerk.omits(known.email, habit.no_email),
        "phone": clerk.omits(habit.phone(known, dice), habit.no_phone),
        "website": clerk.omits(website, habit.no_website),
        **_address(source, known, clerk),
    }


def _address(source: str, known: Organisations, clerk: Clerk) -> Columns:
    address, no_address = known.address, ORGANISATION_HABITS[source].no_address
    if source == "billing":
        return {"address": clerk.slips(one_line(address, known.country), 0.02)}
    if source == "support":
        return {"city": address.city}
    postcode = clerk.omits(address.postcode, 0.9 if known.country == "VN" else 0.2)
    if source in ("crm", "partner"):
        line = clerk.omits(clerk.slips(address.line, 0.03), no_address)
        return {"address": line, "city": address.city, "region": address.region, "postcode": postcode}
    line = clerk.omits(clerk.slips(address.short, 0.03), no_address)
    city = address.former_region if known.country == "VN" else address.city
    if source == "legacy":
        line, city = old_text(line, known.country, 40), old_text(city, known.country, 20)
    return {"address": line, "city": city, "postcode": postcode}
