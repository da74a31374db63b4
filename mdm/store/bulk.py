"""Many rows at once: tuples -> tables by the fastest road of each database, statements -> Arrow tables.

Table and column names come from the schema only; values always travel as parameters or COPY data.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, TypeVar

import psycopg
import pyarrow as pa
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    CursorResult,
    Dialect,
    Double,
    Integer,
    LargeBinary,
    Select,
    Table,
    Text,
    Update,
    bindparam,
    column,
    func,
    text,
)
from sqlalchemy.types import TypeEngine

from mdm.store.prepared import drive, refusal, run

Row = tuple[Any, ...]
Item = TypeVar("Item")
Statement = Select[*tuple[Any, ...]]
Parameters = Mapping[str, Any]

INSERT_ROWS = 10_000
UPDATE_ROWS = 5_000
READ_ROWS = 50_000
# So many rows go to PostgreSQL one by one: starting a COPY costs more.
FEW_ROWS = 20
FEW_VALUES = 1_000


def chunks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """The items in order, in lists of `size`, the last one shorter."""
    remaining = iter(items)
    while chunk := list(islice(remaining, size)):
        yield chunk


def rows_of(table: pa.Table | pa.RecordBatch) -> Iterator[Row]:
    """The rows of an Arrow table as tuples, in its column order."""
    batches = table.to_batches() if isinstance(table, pa.Table) else [table]
    for batch in batches:
        yield from zip(*(values.to_pylist() for values in batch.columns), strict=True)


def bulk_insert(connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Row]) -> int:
    """How many rows were inserted; each tuple holds the values of `columns` in their order."""
    insert = _copy if connection.dialect.name == "postgresql" else _insert_each
    count = 0
    # In chunks, because the rows may come from a generator that reads the same connection.
    for chunk in chunks(rows, INSERT_ROWS):
        insert(connection, table, columns, chunk)
        count += len(chunk)
    return count


def _insert_each(connection: Connection, table: Table, columns: Sequence[str], rows: list[Row]) -> None:
    _send(connection, _insert_text(connection.dialect, table, tuple(columns), "?"), rows)


def _copy(connection: Connection, table: Table, columns: Sequence[str], rows: list[Row]) -> None:
    if len(rows) <= FEW_ROWS:
        _send(connection, _insert_text(connection.dialect, table, tuple(columns), "%s"), rows)
        return
    driver: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
    statement = f"copy {_name(connection.dialect, table)} ({_names(connection.dialect, table, columns)}) from stdin"
    with driver.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        for row in rows:
            copy.write_row(row)


def bulk_update(connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Nothing; each tuple holds the key (the first of `columns`) and the new values of the other columns."""
    update = _update_from_arrays if connection.dialect.name == "postgresql" else _update_each
    for chunk in chunks(rows, UPDATE_ROWS):
        update(connection, table, columns, chunk)


def _update_each(connection: Connection, table: Table, columns: Sequence[str], rows: list[Row]) -> None:
    _send(connection, _update_text(connection.dialect, table, tuple(columns)), [(*row[1:], row[0]) for row in rows])


def _update_from_arrays(connection: Connection, table: Table, columns: Sequence[str], rows: list[Row]) -> None:
    # One statement with an array per column: psycopg's executemany is ten times slower.
    arrays = zip(columns, map(list, zip(*rows, strict=True)), strict=True)
    run(connection, _update_many(table, tuple(columns)), {f"values_{name}": values for name, values in arrays})


@lru_cache(maxsize=256)
def _update_many(table: Table, columns: tuple[str, ...]) -> Update:
    arrays = [bindparam(f"values_{name}", type_=ARRAY(_array_type(table, name))) for name in columns]
    given = func.unnest(*arrays).table_valued(*(column(name) for name in columns), name="given").render_derived()
    changed = {name: given.c[name] for name in columns[1:]}
    return table.update().values(changed).where(table.c[columns[0]] == given.c[columns[0]])


def _array_type(table: Table, name: str) -> TypeEngine[Any]:
    kind = table.c[name].type
    if isinstance(kind, Integer):
        return BigInteger()
    if isinstance(kind, LargeBinary):
        return LargeBinary()
    return Double() if isinstance(kind, Double) else Text()


