"""The list files that rules refer to: CSV or plain lines -> texts, frozen into the rule when the book is loaded."""

from __future__ import annotations

import csv
from pathlib import Path

# A list is searched from its front for every value of a batch; more than these belong into a source.
MOST_VALUES = 20_000


def read_list(path: Path, column: str) -> tuple[str, ...]:
    """The distinct values of a column, in the order of the file; a file without a header is one value per line.

    A .csv or .tsv file has a header that names the column. Raises ValueError, saying what is wrong with the file.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8 text") from None
    if path.suffix in (".csv", ".tsv"):
        values = _column(path, text, column)
    else:
        values = [line.strip() for line in text.splitlines() if not line.startswith("#")]
    distinct = tuple(dict.fromkeys(value for value in values if value))
    if not distinct:
        raise ValueError(f"{path} holds no values")
    if len(distinct) > MOST_VALUES:
        raise ValueError(f"{path} holds {len(distinct):,} values; a list has at most {MOST_VALUES:,}")
    if any("\0" in value for value in distinct):
        raise ValueError(f"{path} holds a NUL character")
    return distinct


def _column(path: Path, text: str, column: str) -> list[str]:
    rows = csv.DictReader(text.splitlines(), delimiter="\t" if path.suffix == ".tsv" else ",")
    names = rows.fieldnames or ()
    if column not in names:
        raise ValueError(f"{path} has no column {column!r} (args.column names it); columns there: {', '.join(names)}")
    return [(row[column] or "").strip() for row in rows]
