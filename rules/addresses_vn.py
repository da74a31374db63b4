"""Vietnamese addresses, one line or columns -> street, wards and districts, province.

A unit says what it is (Phường, Quận, Tỉnh, or P., Q., T.); which column it stands in does not count, as systems put
wards into `city` and provinces anywhere. Provinces compare by the unit they became part of in July 2025.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from rules.address_parts import AddressParts, address_key, given_id, split_segments, street_text
from rules.tables import read_table

PROVINCES = {
    name: row[0] for row in read_table("vn_provinces.txt") for cell in row for name in cell.split(",")
}  # fmt: skip

# These are cities and provinces at once; Thành phố Vinh is a city inside Nghệ An.
MUNICIPALITIES = frozenset({"ha noi", "ho chi minh", "da nang", "hai phong", "can tho", "hue"})
SHORTEST_CUT = 6
# Their names and short forms, without the provinces that joined them in 2025.
MUNICIPALITY_NAMES = MUNICIPALITIES | {"hn", "hanoi", "hcm", "hcmc", "tphcm", "tp hcm", "sai gon", "saigon", "danang"}

_WARD = re.compile(r"(?:(?:phuong|thi tran|xa)\s+|(?:p|x|tt)\s+(?=\D)|p\s?(?=[0-9]))(.+)")
_DISTRICT = re.compile(r"(?:(?:quan|huyen|thi xa)\s+|(?:q|h|tx)\s+(?=\D)|q\s?(?=[0-9]))(.+)")
_CITY = re.compile(r"(?:thanh pho|tp)\s*(.+)|(.+) city")
_PROVINCE = re.compile(r"tinh\s+(.+)")
# The country, and unit words whose name a fixed-width field cut off.
_IGNORED = frozenset({"viet nam", "vietnam", "vn", "h", "p", "q", "t", "tp", "tt", "tx", "x", "thanh pho", "tinh"})
# The one province with a dash in its name.
_BA_RIA = re.compile(r"(\br[iị]a)\s*-\s*(?=v)", re.IGNORECASE)
# A unit word in the middle of a line without commas starts a new piece.
_BEFORE_UNIT = re.compile(
    r"(?<!thị)\s+(?=(?:phường|quận|huyện|xã|thị xã|thị trấn|thành phố|tỉnh)\s"
    r"|(?:tp|tx|tt|p|q|h|x)\.\s?\S|[pq][0-9]{1,2}\b)",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"(?:(?:so nha|nha so|so|no|hem|ngo|ngach|kiet)\s*)?([0-9]+[a-z]?[0-9]?(?:[/-][0-9]+[a-z]?)*)(?:\s+(.*))?"
)
_STREET_WORD = re.compile(r"^(?:duong|pho|d)\s+(?=\D)")
_HIGHWAY = re.compile(r"\b(quoc lo|tinh lo|huong lo|ql|tl|hl)\s*(?=[0-9])")
_HIGHWAYS = {"quoc lo": "ql", "tinh lo": "tl", "huong lo": "hl"}
_UNIT = re.compile(r"^(?:can ho|can|phong|can so|apt|apartment|room|unit)\s+(?:so\s+)?([a-z0-9.-]*[0-9][a-z0-9.-]*)$")
_STREET_LIKE = re.compile(rf"{_NUMBER.pattern}|{_STREET_WORD.pattern}|{_UNIT.pattern}")
_POSTCODE = re.compile(r"[0-9]{5,6}")


@dataclass(slots=True)
class _Found:
    """What the pieces gave so far; only `parse_vn` holds one."""

    street: list[tuple[str, str]] = field(default_factory=list)
    districts: dict[str, str] = field(default_factory=dict)
    city: tuple[str, str] | None = None
    province: tuple[str, str] | None = None
    postcode: str | None = None


def parse_vn(given: Mapping[str, str]) -> AddressParts:
    """The parts of a Vietnamese address; wards and districts go into `districts` without their unit word."""
    found = _Found(postcode=given.get("postcode"))
    for part in ("region", "city", "district"):
        if part in given:
            _place_all(given[part], found, is_street_possible=False)
    _place_all(street_text(given), found, is_street_possible=True)
    number, street, unit, extra = _read_street([key for _, key in found.street])
    city, province = found.city, found.province
    return AddressParts(
        number=number,
        street=street,
        unit=given_id(given, "unit") or unit,
        line=", ".join(text for text, _ in found.street) or None,
        districts=tuple(found.districts),
        district=", ".join(dict.fromkeys(found.districts.values())) or None,
        city=given.get("city") or (city and city[0]),
        city_key=(city and city[1]) or "",
        region=given.get("region") or (province and province[0]),
        region_key=(province and PROVINCES.get(province[1], province[1])) or "",
        postcode=found.postcode,
        extra=tuple(extra.split()),
    )


def _place_all(text: str, found: _Found, *, is_street_possible: bool) -> None:
    """Sorts the pieces of a text into street, districts, city and province."""
    text = _BA_RIA.sub(r"\1 ", text).replace(" - ", ", ")
    pieces = split_segments(_BEFORE_UNIT.sub(", ", text))
    keyed = [(piece, key) for piece in pieces if (key := address_key(piece)) and key not in _IGNORED]
    for position, (piece, key) in enumerate(keyed):
        unit = _classify(key)
        is_first = position == 0 and is_street_possible
        if unit is not None:
            _place_unit(piece, *unit, found)
        elif _POSTCODE.fullmatch(key):
            found.postcode = found.postcode or key
        elif key in PROVINCES and (not is_first or (position == len(keyed) - 1 and position > 0)):
            is_city = key in MUNICIPALITY_NAMES
            _place_unit(piece, "municipality" if is_city else "province", PROVINCES[key] if is_city else key, found)
        elif is_street_possible and (is_first or _STREET_LIKE.match(key)):
            found.street.append((piece, key))
        else:
            found.districts.setdefault(_unit_name(key, "q"), piece)


def _place_unit(piece: str, level: str, name: str, found: _Found) -> None:
    """Puts a unit where its level belongs; a city below a province counts as a district, too."""
    if level in ("district", "city"):
        found.districts.setdefault(name, piece)
    if level in ("city", "municipality"):
        found.city = found.city or (piece, name)
    if level in ("province", "municipality"):
        found.province = found.province or (piece, name)


@lru_cache(maxsize=16384)
def _classify(key: str) -> tuple[str, str] | None:
    """(district, city, municipality or province; its name) of a piece with a unit word, or None without one."""
    words = key.replace("-", " ")
    for pattern, letter in ((_WARD, "p"), (_DISTRICT, "q")):
        match = pattern.fullmatch(words)
        if match is not None:
            return "district", _unit_name(match.group(1), letter)
    match = _PROVINCE.fullmatch(words)
    if match is not None:
        return "province", match.group(1)
    match = _CITY.fullmatch(words)
    if match is None:
        return None
    name = _complete(match.group(1) or match.group(2))
    return ("municipality", PROVINCES[name]) if name in MUNICIPALITY_NAMES else ("city", name)


def _complete(name: str) -> str:
    """The municipality whose name a fixed-width field cut short (THANH PHO HO CHI MIN), else the name itself."""
    if len(name) < SHORTEST_CUT or name in PROVINCES:
        return name
    return next((full for full in sorted(MUNICIPALITIES) if full.startswith(name)), name)


def _unit_name(name: str, letter: str) -> str:
    """The name of a ward or district; a bare number keeps a letter, as ward 5 and district 5 are two places."""
    return f"{letter}{int(name)}" if name.isdigit() else name


def _read_street(keys: list[str]) -> tuple[str | None, str | None, str | None, str]:
    """(number, street, unit, other words) of the pieces that are no administrative unit."""
    number = street = unit = None
    others = []
    for key in keys:
        flat = _UNIT.match(key)
        match = _NUMBER.fullmatch(key)
        if flat is not None and unit is None:
            unit = flat.group(1)
        elif match is not None and number is None:
            number, rest = match.group(1), match.group(2)
            street = street or (_street_name(rest) if rest else None)
        elif street is None:
            street = _street_name(key)
        else:
            others.append(key)
    return number, street, unit, " ".join(others)


def _street_name(key: str) -> str | None:
    name = _STREET_WORD.sub("", key.replace("#", " ").replace("-", " ").strip())
    name = _HIGHWAY.sub(lambda match: _HIGHWAYS.get(match.group(1), match.group(1)) + " ", name)
    return " ".join(name.split()) or None
