"""Tables as files: Arrow batches -> parquet, csv or jsonl, which nobody sees before all of them are whole."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import orjson
import pyarrow as pa
from pyarrow import csv, parquet

from mdm.errors import BadInput
from mdm.reports import ExportedFile


class Writer(Protocol):
    """One file that grows."""

    def write_table(self, table: pa.Table) -> None:
        """Add rows."""

    def close(self) -> None:
        """Finish the file."""


class JsonLines:
    """One JSON object per line, null for what is unknown."""

    def __init__(self, path: str, _schema: pa.Schema) -> None:
        self._file = Path(path).open("wb")  # noqa: SIM115 - closed by `close`, as the other writers are

    def write_table(self, table: pa.Table) -> None:
        """Add rows."""
        for batch in table.to_batches():
            self._file.writelines(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in batch.to_pylist())

    def close(self) -> None:
        """Finish the file."""
        self._file.close()


FORMATS: Mapping[str, Callable[[str, pa.Schema], Writer]] = {
    "parquet": parquet.ParquetWriter,
    "csv": csv.CSVWriter,
    "jsonl": JsonLines,
}


class FileSet:
    """Files under way in a folder of their own; `publish` moves all of them to where readers look."""

    def __init__(self, directory: Path, hidden: Path, file_format: str) -> None:
        self._directory = directory
        self._hidden = hidden
        self._format = file_format
        self._writers: dict[str, Writer] = {}
        self.rows: dict[str, int] = {}

    def start(self, name: str, schema: pa.Schema) -> None:
        """Begin a file, which exists from now on even if no rows come."""
        self._writers[name] = FORMATS[self._format](str(self._hidden / self._file(name)), schema)
        self.rows[name] = 0

    def write(self, name: str, table: pa.Table) -> None:
        """Add rows to a file that was begun."""
        self._writers[name].write_table(table)
        self.rows[name] += table.num_rows

    def publish(self) -> tuple[ExportedFile, ...]:
        """The files, complete and in their place; older ones of the same name are replaced."""
        self.close()
        for name in self.rows:
            (self._hidden / self._file(name)).replace(self._directory / self._file(name))
        return tuple(ExportedFile(str(self._directory / self._file(n)), rows) for n, rows in self.rows.items())

    def close(self) -> None:
        """Finish all files."""
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()

    def _file(self, name: str) -> str:
        return f"{name}.{self._format}"


@contextmanager
def open_files(directory: Path, file_format: str) -> Iterator[FileSet]:
    """Files to be written into the directory, which is made when missing; unpublished ones leave nothing behind.

    Raises BadInput when the format is unknown or the directory cannot hold files.
    """
    if file_format not in FORMATS:
        raise BadInput(f"unknown format {file_format!r}; known: {', '.join(FORMATS)}")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        # Beside the target: a file can only be renamed in one step within its file system.
        hidden = tempfile.TemporaryDirectory(dir=directory, prefix=".writing-")
    except OSError as error:
        raise BadInput(f"cannot write to {directory} ({error.strerror}); name a folder that can be written") from error
    with hidden as folder:
        files = FileSet(directory, Path(folder), file_format)
        try:
            yield files
        finally:
            files.close()
