"""A project written by `mdm init` in a test, after the check that it runs as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from mdm.guess import write_project
from mdm.project_file import load_project
from mdm.sources import BadRow, check_columns, scan


def table(header: str, *rows: str) -> str:
    return "\n".join([header, *rows]) + "\n"


def init(folder: Path, text: str | bytes, entity: str | None = None, name: str = "list.csv") -> dict[str, Any]:
    """The sources of the project written for one file, after a check that it runs as it is."""
    data = text if isinstance(text, bytes) else text.encode()
    (folder / name).write_bytes(data)
    return written(folder, write_project(folder, [folder / name], entity))


def written(folder: Path, path: Path) -> dict[str, Any]:
    project = load_project(path, {})
    check_columns(project)
    bad: list[BadRow] = []
    assert sum(len(batch.rows) for batch in scan(project, bad.append)) > 0
    assert bad == []
    sources: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))["sources"]
    return sources
