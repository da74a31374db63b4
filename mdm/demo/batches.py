"""The people or organisations of one country -> the records of all sources about them, and their golden values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from mdm.demo import dates
from mdm.demo.columns import Column, Columns, Dice, Mask, Numbers, choose, column, constant, mixed, take
from mdm.demo.contacts import e164
from mdm.demo.coverage import ORGANISATIONS_IN, PEOPLE_IN, Coverage
from mdm.demo.organisation_layouts import organisation_row
from mdm.demo.organisations import Market, draw_organisations, legal_name
from mdm.demo.people import Part, Population, draw_people
from mdm.demo.person_layouts import PERSON_LAYOUTS, with_a_contact
from mdm.demo.person_names import formal_name
from mdm.demo.slips import Clerk
from mdm.demo.words import Words

Rows = Callable[[str, Numbers, Mask, Clerk], Columns]

TEXT = pa.string()
RECORD_COLUMNS = (
    *("source", "record_id", "record_type", "full_name", "first_name", "middle_name", "last_name", "org_name"),
    *("gender", "birth_date", "national_id", "tax_id", "email", "phone", "phone2", "address", "city", "region"),
    *("postcode", "country", "website", "updated_at"),
)
GOLDEN_COLUMNS = (
    *("cluster_id", "household_id", "record_type", "country", "full_name", "first_name", "middle_name", "last_name"),
    *("suffix", "org_name", "gender", "birth_date", "national_id", "tax_id", "email", "phone", "website", "address"),
    *("city", "region", "postcode", "moved"),
)


@dataclass(frozen=True, slots=True)
class Batch:
    """The records of one kind of entity in one country; entity: the row of golden that each record is about."""

    records: pa.Table
    entity: Numbers
    golden: pa.Table


def people_batch(words: Words, part: Part, dice: Dice) -> Batch:
    """As many people as the dice has rows, with their records."""
    population = draw_people(words, part, dice)

    def rows(source: str, who: Numbers, stale: Mask, clerk: Clerk) -> Columns:
        known = mixed(stale, take(population.before, who), take(population.now, who))
        row = PERSON_LAYOUTS[source](known, words.names.forms, clerk)
        return with_a_contact(row, known, clerk) | {"record_type": constant("PERSON", len(who))}

    golden = _golden_people(population, part)
    return _written(PEOPLE_IN, rows, golden, words.country, dice)


def organisation_batch(words: Words, part: Part, dice: Dice) -> Batch:
    """As many organisations as the dice has rows, with their records."""
    market = draw_organisations(words, part, dice)

    def rows(source: str, who: Numbers, stale: Mask, clerk: Clerk) -> Columns:
        known = mixed(stale, take(market.before, who), take(market.now, who))
        return organisation_row(source, known, clerk) | {"record_type": constant("ORGANIZATION", len(who))}

    return _written(ORGANISATIONS_IN, rows, _golden_organisations(market, dice), words.country, dice)


def _written(coverage: Mapping[str, Coverage], rows: Rows, golden: pa.Table, country: str, dice: Dice) -> Batch:
    """What every source writes about the entities."""
    tables, entities = [], []
    for source, cover in coverage.items():
        count = dice.chance(cover.known) * (1 + dice.rng.poisson(cover.again, dice.size))
        who = np.repeat(np.arange(dice.size), count)
        clerk = Clerk(country, dice.resized(len(who)))
        stale = clerk.dice.chance(cover.stale)
        columns = rows(source, who, stale, clerk)
        columns |= {"source": constant(source, len(who)), "country": constant(country, len(who))}
        columns["updated_at"] = _updates(stale, clerk.dice)
        tables.append(_table(columns, RECORD_COLUMNS, len(who)))
        entities.append(who)
    return Batch(pa.concat_tables(tables), np.concatenate(entities), golden)


def _updates(stale: Mask, dice: Dice) -> Column:
    """Stale rows were last touched in 2016 to 2021, the others in 2022 to 2025: changes lie between."""
    year = np.where(stale, dice.numbers(2016, 2022), dice.numbers(2022, 2026))
    return dates.iso(dates.day_in(year, dice))


def _table(columns: Columns, names: tuple[str, ...], size: int) -> pa.Table:
    """The columns as text in the given order; empty cells and missing columns are null."""
    arrays = [
        pa.array(columns[name], TEXT, mask=columns[name] == "") if name in columns else pa.nulls(size, TEXT)
        for name in names
    ]
    return pa.table(arrays, names=list(names))


def _golden_people(population: Population, part: Part) -> pa.Table:
    now, size = population.now, len(population.moved)
    household = column(f"{now.country}-{part.number}-{home}" for home in now.household.tolist())
    return _table(
        {
            "household_id": household,
            "record_type": constant("PERSON", size),
            "full_name": formal_name(now, np.ones(size, bool)),
            "first_name": now.given,
            "middle_name": now.middle,
            "last_name": now.family,
            "suffix": now.suffix,
            "gender": choose(now.male, "M", "F"),
            "birth_date": dates.iso(now.born),
            "national_id": now.national_id,
            **_golden_contacts(population, size),
        },
        GOLDEN_COLUMNS,
        size,
    )


def _golden_organisations(market: Market, dice: Dice) -> pa.Table:
    now = market.now
    columns = {
        "record_type": constant("ORGANIZATION", dice.size),
        "org_name": legal_name(now, dice),
        "tax_id": now.tax_id,
        "website": now.website,
        **_golden_contacts(market, dice.size),
    }
    return _table(columns, GOLDEN_COLUMNS, dice.size)


def _golden_contacts(world: Population | Market, size: int) -> Columns:
    now, address = world.now, world.now.address
    return {
        "country": constant(now.country, size),
        "email": now.email,
        "phone": e164(now.phone, now.country),
        "address": address.line,
        "city": address.city,
        "region": address.region,
        "postcode": address.postcode,
        "moved": choose(world.moved, "true", "false"),
    }
