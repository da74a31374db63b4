"""Vietnamese administrative units: the names of a place, of before or after July 2025 -> the ward of today.

Invariant: every writing of a ward, old or new, gives the same keys; one that was divided gives those of all its parts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from jellyfish import damerau_levenshtein_distance

from rules.tables import read_table
from rules.text import ascii_fold, read_sections

PROVINCES = {
    name: row[0] for row in read_table("vn_provinces.txt") for cell in row for name in cell.split(",")
}  # fmt: skip
# These are cities and provinces at once; Thành phố Vinh is a city inside Nghệ An.
MUNICIPALITIES = frozenset({"ha noi", "ho chi minh", "da nang", "hai phong", "can tho", "hue"})

UNIT_WORDS = {"P": "Phường", "X": "Xã", "T": "Thị trấn", "D": "Đặc khu"}
DISTRICT_WORDS = {"Q": "Quận", "H": "Huyện", "T": "Thị xã", "C": "Thành phố"}
# Shorter names have neighbours at one letter's distance that are other places.
SHORTEST_CORRECTED = 5
_ROMAN = {"i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5", "vi": "6", "vii": "7", "viii": "8"}
_NOT_WORD = re.compile("[^a-z0-9]+")


class Ward(NamedTuple):
    """A ward, commune or special zone of today.

    places: its own key, then those of the districts of before 2025 that most of it came from.
    city: the city below a province that all of it was part of, or None.
    """

    name: str
    province: str
    places: tuple[str, ...]
    city: str | None


class OldWard(NamedTuple):
    """A ward of before July 2025 in its district, and the wards of today that hold it, the largest part first."""

    name: str
    district: str
    wards: tuple[Ward, ...]


@dataclass(frozen=True, slots=True)
class District:
    """A district of before July 2025; `wards` by their squeezed names."""

    name: str
    key: str
    province: str
    wards: Mapping[str, tuple[OldWard, ...]]

    @property
    def is_city(self) -> bool:
        """Whether it is a city below a province."""
        return self.name.startswith("Thành phố")


@dataclass(frozen=True, slots=True)
class Province:
    """A province or centrally run city of before July 2025; units by their squeezed names."""

    key: str
    districts: Mapping[str, District]
    wards: Mapping[str, frozenset[OldWard]]


class Units(NamedTuple):
    """Old provinces by key, and today's wards by province key and squeezed name."""

    old: Mapping[str, Province]
    new: Mapping[str, Mapping[str, tuple[Ward, ...]]]


def unit_key(name: str, letter: str) -> str:
    """The folded name of a unit; a bare number keeps a letter, as ward 5 and district 5 are two places."""
    key = _NOT_WORD.sub(" ", ascii_fold(name).lower().replace("'", "")).strip()
    key = _ROMAN.get(key, key)
    return f"{letter}{int(key)}" if key.isdigit() else key


def squeeze(key: str) -> str:
    """The key as names are looked up: without spaces, i for y."""
    return key.replace(" ", "").replace("y", "i")


class _Part(NamedTuple):
    """One cell of the list: an old ward, or part of it, that a ward of today holds."""

    province: str
    district: str
    ward: str
    mark: str


def _read_parts(cells: str, province: str) -> Iterator[_Part]:
    for cell in cells.split("; "):
        place, _, wards = cell.partition(": ")
        old_province, _, district = place.rpartition("/")
        for ward in wards.split(", "):
            mark = ward[-1] if ward[-1] in "+~" else ""
            yield _Part(unit_key(old_province or province, ""), district, ward.rstrip("+~"), mark)


@cache
def load_units() -> Units:
    """All units, read once (60 ms), when the first Vietnamese address comes."""
    new: dict[str, dict[str, tuple[Ward, ...]]] = {}
    holders: dict[_Part, list[tuple[bool, Ward]]] = {}
    for province, lines in read_sections("vn_units_2025.txt").items():
        key = unit_key(province, "")
        wards = new.setdefault(key, {})
        for line in lines:
            name, _, cells = line.partition("\t")
            parts = list(_read_parts(cells, province))
            ward = _ward(name, key, parts)
            squeezed = squeeze(ward.places[0])
            wards[squeezed] = (*wards.get(squeezed, ()), ward)
            for part in parts:
                holders.setdefault(part._replace(mark=""), []).append((part.mark == "~", ward))
    return Units(_old_provinces(holders), new)


