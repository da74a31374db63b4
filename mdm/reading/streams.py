"""A file -> its bytes, unpacked as they are read and bounded: nothing packed into it can fill the memory."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast

import pyarrow as pa

from mdm.reading.chunks import CHUNK_CHARACTERS, unreadable

MAX_LINE = 1 << 23  # bytes between two line breaks
PACKED = (".gz", ".bz2", ".zst", ".zip")
DAMAGE = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, pa.ArrowException, NotImplementedError)
HEAD = 1 << 16
FEW_LINES = 16  # each may be as long as MAX_LINE
SHORT_LINE = 4_000  # characters
MANY_LINES = 128  # where the last ones were short

# What a file that is named like text may be instead.
MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a zip archive or an Excel workbook; name it .zip or .xlsx"),
    (b"\xd0\xcf\x11\xe0", "an old or protected Office file; save it as .xlsx or .csv without a password"),
    (b"\x1f\x8b", "compressed with gzip; let its name end in .gz"),
    (b"BZh", "compressed with bzip2; let its name end in .bz2"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstandard; let its name end in .zst"),
    (b"PAR1", "parquet; let its name end in .parquet"),
    (b"SQLite format 3\0", "a SQLite database; write `read: sqlite:///FILE` with `table` or `query`"),
    (b"%PDF-", "a PDF document; export the table as .csv"),
)


class DamagedError(OSError):
    """Bytes that cannot be unpacked, or a line that is too long."""


def unpacked_name(path: Path) -> str:
    """The name of what a file holds: without `.gz` and the like, and of a zip archive its one member's name."""
    if path.suffix.lower() == ".zip":
        return _member(path).filename
    return path.stem if path.suffix.lower() in PACKED else path.name


def check_regular(path: Path) -> None:
    """Raises BadSource for what is missing, may not be read, or is no file: a pipe would be waited for forever."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise unreadable(path, f"cannot be read: {error.strerror or error}") from error
    if stat.S_ISDIR(mode):
        raise unreadable(path, "is a folder; name the files in it, such as `*.csv`")
    if not stat.S_ISREG(mode):
        raise unreadable(path, "is not a regular file; copy its content into one")


def open_bytes(path: Path) -> io.BufferedReader[_Guarded]:
    """The unpacked bytes of a file of lines; reading them raises DamagedError. Raises BadSource for another format."""
    try:
        stream = io.BufferedReader(_Guarded(_OPENERS.get(path.suffix.lower(), _open_plain)(path)), HEAD)
        _refuse_other_formats(path, stream.peek(HEAD)[:HEAD])
    except DamagedError as error:
        raise unreadable(path, f"cannot be read: {error}") from error
    except DAMAGE as error:
        raise unreadable(path, f"cannot be read: {getattr(error, 'strerror', None) or error}") from error
    return stream


Line = TypeVar("Line", str, bytes)


def take_lines(file: Iterator[Line], lines: list[Line], count: int) -> None:
    """Fill the list with up to `count` lines of a file, fewer when they are long."""
    size, at_once = 0, FEW_LINES
    while len(lines) < count and size < CHUNK_CHARACTERS:
        some = list(islice(file, min(at_once, count - len(lines))))
        if not some:
            return
        lines += some
        taken = sum(map(len, some))
        size += taken
        at_once = MANY_LINES if taken < SHORT_LINE * at_once else FEW_LINES


def _refuse_other_formats(path: Path, head: bytes) -> None:
    found = next((what for magic, what in MAGIC if head.startswith(magic)), None)
    if found is not None:
        raise unreadable(path, f"is not text but {found}")
    if head.lstrip()[:14].lower().startswith((b"<!doctype html", b"<html", b"<?xml")):
        raise unreadable(path, "is a web page or XML, not a table; export it as .csv")


class _Guarded(io.RawIOBase):
    """Reads on a stream until a line is longer than MAX_LINE; every failure to unpack is DamagedError."""

    def __init__(self, source: BinaryIO) -> None:
        super().__init__()
        self._source = source
        self._since_break = 0
        self._lines = 0

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._source.read(len(buffer))
        except DAMAGE as error:
            raise DamagedError(f"the compressed data is damaged or cut off ({error})") from error
        self._count_line(data)
        buffer[: len(data)] = data
        return len(data)

    def _count_line(self, data: bytes) -> None:
        last = max(data.rfind(b"\n"), data.rfind(b"\r"))
        self._since_break = self._since_break + len(data) if last < 0 else len(data) - last - 1
        self._lines += data.count(b"\n")
        if self._since_break > MAX_LINE:
            raise DamagedError(f"line {self._lines + 1} is longer than {MAX_LINE >> 20} MB")


def _open_plain(path: Path) -> BinaryIO:
    return path.open("rb", buffering=0)


def _open_zip(path: Path) -> BinaryIO:
    member = _member(path)
    with zipfile.ZipFile(path) as archive:  # the member keeps the file open
        return cast(BinaryIO, archive.open(member))


def _member(path: Path) -> zipfile.ZipInfo:
    """The one file in a zip archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if not m.is_dir() and not m.filename.startswith("__MACOSX/")]
    except DAMAGE as error:
        raise unreadable(path, f"cannot be read as a zip archive: {error}") from error
    if len(members) != 1:
        names = ", ".join(m.filename for m in members[:5]) or "none"
        raise unreadable(path, f"holds {len(members)} files ({names}); an archive must hold one: unpack it")
    if members[0].flag_bits & 1:
        raise unreadable(path, "is protected by a password; unpack it, or pack it without one")
    return members[0]


_OPENERS: dict[str, Callable[[Path], BinaryIO]] = {
    ".gz": lambda path: cast(BinaryIO, gzip.GzipFile(path)),
    ".bz2": lambda path: cast(BinaryIO, bz2.BZ2File(path)),
    ".zst": lambda path: cast(BinaryIO, pa.CompressedInputStream(pa.OSFile(str(path)), "zstd")),
    ".zip": _open_zip,
}
