"""Options that many commands share, and the project they name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mdm.project import Project

DEFAULT_PROJECT = Path("project.yaml")

ProjectFile = Annotated[Path, typer.Option("--project", "-p", metavar="FILE", help="The project file.")]
StoreUrl = Annotated[
    str | None,
    typer.Option("--store", envvar="MDM_STORE", metavar="URL", help="The store, instead of the project's own."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def open_project(path: Path, store: str | None) -> Project:
    """The project in a file; imported late, so that --help does not wait for the engine."""
    from mdm.project import Project

    return Project.open(path, store)
