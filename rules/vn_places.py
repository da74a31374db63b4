"""The names in a Vietnamese address -> its ward, district and province, whatever marks, order and slips they come with.

What a piece says it is (Phường, Quận, Tỉnh, or P., Q., T.) goes before its place in the address; without such a word
the largest unit stands last.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Literal, NamedTuple, TypeVar

from rules.address_parts import address_key
from rules.names_vietnamese import native_form
from rules.text import ascii_fold
from rules.vn_units import (
    MUNICIPALITIES,
    PROVINCES,
    District,
    OldWard,
    Province,
    Ward,
    closest,
    load_units,
    squeeze,
    unit_key,
)

Level = Literal["ward", "district", "city", "province"]

# The words and letters before or after the name of a unit, by its level; numbers follow even a single letter.
_WARD = (
    r"(?:phuong|ph|ward|xa|thi ?tran|dac khu|dk)\s+(?P<w1>.+)|(?:p|f|x|tt)\s+(?P<w2>\D.*)"
    r"|(?:p|f|ph|phuong)\s?(?P<w3>[0-9]{1,2})|(?P<w4>\D.*)\s(?:ward|commune)"
)
_DISTRICT = (
    r"(?:quan|huyen|hy|thi ?xa|dist|district)\s+(?P<d1>.+)|(?:q|qu|h|tx)\s+(?P<d2>\D.*)"
    r"|(?:q|d|quan)\s?(?P<d3>[0-9]{1,2})|(?P<d4>\D.*)\s(?:district|dist|town)"
)
_CITY = r"(?:thanh ?pho|city of|t p|tp)\s*(?P<c1>.+)|(?P<c2>.+)\s(?:city|tp)"
_PROVINCE = r"(?:tinh|t)\s+(?P<p1>.+)|(?P<p2>.+)\sprovince"
_UNIT = re.compile(rf"(?P<ward>{_WARD})|(?P<district>{_DISTRICT})|(?P<city>{_CITY})|(?P<province>{_PROVINCE})")
_NOT_WORD = re.compile("[^a-z0-9]+")
_LEVELS: tuple[Level, ...] = ("ward", "district", "city", "province")
_NAMES: Mapping[Level, tuple[str, ...]] = {
    "ward": ("w1", "w2", "w3", "w4"), "district": ("d1", "d2", "d3", "d4"), "city": ("c1", "c2"),
    "province": ("p1", "p2"),
}  # fmt: skip
_PROVINCES = {squeeze(name): name for name in PROVINCES}
# A name cut short by a fixed-width field (THANH PHO HO CHI MIN) has at least so many letters.
SHORTEST_CUT = 6
SHORTEST_PROVINCE = 4
LONGEST_NAME = 5
LONGEST_SHORT_WORD = 2
_MARKED_WORDS = ("phường", "quận", "huyện", "thị", "thành", "tỉnh", "đặc", "ward", "district", "city")


class Named(NamedTuple):
    """One piece of an address: its unit level, if it says one, its name, spaced and squeezed, and its text."""

    level: Level | None
    key: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Place:
    """What the pieces name.

    districts: compare values of ward and district. shown: ward and district in their official writing.
    used: positions of the pieces that were understood; at_region: of the one with the province.
    is_corrected: a name was read in spite of a slip.
    """

    districts: tuple[str, ...] = ()
    city: str | None = None
    region: str | None = None
    shown: tuple[str, ...] = ()
    city_shown: str | None = None
    used: frozenset[int] = frozenset()
    at_region: int | None = None
    is_corrected: bool = False
    is_ward_known: bool = False


@lru_cache(maxsize=65536)
def read_name(text: str) -> Named:
    """The level and name of a piece (`P. Bến Nghé`, `quan 1`, `Lâm Đồng`)."""
    key = " ".join(address_key(text).replace("-", " ").replace("#", " ").split())
    match = _UNIT.fullmatch(key)
    if match is None or not _is_unit_word(text):
        return Named(None, key, squeeze(key), text)
    level: Level = next(level for level in _LEVELS if match[level])
    name = next(match[group] for group in _NAMES[level] if match[group]).strip()
    name = unit_key(name, "p" if level == "ward" else "q")
    return Named(level, name, squeeze(name), text)


def _is_unit_word(text: str) -> bool:
    """Whether the first word, in a text with marks, has those of a unit word: Quận, but not Quán Toan or Tinh Nhuệ."""
    first = text.split(maxsplit=1)[0].strip(".")
    return text.isascii() or len(first) <= LONGEST_SHORT_WORD or first.startswith(_MARKED_WORDS) or "." in first


def province_of(named: Named, *, is_guess: bool = False) -> str | None:
    """The province, as people call it, that the piece names; with slips only when it is a guess."""
    if named.level in ("ward", "district") or (named.level == "city" and named.name in _cities()):
        return None
    if named.name in _PROVINCES:
        return _PROVINCES[named.name]
    if named.level == "city" and len(named.key) >= SHORTEST_CUT:
        cut = [full for full in sorted(MUNICIPALITIES) if full.startswith(named.key)]
        if cut:
            return cut[0]
    found = closest(named.name, _PROVINCES, shortest=SHORTEST_PROVINCE) if is_guess else None
    return None if found is None else _PROVINCES[found]


@cache
def _cities() -> frozenset[str]:
    """Squeezed names of cities below a province; thành phố before another province's name is a mistake."""
    cities = [name for p in every_province() for name, district in p.districts.items() if district.is_city]
    return frozenset(cities).difference(map(squeeze, MUNICIPALITIES))


