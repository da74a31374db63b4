from __future__ import annotations

import numpy as np
import pytest

from mdm.demo.columns import Days, Dice
from mdm.demo.dates import compact, gregorian, iso, jalali, local, typed


def days(*texts: str) -> Days:
    return np.array(texts, "datetime64[D]")


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("1921-03-21", (1300, 1, 1)),  # first day of the table
        ("1979-02-11", (1357, 11, 22)),
        ("1979-03-20", (1357, 12, 29)),  # last day of an ordinary year
        ("1980-03-20", (1358, 12, 30)),  # of a leap year
        ("1980-09-22", (1359, 6, 31)),  # last day of the months of 31 days
        ("1980-09-23", (1359, 7, 1)),
        ("1989-06-03", (1368, 3, 13)),
        ("2000-03-20", (1379, 1, 1)),
        ("2017-03-20", (1395, 12, 30)),  # four years before the next
        ("2021-03-20", (1399, 12, 30)),
        ("2025-03-21", (1404, 1, 1)),
    ],
)
def test_days_of_the_iranian_calendar(day: str, expected: tuple[int, int, int]) -> None:
    assert tuple(part.tolist()[0] for part in jalali(days(day))) == expected


def test_a_jalali_day_follows_the_other() -> None:
    run = np.arange(np.datetime64("1921-03-21"), np.datetime64("2040-01-01"))
    year, month, day = jalali(run)
    order = year * 10_000 + month * 100 + day
    assert (np.diff(order) > 0).all()
    assert day.max() == 31
    assert (month[day == 31] <= 6).all()


def test_gregorian_parts_are_those_of_the_iso_date() -> None:
    run = days("1925-01-01", "1999-12-31", "2000-02-29")
    parts = zip(*(part.tolist() for part in gregorian(run)), strict=True)
    assert [f"{year}-{month:02d}-{day:02d}" for year, month, day in parts] == list(iso(run))


@pytest.mark.parametrize(
    ("country", "in_ledger", "in_old_system"),
    [("US", "05/17/1980", "19800517"), ("VN", "17/05/1980", "19800517"), ("IR", "۱۳۵۹/۰۲/۲۷", "13590227")],
)
def test_the_same_day_in_each_country(country: str, in_ledger: str, in_old_system: str) -> None:
    dice = Dice(np.random.default_rng(4), 1)
    day = days("1980-05-17")
    assert local(day, country)[0] == in_ledger
    assert compact(day, country, dice)[0] == in_old_system


def test_people_type_dates_in_several_ways() -> None:
    dice = Dice(np.random.default_rng(1), 60)
    day = days(*["1980-05-07"] * 60)
    assert set(typed(day, "US", dice)) == {"5/7/1980", "5-7-1980", "1980-05-07", "5/7/80"}
    assert set(typed(day, "VN", dice)) == {"7/5/1980", "7-5-1980", "1980-05-07", "7/5/80"}
