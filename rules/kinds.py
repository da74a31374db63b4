"""The registry of kinds: how a group of raw columns becomes clean and compare values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rules import addresses, categories, dates, emails, identifiers, names, organisations, phones, websites
from rules import text as texts
from rules.outcome import Context, Outcome

Standardiser = Callable[[Mapping[str, str], Context, Mapping[str, str]], tuple[Outcome, ...]]


@dataclass(frozen=True, slots=True)
class Kind:
    """What a field of this kind reads (`inputs`), shows (`clean`) and offers to matching (`compare`)."""

    name: str
    inputs: tuple[str, ...]
    clean: tuple[str, ...]
    compare: tuple[str, ...]
    standardise: Standardiser

    @property
    def whole(self) -> str:
        """The input that a bare field name means."""
        return "value" if "value" in self.inputs else "full"


_KINDS = (
    Kind(
        "person_name",
        names.PERSON_NAME_INPUTS,
        names.PERSON_NAME_CLEAN,
        names.PERSON_NAME_COMPARE,
        names.standardise_person_name,
    ),
    Kind(
        "organisation_name",
        organisations.ORGANISATION_NAME_INPUTS,
        organisations.ORGANISATION_NAME_CLEAN,
        organisations.ORGANISATION_NAME_COMPARE,
        organisations.standardise_organisation_name,
    ),
    Kind("phone", phones.PHONE_INPUTS, phones.PHONE_CLEAN, phones.PHONE_COMPARE, phones.standardise_phone),
    Kind("email", emails.EMAIL_INPUTS, emails.EMAIL_CLEAN, emails.EMAIL_COMPARE, emails.standardise_email),
    Kind(
        "website",
        websites.WEBSITE_INPUTS,
        websites.WEBSITE_CLEAN,
        websites.WEBSITE_COMPARE,
        websites.standardise_website,
    ),
    Kind(
        "address",
        addresses.ADDRESS_INPUTS,
        addresses.ADDRESS_CLEAN,
        addresses.ADDRESS_COMPARE,
        addresses.standardise_address,
    ),
    Kind("date", dates.DATE_INPUTS, dates.DATE_CLEAN, dates.DATE_COMPARE, dates.standardise_date),
    Kind(
        "identifier",
        identifiers.IDENTIFIER_INPUTS,
        identifiers.IDENTIFIER_CLEAN,
        identifiers.IDENTIFIER_COMPARE,
        identifiers.standardise_identifier,
    ),
    Kind(
        "category",
        categories.CATEGORY_INPUTS,
        categories.CATEGORY_CLEAN,
        categories.CATEGORY_COMPARE,
        categories.standardise_category,
    ),
    Kind("text", texts.TEXT_INPUTS, texts.TEXT_CLEAN, texts.TEXT_COMPARE, texts.standardise_text),
)
KINDS: Mapping[str, Kind] = {kind.name: kind for kind in _KINDS}
