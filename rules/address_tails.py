"""The last segments of an address line -> country, postcode, city and region, by the habits of the country.

The postcode is the anchor: what shares its segment is the city, before it or after it as the country writes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from rules.address_parts import REGIONS, address_key
from rules.countries import country_code

Segment = tuple[str, str]

# National forms of postcodes, folded; public facts of the Universal Postal Union. Others have four to six digits.
_FORMS = {
    "AD": "ad[0-9]{3}", "AR": "[a-z][0-9]{4}[a-z]{3}|[0-9]{4}", "BM": "[a-z]{2} ?[a-z0-9]{2}",
    "BR": "[0-9]{5}-?[0-9]{3}", "CA": "[a-z][0-9][a-z] ?[0-9][a-z][0-9]", "CZ": "[0-9]{3} ?[0-9]{2}",
    "GB": "[a-z]{1,2}[0-9][a-z0-9]? ?[0-9][a-z]{2}", "GR": "[0-9]{3} ?[0-9]{2}", "IE": "[a-z][0-9][0-9w] ?[a-z0-9]{4}",
    "IN": "[0-9]{3} ?[0-9]{3}", "JP": "[0-9]{3}-?[0-9]{4}", "KR": "[0-9]{3}-[0-9]{3}|[0-9]{5}", "LV": "lv-?[0-9]{4}",
    "LT": "(?:lt-?)?[0-9]{5}", "MT": "[a-z]{3} ?[0-9]{4}", "NL": "[0-9]{4} ?[a-z]{2}", "PL": "[0-9]{2}-[0-9]{3}",
    "PT": "[0-9]{4}-[0-9]{3}|[0-9]{4}", "SE": "[0-9]{3} ?[0-9]{2}", "SK": "[0-9]{3} ?[0-9]{2}",
    "SZ": "[a-z][0-9]{3}", "TW": "[0-9]{3}(?:-?[0-9]{2,3})?", "IS": "[0-9]{3}", "BN": "[a-z]{2} ?[0-9]{4}",
}  # fmt: skip
_DIGITS = "[0-9]{4,6}"
# Where no postcodes are in use, a number in the line is never one.
NO_POSTCODES = frozenset(
    {"AE", "AO", "BJ", "BW", "BZ", "CF", "CG", "CI", "CM", "DJ", "ER", "FJ", "GH", "GM", "GQ", "HK", "JM", "KM", "LY"}
    | {"ML", "MO", "MR", "MW", "QA", "RW", "SC", "SL", "SR", "SY", "TD", "TG", "TO", "TZ", "UG", "YE", "ZW"}
)
# The code of a country before the postcode: D-10115, F-75002.
_SIGNS = {"AT": "a", "DE": "d", "FR": "f", "IT": "i", "SE": "s", "FI": "fin", "LU": "l", "BE": "b"}
_NAMES = "(?:post ?code|postal code|zip(?: code)?|plz|cp|cep|pin ?code|pin|c p|kod pocztowy|indeks|posta kodu)"
_DIGIT = re.compile("[0-9]")
_CEDEX = re.compile(r"\s+cedex(?:\s+[0-9]{1,2})?$")
_BARE = re.compile(r"[\W_]+$|^[\W_]+")
# A region by its code behind the city: São Paulo - SP, Roma RM.
_CODED_REGION = re.compile(r"(.{2,}?)(?:\s*-\s*|\s+|\s*\()([a-z]{2})\)?")
_WITH_CODED_REGIONS = frozenset({"BR", "IT"})


# Here the province stands between city and postcode: Guangzhou, Guangdong 510620.
_PROVINCE_BESIDE = frozenset({"CN", "IN", "JP", "KR", "ID", "TH", "PH", "NG", "ZA"})


class Tail(NamedTuple):
    """What the end of the line says; `rest` are the segments before it."""

    rest: Sequence[Segment]
    postcode: str | None = None
    city: str | None = None
    region: str | None = None


@lru_cache(maxsize=512)
def _forms(country: str | None) -> tuple[re.Pattern[str], ...]:
    """The whole segment is a postcode; it opens the segment; it closes it."""
    form = _FORMS.get(country or "GB", _DIGITS)
    if country is None:
        form = f"{form}|{_DIGITS}"
    code = (country or "").lower()
    sign = rf"(?:(?:{code}|{_SIGNS.get(country or '', code)})[ -])?" if code else ""
    return (
        re.compile(rf"(?:{_NAMES}\s)?{sign}({form})"),
        re.compile(rf"{sign}({form})[\s-]+(?=\D)"),
        re.compile(rf"(?:^|.*\s){sign}({form})"),
    )


def without_country(segments: Sequence[Segment]) -> list[Segment]:
    """The segments without the country's name, alone or behind the last words; the only segment stays."""
    kept = list(segments)
    if len(kept) > 1 and len(kept[-1][0]) > 3 and country_code(kept[-1][0]) is not None:
        return kept[:-1]
    text = kept[-1][0]
    words = text.split()
    for size in (3, 2, 1):
        if len(words) > size and len(" ".join(words[-size:])) > 3 and country_code(" ".join(words[-size:])):
            text = " ".join(words[:-size])
            return [*kept[:-1], (text, address_key(text))]
    return kept


