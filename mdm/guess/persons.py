"""Columns of a source -> whether its rows are people or organisations, when no column says so."""

from __future__ import annotations

from collections.abc import Sequence

from mdm.guess.columns import Part
from mdm.guess.content import plain, signs, words_of

PERSON, ORGANISATION = "person", "organisation"
BUSINESS_WORDS = 0.15  # share of names with a word such as Ltd, Bank, Cafe from which they are organisations
OWN_TO_PEOPLE = ("name.given", "name.family", "name.middle", "birth_date.value", "birth_date.year", "gender")
OWN_TO_ORGANISATIONS = ("lei", "registration_id", "founded", "industry")


def guess_type(parts: Sequence[Part], row_count: int) -> tuple[str, str]:
    """The entity type of a source, and the sign it rests on."""
    filled = {part.role.name: part.column.filled for part in reversed(parts)}
    people = max(filled.get(role, 0) for role in OWN_TO_PEOPLE)
    organisations = filled.get("organisation_name", 0)
    if people >= 0.3 * row_count and people >= organisations and people:
        return PERSON, "columns only people have are filled"
    if organisations > filled.get("name.full", 0):
        return ORGANISATION, "the name is that of an organisation"
    names = next((part for part in parts if part.role.name == "name.full"), None)
    if names is not None and _business_share(names) >= BUSINESS_WORDS and not people:
        return ORGANISATION, f"{names.column.name} holds words such as Ltd, Bank or Cafe"
    if not people and any(filled.get(role) for role in OWN_TO_ORGANISATIONS):
        return ORGANISATION, "columns only organisations have are filled"
    return PERSON, "nothing speaks of organisations"


def _business_share(part: Part) -> float:
    """Share of the names that hold a word of business and no common given name."""
    words = [set(words_of(plain(value))) for value in part.column.values]
    business, given = signs()["organisation_words"], signs()["given_names"]
    return sum(bool(w & business) and not w & given for w in words) / max(1, len(words))
