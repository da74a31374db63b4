"""A parquet file -> chunks of rows; `lines` are row numbers, from 1."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from mdm.reading.cells import column_text
from mdm.reading.chunks import CHUNK_CHARACTERS, Chunk, Row, name_columns, rows_of_a_chunk, storable, unreadable

ROWS_AT_ONCE = 1_000
FIRST_ROWS = 16  # decoded first, to see how large rows are: a dictionary may stand for long text in every one
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
        at_once = min(_rows_at_once(path, file), most)
        for some, weight in _pieces(path, file, at_once):
            rows += some
            size += weight
            if len(rows) + at_once > most or size >= CHUNK_CHARACTERS:
                yield _chunk(columns, rows, first)
                first, rows, size = first + len(rows), [], 0
        if rows:
            yield _chunk(columns, rows, first)


def _open(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except DAMAGE as error:
        raise unreadable(path, f"cannot be read as parquet: {error}") from error


def _rows_at_once(path: Path, file: pq.ParquetFile) -> int:
    """How many rows to decode at once, by the size of the first ones."""
    try:
        first = next(file.iter_batches(batch_size=FIRST_ROWS), None)
    except DAMAGE as error:
        raise unreadable(path, f"cannot be read as parquet after row 0: {error}") from error
    if first is None or first.nbytes == 0:
        return ROWS_AT_ONCE
    bytes_per_row: float = first.nbytes / first.num_rows
    return max(FIRST_ROWS, min(ROWS_AT_ONCE, int(CHUNK_CHARACTERS / bytes_per_row)))


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
