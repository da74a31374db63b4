"""Keys of callers: add, list, revoke."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from mdm.cli.options import DEFAULT_PROJECT, AsJson, ProjectFile, StoreUrl, open_project
from mdm.cli.output import print_json, print_lines, print_table
from mdm.cli.verdicts import user_name

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


class Role(StrEnum):
    """What a key may do, each with what those before it may."""

    match = "match"
    reader = "reader"
    writer = "writer"
    steward = "steward"
    admin = "admin"


@app.callback()
def _root() -> None:
    """Keys with which applications call the server.

    \b
    Examples:
      mdm keys add signup --role match
      mdm keys list
    """


@app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who calls with it; shown in logs and the audit trail.")],
    *,
    role: Annotated[Role, typer.Option("--role", help="What the key may do.")],
    source: Annotated[
        list[str] | None, typer.Option("--source", help="The only source it may write to; may be given several times.")
    ] = None,
    days: Annotated[int | None, typer.Option("--days", min=1, help="It expires after so many days.")] = None,
    project: ProjectFile = DEFAULT_PROJECT,
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Make a key, and print its secret, which is told this once only.

    \b
    Examples:
      mdm keys add signup --role match
      mdm keys add loader --role writer --source crm --days 365
    """
    from mdm import keyring
    from mdm.keyring import Wanted

    opened = open_project(project, store)
    wanted = Wanted(name, role.value, tuple(source) if source else None, days)
    with opened.store() as opened_store:
        secret = keyring.add_key(opened_store, opened.policy, wanted, actor=user_name())
    if as_json:
        print_json({"name": name, "role": role.value, "key": secret})
    else:
        print_lines([secret, f"This is the key {name!r}. It is stored nowhere; keep it now."])


@app.command("list")
def list_keys(project: ProjectFile = DEFAULT_PROJECT, store: StoreUrl = None, as_json: AsJson = False) -> None:
    """List all keys, revoked ones too, without their secrets.

    \b
    Examples:
      mdm keys list
    """
    known = open_project(project, store).api_keys()
    if as_json:
        print_json(known)
        return
    print_table(
        "Keys",
        ("name", "role", "sources", "made", "expires", "revoked"),
        [
            (key.name, key.role, " ".join(key.sources or ()) or "all", key.created_at, key.expires_at, key.revoked_at)
            for key in known
        ],
    )


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A key as `mdm keys list` shows it.")],
    *,
    project: ProjectFile = DEFAULT_PROJECT,
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Make a key worthless; servers follow within a second.

    \b
    Examples:
      mdm keys revoke signup
    """
    from mdm import keyring

    with open_project(project, store).store() as opened:
        keyring.revoke_key(opened, name, actor=user_name())
    if as_json:
        print_json({"revoked": name})
    else:
        print_lines([f"Key {name!r} opens nothing any more."])
