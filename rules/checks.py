"""The check vocabulary: each check written once, as a closure over one record and as DuckDB SQL over many.

Invariant: both sides give the same answer on every record. A value check speaks about one clean value and is only asked
about values that are there; a record check speaks about the record as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rules.arguments import (
    NUMBER,
    Argument,
    is_number,
    read_address,
    read_addresses,
    read_count,
    read_day,
    read_match,
    read_number,
    read_pattern,
    read_texts,
)
from rules.partial_dates import date_sql, earliest, earliest_sql, is_date, latest, latest_sql
from rules.patterns import translate
from rules.record_view import UPDATED_AT, UPDATED_DAY, RecordView, field_of, quote_name, quote_text, values_at

V = "a_value"  # the name of the value inside the SQL of a value check


@dataclass(frozen=True, slots=True)
class ValueTest:
    """Whether a value passes; `sql` is a boolean over `a_value`, never NULL."""

    passes: Callable[[str, RecordView], bool]
    sql: str


@dataclass(frozen=True, slots=True)
class RecordTest:
    """Whether a record passes; `sql` is a boolean over its columns, never NULL."""

    passes: Callable[[RecordView], bool]
    sql: str


@dataclass(frozen=True, slots=True)
class ValueCheck:
    """A check over each value of a field."""

    name: str
    arguments: Mapping[str, Argument]
    build: Callable[..., ValueTest]


@dataclass(frozen=True, slots=True)
class RecordCheck:
    """A check over a whole record; `build` gets the rule's field first."""

    name: str
    arguments: Mapping[str, Argument]
    build: Callable[..., RecordTest]


Check = ValueCheck | RecordCheck


def _list_literal(texts: tuple[str, ...]) -> str:
    return f"[{', '.join(quote_text(text) for text in texts)}]"


def _limit(value: str) -> tuple[Callable[[RecordView], str | None], str]:
    """A date bound as closure and SQL; unknown (None, NULL) when the record carries no date of its own."""
    if value != UPDATED_AT:
        return lambda _: value, quote_text(value)

    def updated_day(view: RecordView) -> str | None:
        day = (view.updated_at or "")[:10]
        return day if is_date(day) else None

    return updated_day, UPDATED_DAY


def _min_length(value: int) -> ValueTest:
    return ValueTest(lambda given, _: len(given) >= value, f"length({V}) >= {value}")


def _max_length(value: int) -> ValueTest:
    return ValueTest(lambda given, _: len(given) <= value, f"length({V}) <= {value}")


def _pattern(pattern: str, match: str) -> ValueTest:
    both = translate(pattern)
    test = both.python.fullmatch if match == "full" else both.python.search
    re2 = rf"\A(?:{both.re2})\z" if match == "full" else both.re2
    return ValueTest(lambda given, _: test(given) is not None, f"regexp_matches({V}, {quote_text(re2)})")


def _in_set(values: tuple[str, ...]) -> ValueTest:
    allowed = frozenset(values)
    return ValueTest(lambda given, _: given in allowed, f"list_contains({_list_literal(values)}, {V})")


def _not_in_set(values: tuple[str, ...]) -> ValueTest:
    refused = frozenset(values)
    return ValueTest(lambda given, _: given not in refused, f"not list_contains({_list_literal(values)}, {V})")


_NUMBER_SQL = f"case when regexp_full_match({V}, '{NUMBER}') then try_cast({V} as double) end"


def _min(value: float) -> ValueTest:
    return ValueTest(
        lambda given, _: is_number(given) is not None and float(given) >= value,
        f"coalesce({_NUMBER_SQL} >= cast('{value!r}' as double), false)",
    )


def _max(value: float) -> ValueTest:
    return ValueTest(
        lambda given, _: is_number(given) is not None and float(given) <= value,
        f"coalesce({_NUMBER_SQL} <= cast('{value!r}' as double), false)",
    )


def _date_min(value: str) -> ValueTest:
    limit, limit_sql = _limit(value)

    def passes(given: str, view: RecordView) -> bool:
        bound = limit(view)
        return is_date(given) and (bound is None or latest(given) >= earliest(bound))

    return ValueTest(passes, f"({date_sql(V)} and coalesce({latest_sql(V)} >= {earliest_sql(limit_sql)}, true))")


def _date_max(value: str) -> ValueTest:
    limit, limit_sql = _limit(value)

    def passes(given: str, view: RecordView) -> bool:
        bound = limit(view)
        return is_date(given) and (bound is None or earliest(given) <= latest(bound))

    return ValueTest(passes, f"({date_sql(V)} and coalesce({earliest_sql(V)} <= {latest_sql(limit_sql)}, true))")


def _date_before_field(field: str) -> ValueTest:
    read = values_at(field)

    def passes(given: str, view: RecordView) -> bool:
        others = [other for other in read(view) if is_date(other)]
        return is_date(given) and (not others or any(earliest(given) < latest(other) for other in others))

    others = f"list_filter({quote_name(field)}, lambda other: {date_sql('other')})"
    later = f"list_filter({others}, lambda later: {earliest_sql(V)} < {latest_sql('later')})"
    return ValueTest(passes, f"({date_sql(V)} and (len({others}) = 0 or len({later}) > 0))")


def _equals_field(field: str) -> ValueTest:
    read, column = values_at(field), quote_name(field)
    return ValueTest(
        lambda given, view: not (others := read(view)) or given in others,
        f"(len({column}) = 0 or list_contains({column}, {V}))",
    )


def _not_equals_field(field: str) -> ValueTest:
    read = values_at(field)
    return ValueTest(lambda given, view: given not in read(view), f"not list_contains({quote_name(field)}, {V})")


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
    sql = f"list_has_any(issues, {_list_literal(tuple(f'{field_name}:{code}' for code in codes))})"
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
_PATTERN = {"pattern": Argument(read_pattern), "match": Argument(read_match, default="full")}

CHECKS: Mapping[str, Check] = {
    check.name: check
    for check in (
        ValueCheck("min_length", _COUNT, _min_length),
        ValueCheck("max_length", _COUNT, _max_length),
        ValueCheck("pattern", _PATTERN, _pattern),
        ValueCheck("in_set", _VALUES, _in_set),
        ValueCheck("not_in_set", _VALUES, _not_in_set),
        ValueCheck("min", _NUMERIC, _min),
        ValueCheck("max", _NUMERIC, _max),
        ValueCheck("date_min", _DAY, _date_min),
        ValueCheck("date_max", _DAY, _date_max),
        ValueCheck("date_before_field", _OTHER, _date_before_field),
        ValueCheck("equals_field", _OTHER, _equals_field),
        ValueCheck("not_equals_field", _OTHER, _not_equals_field),
        RecordCheck("not_null", {}, _not_null),
        RecordCheck("any_present", {"fields": Argument(read_addresses)}, _any_present),
        RecordCheck("required_with", _OTHER, _required_with),
        RecordCheck("max_values", _COUNT, _max_values),
        RecordCheck("has_issue", _CODES, _has_issue),
        RecordCheck("no_issue", _CODES, _no_issue),
    )
}
