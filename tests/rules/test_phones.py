from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given

from rules import phones
from rules.outcome import Context, Outcome
from rules.phones import PHONE_CLEAN, PHONE_COMPARE, standardise_phone
from tests.rules.kind_properties import assert_well_formed, contexts, texts


def read(value: str, country: str | None = None) -> tuple[Outcome, ...]:
    return standardise_phone({"value": value}, Context(country), {})


@pytest.mark.parametrize(
    ("value", "country", "e164"),
    [
        ("(312) 555-7842", "US", "+13125557842"),
        ("1-312-555-7842", "US", "+13125557842"),
        ("312/555-7842", "US", "+13125557842"),
        ("011 84 912 345 678", "US", "+84912345678"),
        ("+98 912 345 6789", "US", "+989123456789"),
        ("۰۹۱۲۳۴۵۶۷۸۹", "IR", "+989123456789"),
        ("٠٩١٢٣٤٥٦٧٨٩", "IR", "+989123456789"),
        ("9123456789", "IR", "+989123456789"),
        ("00989123456789", "IR", "+989123456789"),
        ("021-2212 3456", "IR", "+982122123456"),
        ("0912 345 678", "VN", "+84912345678"),
        ("912345678", "VN", "+84912345678"),
        ("84912345678", "VN", "+84912345678"),
        ("(+84) 912345678", "VN", "+84912345678"),
        ("020 7946 1234", "GB", "+442079461234"),
        ("0412 345 678", "AU", "+61412345678"),
        ("8 (912) 345-67-89", "RU", "+79123456789"),
        ("Tel: 030 12345678", "DE", "+493012345678"),
    ],
)
def test_a_valid_number_becomes_e164_however_it_is_written(value: str, country: str, e164: str) -> None:
    (outcome,) = read(value, country)
    assert outcome.clean["value"] == e164
    assert outcome.compare == {"number": (e164[1:],), "national": (e164[-7:],)}
    assert outcome.issues == ()


@pytest.mark.parametrize(
    ("old", "now"),
    [
        ("01212345678", "+84792345678"),
        ("0163.234.5678", "+84332345678"),
        ("+84 127 234 5678", "+84812345678"),
        ("0186 234 5678", "+84562345678"),
        ("0199 234 5678", "+84592345678"),
        ("1632345678", "+84332345678"),
    ],
)
def test_a_vietnamese_number_from_before_2018_becomes_the_one_of_today(old: str, now: str) -> None:
    (outcome,) = read(old, "VN")
    assert (outcome.clean["value"], outcome.issues) == (now, ())


@pytest.mark.parametrize(
    ("value", "now"),
    [
        ("04 3822 1234", "+842438221234"),
        ("+84 4 3822 1234", "+842438221234"),
        ("0511 3822123", "+842363822123"),
        ("(0650) 3822 123", "+842743822123"),
        # 083 is a mobile prefix of today: nothing tells that an old number of Ho Chi Minh City was meant.
        ("08 3822 1234", "+84838221234"),
    ],
)
def test_a_vietnamese_landline_from_before_2017_gets_its_area_code_of_today(value: str, now: str) -> None:
    assert read(value, "VN")[0].clean["value"] == now


@pytest.mark.parametrize(
    ("value", "country", "e164"),
    [
        ("(+39) 212345678", "IT", "+390212345678"),
        ("4915123456789", "DE", "+4915123456789"),
        ("3125557842.0", "US", "+13125557842"),
        ("3.125557842E9", "US", "+13125557842"),
        ("1-800-FLOWERS", "US", "+18003569377"),
        ("'0912345678", "VN", "+84912345678"),
    ],
)
def test_what_was_lost_on_the_way_is_restored_where_only_one_number_fits(value: str, country: str, e164: str) -> None:
    (outcome,) = read(value, country)
    assert (outcome.clean["value"], outcome.issues) == (e164, ())


def test_a_number_that_a_spreadsheet_cut_is_unreadable() -> None:
    assert read("8.4912E+10", "VN") == (Outcome(issues=("phone.unreadable",)),)


@pytest.mark.parametrize(
    ("value", "country", "numbers"),
    [
        ("0912345678/79", "VN", ["+84912345678", "+84912345679"]),
        ("0912345678 / 79 / 80", "VN", ["+84912345678", "+84912345679", "+84912345680"]),
        ("021-22123456/7", "IR", ["+982122123456", "+982122123457"]),
        ("(312) 555-7842/12", "US", ["+13125557842"]),
    ],
)
def test_other_ends_of_a_number_are_numbers_outside_north_america(value: str, country: str, numbers: list[str]) -> None:
    assert [outcome.clean["value"] for outcome in read(value, country)] == numbers