def read_tail(segments: Sequence[Segment], country: str | None) -> Tail:
    """Postcode, city and region of the last segments; without a postcode only `rest`."""
    if country in NO_POSTCODES:
        return Tail(segments)
    whole, opening, closing = _forms(country)
    for at in range(len(segments) - 1, -1 if len(segments) == 1 else 0, -1):
        text, key = segments[at]
        key = _CEDEX.sub("", key)
        alone = whole.fullmatch(key)
        if alone is not None and at > 0:
            return _beside(segments, at, alone[1], country)
        match = opening.match(key) or (closing.fullmatch(key) if at or country not in (None, "GB") else None)
        if match is not None:
            place = _cut(text, key, match.span(1))
            if place:
                return _within(segments, at, (match[1], place), country)
    return Tail(segments)


def _cut(text: str, key: str, span: tuple[int, int]) -> str:
    """The words of the text that are not those of the key between the positions."""
    before, count = len(key[: span[0]].split()), len(key[span[0] : span[1]].split())
    if span[0] and key[span[0] - 1] not in " ":
        before -= 1
    words = _CEDEX_SHOWN.sub("", text).split()
    left = [*words[:before], *words[before + count :]]
    return _BARE.sub("", " ".join(left))


_CEDEX_SHOWN = re.compile(r"\s+cedex(?:\s+[0-9]{1,2})?$", re.IGNORECASE)


def _within(segments: Sequence[Segment], at: int, found: tuple[str, str], country: str | None) -> Tail:
    """The postcode stands beside the city, or beside the region behind the city."""
    postcode, place = found
    after = [text for text, _ in segments[at + 1 :]]
    city, region = split_region(place, country)
    if country in _PROVINCE_BESIDE and region is None and at > 1 and not _DIGIT.search(segments[at - 1][1]):
        city, region = None, place
    if city is None and at > 1:
        return Tail(segments[: at - 1], postcode, segments[at - 1][0], region)
    return Tail(segments[:at], postcode, city or place, region or (after[0] if after else None))


def _beside(segments: Sequence[Segment], at: int, postcode: str, country: str | None) -> Tail:
    """The postcode stands alone: the city before it, or the city and the region."""
    after = [text for text, _ in segments[at + 1 :]]
    before = [*segments[:at]]
    if len(before) < 2 or after:
        city = after[0] if after else None
        return Tail(before, postcode, city, after[1] if len(after) > 1 else None)
    text = before.pop()[0]
    city, region = split_region(text, country)
    if country in _PROVINCE_BESIDE and region is None and len(before) > 1 and not _DIGIT.search(before[-1][1]):
        city, region = None, text
    if city is None:
        city = before.pop()[0] if len(before) > 1 else text
    return Tail(before, postcode, city, region)


def split_region(place: str, country: str | None) -> tuple[str | None, str | None]:
    """(city, region) of a text such as "Joondalup QLD" or "Campinas - SP"; no city when it is a region alone."""
    key = address_key(place).replace("-", " ").strip()
    known = [country] if country else ["AU", "CA", "GB", "US"]
    words = key.split()
    if any((code, " ".join(words)) in REGIONS for code in known):
        return None, place
    for size in (3, 2, 1):
        if len(words) > size and any((code, " ".join(words[-size:])) in REGIONS for code in known):
            shown = place.split()
            return _BARE.sub("", " ".join(shown[:-size])), " ".join(shown[-size:])
    coded = _CODED_REGION.fullmatch(place.lower()) if country in _WITH_CODED_REGIONS else None
    if coded is not None:
        return _BARE.sub("", place[: coded.end(1)]), place[coded.start(2) : coded.end(2)]
    return place, None
