"""Rule books -> the `quality` sections of a data contract, by the Open Data Contract Standard 3.1 (Bitol).

What the standard's library of metrics can say is said by it, so that other tools understand it; everything else is a
`custom` entry of the engine `mdm`. What only we know of a rule stands in its customProperties, so nothing is lost on
the way back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import yaml

from rules.record_view import OF_RECORD, RECORD
from rules.rulebook import Rule, RuleBook
from rules.rulebook_write import Entry, entry_of
from rules.set_checks import percent

API_VERSION = "v3.1.0"
ENGINE = "mdm"
DIMENSIONS = {
    "completeness": "completeness",
    "validity": "conformity",
    "uniqueness": "uniqueness",
    "consistency": "consistency",
    "timeliness": "timeliness",
}


def contract_of(name: str, books: Iterable[RuleBook], addresses: Mapping[str, Iterable[str]]) -> Entry:
    """A data contract with the quality rules of all books. addresses: entity type -> its fields, as properties."""
    return {
        "apiVersion": API_VERSION,
        "kind": "DataContract",
        "id": name,
        "name": name,
        "version": "1.0.0",
        "status": "active",
        "schema": [_object(book, addresses.get(book.entity, ())) for book in books],
    }


def contract_yaml(contract: Entry) -> str:
    """The contract as its file is written."""
    text: str = yaml.safe_dump(contract, allow_unicode=True, sort_keys=False, width=110)
    return text


def _object(book: RuleBook, addresses: Iterable[str]) -> Entry:
    """One schema object: rules about the record itself stand at the object, the others at their property."""
    of_field: dict[str, list[Entry]] = {address: [] for address in addresses}
    of_object: list[Entry] = []
    for rule in book.rules:
        if rule.field == RECORD or rule.field in OF_RECORD or rule.check == "unique_combination":
            of_object.append(quality_of(rule))
        else:
            of_field.setdefault(rule.field, []).append(quality_of(rule))
    properties = [
        {"name": address, "logicalType": "string"} | ({"quality": rules} if rules else {})
        for address, rules in of_field.items()
    ]
    found: Entry = {"name": book.entity, "logicalType": "object"}
    return found | ({"quality": of_object} if of_object else {}) | {"properties": properties}


def quality_of(rule: Rule) -> Entry:
    """The rule as an entry of a `quality` section."""
    told: Entry = {"name": rule.id}
    if rule.description is not None:
        told["description"] = rule.description
    told |= {"dimension": DIMENSIONS[rule.dimension], "severity": rule.severity}
    own = {key: value for key, value in entry_of(rule).items() if key not in ("id", "description")}
    metric = _metric(rule)
    if metric is None:
        return told | {"type": "custom", "engine": ENGINE, "implementation": own}
    return told | metric | {"customProperties": [{"property": ENGINE, "value": own}]}


def _metric(rule: Rule) -> Entry | None:
    """The library metric that says the same, None when there is none (conditions are beyond the library)."""
    if rule.when or not rule.apply or "max_drop" in rule.args:
        return None
    say = _METRICS.get(rule.check)
    return None if say is None else say(rule)


def _null_values(rule: Rule) -> Entry:
    return {"metric": "nullValues", **_at_most(rule)}


def _valid_values(rule: Rule) -> Entry:
    return {"metric": "invalidValues", "arguments": {"validValues": _listed(rule.args["values"])}, **_at_most(rule)}


def _matching_values(rule: Rule) -> Entry:
    pattern = str(rule.args["pattern"])
    whole = pattern if rule.args["match"] == "search" else f"^(?:{pattern})$"
    return {"metric": "invalidValues", "arguments": {"pattern": whole}, **_at_most(rule)}


def _duplicates(rule: Rule) -> Entry:
    share = _share(float(str(rule.args["at_most"])))
    if rule.check == "unique":
        return {"metric": "duplicateValues", **share}
    properties = [rule.field, *_listed(rule.args["fields"])]
    return {"metric": "duplicateValues", "arguments": {"properties": properties}, **share}


def _listed(values: object) -> list[str]:
    return list(values) if isinstance(values, tuple) else [str(values)]


def _at_most(rule: Rule) -> Entry:
    return _share(0.0 if rule.threshold is None else rule.threshold.above)


def _share(share: float) -> Entry:
    if share == 0:
        return {"mustBe": 0, "unit": "rows"}
    return {"mustBeLessOrEqualTo": float(percent(share).removesuffix("%")), "unit": "percent"}


def _row_count(rule: Rule) -> Entry:
    low, high = rule.args.get("min"), rule.args.get("max")
    if low is None:
        return {"metric": "rowCount", "mustBeLessOrEqualTo": high}
    if high is None:
        return {"metric": "rowCount", "mustBeGreaterOrEqualTo": low}
    return (
        {"metric": "rowCount", "mustBe": low} if low == high else {"metric": "rowCount", "mustBeBetween": [low, high]}
    )


_METRICS: Mapping[str, Callable[[Rule], Entry]] = {
    "not_null": _null_values,
    "in_set": _valid_values,
    "pattern": _matching_values,
    "unique": _duplicates,
    "unique_combination": _duplicates,
    "row_count": _row_count,
}
