"""Addresses of countries without a dialect of their own -> the parts that commas, house numbers and postcodes show."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from rules.address_parts import (
    SUFFIXES,
    UNITS,
    AddressParts,
    address_key,
    given_id,
    given_key,
    split_segments,
    street_text,
    unify_words,
)
from rules.address_tails import Tail, read_tail, split_region, without_country

_FOREIGN_UNITS = frozenset(
    {"wohnung", "whg", "appartement", "piso", "depto", "dpto", "dto", "kv", "apto", "ap", "app", "villa", "shop"}
)
_UNIT_WORDS = "|".join(sorted({*UNITS, *_FOREIGN_UNITS}, key=len, reverse=True))
_UNIT = re.compile(rf"(?:^|\s)(?:{_UNIT_WORDS}|#)\s*(?:no\s*)?#?\s*([a-z]?[0-9]+[a-z]?|[a-z])(?:\s|$)")
_BOX = re.compile(r"\b(?:p\s?o\s*box|gpo\s*box|postfach|apartado|bp)\s*#?\s*([0-9]+[a-z]?)")
_UNIT_SLASH = re.compile(rf"^(?:{_UNIT_WORDS})\s+([0-9]+[a-z]?)\s?/\s?([0-9]+)")
_SLASHED = re.compile(r"([0-9]+[a-z]?)/([0-9]+[a-z]?(?:-[0-9]+)?)\s+(.+)")
_LEADING = re.compile(r"(?:no\s+)?([0-9]+[a-z]?(?:[/-][0-9]+[a-z]?)*)\s+(.+)")
_TRAILING = re.compile(r"(\D.*?)\s+(?:no\s+|nr\s+|n\s+)?([0-9]+\s?[a-z]?(?:[/-][0-9]+[a-z]?)*)")
_ASIDE = re.compile(r"\s(?:near|between|btw|opposite|opp|at)\s.*$")
_GERMAN_STREET = re.compile(r"(?:strasse|stra[sz]e|str)(?=\s|$)")
# In these countries the house number comes before the street, so a trailing number is part of the name.
_NUMBER_FIRST = frozenset(
    {None, "US", "CA", "GB", "IE", "AU", "NZ", "IN", "SG", "PH", "ZA", "FR", "MY", "HK", "NG", "KE"}
)


# A dash between parts, but not the one before the two letters of a state.
_BRAZILIAN_DASH = re.compile(r"\s+[-–]\s+(?![A-Za-z]{2}(?:\s|,|$))")
_NUMBER_ALONE = re.compile(
    r"(?:no?\.?\s*|nr\.?\s*|д\.?\s*|дом\s*)?([0-9]{1,4}\s?[A-Za-z]?)(?:\s(?:bis|ter|quater))?(?:/[0-9]{1,3})?",
    re.IGNORECASE,
)
Segment = tuple[str, str]


def parse_plain(given: Mapping[str, str], country: str | None) -> AddressParts:
    """The parts of an address by its punctuation; English short forms are those of US addresses."""
    keyed = [(text, key) for text in _split_line(street_text(given), country) if (key := address_key(text))]
    segments = without_country(keyed) if keyed else []
    tail = read_tail(segments, country) if "postcode" not in given else Tail(segments)
    found, line, places, extra = _read_street(tail.rest, country)
    city, region = given.get("city") or tail.city, given.get("region") or tail.region
    if city is None and places:
        city = places.pop(0)[0]
        region = region or (places.pop()[0] if places else None)
        own, coded = split_region(city, country)
        city, region = own or city, region or coded
    else:
        line += [text for text, _ in places]
    postcode = given.get("postcode") or tail.postcode
    district = given_key(given, "district")
    return AddressParts(
        number=found.get("number"),
        street=found.get("street"),
        unit=given_id(given, "unit") or found.get("unit"),
        po_box=given_id(given, "po_box") or found.get("po_box"),
        line=", ".join(line) or None,
        district=given.get("district"),
        districts=(district,) if district else (),
        city=city,
        region=region,
        postcode=postcode,
        extra=tuple(word for key in (*extra, *(key for _, key in places)) for word in unify_words(key.split()).split()),
    )


def _split_line(text: str, country: str | None) -> list[str]:
    """The segments of the line; Brazilians put dashes between them, and a number alone belongs to its neighbour."""
    if country == "BR":
        text = _BRAZILIAN_DASH.sub(", ", text)
    segments = split_segments(text)
    joined: list[str] = []
    for segment in segments:
        number = _NUMBER_ALONE.fullmatch(segment)
        if joined and number is not None and not any(map(str.isdigit, joined[-1])):
            joined[-1] = f"{joined[-1]} {number[1]}"
        elif len(joined) == 1 and (first := _NUMBER_ALONE.fullmatch(joined[0])) is not None:
            joined[-1] = f"{first[1]} {segment}"
        else:
            joined.append(segment)
    return joined


def _read_street(
    segments: Sequence[Segment], country: str | None
) -> tuple[dict[str, str], list[str], list[Segment], list[str]]:
    """(number, street, unit and box; the line to show; the segments after the street; keys of those before it)."""
    found: dict[str, str] = {}
    line: list[str] = []
    before: list[Segment] = []
    after: list[Segment] = []
    for text, folded in segments:
        key = _UNIT_SLASH.sub(r"\1/\2", folded)
        rest = _cut(_UNIT, "unit", _cut(_BOX, "po_box", _ASIDE.sub("", key), found), found)
        if rest and "number" in found:
            after.append((text, rest))
        elif rest and not _read_number(rest, found, country):
            before.append((text, rest))
            line.append(text)
        else:
            line.append(text)
    if "number" not in found and before:
        found["street"] = _street_key(before[0][1].split(), country)
        return found, line[: len(line) - len(before) + 1], before[1:], []
    return found, line, after, [key for _, key in before]


def _cut(pattern: re.Pattern[str], part: str, key: str, found: dict[str, str]) -> str:
    match = pattern.search(key)
    if match is None or part in found:
        return key
    found[part] = match.group(1)
    return f"{key[: match.start()]} {key[match.end() :]}".strip()


def _read_number(key: str, found: dict[str, str], country: str | None) -> bool:
    """Whether the segment holds a house number and a street; they go into `found`."""
    slashed = _SLASHED.fullmatch(key) if country in ("AU", "NZ") else None
    leading = _LEADING.fullmatch(key)
    trailing = _TRAILING.fullmatch(key) if country not in _NUMBER_FIRST or leading is None else None
    if slashed is not None:
        found.setdefault("unit", slashed.group(1))
        number, street = slashed.group(2), slashed.group(3)
    elif trailing is not None and (country not in _NUMBER_FIRST or _ends_like_street(trailing.group(1))):
        street, number = trailing.groups()
    elif leading is not None:
        number, street = leading.groups()
    else:
        return False
    found["number"] = number.replace(" ", "")
    found["street"] = _street_key(street.split(), country)
    return True


def _ends_like_street(name: str) -> bool:
    return name.rsplit(maxsplit=1)[-1] in SUFFIXES or _GERMAN_STREET.search(name) is not None


def _street_key(words: list[str], country: str | None) -> str:
    name = " ".join(words).replace("-", " ").replace("#", " ")
    if country in ("DE", "AT", "CH"):
        return " ".join(_GERMAN_STREET.sub("str", name).split())
    return unify_words(name.split())
