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
# What opens the name of a branch behind that of the organisation, and at its start stands before it.
_OPENINGS = (
    ("van", "phong", "dai", "dien"), ("phong", "giao", "dich"), ("chi", "nhanh"), ("vpdd",), ("pgd",), ("cn",),
    ("branch",), ("شعبه",), ("filiale",), ("sucursal",), ("niederlassung",), ("zweigniederlassung",),
)  # fmt: skip
_OPENING_STARTS = frozenset(opening[0] for opening in _OPENINGS)
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


def branch_of(words: Sequence[str], branch: Sequence[str], country: str | None) -> str:
    """What tells the branch: its own words, and the codes of countries and US states in the name after its first word.

    `main` where there is nothing of that.
    """
    if not branch and _STARTS.isdisjoint(words):
        return MAIN
    home = (country or "").lower()
    code = _PLACES.get(tuple(branch)) or " ".join(branch)
    found = {mark for mark in (*_marks(words), code) if mark not in ("", home)}
    return " ".join(sorted(found)) or MAIN


def split_branch(keys: Sequence[str], *, is_vietnamese: bool) -> tuple[slice, slice]:
    """(the words of the organisation, those of its branch) in a name; the second slice is empty without one.

    Chi nhánh Hà Nội behind the name, CN Công ty ... tại Hà Nội around it, Vietnam Branch at its end.
    """
    count, nothing = len(keys), slice(0, 0)
    if _OPENING_STARTS.isdisjoint(keys):
        return slice(0, count), nothing
    openings = [opening for opening in _OPENINGS if is_vietnamese or opening != ("cn",)]
    start = next((len(opening) for opening in openings if tuple(keys[: len(opening)]) == opening), 0)
    if start and "tai" in keys[start + 1 : -1]:
        at = count - 1 - [*reversed(keys)].index("tai")
        return slice(start, at), slice(at + 1, count)
    if start and count > start + 1:
        return slice(start, count), nothing
    if keys[-1] == "branch" and count > 2:
        size = next((n for n in range(LONGEST_PLACE, 0, -1) if tuple(keys[-1 - n : -1]) in _PLACES), 1)
        return (
            (slice(0, count - 1 - size), slice(count - 1 - size, count - 1))
            if count > size + 1
            else (slice(count), nothing)
        )
    for at in range(1, count - 1):
        for opening in openings:
            if tuple(keys[at : at + len(opening)]) == opening and at + len(opening) < count:
                return slice(0, at), slice(at + len(opening), count)
    return slice(0, count), nothing


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
