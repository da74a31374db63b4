from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from persiantools.jdatetime import JalaliDate

from rules.dates import DATE_CLEAN, DATE_COMPARE, DATE_INPUTS, standardise_date
from rules.outcome import Context, Outcome
from tests.rules.kind_properties import assert_well_formed, contexts, texts

BIRTH = {"type": "birth"}


def read(value: str, country: str | None = None, order: str = "auto", reference: str | None = None) -> Outcome:
    (outcome,) = standardise_date({"value": value}, Context(country, order, reference), BIRTH)
    return outcome


@pytest.mark.parametrize(
    ("value", "country", "iso"),
    [
        ("1980-05-12", None, "1980-05-12"), ("1980-05-12T00:00:00", None, "1980-05-12"),
        ("1980-05-12 10:30", None, "1980-05-12"),
        ("19800512", None, "1980-05-12"), ("1980/5/12", None, "1980-05-12"), ("1980.05.12", "DE", "1980-05-12"),
        ("80/05/12", "CN", "1980-05-12"),
        ("13/05/1980", "US", "1980-05-13"), ("05/13/1980", "VN", "1980-05-13"), ("13/05/1980", None, "1980-05-13"),
        ("05/05/1980", None, "1980-05-05"),
        ("12 May 1980", None, "1980-05-12"), ("May 12th, 1980", None, "1980-05-12"), ("12-May-80", None, "1980-05-12"),
        ("12. Mai 1980", "DE", "1980-05-12"), ("ngày 12 tháng 5 năm 1980", "VN", "1980-05-12"),
        ("۱۳۵۹/۰۲/۲۲", "IR", "1980-05-12"), ("١٣٥٩٠٢٢٢", "IR", "1980-05-12"), ("13590222", None, "1980-05-12"),
        ("22/02/1359", "IR", "1980-05-12"), ("59/02/22", "IR", "1980-05-12"), ("۲۲ اردیبهشت ۱۳۵۹", "IR", "1980-05-12"),
        ("5 tháng 5, 1980", "VN", "1980-05-05"), ("2523-05-12", "TH", "1980-05-12"),
        ("1980年5月12日", "CN", "1980-05-12"), ("1980년 5월 12일", "KR", "1980-05-12"),
        ("昭和55年5月12日", "JP", "1980-05-12"), ("平成2年1月3日", "JP", "1990-01-03"),
        ("1364/02/31", "IR", "1985-05-21"), ("1399-12-30", "IR", "2021-03-20"),
    ],
)  # fmt: skip
def test_a_date_is_read_in_the_writing_of_its_country(value: str, country: str | None, iso: str) -> None:
    outcome = read(value, country)
    days = date.fromisoformat(iso).toordinal() - date(1970, 1, 1).toordinal()
    digits = iso.replace("-", "")
    assert outcome.clean == {"value": iso}
    assert outcome.compare == {
        "days": (str(days),), "digits": (digits,), "year": (digits[:4],), "month_day": (digits[4:],),
    }  # fmt: skip
    assert outcome.issues == ()


@pytest.mark.parametrize(
    ("value", "country"),
    [
        ("05/12/1980", "US"), ("12/05/1980", "VN"), ("12.5.1980", "DE"), ("05121980", "US"), ("12051980", "VN"),
        ("5121980", "US"), ("5/12/80", "US"), ("12-5-80", "VN"), ("12-051980", "VN"),
    ],
)  # fmt: skip
def test_the_order_usual_in_a_country_is_shown_and_the_other_reading_kept(value: str, country: str) -> None:
    outcome = read(value, country)
    assert outcome.clean == {"value": "1980-05-12"}
    assert outcome.compare["digits"] == ("19800512", "19801205")
    assert outcome.compare["month_day"] == ("0512", "1205")
    assert outcome.issues == ("date.ambiguous",)


def test_a_stated_order_goes_before_the_country() -> None:
    assert read("05/12/1980", "VN", order="mdy").clean["value"] == "1980-05-12"
    assert read("05/12/1980", "VN", order="mdy").compare["digits"] == ("19800512",)
    assert read("05/12/1980", "US", order="dmy").clean["value"] == "1980-12-05"


def test_an_ambiguous_date_keeps_both_readings_and_shows_what_is_certain() -> None:
    outcome = read("05/12/1980")
    assert outcome.clean == {"value": "1980"}
    assert set(outcome.compare["digits"]) == {"19800512", "19801205"}
    assert len(outcome.compare["days"]) == len(outcome.compare["month_day"]) == 2
    assert outcome.issues == ("date.ambiguous",)


@pytest.mark.parametrize(
    ("value", "clean", "year"),
    [
        ("1980", "1980", "1980"), ("1980-05", "1980-05", "1980"), ("05/1980", "1980-05", "1980"),
        ("May 1980", "1980-05", "1980"), ("1980-05-00", "1980-05", "1980"), ("19800000", "1980", "1980"),
        ("1359", "1980", "1980"), ("1359/11", "1981", "1981"),
    ],
)  # fmt: skip
def test_a_partial_date_compares_by_year_alone(value: str, clean: str, year: str) -> None:
    assert read(value) == Outcome({"value": clean}, {"year": (year,)})


