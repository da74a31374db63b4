"""Words of an organisation's name -> the country or state that tells one member of a group from another.

Bank of China (Hong Kong) is not Bank of China (Australia); but what is known as Samsung Vietnam abroad is Samsung at
home, so the record's own country does not count. Numbers do not either: some sources write them, others do not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rules.address_parts import REGIONS
from rules.tables import read_table
from rules.text import compare_key

MAIN = "main"
LONGEST_PLACE = 3
SHORTEST_NAME = 4


def _read_places() -> dict[tuple[str, ...], str]:
    """The folded words of a country or a US state -> its code; short aliases are words of too many languages."""
    places = {
        tuple(name.split()): f"us {code}"
        for (country, name), code in REGIONS.items()
        if country == "US" and len(name) > 4
    }
    for alpha2, _, *cells in read_table("countries.txt"):
        # Vietnamese names of countries are syllables of many other words (Pháp and giải pháp).
        written = [name for cell in cells for name in cell.split(",") if name.isascii() and "-" not in name]
        names = [key for name in written if (key := compare_key(name))]
        places |= {tuple(name.split()): alpha2.lower() for name in names if len(name) >= SHORTEST_NAME}
    return places | {("uk",): "gb", ("u", "k"): "gb", ("usa",): "us", ("uae",): "ae", ("norge",): "no"}


_PLACES = _read_places()
_STARTS = frozenset(words[0] for words in _PLACES)


def branch_of(words: Sequence[str], country: str | None) -> str:
    """The codes of countries and US states in the folded words after the first, or `main` where there are none."""
    found = {mark for mark in _marks(words) if mark != (country or "").lower()}
    return " ".join(sorted(found)) or MAIN


def _marks(words: Sequence[str]) -> Iterator[str]:
    at = 1
    while at < len(words):
        size, mark = _mark_at(words, at)
        if mark is not None:
            yield mark
        at += size


def _mark_at(words: Sequence[str], at: int) -> tuple[int, str | None]:
    if words[at] in _STARTS:
        for size in range(LONGEST_PLACE, 0, -1):
            code = _PLACES.get(tuple(words[at : at + size]))
            if code is not None:
                return size, code
    return 1, None
