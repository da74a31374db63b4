"""JSON lines -> chunks of rows; a line that is no object is set aside, and reading goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from mdm.reading.cells import cell_text
from mdm.reading.chunks import (
    CHUNK_ROWS,
    Chunk,
    Refused,
    is_text,
    printable,
    rows_of_a_chunk,
    storable,
    unreadable,
)
from mdm.reading.streams import open_bytes, take_lines

MAX_COLUMNS = 100_000
MAX_DEPTH = 100  # of values inside values
EXACT_WHOLE = 2.0**63  # greater whole numbers come as floats that lost their last digits
_PLAIN = {str, int, float, bool, type(None)}
_MARKS_OF_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def json_columns(path: Path, wanted: Sequence[str]) -> tuple[str, ...]:
    """Columns in order of appearance; reads on only while a wanted one is missing."""
    columns: dict[str, None] = {}
    for chunk in read_json_lines(path, ()):
        columns.update(dict.fromkeys(chunk.columns))
        if len(columns) > MAX_COLUMNS:
            raise unreadable(path, f"has more than {MAX_COLUMNS:,} different keys; keys must be names, not values")
        if columns and all(name in columns for name in wanted):
            break
    if not columns:
        raise unreadable(path, f"holds no JSON object; it needs one on each line{_advice(path)}")
    return tuple(columns)


def read_json_lines(path: Path, wanted: Sequence[str]) -> Iterator[Chunk]:
    """Chunks of a JSON lines file; each has the wanted columns, then those its own rows hold."""
    with open_bytes(path) as file:
        first = 1
        while lines := _take(path, file, first):
            yield from _json_chunks(lines, first, wanted)
            first += len(lines)


def _advice(path: Path) -> str:
    with open_bytes(path) as file:
        head = file.peek()[:64]
    if head.lstrip().startswith(b"["):
        return ", not an array: `jq -c '.[]'` rewrites it"
    return ", in UTF-8" if head.startswith(_MARKS_OF_UTF16) else ""


def _take(path: Path, file: Iterator[bytes], first: int) -> list[bytes]:
    """Lines of one chunk, fewer when they are long."""
    lines: list[bytes] = []
    try:
        take_lines(file, lines, CHUNK_ROWS)
    except OSError as error:
        raise unreadable(path, f"cannot be read after line {first + len(lines) - 1}: {error}") from error
    return lines


def _json_chunks(lines: list[bytes], first: int, wanted: Sequence[str]) -> Iterator[Chunk]:
    """The chunk of these lines, or several where every line has keys of its own."""
    found: list[tuple[int, dict[str, Any]]] = []
    refused: list[Refused] = []
    names: set[str] = set()
    for number, line in enumerate(lines, start=first):
        value = _json_object(line, names)
        if isinstance(value, dict):
            found.append((number, value))
        elif value is not None:
            refused.append(Refused(number, value, printable(line.decode("utf-8", "backslashreplace").rstrip("\r\n"))))
    yield from _tables(found, refused, wanted)


def _tables(found: list[tuple[int, dict[str, Any]]], refused: list[Refused], wanted: Sequence[str]) -> Iterator[Chunk]:
    columns = tuple(dict.fromkeys([*wanted, *(name for _, value in found for name in value)]))
    if len(found) > rows_of_a_chunk(len(columns)):
        half = len(found) // 2
        yield from _tables(found[:half], refused, wanted)
        yield from _tables(found[half:], [], wanted)
        return
    rows = [tuple([cell_text(value.get(name)) for name in columns]) for _, value in found]
    yield storable(Chunk(columns, rows, [number for number, _ in found], refused))


def _json_object(line: bytes, names: set[str]) -> dict[str, Any] | str | None:
    """The object on a line; the reason when there is none; None for a blank line.

    names: keys that are known to be text, which most lines have in common; those of this line are added.
    """
    if not line.strip():
        return None
    text = line.removeprefix(b"\xef\xbb\xbf")
    try:
        value = orjson.loads(text)
        if isinstance(value, dict) and float in map(type, value.values()) and _lost_digits(value):
            value = json.loads(text)
    except (orjson.JSONDecodeError, RecursionError, ValueError) as error:
        return f"not JSON: {error}"
    if not isinstance(value, dict):
        return "a JSON object is needed on each line"
    return _why_not_a_row(value, names) or value


def _lost_digits(value: dict[str, Any]) -> bool:
    return any(type(v) is float and abs(v) >= EXACT_WHOLE for v in value.values())


def _why_not_a_row(value: dict[str, Any], names: set[str]) -> str | None:
    if not _PLAIN.issuperset(map(type, value.values())) and any(
        isinstance(v, dict | list) and _depth_exceeds(v, MAX_DEPTH) for v in value.values()
    ):
        return f"values are nested more than {MAX_DEPTH} deep"
    if not names.issuperset(value):
        bad = next((name for name in value if not is_text(name)), None)
        if bad is not None:
            return f"the key {printable(bad)!r} is not text"
        names.update(value)
    return None


def _depth_exceeds(value: Any, depth: int) -> bool:
    """Whether values stand inside values more than this deep."""
    level = [value]
    for _ in range(depth):
        nested = [v.values() if isinstance(v, dict) else v for v in level if isinstance(v, dict | list)]
        level = [inner for values in nested for inner in values]
        if not level:
            return False
    return True