def _ward(name: str, province: str, parts: Iterable[_Part]) -> Ward:
    key = unit_key(name[2:], "p")
    main = {part.district for part in parts if part.mark != "~"}
    districts = sorted({unit_key(district[2:], "q") for district in main} - {key})
    only = next(iter(main)) if len(main) == 1 else ""
    city = unit_key(only[2:], "q") if only.startswith("C") else None
    city = province if province in MUNICIPALITIES else city
    return Ward(f"{UNIT_WORDS[name[0]]} {name[2:]}", province, (key, *districts), city)


def _old_provinces(holders: Mapping[_Part, list[tuple[bool, Ward]]]) -> dict[str, Province]:
    tree: dict[str, dict[str, dict[str, tuple[OldWard, ...]]]] = {}
    for part, held in holders.items():
        wards = tree.setdefault(part.province, {}).setdefault(part.district, {})
        name, ward = _old_ward(part, tuple(ward for _, ward in sorted(held)))
        wards[name] = (*wards.get(name, ()), ward)
    return {province: _old_province(province, districts) for province, districts in tree.items()}


def _old_ward(part: _Part, wards: tuple[Ward, ...]) -> tuple[str, OldWard]:
    district = unit_key(part.district[2:], "q")
    if part.ward == "*":
        return squeeze(district), OldWard(_district_name(part.district), district, wards)
    name = part.ward[2:]
    return squeeze(unit_key(name, "p")), OldWard(f"{UNIT_WORDS[part.ward[0]]} {name}", district, wards)


def _district_name(written: str) -> str:
    return f"{DISTRICT_WORDS[written[0]]} {written[2:]}"


def _old_province(key: str, tree: Mapping[str, Mapping[str, tuple[OldWard, ...]]]) -> Province:
    districts: dict[str, District] = {}
    for written, wards in tree.items():
        district = District(_district_name(written), unit_key(written[2:], "q"), key, wards)
        named = squeeze(district.key)
        # A town and the rural district around it may share a name: Cao Lãnh.
        districts[named] = (
            district if named not in districts else _union(districts[named].key, (districts[named], district))
        )
    for province, former, cells in read_table("vn_former_districts.txt"):
        if province == key:
            former_key = unit_key(former.removeprefix("quan "), "q")
            districts[squeeze(former_key)] = _union(former_key, [districts[squeeze(n)] for n in cells.split(",")])
    everything: dict[str, frozenset[OldWard]] = {}
    for district in districts.values():
        for name, known in district.wards.items():
            everything[name] = everything.get(name, frozenset()).union(known)
    return Province(key, districts, everything)


def _union(key: str, parts: Sequence[District]) -> District:
    """One district that holds the wards of several; it goes by the name of the only one, if there is one."""
    if len(parts) == 1:
        return parts[0]
    wards: dict[str, tuple[OldWard, ...]] = {}
    for part in parts:
        for name, known in part.wards.items():
            wards[name] = (*wards.get(name, ()), *known)
    return District(parts[0].name if parts[0].key == key else "", key, parts[0].province, wards)


def closest(name: str, names: Iterable[str], *, shortest: int = SHORTEST_CORRECTED) -> str | None:
    """The only one of the names that one slip of the keyboard makes of this one; None when unsure."""
    if len(name) < shortest or not name.isalpha():
        return None
    near = [other for other in names if abs(len(other) - len(name)) < 2 and _is_slip(name, other)]
    return near[0] if len(near) == 1 else None


def _is_slip(name: str, other: str) -> bool:
    return bool(other.isalpha() and damerau_levenshtein_distance(name, other) == 1)
