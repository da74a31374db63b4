"""Standardise: one row of a source -> the claims it makes about its entity."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from mdm.engine.policy import EntityType
from mdm.project_file import SourceSpec
from rules.countries import country_code
from rules.dates import standardise_date
from rules.kinds import KINDS
from rules.outcome import Context, Outcome

# Distinct values repeat within a chunk (cities, dates, countries); names and streets do not, so more would not help.
CACHED_VALUES = 1 << 15


def standardise(
    row: Mapping[str, str], source: SourceSpec, entity: EntityType, context: Context
) -> dict[str, list[dict[str, Any]]]:
    """Field -> claims, each {clean, compare, issues, trust}; a field that the row says nothing about is left out."""
    claims: dict[str, list[dict[str, Any]]] = {}
    for mapping in source.fields[entity.name]:
        policy = entity.fields[mapping.field]
        options = tuple(sorted(policy.options.items()))
        for slot in mapping.slots:
            raw = tuple([(part, row[column]) for part, column in slot.items() if row.get(column) is not None])
            if not raw:
                continue
            for outcome in _standardised(policy.kind, raw, context, options):
                claims.setdefault(mapping.field, []).append(
                    {
                        "clean": dict(outcome.clean),
                        "compare": dict(outcome.compare),
                        "issues": list(outcome.issues),
                        "trust": source.trust.of(mapping.field),
                    }
                )
    return claims


def read_context(row: Mapping[str, str], source: SourceSpec) -> Context:
    """The country, date order and own date by which the row's values are read."""
    said = row.get(source.country.column) if source.country.column else None
    country = (_country(said) if said else None) or source.country.default
    return Context(country, source.dates.order(country), read_updated_at(row, source))


def read_updated_at(row: Mapping[str, str], source: SourceSpec) -> str | None:
    """When the row was last changed, as ISO text that sorts by time; None when the source does not say."""
    raw = row.get(source.updated_at) if source.updated_at else None
    return None if raw is None else _moment(raw.strip())


@lru_cache(maxsize=CACHED_VALUES)
def _moment(raw: str) -> str | None:
    """ISO dates and times stay as written but for the T; other dates are read as dates."""
    if len(raw) >= 10 and raw[4] == raw[7] == "-" and raw[:4].isdigit():
        return raw.replace(" ", "T", 1)
    outcomes = standardise_date({"value": raw}, Context(), {})
    return outcomes[0].clean.get("value") if outcomes else None


@lru_cache(maxsize=1024)
def _country(raw: str) -> str | None:
    return country_code(raw)


@lru_cache(maxsize=CACHED_VALUES)
def _standardised(
    kind: str, raw: tuple[tuple[str, str], ...], context: Context, options: tuple[tuple[str, str], ...]
) -> tuple[Outcome, ...]:
    return KINDS[kind].standardise(dict(raw), context, dict(options))
