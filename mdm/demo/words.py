"""The vocabulary files of one country -> words with the weights they are drawn by."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from mdm.demo.columns import Column, Ladder, WordList, column, ladder

Row = Mapping[str, str]

LANGUAGES = {"en": "US", "vi": "VN", "fa": "IR"}
RARE_SHARE = {"US": 0.38, "VN": 0.0, "IR": 0.25}
MIDDLE_SHARE_US = 0.62


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a vocabulary file by column, with the ladder their weights make."""

    columns: Mapping[str, Column]
    steps: Ladder


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one country.

    forms: a US given name -> its nicknames; a Persian name -> its Latin spellings.
    """

    given: Mapping[bool, WordList]
    middle: Mapping[bool, WordList]
    family: WordList
    forms: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class CompanyWords:
    """The words company names are made of: parallel columns word, short and latin per kind."""

    names: Table
    trades: Table
    forms: Table


@dataclass(frozen=True, slots=True)
class Words:
    """Everything that is drawn for one country."""

    country: str
    names: Names
    streets: Table
    places: Table
    companies: CompanyWords


@cache
def words_of(country: str) -> Words:
    """The vocabulary of a country: US, VN or IR."""
    code = country.lower()
    companies = _read(f"companies_{code}.csv")
    kinds = (_table([row for row in companies if row["kind"] == kind]) for kind in ("name", "trade", "form"))
    return Words(
        country=country,
        names=_names(country, _read(f"names_{code}.csv")),
        streets=_table(_read(f"streets_{code}.csv"), steepness=0.6),
        places=_table(_read(f"places_{code}.csv")),
        companies=CompanyWords(*kinds),
    )


def _read(name: str) -> list[Row]:
    text = files("mdm.demo").joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))


def _table(rows: Sequence[Row], steepness: float = 0.3) -> Table:
    weights = [float(row["weight"]) for row in rows] if "weight" in rows[0] else _by_rank(len(rows), steepness)
    return Table({name: column(row[name] for row in rows) for name in rows[0]}, ladder(weights))


def _by_rank(size: int, steepness: float) -> list[float]:
    """Zipf's law with a flattened top: few words are common, most are rare."""
    return [(rank + 12) ** -steepness for rank in range(size)]


def _names(country: str, rows: Sequence[Row]) -> Names:
    forms = {row["name"]: tuple(row["forms"].split("|")) for row in rows if row["forms"]}
    rare = _rare_family_names(country, rows)
    given = {male: _word_list(rows, "male" if male else "female") for male in (True, False)}
    return Names(
        given=given,
        middle={male: _middle(country, rows, male, given[male]) for male in (True, False)},
        family=_with_rare(_word_list(rows, "family"), list(rare), RARE_SHARE[country]),
        forms=forms | rare if country == "IR" else forms,
    )


def _word_list(rows: Iterable[Row], kind: str) -> WordList:
    chosen = [row for row in rows if row["kind"] == kind]
    ranked = _by_rank(len(chosen), 0.85)
    weights = [float(row["weight"]) if row["weight"] else ranked[rank] for rank, row in enumerate(chosen)]
    return WordList(column(row["name"] for row in chosen), ladder(weights))


def _middle(country: str, rows: Sequence[Row], male: bool, given: WordList) -> WordList:
    if country == "VN":
        return _word_list(rows, "middle_male" if male else "middle_female")
    none = WordList(column([""]), ladder([1.0]))
    return _with_rare(none, list(given.words), MIDDLE_SHARE_US) if country == "US" else none


def _with_rare(common: WordList, rare: Sequence[str], share: float) -> WordList:
    """The common words, and after them the rare ones, which together are drawn with that share."""
    if not rare:
        return common
    tail = 1.0 - share + share * ladder([1.0] * len(rare))
    return WordList(np.concatenate([common.words, column(rare)]), np.concatenate([common.steps * (1.0 - share), tail]))


def _rare_family_names(country: str, rows: Sequence[Row]) -> dict[str, tuple[str, ...]]:
    """Composed family names with their Latin spellings, none of them among the common ones."""
    known = {row["name"] for row in rows}
    starts = [row for row in rows if row["kind"] == ("stem" if country == "US" else "male")]
    endings = [row for row in rows if row["kind"] == "ending"]
    composed = (_compose(country, start, ending) for start in starts for ending in endings)
    return {name: spellings for name, spellings in composed if name not in known}


def _compose(country: str, start: Row, ending: Row) -> tuple[str, tuple[str, ...]]:
    if country == "US":
        name = start["name"] + ending["name"]
        return name, (name,)
    link = "" if ending["name"] == "یان" else "\u200c"
    latin = [first + last for first in start["forms"].split("|")[:2] for last in ending["forms"].split("|")]
    return start["name"] + link + ending["name"], tuple(latin)
