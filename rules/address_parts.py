"""What every address dialect returns, and how its parts become the values to show and to compare.

Invariant: the same place gives the same compare values whether it came as one line or in columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from rules.outcome import CompareValue, Outcome
from rules.tables import read_table
from rules.text import ascii_digits, ascii_fold, compare_key, read_sections

ADDRESS_INPUTS = (
    "full", "line1", "line2", "number", "street", "unit", "po_box", "district", "city", "region", "postcode", "country",
)  # fmt: skip
ADDRESS_CLEAN = ("line", "unit", "district", "city", "region", "postcode", "country")
ADDRESS_COMPARE = (
    "number", "street", "street_number", "unit", "po_box", "city", "region", "postcode", "postcode_area", "district",
    "tokens", "line",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class AddressParts:
    """One parsed address.

    number, street, unit, po_box, districts: ready to compare (folded, abbreviations unified).
    line, district, city, region, postcode: as written, to show; city_key and region_key where the dialect knows better
    than the general rule ("" when it knows that there is none).
    extra: words found beside the parts (building, neighbourhood).
    issues: what the dialect had to doubt or correct.
    """

    number: str | None = None
    street: str | None = None
    unit: str | None = None
    po_box: str | None = None
    districts: tuple[str, ...] = ()
    line: str | None = None
    district: str | None = None
    city: str | None = None
    region: str | None = None
    postcode: str | None = None
    city_key: str | None = None
    region_key: str | None = None
    extra: tuple[str, ...] = ()
    issues: tuple[str, ...] = ()


def _read_short_forms(section: str) -> dict[str, str]:
    return {word: line.split()[0] for line in _SECTIONS[section] for word in line.split()}


_SECTIONS = read_sections("street_words_en.txt")
SUFFIXES = _read_short_forms("street")
DIRECTIONS = _read_short_forms("direction")
UNITS = _read_short_forms("unit")
SHORT_FORMS = SUFFIXES | DIRECTIONS | _read_short_forms("ordinal")
PLANTED = frozenset(_SECTIONS["planted"])
# Words that say what a thing is, not which one.
GENERIC = frozenset(word for line in _SECTIONS["generic"] for word in line.split()) | frozenset(UNITS.values())
GENERIC |= {"no", "po", "box", "number"}

REGIONS = {
    (row[0], name): row[1] for row in read_table("regions.txt") for name in (row[1], *row[2].split(","))
}  # fmt: skip
US_STATES = frozenset(code for (country, _), code in REGIONS.items() if country == "US")

_SEPARATOR = re.compile(r"[\n\r;|،؛\t]+|,")
_INITIALS = re.compile(r"\b([a-z])\.\s?(?=[a-z]\b)")
_NOT_ADDRESS = re.compile(r"[^a-z0-9#/-]+")
_ORDINAL = re.compile(r"([0-9]+)(?:st|nd|rd|th)")
_CITY_UNIT = re.compile(r"^(?:city of|town of|village of|the city of|thanh pho|tp|tinh|thi xa) | (?:city of)$")
_CITY_WORDS = {"saint": "st", "sainte": "ste", "fort": "ft", "mount": "mt"} | {
    word: short for word, short in DIRECTIONS.items() if len(word) > 2
}
_CITY_NAMES = {"new york city": "new york", "nyc": "new york", "la": "los angeles", "sf": "san francisco"}
_PLANTED_POSTCODE = re.compile("0+|9{5,}|1{5,}|12345|X+")
_PLANTED_FIVES = frozenset({"00000", "11111", "12345", "99999"})
_UK_POSTCODE = re.compile(r"([A-Z]{1,2}[0-9][A-Z0-9]?)([0-9][A-Z]{2})")


def split_segments(text: str) -> list[str]:
    """The pieces between commas and line breaks, without blank ones."""
    return [piece for part in _SEPARATOR.split(text) if (piece := part.strip(" .,-"))]


def street_text(given: Mapping[str, str]) -> str:
    """The street line of the given columns: number and street when they are apart, else the lines as written."""
    if "street" in given:
        lines = [f"{given.get('number', '')} {given['street']}".strip()]
    else:
        lines = [given[part] for part in ("number", "full", "line1") if part in given]
        lines = [" ".join(lines)] if "number" in given else [", ".join(lines)] if lines else []
    return ", ".join([*lines, *(given[part] for part in ("line2",) if part in given)])


def given_key(given: Mapping[str, str], part: str) -> str | None:
    """The folded text of one column, or None when it is absent or empty once folded."""
    text = given.get(part)
    return None if text is None else address_key(text) or None


def given_id(given: Mapping[str, str], part: str) -> str | None:
    """The last word of a column that holds one number: "Apt 4" -> 4."""
    key = given_key(given, part)
    return None if key is None else key.split()[-1].strip("#-/") or None


def address_key(text: str) -> str:
    """The text in lower-case ASCII words; #, / and - stay, initials close up (N.W. -> nw). May be empty."""
    folded = (text if text.isascii() else ascii_fold(text)).lower()
    if "." in folded:
        folded = _INITIALS.sub(r"\1", folded)
    return _NOT_ADDRESS.sub(" ", folded.replace("'", "")).strip()