@pytest.mark.parametrize(
    ("value", "country", "compare"),
    [
        ("02/30/1980", "US", {"digits": ("19800230",), "year": ("1980",)}),
        ("2/30/1980", "US", {"digits": ("19800230",), "year": ("1980",)}),
        ("19801345", None, {"digits": ("19801345",), "year": ("1980",)}),
        ("05/11/18951", "US", {}),
        ("197330106", None, {}),
        ("1400-12-30", "IR", {"digits": ("14001230",)}),
        ("5/7/2993", "US", {"digits": ("29930507",)}),
    ],
)
def test_a_date_no_calendar_has_keeps_its_digits(
    value: str, country: str | None, compare: dict[str, tuple[str, ...]]
) -> None:
    assert read(value, country) == Outcome({}, compare, ("date.impossible",))


@pytest.mark.parametrize(
    "value", ["1900-01-01", "01/01/1900", "11/11/1111", "9999-12-31", "0000-00-00", "0001-01-01", "n/a", "-"]
)
def test_planted_dates_are_not_compared(value: str) -> None:
    assert read(value, "US") == Outcome({}, {}, ("date.placeholder",))


def test_the_first_day_of_unix_is_flagged_and_compared() -> None:
    outcome = read("1970-01-01")
    assert (outcome.compare["days"], outcome.issues) == (("0",), ("date.epoch",))


def test_text_keeps_its_one_plausible_year() -> None:
    assert read("05/z1/1949") == Outcome({}, {"year": ("1949",)}, ("date.unreadable",))
    assert read("soon") == Outcome({}, {}, ("date.unreadable",))


def test_the_future_begins_after_the_date_of_the_record() -> None:
    assert read("2024-03-02", reference="2024-03-01").issues == ("date.future",)
    assert read("2024-03-01", reference="2024-03-01").issues == ()
    assert read("2150-01-01").issues == ()


@pytest.mark.parametrize(
    ("value", "reference", "options", "year"),
    [
        ("1/2/30", "2024-01-01", BIRTH, "1930"), ("1/2/24", "2024-06-01", BIRTH, "2024"),
        ("1/2/25", "2024-06-01", BIRTH, "1925"),
        ("1/2/26", None, BIRTH, "1926"), ("1/2/30", None, {}, "2030"), ("1/2/31", None, {}, "1931"),
    ],
)  # fmt: skip
def test_two_digit_years_end_with_the_record(value: str, reference: str, options: dict[str, str], year: str) -> None:
    (outcome,) = standardise_date({"value": value}, Context("US", "auto", reference), options)
    assert outcome.compare["year"] == (year,)


def test_split_parts_make_one_date() -> None:
    context = Context("US")
    assert standardise_date({"year": "1980", "month": "5", "day": "12"}, context, BIRTH) == (read("1980-05-12"),)
    assert standardise_date({"year": "1980"}, context, BIRTH) == (read("1980"),)


@given(st.dates(date(1925, 4, 1), date(2023, 1, 1)))
def test_a_day_reads_alike_in_both_calendars(day: date) -> None:
    jalali = JalaliDate(day)  # type: ignore[no-untyped-call]
    assert read(f"{jalali.year}/{jalali.month}/{jalali.day}", "IR") == read(day.isoformat())


@given(st.dates(date(1925, 4, 1), date(2023, 1, 1)))
def test_neighbouring_days_differ_by_one(day: date) -> None:
    first, second = (int(read(d.isoformat()).compare.get("days", ("0",))[0]) for d in (day, day + timedelta(days=1)))
    assert second - first == 1 or date(1970, 1, 1) in (day, day + timedelta(days=1))


@given(st.dictionaries(st.sampled_from(DATE_INPUTS), texts, min_size=1), contexts)
def test_any_text_gives_well_formed_outcomes(raw: dict[str, str], context: Context) -> None:
    assert_well_formed(standardise_date(raw, context, BIRTH), DATE_CLEAN, DATE_COMPARE)


@given(st.text(alphabet="0123456789/-. ", min_size=4, max_size=10), contexts)
def test_a_clean_date_standardises_to_itself(text: str, context: Context) -> None:
    for outcome in standardise_date({"value": text}, context, {}):
        if "value" in outcome.clean:
            (again,) = standardise_date({"value": outcome.clean["value"]}, context, {})
            assert again.clean == outcome.clean


@pytest.mark.parametrize(
    ("value", "iso"), [("29353", "1980-05-12"), ("29353.0", "1980-05-12"), ("14246", "1939-01-01")]
)
def test_a_day_number_of_a_spreadsheet_is_read_and_flagged(value: str, iso: str) -> None:
    outcome = read(value, "US")
    assert (outcome.clean, outcome.issues) == ({"value": iso}, ("date.serial",))


@pytest.mark.parametrize("value", ["99998", "60000", "47000"])
def test_a_day_number_in_the_future_is_no_birth_date(value: str) -> None:
    outcome = read(value, "US")
    assert (outcome.clean, outcome.issues) == ({}, ("date.impossible",))


def test_five_digits_that_may_be_a_day_without_its_zero_are_that_day() -> None:
    assert read("50580", "VN").clean == {"value": "1980-05-05"}


def test_a_buddhist_year_counts_in_thailand_only() -> None:
    assert read("2523-05-12", "US").issues == ("date.impossible",)


def test_a_year_of_an_era_alone_is_a_partial_date() -> None:
    assert read("昭和55年", "JP").clean == {"value": "1980"}
