"""A .xlsx archive -> its sheets, and the rows of one as cells by column; nothing is held but the row at hand.

Shared strings, which may be more than memory, lie in a temporary file.
"""

from __future__ import annotations

import mmap
import tempfile
import zipfile
from array import array
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import IO, Any
from xml.parsers import expat

from mdm.errors import BadSource
from mdm.reading.chunks import unreadable
from mdm.reading.excel_cells import FORMULA_WITHOUT_RESULT, CellReader, Style, style_of, unescape
from mdm.reading.streams import DAMAGE

Cells = dict[int, str | None]  # column from 0 -> text; blank cells are left out
PIECE = 1 << 18
MAX_TEXT = 1 << 23  # characters of one cell; Excel itself stops at 32,767
MAX_SHARED = 1 << 31  # bytes of all shared strings
OLE = b"\xd0\xcf\x11\xe0"  # the old .xls, and the wrapper around an encrypted .xlsx


class _RefusalError(Exception):
    """A workbook that must not be read on."""


@dataclass(slots=True)
class Strings:
    """Texts by number, in a temporary file."""

    file: IO[bytes]
    ends: array[int] = field(default_factory=lambda: array("Q", [0]))
    view: mmap.mmap | None = None

    def add(self, text: str) -> None:
        """One more."""
        written = text.encode("utf-8", "surrogatepass")
        self.file.write(written)
        self.ends.append(self.ends[-1] + len(written))
        if self.ends[-1] > MAX_SHARED:
            raise _RefusalError(f"its texts are more than {MAX_SHARED >> 30} GB; save it as .csv")

    def __getitem__(self, number: int) -> str:
        if not 0 <= number < len(self.ends) - 1:
            raise _RefusalError(f"a cell refers to text {number}, which is not there")
        start, end = self.ends[number], self.ends[number + 1]
        if start == end:
            return ""
        if self.view is None:
            self.file.flush()
            self.view = mmap.mmap(self.file.fileno(), 0, access=mmap.ACCESS_READ)
        return self.view[start:end].decode("utf-8", "surrogatepass")

    def close(self) -> None:
        """Let the temporary file go."""
        if self.view is not None:
            self.view.close()
        self.file.close()


@dataclass(frozen=True, slots=True)
class Workbook:
    """An open workbook; sheets: name -> the archive member that holds it; visible: those that are not hidden."""

    path: Path
    archive: zipfile.ZipFile
    sheets: Mapping[str, str]
    visible: tuple[str, ...]
    reader: CellReader
    strings: Strings

    def rows(self, sheet: str) -> Iterator[tuple[int, Cells]]:
        """Row number and cells of each row of a sheet. Raises BadSource where it cannot be read on."""
        done: list[tuple[int, Cells]] = []
        parser = _SheetParser(self.reader, self.strings, done)
        last = 0
        with _refusals(self.path, lambda: f" after row {last} of sheet {sheet!r}"):
            for _ in _parse(self.archive, self.sheets[sheet], parser):
                yield from done
                last = done[-1][0] if done else last
                done.clear()


@contextmanager
def open_workbook(path: Path) -> Iterator[Workbook]:
    """The workbook of a file, closed at the end. Raises BadSource for what is none, with what it is."""
    _refuse_others(path)
    with _refusals(path), zipfile.ZipFile(path) as archive, tempfile.TemporaryFile() as file:
        strings = Strings(file)
        try:
            yield _read_workbook(path, archive, strings)
        finally:
            strings.close()


@contextmanager
def _refusals(path: Path, where: Callable[[], str] = lambda: "") -> Iterator[None]:
    try:
        yield
    except BadSource:
        raise
    except RuntimeError as error:  # what zipfile raises for an encrypted member
        raise unreadable(path, f"cannot be read{where()}: {error}") from error
    except _RefusalError as error:
        raise unreadable(path, f"cannot be read{where()}: {error}") from error
    except (*DAMAGE, KeyError, ValueError, expat.ExpatError) as error:
        raise unreadable(path, f"cannot be read as an Excel workbook{where()}: {error}") from error


