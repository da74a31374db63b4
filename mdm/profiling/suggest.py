"""Profiles -> rules worth having, ready to paste into rules.yaml."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from mdm.profiling.report import FieldProfile, SourceProfile
from mdm.profiling.values import planted_address
from rules.rulebook_write import Entry, entries_text
from rules.set_checks import percent

FULL = 0.9  # a field this full is expected to stay so
UNIQUE = 0.01  # an identifier that repeats less than this is expected to be one
ENOUGH_ROWS = 200
SLACK = 0.02


def suggest_rules(sources: Iterable[SourceProfile]) -> str:
    """The suggestions as the text of a rule book, empty when there are none."""
    entries: dict[str, list[Entry]] = {}
    for source in sources:
        for field in source.fields:
            entries.setdefault(source.entity, []).extend(_of_field(source, field))
    return entries_text({entity: rules for entity, rules in entries.items() if rules}) if any(entries.values()) else ""


def _of_field(source: SourceProfile, field: FieldProfile) -> Iterable[Entry]:
    if field.spikes:
        yield _planted(source, field)
    if source.rows < ENOUGH_ROWS or "." in field.field:
        return
    if field.fill >= FULL:
        least = percent(math.floor(100 * (field.fill - SLACK)) / 100)
        told = f"{percent(round(field.fill, 3))} of the records of {source.source} have it today."
        yield _rule(source, field, "filled", "share", {"of": "not_null", "at_least": least}, told) | {
            "dimension": "completeness"
        }
    repeated = 1 - field.column.distinct / field.column.values if field.column.values else 1.0
    if field.kind == "identifier" and repeated <= UNIQUE:
        told = f"Hardly any two records of {source.source} share one today."
        yield _rule(source, field, "unique", "unique", {"at_most": percent(SLACK)}, told)


def _planted(source: SourceProfile, field: FieldProfile) -> Entry:
    counted = ", ".join(f"{spike.value} {spike.count:,} times" for spike in field.spikes[:3])
    values = {"values": [spike.value for spike in field.spikes]}
    told = f"Typed where a value had to be: {counted}. As planted values they count as unknown and link nobody."
    entry = _rule(source, field, "planted", "not_in_set", values, told)
    return entry | {"field": planted_address(field.field, field.kind), "severity": "error", "action": "null_out"}


def _rule(source: SourceProfile, field: FieldProfile, name: str, check: str, args: Entry, told: str) -> Entry:
    condition = {"field": "record.source", "check": "in_set", "args": {"values": [source.source]}}
    return {
        "id": f"{_slug(source.source)}.{field.field}.{name}",
        "description": told,
        "field": field.field,
        "check": check,
        "args": args,
        "when": [condition],
    }


def _slug(text: str) -> str:
    """The text as it may stand at the beginning of a rule's id."""
    plain = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    return plain if re.match("[a-z]", plain) else f"source_{plain}".rstrip("_")
