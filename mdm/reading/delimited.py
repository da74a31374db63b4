"""CSV and TSV text -> chunks of rows; a row that cannot be read is set aside with its line, and reading goes on.

Invariant: every line of the file ends up in a row, in a refusal, or was blank.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TextIO

from mdm.reading.chunks import (
    CHUNK_CHARACTERS,
    CHUNK_ROWS,
    Chunk,
    Form,
    Refused,
    Row,
    blank_to_none,
    is_text,
    name_columns,
    printable,
    unreadable,
)
from mdm.reading.encodings import AUTO, guess_encoding, text_encoding
from mdm.reading.streams import HEAD, open_bytes, take_lines

DELIMITERS = ",;\t|"
HEADER_LINES = 100
MAX_RECORD_LINES = 200  # a quoted cell may hold line breaks; one that runs longer is a quote nobody closed
MAX_UNDECODABLE = 0.05  # share of rows; above it the file is in another encoding, not damaged
MIN_UNDECODABLE = 20
REPEATED_HEADER = "repeats the header"
_NOT_TEXT = "not text in the encoding of the file (UTF-8 unless `encoding` says so)"
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)  # what Excel writes to itself above the header
csv.field_size_limit(CHUNK_CHARACTERS)


@dataclass(frozen=True, slots=True)
class _Layout:
    """How a file is written: columns as named and as written, delimiter, and how many lines come before the rows."""

    columns: tuple[str, ...]
    header: tuple[str, ...]
    delimiter: str
    header_lines: int


@dataclass(slots=True)
class _Parsed:
    """What became of a block of lines: rows with their lines, refusals, and how many lines were used."""

    rows: list[Row] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    used: int = 0


@dataclass(frozen=True, slots=True)
class _Block:
    """Consecutive lines of a file, the first of which is number `first`."""

    lines: list[str]
    first: int
    is_last: bool

    def refuse(self, index: int, reason: str, end: int | None = None) -> Refused:
        """The refusal of the line at this index, or of the lines from there up to `end`."""
        text = "".join(self.lines[index : index + 1 if end is None else end])
        return Refused(self.first + index, reason, printable(text.rstrip("\r\n")))


def delimited_columns(path: Path, form: Form) -> tuple[str, ...]:
    """The column names in the header."""
    with _open(path, form.encoding) as file:
        return _layout(path, form, _take(path, file, HEADER_LINES, after=0)).columns


def read_delimited(path: Path, form: Form) -> Iterator[Chunk]:
    """The rows of a file in chunks, in its order; blank lines are skipped."""
    with _open(path, form.encoding) as file:
        head = _take(path, file, HEADER_LINES, after=0)
        layout = _layout(path, form, head)
        line, kept = 1 + layout.header_lines, head[layout.header_lines :]
        while True:
            fresh = _take(path, file, CHUNK_ROWS - MAX_RECORD_LINES, after=line + len(kept) - 1)
            block = _Block(kept + fresh, line, is_last=not fresh)
            parsed = _parse(block, layout)
            yield _chunk(path, layout, block, parsed)
            line, kept = line + parsed.used, block.lines[parsed.used :]
            if block.is_last:
                return


def guess_form(path: Path) -> Form:
    """How to declare the form of a file of text: its encoding where nothing in it tells."""
    with open_bytes(path) as raw:
        return Form(encoding=guess_encoding(_read_head(path, raw, 1 << 20)))


def _open(path: Path, encoding: str) -> TextIO:
    """The text of a file; undecodable bytes become surrogates, so that only their rows are lost."""
    stream = open_bytes(path)
    head = stream.peek(HEAD)[:HEAD]
    name = text_encoding(path, head, encoding)
    errors = "surrogatepass" if name.startswith(("utf-16", "utf-32")) else "surrogateescape"
    newline = "\n" if b"\n" in head or b"\r" not in head else "\r"  # CR alone: the way of old Macs
    return io.TextIOWrapper(stream, encoding=name, errors=errors, newline=newline)


def _read_head(path: Path, raw: BinaryIO, size: int) -> bytes:
    try:
        return raw.read(size)
    except OSError as error:
        raise unreadable(path, f"cannot be read: {error}") from error


def _take(path: Path, file: TextIO, count: int, *, after: int) -> list[str]:
    """Up to `count` lines, fewer when they are long."""
    lines: list[str] = []
    try:
        take_lines(file, lines, count)
    except UnicodeError as error:
        raise unreadable(path, f"after line {after + len(lines)}: not text in {file.encoding}: {error}") from error
    except OSError as error:
        raise unreadable(path, f"cannot be read after line {after + len(lines)}: {error}") from error
    return lines


def _layout(path: Path, form: Form, lines: list[str]) -> _Layout:
    """The layout, from the first line that is not blank."""
    start = next((n for n, line in enumerate(lines) if line.strip()), None)
    if start is None:
        raise unreadable(path, "is empty; it needs a header line")
    told = _SEPARATOR_LINE.fullmatch(lines[start])
    if told is not None and len(lines) > start + 1:
        start += 1
    if not is_text(lines[start]):
        raise unreadable(path, f"line {start + 1}: the header is not text in UTF-8; {_advice(path)}")
    delimiter = form.separator or (told.group(1) if told else _delimiter(lines[start]))
    reader = csv.reader(lines[start:], delimiter=delimiter)
    try:
        names = next(reader)
    except csv.Error as error:
        raise unreadable(path, f"line {start + 1}: the header cannot be read: {error}") from error
    if reader.line_num > 1 and len(lines[start:]) == reader.line_num and len(lines) == HEADER_LINES:
        raise unreadable(path, f"line {start + 1}: a quote in the header is not closed")
    return _Layout(name_columns(path, names), tuple(names), delimiter, start + reader.line_num)


def _delimiter(header: str) -> str:
    """The delimiter that splits the header most often outside quotes; a comma when none does."""
    bare = "".join(header.split('"')[::2])
    return max(DELIMITERS, key=bare.count)


def _advice(path: Path) -> str:
    """What to declare, when the start of the file shows what it is written in."""
    likely = guess_form(path).encoding
    return "say the file's `encoding`" if likely == AUTO else f"it looks like {likely}: write `encoding: {likely}`"


def _parse(block: _Block, layout: _Layout) -> _Parsed:
    """Every record of a block; after one that cannot be read, reading starts again on the line after its first."""
    parsed = _Parsed()
    while parsed.used < len(block.lines):
        reason = _parse_run(block, layout, parsed)
        if reason is None:
            break
        parsed.refused.append(block.refuse(parsed.used, reason))
        parsed.used += 1
    return parsed


def _parse_run(block: _Block, layout: _Layout, parsed: _Parsed) -> str | None:
    """Reads on from `parsed.used`; why the record that then stands there cannot be read.

    None at the end of the block, or when the record at `parsed.used` may go on in the next block.
    """
    base, done, width, header = parsed.used, 0, len(layout.columns), list(layout.header)
    lines = map(block.lines.__getitem__, range(base, len(block.lines)))
    reader = csv.reader(lines, delimiter=layout.delimiter, strict=True)
    try:
        for row in reader:
            if len(row) == width and reader.line_num - done <= MAX_RECORD_LINES and row != header:
                parsed.rows.append(blank_to_none(row))  # at once: lists that live on cost as much again in GC
                parsed.lines.append(block.first + base + done)
            elif row:
                parsed.used = base + done
                return REPEATED_HEADER if row == header else _why_not_a_row(row, width, reader.line_num - done)
            done = reader.line_num
    except csv.Error as error:
        parsed.used = base + done
        may_go_on = "unexpected end" in str(error) and not block.is_last
        return None if may_go_on and _may_be_one_record(block.lines[parsed.used :]) else _csv_reason(error)
    parsed.used = len(block.lines)
    return None


def _may_be_one_record(lines: list[str]) -> bool:
    return len(lines) <= MAX_RECORD_LINES and sum(map(len, lines)) <= CHUNK_CHARACTERS


def _why_not_a_row(row: list[str], width: int, line_count: int) -> str:
    if line_count > MAX_RECORD_LINES:
        return f"a quote is not closed within {MAX_RECORD_LINES} lines"
    return f"expected {width} columns, found {len(row)}"


def _csv_reason(error: csv.Error) -> str:
    text = str(error)
    if "unexpected end" in text:
        return "a quote is not closed"
    if "expected after" in text:
        return "text follows a closing quote"
    return "a line break stands in a cell without quotes" if "new-line" in text else text


def _chunk(path: Path, layout: _Layout, block: _Block, parsed: _Parsed) -> Chunk:
    """The parsed block without the rows that did not decode or hold NUL."""
    rows, lines, refused = parsed.rows, parsed.lines, parsed.refused
    if not is_text("".join(block.lines)):
        bad = [n for n, row in enumerate(rows) if not is_text("".join(cell for cell in row if cell is not None))]
        if _is_other_encoding(rows, bad):
            problem = f"{_NOT_TEXT}, nor are {len(bad)} of {len(rows)} rows; {_advice(path)}"
            raise unreadable(path, f"line {lines[bad[0]]}: {problem}")
        refused = sorted(refused + [_refuse_row(block, parsed, lines[n]) for n in bad], key=_line)
        gone = set(bad)
        rows = [row for n, row in enumerate(rows) if n not in gone]
        lines = [line for n, line in enumerate(lines) if n not in gone]
    return Chunk(layout.columns, rows, lines, refused)


def _is_other_encoding(rows: list[Row], bad: list[int]) -> bool:
    """Whether rows that are no text show a wrong encoding, not damage: many, or no letter beyond ASCII is right."""
    if len(bad) > max(MAX_UNDECODABLE * len(rows), MIN_UNDECODABLE):
        return True
    texts = ["".join(cell for cell in rows[n] if cell is not None) for n in bad]
    undecoded = sum(any("\udc80" <= c <= "\udcff" for c in text) for text in texts)
    gone = set(bad)
    return undecoded > 1 and all(
        cell is None or cell.isascii() for n, row in enumerate(rows) if n not in gone for cell in row
    )


def _refuse_row(block: _Block, parsed: _Parsed, line: int) -> Refused:
    """The refusal of the row that begins in this line, with all lines up to the next row."""
    starts = (start for start in (*parsed.lines, *map(_line, parsed.refused)) if start > line)
    end = min(starts, default=block.first + parsed.used)
    return block.refuse(line - block.first, _NOT_TEXT, end - block.first)


def _line(refused: Refused) -> int:
    return refused.line
