from __future__ import annotations

import pytest
from hypothesis import given

from rules.emails import EMAIL_CLEAN, EMAIL_COMPARE, standardise_email
from rules.outcome import Context, Outcome
from tests.rules.kind_properties import assert_well_formed, contexts, texts


def read(value: str) -> tuple[Outcome, ...]:
    return standardise_email({"value": value}, Context(), {})


@pytest.mark.parametrize(
    ("value", "clean", "address"),
    [
        ("Jane.Doe@Example-Shop.com", "jane.doe@example-shop.com", "jane.doe@example-shop.com"),
        ("Jane.Doe+news@GMail.com", "jane.doe+news@gmail.com", "janedoe@gmail.com"),
        ("janedoe@googlemail.com", "janedoe@googlemail.com", "janedoe@gmail.com"),
        ("jane.doe+x@outlook.com", "jane.doe+x@outlook.com", "jane.doe@outlook.com"),
        ("jane+x@unknown-host.org", "jane+x@unknown-host.org", "jane+x@unknown-host.org"),
        ("Jane Doe <jane@work.org>", "jane@work.org", "jane@work.org"),
        ("mailto:jane@work.org", "jane@work.org", "jane@work.org"),
        (" jane@work.org. ", "jane@work.org", "jane@work.org"),
        ("jane @ work.org", "jane@work.org", "jane@work.org"),
        ("o'hara@work.org", "o'hara@work.org", "o'hara@work.org"),
        ("jane@müller.de", "jane@müller.de", "jane@xn--mller-kva.de"),
    ],
)
def test_an_address_has_a_normal_form_and_a_key_that_knows_its_provider(value: str, clean: str, address: str) -> None:
    (outcome,) = read(value)
    assert (outcome.clean["value"], outcome.compare["address"], outcome.issues) == (clean, (address,), ())


def test_local_part_and_domain_compare_apart() -> None:
    (outcome,) = read("Jane.Doe+news@googlemail.com")
    assert outcome.compare == {"address": ("janedoe@gmail.com",), "local": ("janedoe",), "domain": ("gmail.com",)}


@pytest.mark.parametrize(
    "value",
    ["test@gmail.com", "none@none.com", "no-email@shop.com", "a@a.a", "a@a.com", "abc@abc.com", "N/A", "none", "-"],
)
def test_planted_addresses_are_not_compared(value: str) -> None:
    (outcome,) = read(value)
    assert (dict(outcome.compare), outcome.issues) == ({}, ("email.placeholder",))


@pytest.mark.parametrize(
    ("value", "issue"),
    [
        ("info@work.org", "email.role"),
        ("sales@work.org", "email.role"),
        ("jane@mailinator.com", "email.disposable"),
        ("jane@example.com", "email.reserved"),
    ],
)
def test_addresses_of_nobody_in_particular_are_flagged_and_compared(value: str, issue: str) -> None:
    (outcome,) = read(value)
    assert outcome.issues == (issue,)
    assert outcome.compare["address"] == (value,)


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("jane.doe", "jane.doe"),
        ("Jane Doe@work", "janedoe@work"),
        ("jane@work@org", "jane@work@org"),
        ("jane@", "jane"),
    ],
)
def test_an_invalid_address_is_still_evidence(value: str, address: str) -> None:
    (outcome,) = read(value)
    assert outcome.clean == {}
    assert (outcome.compare["address"], outcome.issues) == ((address,), ("email.invalid",))


def test_several_addresses_in_one_cell_are_several_outcomes() -> None:
    assert [outcome.clean["value"] for outcome in read("a.b@x.org; c.d@y.org")] == ["a.b@x.org", "c.d@y.org"]


@given(texts, contexts)
def test_any_text_gives_well_formed_outcomes(text: str, context: Context) -> None:
    assert_well_formed(standardise_email({"value": text}, context, {}), EMAIL_CLEAN, EMAIL_COMPARE)


@given(texts, contexts)
def test_a_clean_address_standardises_to_itself(text: str, context: Context) -> None:
    for outcome in standardise_email({"value": f"{text}@work.org"}, context, {}):
        if "value" in outcome.clean:
            (again,) = standardise_email({"value": outcome.clean["value"]}, context, {})
            assert (again.clean, again.compare) == (outcome.clean, outcome.compare)
            assert set(again.issues) == set(outcome.issues) - {"email.corrected"}


@pytest.mark.parametrize(
    "value", ["jane(at)work.org", "jane [at] work [dot] org", "jane@@work.org", "jane@work,org", "jane@work..org"]
)
def test_what_can_only_mean_one_address_is_repaired(value: str) -> None:
    (outcome,) = read(value)
    assert (outcome.clean, outcome.issues) == ({"value": "jane@work.org"}, ("email.corrected",))


@pytest.mark.parametrize("value", ["jane@gmial.com", "jane@gmail.con", "jane@gmail.co"])
def test_a_slip_in_a_providers_domain_is_shown_and_does_not_part_two_writings(value: str) -> None:
    (outcome,) = read(value)
    assert (outcome.clean["value"], outcome.issues) == (value, ("email.domain_slip",))
    assert outcome.compare["address"] == ("jane@gmail.com",)


@pytest.mark.parametrize("value", ["không có", "khong co", "ندارد", "n/a", "declined"])
def test_words_for_nothing_are_no_address_in_any_language(value: str) -> None:
    assert read(value) == (Outcome(issues=("email.placeholder",)),)
