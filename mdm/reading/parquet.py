"""A parquet file -> chunks of rows; `lines` are row numbers, from 1."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from mdm.reading.cells import column_text
from mdm.reading.chunks import CHUNK_CHARACTERS, Chunk, Row, name_columns, rows_of_a_chunk, storable, unreadable

# Rows decoded at once: small, because a dictionary may stand for long text in every row.
ROWS_AT_ONCE = 1_000
DAMAGE = (pa.ArrowException, OSError, UnicodeDecodeError, OverflowError)


def parquet_columns(path: Path) -> tuple[str, ...]:
    """The column names."""
    with _open(path) as file:
        return name_columns(path, file.schema_arrow.names)


def read_parquet(path: Path) -> Iterator[Chunk]:
    """The rows in chunks."""
    with _open(path) as file:
        columns = name_columns(path, file.schema_arrow.names)
        most = rows_of_a_chunk(len(columns))
        rows: list[Row] = []
        size, first = 0, 1
        for some, weight in _pieces(path, file, min(ROWS_AT_ONCE, most)):
            rows += some
            size += weight
            if len(rows) + ROWS_AT_ONCE > most or size >= CHUNK_CHARACTERS:
                yield _chunk(columns, rows, first)
                first, rows, size = first + len(rows), [], 0
        if rows:
            yield _chunk(columns, rows, first)


def _open(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except DAMAGE as error:
        raise unreadable(path, f"cannot be read as parquet: {error}") from error


def _pieces(path: Path, file: pq.ParquetFile, size: int) -> Iterator[tuple[list[Row], int]]:
    """Rows as text, with the bytes that they took in Arrow."""
    done = 0
    try:
        for batch in file.iter_batches(batch_size=size):
            cells = [column_text(column) for column in batch.columns]
            yield list(zip(*cells, strict=True)), batch.nbytes
            done += batch.num_rows
    except DAMAGE as error:
        raise unreadable(path, f"cannot be read as parquet after row {done}: {error}") from error


def _chunk(columns: tuple[str, ...], rows: list[Row], first: int) -> Chunk:
    return storable(Chunk(columns, rows, list(range(first, first + len(rows))), []))
