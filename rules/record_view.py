"""What rules see of a record, as a Python object and as a table with one row per record.

The table holds, for each address, a list of clean values as VARCHAR[], and `issues` (VARCHAR[] of "field:code"),
`source`, `country` and `updated_at` (VARCHAR).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter

from rules.partial_dates import date_sql, earliest_sql, latest_sql

RECORD = "record"  # stands for the record itself, where a field could stand
RECORD_COUNTRY = "record.country"
RECORD_SOURCE = "record.source"
RECORD_UPDATED_AT = "record.updated_at"
UPDATED_AT = "updated_at"
# SQL columns: the first and last day that updated_at may mean, NULL when it is no date.
UPDATED_FIRST, UPDATED_LAST = "updated_first", "updated_last"
# address -> its column, and its part of the view
OF_RECORD = {RECORD_COUNTRY: "country", RECORD_SOURCE: "source", RECORD_UPDATED_AT: UPDATED_AT}
RESERVED_COLUMNS = (RECORD, "source", "country", "issues", UPDATED_AT, UPDATED_FIRST, UPDATED_LAST)


@dataclass(frozen=True, slots=True)
class RecordView:
    """What rules see of a record.

    values: "field" or "field.sub" -> clean values, one per claim that has the part; absent parts are left out.
    issues: field -> the standardisers' issue codes.
    country, updated_at, source: the record's own, None when unknown.
    """

    values: Mapping[str, tuple[str, ...]]
    issues: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    country: str | None = None
    updated_at: str | None = None
    source: str | None = None


def quote_text(text: str) -> str:
    """The text as a SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def quote_name(name: str) -> str:
    """The name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def values_at(address: str) -> Callable[[RecordView], tuple[str, ...]]:
    """A function from a record to the values at the address, () when there are none."""
    part = OF_RECORD.get(address)
    if part is None:
        return lambda view: view.values.get(address, ())
    read = attrgetter(part)
    return lambda view: () if (value := read(view)) is None else (value,)


def facts_sql(table: str, addresses: tuple[str, ...], keep: tuple[str, ...]) -> str:
    """A query with one row per record: `keep`, a never NULL list per address, `issues`, the ends of updated_at."""
    day = "substr(updated_at, 1, 10)"
    ends = ((earliest_sql(day), UPDATED_FIRST), (latest_sql(day), UPDATED_LAST))
    derived = ["coalesce(issues, []) as issues"]
    derived += [f"case when {date_sql(day)} then {end} end as {name}" for end, name in ends]
    columns = ",\n    ".join([*(quote_name(name) for name in keep), *map(_list_sql, addresses), *derived])
    return f"select\n    {columns}\n  from {quote_name(table)}"


def _list_sql(address: str) -> str:
    name, column = quote_name(address), OF_RECORD.get(address)
    if column is None:
        return f"coalesce({name}, []) as {name}"
    return f"case when {column} is null then [] else [{column}] end as {name}"


def field_of(address: str) -> str:
    """The field an address lies in: `name` for `name.family`."""
    return address.partition(".")[0]
