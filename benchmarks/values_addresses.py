"""parse_us_addresses, parse_intl_addresses: which words are the house number, the street, the unit, the place?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from benchmarks.values_scores import Score, read_rows
from rules.address_parts import address_key, city_key, postcode_key, region_key, unify_words
from rules.addresses import standardise_address
from rules.countries import country_code
from rules.outcome import Context, Outcome

US_LABELS = {
    "AddressNumber": "number", "StreetName": "street", "StreetNamePostType": "street",
    "StreetNamePreDirectional": "street", "StreetNamePostDirectional": "street", "StreetNamePreType": "street",
    "OccupancyIdentifier": "unit", "USPSBoxID": "po_box", "PlaceName": "city", "StateName": "region",
    "ZipCode": "postcode",
}  # fmt: skip
INTL_LABELS = {
    "house_number": "number", "road": "street", "unit": "unit", "city": "city", "state": "region",
    "postcode": "postcode", "locality": "city", "region": "region", "postalCode": "postcode", "country": "country",
}  # fmt: skip


def score_us_addresses(folder: Path) -> Iterator[Score]:
    """Each label's words, in the short forms we compare, against the part they belong to."""
    scores: dict[str, Score] = {}
    for row in read_rows(folder / "records.parquet"):
        words: dict[str, list[str]] = {}
        for token, label in zip(row["tokens"], row["labels"], strict=True):
            words.setdefault(label, []).append(token)
        outcome = _read(row["text"], "US")
        for label, part in US_LABELS.items():
            if label in words:
                expected = _compared(" ".join(words[label]), part, "US")
                found = " ".join(outcome.compare.get(part, ()))
                is_right = f" {expected} " in f" {found} " if part == "street" else found == expected
                scores.setdefault(label, Score(label)).count(is_right, f"{row['text']!r}: {found!r}, not {expected!r}")
    yield from scores.values()


def score_intl_addresses(folder: Path) -> Iterator[Score]:
    """Each component that we have a part for; the country counts when its code is right."""
    scores: dict[str, Score] = {}
    for row in read_rows(folder / "records.parquet"):
        outcome = _read(row["text"], row["country"])
        for label, value in json.loads(row["components"]).items():
            part = INTL_LABELS.get(label)
            if part is not None and value:
                expected, found = _intl(value, part, row["country"], outcome)
                score = scores.setdefault(label, Score(f"{row['source']} {label}"))
                score.count(expected == found, f"{row['text']!r}: {found!r}, not {expected!r}")
    yield from scores.values()


def _intl(value: str, part: str, country: str | None, outcome: Outcome) -> tuple[str | None, str | None]:
    if part == "country":
        return country_code(value), outcome.clean.get("country")
    found = outcome.compare.get(part, (None,))[0]
    return _compared(value, part, country), found


def _compared(text: str, part: str, country: str | None) -> str | None:
    """The labelled text as our compare form writes it."""
    if part == "city":
        return city_key(text)
    if part == "region":
        return region_key(text, country)
    if part == "postcode":
        return postcode_key(text, country)
    key = address_key(text)
    if part == "street":
        return unify_words(key.replace("-", " ").replace("#", " ").split())
    last = key.split()[-1].strip("#-/") if key else None
    # 3rd Floor and Floor 3 are one unit.
    return last and unify_words([last])


def _read(text: str, country: str | None) -> Outcome:
    outcomes = standardise_address({"full": text}, Context(country), {})
    return outcomes[0] if outcomes else Outcome()
