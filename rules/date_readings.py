"""Date text -> the readings it allows, in the Gregorian calendar: whole or partial, possible or not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from persiantools.jdatetime import JalaliDate

from rules.outcome import Context
from rules.tables import read_table
from rules.text import ascii_fold

# A year of 1200 to 1450 is Iranian: no customer was born, and hardly a company founded, in a Gregorian one.
JALALI_YEARS = range(1200, 1451)
YEARS = range(1500, 2201)
BIRTH_YEARS = range(1850, 2201)
# Two-digit years end here when the record has no date of its own.
LAST_YEAR = 2030
LAST_BIRTH_YEAR = 2025
JALALI_OFFSET = 621

MONTH_FIRST = frozenset({"US", "AS", "FM", "GU", "MH", "MP", "PH", "PR", "PW", "VI"})
YEAR_FIRST = frozenset({"CN", "HU", "JP", "KP", "KR", "LT", "MN", "TW"})
BOTH_ORDERS = frozenset({"CA"})

_MONTHS = {
    name: (row[0] == "jalali", int(row[1])) for row in read_table("months.txt") for name in row[2].split(",")
}  # fmt: skip
_ISO = re.compile("([0-9]{4})-([0-9]{2})-([0-9]{2})")
_TIME = re.compile(r"[t\s,]+[0-9]{1,2}:[0-9]{2}.*$")
_GROUPS = re.compile(r"([0-9]+)[\s./,_-]+([0-9]+)(?:[\s./,_-]+([0-9]+))?")
_SEPARATORS = re.compile(r"[\s./,_-]+")
_VIETNAMESE = re.compile(
    r"(?:(?:ngay\s*)?([0-9]{1,2})[\s./-]*)?(?<![a-z])(?:thang|thg|th|t)[\s.]*([0-9]{1,2})\s*[,/.-]?\s*(?:nam\s*)?([0-9]{4})"
)
_EAST_ASIAN = re.compile(
    "(昭和|平成|令和|大正|明治)?\\s*([0-9]{1,4})\\s*[年년]\\s*(?:([0-9]{1,2})\\s*[月월]\\s*(?:([0-9]{1,2})\\s*[日일])?)?"
)
# The year before the first of each Japanese era.
_ERAS = {"明治": 1867, "大正": 1911, "昭和": 1925, "平成": 1988, "令和": 2018}
# Thai years count from 543 before ours.
BUDDHIST_YEARS = range(2400, 2650)
BUDDHIST_OFFSET = 543
# Spreadsheets count days from here; five digits are 1927 to 2173.
SERIAL_START = date(1899, 12, 30)
_SERIAL = re.compile(r"([1-9][0-9]{4})(?:\.0+)?")
_WORD = re.compile(r"[^\W\d_]+")
_NUMBER = re.compile("[0-9]+")


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a date; month and day are 0 when it does not say them. is_serial: it was a day number."""

    year: int
    month: int
    day: int
    is_possible: bool = True
    is_serial: bool = False

    @property
    def digits(self) -> str:
        """yyyymmdd, also for days no calendar has."""
        return f"{self.year:04}{self.month:02}{self.day:02}"

    @property
    def iso(self) -> str:
        """ISO 8601, as far as it is known: 1980-05-12, 1980-05 or 1980."""
        parts = (f"{self.year:04}", f"{self.month:02}", f"{self.day:02}")
        return "-".join(parts[: 3 if self.day else 2 if self.month else 1])


NO_DATE = Reading(0, 0, 0, is_possible=False)


@dataclass(frozen=True, slots=True)
class Habits:
    """How the writer of a date is expected to write it.

    order: mdy, dmy, ymd, jalali, or None when month and day may come either way.
    declared: the source says so itself; what is only usual in a country leaves the other reading open.
    last_year: the latest Gregorian year that two digits may mean.
    """

    order: str | None
    declared: bool
    last_year: int
    years: range
    country: str | None = None


