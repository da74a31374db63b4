"""An Excel workbook (.xlsx) -> chunks of rows; `lines` are the row numbers that Excel shows.

Read as a stream by a parser of our own: of the libraries tried, openpyxl took 11 s where this takes 4 (100,000 rows),
and calamine reserves memory for the whole rectangle, so that one stray cell in the last corner ended the process.
Source: ECMA-376 part 1, 18.3 (sheets) and 18.4 (shared strings).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mdm.reading.chunks import Chunk, Refused, Row, blank_to_none, gathered, name_columns, printable, shown, unreadable
from mdm.reading.excel_cells import FORMULA_WITHOUT_RESULT
from mdm.reading.excel_workbook import Cells, Workbook, column_letters, open_workbook


def excel_columns(path: Path, sheet: str | None) -> tuple[str, ...]:
    """The column names: the first row of the sheet that holds anything."""
    with open_workbook(path) as workbook:
        _, columns = _header(path, workbook, workbook.rows(_choose(path, workbook, sheet)))
        return columns


def read_excel(path: Path, sheet: str | None) -> Iterator[Chunk]:
    """The rows below the header; blank rows are skipped."""
    with open_workbook(path) as workbook:
        rows = workbook.rows(_choose(path, workbook, sheet))
        header, columns = _header(path, workbook, rows)
        yield from gathered(columns, (_row(columns, header, number, cells) for number, cells in rows if cells))


def filled_sheets(path: Path) -> list[str]:
    """The names of the visible sheets that hold anything."""
    with open_workbook(path) as workbook:
        return [name for name in workbook.visible if any(cells for _, cells in workbook.rows(name))]


def _choose(path: Path, workbook: Workbook, declared: str | None) -> str:
    """The sheet to read: the one declared, else the only visible one that holds anything."""
    if declared is not None:
        if declared not in workbook.sheets:
            raise unreadable(path, f"has no sheet {declared!r}; sheets there: {', '.join(workbook.sheets)}")
        return declared
    filled = [name for name in workbook.visible if any(cells for _, cells in workbook.rows(name))]
    if not filled:
        raise unreadable(path, "is empty; its first row must name the columns")
    if len(filled) > 1:
        raise unreadable(path, f"has several sheets; write `sheet:` with one of: {', '.join(filled)}")
    return filled[0]


def _header(path: Path, workbook: Workbook, rows: Iterator[tuple[int, Cells]]) -> tuple[Cells, tuple[str, ...]]:
    cells = next((cells for _, cells in rows if cells), None)
    if not cells:
        raise unreadable(path, "is empty; its first row must name the columns")
    names = [cells.get(n) or "" for n in range(max(cells) + 1)]
    return cells, name_columns(path, names)


def _row(columns: tuple[str, ...], header: Cells, number: int, cells: Cells) -> tuple[int, Row] | Refused:
    row = blank_to_none(cells.get(n) for n in range(len(columns)))
    beyond = [n for n in cells if n >= len(columns)]
    if beyond:
        reason = f"a value stands in {column_letters(min(beyond))}{number}, right of the last named column"
    elif FORMULA_WITHOUT_RESULT in cells.values():
        at = next(n for n, cell in cells.items() if cell == FORMULA_WITHOUT_RESULT)
        reason = f"the formula in {column_letters(at)}{number} has no stored result; save the workbook in Excel"
    elif cells == header:
        reason = "repeats the header"
    else:
        return number, row
    return Refused(number, reason, printable(shown(columns, row)))