def _refuse_others(path: Path) -> None:
    try:
        with path.open("rb") as file:
            head = file.read(4)
    except OSError as error:
        raise unreadable(path, f"cannot be read: {error.strerror or error}") from error
    if head == OLE:
        raise unreadable(path, "is protected by a password, or an old .xls: save it as .xlsx without a password")
    if head[:2] != b"PK":
        raise unreadable(path, "is not an Excel workbook; if it is text, let its name end in .csv")


def _read_workbook(path: Path, archive: zipfile.ZipFile, strings: Strings) -> Workbook:
    targets = dict(_relations(archive))
    sheets: dict[str, str] = {}
    visible: list[str] = []
    from_1904 = False
    for name, attributes in _elements(archive, "xl/workbook.xml"):
        if name == "workbookPr":
            from_1904 = attributes.get("date1904") in ("1", "true")
        elif name == "sheet":
            target = targets.get(_ending(attributes, "id"))
            if target in archive.namelist():
                sheets[attributes["name"]] = target
                if attributes.get("state", "visible") == "visible":
                    visible.append(attributes["name"])
    _read_strings(archive, strings)
    return Workbook(path, archive, sheets, tuple(visible), CellReader(_styles(archive), from_1904), strings)


def _relations(archive: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    """Relation id -> the archive member it points to."""
    for name, attributes in _elements(archive, "xl/_rels/workbook.xml.rels"):
        if name == "Relationship" and attributes.get("TargetMode") != "External":
            target = attributes.get("Target", "")
            yield (
                attributes.get("Id", ""),
                target.lstrip("/") if target[:1] == "/" else str(PurePosixPath("xl") / target),
            )


def _styles(archive: zipfile.ZipFile) -> dict[str, Style]:
    """The number by which cells name a style -> the style."""
    if "xl/styles.xml" not in archive.namelist():
        return {}
    codes: dict[str, str] = {}
    styles: dict[str, Style] = {}
    in_cells = False
    for name, attributes in _elements(archive, "xl/styles.xml"):
        if name == "numFmt":
            codes[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        elif name in ("cellXfs", "cellStyleXfs", "cellStyles", "dxfs"):
            in_cells = name == "cellXfs"
        elif name == "xf" and in_cells:
            number = attributes.get("numFmtId", "0")
            styles[str(len(styles))] = style_of(int(number), codes.get(number))
    return styles


def _read_strings(archive: zipfile.ZipFile, strings: Strings) -> None:
    if "xl/sharedStrings.xml" in archive.namelist():
        for _ in _parse(archive, "xl/sharedStrings.xml", _StringsParser(strings)):
            pass


def _ending(attributes: Mapping[str, str], name: str) -> str:
    """The attribute of this name in whatever namespace."""
    return next((value for key, value in attributes.items() if key.rpartition(":")[2] == name), "")


def _elements(archive: zipfile.ZipFile, member: str) -> list[tuple[str, dict[str, str]]]:
    """Name without namespace and attributes of every element, in order; for the small members."""
    parser = _ElementsParser()
    for _ in _parse(archive, member, parser):
        pass
    return parser.found


class _Parser:
    """What expat calls; names come without their namespace."""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        raise NotImplementedError

    def end(self, name: str) -> None:
        pass

    def data(self, text: str) -> None:
        pass


def _parse(archive: zipfile.ZipFile, member: str, parser: _Parser) -> Iterator[None]:
    """Parses an archive member piece by piece; yields after each piece."""
    reader = _expat(parser)
    with archive.open(member) as file:
        while piece := file.read(PIECE):
            reader.Parse(piece, False)
            yield
        reader.Parse(b"", True)
    yield


def _expat(parser: _Parser) -> Any:
    """An expat parser whose names are those of the elements; a prefix such as `x:` is taken off where there is one."""
    made = expat.ParserCreate()
    made.buffer_text = True
    made.CharacterDataHandler = parser.data
    made.StartDoctypeDeclHandler = _refuse_doctype

    def begin(name: str, attributes: dict[str, str]) -> None:
        if ":" in name:
            made.StartElementHandler = lambda name, attributes: parser.start(name.rpartition(":")[2], attributes)
            made.EndElementHandler = lambda name: parser.end(name.rpartition(":")[2])
        else:
            made.StartElementHandler, made.EndElementHandler = parser.start, parser.end
        parser.start(name.rpartition(":")[2], attributes)

    made.StartElementHandler = begin
    return made


def _refuse_doctype(*_: Any) -> None:
    raise _RefusalError("it declares a document type, which no workbook does")


class _ElementsParser(_Parser):
    def __init__(self) -> None:
        self.found: list[tuple[str, dict[str, str]]] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.found.append((name, attributes))
        if len(self.found) > 1_000_000:
            raise _RefusalError("it has more than a million styles")


class _TextParser(_Parser):
    """Collects the text inside `t` (and `v`), but for phonetic readings."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.length = 0
        self.is_text = False
        self.is_phonetic = False

    def clear(self) -> None:
        self.text.clear()
        self.length = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "rPh":
            self.is_phonetic = True
        elif name in ("t", "v"):
            self.is_text = not self.is_phonetic

    def end(self, name: str) -> None:
        if name == "rPh":
            self.is_phonetic = False
        elif name in ("t", "v"):
            self.is_text = False

    def data(self, text: str) -> None:
        if self.is_text:
            self.text.append(text)
            self.length += len(text)
            if self.length > MAX_TEXT:
                raise _RefusalError(f"a cell holds more than {MAX_TEXT >> 20} million characters")


class _StringsParser(_TextParser):
    def __init__(self, strings: Strings) -> None:
        super().__init__()
        self.strings = strings

    def end(self, name: str) -> None:
        super().end(name)
        if name == "si":
            self.strings.add(unescape("".join(self.text)))
            self.clear()


class _SheetParser(_TextParser):
    """Rows into `done`; a formula whose result is not stored is FORMULA_WITHOUT_RESULT."""

    def __init__(self, reader: CellReader, strings: Strings, done: list[tuple[int, Cells]]) -> None:
        super().__init__()
        self.reader, self.strings, self.done = reader, strings, done
        self.row, self.column = 0, -1
        self.cells: Cells = {}
        self.kind, self.style = "n", ""
        self.has_formula = self.has_value = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name in {"v", "t"}:
            self.is_text = self.has_value = not self.is_phonetic
        elif name == "c":
            place = attributes.get("r")
            self.column = self.column + 1 if place is None else column_number(place)
            self.kind, self.style = attributes.get("t", "n"), attributes.get("s", "")
            self.has_formula = self.has_value = False
            self.text.clear()
            self.length = 0
        elif name == "row":
            self.row = int(attributes.get("r", self.row + 1))
            self.column, self.cells = -1, {}
        elif name == "f":
            self.has_formula = True
        elif name == "rPh":
            self.is_phonetic = True

    def end(self, name: str) -> None:
        if name in {"v", "t"}:
            self.is_text = False
        elif name == "c":
            self._end_cell()
        elif name == "row":
            self.done.append((self.row, self.cells))
        elif name == "rPh":
            self.is_phonetic = False

    def _end_cell(self) -> None:
        raw = "".join(self.text)
        text: str | None = None
        if self.kind == "s":
            text = self.strings[int(raw)] if raw else None
        elif raw:
            text = self.reader.text(self.kind, self.style, raw)
        elif self.has_formula and not self.has_value:
            text = FORMULA_WITHOUT_RESULT
        if text and not text.isspace():
            self.cells[self.column] = text


@lru_cache(maxsize=20_000)
def _column_of(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def column_number(place: str) -> int:
    """Column from 0 of a place such as `AB12`."""
    return _column_of(place.rstrip("0123456789"))


def column_letters(number: int) -> str:
    """The letters of a column counted from 0."""
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