def read_date(text: str, context: Context, *, is_birth: bool) -> tuple[Reading, ...]:
    """Every reading the text allows, best first; one impossible reading when no calendar has it; none for no date."""
    habits = _habits(context, is_birth)
    match = _ISO.fullmatch(text)
    if match is not None:
        year, month, day = match.groups()
        return (_reading(int(year), int(month), int(day), habits),)
    text = _TIME.sub("", text.lower()).strip(" .,/-")
    serial = _SERIAL.fullmatch(text)
    if serial is not None:
        return _read_serial(serial[1], habits)
    if text.isdigit():
        return _read_digits(text, habits)
    groups = _GROUPS.fullmatch(text)
    if groups is not None:
        return _read_groups(groups.group(1), groups.group(2), groups.group(3), habits)
    digits = _SEPARATORS.sub("", text)
    if digits.isdigit():
        return _read_digits(digits, habits) if len(digits) == 8 else (NO_DATE,)
    return _read_words(text, habits)


def _read_serial(text: str, habits: Habits) -> tuple[Reading, ...]:
    """A spreadsheet's day number, unless the five digits are a day or month that lost its zero (50580)."""
    readings = _read_groups(text[:1], text[1:3], text[3:], habits)
    written = [reading for reading in readings if reading.is_possible and reading.day]
    day = SERIAL_START + timedelta(int(text))
    reading = Reading(day.year, day.month, day.day, is_serial=True)
    last = habits.last_year
    return tuple(written) or ((reading,) if day.year <= last else (NO_DATE,))


def _habits(context: Context, is_birth: bool) -> Habits:
    declared = context.date_order != "auto"
    order = context.date_order if declared else usual_order(context.country)
    last = LAST_BIRTH_YEAR if is_birth else LAST_YEAR
    if context.reference is not None and context.reference[:4].isdigit():
        last = int(context.reference[:4]) + (0 if is_birth else 10)
    return Habits(order, declared, last, BIRTH_YEARS if is_birth else YEARS, context.country)


def usual_order(country: str | None) -> str | None:
    """The order in which people of a country write dates; None when unknown or when they use both."""
    if country is None or country in BOTH_ORDERS:
        return None
    if country == "IR":
        return "jalali"
    return "mdy" if country in MONTH_FIRST else "ymd" if country in YEAR_FIRST else "dmy"


def _reading(year: int, month: int, day: int, habits: Habits) -> Reading:
    """The reading of a full year, in either calendar, with whether the calendar has it."""
    if year in JALALI_YEARS:
        return _from_jalali(year, month, day)
    if year in BUDDHIST_YEARS and habits.country == "TH":
        year -= BUDDHIST_OFFSET
    if day and not month:
        return Reading(year, month, day, is_possible=False)
    try:
        date(year, month or 1, day or 1)
    except ValueError:
        return Reading(year, month, day, is_possible=False)
    return Reading(year, month, day, year in habits.years)


def _from_jalali(year: int, month: int, day: int) -> Reading:
    """The Gregorian reading; a partial Iranian date tells its year only, the one most of its days fall in."""
    if not day:
        return Reading(year + JALALI_OFFSET + (month > 10), 0, 0, month <= 12)
    try:
        gregorian = JalaliDate(year, month, day).to_gregorian()  # type: ignore[no-untyped-call]
    except ValueError:
        return Reading(year, month, day, is_possible=False)
    return Reading(gregorian.year, gregorian.month, gregorian.day)


def _read_digits(text: str, habits: Habits) -> tuple[Reading, ...]:
    """19800512, 05121980, 120580, 1980; seven digits have lost the zero of a day or month."""
    if len(text) == 4:
        return (_reading(int(text), 0, 0, habits),)
    if len(text) == 6:
        return _read_groups(text[:2], text[2:4], text[4:], habits)
    if len(text) == 8:
        year_first = _reading(int(text[:4]), int(text[4:6]), int(text[6:]), habits)
        if year_first.is_possible:
            return (year_first,)
        year_last = _read_year_last(text[:2], text[2:4], int(text[4:]), habits)
        return year_last if year_last[0].is_possible else (year_first,)
    if len(text) == 7:
        return _read_year_last(text[:1], text[1:3], int(text[3:]), habits)
    return (NO_DATE,)


