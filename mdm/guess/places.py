"""Rows -> the country they come from and the order of their dates, as far as the data shows it."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from mdm.guess.columns import Part
from mdm.guess.content import plain, signs
from mdm.guess.sample import Column
from rules.countries import country_code

ENOUGH = 0.5  # share of the values that must speak for a country
MIN_DATES = 5  # dates whose order shows, before an order is believed
_VIETNAMESE = re.compile(r"[ăâđêôơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]", re.IGNORECASE)
_PERSIAN = re.compile(r"[\u0600-\u06ff]")
_SPLIT_DATE = re.compile(r"(\d{1,2})[-/. ](\d{1,2})[-/. ]\d{2,4}(?: .*)?")
_US_PHONE = re.compile(r"(1[-. ])?(\(\d{3}\) ?|\d{3}[-./ ])\d{3}[-. ]\d{4}")


def country_by_content(parts: Sequence[Part]) -> tuple[str, str] | None:
    """The country most columns speak for, with the sign to tell the user; None when nothing shows it."""
    votes: dict[str, list[str]] = defaultdict(list)
    for part in parts:
        for country, sign in _signs_of(part):
            votes[country].append(f"{sign} in {part.column.name}")
    if not votes:
        return None
    country = max(votes, key=lambda c: (len(votes[c]), c))
    return country, ", ".join(votes[country][:2])


def main_country(values: Iterable[str | None]) -> str | None:
    """The country that most values of a country column name."""
    counts = Counter(code for value in values if value is not None and (code := country_code(value)))
    return max(counts, key=lambda code: (counts[code], code)) if counts else None


def date_orders(pairs: Iterable[tuple[str | None, str]]) -> Mapping[str | None, str]:
    """Country -> the order (mdy, dmy) its dates show, from (country, date text); undecided countries are left out."""
    counts: dict[str | None, Counter[str]] = defaultdict(Counter)
    for country, text in pairs:
        order = _shown_order(text)
        if order is not None:
            counts[country][order] += 1
    decided = {country: _decided(votes) for country, votes in counts.items()}
    return {country: order for country, order in decided.items() if order is not None}


def _decided(votes: Counter[str]) -> str | None:
    ((order, count),) = votes.most_common(1)
    return order if count >= MIN_DATES and count >= 0.98 * votes.total() else None


def _shown_order(text: str) -> str | None:
    """The order that one date shows: a number over 12 is the day."""
    match = _SPLIT_DATE.fullmatch(plain(text))
    if match is None:
        return None
    first, second = int(match[1]), int(match[2])
    if first > 12 >= second:
        return "dmy"
    return "mdy" if second > 12 >= first else None


def _signs_of(part: Part) -> list[tuple[str, str]]:
    """The countries a column speaks for, with what it shows."""
    column, role = part.column, part.role.name
    found = [
        (_VIETNAMESE, "VN", "Vietnamese letters"),
        (_PERSIAN, "IR", "Persian letters"),
    ]
    by_script = [
        (country, sign)
        for letters, country, sign in found
        if role.startswith(("name.", "address.", "organisation_name")) and _share(column, letters) >= ENOUGH
    ]
    if role == "phone":
        return _phone_signs(column)
    if role == "address.region":
        regions = [(country, column.looks_like(f"region.{country}")) for country in signs()["regions"]]
        return [*by_script, *_best(regions, "states")]
    if role == "address.postcode":
        codes = [(country, column.looks_like(f"postcode.{country}")) for country in signs()["postcodes"]]
        return _best(codes, "postcodes")
    if role == "national_id":
        return _best([("US", column.looks_like("ssn"))], "social security numbers")
    return by_script


def _best(scores: Sequence[tuple[str, float]], sign: str) -> list[tuple[str, str]]:
    country, score = max(scores, key=lambda s: s[1])
    return [(country, sign)] if score >= ENOUGH else []


def _share(column: Column, pattern: re.Pattern[str]) -> float:
    return sum(pattern.search(value) is not None for value in column.values) / max(1, len(column.values))


def _phone_signs(column: Column) -> list[tuple[str, str]]:
    countries = Counter(country for value in column.values if (country := _phone_country(value)))
    if not countries:
        return []
    country, count = countries.most_common(1)[0]
    return [(country, "phone numbers")] if count >= ENOUGH * len(column.values) else []


def _phone_country(value: str) -> str | None:
    """The country a number names by its calling code, or by the North American way of writing."""
    text = plain(value)
    if _US_PHONE.fullmatch(text):
        return "US"
    digits = re.sub(r"\D", "", text)
    if not text.lstrip("(").startswith(("+", "00")):
        return None
    digits = digits.removeprefix("00")
    codes: Mapping[str, str] = signs()["calling_codes"]
    return next((codes[digits[:n]] for n in (3, 2, 1) if digits[:n] in codes), None)
