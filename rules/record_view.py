"""What rules see of a record, as a Python object and as a table with one row per record.

The table holds, for each address, a list of clean values as VARCHAR[], and `issues` (VARCHAR[] of "field:code"),
`country` and `updated_at` (VARCHAR).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from rules.partial_dates import date_sql

RECORD_COUNTRY = "record.country"
UPDATED_AT = "updated_at"
UPDATED_DAY = "updated_day"  # SQL column: the day of updated_at, NULL when it has none
RESERVED_COLUMNS = ("country", "issues", UPDATED_AT, UPDATED_DAY)


@dataclass(frozen=True, slots=True)
class RecordView:
    """What rules see of a record.

    values: "field" or "field.sub" -> clean values, one per claim that has the part; absent parts are left out.
    issues: field -> the standardisers' issue codes.
    country, updated_at: the record's own, None when unknown.
    """

    values: Mapping[str, tuple[str, ...]]
    issues: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    country: str | None = None
    updated_at: str | None = None


def quote_text(text: str) -> str:
    """The text as a SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def quote_name(name: str) -> str:
    """The name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def values_at(address: str) -> Callable[[RecordView], tuple[str, ...]]:
    """A function from a record to the values at the address, () when there are none."""
    if address == RECORD_COUNTRY:
        return lambda view: () if view.country is None else (view.country,)
    return lambda view: view.values.get(address, ())


def facts_sql(table: str, addresses: tuple[str, ...], keep: tuple[str, ...]) -> str:
    """A query with one row per record: `keep`, a never NULL list per address, `issues` and `updated_day`."""
    lists = [f"coalesce({quote_name(a)}, []) as {quote_name(a)}" for a in addresses if a != RECORD_COUNTRY]
    if RECORD_COUNTRY in addresses:
        lists.append(f"case when country is null then [] else [country] end as {quote_name(RECORD_COUNTRY)}")
    day = "substr(updated_at, 1, 10)"
    derived = ["coalesce(issues, []) as issues", f"case when {date_sql(day)} then {day} end as {UPDATED_DAY}"]
    columns = ",\n    ".join([*(quote_name(name) for name in keep), *lists, *derived])
    return f"select\n    {columns}\n  from {quote_name(table)}"


def field_of(address: str) -> str:
    """The field an address lies in: `name` for `name.family`."""
    return address.partition(".")[0]
