"""A data contract by the Open Data Contract Standard 3 -> entries of a rule book, and what could not be carried over.

Our own custom entries and customProperties come back as they were. Of other contracts the library metrics are read;
free text, SQL and other tools' checks are left out with the reason, and so are limits in rows other than 0.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from rules.contract import DIMENSIONS, ENGINE
from rules.patterns import PatternError, translate
from rules.rulebook import RuleBookError
from rules.rulebook_write import Entry
from rules.set_checks import percent

_DIMENSIONS = {theirs: ours for ours, theirs in DIMENSIONS.items()} | {
    "accuracy": "validity",
    "coverage": "completeness",
}
_SEVERITIES = {"error": "error", "critical": "error", "high": "error", "warning": "warning", "medium": "warning"}
_BLANK = ("", None)


@dataclass(slots=True)
class Imported:
    """Entries by entity type, and one line for everything that was left out or read loosely."""

    entries: dict[str, list[Entry]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Target:
    """Where rules of a contract go.

    addresses: entity type -> the fields it has. columns: property of the contract -> field; other properties are
    fields by their own name. entity: the type of every object; None: an object has the name of its type. source: the
    only source the rules are to speak about.
    """

    addresses: Mapping[str, Collection[str]]
    columns: Mapping[str, str] = field(default_factory=dict)
    entity: str | None = None
    source: str | None = None


class _LeftOutError(Exception):
    """Why an entry cannot be carried over."""


def import_contract(path: Path, target: Target) -> Imported:
    """The rules of all `quality` sections. Raises RuleBookError for a file that is no data contract of version 3."""
    contract = _read(path)
    imported = Imported()
    for shaped in contract.get("schema") or []:
        entity = target.entity or str(shaped.get("name"))
        if entity not in target.addresses:
            known = ", ".join(sorted(target.addresses))
            imported.notes.append(f"object {entity}: no entity type of that name; known: {known}; --entity names one")
            continue
        reader = _Reader(target, entity, imported)
        reader.read_object(shaped)
    return imported


def _read(path: Path) -> dict[str, Any]:
    try:
        contract = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise RuleBookError(f"cannot be read: {error}", file=path) from None
    except yaml.YAMLError as error:
        raise RuleBookError(f"not YAML: {error}", file=path) from None
    if not isinstance(contract, dict) or contract.get("kind") != "DataContract":
        raise RuleBookError("no data contract: it needs `kind: DataContract`", file=path)
    version = str(contract.get("apiVersion", ""))
    if not version.startswith("v3."):
        raise RuleBookError(f"apiVersion {version or 'is missing'}; version 3 of the standard is read", file=path)
    return contract


@dataclass(slots=True)
class _Reader:
    """Reads one object of the schema; grows the entries of its entity type."""

    target: Target
    entity: str
    imported: Imported
    ids: set[str] = field(default_factory=set)

    def read_object(self, shaped: Mapping[str, Any]) -> None:
        for told in shaped.get("quality") or []:
            self.take(told, None)
        for name, told in _property_rules(shaped, ""):
            self.take(told, name)

    def take(self, told: Mapping[str, Any], name: str | None) -> None:
        try:
            found = self.carried(told, name)
        except _LeftOutError as reason:
            what = told.get("name") or told.get("metric") or told.get("rule") or told.get("type", "entry")
            self.imported.notes.append(f"{self.entity}.{name or 'object'}: {what}: {reason}")
            return
        for entry in found:
            entry["id"] = self.fresh_id(entry["id"])
            self.imported.entries.setdefault(self.entity, []).append(entry)

    def carried(self, told: Mapping[str, Any], name: str | None) -> list[Entry]:
        own = _own(told)
        if own is not None:
            return [_described(told, str(told["name"])) | own]
        if told.get("type", "library") != "library":
            raise _LeftOutError(f"{told['type']} checks are not carried over")
        told = _as_metric(told)
        metric = told.get("metric") or told.get("rule")
        about = f"{self.entity}.{name or 'record'}.{metric}"
        entries = [_described(told, str(told.get("name") or about)) | part for part in self.parts(metric, told, name)]
        if self.target.source is not None:
            condition = {"field": "record.source", "check": "in_set", "args": {"values": [self.target.source]}}
            entries = [entry | {"when": [condition]} for entry in entries]
        return entries

    def parts(self, metric: object, told: Mapping[str, Any], name: str | None) -> list[Entry]:
        """What a library metric asks, as one or more checks."""
        if metric == "rowCount":
            return [_row_count(told)]
        if metric == "duplicateValues":
            return [self.duplicates(told, name)]
        if metric not in ("nullValues", "missingValues", "invalidValues") or name is None:
            raise _LeftOutError(f"metric {metric} is not known here")
        at = {"field": self.address(name)}
        arguments = told.get("arguments") or {}
        if metric == "invalidValues":
            return [at | check | _limit(told) for check in _valid_checks(arguments)]
        missing = [str(value) for value in arguments.get("missingValues") or [] if value not in _BLANK]
        unknown: Entry = {"check": "not_in_set", "args": {"values": missing}, "action": "null_out"}
        return [at | {"check": "not_null"} | _limit(told), *([at | unknown] if missing else [])]

    def duplicates(self, told: Mapping[str, Any], name: str | None) -> Entry:
        limit = percent(_share(told))
        args = {} if limit == "0%" else {"at_most": limit}
        if name is not None:
            return {"field": self.address(name), "check": "unique"} | ({"args": args} if args else {})
        first, *others = [self.address(each) for each in (told.get("arguments") or {}).get("properties") or ["?"]]
        if not others:
            return {"field": first, "check": "unique"} | ({"args": args} if args else {})
        return {"field": first, "check": "unique_combination", "args": {"fields": others} | args}

    def address(self, name: str) -> str:
        address = self.target.columns.get(name, name)
        if address not in self.target.addresses[self.entity]:
            raise _LeftOutError(f"no field for property {name!r}; --source reads names as columns of that source")
        return address

    def fresh_id(self, wished: str) -> str:
        """The id in letters a rule may have, with a number where it is taken."""
        plain = re.sub(r"[^a-z0-9_.-]+", "_", wished.lower()).strip("_.-")
        plain = plain if re.match("[a-z]", plain) else f"rule.{plain}".rstrip(".")
        number, found = 1, plain
        while found in self.ids:
            number += 1
            found = f"{plain}.{number}"
        self.ids.add(found)
        return found


# Rules of version 3.0 -> the metric that 3.1 has for them.
_FORMER_RULES = {"nullCheck": "nullValues", "duplicateCount": "duplicateValues", "validValues": "invalidValues"}


def _as_metric(told: Mapping[str, Any]) -> Mapping[str, Any]:
    """A library rule of version 3.0 in the words of 3.1; where it states no limit, nothing may fail."""
    metric = _FORMER_RULES.get(str(told.get("rule")))
    if metric is None or "metric" in told:
        return told
    made = dict(told) | {"metric": metric}
    if not any(key.startswith("mustBe") for key in told):
        made["mustBe"] = 0
    if "validValues" in told:
        made["arguments"] = {"validValues": told["validValues"]}
    return made


def _property_rules(shaped: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(path, quality entry) of every property, nested ones by their path."""
    for each in shaped.get("properties") or []:
        path = f"{prefix}{each.get('name')}"
        yield from ((path, told) for told in each.get("quality") or [])
        yield from _property_rules(each, f"{path}.")


