"""The check vocabulary: each check written once, as a closure over one record and as DuckDB SQL over many.

Invariant: both sides give the same answer on every record. A value check speaks about one clean value and is only asked
about values that are there; a record check speaks about the record as a whole. Checks over many records stand in
`rules.set_checks`.
"""

from __future__ import annotations

from collections.abc import Mapping

from rules import comparisons
from rules.arguments import (
    Argument,
    read_address,
    read_addresses,
    read_count,
    read_day,
    read_number,
    read_pattern,
    read_text,
    read_texts,
    word,
)
from rules.check_shapes import Check, RecordCheck, RecordTest, V, ValueCheck, ValueTest
from rules.issue_codes import NOT_VALID
from rules.patterns import translate
from rules.record_view import RecordView, field_of, quote_name, quote_text, values_at


def list_literal(texts: tuple[str, ...]) -> str:
    """The texts as a SQL list."""
    return f"[{', '.join(quote_text(text) for text in texts)}]"


def _pattern(pattern: str, match: str) -> ValueTest:
    both = translate(pattern)
    test = both.python.fullmatch if match == "full" else both.python.search
    re2 = rf"\A(?:{both.re2})\z" if match == "full" else both.re2
    return ValueTest(lambda given, _: test(given) is not None, f"regexp_matches({V}, {quote_text(re2)})")


def _not_pattern(pattern: str, match: str) -> ValueTest:
    matches = _pattern(pattern, match)
    return ValueTest(lambda given, view: not matches.passes(given, view), f"not {matches.sql}")


def _in_set(values: tuple[str, ...]) -> ValueTest:
    allowed = frozenset(values)
    return ValueTest(lambda given, _: given in allowed, f"list_contains({list_literal(values)}, {V})")


def _not_in_set(values: tuple[str, ...]) -> ValueTest:
    refused = frozenset(values)
    return ValueTest(lambda given, _: given not in refused, f"not list_contains({list_literal(values)}, {V})")


def _in_list(file: str, column: str, values: tuple[str, ...] = ()) -> ValueTest:
    return _in_set(values)


def _not_in_list(file: str, column: str, values: tuple[str, ...] = ()) -> ValueTest:
    return _not_in_set(values)


def _not_null(address: str) -> RecordTest:
    read = values_at(address)
    return RecordTest(lambda view: bool(read(view)), f"len({quote_name(address)}) > 0")


def _any_present(address: str, fields: tuple[str, ...]) -> RecordTest:
    reads = [values_at(each) for each in (address, *fields)]
    sql = " or ".join(f"len({quote_name(each)}) > 0" for each in (address, *fields))

    def passes(view: RecordView) -> bool:
        for read in reads:  # noqa: SIM110
            if read(view):
                return True
        return False

    return RecordTest(passes, f"({sql})")


def _all_present(address: str, fields: tuple[str, ...]) -> RecordTest:
    reads = [values_at(each) for each in (address, *fields)]
    sql = " and ".join(f"len({quote_name(each)}) > 0" for each in (address, *fields))
    return RecordTest(lambda view: all(read(view) for read in reads), f"({sql})")


def _required_with(address: str, field: str) -> RecordTest:
    read, read_other = values_at(address), values_at(field)
    sql = f"(len({quote_name(field)}) = 0 or len({quote_name(address)}) > 0)"
    return RecordTest(lambda view: not read_other(view) or bool(read(view)), sql)


def _max_values(address: str, value: int) -> RecordTest:
    read = values_at(address)
    return RecordTest(lambda view: len(read(view)) <= value, f"len({quote_name(address)}) <= {value}")


def _has_issue(address: str, codes: tuple[str, ...]) -> RecordTest:
    field_name = field_of(address)
    wanted = frozenset(codes)
    sql = f"list_has_any(issues, {list_literal(tuple(f'{field_name}:{code}' for code in codes))})"
    return RecordTest(lambda view: not wanted.isdisjoint(view.issues.get(field_name, ())), sql)


def _no_issue(address: str, codes: tuple[str, ...]) -> RecordTest:
    field_name = field_of(address)
    refused = frozenset(codes)
    sql = f"not {_has_issue(address, codes).sql}"
    return RecordTest(lambda view: refused.isdisjoint(view.issues.get(field_name, ())), sql)


_COUNT = {"value": Argument(read_count)}
_NUMERIC = {"value": Argument(read_number)}
_DAY = {"value": Argument(read_day)}
_VALUES = {"values": Argument(read_texts)}
_CODES = {"codes": Argument(read_texts)}
_OTHER = {"field": Argument(read_address)}
_OTHERS = {"fields": Argument(read_addresses)}
_PATTERN = {"pattern": Argument(read_pattern), "match": word("full", "search", default="full")}
# `values` is what the file held when the rule book was loaded; no rule book writes it.
_LIST = {"file": Argument(read_text), "column": Argument(read_text, default="value"), "values": Argument(None)}
_COMPARED = {
    "operator": word(*comparisons.OPERATORS),
    "field": Argument(read_address),
    "by": word(*comparisons.COMPARED_AS, default="number"),
}

CHECKS: Mapping[str, Check] = {
    check.name: check
    for check in (
        ValueCheck("min_length", _COUNT, comparisons.min_length),
        ValueCheck("max_length", _COUNT, comparisons.max_length),
        ValueCheck(
            "length_between", {"min": Argument(read_count), "max": Argument(read_count)}, comparisons.length_between
        ),
        ValueCheck("pattern", _PATTERN, _pattern),
        ValueCheck("not_pattern", _PATTERN, _not_pattern),
        ValueCheck("in_set", _VALUES, _in_set),
        ValueCheck("not_in_set", _VALUES, _not_in_set),
        ValueCheck("in_list", _LIST, _in_list),
        ValueCheck("not_in_list", _LIST, _not_in_list),
        ValueCheck("min", _NUMERIC, comparisons.minimum),
        ValueCheck("max", _NUMERIC, comparisons.maximum),
        ValueCheck("between", {"min": Argument(read_number), "max": Argument(read_number)}, comparisons.between),
        ValueCheck("date_min", _DAY, comparisons.date_min),
        ValueCheck("date_max", _DAY, comparisons.date_max),
        ValueCheck("date_between", {"min": Argument(read_day), "max": Argument(read_day)}, comparisons.date_between),
        ValueCheck("date_before_field", _OTHER, comparisons.date_before_field),
        ValueCheck("equals_field", _OTHER, comparisons.equals_field),
        ValueCheck("not_equals_field", _OTHER, comparisons.not_equals_field),
        ValueCheck("compare_field", _COMPARED, comparisons.compare_field),
        RecordCheck("not_null", {}, _not_null),
        RecordCheck("any_present", _OTHERS, _any_present),
        RecordCheck("all_present", _OTHERS, _all_present),
        RecordCheck("required_with", _OTHER, _required_with),
        RecordCheck("max_values", _COUNT, _max_values),
        RecordCheck("has_issue", _CODES, _has_issue),
        RecordCheck("no_issue", _CODES, _no_issue, points=True),
        RecordCheck("valid", {"codes": Argument(read_texts, default=NOT_VALID)}, _no_issue, points=True),
    )
}
