"""Typed cells -> text, the same text whatever file format carried the value.

Dates and timestamps are ISO 8601, a timestamp at midnight without zone is its date; whole floats lose `.0`, others
are the shortest text that reads back; booleans are `true` and `false`; nested values are JSON; NaN is no value.
"""

from __future__ import annotations

import math
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pyarrow as pa

MAX_WHOLE = 2.0**53  # from here on a float no longer holds every whole number


def cell_text(value: Any) -> str | None:
    """The text of one cell; None when it holds no value or only blanks."""
    if value is None:
        return None
    if isinstance(value, str):
        return value if value and not value.isspace() else None
    text: str | None = _TEXT_OF.get(type(value), _other_text)(value)
    return text


def column_text(column: pa.Array) -> list[str | None]:
    """The text of each cell of an Arrow column."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
    values = _values(column)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        # What `cell_text` says of text, without a call for every cell: most columns of most files are text.
        return [None if value is None or not value or value.isspace() else value for value in values]
    return [cell_text(value) for value in values]


def _values(column: pa.Array) -> list[Any]:
    """The values; text that is not UTF-8 comes with surrogates, so that only its row is lost."""
    try:
        values: list[Any] = column.to_pylist()
    except UnicodeDecodeError:
        values = [
            None if value is None else value.decode("utf-8", "surrogateescape")
            for value in column.cast(pa.large_binary()).to_pylist()
        ]
    return values


def _bool_text(value: bool) -> str:
    return "true" if value else "false"


def _float_text(value: float) -> str | None:
    if math.isnan(value):
        return None
    return str(int(value)) if value.is_integer() and abs(value) < MAX_WHOLE else repr(value)


def _timestamp_text(value: datetime) -> str:
    is_date = value.tzinfo is None and value.time() == time.min
    return value.date().isoformat() if is_date else value.isoformat()


def _bytes_text(value: bytes) -> str | None:
    try:
        return cell_text(value.decode("utf-8"))
    except UnicodeDecodeError:
        return value.hex()


def _other_text(value: Any) -> str | None:
    """JSON for what holds values; else how the value writes itself: a UUID, an address, a range."""
    if isinstance(value, dict | list | tuple | set):
        plain = sorted(value, key=str) if isinstance(value, set) else value
        return orjson.dumps(plain, default=_inner_text, option=orjson.OPT_NON_STR_KEYS).decode()
    if isinstance(value, bytearray | memoryview):
        return _bytes_text(bytes(value))
    return cell_text(str(value))


def _inner_text(value: Any) -> str | None:
    return cell_text(value)


_TEXT_OF: dict[type, Any] = {
    bool: _bool_text,
    int: str,
    float: _float_text,
    Decimal: lambda value: format(value, "f"),
    datetime: _timestamp_text,
    date: date.isoformat,
    time: time.isoformat,
    timedelta: str,
    bytes: _bytes_text,
}
