"""What a command prints: results as tables or JSON on stdout, progress and errors on stderr."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mdm.errors import BadInput
from mdm.reports import to_json

Progress = Callable[[str, int, int | None], None]

PIPE_WIDTH = 160


def print_json(result: object) -> None:
    """The result as JSON on stdout."""
    sys.stdout.write(to_json(result) + "\n")


def print_error(code: str, message: str, *, as_json: bool) -> None:
    """An error on stderr, for people or for machines."""
    text = to_json({"error": {"code": code, "message": message}}) if as_json else f"Error: {printable(message)}"
    sys.stderr.write(text + "\n")


def print_error_line(line: str) -> None:
    """A line of text on stderr."""
    sys.stderr.write(printable(line) + "\n")


def write_text(text: str, path: Path | None) -> None:
    """The text in a file, or on stdout. Raises BadInput when it cannot be written."""
    if path is None:
        sys.stdout.write(text)
        return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"cannot write {path}: {error.strerror}; choose another place") from error


def print_lines(lines: Iterable[str]) -> None:
    """Lines of text on stdout."""
    for line in lines:
        sys.stdout.write(printable(line) + "\n")


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table on stdout; numbers stand to the right, None is left empty, long cells fold and lose nothing."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    cells = [[Text(cell_text(cell)) for cell in row] for row in rows]
    table = Table(title=Text(title), title_justify="left")
    for column, name in enumerate(columns):
        numeric = bool(cells) and all(_is_number(row[column].plain) for row in cells)
        table.add_column(Text(name), justify="right" if numeric else "left", overflow="fold")
    for row in cells:
        table.add_row(*row)
    # A pipe has no width of its own, and folding at 80 columns would break record ids in logs.
    Console(width=None if sys.stdout.isatty() else PIPE_WIDTH).print(table)


def cell_text(cell: object) -> str:
    """A cell as it is shown: thousands separated, bits and seconds with two decimals."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, int):
        return f"{cell:,}"
    return f"{cell:,.2f}" if isinstance(cell, float) else printable(str(cell))


def printable(text: str) -> str:
    """The text without control characters: data must not steer the terminal."""
    return "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(sign) == "Cc" else sign for sign in text)


@contextmanager
def progress_bars(*, quiet: bool) -> Iterator[Progress]:
    """A callback (stage, done, total or None) that draws bars on stderr, or nothing when nobody watches."""
    if quiet or not sys.stderr.isatty():
        yield _silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def draw(stage: str, done: int, total: int | None) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield draw


def _silent(stage: str, done: int, total: int | None) -> None:
    """Draws nothing."""


def _is_number(text: str) -> bool:
    return text == "" or text.replace(",", "").replace(".", "", 1).lstrip("-").isdigit()
