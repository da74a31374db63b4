"""The rows of a source in DuckDB as they were delivered, and what can be asked of them there.

Tables: `raw_N` has one row per row of the source: entity, record_id, updated_at, country (as written), then a column
c0, c1, ... per mapped column. `counted` and `slots` are made anew for each question.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from mdm.engine.standardise import read_updated_at
from mdm.project_file import SourceSpec
from mdm.scratch import append
from mdm.sources import SourceBatch, used_columns


@dataclass(frozen=True, slots=True)
class Raw:
    """One source as a table."""

    connection: duckdb.DuckDBPyConnection
    spec: SourceSpec
    table: str
    columns: Mapping[str, str]

    def rows(self, entity: str) -> tuple[int, int, str | None, str | None]:
        """Rows of the type, rows whose record id stands twice, the oldest and the newest date of a record."""
        query = f"""
            select
                count(*),
                count(*) - count(distinct record_id),
                min(updated_at),
                max(updated_at)
            from {self.table}
            where entity = ?
        """
        rows, repeated, oldest, newest = self.connection.execute(query, [entity]).fetchall()[0]
        return rows, repeated, oldest, newest

    def count_values(self, entity: str, groups: Sequence[Sequence[str]]) -> int:
        """Make `counted` of the groups of columns, each group's cells side by side; how many records have a value."""
        texts = [self._joined(group) for group in groups]
        parts = " union all ".join(f"select {text} as value from {self.table} where entity = $1" for text in texts)
        self.connection.execute(
            f"""
            create or replace temp table counted as
            select value, count(*) as n
            from ({parts})
            where value is not null
            group by value
            """,
            [entity],
        )
        some = f"select count(*) from {self.table} where entity = ? and coalesce({', '.join(texts)}) is not null"
        return int(self.connection.execute(some, [entity]).fetchall()[0][0])

    def _joined(self, names: Sequence[str]) -> str:
        if len(names) == 1:
            return self.columns[names[0]]
        return f"nullif(concat_ws(' ', {', '.join(self.columns[name] for name in names)}), '')"

    def count_slots(self, entity: str, slot: Mapping[str, str]) -> int:
        """Make `slots` of one group of columns: its distinct contents with the country and n; the tail of n."""
        columns = ", ".join(f"{self.columns[name]} as p{place}" for place, name in enumerate(slot.values()))
        some = f"coalesce({', '.join(self.columns[name] for name in slot.values())}) is not null"
        self.connection.execute(
            f"""
            create or replace temp table slots as
            select {columns}, country, count(*) as n
            from {self.table}
            where entity = ? and {some}
            group by all
            """,
            [entity],
        )
        tail = self.connection.execute("select coalesce(quantile_disc(n, 0.99), 0) from slots").fetchall()
        return int(tail[0][0])

    def slots(self, slot: Mapping[str, str], order: str, most: int) -> Iterator[tuple[dict[str, str], str | None, int]]:
        """(column -> text, country as written, n) of the first contents of `slots` in that order."""
        parts = [f"p{place}" for place in range(len(slot))]
        listed = ", ".join(parts)
        query = f"select {listed}, country, n from slots order by {order}, {listed}, country limit {most}"
        for *texts, country, n in self.connection.execute(query).fetchall():
            filled = zip(slot.values(), texts, strict=True)
            yield {name: text for name, text in filled if text is not None}, country, int(n)

    def holders(self, entity: str, names: Sequence[str], people: Sequence[str], most: int) -> list[Holder]:
        """Of the most frequent values of the columns that three records or more hold: who holds them.

        people: the columns of names. At most 40 distinct names of each value are told.
        """
        columns = [self.columns[name] for name in names]
        listed = ", ".join(self.columns[name] for name in people)
        parts = " union all ".join(
            f"select {column} as value, {listed} from {self.table} where entity = $1 and {column} is not null"
            for column in columns
        )
        query = f"""
            with held as ({parts}),
            frequent as (
                select value, count(*) as n
                from held
                group by value
                having n >= {LEAST_HOLDERS}
                order by n desc, value
                limit {most}
            ),
            named as (
                select distinct value, n, {listed}
                from held
                join frequent using (value)
            )
            select value, n, {listed}
            from named
            qualify row_number() over (partition by value order by {listed}) <= {MOST_NAMES}
            order by n desc, value, {listed}
        """
        rows = self.connection.execute(query, [entity]).fetchall()
        return [Holder(value, n, tuple(texts)) for value, n, *texts in rows]


LEAST_HOLDERS = 3
MOST_NAMES = 40


@dataclass(frozen=True, slots=True)
class Holder:
    """One name under which a value is held by some of `records` records; texts: the columns asked for."""

    value: str
    records: int
    texts: tuple[str | None, ...]


def load_raw(connection: duckdb.DuckDBPyConnection, number: int, spec: SourceSpec) -> Raw:
    """An empty table for the source."""
    names = dict.fromkeys(c for mappings in spec.fields.values() for m in mappings for c in m.columns)
    raw = Raw(connection, spec, f"raw_{number}", {name: f"c{place}" for place, name in enumerate(names)})
    append(connection, raw.table, _table(raw, []))
    return raw


def add_batch(raw: Raw, batch: SourceBatch) -> None:
    """Nothing; the rows of the batch stand in the table."""
    append(raw.connection, raw.table, _table(raw, [batch]))


def _table(raw: Raw, batches: Iterable[SourceBatch]) -> pa.Table:
    spec, used = raw.spec, used_columns(raw.spec)
    columns: dict[str, list[str | None]] = {"entity": [], "record_id": [], "updated_at": [], "country": []}
    columns |= {column: [] for column in raw.columns.values()}
    for batch in batches:
        places = {name: place for place, name in enumerate(batch.columns)}
        columns["entity"] += batch.entities
        columns["record_id"] += batch.record_ids
        columns["updated_at"] += [_updated_at(spec, used.get("updated_at"), places, row) for row in batch.rows]
        country = places.get(used.get("country.column", ""))
        columns["country"] += [None if country is None else row[country] for row in batch.rows]
        for name, column in raw.columns.items():
            columns[column] += [row[places[name]] for row in batch.rows]
    return pa.table({name: pa.array(cells, pa.string()) for name, cells in columns.items()})


def _updated_at(spec: SourceSpec, name: str | None, places: Mapping[str, int], row: Sequence[str | None]) -> str | None:
    text = None if name is None else row[places[name]]
    return None if name is None or text is None else read_updated_at({name: text}, spec)
