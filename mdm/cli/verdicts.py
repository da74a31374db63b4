"""What stewards decide: verdict same, different, list, undo."""

from __future__ import annotations

import getpass
from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from mdm.cli.options import DEFAULT_PROJECT, AsJson, ProjectFile, StoreUrl, open_project
from mdm.cli.output import print_json, print_lines, print_table
from mdm.reports import VerdictLine

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

Left = Annotated[str, typer.Argument(metavar="A", help="A record, as source:record_id.")]
Right = Annotated[str, typer.Argument(metavar="B", help="Another record.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept with the verdict.")]
Actor = Annotated[
    str | None, typer.Option("--actor", envvar="MDM_ACTOR", help="Who decides; by default the user of the machine.")
]


@app.callback()
def _root() -> None:
    """Decide by hand which records are one customer.

    A verdict holds through everything that comes later, until it is withdrawn.

    \b
    Examples:
      mdm verdict same crm:C1 web:77 --reason "same passport"
      mdm verdict list
    """


@app.command()
def same(
    left: Left,
    right: Right,
    *,
    reason: Reason = "",
    actor: Actor = None,
    project: ProjectFile = DEFAULT_PROJECT,
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Say that two records are one customer.

    \b
    Examples:
      mdm verdict same crm:C1 web:77 --reason "same passport"
    """
    verdict_id = open_project(project, store).verdict("same", [left], [right], reason, actor or user_name())
    _confirm(verdict_id, f"{left} and {right} are one customer", as_json)


@app.command()
def different(
    left: Left,
    right: Right,
    *,
    reason: Reason = "",
    actor: Actor = None,
    project: ProjectFile = DEFAULT_PROJECT,
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Say that two records are two customers.

    No evidence that comes later joins them.

    \b
    Examples:
      mdm verdict different crm:C1 crm:C2 --reason "father and son"
    """
    verdict_id = open_project(project, store).verdict("different", [left], [right], reason, actor or user_name())
    _confirm(verdict_id, f"{left} and {right} are two customers", as_json)


@app.command()
def related(
    left: Left,
    right: Right,
    *,
    relation: Annotated[str, typer.Option("--relation", help="How they are related.")] = "household",
    reason: Reason = "",
    actor: Actor = None,
    project: ProjectFile = DEFAULT_PROJECT,
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Say that two records are two customers who belong together.

    They are never joined; exports and both entities tell of the relation.

    \b
    Examples:
      mdm verdict related crm:C1 crm:C2 --relation household
      mdm verdict related crm:C1 crm:C9 --relation employer
    """
    who = actor or user_name()
    verdict_id = open_project(project, store).verdict("related", [left], [right], reason, who, relation=relation)
    _confirm(verdict_id, f"{left} and {right} are related ({relation})", as_json)


@app.command()
def confirm(
    records: Annotated[list[str], typer.Argument(metavar="RECORD...", help="Records, as source:record_id.")],
    *,
    reason: Reason = "",
    actor: Actor = None,
    project: ProjectFile = DEFAULT_PROJECT,
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Say that records were looked at and are one customer, whole.

    They stay together, and others need more evidence to join them.

    \b
    Examples:
      mdm verdict confirm crm:C1 web:77 billing:B5
    """
    verdict_id = open_project(project, store).verdict("confirmed", records, [], reason, actor or user_name())
    _confirm(verdict_id, f"{', '.join(records)} are one customer, confirmed", as_json)


@app.command("list")
def list_verdicts(project: ProjectFile = DEFAULT_PROJECT, store: StoreUrl = None, as_json: AsJson = False) -> None:
    """List all verdicts, withdrawn ones too.

    \b
    Examples:
      mdm verdict list
      mdm verdict list -p shop/project.yaml --json
    """
    known = open_project(project, store).verdicts()
    if as_json:
        print_json(known)
    else:
        show_verdicts(known)


@app.command()
def undo(
    verdict_id: Annotated[int, typer.Argument(metavar="ID", help="A verdict as `mdm verdict list` numbers it.")],
    *,
    reason: Reason = "",
    actor: Actor = None,
    project: ProjectFile = DEFAULT_PROJECT,
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Withdraw a verdict.

    The entities become what they would be without it.

    \b
    Examples:
      mdm verdict undo 3 --reason "typed the wrong id"
    """
    open_project(project, store).withdraw(verdict_id, reason=reason, actor=actor or user_name())
    if as_json:
        print_json({"withdrawn": verdict_id})
    else:
        print_lines([f"Verdict {verdict_id} is withdrawn."])


def user_name() -> str:
    """The user of the machine; `cli` where it knows none, as in a container without a password file."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "cli"


def show_corrections(corrected: Mapping[str, Sequence[str]]) -> str:
    """The values as they are typed."""
    return " ".join(f"{name}={text}" for name, texts in corrected.items() for text in (texts or ("",)))


def show_verdicts(verdicts: list[VerdictLine]) -> None:
    """The table of verdicts."""
    print_table(
        "Verdicts",
        ("id", "kind", "left", "right", "values", "reason", "by", "at", "withdrawn"),
        [
            (
                verdict.verdict_id,
                verdict.kind,
                " ".join(verdict.left),
                " ".join(verdict.right),
                show_corrections(verdict.corrected),
                verdict.reason,
                verdict.actor,
                verdict.created_at,
                verdict.withdrawn_at,
            )
            for verdict in verdicts
        ],
    )


def _confirm(verdict_id: int, meaning: str, as_json: bool) -> None:
    if as_json:
        print_json({"verdict_id": verdict_id})
    else:
        print_lines([f"Verdict {verdict_id}: {meaning}. `mdm verdict undo {verdict_id}` withdraws it."])
