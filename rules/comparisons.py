"""Limits on numbers, dates and lengths, and comparisons of two fields, each as closure and as DuckDB SQL.

A partial date passes whenever some day it may mean does. A comparison with another field passes when that field holds
nothing to compare with, else when it holds for one of its values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rules.arguments import NUMBER, is_number
from rules.check_shapes import V, ValueTest
from rules.partial_dates import date_sql, earliest, earliest_sql, is_date, latest, latest_sql
from rules.record_view import UPDATED_AT, UPDATED_FIRST, UPDATED_LAST, RecordView, quote_name, quote_text, values_at

OPERATORS = ("<", "<=", "=", "!=", ">=", ">")
COMPARED_AS = ("number", "date", "text")
Holds = Callable[[str, str], bool]


def number_sql(sql: str) -> str:
    """The number a SQL expression writes, NULL when it writes none."""
    return f"case when regexp_full_match({sql}, '{NUMBER}') then try_cast({sql} as double) end"


def minimum(value: float) -> ValueTest:
    """A number of at least this."""
    return ValueTest(
        lambda given, _: is_number(given) is not None and float(given) >= value,
        f"coalesce({number_sql(V)} >= cast('{value!r}' as double), false)",
    )


def maximum(value: float) -> ValueTest:
    """A number of at most this."""
    return ValueTest(
        lambda given, _: is_number(given) is not None and float(given) <= value,
        f"coalesce({number_sql(V)} <= cast('{value!r}' as double), false)",
    )


def between(min: float, max: float) -> ValueTest:
    """A number within the range, its ends included."""
    _refuse_empty(min <= max, min, max)
    return _both(minimum(min), maximum(max))


def min_length(value: int) -> ValueTest:
    """At least so many characters."""
    return ValueTest(lambda given, _: len(given) >= value, f"length({V}) >= {value}")


def max_length(value: int) -> ValueTest:
    """At most so many characters."""
    return ValueTest(lambda given, _: len(given) <= value, f"length({V}) <= {value}")


def length_between(min: int, max: int) -> ValueTest:
    """So many characters, the ends included."""
    _refuse_empty(min <= max, min, max)
    return ValueTest(lambda given, _: min <= len(given) <= max, f"length({V}) between {min} and {max}")


def date_min(value: str) -> ValueTest:
    """A date not before this one."""
    limit = _limit(value, earliest)

    def passes(given: str, view: RecordView) -> bool:
        return is_date(given) and ((bound := limit(view)) is None or latest(given) >= bound)

    bound_sql = UPDATED_FIRST if value == UPDATED_AT else quote_text(earliest(value))
    return ValueTest(passes, f"({date_sql(V)} and coalesce({latest_sql(V)} >= {bound_sql}, true))")


def date_max(value: str) -> ValueTest:
    """A date not after this one."""
    limit = _limit(value, latest)

    def passes(given: str, view: RecordView) -> bool:
        return is_date(given) and ((bound := limit(view)) is None or earliest(given) <= bound)

    bound_sql = UPDATED_LAST if value == UPDATED_AT else quote_text(latest(value))
    return ValueTest(passes, f"({date_sql(V)} and coalesce({earliest_sql(V)} <= {bound_sql}, true))")


def date_between(min: str, max: str) -> ValueTest:
    """A date within the range, its ends included."""
    _refuse_empty(UPDATED_AT in (min, max) or earliest(min) <= latest(max), min, max)
    return _both(date_min(min), date_max(max))


def _both(low: ValueTest, high: ValueTest) -> ValueTest:
    return ValueTest(
        lambda given, view: low.passes(given, view) and high.passes(given, view), f"({low.sql} and {high.sql})"
    )


def _refuse_empty(holds: bool, low: object, high: object) -> None:
    if not holds:
        raise ValueError(f"min {low} lies above max {high}, so nothing could pass")


def _limit(value: str, end: Callable[[str], str]) -> Callable[[RecordView], str | None]:
    """That end of a date bound; None when it is the record's own date and the record carries none."""
    if value != UPDATED_AT:
        bound = end(value)
        return lambda _: bound

    def updated_day(view: RecordView) -> str | None:
        day = (view.updated_at or "")[:10]
        return end(day) if is_date(day) else None

    return updated_day


