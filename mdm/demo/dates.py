"""Days -> how a source writes them: ISO, local order, Jalali, compact, free."""

from __future__ import annotations

import numpy as np

from mdm.demo.columns import Column, Days, Dice, Numbers, choose, column, each
from mdm.demo.spelling import arabic_digits, persian_digits

# 1 Farvardin 1300 was 21 March 1921; within 1300..1450 leap years follow the 33-year cycle.
_FIRST_JALALI_YEAR = 1300
_FIRST_NOWRUZ = np.datetime64("1921-03-21")
_LEAP_REMAINDERS = (1, 5, 9, 13, 17, 22, 26, 30)
_YEARS = np.arange(_FIRST_JALALI_YEAR, _FIRST_JALALI_YEAR + 150)
_YEAR_LENGTHS = 365 + np.isin(_YEARS % 33, _LEAP_REMAINDERS)
_NOWRUZ = _FIRST_NOWRUZ + np.concatenate([[0], np.cumsum(_YEAR_LENGTHS)[:-1]])

Parts = tuple[Numbers, Numbers, Numbers]


def day_in(years: Numbers, dice: Dice) -> Days:
    """A day of each year; the last of a leap year is left out."""
    first = (years - 1970).astype("datetime64[Y]").astype("datetime64[D]")
    days: Days = first + dice.numbers(0, 365).astype("timedelta64[D]")
    return days


def gregorian(days: Days) -> Parts:
    """Year, month and day."""
    months = days.astype("datetime64[M]")
    years = days.astype("datetime64[Y]")
    return years.astype(np.int64) + 1970, months.astype(np.int64) % 12 + 1, (days - months).astype(np.int64) + 1


def jalali(days: Days) -> Parts:
    """Year, month and day of the Iranian calendar, for days from 1921-03-21 to 2071."""
    position = np.searchsorted(_NOWRUZ, days, side="right") - 1
    passed = (days - _NOWRUZ[position]).astype(np.int64)
    # six months of 31 days, then months of 30
    late = passed >= 186
    month = np.where(late, (passed - 186) // 30 + 7, passed // 31 + 1)
    day = np.where(late, (passed - 186) % 30 + 1, passed % 31 + 1)
    return _YEARS[position], month, day


def iso(days: Days) -> Column:
    """As 1980-05-17."""
    return column(np.datetime_as_string(days).tolist())


def local(days: Days, country: str) -> Column:
    """As people of the country write it: 05/17/1980, 17/05/1980, ۱۳۵۹/۰۲/۲۷."""
    if country == "IR":
        return each(persian_digits, _written(jalali(days), "{0}/{1:02d}/{2:02d}"))
    return _written(gregorian(days), "{1:02d}/{2:02d}/{0}" if country == "US" else "{2:02d}/{1:02d}/{0}")


def compact(days: Days, country: str, dice: Dice) -> Column:
    """As 19800517; in Iran 13590227, some of them in Arabic digits."""
    if country != "IR":
        return _written(gregorian(days), "{0}{1:02d}{2:02d}")
    written = _written(jalali(days), "{0}{1:02d}{2:02d}")
    return choose(dice.chance(0.3), each(arabic_digits, written), written)


def typed(days: Days, country: str, dice: Dice) -> Column:
    """As typed into a form: several orders and separators, some with two digits for the year."""
    if country == "IR":
        return _written(jalali(days), "{0}/{1:02d}/{2:02d}")
    year, month, day = gregorian(days)
    first, second = (month, day) if country == "US" else (day, month)
    style = dice.numbers(0, 4)
    parts = zip(year.tolist(), first.tolist(), second.tolist(), style.tolist(), strict=True)
    forms = ("{1}/{2}/{0}", "{1}-{2}-{0}", "", "{1}/{2}/{3:02d}")
    free = column(forms[s].format(y, a, b, y % 100) for y, a, b, s in parts)
    return choose(style == 2, iso(days), free)


def _written(parts: Parts, form: str) -> Column:
    return column(form.format(*row) for row in zip(*(part.tolist() for part in parts), strict=True))
