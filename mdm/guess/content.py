"""Values of a column -> the share of them that look like an email, a phone, a date, a name ..."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import Any

from mdm.guess.words import fold, read_data

MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_DIGITS = str.maketrans("۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩", "01234567890123456789")
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[a-z]{2,}")
_URL = re.compile(r"(https?://|www\.)\S+|([a-z0-9-]+\.)+(com|net|org|io|co|gov|edu|info|biz|[a-z]{2})(/\S*)?")
_PHONE = re.compile(r"[+(]{0,2}\d[\d\s().\-/+]{4,22}\d\)?(\s*(x|ext\.?|#)\s*\d+)?")
_SEPARATED_PHONE = re.compile(
    r"(\+|00)\d[\d\s().-]{6,}|\(\d{2,4}\)[\s-]?\d.*|0?\d{2,4}[-./ ]\d{3,4}[-. ]\d{3,4}|1-\d{3}-\d{3}-\d{4}"
)
_DATE = re.compile(
    r"\d{4}([-/.])\d{1,2}\1\d{1,2}([t ].*)?|\d{1,2}([-/. ])\d{1,2}\3(\d{4}|\d{2})( .*)?"
    r"|(1[2-9]|20)\d\d(0[1-9]|1[0-2])([0-2]\d|3[01])"
    rf"|\d{{1,2}}[- .]({MONTHS})[a-z]*[- .,]+\d{{2,4}}|({MONTHS})[a-z]*[. ]+\d{{1,2}},? \d{{4}}"
)
_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}[t ]\d{2}:\d{2}.*")
_SSN = re.compile(r"\d{3}-\d{2}-\d{4}")
Test = Callable[[str], bool]
_LETTER = re.compile(r"[^\W\d_]")
_HOUSE_LED = re.compile(r"\d+[a-z]?([-/]\d+[a-z]?)*[ ,]+\D.*")
_HOUSE_NUMBER = re.compile(r"\W*\d+\W?[a-z]?([-/ ]+\d*[a-z]?)?\W*")


def plain(text: str) -> str:
    """The folded text with ASCII digits and single blanks: what every test of content reads."""
    return " ".join(fold(text.translate(_DIGITS)).split())


def shares(counts: Mapping[str, int]) -> dict[str, float]:
    """Share that passes each test, 0..1, of the distinct values or of the rows, whichever is greater.

    Many typos of a few state codes show in the rows, many rows of one placeholder in the distinct values.
    """
    values: Counter[str] = Counter()
    rows: Counter[str] = Counter()
    for value, count in counts.items():
        for test in looks_of(value):
            values[test] += 1
            rows[test] += count
    total = sum(counts.values())
    return {test: max(values[test] / len(counts), rows[test] / total) for test in values}


@lru_cache(maxsize=100_000)
def looks_of(value: str) -> frozenset[str]:
    """The tests of content that a value passes."""
    text = plain(value)
    found = {"gender"} if text.strip(".") in signs()["genders"] else set()
    if any(c.isdigit() for c in text):
        found |= {name for name, test in TESTS_OF_DIGITS.items() if test(text)}
    if _LETTER.search(text):
        found |= {name for name, test in TESTS_OF_LETTERS.items() if test(text)}
    return frozenset(found)


def words_of(text: str) -> list[str]:
    """The words of a plain text, without dots and signs."""
    return [word.strip(".,;:()'\"،") for word in text.replace("/", " ").replace("-", " ").split()]


@cache
def signs() -> Mapping[str, Any]:
    """The word lists of signs.yaml."""
    return {key: _folded(value) for key, value in read_data("signs.yaml").items()}


def _folded(value: Any) -> Any:
    if isinstance(value, list):
        return frozenset(fold(str(item)) for item in value)
    return {key: frozenset(v) if isinstance(v, list) else v for key, v in value.items()}


def _letters(text: str) -> bool:
    """At least half of what is not blank are letters."""
    return 2 * len(_LETTER.findall(text)) >= len(text.replace(" ", "")) and "@" not in text


def _code(text: str) -> bool:
    return len(text) <= 60 and "@" not in text


def _phone(text: str) -> bool:
    digits = sum(c.isdigit() for c in text)
    return 5 <= digits <= 17 and _PHONE.fullmatch(text) is not None and not _is_full_date(text)


def _is_full_date(text: str) -> bool:
    return _DATE.fullmatch(text) is not None and not text.isdigit()


def _in_range(first: int, last: int) -> Test:
    return lambda text: text.isdecimal() and len(text) <= 4 and first <= int(text) <= last


def _of_list(name: str) -> Test:
    return lambda text: text.strip(".") in signs()[name]


def _has_word(name: str) -> Test:
    return lambda text: not signs()[name].isdisjoint(words_of(text))


def _person_name(text: str) -> bool:
    words = words_of(text)
    return 1 <= len(words) <= 6 and _letters(text) and not signs()["given_names"].isdisjoint(words)


def _year(text: str) -> bool:
    return text.isdecimal() and len(text) == 4 and (1850 <= int(text) <= 2100 or 1250 <= int(text) <= 1450)


def _region_of(country: str) -> Test:
    return lambda text: text in signs()["regions"][country]


def _postcode_of(country: str) -> Test:
    return lambda text: re.match(signs()["postcodes"][country], text) is not None


TESTS_OF_LETTERS: Mapping[str, Test] = {
    "email": lambda text: _EMAIL.fullmatch(text) is not None,
    "url": lambda text: _URL.fullmatch(text) is not None,
    "letters": _letters,
    "one_word": lambda text: " " not in text and _letters(text),
    "initial": lambda text: len(text.strip(".")) == 1,
    "given_name": _of_list("given_names"),
    "person_name": _person_name,
    "organisation": _has_word("organisation_words"),
    "title": _of_list("titles"),
    **{f"region.{country}": _region_of(country) for country in ("US", "AU", "CA")},
}
TESTS_OF_DIGITS: Mapping[str, Test] = {
    "phone": _phone,
    "separated_phone": lambda text: _SEPARATED_PHONE.fullmatch(text) is not None and _phone(text),
    "date": lambda text: _DATE.fullmatch(text) is not None,
    "year": _year,
    "month": _in_range(1, 12),
    "day": _in_range(1, 31),
    "ssn": lambda text: _SSN.fullmatch(text) is not None,
    "code": _code,
    "address": _has_word("address_words"),
    "house_led": lambda text: _HOUSE_LED.fullmatch(text) is not None,
    "house_number": lambda text: len(text) <= 12 and _HOUSE_NUMBER.fullmatch(text) is not None,
    **{f"postcode.{country}": _postcode_of(country) for country in ("GB", "CA", "NL", "US", "IR")},
}