def date_before_field(field: str) -> ValueTest:
    """A date before the other field's."""
    return compare_field("<", field, "date")


def equals_field(field: str) -> ValueTest:
    """One of the other field's values."""
    read, column = values_at(field), quote_name(field)
    return ValueTest(
        lambda given, view: not (others := read(view)) or given in others,
        f"(len({column}) = 0 or list_contains({column}, {V}))",
    )


def not_equals_field(field: str) -> ValueTest:
    """None of the other field's values."""
    read = values_at(field)
    return ValueTest(lambda given, view: given not in read(view), f"not list_contains({quote_name(field)}, {V})")


def compare_field(operator: str, field: str, by: str = "number") -> ValueTest:
    """A value that stands so to the other field's. by: what both are read as; what cannot be read so fails."""
    read = values_at(field)
    readable, readable_sql = _READABLE[by]
    holds, condition = _RELATIONS[by](operator)

    def passes(given: str, view: RecordView) -> bool:
        if not readable(given):
            return False
        others = [other for other in read(view) if readable(other)]
        return not others or any(holds(given, other) for other in others)

    others = f"list_filter({quote_name(field)}, lambda other: {readable_sql('other')})"
    fulfilling = f"list_filter({others}, lambda told: {condition(V, 'told')})"
    return ValueTest(passes, f"({readable_sql(V)} and (len({others}) = 0 or len({fulfilling}) > 0))")


_READABLE: Mapping[str, tuple[Callable[[str], bool], Callable[[str], str]]] = {
    "number": (lambda text: is_number(text) is not None, lambda sql: f"regexp_full_match({sql}, '{NUMBER}')"),
    "date": (is_date, date_sql),
    "text": (lambda _: True, lambda _: "true"),
}
# UTF-8 sorts as code points do, so both engines order texts alike.
_HOLDS: Mapping[str, Callable[[object, object], bool]] = {
    "<": lambda a, b: a < b,  # type: ignore[operator]
    "<=": lambda a, b: a <= b,  # type: ignore[operator]
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    ">=": lambda a, b: a >= b,  # type: ignore[operator]
    ">": lambda a, b: a > b,  # type: ignore[operator]
}
Relation = tuple[Holds, Callable[[str, str], str]]


def _by_text(operator: str) -> Relation:
    return _HOLDS[operator], lambda left, right: f"{left} {operator} {right}"


def _by_number(operator: str) -> Relation:
    holds = _HOLDS[operator]
    return (
        lambda left, right: holds(float(left), float(right)),
        lambda left, right: f"{number_sql(left)} {operator} {number_sql(right)}",
    )


def _by_date(operator: str) -> Relation:
    """Some day of the one period stands so to some day of the other."""
    if operator in ("<", "<="):
        holds = _HOLDS[operator]
        return (
            lambda left, right: holds(earliest(left), latest(right)),
            lambda left, right: f"{earliest_sql(left)} {operator} {latest_sql(right)}",
        )
    if operator in (">", ">="):
        holds = _HOLDS[operator]
        return (
            lambda left, right: holds(latest(left), earliest(right)),
            lambda left, right: f"{latest_sql(left)} {operator} {earliest_sql(right)}",
        )
    if operator == "=":
        return (
            _overlap,
            lambda left, right: (
                f"{earliest_sql(left)} <= {latest_sql(right)} and {earliest_sql(right)} <= {latest_sql(left)}"
            ),
        )
    return (
        lambda left, right: left != right or len(left) < 10,
        lambda left, right: f"({left} <> {right} or length({left}) < 10)",
    )


def _overlap(left: str, right: str) -> bool:
    return earliest(left) <= latest(right) and earliest(right) <= latest(left)


_RELATIONS: Mapping[str, Callable[[str], Relation]] = {"number": _by_number, "date": _by_date, "text": _by_text}
