"""The raw cells of a workbook -> text: numbers, dates by their number format, booleans, escapes.

A number is a date when its format says so; serial numbers count days from the end of 1899 (or from 1904), with the
29 February 1900 that never was. Source: ECMA-376 part 1, 18.8.30 (formats), 18.17.4 (dates), 22.9.2.19 (escapes).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from mdm.reading.cells import cell_text

FORMULA_WITHOUT_RESULT = "\0formula"
BUILT_IN_DATES = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
LAST_DAY = 2_958_465  # 9999-12-31
LEAP_DAY = 60  # 1900-02-29 in Excel's counting
_LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
_DATE_LETTER = re.compile("[ymdhs]", re.IGNORECASE)
_ELAPSED = re.compile(r"\[(h+|m+|s+)\]", re.IGNORECASE)
_ZEROS = re.compile("0{2,}")
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")


@dataclass(frozen=True, slots=True)
class Style:
    """How a number shows: as a date, with leading zeros up to a width, or plain."""

    is_date: bool = False
    width: int = 0


def style_of(number: int, code: str | None) -> Style:
    """The style behind a number format; code: the format's text where it is no built-in one."""
    if code is None:
        return Style(is_date=number in BUILT_IN_DATES)
    shown = _LITERAL.sub("", code.partition(";")[0])
    if _ZEROS.fullmatch(shown):
        return Style(width=len(shown))
    is_date = _DATE_LETTER.search(shown) is not None and "general" not in shown.lower()
    return Style(is_date=is_date and _ELAPSED.search(shown) is None)


@dataclass(frozen=True, slots=True)
class CellReader:
    """What the text of a cell depends on beside the cell; styles: by the number that cells refer to."""

    styles: Mapping[str, Style]
    from_1904: bool

    def text(self, kind: str, style: str | None, raw: str) -> str | None:
        """The text of a cell of this type (`n` number, `b` boolean, `d` date, `str` text, `e` error)."""
        if kind == "n":
            return self._number(raw, self.styles.get(style or "", Style()))
        if kind == "b":
            return "true" if raw.strip() == "1" else "false"
        if kind == "d":
            return _iso(raw)
        return None if kind == "e" else unescape(raw)  # an error such as #N/A is no value

    def _number(self, raw: str, style: Style) -> str | None:
        try:
            value = float(raw)
        except ValueError:
            return raw
        if style.is_date and 0 <= value <= LAST_DAY:
            return cell_text(self._moment(value))
        if raw.isdigit():
            return raw.zfill(style.width)  # as written: a float would lose the last of many digits
        text = cell_text(value)
        return text.zfill(style.width) if text is not None and text.isdigit() else text

    def _moment(self, serial: float) -> object:
        """A date and time; a time alone when there is no day."""
        milliseconds = round(serial * 86_400_000)
        if serial < 1 and not self.from_1904:
            return (datetime(1900, 1, 1) + timedelta(milliseconds=milliseconds)).time()
        first = datetime(1904, 1, 1) if self.from_1904 else datetime(1899, 12, 31 if serial < LEAP_DAY else 30)
        try:
            return first + timedelta(milliseconds=milliseconds)
        except OverflowError:
            return serial


def _iso(raw: str) -> str | None:
    try:
        return cell_text(datetime.fromisoformat(raw))
    except ValueError:
        return raw


def unescape(text: str) -> str:
    """Text with its `_x000D_` resolved."""
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text
