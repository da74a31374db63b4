"""Results for other systems: export."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mdm.cli.options import DEFAULT_PROJECT, AsJson, ProjectFile, StoreUrl, open_project
from mdm.cli.output import print_json, print_lines, print_table
from mdm.cli.verdicts import Actor, user_name
from mdm.errors import BadInput
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
        str | None,
        typer.Option("--since", metavar="EVENT", help="Only what changed after this event, or since this moment."),
    ] = None,
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Write entities and golden records to files.

    One file per table: crosswalk, golden records, provenance, links, issues, and ids of elsewhere (aliases).

    \b
    Examples:
      mdm export out
      mdm export out -p shop/project.yaml --format csv
      mdm export changes --since 1200 --json
      mdm export changes --since 2026-11-02T06:00:00Z
    """
    report = open_project(project, store).export(directory, file_format.value, _since(since))
    if as_json:
        print_json(report)
    else:
        show_export(report)


def _since(text: str | None) -> int | datetime | None:
    """An event number, or a moment in ISO 8601. Raises BadInput."""
    if text is None or text.isdecimal():
        return None if text is None else int(text)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(f"--since {text!r} is no event number, and no moment such as 2026-11-02T06:00:00Z") from None


def show_export(report: ExportReport) -> None:
    """The written files."""
    print_table("Exported", ("file", "rows"), [(written.path, written.rows) for written in report.files])
    if report.cursor is not None:
        print_lines([f"Next time: --since {report.cursor} for what changed."])


def import_crosswalk(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="csv, tsv, parquet or jsonl.")],
    *,
    actor: Actor = None,
    project: ProjectFile = DEFAULT_PROJECT,
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Take over the entity ids of another master.

    The file says source, record_id and entity_id of each record; other columns are not read. It may come before the
    first run or later. The next run lets entities inherit these ids; an id of another form than ours stays valid
    wherever an id is asked for, and `mdm export` lists it in `aliases`. Where the data contradict the file, `mdm tasks`
    asks.

    \b
    Examples:
      mdm import-crosswalk old_master.csv
      mdm import-crosswalk old_master.csv -p shop/project.yaml --json
    """
    report = open_project(project, store).import_crosswalk(path, actor or user_name())
    if as_json:
        print_json(report)
        return
    facts = [("records", report.records), ("ids", report.ids), ("ids of our own form", report.own)]
    print_table("Imported", ("", "count"), [*facts, ("records not stored yet", report.waiting)])
    if report.ignored:
        print_lines([f"Not read: {', '.join(report.ignored)}; golden values follow from the records themselves."])
    print_lines(["Next: mdm run"])


class Form(StrEnum):
    """How a release is written."""

    JSON = "json"
    SPLINK = "splink"


def export_release(
    release_id: Annotated[str, typer.Argument(metavar="RELEASE", help="A release as `mdm releases` lists it.")],
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The file to write; a folder for Splink.")],
    *,
    form: Annotated[Form, typer.Option("--as", help="Our own JSON, or what Splink needs.")] = Form.JSON,
    project: ProjectFile = DEFAULT_PROJECT,
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Write a release to a file, or for Splink.

    json: a file that `mdm import-release` reads into another store. splink: a folder with settings.json, the table to
    link (features.parquet) and term frequencies (tf_NAME.parquet), with which Splink gives the same weights.

    \b
    Examples:
      mdm export-release person-2 person.json
      mdm export-release person-2 person-splink --as splink
    """
    report = open_project(project, store).export_release(release_id, path, form.value)
    if as_json:
        print_json(report)
    else:
        show_export(report)


def import_release(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A file that `mdm export-release` wrote.")],
    *,
    project: ProjectFile = DEFAULT_PROJECT,
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Read a release from a file, without activating it.

    \b
    Examples:
      mdm import-release person.json
    """
    release = open_project(project, store).import_release(path)
    if as_json:
        print_json(release)
    else:
        print_lines([f"Stored {release.release_id}. Next: mdm plan {release.release_id}"])
