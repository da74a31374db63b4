"""Rules and records for the rule tests, and both ways of judging them: closures and DuckDB."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb
import pyarrow as pa

from rules.arguments import Arg
from rules.record_view import OF_RECORD, RecordView
from rules.rulebook import Condition, Finding, Rule, RuleBook

_CONNECTION = duckdb.connect()


def rule(check: str, field: str = "email", /, *, when: tuple[Condition, ...] = (), **args: Arg) -> Rule:
    """A rule that flags, its id made of the check."""
    return Rule(f"test.{check}", field, check, args, when)


def person(
    values: Mapping[str, Sequence[str]],
    *,
    issues: Mapping[str, tuple[str, ...]] | None = None,
    country: str | None = None,
    updated_at: str | None = None,
    source: str | None = None,
) -> RecordView:
    """A record with these clean values."""
    return RecordView({at: tuple(given) for at, given in values.items()}, issues or {}, country, updated_at, source)


def by_closure(book: RuleBook, views: Sequence[RecordView]) -> list[tuple[Finding, ...]]:
    """The findings of each record, one record at a time."""
    compiled = book.compile()
    return [compiled.assess(view) for view in views]


def by_sql(book: RuleBook, views: Sequence[RecordView]) -> list[tuple[Finding, ...]]:
    """The findings of each record, from one query over a table of them."""
    compiled = book.compile()
    with _CONNECTION.cursor() as connection:
        connection.register("batch", table_of(book.addresses, views))
        cursor = connection.execute(f"{book.sql('batch', ['row_number'])} order by row_number")
        names = [column[0] for column in cursor.description]
        return [compiled.findings(dict(zip(names, row, strict=True))) for row in cursor.fetchall()]


def table_of(addresses: Sequence[str], views: Sequence[RecordView]) -> pa.Table:
    """The records as the table that SQL judges: a list column per address, and what records have of their own."""
    lists = pa.list_(pa.string())
    columns = {
        address: pa.array([list(view.values.get(address, ())) for view in views], lists)
        for address in addresses
        if address not in OF_RECORD
    }
    columns["row_number"] = pa.array(range(len(views)), pa.int64())
    columns["issues"] = pa.array([[f"{f}:{c}" for f, codes in v.issues.items() for c in codes] for v in views], lists)
    columns["source"] = pa.array([view.source for view in views], pa.string())
    columns["country"] = pa.array([view.country for view in views], pa.string())
    columns["updated_at"] = pa.array([view.updated_at for view in views], pa.string())
    return pa.table(columns)
