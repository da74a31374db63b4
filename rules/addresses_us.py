"""US addresses, one line or columns -> parts in the short forms of USPS Publication 28.

Two expressions read what most people write ("123 N Main St Apt 4, Springfield, IL 62701") in some 20 us; usaddress,
a trained tagger (150 us and more), reads only what they cannot tell apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

import usaddress

from rules.address_parts import (
    DIRECTIONS,
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

_UNIT_WORDS = "|".join(sorted(UNITS, key=len, reverse=True))
_BOX = re.compile(r"\b(?:p\s?o|post office)\s*(?:box|b|drawer)\s*#?\s*([a-z0-9-]+)|^(?:po)?box\s+#?\s*([0-9]+)$")
_FLOOR = re.compile(r"(?:^|\s)([0-9]{1,3})(?:st|nd|rd|th)\s+(?:floor|flr|fl)$")
_UNIT = re.compile(
    rf"(?:^|\s)(?:(?:{_UNIT_WORDS}|no)\s+(?:no\s+)?#?\s*|#\s*|(?:apt|ste|unit)(?=[0-9]))"
    r"([a-z]{0,2}-?[0-9]+-?[a-z]?|[a-z]{1,2})$"
)
# Suite 530 Atlanta: no comma stands between unit and city.
_UNIT_THEN_CITY = re.compile(
    rf"((?:[ns]?[ew]\s|[ns]\s)?(?:{_UNIT_WORDS}|#)\s*(?:no\s+)?#?\s*[a-z]?[0-9]+[a-z]?)\s+([a-z][a-z .'-]{{2,}})"
)
_BOX_THEN_CITY = re.compile(r"((?:p\s?o|post office)\s*box\s*#?\s*[0-9]+)\s+([a-z][a-z .'-]{2,})")
_INITIALS_APART = re.compile(r"\bp\. o\.?(?=\s)", re.IGNORECASE)
_STATE_BEHIND = re.compile(r"[a-z]\s+[A-Z]{2}$")
# What stands before a city in a line, so that a city column can be read as the end of one.
_STREET_BEFORE = ("1 Street", "1 street")
_UNIT_ALONE = re.compile(r"[0-9]{1,4}[a-z]?|[a-z]-?[0-9]{1,4}")
_NUMBER = re.compile(r"([0-9]+[a-z]?(?:-[0-9]+[a-z]?)?|[nsew][0-9]+[nsew][0-9]+)(?:\s+(1/2))?(?:\s+(.*))?")
_ZIP = re.compile(r"(?:^|\s)([0-9]{5})(?:[\s-]*[0-9]{4})?$")
_ASIDE = re.compile(r"\s(?:near|between|btw|betw|at|off|corner of)\s.*$")
_DIGIT = re.compile("[0-9#]")
_COUNTRY_TAIL = re.compile(r"(?<=[0-9a-z])\s+(?:usa|u s a|united states(?: of america)?)$")
_COUNTRY = frozenset({"usa", "us", "united states", "united states of america", "u s a"})
# A number after these words is part of the name: route 160, county road 12, avenue a, highway 61.
_NUMBERED = frozenset(
    {"rte", "route", "hwy", "highway", "rd", "road", "cr", "sr", "pr", "us", "fm", "i", "ave", "avenue", "loop"}
)
# All ZIP codes of these states start with zero, which spreadsheets drop.
_ZEROS_FIRST = frozenset({"ct", "ma", "me", "nh", "nj", "ri", "vt"})
_NOT_ZIP_AFTER = _NUMBERED | {"box", "#", "no", "unit", "apt", "ste"}
_TAGGED_STREET = (
    "StreetNamePreModifier", "StreetNamePreDirectional", "StreetNamePreType", "StreetName", "StreetNamePostType",
    "StreetNamePostModifier", "StreetNamePostDirectional",
)  # fmt: skip
_TAGGED_PLACE = {"PlaceName": "city", "StateName": "region", "ZipCode": "postcode"}

Segment = tuple[str, str]


def parse_us(given: Mapping[str, str]) -> AddressParts:
    """The parts of a US address; given columns go before what the line says."""
    given = _with_city_apart(given) if "city" in given else given
    line = street_text(given)
    if "P. O" in line or "p. o" in line:
        line = _INITIALS_APART.sub("PO", line)
    segments: list[Segment] = [(text, key) for text in split_segments(line) if (key := address_key(text))]
    street_segments, tail = _city_behind_box(*_peel_tail(segments, given), given)
    is_whole = not tail or len(segments) > 1 or "city" in given
    found = _parse_street([key for _, key in street_segments], is_whole=is_whole)
    shown = ", ".join(text for text, _ in street_segments)
    if found is None:
        found, tail, shown = _tag(line)
    place = {part: given.get(part) or tail.get(part) for part in ("city", "region", "postcode")}
    district = given_key(given, "district")
    return AddressParts(
        number=found.get("number"),
        street=found.get("street"),
        unit=given_id(given, "unit") or found.get("unit"),
        po_box=given_id(given, "po_box") or found.get("po_box"),
        line=shown or None,
        district=given.get("district"),
        districts=(district,) if district else (),
        city=place["city"],
        region=_state_shown(place["region"]),
        postcode=place["postcode"],
        extra=tuple(found.get("extra", "").split()),
    )


@lru_cache(maxsize=1024)
def _state_shown(region: str | None) -> str | None:
    code = REGIONS.get(("US", " ".join(address_key(region).split()))) if region else None
    return code.upper() if code else region


def _peel_tail(segments: list[Segment], given: Mapping[str, str]) -> tuple[list[Segment], dict[str, str]]:
    """(the segments of the street, city, region and postcode found behind them)."""
    rest = _without_country(segments)
    if not rest:
        return [], {}
    rest, apart = _state_and_zip_apart(rest)
    if apart:
        city = rest.pop()[0] if "city" not in given and len(rest) > 1 and _may_be_city(rest[-1][1]) else None
        return rest, apart if city is None else {**apart, "city": city}
    alone = len(rest) == 1
    text, key = rest.pop()
    tail, words = _peel_zip_and_state(key.split(), alone)
    if not tail and (alone or "city" in given or not _may_be_city(key)):
        return [*rest, (text, key)], {}
    kept = " ".join(text.split()[: len(words)])
    behind = _city_behind_unit([*rest, (kept, " ".join(words))] if words else rest) if "city" not in given else None
    if behind is not None:
        return behind[0], {**tail, "city": behind[1]}
    if words and (alone or not _may_be_city(" ".join(words))):
        rest.append((kept, " ".join(words)))
    elif words:
        tail["city"] = kept
    elif len(rest) > 1 and _may_be_city(rest[-1][1]):
        tail["city"] = rest.pop()[0]
    return rest, tail


def _with_city_apart(given: Mapping[str, str]) -> Mapping[str, str]:
    """The columns with state and ZIP taken out of a city column that holds them too: Chicago, IL 60601."""
    city = given["city"]
    if "," not in city and not city[-1].isdigit() and not ("region" not in given and _STATE_BEHIND.search(city)):
        return given
    pieces = [(text, key) for text in split_segments(city) if (key := address_key(text))]
    rest, tail = _peel_tail([_STREET_BEFORE, *pieces], {})
    if "city" not in tail or len(tail) == 1 or rest != [_STREET_BEFORE]:
        return given
    return {**given, **{part: text for part, text in tail.items() if part == "city" or part not in given}}


def _city_behind_box(
    segments: list[Segment], tail: dict[str, str], given: Mapping[str, str]
) -> tuple[list[Segment], dict[str, str]]:
    """The same where no comma stands between a box and the city: PO BOX 123 SPRINGFIELD ILLINOIS 62701."""
    if not segments or "city" in tail or "city" in given or not ("region" in tail or "postcode" in tail):
        return segments, tail
    match = _BOX_THEN_CITY.fullmatch(segments[-1][1])
    if match is None:
        return segments, tail
    words, size = segments[-1][0].split(), len(match[2].split())
    return [*segments[:-1], (" ".join(words[:-size]), match[1])], {**tail, "city": " ".join(words[-size:])}


def _city_behind_unit(segments: list[Segment]) -> tuple[list[Segment], str] | None:
    """(segments, city) where the last one is a unit and a city without a comma: Suite 530 Atlanta."""
    match = _UNIT_THEN_CITY.fullmatch(segments[-1][1]) if len(segments) > 1 else None
    if match is None:
        return None
    words, size = segments[-1][0].split(), len(match[1].split())
    return [*segments[:-1], (" ".join(words[:size]), match[1])], " ".join(words[size:])


def _without_country(segments: list[Segment]) -> list[Segment]:
    """The segments without the country at the end, in a segment of its own or behind the ZIP."""
    if not segments:
        return []
    text, key = segments[-1]
    if key in _COUNTRY:
        return segments[:-1]
    match = _COUNTRY_TAIL.search(key)
    if match is None:
        return list(segments)
    kept = " ".join(text.split()[: len(key[: match.start()].split())])
    return [*segments[:-1], (kept, address_key(kept))]


def _state_and_zip_apart(segments: list[Segment]) -> tuple[list[Segment], dict[str, str]]:
    """(the segments before, region and postcode) where each of the two stands between commas: BOSTON,MA,02101."""
    if len(segments) < 3 or _ZIP.fullmatch(segments[-1][1]) is None:
        return segments, {}
    code = REGIONS.get(("US", segments[-2][1]))
    if code is None:
        return segments, {}
    return segments[:-2], {"postcode": segments[-1][1][:5], "region": code.upper()}


def _peel_zip_and_state(words: list[str], alone: bool) -> tuple[dict[str, str], list[str]]:
    """(postcode and region at the end of the words, the words before them)."""
    tail: dict[str, str] = {}
    if len(words) > 2 and words[-2] in _ZEROS_FIRST and len(words[-1]) == 4 and words[-1].isdigit():
        words = [*words[:-1], f"0{words[-1]}"]
    match = _ZIP.search(" ".join(words))
    if match is not None:
        before = " ".join(words)[: match.start()].split()
        # PR 00901 is in Puerto Rico, though PR 901 is a road there.
        is_puerto_rico = bool(before) and before[-1] == "pr" and match.group(1).startswith("00")
        if not before or before[-1] not in _NOT_ZIP_AFTER or is_puerto_rico:
            tail["postcode"], words = match.group(1), before
    for length in (3, 2, 1):
        name = " ".join(words[-length:])
        # Alone and without a ZIP, a last word such as CT or NE is rather a court or a direction.
        if len(words) >= length and ("US", name) in REGIONS and (tail or not alone):
            return {**tail, "region": REGIONS["US", name].upper()}, words[:-length]
    return tail, words


def _may_be_city(key: str) -> bool:
    return key not in DIRECTIONS and not _DIGIT.search(key) and not _UNIT.search(key)


def _parse_street(keys: list[str], *, is_whole: bool) -> dict[str, str] | None:
    """number, street, unit, po_box and extra words of the street segments, or None when they need the tagger.

    is_whole: the city stands elsewhere, so everything here belongs to the street.
    """
    found: dict[str, str] = {}
    others: list[str] = []
    for key in keys:
        rest = _cut(_BOX, "po_box", key, found) if "box" in key or "drawer" in key else key
        rest = _ASIDE.sub("", rest)
        rest = _cut(_UNIT, "unit", rest, found)
        rest = _cut(_FLOOR, "unit", rest, found) if rest.endswith(("floor", "flr", "fl")) else rest
        match = _NUMBER.fullmatch(rest)
        if "street" in found and "unit" not in found and _UNIT_ALONE.fullmatch(rest):
            found["unit"] = rest
        elif match is not None and "number" not in found:
            if not _read_numbered(match, found, is_whole):
                return None
        elif rest in DIRECTIONS and "street" in found:
            found["street"] += f" {DIRECTIONS[rest]}"
        elif rest:
            others.append(rest)
    if "number" not in found and any(letter.isdigit() for other in others for letter in other):
        return None
    if others and "street" not in found:
        found["street"] = unify_words(others.pop(0).replace("-", " ").split())
    found["extra"] = " ".join(others)
    return found


def _cut(pattern: re.Pattern[str], part: str, key: str, found: dict[str, str]) -> str:
    """The key without what the pattern finds; the find goes into `part`."""
    match = pattern.search(key)
    if match is None or part in found:
        return key
    found[part] = next(group for group in match.groups() if group)
    return f"{key[: match.start()]} {key[match.end() :]}".strip()


def _read_numbered(match: re.Match[str], found: dict[str, str], is_whole: bool) -> bool:
    """Whether the segment after the house number is surely a street; number and street go into `found`."""
    number, half, name = match.groups()
    words = (name or "").replace("-", " ").replace("#", " ").split()
    core = [word for word in words if word not in DIRECTIONS] or words
    is_street = len(core) <= 2 or core[-1] in SUFFIXES or core[-2] in _NUMBERED
    if not (is_whole and is_street):
        return False
    found["number"] = f"{number} {half}" if half else number
    if words:
        found["street"] = unify_words(words)
    return True


def _tag(line: str) -> tuple[dict[str, str], dict[str, str], str]:
    """(number, street, unit..., city, region and postcode, the street line to show) as usaddress tags the words."""
    words: dict[str, list[str]] = {}
    shown = []
    for token, label in usaddress.parse(line):
        words.setdefault(label, []).append(token)
        if label not in _TAGGED_PLACE and label != "CountryName":
            shown.append(token)
    keys = {label: address_key(" ".join(tokens)) for label, tokens in words.items()}
    street = " ".join(keys[label] for label in _TAGGED_STREET if keys.get(label))
    found = {
        "number": keys.get("AddressNumber", ""),
        "street": unify_words(street.replace("-", " ").replace("#", " ").split()),
        "unit": (keys.get("OccupancyIdentifier") or keys.get("SubaddressIdentifier") or "")
        .rpartition(" ")[2]
        .strip("#-/"),
        "po_box": keys.get("USPSBoxID", "").rpartition(" ")[2].strip("#-/"),
        "extra": " ".join(keys.get(label, "") for label in ("BuildingName", "LandmarkName", "SubaddressIdentifier")),
    }
    tail = {part: " ".join(words[label]).strip(" ,.") for label, part in _TAGGED_PLACE.items() if label in words}
    return {part: value for part, value in found.items() if value}, tail, " ".join(shown).strip(" ,")
