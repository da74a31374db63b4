"""Reading alone: one table of made-up customers in every format -> rows as text; speed, and the peak of memory.

    python -m benchmarks.bench_sources --megabytes 500 [--postgresql postgresql://...] [--only csv,parquet]

The table is so many megabytes as CSV; a workbook holds 100,000 rows of it. Each format
is read by a process of its own, through the project file as a run reads it. MB/s are megabytes of CSV per second, so
that formats compare; the peak is the resident memory of that process, of which about 140 MB are the libraries.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from xml.sax.saxutils import escape

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq

from mdm.demo.generate import generate
from mdm.project_file import load_project
from mdm.sources import scan

BASE_RECORDS = 5_000  # invented once, then repeated under other ids
SHEET_ROWS = 100_000
BATCH_ROWS = 20_000
PROJECT = """\
project: bench
store: sqlite:///bench.db
sources:
  bench:
    read: "{read}"
    {more}
    record_id: row_id
    entity: person
    fields: {{}}
"""
Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """The rows to write: columns, and as many rows as are asked for, always the same."""

    columns: Row
    base: Sequence[Row]

    def rows(self, count: int) -> Iterator[Row]:
        """The first rows, each with an id of its own."""
        for n in range(count):
            yield (str(n), *self.base[n % len(self.base)])


def main() -> None:
    """Write the table in each format and read it back in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=500)
    parser.add_argument("--postgresql", help="URL of a database in which the table `bench_sources` may be made")
    parser.add_argument("--only", help="formats, with commas between them")
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.read is not None:
        read(arguments.read)
        return
    with tempfile.TemporaryDirectory(prefix="mdm-bench-") as folder:
        run(Path(folder), arguments.megabytes, arguments.postgresql, arguments.only)


def run(folder: Path, megabytes: int, postgresql: str | None, only: str | None) -> None:
    """Print a line per format."""
    table = make_table()
    count, size = write_csv(folder / "table.csv", table, megabytes << 20)
    print(f"{count:,} rows, {len(table.columns)} columns, {size / 2**20:,.0f} MB as CSV")
    print(
        f"| {'format':<11} | {'rows':>9} | {'file, MB':>8} | {'MB/s':>6} | {'rows/s':>8} | {'peak, MB':>8} |",
        flush=True,
    )
    print("|---|--:|--:|--:|--:|--:|", flush=True)
    for name in WRITERS if only is None else only.split(","):
        rows = min(count, SHEET_ROWS) if name == "xlsx" else count
        where = WRITERS[name](folder, table, rows, postgresql)
        if where is not None:
            project = folder / "project.yaml"
            project.write_text(PROJECT.format(read=where[0], more=where[1]), encoding="utf-8")
            _print_line(name, project, rows, size * rows / count, folder / where[0])


def _print_line(name: str, project: Path, rows: int, size: float, file: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.bench_sources", "--read", str(project)]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert told["rows"] == rows, told
    on_disk = f"{file.stat().st_size / 2**20:>8,.0f}" if file.is_file() else f"{'':>8}"
    speed = f"{size / 2**20 / told['seconds']:>6.0f} | {rows / told['seconds']:>8,.0f}"
    print(f"| {name:<11} | {rows:>9,} | {on_disk} | {speed} | {told['peak'] / 2**20:>8.0f} |", flush=True)
    if name != "csv":  # from which the packed ones are made
        file.unlink(missing_ok=True)


def read(project: Path) -> None:
    """Read a project's source; prints rows, seconds and peak memory in bytes as JSON."""
    begun = time.perf_counter()
    rows = sum(len(batch.rows) for batch in scan(load_project(project, {}), lambda bad: None))
    seconds = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"rows": rows, "seconds": seconds, "peak": peak}))


def make_table() -> Table:
    """Invented customers as text."""
    records = pa.concat_tables([chunk.records for chunk in generate(BASE_RECORDS, 1)])
    base = [
        tuple("" if value is None else str(value) for value in row)
        for row in zip(*records.to_pydict().values(), strict=True)
    ]
    return Table(("row_id", *records.column_names), base)


def write_csv(path: Path, table: Table, size: int) -> tuple[int, int]:
    """How many rows the file has, and its size, which is the one asked for or a little more."""
    count = 0
    rows = table.rows(1 << 62)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(table.columns)
        while file.tell() < size:
            writer.writerows(islice(rows, BATCH_ROWS))
            count += BATCH_ROWS
    return count, path.stat().st_size


def batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """The rows, so many at a time."""
    iterator = iter(rows)
    while some := list(islice(iterator, BATCH_ROWS)):
        yield some


Where = tuple[str, str] | None


def _as_csv(folder: Path, table: Table, count: int, postgresql: str | None) -> Where:
    return "table.csv", "separator: comma"


def _as_gzip(folder: Path, table: Table, count: int, postgresql: str | None) -> Where:
    with (folder / "table.csv").open("rb") as plain, gzip.open(folder / "table.csv.gz", "wb", 1) as packed:
        while piece := plain.read(1 << 20):
            packed.write(piece)
    return "table.csv.gz", "separator: comma"


def _as_zstandard(folder: Path, table: Table, count: int, postgresql: str | None) -> Where:
    with (folder / "table.csv").open("rb") as plain, pa.output_stream(str(folder / "table.csv.zst"), "zstd") as packed:
        while piece := plain.read(1 << 20):
            packed.write(piece)
    return "table.csv.zst", "separator: comma"


def _as_json_lines(folder: Path, table: Table, count: int, postgresql: str | None) -> Where:
    with (folder / "table.jsonl").open("w", encoding="utf-8") as file:
        for row in table.rows(count):
            file.write(json.dumps(dict(zip(table.columns, row, strict=True)), ensure_ascii=False) + "\n")
    return "table.jsonl", "encoding: auto"


def _as_parquet(folder: Path, table: Table, count: int, postgresql: str | None) -> Where:
    schema = pa.schema([(name, pa.string()) for name in table.columns])
    with pq.ParquetWriter(folder / "table.parquet", schema, compression="zstd") as writer:
        for some in batches(table.rows(count)):
            columns = [pa.array(column, pa.string()) for column in zip(*some, strict=True)]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema), row_group_size=1 << 20)
    return "table.parquet", "encoding: auto"


def _as_sqlite(folder: Path, table: Table, count: int, postgresql: str | None) -> Where:
    connection = sqlite3.connect(folder / "table.db")
    names = ", ".join(f'"{name}" text' for name in table.columns)
    connection.execute(f"create table bench ({names}, primary key (row_id))")
    marks = ", ".join("?" * len(table.columns))
    with connection:
        connection.executemany(f"insert into bench values ({marks})", table.rows(count))
    connection.close()
    return "sqlite:///table.db", "table: bench"


def _as_postgresql(folder: Path, table: Table, count: int, postgresql: str | None) -> Where:
    if postgresql is None:
        return None
    names = ", ".join(f'"{name}" text' for name in table.columns)
    with psycopg.connect(postgresql) as connection, connection.cursor() as cursor:
        cursor.execute(b"drop table if exists bench_sources")
        cursor.execute(f"create table bench_sources ({names})".encode())
        with cursor.copy(b"copy bench_sources from stdin") as copy:
            for row in table.rows(count):
                copy.write_row(row)
    return postgresql, "table: bench_sources"


def _as_workbook(folder: Path, table: Table, count: int, postgresql: str | None) -> Where:
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    with zipfile.ZipFile(folder / "table.xlsx", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        sheets = '<sheets><sheet name="bench" sheetId="1" r:id="r1"/></sheets>'
        archive.writestr("xl/workbook.xml", f'<workbook xmlns="{main}" xmlns:r="{relations}">{sheets}</workbook>')
        link = '<Relationship Id="r1" Type="worksheet" Target="worksheets/sheet1.xml"/>'
        archive.writestr("xl/_rels/workbook.xml.rels", f"<Relationships>{link}</Relationships>")
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as file:
            file.write(f'<worksheet xmlns="{main}"><sheetData>'.encode())
            file.write(_sheet_row(table.columns))
            for row in table.rows(count):
                file.write(_sheet_row(row))
            file.write(b"</sheetData></worksheet>")
    return "table.xlsx", "encoding: auto"


def _sheet_row(row: Row) -> bytes:
    cells = "".join(f'<c t="inlineStr"><is><t>{escape(cell)}</t></is></c>' if cell else "<c/>" for cell in row)
    return f"<row>{cells}</row>".encode()


WRITERS = {
    "csv": _as_csv,
    "csv.gz": _as_gzip,
    "csv.zst": _as_zstandard,
    "jsonl": _as_json_lines,
    "parquet": _as_parquet,
    "sqlite": _as_sqlite,
    "postgresql": _as_postgresql,
    "xlsx": _as_workbook,
}

if __name__ == "__main__":
    main()
