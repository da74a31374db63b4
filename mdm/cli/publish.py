"""Results for other systems: export."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mdm.cli.options import DEFAULT_PROJECT, AsJson, ProjectFile, StoreUrl, open_project
from mdm.cli.output import print_json, print_lines, print_table
from mdm.reports import ExportReport


class Format(StrEnum):
    """The file formats of an export."""

    PARQUET = "parquet"
    CSV = "csv"
    JSONL = "jsonl"


def export(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to write to; made when missing.")],
    *,
    project: ProjectFile = DEFAULT_PROJECT,
    file_format: Annotated[Format, typer.Option("--format", help="The format of the files.")] = Format.PARQUET,
    since: Annotated[
        int | None, typer.Option("--since", min=0, metavar="EVENT", help="Only what changed after this event.")
    ] = None,
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Write entities and golden records to files.

    One file per table: crosswalk, golden records, provenance, links and issues.

    \b
    Examples:
      mdm export out
      mdm export out -p shop/project.yaml --format csv
      mdm export changes --since 1200 --json
    """
    report = open_project(project, store).export(directory, file_format.value, since)
    if as_json:
        print_json(report)
    else:
        show_export(report)


def show_export(report: ExportReport) -> None:
    """The written files."""
    print_table("Exported", ("file", "rows"), [(written.path, written.rows) for written in report.files])
    if report.cursor is not None:
        print_lines([f"Next time: --since {report.cursor} for what changed."])