@lru_cache(maxsize=65536)
# A ward with its district and province comes again and again.
@lru_cache(maxsize=65536)
def find_place(pieces: tuple[str, ...]) -> Place:
    """The place that the pieces of an address name, in their order; `used` is empty when nothing was found."""
    names = [read_name(piece) for piece in pieces]
    at, province, is_slip = _find_province(names)
    return _Finder(names, province, at, is_corrected=is_slip).place()


def _find_province(names: Sequence[Named]) -> tuple[int | None, str | None, bool]:
    """(where, which, whether by correcting it) of the last piece that names one."""
    for is_guess in (False, True):
        for at in range(len(names) - 1, -1, -1):
            found = province_of(names[at], is_guess=is_guess)
            if found is not None:
                return at, found, is_guess
    return None, None, False


class _Finder:
    """One search for the units of an address; lives as long as one call of `find_place`."""

    def __init__(self, names: Sequence[Named], province: str | None, at: int | None, *, is_corrected: bool) -> None:
        self.names, self.at, self.is_corrected = names, at, is_corrected
        self.used = set() if at is None else {at}
        self.old = None if province is None else _old_key(province)
        self.region = None if province is None else PROVINCES[province]

    def place(self) -> Place:
        district = self._district()
        if self.region is None and district is not None:
            self.region = PROVINCES[district.province]
        old = self._old_wards(district)
        new = () if old or district is not None else self._new_wards()
        if district is None and old:
            district = self._provinces()[0].districts.get(squeeze(old[0].district))
        return self._described(district, old, tuple(ward for each in old for ward in each.wards) or new)

    def _described(self, district: District | None, old: Sequence[OldWard], wards: Sequence[Ward]) -> Place:
        shown = [old[0].name] if old else [wards[0].name] if wards else []
        shown += [] if district is None or district.name in shown else [district.name]
        city = self.region if self.region in MUNICIPALITIES else None
        if wards:
            districts, city = _same_place(wards, district)
        else:
            districts = () if district is None else (district.key,)
            if city is None and district is not None and district.is_city:
                city = district.key
        return Place(
            districts=districts,
            city=city,
            region=self.region,
            shown=tuple(filter(None, shown)),
            city_shown=district.name if city is not None and district is not None and city == district.key else None,
            used=frozenset(self.used),
            at_region=self.at,
            is_corrected=self.is_corrected,
            is_ward_known=bool(wards),
        )

    def _provinces(self) -> Sequence[Province]:
        """Where to look: the old province of the name written, then the others of today's province, or all."""
        return every_province() if self.region is None else _provinces_of(self.old, self.region)

    def _free(self, *levels: Level | None) -> Iterator[tuple[int, Named]]:
        for at in range(len(self.names) - 1, -1, -1):
            if at not in self.used and self.names[at].level in levels:
                yield at, self.names[at]

    def _take(self, at: int, *, corrected: bool) -> None:
        self.used.add(at)
        self.is_corrected |= corrected

    def _district(self) -> District | None:
        for is_guess in (False, True):
            unmarked: tuple[Level | None, ...] = () if is_guess and self.region is None else ("province", None)
            for levels in (("district", "city"), unmarked):
                for at, named in self._free(*levels):
                    found = _district_in(self._provinces(), named, is_guess=is_guess, alone=self.region is None)
                    if found is not None:
                        self._take(at, corrected=is_guess)
                        return found
        return None

    def _old_wards(self, district: District | None) -> Sequence[OldWard]:
        """The ward of before 2025, in its district, or where only one in the old province has its name."""
        for is_guess in (False, True):
            wards = {} if district is None else district.wards
            for at, named in [*self._free("ward"), *self._free(None), *self._free("district", "city")]:
                own = f"p{named.name}" if named.name.isdigit() else named.name
                name = closest(own, wards) if is_guess else own
                found = wards.get(name or "") or wards.get(squeeze(_NOT_WORD.sub("", ascii_fold(named.text))))
                if found is not None:
                    self._take(at, corrected=is_guess)
                    return _as_written(found, named.text)
        return () if self.region is None else self._lone_ward(is_today=district is None)

    def _lone_ward(self, *, is_today: bool) -> Sequence[OldWard]:
        """A ward whose district is missing or unknown; a name of today, where there is no district, goes first."""
        today = load_units().new[self.region or ""] if is_today else {}
        for at, named in self._free("ward", None):
            found = self._provinces()[0].wards.get(named.name, ())
            if len(found) == 1 and (named.name not in today or self.old not in load_units().new):
                self._take(at, corrected=False)
                return tuple(found)
        return ()

    def _new_wards(self) -> Sequence[Ward]:
        today = load_units().new.get(self.region or "", {})
        for is_guess in (False, True):
            for at, named in self._free("ward") if is_guess else self._free("ward", None):
                name = closest(named.name, today) if is_guess else named.name
                found = today.get(name or "")
                if found is not None:
                    self._take(at, corrected=is_guess)
                    return _as_written(found, named.text)
        return ()