def stream(
    connection: Connection, statement: Statement, parameters: Parameters | None = None, *, size: int = READ_ROWS
) -> Iterator[pa.RecordBatch]:
    """The rows of a select as Arrow batches of at most `size` rows, with the types of its columns; none for no rows."""
    schema = arrow_schema(statement)
    is_streaming = connection.dialect.name == "postgresql"
    options = {"stream_results": True, "max_row_buffer": size} if is_streaming else {}
    with connection.execute(statement, parameters, execution_options=options) as result:
        for rows in result.partitions(size) if is_streaming else _raw_rows(result, size):
            yield from _at_once(rows, schema)


def _at_once(rows: Sequence[Row], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    if rows:
        columns = zip(zip(*rows, strict=True), schema.types, strict=True)
        yield pa.record_batch([pa.array(values, kind) for values, kind in columns], schema=schema)


def _raw_rows(result: CursorResult[Any], size: int) -> Iterator[Sequence[Row]]:
    """The driver's own tuples: SQLite's need no conversion here, and wrapping each would double the time."""
    assert result.cursor is not None
    while rows := result.cursor.fetchmany(size):
        yield rows


def read_table(connection: Connection, statement: Statement, parameters: Parameters | None = None) -> pa.Table:
    """All rows of a select as one Arrow table, read in batches; the schema holds also for no rows."""
    return pa.Table.from_batches(stream(connection, statement, parameters), arrow_schema(statement))


@lru_cache(maxsize=256)
def arrow_schema(statement: Statement) -> pa.Schema:
    """int64, float64, binary and string columns, named as the select names them."""
    return pa.schema([(name, _arrow_type(selected)) for name, selected in statement.selected_columns.items()])


def _arrow_type(selected: ColumnElement[Any]) -> pa.DataType:
    if isinstance(selected.type, Integer):
        return pa.int64()
    if isinstance(selected.type, LargeBinary):
        return pa.binary()
    return pa.float64() if isinstance(selected.type, Double) else pa.string()


def read_listed(connection: Connection, statement: Statement, name: str, listed: Collection[Any]) -> pa.Table:
    """The same of a statement that stands in a module, for the values of its parameter `name`; fast for a few."""
    if len(listed) > FEW_VALUES:
        return read_table(connection, statement, {name: listed})
    schema = arrow_schema(statement)
    return pa.Table.from_batches(_at_once(run(connection, statement, {name: listed}), schema), schema)


def pairs(connection: Connection, statement: Statement, parameters: Parameters) -> dict[Any, Any]:
    """The second column by the first, for a select of two columns."""
    return {row[0]: row[1] for row in run(connection, statement, parameters)}


def refresh_statistics(connection: Connection) -> None:
    """Nothing; the query planner knows the present sizes. For use after a bulk load."""
    connection.execute(text("analyze"))


def _send(connection: Connection, statement: str, rows: list[Row]) -> None:
    """One statement for each row, the driver's way."""
    if len(rows) == 1:
        drive(connection, statement, rows[0])
        return
    driver: Any = connection.connection.driver_connection
    try:
        driver.cursor().executemany(statement, rows)
    except (sqlite3.Error, psycopg.Error) as error:
        raise refusal(connection, statement, error) from error


@lru_cache(maxsize=256)
def _insert_text(dialect: Dialect, table: Table, columns: tuple[str, ...], place: str) -> str:
    places = ", ".join([place] * len(columns))
    return f"insert into {_name(dialect, table)} ({_names(dialect, table, columns)}) values ({places})"


@lru_cache(maxsize=256)
def _update_text(dialect: Dialect, table: Table, columns: tuple[str, ...]) -> str:
    quoted = [_quoted(dialect, table, name) for name in columns]
    assigned = ", ".join(f"{name} = ?" for name in quoted[1:])
    return f"update {_name(dialect, table)} set {assigned} where {quoted[0]} = ?"


def _name(dialect: Dialect, table: Table) -> str:
    return dialect.identifier_preparer.format_table(table)


def _names(dialect: Dialect, table: Table, columns: Sequence[str]) -> str:
    return ", ".join(_quoted(dialect, table, name) for name in columns)


def _quoted(dialect: Dialect, table: Table, name: str) -> str:
    return dialect.identifier_preparer.format_column(table.c[name])
