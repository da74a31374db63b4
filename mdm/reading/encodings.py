"""The start of a text file -> the encoding to read it in: declared, told by a byte order mark, or UTF-8."""

from __future__ import annotations

import codecs
import re
import unicodedata
from pathlib import Path

from mdm.reading.chunks import unreadable

AUTO = "auto"
NO_TEXT = {"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "mbcs", "oem"}
MARKS: tuple[tuple[bytes, str], ...] = (  # the longer first: UTF-32's begins like UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
WIDE = ("utf-16", "utf-32")
SURE_SEQUENCES = 3  # letters beyond ASCII that are all valid UTF-8: by chance in no other encoding
SURE_ZEROS = 3
_UTF8_LETTER = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_BEYOND = re.compile(rb"[\x80-\xff]+")
_VIETNAMESE = re.compile("[ạ-ỹ]", re.IGNORECASE)  # letters that no other language has
SOME = 0.2
_CASED = re.compile("[Ѐ-ӿ]+")
LONG_RUN = 2.5  # mean bytes beyond ASCII in a row: below it Latin letters with some accents
MOSTLY = 0.9


def is_text_encoding(name: str) -> bool:
    """Whether Python can read text in an encoding of this name."""
    try:
        info = codecs.lookup(name)
    except LookupError:
        return False
    return getattr(info, "_is_text_encoding", True) and info.name.replace("-", "_") not in NO_TEXT


def text_encoding(path: Path, head: bytes, declared: str) -> str:
    """The codec to read a file in; a byte order mark is believed before the declaration.

    Raises BadSource when the start of the file shows that a declaration is wrong or one is needed.
    """
    marked = next((name for mark, name in MARKS if head.startswith(mark)), None)
    if marked is not None:
        return marked
    if declared == AUTO:
        wide = _unmarked_wide(head)
        if wide is not None:
            raise unreadable(path, f"line 1: looks like {wide} without a byte order mark; write `encoding: {wide}`")
        return "utf-8"
    name = codecs.lookup(declared).name
    if name.startswith(WIDE):
        if b"\0" not in head and head:
            raise unreadable(path, f"line 1: is not {declared}: it holds no zero bytes; drop `encoding`")
    elif name != "utf-8":
        _refuse_utf8(path, head, declared)
    return name


def _refuse_utf8(path: Path, head: bytes, declared: str) -> None:
    """Raises BadSource when all letters beyond ASCII are UTF-8: read otherwise they would be garbled."""
    letters = _UTF8_LETTER.findall(head)
    beyond = sum(map(len, _BEYOND.findall(head)))
    cut = 3  # the last letter may be cut off
    if len(letters) >= SURE_SEQUENCES and beyond - sum(map(len, letters)) <= cut:
        first = _UTF8_LETTER.search(head)
        line = 1 + head[: first.start()].count(b"\n") if first else 1
        raise unreadable(path, f"line {line}: is UTF-8, not {declared}; drop `encoding`, or write `encoding: utf-8`")


def guess_encoding(head: bytes) -> str:
    """The likeliest encoding of a text: `auto` where nothing need be declared.

    Beyond UTF-8 and UTF-16: the Windows code pages of western, Vietnamese, Arabic and Persian, and Cyrillic letters.
    """
    if any(head.startswith(mark) for mark, _ in MARKS):
        return AUTO
    wide = _unmarked_wide(head)
    if wide is not None:
        return wide
    beyond = sum(map(len, _BEYOND.findall(head)))
    as_utf8 = sum(map(len, _UTF8_LETTER.findall(head)))
    return AUTO if 2 * as_utf8 >= beyond else _code_page(head)


def _unmarked_wide(head: bytes) -> str | None:
    """UTF-16 in the byte order that the zero bytes of the first line show: in other text they stand for nothing."""
    first = head.partition(b"\n")[0]
    even, odd = first[::2].count(0), first[1::2].count(0)
    if min(even, odd) > 0 or max(even, odd) < SURE_ZEROS:
        return None
    return "utf-16-le" if odd else "utf-16-be"


def _code_page(head: bytes) -> str:
    runs = _BEYOND.findall(head)
    if sum(map(len, runs)) < LONG_RUN * len(runs):
        return "windows-1258" if _is_vietnamese(head) else "windows-1252"
    if _is_cyrillic(runs):
        return "windows-1251"
    return "windows-1256" if _is_arabic(runs) else "windows-1252"


def _is_vietnamese(head: bytes) -> bool:
    """Whether letters that only Vietnamese has come out, and every tone finds a vowel to stand on."""
    text = unicodedata.normalize("NFC", head.decode("cp1258", "replace"))
    beyond = [c for c in text if c > "\x7f"]
    loose = sum(unicodedata.combining(c) > 0 for c in beyond)
    return len(_VIETNAMESE.findall(text)) >= SOME * len(beyond) and loose <= 0.05 * len(beyond)


def _is_cyrillic(runs: list[bytes]) -> bool:
    """Whether words come out in one case, but for their first letter: other scripts come out mixed."""
    words = [w for run in runs for w in _CASED.findall(run.decode("cp1251", "replace")) if len(w) > 1]
    return bool(words) and sum(w[1:].islower() or w.isupper() for w in words) >= MOSTLY * len(words)


def _is_arabic(runs: list[bytes]) -> bool:
    text = b"".join(runs).decode("cp1256", "replace")
    return sum("\u0600" <= c <= "\u06ff" for c in text) >= MOSTLY * len(text)
