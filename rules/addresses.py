"""Address columns or lines -> the parts to show and to compare; each country's habits live in a module of their own.

Invariant: the same place gives the same compare values whether it came as one line or in columns.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from rules.address_parts import (
    ADDRESS_CLEAN,
    ADDRESS_COMPARE,
    ADDRESS_INPUTS,
    PLANTED,
    REGIONS,
    AddressParts,
    address_key,
    describe,
)
from rules.addresses_ir import parse_ir
from rules.addresses_plain import parse_plain
from rules.addresses_us import parse_us
from rules.addresses_vn import parse_vn
from rules.countries import country_code
from rules.outcome import Context, Outcome
from rules.text import tidy

__all__ = ["ADDRESS_CLEAN", "ADDRESS_COMPARE", "ADDRESS_INPUTS", "standardise_address"]

_LINE_BREAK = re.compile(r"[\r\n]+")
_PERSIAN = re.compile("[\u0600-\u06ff]")
_VIETNAMESE = re.compile(
    r"[ăđơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]|\b(?:phuong|quan|huyen|thanh pho|tinh|viet nam)\b",
    re.IGNORECASE,
)
_US_TAIL = re.compile(r"\b([A-Za-z]{2})\.?,?\s+[0-9]{5}(?:-[0-9]{4})?$")
# The territories of the US write addresses as the states do.
_LIKE_US = frozenset({"US", "PR", "GU", "VI", "AS", "MP"})
_ZIP = re.compile(r"[0-9]{5}(?:-?[0-9]{4})?")
_COMMA = re.compile("[,،]")
SHORTEST_COUNTRY = 4  # letters; codes are states and words too
_SHORT_COUNTRIES = frozenset({"usa", "uae", "uk"})
_TOWNS_TOO = frozenset(
    {"angola", "brazil", "chad", "china", "cuba", "cyprus", "denmark", "egypt", "england", "georgia", "germany"}
    | {"greece", "holland", "iran", "ireland", "israel", "italy", "jamaica", "jersey", "jordan", "lebanon", "malta"}
    | {
        "mexico",
        "norway",
        "palestine",
        "panama",
        "peru",
        "poland",
        "portugal",
        "russia",
        "scotland",
        "sweden",
        "turkey",
    }
    | {"wales"}
)
LONGEST_PLANTED = max(map(len, PLANTED)) + 4
_SEPARATE = re.compile(r"[\W_]+")


def standardise_address(raw: Mapping[str, str], context: Context, options: Mapping[str, str]) -> tuple[Outcome, ...]:
    """One address with its parts; nothing but an issue when all of it was planted (n/a, unknown).

    Source: USPS Publication 28 for the US; Vietnamese and Iranian postal usage; punctuation elsewhere.
    """
    given = [
        (part, *(_read_place if part in _PLACES else _read_column)(raw[part])) for part in ADDRESS_INPUTS if part in raw
    ]
    kept = {part: text for part, text, is_said in given if is_said}
    issues = ("address.placeholder",) if any(text and not is_said for _, text, is_said in given) else ()
    written_country = kept.pop("country", None)
    country = (country_code(written_country) if written_country else None) or _country_at_end(kept, context.country)
    if not kept:
        return (Outcome({}, {}, issues),) if issues else ()
    outcome = describe(_parse(kept, country or _guess_country(kept)), country, issues)
    if not outcome.compare and not outcome.issues:
        # Not written as addresses of this country are, but an address still: of a customer abroad.
        outcome = describe(parse_plain(kept, country), country, issues)
    return (outcome,) if outcome.compare or outcome.issues else ()


def _country_at_end(given: Mapping[str, str], home: str | None) -> str | None:
    """The country that a line names last, behind street and place (12 Lê Lợi, Hà Nội, Việt Nam), else the home.

    Small towns of the US bear the names of many countries: there the line needs another country's name to leave.
    """
    whole = given.get("full") or given.get("line2") or given.get("line1") or ""
    if "," not in whole and "،" not in whole:
        return home
    pieces = _COMMA.split(whole)
    last = pieces[-1].strip(" .")
    if len(pieces) < (2 if home is None else 3) or (
        len(last) < SHORTEST_COUNTRY and last.lower() not in _SHORT_COUNTRIES
    ):
        return home
    if home in _LIKE_US and ("region" in given or last.lower() in _TOWNS_TOO):
        return home
    return country_code(last) or home


def _read_column(text: str) -> tuple[str, bool]:
    """The tidy text of a column, and whether it says anything."""
    shown = tidy(_LINE_BREAK.sub(", ", text))
    return shown, shown != "" and not _is_planted(shown)


# Cities, regions and postcodes repeat far more than lines do.
_read_place = lru_cache(maxsize=65536)(_read_column)
_PLACES = frozenset({"district", "city", "region", "postcode", "country"})


def _is_planted(text: str) -> bool:
    """Whether the text only fills the field: n/a, unknown, -, xxx."""
    if len(text) > LONGEST_PLANTED or text[0].isdigit():
        return False
    key = " ".join(_SEPARATE.sub(" ", address_key(text)).split())
    return key in PLANTED or (not key and text.isascii())


def _parse(given: Mapping[str, str], country: str | None) -> AddressParts:
    if country in _LIKE_US:
        return parse_us(given)
    if country == "VN":
        return parse_vn(given)
    if country == "IR":
        return parse_ir(given)
    return parse_plain(given, country)


def _guess_country(given: Mapping[str, str]) -> str | None:
    """The country whose writing the address shows when nothing says it: script, state and ZIP, unit words."""
    text = " ".join(given.values())
    if _PERSIAN.search(text):
        return "IR"
    if _VIETNAMESE.search(text):
        return "VN"
    tail = _US_TAIL.search(text)
    if tail is not None and ("US", tail.group(1).lower()) in REGIONS:
        return "US"
    is_state = ("US", address_key(given.get("region", ""))) in REGIONS
    return "US" if is_state and ("postcode" not in given or _ZIP.fullmatch(given["postcode"])) else None
