from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.identifiers import (
    IDENTIFIER_CLEAN,
    IDENTIFIER_COMPARE,
    IDENTIFIER_INPUTS,
    is_valid_legal_id,
    is_valid_melli_code,
    standardise_identifier,
)
from rules.outcome import Context, Outcome
from tests.rules.kind_properties import assert_well_formed, contexts, texts


def read(value: str, kind: str, country: str | None = None) -> Outcome:
    (outcome,) = standardise_identifier({"value": value}, Context(country), {"type": kind})
    return outcome


@pytest.mark.parametrize(
    ("value", "kind", "country", "clean"),
    [
        ("536-90-4399", "ssn", "US", "536904399"), ("536904399", "national_id", "US", "536904399"),
        ("41-6904399", "ein", "US", "416904399"), ("12345674", "national_id", "US", "012345674"),
        ("42103594", "ein", "US", "042103594"), ("کد ملی: 0084575948", "national_id", "IR", "0084575948"),
        ("Mã số thuế: 0100233488", "tax_id", "VN", "0100233488"),
        ("۰۰۸۴۵۷۵۹۴۸", "national_id", "IR", "0084575948"), ("84575948", "national_id", "IR", "0084575948"),
        ("10380284790", "tax_id", "IR", "10380284790"),
        ("001083461927", "national_id", "VN", "001083461927"), ("1083461927", "national_id", "VN", "001083461927"),
        ("22063533489", "national_id", "VN", "022063533489"), ("024567891", "national_id", "VN", "024567891"),
        ("0100233488", "tax_id", "VN", "0100233488"), ("0100233488-001", "tax_id", "VN", "0100233488001"),
        ("100233488", "tax_id", "VN", "0100233488"),
        ("gb82 west 1234 5698 7654 32", "iban", None, "GB82WEST12345698765432"),
        ("213800KUD8LAJWSQ9D15", "lei", None, "213800KUD8LAJWSQ9D15"),
        ("136695976", "tax_id", "DE", "136695976"), ("x-123 456", "passport", "US", "X123456"),
    ],
)  # fmt: skip
def test_a_valid_identifier_has_one_writing(value: str, kind: str, country: str | None, clean: str) -> None:
    assert read(value, kind, country) == Outcome({"value": clean}, {"value": (clean,), "tail": (clean[-4:],)})


@pytest.mark.parametrize(
    ("value", "country", "bare"),
    [
        ("DE 136 695 976", "DE", "136695976"), ("136695976", "DE", "136695976"), ("GB 980 7806 84", "GB", "980780684"),
        ("ATU12345675", "AT", "U12345675"),
    ],
)  # fmt: skip
def test_a_vat_number_compares_alike_with_its_country_and_without(value: str, country: str, bare: str) -> None:
    assert read(value, "vat", country).compare["value"] == (bare,)


@pytest.mark.parametrize(
    ("value", "kind", "country", "issue", "compare"),
    [
        ("1.08901E+11", "cccd", "VN", "id.truncated", {}),
        ("O1OO233488", "mst", "VN", "id.corrected", {"value": ("0100233488",), "tail": ("3488",)}),
        ("078-05-1120", "ssn", "US", "id.reserved", {"value": ("078051120",), "tail": ("1120",)}),
    ],
)
def test_what_machines_and_eyes_did_to_a_number_is_flagged(
    value: str, kind: str, country: str, issue: str, compare: dict[str, tuple[str, ...]]
) -> None:
    outcome = read(value, kind, country)
    assert (outcome.issues, outcome.compare) == ((issue,), compare)


def test_a_number_that_a_spreadsheet_gave_a_decimal_is_whole_again() -> None:
    assert read("1083461927.0", "national_id", "VN").clean == {"value": "001083461927"}


@pytest.mark.parametrize(
    ("value", "kind", "country"),
    [
        ("0084575949", "national_id", "IR"), ("8457594", "national_id", "IR"), ("10380284791", "tax_id", "IR"),
        ("000-12-3457", "ssn", "US"), ("0100233489", "tax_id", "VN"), ("99983461927", "national_id", "VN"),
        ("213800KUD8LAJWSQ9D16", "lei", None), ("3241", "ssn", "US"),
        ("536-22-872", "ssn", "US"),
    ],
)  # fmt: skip
def test_an_invalid_identifier_is_still_evidence(value: str, kind: str, country: str | None) -> None:
    outcome = read(value, kind, country)
    assert outcome.issues == ("id.invalid",)
    assert outcome.compare["value"] == (value.replace("-", ""),)


@pytest.mark.parametrize(
    "value",
    [
        "000000000",
        "111-11-1111",
        "999-99-9999",
        "123456789",
        "123-45-6789",
        "012345678",
        "0123456789",
        "987654321",
        "n/a",
        "unknown",
        "---",
    ],
)
def test_planted_identifiers_are_not_compared(value: str) -> None:
    assert read(value, "ssn", "US") == Outcome({}, {}, ("id.placeholder",))


@pytest.mark.parametrize("value", ["XXX-XX-4399", "***-**-4399", "xxxxx4399", "••••4399"])
def test_a_masked_identifier_compares_by_its_tail(value: str) -> None:
    assert read(value, "ssn", "US") == Outcome({}, {"tail": ("4399",)}, ("id.masked",))
    assert read(value, "ssn", "US").compare["tail"] == read("536-90-4399", "ssn", "US").compare["tail"]


def test_a_fully_masked_identifier_says_nothing() -> None:
    assert read("****", "ssn", "US") == Outcome({}, {}, ("id.masked",))


def test_country_and_type_of_the_record_go_first() -> None:
    raw = {"value": "84575948", "country": "Iran", "type": "national_id"}
    (outcome,) = standardise_identifier(raw, Context("US"), {"type": "passport"})
    assert outcome.clean["value"] == "0084575948"


def test_what_nobody_can_check_passes() -> None:
    assert read("AB-12", "other", "US").issues == ()


@given(st.integers(0, 999_999_999))
def test_exactly_one_check_digit_completes_a_melli_code(stem: int) -> None:
    assert sum(is_valid_melli_code(f"{stem:09}{digit}") for digit in range(10)) == 1


@given(st.integers(0, 9_999_999_999))
def test_exactly_one_check_digit_completes_a_legal_id(stem: int) -> None:
    assert sum(is_valid_legal_id(f"{stem:010}{digit}") for digit in range(10)) == 1


identifier_types = st.sampled_from(["national_id", "tax_id", "registration_id", "lei", "iban", "passport", "other"])


@given(st.dictionaries(st.sampled_from(IDENTIFIER_INPUTS), texts, min_size=1), contexts, identifier_types)
def test_any_text_gives_well_formed_outcomes(raw: dict[str, str], context: Context, kind: str) -> None:
    assert_well_formed(standardise_identifier(raw, context, {"type": kind}), IDENTIFIER_CLEAN, IDENTIFIER_COMPARE)


@given(texts, contexts, identifier_types)
def test_a_clean_identifier_standardises_to_itself(text: str, context: Context, kind: str) -> None:
    for outcome in standardise_identifier({"value": text}, context, {"type": kind}):
        if "value" in outcome.clean:
            raw = {"value": outcome.clean["value"]}
            (again,) = standardise_identifier(raw, context, {"type": kind})
            assert (again.clean, again.compare) == (outcome.clean, outcome.compare)
            assert set(again.issues) == set(outcome.issues) - {"id.corrected"}