def _own(told: Mapping[str, Any]) -> Entry | None:
    """The rule that we wrote ourselves, None for entries of others."""
    if told.get("engine") == ENGINE and isinstance(told.get("implementation"), dict):
        return dict(told["implementation"])
    for each in told.get("customProperties") or []:
        if each.get("property") == ENGINE and isinstance(each.get("value"), dict):
            return dict(each["value"])
    return None


def _described(told: Mapping[str, Any], rule_id: str) -> Entry:
    entry: Entry = {"id": rule_id}
    if told.get("description"):
        entry["description"] = str(told["description"])
    if _own(told) is None:
        severity = _SEVERITIES.get(str(told.get("severity", "warning")).lower(), "info")
        dimension = _DIMENSIONS.get(str(told.get("dimension")))
        entry |= {"severity": severity} if severity != "warning" else {}
        entry |= {"dimension": dimension} if dimension is not None else {}
    return entry


def _valid_checks(arguments: Mapping[str, Any]) -> list[Entry]:
    checks: list[Entry] = []
    values = [str(value) for value in arguments.get("validValues") or [] if value not in _BLANK]
    if values:
        checks.append({"check": "in_set", "args": {"values": values}})
    pattern = arguments.get("pattern")
    if pattern is not None:
        try:
            translate(str(pattern))
        except PatternError as error:
            raise _LeftOutError(str(error)) from None
        checks.append({"check": "pattern", "args": {"pattern": str(pattern), "match": "search"}})
    if not checks:
        raise _LeftOutError("it names neither validValues nor a pattern")
    return checks


def _limit(told: Mapping[str, Any]) -> Entry:
    """The threshold of a rule about records; none where no record may fail."""
    share = _share(told)
    if share == 0:
        return {}
    action = {} if _SEVERITIES.get(str(told.get("severity")).lower()) == "error" else {"action": "flag"}
    above = percent(share)
    return {"threshold": {"above": above} | action if action else above}


def _share(told: Mapping[str, Any]) -> float:
    """The share that may fail. `less than` is read as `at most`: no share lies just below another."""
    if told.get("mustBe") == 0 and isinstance(told["mustBe"], int):
        return 0.0
    for operator in ("mustBeLessOrEqualTo", "mustBeLessThan"):
        if operator in told:
            if told[operator] == 0:
                return 0.0
            if told.get("unit") != "percent":
                raise _LeftOutError("a limit in rows is not carried over; write it as unit: percent")
            return min(float(told[operator]), 100.0) / 100
    raise _LeftOutError("only mustBe: 0, mustBeLessThan and mustBeLessOrEqualTo are carried over here")


def _row_count(told: Mapping[str, Any]) -> Entry:
    limits: Entry = {}
    if "mustBe" in told:
        limits = {"min": told["mustBe"], "max": told["mustBe"]}
    elif "mustBeBetween" in told:
        limits = dict(zip(("min", "max"), told["mustBeBetween"], strict=True))
    elif "mustBeGreaterThan" in told:
        limits = {"min": told["mustBeGreaterThan"] + 1}
    elif "mustBeGreaterOrEqualTo" in told:
        limits = {"min": told["mustBeGreaterOrEqualTo"]}
    elif "mustBeLessThan" in told:
        limits = {"max": told["mustBeLessThan"] - 1}
    elif "mustBeLessOrEqualTo" in told:
        limits = {"max": told["mustBeLessOrEqualTo"]}
    if not limits or not all(isinstance(limit, int) and limit >= 0 for limit in limits.values()):
        raise _LeftOutError("its limit is no count of rows")
    action = {"action": "stop"} if _SEVERITIES.get(str(told.get("severity")).lower()) == "error" else {}
    return {"check": "row_count", "args": limits} | action
