"""Addresses of countries without a dialect of their own -> the parts that commas, house numbers and postcodes show."""

from __future__ import annotations

import re
from collections.abc import Mapping

from rules.address_parts import (
    REGIONS,
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
from rules.countries import country_code

_UNIT_WORDS = "|".join(sorted({*UNITS, "wohnung", "whg", "appartement", "piso"}, key=len, reverse=True))
_UNIT = re.compile(rf"(?:^|\s)(?:{_UNIT_WORDS}|#)\s*(?:no\s*)?#?\s*([a-z]?[0-9]+[a-z]?|[a-z])(?:\s|$)")
_BOX = re.compile(r"\b(?:p\s?o\s*box|gpo\s*box|postfach|apartado|bp)\s*#?\s*([0-9]+[a-z]?)")
_SLASHED = re.compile(r"([0-9]+[a-z]?)/([0-9]+[a-z]?(?:-[0-9]+)?)\s+(.+)")
_LEADING = re.compile(r"(?:no\s+)?([0-9]+[a-z]?(?:[/-][0-9]+[a-z]?)*)\s+(.+)")
_TRAILING = re.compile(r"(\D.*?)\s+(?:no\s+|nr\s+|n\s+)?([0-9]+\s?[a-z]?(?:[/-][0-9]+[a-z]?)*)")
_ASIDE = re.compile(r"\s(?:near|between|btw|opposite|opp|at)\s.*$")
_GERMAN_STREET = re.compile(r"(?:strasse|stra[sz]e|str)(?=\s|$)")
_POSTCODES = {
    "GB": re.compile(r"\b([a-z]{1,2}[0-9][a-z0-9]?\s?[0-9][a-z]{2})$"),
    "CA": re.compile(r"\b([a-z][0-9][a-z]\s?[0-9][a-z][0-9])$"),
    "NL": re.compile(r"^([0-9]{4}\s?[a-z]{2})\b"),
}
_POSTCODE_FIRST = re.compile(r"^(?:[a-z]{1,2}-)?([0-9]{4,6})\s+(?=\D)")
_POSTCODE_LAST = re.compile(r"(?:^|\s)([0-9]{3,6}(?:-[0-9]{3,4})?)$")
# In these countries the house number comes before the street, so a trailing number is part of the name.
_NUMBER_FIRST = frozenset(
    {None, "US", "CA", "GB", "IE", "AU", "NZ", "IN", "SG", "PH", "ZA", "FR", "MY", "HK", "NG", "KE"}
)


Segment = tuple[str, str]


def parse_plain(given: Mapping[str, str], country: str | None) -> AddressParts:
    """The parts of an address by its punctuation; English short forms are those of US addresses."""
    segments = [
        (text, key)
        for text in split_segments(street_text(given))
        if (key := address_key(text)) and (country_code(text) is None or len(text) < 4)
    ]
    postcode = given.get("postcode")
    if postcode is None:
        segments, postcode = _peel_postcode(segments, country)
    found, line, places, extra = _read_street(segments, country)
    city, region = given.get("city"), given.get("region")
    if city is None and places:
        city = places.pop(0)[0]
        region = region or (places.pop()[0] if places else None)
        city, region = _split_region(city, region, country)
    else:
        line += [text for text, _ in places]
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


def _split_region(city: str, region: str | None, country: str | None) -> tuple[str, str | None]:
    """(city, region) of a segment such as "Joondalup QLD"."""
    words = city.split()
    known = [country] if country else ["AU", "CA", "US"]
    if region is None and len(words) > 1 and any((code, words[-1].lower()) in REGIONS for code in known):
        return " ".join(words[:-1]), words[-1]
    return city, region


def _peel_postcode(segments: list[Segment], country: str | None) -> tuple[list[Segment], str | None]:
    """(the segments without the postcode, the postcode) from one of the last segments, never from the only one."""
    own = _POSTCODES.get(country or "GB")
    for position in range(len(segments) - 1, 0, -1):
        text, key = segments[position]
        match = (own and own.search(key)) or _POSTCODE_FIRST.search(key) or _POSTCODE_LAST.search(key)
        if match is None:
            continue
        before = len(key[: match.start()].split())
        count = len(match.group().split())
        words = text.split()
        rest = " ".join(words[:before] + words[before + count :])
        kept = [(rest, address_key(rest))] if address_key(rest) else []
        return [*segments[:position], *kept, *segments[position + 1 :]], match.group(1)
    return segments, None


def _read_street(
    segments: list[Segment], country: str | None
) -> tuple[dict[str, str], list[str], list[Segment], list[str]]:
    """(number, street, unit and box; the line to show; the segments after the street; keys of those before it)."""
    found: dict[str, str] = {}
    line: list[str] = []
    before: list[Segment] = []
    after: list[Segment] = []
    for text, key in segments:
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
