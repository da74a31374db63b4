"""Judging sets: what a source would hold after this delivery -> what rules over sets say of it, before harm is done.

Set rules read every record of their entity type, about 15 us each; without such rules nothing is read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import orjson
import pyarrow as pa
from sqlalchemy import Connection

from mdm.engine.standardise import read_context
from mdm.errors import Breaker
from mdm.policy import ProjectPolicy
from mdm.scratch import append, fetch, has_table
from mdm.store import records
from mdm.store.bulk import chunks
from rules.record_view import OF_RECORD, RECORD_COUNTRY, RecordView
from rules.rulebook import RuleBook
from rules.rulebook_apply import view_claims, wanted_parts
from rules.set_judging import SetOutcome, judge_sets

FACT_ROWS = 20_000
_COLUMNS = ("source", "updated_at", "payload", "claims", "issues")


@dataclass(frozen=True, slots=True)
class Guard:
    """What judging sets needs: the scratch tables of a delivery (`stored`, `offered`, `gone`, `staged_TYPE`)."""

    scratch: duckdb.DuckDBPyConnection
    policy: ProjectPolicy
    today: date


def judge_delivery(guard: Guard, connection: Connection, types: Collection[str]) -> list[SetOutcome]:
    """What the rules say of these types as they will be once the delivery is written."""
    chosen = "select rid from offered where rid is not null and not coalesce(stale, false)"
    replaced = {rid for (rid,) in fetch(guard.scratch, f"{chosen} union all select rid from gone")}
    return [outcome for name in types for outcome in _judge(guard, name, _rows(guard, connection, name, replaced))]


def judge_stored(guard: Guard, connection: Connection, types: Collection[str]) -> list[SetOutcome]:
    """What the rules say of these types as they are stored now."""
    return [outcome for name in types for outcome in _judge(guard, name, _stored_rows(connection, name, ()))]


def refuse_failures(outcomes: Iterable[SetOutcome], *, allowed: bool) -> list[str]:
    """The failures as notes. Raises Breaker when one is to stop the run, unless that is allowed for once."""
    failed = [outcome for outcome in outcomes if not outcome.passed]
    stopping = [outcome.text for outcome in failed if outcome.action.name == "stop"]
    if stopping and not allowed:
        raise Breaker(
            "\n  ".join(["the data is not good enough to go on:", *stopping])
            + "\nNo entity was changed. Correct the delivery, or the rule if it asks too much, then run again; "
            "--allow rules goes on this once"
        )
    return [outcome.text for outcome in failed]


def _judge(guard: Guard, entity: str, rows: Iterator[Sequence[Any]]) -> tuple[SetOutcome, ...]:
    book = guard.policy.rules[entity]
    table = f"facts_{entity}"
    guard.scratch.execute(f"drop table if exists {table}")
    append(guard.scratch, table, _fact_table(book.set_addresses, []))
    for chunk in chunks(_views(guard.policy, book, rows), FACT_ROWS):
        append(guard.scratch, table, _fact_table(book.set_addresses, chunk))
    return judge_sets(guard.scratch, book, table, _rows_before(guard, entity), guard.today)


def _rows_before(guard: Guard, entity: str) -> dict[str, int | None]:
    """The sources that may hold the type, with the records they held before this run; None before the first."""
    counted = guard.scratch.execute(
        "select source, count(*) from stored where state <> 'deleted' and entity_type = ? group by source", [entity]
    )
    before = dict(counted.fetchall())
    return {source.name: before.get(source.name) for source in guard.policy.file.sources if entity in source.fields}


def _rows(guard: Guard, connection: Connection, entity: str, replaced: Collection[int]) -> Iterator[Sequence[Any]]:
    yield from _stored_rows(connection, entity, replaced)
    staged = f"staged_{entity}"
    if has_table(guard.scratch, staged):
        columns = ", ".join(f"s.{column}" for column in _COLUMNS)
        query = f"select {columns} from {staged} s join offered o using (seq) where not coalesce(o.stale, false)"
        yield from fetch(guard.scratch, query)


def _stored_rows(connection: Connection, entity: str, replaced: Collection[int]) -> Iterator[Sequence[Any]]:
    for batch in records.scan(connection, ["rid", "state", *_COLUMNS], entity_type=entity, state=None):
        for rid, state, *row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            if state != "deleted" and rid not in replaced:
                yield row


def _views(
    policy: ProjectPolicy, book: RuleBook, rows: Iterator[Sequence[Any]]
) -> Iterator[tuple[RecordView, list[str]]]:
    """Each record as rules see it, and its issues; records of sources that are no more are passed over."""
    wanted = wanted_parts(book.set_addresses)
    sources = {source.name: source for source in policy.file.sources}
    asks_country = any(RECORD_COUNTRY in (rule.field, *(c.field for c in rule.when)) for rule in book.over_sets)
    for source, updated_at, payload, claims, issues in rows:
        if source in sources:
            country = read_context(orjson.loads(payload), sources[source]).country if asks_country else None
            offered: Mapping[str, Any] = orjson.loads(claims)
            view = view_claims(offered, country=country, updated_at=updated_at, source=source, wanted=wanted)
            yield view, orjson.loads(issues)


def _fact_table(addresses: Sequence[str], facts: Sequence[tuple[RecordView, list[str]]]) -> pa.Table:
    """The table that set rules are asked over."""
    lists = pa.list_(pa.string())
    columns = {
        address: pa.array([view.values.get(address, ()) for view, _ in facts], lists)
        for address in addresses
        if address not in OF_RECORD
    }
    columns["issues"] = pa.array([issues for _, issues in facts], lists)
    for name in OF_RECORD.values():
        columns[name] = pa.array([getattr(view, name) for view, _ in facts], pa.string())
    return pa.table(columns)
