"""People who sign in to the pages: add, list, disable, passwd."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from mdm.cli.keys import Role
from mdm.cli.options import DEFAULT_PROJECT, AsJson, ProjectFile, StoreUrl, open_project
from mdm.cli.output import print_json, print_lines, print_table
from mdm.cli.verdicts import user_name

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Who signs in by it; shown in the audit trail.")]


@app.callback()
def _root() -> None:
    """People who sign in to the pages of the server.

    \b
    Examples:
      mdm users add jane --role steward
      mdm users list
    """


@app.command()
def add(
    name: Name,
    *,
    role: Annotated[Role, typer.Option("--role", help="What the user may see and do.")] = Role.steward,
    project: ProjectFile = DEFAULT_PROJECT,
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Let somebody sign in; the password is asked for, or read as one line of the standard input.

    \b
    Examples:
      mdm users add jane --role steward
    """
    from mdm import accounts

    with open_project(project, store).store() as opened:
        accounts.add_user(opened, name, role.value, _password(), actor=user_name())
    _tell({"name": name, "role": role.value}, f"{name} may sign in as {role.value}.", as_json)


@app.command("list")
def list_users(project: ProjectFile = DEFAULT_PROJECT, store: StoreUrl = None, as_json: AsJson = False) -> None:
    """List all users, disabled ones too.

    \b
    Examples:
      mdm users list
    """
    from mdm.store import accounts

    with open_project(project, store).store() as opened, opened.reading() as connection:
        known = accounts.all(connection)
    if as_json:
        print_json(known)
        return
    rows = [(user.name, user.role, user.created_at, user.disabled_at) for user in known]
    print_table("Users", ("name", "role", "made", "disabled"), rows)


@app.command()
def disable(
    name: Name, *, project: ProjectFile = DEFAULT_PROJECT, store: StoreUrl = None, as_json: AsJson = False
) -> None:
    """End all sessions of a user and let nobody sign in by that name; `passwd` opens the account again.

    \b
    Examples:
      mdm users disable jane
    """
    from mdm import accounts

    with open_project(project, store).store() as opened:
        accounts.disable_user(opened, name, actor=user_name())
    _tell({"disabled": name}, f"{name} cannot sign in any more.", as_json)


@app.command()
def passwd(
    name: Name, *, project: ProjectFile = DEFAULT_PROJECT, store: StoreUrl = None, as_json: AsJson = False
) -> None:
    """Give a user another password; all sessions of the user end.

    \b
    Examples:
      mdm users passwd jane
    """
    from mdm import accounts

    with open_project(project, store).store() as opened:
        accounts.set_password(opened, name, _password(), actor=user_name())
    _tell({"changed": name}, f"{name} has another password.", as_json)


def _password() -> str:
    """Asked for twice without showing it; from a pipe one line is taken."""
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")


def _tell(machine: dict[str, str], people: str, as_json: bool) -> None:
    if as_json:
        print_json(machine)
    else:
        print_lines([people])