def test_planted_digits_that_are_a_number_somewhere_are_shown_and_not_compared() -> None:
    (outcome,) = read("01 23 45 67 89 ext. 12", "FR")
    assert (outcome.clean, outcome.compare) == ({"value": "+33123456789", "extension": "12"}, {})
    assert outcome.issues == ("phone.placeholder",)


@pytest.mark.parametrize(
    ("value", "e164"),
    [("312-555-7842", "+13125557842"), ("09123456789", "+989123456789"), ("0912345678", "+84912345678")],
)
def test_without_a_country_the_shape_tells_and_is_flagged(value: str, e164: str) -> None:
    (outcome,) = read(value)
    assert (outcome.clean["value"], outcome.issues) == (e164, ("phone.region_guessed",))


def test_without_a_country_an_international_number_needs_no_guess() -> None:
    assert read("+1 312 555 7842")[0].issues == ()


@pytest.mark.parametrize(
    "value", ["0000000000", "1111111111", "1234567890", "9999999999", "212-000-0000", "+1 5555555555"]
)
def test_planted_digits_are_not_compared(value: str) -> None:
    (outcome,) = read(value, "US")
    assert outcome.compare == {}
    assert outcome.issues == ("phone.placeholder",)


@pytest.mark.parametrize("value", ["n/a", "12", "không có", "نامشخص", "+"])
def test_what_is_no_number_is_unreadable(value: str) -> None:
    assert read(value, "VN") == (Outcome(issues=("phone.unreadable",)),)


@pytest.mark.parametrize(
    ("value", "number"),
    [("425-287-44469", "142528744469"), ("+1 059 513 3298", "10595133298"), ("0912 345", "0912345")],
)
def test_an_invalid_number_is_still_evidence(value: str, number: str) -> None:
    (outcome,) = read(value, "US")
    assert outcome.compare["number"] == (number,)
    assert outcome.issues == ("phone.invalid",)


@pytest.mark.parametrize(("value", "country"), [("(312) 555-0142", "US"), ("07700 900123", "GB")])
def test_fictional_numbers_are_flagged_and_compared(value: str, country: str) -> None:
    (outcome,) = read(value, country)
    assert "phone.reserved" in outcome.issues
    assert outcome.compare


@pytest.mark.parametrize("value", ["312-555-7842 ext. 12", "312-555-7842x12", "(312) 555-7842 #12"])
def test_an_extension_is_split_off(value: str) -> None:
    assert read(value, "US")[0].clean == {"value": "+13125557842", "extension": "12"}


@pytest.mark.parametrize(
    "value",
    [
        "0912345678; 0913345678",
        "0912 345 678 / 0913 345 678",
        "0912345678, 0913345678",
        "0912345678 hoặc 0913345678",
        "0912345678\n0913345678",
        "0912345678 - 0913345678",
    ],
)
def test_several_numbers_in_one_cell_are_several_outcomes(value: str) -> None:
    assert [outcome.clean["value"] for outcome in read(value, "VN")] == ["+84912345678", "+84913345678"]


def test_a_number_written_twice_counts_once() -> None:
    assert len(read("0912345678 / +84912345678", "VN")) == 1


def test_the_short_cut_agrees_with_libphonenumber() -> None:
    compared = 0
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in phonenumbers.PhoneNumberType.values():
            example = phonenumbers.example_number_for_type(region, kind)
            if example is None:
                continue
            for form in (phonenumbers.PhoneNumberFormat.E164, phonenumbers.PhoneNumberFormat.NATIONAL):
                text = phonenumbers.format_number(example, form)
                fast = phones._read_fast(text, "".join(filter(str.isdigit, text)), region)
                if fast is not None:
                    compared += 1
                    assert (fast, True) == phones._read_slowly(text, region), (region, text)
    assert compared > 1500


@given(texts, contexts)
def test_any_text_gives_well_formed_outcomes(text: str, context: Context) -> None:
    assert_well_formed(standardise_phone({"value": text}, context, {}), PHONE_CLEAN, PHONE_COMPARE)


@given(texts, contexts)
def test_a_clean_number_standardises_to_itself(text: str, context: Context) -> None:
    for outcome in standardise_phone({"value": text}, context, {}):
        if "value" in outcome.clean:
            (again,) = standardise_phone({"value": outcome.clean["value"]}, context, {})
            assert again.clean["value"] == outcome.clean["value"]
            assert again.compare == outcome.compare
