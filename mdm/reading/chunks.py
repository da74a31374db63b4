"""What every reader gives: chunks of rows as text, with line numbers and the rows that could not be read.

Invariant: a chunk is bounded in rows and in characters, and holds only text that every store can keep.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from mdm.errors import BadSource

CHUNK_ROWS = 20_000
CHUNK_CHARACTERS = 1 << 24
CHUNK_CELLS = 1 << 23
MAX_RAW = 2_000  # characters kept of a row that could not be read
NOT_STORABLE = "holds a NUL character or text that did not decode"

Row = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Form:
    """How a file is written, as far as it was declared; `auto` and None are found out."""

    encoding: str = "auto"
    separator: str | None = None
    sheet: str | None = None


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


@dataclass(slots=True)
class Gathering:
    """Rows on their way into a chunk."""

    columns: tuple[str, ...]
    rows: list[Row] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    characters: int = 0

    def add(self, line: int, row: Row) -> None:
        """One more row."""
        self.rows.append(row)
        self.lines.append(line)
        self.characters += sum([len(cell) for cell in row if cell is not None])

    @property
    def is_full(self) -> bool:
        """Whether a chunk must take no more."""
        rows = len(self.rows) + len(self.refused)
        return rows >= rows_of_a_chunk(len(self.columns)) or self.characters >= CHUNK_CHARACTERS

    def chunk(self) -> Chunk:
        """The rows so far, without those that hold what is no text."""
        return storable(Chunk(self.columns, self.rows, self.lines, self.refused))


def rows_of_a_chunk(columns: int) -> int:
    """How many rows of so many columns a chunk may hold."""
    return max(1, min(CHUNK_ROWS, CHUNK_CELLS // max(1, columns)))


def gathered(columns: tuple[str, ...], rows: Iterable[tuple[int, Row] | Refused]) -> Iterator[Chunk]:
    """Chunks of numbered rows and refusals, in their order."""
    gathering = Gathering(columns)
    for row in rows:
        if isinstance(row, Refused):
            gathering.refused.append(row)
        else:
            gathering.add(*row)
        if gathering.is_full:
            yield gathering.chunk()
            gathering = Gathering(columns)
    if gathering.rows or gathering.refused:
        yield gathering.chunk()


def storable(chunk: Chunk) -> Chunk:
    """The chunk; rows that hold NUL or lone surrogates are refused instead."""
    if is_text("".join([cell for row in chunk.rows for cell in row if cell is not None])):
        return chunk
    numbered = zip(chunk.lines, chunk.rows, strict=True)
    good = [(line, row) for line, row in numbered if _is_text_row(row)]
    kept = {line for line, _ in good}
    bad = [(n, row) for n, row in zip(chunk.lines, chunk.rows, strict=True) if n not in kept]
    refused = [*chunk.refused, *(Refused(n, NOT_STORABLE, printable(shown(chunk.columns, row))) for n, row in bad)]
    refused.sort(key=lambda each: each.line)
    return Chunk(chunk.columns, [row for _, row in good], [line for line, _ in good], refused)


def _is_text_row(row: Row) -> bool:
    return is_text("".join([cell for cell in row if cell is not None]))


def is_text(text: str) -> bool:
    """Whether the text decoded well and holds no NUL."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def shown(columns: Iterable[str], row: Row) -> str:
    """The row as `column=value` pairs; blanks are left out."""
    pairs = (f"{column}={cell}" for column, cell in zip(columns, row, strict=True) if cell is not None)
    return ", ".join(pairs)[:MAX_RAW]


def printable(text: str) -> str:
    """The start of a text, with what no store can keep written as escapes."""
    return text[:MAX_RAW].replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()


def unreadable(place: object, problem: str) -> BadSource:
    """The refusal of a whole file or query."""
    return BadSource(f"{place}: {problem}")


def name_columns(place: object, names: Iterable[str]) -> tuple[str, ...]:
    """The names without outer blanks; a nameless column is called by its position; a repeated name is refused."""
    columns: dict[str, int] = {}
    for n, name in enumerate(names, start=1):
        named = name.strip() or f"column_{n}"
        if named in columns:
            there = f"columns {columns[named]} and {n} are both named {named!r}"
            raise unreadable(place, f"two columns are named {named!r}; give each its own name ({there})")
        if not is_text(named):
            raise unreadable(place, f"column {n}: its name {printable(named)!r} is not text; correct the header")
        columns[named] = n
    return tuple(columns)


def blank_to_none(cells: Iterable[str | None]) -> Row:
    """The cells, with None for those that hold nothing but blanks."""
    return tuple([cell if cell and not cell.isspace() else None for cell in cells])
