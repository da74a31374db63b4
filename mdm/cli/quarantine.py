"""What rules keep apart: quarantine list, release, correct, discard."""

from __future__ import annotations

from typing import Annotated

import typer

from mdm.cli.options import DEFAULT_PROJECT, AsJson, ProjectFile, StoreUrl, open_project
from mdm.cli.output import print_json, print_lines, print_table
from mdm.cli.verdicts import Actor, Reason, show_corrections, user_name
from mdm.errors import BadInput
from mdm.reports import QuarantinedLine

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

Names = Annotated[list[str], typer.Argument(metavar="RECORD...", help="Records, as source:record_id.")]


@app.callback()
def _root() -> None:
    """Decide about records that a rule rejected.

    They are kept and belong to nobody until their source corrects them, or a steward corrects them or lets them pass.

    \b
    Examples:
      mdm quarantine list
      mdm quarantine release crm:C4 --reason "a branch without a name of its own"
      mdm quarantine correct crm:C9 birth_date=1980-02-03 --reason "her passport"
    """


@app.command("list")
def list_quarantined(
    *,
    every: Annotated[bool, typer.Option("--all", help="Also what was discarded, released or corrected.")] = False,
    project: ProjectFile = DEFAULT_PROJECT,
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """List the records in quarantine with the rules that reject them, and rows that could not be read.

    \b
    Examples:
      mdm quarantine list
      mdm quarantine list --all --json
    """
    lines = open_project(project, store).quarantined(every=every)
    if as_json:
        print_json(lines)
    else:
        show_quarantined(lines)


@app.command()
def release(
    names: Names,
    *,
    reason: Reason = "",
    actor: Actor = None,
    project: ProjectFile = DEFAULT_PROJECT,
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Let records pass as they are.

    They take part as if no rule had rejected them, through every run, until their content changes.

    \b
    Examples:
      mdm quarantine release crm:C4 crm:C9 --reason "checked by phone"
    """
    numbers = open_project(project, store).decide_quarantined("released", names, reason, actor or user_name())
    _confirm(names, numbers, "released", as_json)


@app.command()
def discard(
    names: Names,
    *,
    reason: Reason = "",
    actor: Actor = None,
    project: ProjectFile = DEFAULT_PROJECT,
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Leave records in quarantine for good.

    They are not listed any more, until their content changes.

    \b
    Examples:
      mdm quarantine discard crm:C4 --reason "a test record"
    """
    numbers = open_project(project, store).decide_quarantined("discarded", names, reason, actor or user_name())
    _confirm(names, numbers, "discarded", as_json)


@app.command()
def correct(
    record: Annotated[str, typer.Argument(metavar="RECORD", help="A record, as source:record_id.")],
    values: Annotated[
        list[str],
        typer.Argument(
            metavar="FIELD=VALUE...", help="Better values; a field again adds a value, an empty one is none."
        ),
    ],
    *,
    reason: Reason = "",
    actor: Actor = None,
    project: ProjectFile = DEFAULT_PROJECT,
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Give better values for a record.

    It takes part with them, through every run, until what is delivered changes. Refused when rules reject it still.

    \b
    Examples:
      mdm quarantine correct crm:C4 name.family=Poole birth_date=1975-12-01 --reason "her passport"
      mdm quarantine correct crm:C4 phone=0912345678 phone="024 3825 1234" email=
    """
    given = _read_pairs(values)
    number = open_project(project, store).correct_quarantined(record, given, reason, actor or user_name())
    _confirm([record], [number], "corrected", as_json)


def _read_pairs(texts: list[str]) -> dict[str, list[str]]:
    """Field -> its values, of `field=value`."""
    given: dict[str, list[str]] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise BadInput(f"{text!r} is no value of a field; write field=value, as name.family=Smith")
        given.setdefault(name.strip(), []).append(value)
    return given


def show_quarantined(lines: list[QuarantinedLine]) -> None:
    """The table of what is in quarantine."""
    print_table(
        "Quarantine",
        ("record", "entity", "state", "because of", "row", "corrected"),
        [
            (
                line.record or line.place,
                line.entity,
                line.state,
                ", ".join(line.reasons),
                line.row,
                show_corrections(line.corrected),
            )
            for line in lines
        ],
    )


def _confirm(names: list[str], numbers: list[int], done: str, as_json: bool) -> None:
    if as_json:
        print_json({"verdict_ids": numbers})
        return
    print_lines(
        f"Verdict {number}: {name} is {done}. `mdm verdict undo {number}` withdraws it."
        for name, number in zip(dict.fromkeys(names), numbers, strict=True)
    )
