"""The check vocabulary -> a JSON Schema of rule books, by which editors complete and check what is typed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, get_args

from rules.arguments import (
    Argument,
    Given,
    read_address,
    read_addresses,
    read_count,
    read_day,
    read_days,
    read_number,
    read_pattern,
    read_share,
    read_text,
    read_texts,
)
from rules.check_shapes import RecordCheck
from rules.checks import CHECKS
from rules.record_view import OF_RECORD, RECORD
from rules.rulebook import Dimension, Severity
from rules.set_checks import SET_CHECKS

Schema = dict[str, Any]
_PERCENT = {"type": "string", "pattern": r"^[0-9]{1,3}(\.[0-9]{1,6})? ?%$"}
_SCALAR = {"type": ["string", "number", "boolean"]}
_TEXTS = {"anyOf": [_SCALAR, {"type": "array", "items": _SCALAR, "minItems": 1}]}
_DOWNGRADE = {
    "type": "object",
    "properties": {"downgrade": {"type": "string", "pattern": "^([1-9][0-9]?|100) ?%$"}},
    "required": ["downgrade"],
    "additionalProperties": False,
}
_ADDRESS = {"$ref": "#/$defs/address"}
_READ: Mapping[Callable[[Given], Any], Schema] = {
    read_address: _ADDRESS,
    read_addresses: {"anyOf": [_ADDRESS, {"type": "array", "items": _ADDRESS, "minItems": 1}]},
    read_count: {"type": "integer", "minimum": 0},
    read_day: {"type": ["string", "integer"], "description": "YYYY, YYYY-MM, YYYY-MM-DD, or updated_at"},
    read_days: {"type": ["string", "integer"], "pattern": "^[0-9]+( days?)?$"},
    read_number: {"type": "number"},
    read_pattern: {"type": "string", "maxLength": 500},
    read_share: _PERCENT,
    read_text: {"type": "string", "minLength": 1},
    read_texts: _TEXTS,
}


def rulebook_schema(addresses: Mapping[str, Collection[str]]) -> Schema:
    """The schema of a rule book. addresses: entity type -> the fields its rules may name."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "mdm rule book",
        "type": "object",
        "properties": {
            entity: {"type": "array", "items": {"$ref": "#/$defs/entry"}, "description": f"the rules of {entity}"}
            for entity in addresses
        },
        "additionalProperties": False,
        "$defs": {
            "address": {"enum": sorted({*(each for known in addresses.values() for each in known), *OF_RECORD})},
            "entry": {"anyOf": [_switched_off(), {"$ref": "#/$defs/rule"}]},
            "rule": _rule(),
            "condition": _condition(),
        },
    }


def _switched_off() -> Schema:
    """An entry that switches a shipped rule off."""
    return {
        "type": "object",
        "properties": {"id": {"type": "string"}, "apply": {"const": False}},
        "required": ["id", "apply"],
        "additionalProperties": False,
    }


def _rule() -> Schema:
    when = {"$ref": "#/$defs/condition"}
    return {
        "type": "object",
        "properties": {
            "id": {"type": "string", "pattern": "^[a-z][a-z0-9_.-]*$"},
            "description": {"type": "string"},
            "field": {"anyOf": [_ADDRESS, {"const": RECORD}]},
            "check": {"enum": [*CHECKS, *SET_CHECKS]},
            "args": {"type": "object"},
            "when": {"anyOf": [when, {"type": "array", "items": when}]},
            "severity": {"enum": list(get_args(Severity))},
            "dimension": {"enum": list(get_args(Dimension))},
            "action": {"anyOf": [{"enum": ["reject", "null_out", "flag", "stop"]}, _DOWNGRADE]},
            "threshold": {"anyOf": [_PERCENT, _limit()]},
            "apply": {"type": "boolean"},
            "owner": {"type": "string"},
        },
        "required": ["id", "check"],
        "additionalProperties": False,
        "allOf": [_of_check(name) for name in (*CHECKS, *SET_CHECKS)],
    }


def _limit() -> Schema:
    return {
        "type": "object",
        "properties": {"above": _PERCENT, "action": {"enum": ["flag", "stop"]}},
        "required": ["above"],
        "additionalProperties": False,
    }


def _condition() -> Schema:
    return {
        "type": "object",
        "properties": {"field": _ADDRESS, "check": {"enum": list(CHECKS)}, "args": {"type": "object"}},
        "required": ["field", "check"],
        "additionalProperties": False,
        "allOf": [_args_of_check(name, CHECKS[name].arguments) for name in CHECKS],
    }


def _of_check(name: str) -> Schema:
    """What holds for a rule with this check: its arguments, whether it needs a field, what it may do."""
    if name in CHECKS:
        schema = _args_of_check(name, CHECKS[name].arguments)
        points = not isinstance(CHECKS[name], RecordCheck) or getattr(CHECKS[name], "points", False)
        words = ["reject", "null_out", "flag"] if points else ["reject", "flag"]
        allowed = [{"enum": words}, *([_DOWNGRADE] if points else [])]
    else:
        schema = _args_of_check(name, SET_CHECKS[name].arguments, closed="of" not in SET_CHECKS[name].arguments)
        allowed = [{"enum": ["flag", "stop"]}]
        schema["then"]["properties"]["threshold"] = False
    schema["then"]["properties"]["action"] = {"anyOf": allowed}
    if name in CHECKS or not SET_CHECKS[name].whole:
        schema["then"]["required"] = [*schema["then"].get("required", []), "field"]
    return schema


def _args_of_check(name: str, arguments: Mapping[str, Argument], *, closed: bool = True) -> Schema:
    written = {key: argument for key, argument in arguments.items() if argument.read is not None}
    required = [key for key, argument in written.items() if argument.default is None and not argument.optional]
    args: Schema = {
        "type": "object",
        "properties": {key: _argument(argument) for key, argument in written.items()},
        "required": required,
    }
    if closed:
        args["additionalProperties"] = False
    then: Schema = {"properties": {"args": args}}
    if required:
        then["required"] = ["args"]
    return {"if": {"properties": {"check": {"const": name}}, "required": ["check"]}, "then": then}


def _argument(argument: Argument) -> Schema:
    if argument.words:
        return {"enum": list(argument.words)}
    assert argument.read is not None
    schema = dict(_READ[argument.read])
    if argument.default is not None and argument.read not in (read_share, read_texts):
        schema["default"] = argument.default
    return schema
