from __future__ import annotations

import pytest
from hypothesis import given

from rules.outcome import Context, Outcome
from rules.websites import WEBSITE_CLEAN, WEBSITE_COMPARE, standardise_website
from tests.rules.kind_properties import assert_well_formed, contexts, texts


def read(value: str) -> tuple[Outcome, ...]:
    return standardise_website({"value": value}, Context(), {})


@pytest.mark.parametrize(
    ("value", "host"),
    [
        ("https://www.Acme-Tools.com/contact?x=1#top", "acme-tools.com"),
        ("www.acme.com.vn", "acme.com.vn"),
        ("acme.ir", "acme.ir"),
        ("HTTP://ACME.CO.UK:8080/", "acme.co.uk"),
        ("//acme.com", "acme.com"),
        ("http//www.acme.com", "acme.com"),
        ("www2.acme.com", "acme.com"),
        ("https://user@acme.com/", "acme.com"),
        ("shop.acme.com.", "shop.acme.com"),
        ("https://münchen.de/", "xn--mnchen-3ya.de"),
    ],
)
def test_a_website_is_its_host(value: str, host: str) -> None:
    assert read(value) == (Outcome({"value": host}, {"domain": (host,)}),)


def test_text_that_is_no_host_is_invalid_and_still_evidence() -> None:
    assert read("Acme Tools") == (Outcome({}, {"domain": ("acmetools",)}, ("website.invalid",)),)


@pytest.mark.parametrize("value", ["n/a", "none", "http://", "https://www."])
def test_planted_websites_are_not_compared(value: str) -> None:
    assert read(value) == (Outcome({}, {}, ("website.placeholder",)),)


@given(texts, contexts)
def test_any_text_gives_well_formed_outcomes(text: str, context: Context) -> None:
    assert_well_formed(standardise_website({"value": text}, context, {}), WEBSITE_CLEAN, WEBSITE_COMPARE)


@given(texts, contexts)
def test_a_clean_host_standardises_to_itself(text: str, context: Context) -> None:
    for outcome in standardise_website({"value": f"http://{text}.com"}, context, {}):
        if outcome.clean:
            assert standardise_website({"value": outcome.clean["value"]}, context, {}) == (outcome,)