def unify_words(words: Iterable[str]) -> str:
    """The words of a street in one writing: main street -> main st, north -> n, fifth and 5th -> 5."""
    unified = (SHORT_FORMS.get(word, word) for word in words)
    return " ".join(_ORDINAL.sub(r"\1", word) if word[0].isdigit() else word for word in unified)


@lru_cache(maxsize=16384)
def city_key(text: str) -> str | None:
    """The city folded, without words like "city of" or "Thành phố", saint and north in short."""
    key = compare_key(text)
    if key is None:
        return None
    key = _CITY_UNIT.sub("", key).strip() or key
    words = (_CITY_WORDS.get(word, word) for word in key.split())
    joined = " ".join(words)
    return _CITY_NAMES.get(joined, joined)


@lru_cache(maxsize=4096)
def region_key(text: str, country: str | None) -> str | None:
    """The code of a state or province where the country has codes we know, else its folded name."""
    key = compare_key(text)
    if key is None:
        return None
    for known in ("US", "CA", "AU") if country is None else (country,):
        if (known, key) in REGIONS:
            return REGIONS[known, key]
    return key


def postcode_key(text: str, country: str | None) -> str | None:
    """The postcode in capitals without spaces: five digits in the US, lost zeros restored; None when planted."""
    if len(text) == 5 and text.isascii() and text.isdigit():
        return None if text in _PLANTED_FIVES else text
    key = re.sub("[^0-9A-Z]+", "", ascii_fold(ascii_digits(text)).upper())
    if country == "US" and key.isdigit():
        key = key[:5] if len(key) in (5, 9) else key.zfill(5) if len(key) in (3, 4) else key
    if not key or _PLANTED_POSTCODE.fullmatch(key):
        return None
    return key


def postcode_area(postcode: str) -> str:
    """The part of a postcode that names a district: a British outward code, else the first three characters."""
    british = _UK_POSTCODE.fullmatch(postcode)
    return british.group(1) if british is not None else postcode[:3]


def describe(parts: AddressParts, country: str | None, issues: tuple[str, ...]) -> Outcome:
    """The outcome of parsed parts."""
    issues = (*issues, *parts.issues)
    postcode = None if parts.postcode is None else postcode_key(parts.postcode, country)
    if parts.postcode is not None and postcode is None:
        issues = (*issues, "address.postcode_placeholder")
    clean = {
        "line": parts.line,
        "unit": parts.unit and parts.unit.upper(),
        "district": parts.district,
        "city": parts.city,
        "region": parts.region,
        "postcode": postcode,
        "country": country,
    }
    compare = _compare(parts, postcode, country)
    if not compare:
        return Outcome({}, {}, issues)
    return Outcome({sub: value for sub, value in clean.items() if value}, compare, tuple(sorted(set(issues))))


def _compare(parts: AddressParts, postcode: str | None, country: str | None) -> Mapping[str, CompareValue]:
    city = parts.city_key if parts.city_key is not None or not parts.city else city_key(parts.city)
    region = parts.region_key if parts.region_key is not None or not parts.region else region_key(parts.region, country)
    number_and_street = (parts.number, parts.street)
    one_of_each: dict[str, str | None] = {
        "number": parts.number,
        "street": parts.street,
        "street_number": " ".join(number_and_street) if all(number_and_street) else None,  # type: ignore[arg-type]
        "unit": parts.unit,
        "po_box": parts.po_box,
        "city": city,
        "region": region,
        "postcode": postcode,
        "postcode_area": postcode and postcode_area(postcode),
    }
    compare: dict[str, CompareValue] = {part: (value,) for part, value in one_of_each.items() if value}
    if parts.districts:
        compare["district"] = parts.districts
    box = parts.po_box and f"po box {parts.po_box}"
    everything = [parts.number, parts.street, parts.unit, box, *parts.extra, *parts.districts, city]
    everything += [region] if region != city else []
    words = " ".join(value for value in (*everything, postcode and postcode.lower()) if value).split()
    tokens = tuple(dict.fromkeys(word for word in words if word not in GENERIC))
    if words:
        compare["line"] = (" ".join(words),)
    if tokens:
        compare["tokens"] = tokens
    return compare
