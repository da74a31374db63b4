"""CSV and TSV text -> chunks of rows; a row that cannot be read is set aside with its line, and reading goes on.

Invariant: every line of the file ends up in a row, in a refusal, or was blank.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from mdm.chunks import CHUNK_ROWS, MAX_RAW, Chunk, Refused, Row, blank_to_none, name_columns, unreadable

DELIMITERS = ",;\t|"
HEADER_LINES = 100
MAX_RECORD_LINES = 200  # a quoted cell may hold line breaks; one that runs longer is a quote nobody closed
MAX_UNDECODABLE = 0.05  # share of rows; above it the file is in another encoding, not damaged
_NOT_TEXT = "not text in the encoding of the file (UTF-8 unless `encoding` says so)"
csv.field_size_limit(1 << 24)


@dataclass(frozen=True, slots=True)
class _Layout:
    """How a file is written: columns, delimiter, and how many lines its header takes."""

    columns: tuple[str, ...]
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
        raw = text.rstrip("\r\n")[:MAX_RAW].replace("\0", "\\0")
        return Refused(self.first + index, reason, raw.encode("utf-8", "backslashreplace").decode())


def delimited_columns(path: Path, encoding: str) -> tuple[str, ...]:
    """The column names in the header."""
    with _open(path, encoding) as file:
        return _layout(path, _take(path, file, HEADER_LINES, after=0)).columns


def read_delimited(path: Path, encoding: str) -> Iterator[Chunk]:
    """The rows of a file in chunks, in its order; blank lines are skipped."""
    with _open(path, encoding) as file:
        head = _take(path, file, HEADER_LINES, after=0)
        layout = _layout(path, head)
        line, kept = 1 + layout.header_lines, head[layout.header_lines :]
        while True:
            fresh = _take(path, file, CHUNK_ROWS - MAX_RECORD_LINES, after=line)
            block = _Block(kept + fresh, line, is_last=not fresh)
            parsed = _parse(block, layout)
            yield _chunk(path, layout, block, parsed)
            line, kept = line + parsed.used, block.lines[parsed.used :]
            if block.is_last:
                return


def guess_text_encoding(path: Path) -> str:
    """utf-8, or windows-1252 when most letters beyond ASCII at the start of the file are not UTF-8."""
    try:
        with _open_bytes(path) as raw:
            head = raw.read(1 << 20)
    except OSError as error:
        raise unreadable(path, f"cannot be read: {error.strerror or error}") from error
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-8"
    beyond = [letter for letter in head.decode("utf-8", "surrogateescape") if letter > "\x7f"]
    undecodable = sum("\udc80" <= letter <= "\udcff" for letter in beyond)
    return "windows-1252" if 2 * undecodable > len(beyond) else "utf-8"


def _open(path: Path, encoding: str) -> TextIO:
    """The text of a file; undecodable bytes become surrogates, so that only their rows are lost."""
    try:
        with _open_bytes(path) as raw:
            head = raw.read(1 << 16)
        name = _encoding(path, head, encoding)
        errors = "strict" if name == "utf-16" else "surrogateescape"
        newline = "\n" if b"\n" in head or b"\r" not in head else "\r"  # CR alone: the way of old Macs
        return io.TextIOWrapper(_open_bytes(path), encoding=name, errors=errors, newline=newline)
    except OSError as error:
        raise unreadable(path, f"cannot be read: {error.strerror or error}") from error


def _open_bytes(path: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")


def _encoding(path: Path, head: bytes, declared: str) -> str:
    """A byte order mark is believed before the declaration."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        name = codecs.lookup(declared).name
    except LookupError:
        raise unreadable(path, f"unknown encoding {declared!r}; write utf-8, windows-1252, ...") from None
    return "utf-8-sig" if name == "utf-8" else name


def _take(path: Path, file: TextIO, count: int, *, after: int) -> list[str]:
    try:
        return list(islice(file, count))
    except (UnicodeError, EOFError, OSError) as error:
        raise unreadable(path, f"cannot be read after line {after}: {error}") from error


def _layout(path: Path, lines: list[str]) -> _Layout:
    """The layout, from the first line that is not blank."""
    blank = next((n for n, line in enumerate(lines) if line.strip()), None)
    if blank is None:
        raise unreadable(path, "is empty; it needs a header line")
    if not _is_text(lines[blank]):
        raise unreadable(path, f"line {blank + 1}: the header is not UTF-8 text; say the file's `encoding`")
    delimiter = _delimiter(lines[blank])
    reader = csv.reader(lines[blank:], delimiter=delimiter)
    return _Layout(name_columns(path, next(reader)), delimiter, blank + reader.line_num)


def _delimiter(header: str) -> str:
    """The delimiter that splits the header most often outside quotes; a comma when none does."""
    bare = "".join(header.split('"')[::2])
    return max(DELIMITERS, key=bare.count)


def _is_text(text: str) -> bool:
    """Whether the text decoded well and holds no NUL."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return "\0" not in text


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
    base, done, width = parsed.used, 0, len(layout.columns)
    lines = map(block.lines.__getitem__, range(base, len(block.lines)))
    reader = csv.reader(lines, delimiter=layout.delimiter, strict=True)
    try:
        for row in reader:
            if len(row) == width and reader.line_num - done <= MAX_RECORD_LINES:
                parsed.rows.append(blank_to_none(row))  # at once: lists that live on cost as much again in GC
                parsed.lines.append(block.first + base + done)
            elif row:
                parsed.used = base + done
                return _why_not_a_row(row, width, reader.line_num - done)
            done = reader.line_num
    except csv.Error as error:
        parsed.used = base + done
        may_go_on = "unexpected end" in str(error) and not block.is_last
        return None if may_go_on and len(block.lines) - parsed.used <= MAX_RECORD_LINES else _csv_reason(error)
    parsed.used = len(block.lines)
    return None


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
    if not _is_text("".join(block.lines)):
        bad = [n for n, row in enumerate(rows) if not _is_text("".join(cell for cell in row if cell is not None))]
        if len(bad) > max(MAX_UNDECODABLE * len(rows), 20):
            raise unreadable(path, f"line {lines[bad[0]]}: {_NOT_TEXT}, nor are {len(bad)} of {len(rows)} rows")
        refused = sorted(refused + [_refuse_row(block, parsed, lines[n]) for n in bad], key=_line)
        gone = set(bad)
        rows = [row for n, row in enumerate(rows) if n not in gone]
        lines = [line for n, line in enumerate(lines) if n not in gone]
    return Chunk(layout.columns, rows, lines, refused)


def _refuse_row(block: _Block, parsed: _Parsed, line: int) -> Refused:
    """The refusal of the row that begins in this line, with all lines up to the next row."""
    starts = (start for start in (*parsed.lines, *map(_line, parsed.refused)) if start > line)
    end = min(starts, default=block.first + parsed.used)
    return block.refuse(line - block.first, _NOT_TEXT, end - block.first)


def _line(refused: Refused) -> int:
    return refused.line
