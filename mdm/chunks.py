"""What every reader gives: chunks of rows as text, with line numbers and the rows that could not be read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mdm.errors import BadSource

CHUNK_ROWS = 20_000
MAX_RAW = 2_000  # characters kept of a row that could not be read

Row = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that could not be read: its line, why, and the start of its text."""

    line: int
    reason: str
    raw: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """Up to CHUNK_ROWS rows of one file; `lines` are line numbers, or row numbers where there are no lines."""

    columns: tuple[str, ...]
    rows: list[Row]
    lines: list[int]
    refused: list[Refused]


def unreadable(path: Path, problem: str) -> BadSource:
    """The refusal of a whole file."""
    return BadSource(f"{path}: {problem}")


def name_columns(path: Path, names: Iterable[str]) -> tuple[str, ...]:
    """The names without outer blanks; a nameless column is called by its position; a repeated name is refused."""
    columns = tuple(name.strip() or f"column_{n}" for n, name in enumerate(names, start=1))
    for n, name in enumerate(columns):
        if name in columns[:n]:
            raise unreadable(path, f"two columns are named {name!r}; give each its own name")
    return columns


def blank_to_none(cells: Iterable[str | None]) -> Row:
    """The cells, with None for those that hold nothing but blanks."""
    return tuple([cell if cell and not cell.isspace() else None for cell in cells])
