"""Quality on truth sets, without a hand on the configuration: init, run, export, evaluate on every set of a folder.

    python benchmarks/quality.py --data DIR [--only NAME ...] [--write]

DIR holds a folder per set with records.parquet (source, record_id, any columns) and truth.parquet (source, record_id,
cluster_id). A set that has columns named like identifiers of people is scored a second time without them. `--write`
puts the table into benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from mdm import Project
from mdm.guess import write_project
from mdm.reports import EvaluationReport, Quality

README = Path(__file__).with_name("README.md")
MARKS = ("<!-- quality -->", "<!-- /quality -->")
IDENTIFIER = re.compile(r"^(soc_sec_id|ssn|national_id|tax_id)$")
BIRTH = re.compile(r"^(date_of_birth|birth_date|dob)$")
SMALL = 10_000  # a set this small is scored without its identifiers, too: they make it easy


@dataclass(frozen=True, slots=True)
class Case:
    """One set, or one set without some of its columns."""

    name: str
    folder: Path
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """What one case gave."""

    case: Case
    records: int
    seconds: float
    report: EvaluationReport


def find_cases(data: Path, only: Sequence[str]) -> Iterator[Case]:
    """Every set with clusters below the folder, and its harder versions."""
    for folder in sorted(data.iterdir()):
        if not (folder / "truth.parquet").exists() or not (folder / "records.parquet").exists():
            continue
        if "cluster_id" not in pq.read_schema(folder / "truth.parquet").names:
            continue
        if only and folder.name not in only:
            continue
        yield Case(folder.name, folder)
        yield from _harder(folder)


def _harder(folder: Path) -> Iterator[Case]:
    columns = pq.read_schema(folder / "records.parquet").names
    ids = tuple(c for c in columns if IDENTIFIER.match(c))
    births = tuple(c for c in columns if BIRTH.match(c))
    if ids and pq.read_metadata(folder / "records.parquet").num_rows <= SMALL:
        yield Case(f"{folder.name} without {', '.join(ids)}", folder, ids)
        if births:
            yield Case(f"{folder.name} without {', '.join(ids + births)}", folder, ids + births)


def score(case: Case) -> Line:
    """Init, run, export and evaluate the case in a folder of its own, which is gone afterwards."""
    work = Path(tempfile.mkdtemp(prefix="mdm-quality-"))
    try:
        records = pq.read_table(case.folder / "records.parquet")
        kept: pa.Table = records.drop_columns([c for c in case.without if c in records.column_names])
        delivered = work / "records.parquet"
        pq.write_table(kept, delivered)
        begun = time.perf_counter()
        project = Project.open(write_project(work / "project", [delivered]))
        project.run()
        project.export(work / "out")
        seconds = time.perf_counter() - begun
        return Line(case, kept.num_rows, seconds, project.evaluate(case.folder / "truth.parquet"))
    finally:
        shutil.rmtree(work, ignore_errors=True)


def row(line: Line) -> str:
    """The case as a row of the table."""
    pairwise, bcubed = _three(line.report.pairwise), _three(line.report.bcubed)
    return f"| {line.case.name} | {line.records:,} | {pairwise} | {bcubed} | {line.seconds:.0f} |"


def _three(quality: Quality | None) -> str:
    if quality is None:
        return "- | - | -"
    return " | ".join(
        "-" if m.value is None else f"{m.value:.4f}" for m in (quality.precision, quality.recall, quality.f1)
    )


HEAD = "| set | records | pairwise P | R | F1 | B-cubed P | R | F1 | seconds |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|"


def write_table(rows: Sequence[str]) -> None:
    """Replace the table between the marks in the README of the benchmarks."""
    text = README.read_text(encoding="utf-8")
    before, rest = text.split(MARKS[0])
    _, after = rest.split(MARKS[1])
    README.write_text(f"{before}{MARKS[0]}\n" + "\n".join([HEAD, *rows]) + f"\n{MARKS[1]}{after}", encoding="utf-8")


def main() -> None:
    """Print the table as it grows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    print(HEAD, flush=True)
    rows = []
    for case in find_cases(arguments.data, arguments.only):
        rows.append(row(score(case)))
        print(rows[-1], flush=True)
    if arguments.write:
        write_table(rows)


if __name__ == "__main__":
    main()
