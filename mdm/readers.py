"""A file -> its columns, and its rows as text in chunks, whatever its format."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from mdm.cells import cell_text, column_text
from mdm.chunks import CHUNK_ROWS, MAX_RAW, Chunk, Refused, blank_to_none, name_columns, unreadable
from mdm.delimited import delimited_columns, guess_text_encoding, read_delimited

DELIMITED = (".csv", ".tsv", ".txt", ".tab")
JSON_LINES = (".jsonl", ".ndjson")
PARQUET = (".parquet", ".pq")
FORMATS = (*DELIMITED, *JSON_LINES, *PARQUET)


def read_columns(path: Path, wanted: Sequence[str] = (), encoding: str = "utf-8") -> tuple[str, ...]:
    """The columns of a file, without reading its rows; for JSON lines, those met until all `wanted` were met."""
    form = _format(path)
    if form in PARQUET:
        return name_columns(path, _open_parquet(path).schema_arrow.names)
    return _json_columns(path, wanted) if form in JSON_LINES else delimited_columns(path, encoding)


def read_chunks(path: Path, wanted: Sequence[str] = (), encoding: str = "utf-8") -> Iterator[Chunk]:
    """The rows of a file in its order; `wanted` columns are there even where JSON lines leave them out."""
    form = _format(path)
    if form in PARQUET:
        return _read_parquet(path)
    return _read_json_lines(path, wanted) if form in JSON_LINES else read_delimited(path, encoding)


def guess_encoding(path: Path) -> str:
    """The encoding to read a file in when nothing is declared."""
    return guess_text_encoding(path) if _format(path) in DELIMITED else "utf-8"


def _format(path: Path) -> str:
    """The suffix that tells the format, without `.gz`."""
    suffixes = [s.lower() for s in path.suffixes]
    form = suffixes[-2] if len(suffixes) > 1 and suffixes[-1] == ".gz" else (suffixes or [""])[-1]
    if form not in FORMATS or (form in PARQUET and suffixes[-1] == ".gz"):
        raise unreadable(path, f"unknown format; a file name ends in {', '.join(FORMATS)}")
    return form


def _open_parquet(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise unreadable(path, f"cannot be read as parquet: {error}") from error


def _read_parquet(path: Path) -> Iterator[Chunk]:
    """Chunks of a parquet file; `lines` are row numbers, from 1."""
    with _open_parquet(path) as file:
        columns = name_columns(path, file.schema_arrow.names)
        first = 1
        for batch in file.iter_batches(batch_size=CHUNK_ROWS):
            cells = [column_text(column) for column in batch.columns]
            rows = list(zip(*cells, strict=True))
            yield Chunk(columns, rows, list(range(first, first + len(rows))), [])
            first += len(rows)


def _open_lines(path: Path) -> gzip.GzipFile | IO[bytes]:
    try:
        return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")
    except OSError as error:
        raise unreadable(path, f"cannot be read: {error.strerror or error}") from error


def _json_columns(path: Path, wanted: Sequence[str]) -> tuple[str, ...]:
    """Columns in order of appearance; reads on only while a wanted one is missing."""
    columns: dict[str, None] = {}
    for chunk in _read_json_lines(path, ()):
        columns.update(dict.fromkeys(chunk.columns))
        if all(name in columns for name in wanted):
            break
    if not columns:
        raise unreadable(path, "holds no JSON object; it needs one on each line")
    return tuple(columns)


def _read_json_lines(path: Path, wanted: Sequence[str]) -> Iterator[Chunk]:
    """Chunks of a JSON lines file; each has the wanted columns, then those its own rows hold."""
    with _open_lines(path) as file:
        first = 1
        while lines := list(islice(file, CHUNK_ROWS)):
            yield _json_chunk(lines, first, wanted)
            first += len(lines)


def _json_chunk(lines: list[bytes], first: int, wanted: Sequence[str]) -> Chunk:
    found: list[tuple[int, dict[str, Any]]] = []
    refused: list[Refused] = []
    for number, line in enumerate(lines, start=first):
        value = _json_object(line)
        if isinstance(value, dict):
            found.append((number, value))
        elif value is not None:
            refused.append(Refused(number, value, _printable(line)))
    columns = tuple(dict.fromkeys([*wanted, *(name for _, value in found for name in value)]))
    rows = [blank_to_none([cell_text(value.get(name)) for name in columns]) for _, value in found]
    return Chunk(columns, rows, [number for number, _ in found], refused)


def _json_object(line: bytes) -> dict[str, Any] | str | None:
    """The object on a line; the reason when there is none; None for a blank line."""
    if not line.strip():
        return None
    try:
        value = orjson.loads(line.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        return f"not JSON: {error}"
    return value if isinstance(value, dict) else "a JSON object is needed on each line"


def _printable(line: bytes) -> str:
    return line.decode("utf-8", "backslashreplace").rstrip("\r\n")[:MAX_RAW].replace("\0", "\\0")