AnyWard = TypeVar("AnyWard", Ward, OldWard)


def _as_written(wards: Sequence[AnyWard], text: str) -> Sequence[AnyWard]:
    """Those of several wards with one folded name that have the marks, or else the unit word, of the text."""
    if len(wards) == 1:
        return wards
    native = native_form(text)
    same = [ward for ward in wards if native.endswith(native_form(ward.name).partition(" ")[2])]
    kind = [ward for ward in same or wards if native.startswith(ward.name[:3].lower())]
    return kind or same or wards


def _same_place(wards: Sequence[Ward], district: District | None) -> tuple[tuple[str, ...], str | None]:
    """(compare values, city) of the ward of today, or of all that an old ward was divided into."""
    if len(set(wards)) == 1:
        return wards[0].places, wards[0].city
    keys = [ward.places[0] for ward in wards]
    cities = {ward.city for ward in wards}
    own = [] if district is None else [district.key]
    return tuple(dict.fromkeys([*keys, *own])), cities.pop() if len(cities) == 1 else None


@cache
def every_province() -> tuple[Province, ...]:
    """All provinces of before July 2025."""
    return tuple(load_units().old.values())


@cache
def _provinces_of(old: str | None, region: str) -> tuple[Province, ...]:
    """The old provinces that today's was made of, the one that was written first."""
    parts = [province for province in every_province() if PROVINCES[province.key] == region]
    return tuple(sorted(parts, key=lambda province: (province.key != old, province.key != region)))


@cache
def _old_key(written: str) -> str:
    """The old province that people call so (hcm, dac nong, ba ria - vung tau)."""
    squeezed = {squeeze(province.key): province.key for province in every_province()}
    return squeezed.get(squeeze(written)) or _ALIASES.get(written, PROVINCES[written])


# Writings that neither the list of units nor the folding of spaces and y brings together.
_ALIASES = {
    "bac can": "bac kan", "dac nong": "dak nong", "dac lac": "dak lak", "br vt": "ba ria vung tau",
    "brvt": "ba ria vung tau",
}  # fmt: skip


def _district_in(provinces: Sequence[Province], named: Named, *, is_guess: bool, alone: bool) -> District | None:
    """The district of that name in the first province that has one; without a province only a unique name."""
    if is_guess:
        near = [(p, name) for p in provinces if (name := closest(named.name, p.districts)) is not None]
        found = [p.districts[name] for p, name in near]
    else:
        name = f"q{named.name}" if named.name.isdigit() else named.name
        found = [p.districts[name] for p in provinces if name in p.districts]
    return None if not found or (alone and len(found) > 1) else found[0]