def _read_groups(first: str, second: str, third: str | None, habits: Habits) -> tuple[Reading, ...]:
    """Numbers with separators; the year is the long one, else where the writer's habit puts it."""
    if third is None:
        return _read_month_and_year(first, second, habits)
    lengths = (len(first), len(second), len(third))
    if max(lengths[0], lengths[2]) > 4 or lengths[1] > 2 or min(lengths[0], lengths[2]) > 2 or 3 in lengths:
        return (NO_DATE,)
    if lengths[0] == 4:
        return (_reading(int(first), int(second), int(third), habits),)
    if lengths[2] == 4:
        return _read_year_last(first, second, int(third), habits)
    if habits.order in ("ymd", "jalali") or int(first) > 31:
        return (_reading(_full_year(int(first), habits), int(second), int(third), habits),)
    return _read_year_last(first, second, _full_year(int(third), habits), habits)


def _read_month_and_year(first: str, second: str, habits: Habits) -> tuple[Reading, ...]:
    if len(first) == 4 and len(second) <= 2:
        return (_reading(int(first), int(second), 0, habits),)
    if len(second) == 4 and len(first) <= 2:
        return (_reading(int(second), int(first), 0, habits),)
    return _read_digits(first + second, habits) if len(first + second) == 8 else (NO_DATE,)


def _read_year_last(first: str, second: str, year: int, habits: Habits) -> tuple[Reading, ...]:
    """The reading in the usual order, or the other if only that exists; both unless the source declared its order."""
    day_first = _reading(year, int(second), int(first), habits)
    month_first = _reading(year, int(first), int(second), habits)
    usual, other = (month_first, day_first) if habits.order == "mdy" else (day_first, month_first)
    if not usual.is_possible:
        return (other,) if other.is_possible else (usual,)
    if not habits.declared and other.is_possible and other != usual:
        return (usual, other)
    return (usual,)


def _full_year(short: int, habits: Habits) -> int:
    """The latest year ending in these two digits that is not after the last year two digits may mean."""
    last = habits.last_year - (JALALI_OFFSET if habits.order == "jalali" else 0)
    return last - (last - short) % 100


def _read_words(text: str, habits: Habits) -> tuple[Reading, ...]:
    """A date with its month in words: 12 Mar 1980, March 1980, ngày 12 tháng 3 năm 1980, ۱۲ مهر ۱۳۶۰."""
    vietnamese = _VIETNAMESE.search(ascii_fold(text))
    if vietnamese is not None:
        day, month, year = vietnamese.groups()
        return (_reading(int(year), int(month), int(day or 0), habits),)
    asian = _EAST_ASIAN.fullmatch(text)
    if asian is not None:
        era, year, month, day = asian.groups()
        return (_reading(int(year) + _ERAS.get(era or "", 0), int(month or 0), int(day or 0), habits),)
    months = [_MONTHS[word] for word in map(_month_word, _WORD.findall(text)) if word in _MONTHS]
    numbers = [int(number) for number in _NUMBER.findall(text) if len(number) <= 4]
    if len(months) != 1 or len(numbers) not in (1, 2):
        return ()
    return _read_named_month(months[0], numbers, habits)


def _read_named_month(named: tuple[bool, int], numbers: list[int], habits: Habits) -> tuple[Reading, ...]:
    is_jalali, month = named
    if is_jalali:
        habits = Habits("jalali", habits.declared, habits.last_year, habits.years)
    day, year = (0, numbers[0]) if len(numbers) == 1 else (min(numbers), max(numbers))
    if len(numbers) == 2 and year < 100 and numbers[0] <= 31:
        day, year = numbers
    if len(numbers) == 1 and year < 100:
        return ()
    return (_reading(_full_year(year, habits) if year < 100 else year, month, day, habits),)


def _month_word(word: str) -> str:
    return word if word in _MONTHS else ascii_fold(word).lower()
