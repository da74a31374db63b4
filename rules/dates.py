"""Date cells -> ISO dates in the Gregorian calendar, with every reading an ambiguous one allows.

A date no calendar has is still evidence: eight digits keep their digits, and a plausible year stays. Nothing here asks
the clock: what is in the future, or which century a two-digit year means, depends on the record's own reference date.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import lru_cache

from rules.date_readings import YEARS, Reading, read_date, usual_order
from rules.outcome import CompareValue, Context, Outcome
from rules.text import ascii_digits, tidy

DATE_INPUTS = ("value", "year", "month", "day")
DATE_CLEAN = ("value",)
DATE_COMPARE = ("days", "digits", "year", "month_day")

# Typed where a system demands a date, or left behind by one that had none.
PLANTED = frozenset(
    {"00000000", "00010101", "11111111", "12345678", "17530101", "18991230", "18991231"}
    | {"19000101", "19010101", "22222222", "99991231", "99999999"}
)
EPOCH = "19700101"
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_NOT_DIGITS = re.compile("[^0-9]+")
_YEAR = re.compile("(?<![0-9])(?:19|20)[0-9]{2}(?![0-9])")
_NOTHING = re.compile(r"[\W_]*|n/?a|none|null|nil|unknown|tbd|n\.a\.?", re.IGNORECASE)


def standardise_date(raw: Mapping[str, str], context: Context, options: Mapping[str, str]) -> tuple[Outcome, ...]:
    """The date in ISO form, whole or partial (1980-05); all readings in `days` and `digits` when it is ambiguous.

    An ambiguous date shows the reading that is usual in its country, or only its year when nothing tells.
    options: {"type": "birth"} keeps two-digit years in the past.
    Source: ISO 8601; the Iranian calendar of 1925 as persiantools computes it.
    """
    text = _joined(raw)
    if text is None:
        return ()
    if _NOTHING.fullmatch(text):
        return (Outcome({}, {}, ("date.placeholder",)),)
    readings = read_date(text, context, is_birth=options.get("type") == "birth")
    return (_describe(text, readings, context),)


def _joined(raw: Mapping[str, str]) -> str | None:
    """The date as one text; split parts in year-month-day order."""
    if "value" in raw:
        text = ascii_digits(tidy(raw["value"]))
    else:
        parts = (ascii_digits(tidy(raw.get(part, ""))) for part in ("year", "month", "day"))
        text = "-".join(part for part in parts if part)
    return text or None


def _describe(text: str, readings: Sequence[Reading], context: Context) -> Outcome:
    """The outcome of all readings of one text."""
    if len(readings) == 1 and readings[0].day and readings[0].is_possible:
        day = _describe_day(readings[0])
        return day if context.reference is None else _flag_future(day, context.reference)
    if _NOT_DIGITS.sub("", text) in PLANTED or any(reading.year and reading.digits in PLANTED for reading in readings):
        return Outcome({}, {}, ("date.placeholder",))
    if not readings:
        return Outcome({}, _lone_year(text), ("date.unreadable",))
    if not readings[0].is_possible:
        return Outcome({}, _compare_impossible(readings[0]), ("date.impossible",))
    if len(readings) == 1:
        month = Outcome({"value": readings[0].iso}, {"year": (f"{readings[0].year:04}",)})
        return month if context.reference is None else _flag_future(month, context.reference)
    usual = None if usual_order(context.country) is None else readings[0].iso
    both = _merge([_describe_day(reading) for reading in readings], usual)
    first = min(reading.iso for reading in readings)
    return both if context.reference is None or first <= context.reference[:10] else _with_issue(both, "date.future")


# Birth dates come from some thirty thousand days, each of them many times.
@lru_cache(maxsize=32768)
def _describe_day(reading: Reading) -> Outcome:
    digits = reading.digits
    if digits in PLANTED:
        return Outcome({}, {}, ("date.placeholder",))
    compare = {
        "days": (str(date(reading.year, reading.month, reading.day).toordinal() - _EPOCH_DAY),),
        "digits": (digits,),
        "year": (digits[:4],),
        "month_day": (digits[4:],),
    }
    return Outcome({"value": reading.iso}, compare, _doubts(reading))


def _doubts(reading: Reading) -> tuple[str, ...]:
    if reading.is_serial:
        return ("date.serial",)
    return ("date.epoch",) if reading.digits == EPOCH else ()


def _flag_future(outcome: Outcome, reference: str) -> Outcome:
    if outcome.clean.get("value", "") <= reference[:10]:
        return outcome
    return _with_issue(outcome, "date.future")


def _with_issue(outcome: Outcome, issue: str) -> Outcome:
    return replace(outcome, issues=tuple(sorted({*outcome.issues, issue})))


def _merge(days: Sequence[Outcome], usual: str | None) -> Outcome:
    """One outcome for two readings in the same year: all of both to compare, the usual one or the year to show."""
    compare = {
        part: tuple(dict.fromkeys(value for day in days for value in day.compare[part])) for part in DATE_COMPARE
    }
    return Outcome({"value": usual or compare["year"][0]}, compare, ("date.ambiguous",))


def _compare_impossible(reading: Reading) -> dict[str, CompareValue]:
    """What a mistyped date still says: its digits in year-month-day order, and its year when that is plausible."""
    compare: dict[str, CompareValue] = {}
    if reading.year and len(reading.digits) == 8:
        compare["digits"] = (reading.digits,)
    if reading.year in YEARS:
        compare["year"] = (f"{reading.year:04}",)
    return compare


def _lone_year(text: str) -> dict[str, CompareValue]:
    """The year of a text that is no date otherwise (05/z1/1949), when there is just one."""
    years = _YEAR.findall(text)
    return {"year": (years[0],)} if len(years) == 1 else {}
