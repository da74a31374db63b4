"""Iranian addresses in Persian or Latin letters, in either order -> street with alley, plaque, unit, city, province.

Streets and places compare in one Latin spelling, so that میرداماد and Mirdamad St. meet.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from rules import names_persian as persian
from rules.address_parts import AddressParts, address_key, given_id, street_text
from rules.tables import read_table
from rules.text import ZWNJ, ascii_digits, ascii_fold, fold_persian, read_sections


@lru_cache(maxsize=8192)
def _fold(word: str) -> str:
    return fold_persian(word).replace(ZWNJ, "").lower()


def _read_places(section: str) -> dict[str, str]:
    """Every writing of a province or city -> its usual Latin spelling."""
    places = {}
    for line in read_sections("iran_places.txt")[section]:
        names = line.split("=") if "=" in line else line.split()
        places.update({_fold(name.strip()): names[0] for name in names})
    return places


PROVINCES = _read_places("province")
CITIES = _read_places("city")
STREET_WORDS = {_fold(word): row[0].split()[0] for row in read_table("iran_streets.txt") for word in row[0].split()}

# Provinces whose capital has the same name: the name alone means the city.
CAPITALS = frozenset(
    {"ardabil", "bushehr", "hamedan", "ilam", "isfahan", "kerman", "kermanshah"}
    | {"qazvin", "qom", "semnan", "tehran", "yazd", "zanjan"}
)

_KEYWORDS = {
    word: part
    for part, words in {
        "street": "خیابان خیابون خ بلوار بزرگراه اتوبان میدان khiaban kh street st blvd boulevard bolvar ave avenue",
        "alley": "کوچه ک کوی بنبست alley kooche koocheh kuche koche",
        "number": "پلاک پ no plaque pelak plak number",
        "unit": "واحد unit vahed apt",
        "floor": "طبقه ط floor tabaghe",
        "postcode": "کدپستی postcode",
    }.items()
    for word in words.split()
}
_AFTER_NAME = frozenset({"street", "st", "blvd", "boulevard", "ave", "avenue", "alley"})
_NOISE = frozenset(
    {"شهر", "استان", "شهرستان", "شهید", "ایران"}
    | {"نبش", "جنب", "روبروی", "روبه", "پشت", "نرسیده", "بالاتر", "پایین‌تر", "corner", "near", "opposite"}
    | {"shahr", "ostan", "shahrestan", "shahid", "iran", "province", "city", "of"}
)
_TOKEN = re.compile(r"[،,;؛|\n]+|[0-9]+(?:/[0-9]+)?|[^\s،,;؛|\n.:()/#0-9]+")
_SEPARATORS = frozenset("،,;؛|\n")
_SAME_SOUND = (("q", "gh"), ("oo", "u"), ("ou", "u"), ("ee", "i"), ("ey", "ei"))
_ARABIC = re.compile("[\u0621-\u06d3]")
_DOUBLE = re.compile(r"([a-z])\1")
_POSTCODE_DIGITS = 10
_SPLIT_POSTCODE = re.compile(r"(?<![0-9])([0-9]{5})[ -]([0-9]{5})(?![0-9])")

Group = tuple[str, list[str]]


def parse_ir(given: Mapping[str, str]) -> AddressParts:
    """The parts of an Iranian address; `number` is the plaque, `street` the street name with its alley."""
    line = _SPLIT_POSTCODE.sub(r"\1\2", ascii_digits(street_text(given)))
    groups = _group(_TOKEN.findall(line))
    parts = _read_groups(groups)
    places, others = _read_free([words for part, words in groups if part == "free"])
    if "street" not in parts and others:
        parts["street"] = others.pop(0)
    city, region = _city_and_region(places)
    street = " ".join(parts[part] for part in ("street", "alley") if parts.get(part))
    districts = [_latin(_words(given["district"]))] if "district" in given else others
    return AddressParts(
        number=parts.get("number"),
        street=street or None,
        unit=given_id(given, "unit") or parts.get("unit"),
        line=" ".join(line.split()).strip(" .,،;-") or None,
        districts=tuple(dict.fromkeys(name for name in districts if name)),
        district=given.get("district"),
        city=given.get("city", city[0]),
        city_key=(_place_key(given["city"]) if "city" in given else city[1]) or None,
        region=given.get("region", region[0]),
        region_key=(_place_key(given["region"]) if "region" in given else region[1]) or None,
        postcode=given.get("postcode") or parts.get("postcode"),
    )


def _group(tokens: list[str]) -> list[Group]:
    """(part, words) in the order written; words without a keyword are `free`."""
    groups: list[Group] = []
    is_open = False
    for position, token in enumerate(tokens):
        following = tokens[position + 1] if position + 1 < len(tokens) else ""
        part = _part_named(token, following)
        if token[0] in _SEPARATORS:
            is_open = False
        elif part is not None and token.lower() in _AFTER_NAME and (part != "alley" or _is_named(groups, is_open)):
            _name_before(groups, part, is_open)
            is_open = False
        elif part is not None:
            groups.append((part, []))
            is_open = True
        elif is_open and not _is_full(groups[-1]):
            groups[-1][1].append(token)
        else:
            groups.append(("free", [token]))
            is_open = True
    return groups


def _part_named(token: str, following: str) -> str | None:
    """The part that a keyword opens; the letter و means unit only before a number, else "and"."""
    if token == "و":
        return "unit" if following.isdigit() else None
    part = _KEYWORDS.get(_fold(token))
    if part is None or (len(token) == 1 and (not following or following[0] in _SEPARATORS)):
        return None
    return part


def _is_named(groups: list[Group], is_open: bool) -> bool:
    """Whether a name without a keyword stands right before."""
    return is_open and bool(groups) and groups[-1][0] == "free"


def _name_before(groups: list[Group], part: str, is_open: bool) -> None:
    """Latin keywords follow their name (Mirdamad St., Bahar Alley): the words just before become that part."""
    if _is_named(groups, is_open):
        groups[-1] = (part, groups[-1][1])


def _is_full(group: Group) -> bool:
    """Whether a part that holds one number has it."""
    part, words = group
    return part not in ("street", "free") and bool(words) and words[-1][0].isdigit()


def _read_groups(groups: list[Group]) -> dict[str, str]:
    """part -> compare-ready text; streets named one after another read as one name."""
    parts: dict[str, str] = {}
    for part, words in groups:
        digits = [word for word in words if len(word) == _POSTCODE_DIGITS and word.isdigit()]
        if part == "free":
            if digits:
                parts.setdefault("postcode", digits[0])
            continue
        text = _latin(words)
        if part == "street" and "street" in parts:
            text = f"{parts.pop('street')} {text}"
        if text:
            parts.setdefault(part, text)
    return parts


def _read_free(groups: list[list[str]]) -> tuple[list[tuple[str, str]], list[str]]:
    """((as written, key) of known provinces and cities, compare-ready text of the other groups)."""
    places, others = [], []
    for words in groups:
        named = [word for word in words if not (len(word) == _POSTCODE_DIGITS and word.isdigit())]
        name = _fold_name(named)
        if name in PROVINCES or name in CITIES:
            places.append((" ".join(named), CITIES.get(name) or PROVINCES[name]))
        elif named:
            others.append(_latin(named))
    return places, [other for other in others if other]


def _city_and_region(places: list[tuple[str, str]]) -> tuple[tuple[str | None, str | None], ...]:
    """The city and the region among known places: written together the larger one is the region, in either order."""
    nothing = (None, None)
    cities = [place for place in places if place[1] in CAPITALS or place[1] not in _PROVINCE_NAMES]
    cities.sort(key=lambda place: place[1] in _PROVINCE_NAMES)
    city = cities[0] if cities else nothing
    regions = [place for place in places if place[1] in _PROVINCE_NAMES and place is not city]
    return city, regions[0] if regions else nothing


_PROVINCE_NAMES = frozenset(PROVINCES.values())


def _words(text: str) -> list[str]:
    return [token for token in _TOKEN.findall(ascii_digits(text)) if token[0] not in _SEPARATORS]


def _fold_name(words: list[str]) -> str:
    return " ".join(folded for word in words if (folded := _fold(word)) not in _NOISE)


def _place_key(text: str) -> str:
    words = _words(text)
    name = _fold_name(words)
    return CITIES.get(name) or PROVINCES.get(name) or _latin(words)


def _latin(words: list[str]) -> str:
    """The words in their usual Latin spelling, directions last; unknown Persian words lose their short vowels."""
    folded = [each for word in words if (each := _fold(word)) not in _NOISE]
    known = [_latin_word(word) for word in _join_known(folded)]
    known.sort(key=lambda word: word in _DIRECTIONS)
    return " ".join(word for word in known if word)


def _join_known(words: list[str]) -> list[str]:
    """The words, two that street names write as one together: ولی عصر, Vali Asr."""
    joined: list[str] = []
    for word in words:
        if joined and joined[-1] + word in STREET_WORDS and not (joined[-1] in STREET_WORDS and word in STREET_WORDS):
            joined[-1] += word
        else:
            joined.append(word)
    return joined


_DIRECTIONS = frozenset("nsew")


@lru_cache(maxsize=8192)
def _latin_word(folded: str) -> str:
    latin = STREET_WORDS.get(folded)
    if latin is not None:
        return latin
    spelt = persian.romanise(persian.squeeze(folded)) if _ARABIC.match(folded) else folded
    known = persian.canonical_family(spelt) if spelt.isalpha() and spelt.isascii() else None
    latin = known or address_key(ascii_fold(spelt)).replace(" ", "").strip("-/#")
    for written, sound in _SAME_SOUND:
        latin = latin.replace(written, sound)
    return _DOUBLE.sub(r"\1", latin)
