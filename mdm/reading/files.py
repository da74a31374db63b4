"""A file -> its columns, and its rows as text in chunks, whatever its format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mdm.reading import delimited, excel, json_lines, parquet
from mdm.reading.chunks import Chunk, Form, unreadable
from mdm.reading.encodings import AUTO
from mdm.reading.streams import PACKED, check_regular, unpacked_name

DELIMITED = (".csv", ".tsv", ".txt", ".tab", ".psv")
JSON_LINES = (".jsonl", ".ndjson", ".json")
PARQUET = (".parquet", ".pq")
EXCEL = (".xlsx", ".xlsm")
FORMATS = (*DELIMITED, *JSON_LINES, *PARQUET, *EXCEL)
OLD_EXCEL = (".xls", ".xlsb", ".ods")
UTF8_NAMES = (AUTO, "utf-8", "utf8")


@dataclass(frozen=True, slots=True)
class File:
    """One file of a source, and how it is written as far as that was declared."""

    path: Path
    form: Form = field(default_factory=Form)

    @property
    def name(self) -> str:
        """What messages call it."""
        return str(self.path)

    def columns(self, wanted: Sequence[str] = ()) -> tuple[str, ...]:
        """The columns, without reading the rows; for JSON lines, those met until all `wanted` were met."""
        kind = self._kind()
        if kind in PARQUET:
            return parquet.parquet_columns(self.path)
        if kind in EXCEL:
            return excel.excel_columns(self.path, self.form.sheet)
        if kind in JSON_LINES:
            return json_lines.json_columns(self.path, wanted)
        return delimited.delimited_columns(self.path, self.form)

    def chunks(self, wanted: Sequence[str] = ()) -> Iterator[Chunk]:
        """The rows in the order of the file; `wanted` columns are there even where JSON lines leave them out."""
        kind = self._kind()
        if kind in PARQUET:
            return parquet.read_parquet(self.path)
        if kind in EXCEL:
            return excel.read_excel(self.path, self.form.sheet)
        if kind in JSON_LINES:
            return json_lines.read_json_lines(self.path, wanted)
        return delimited.read_delimited(self.path, self.form)

    def _kind(self) -> str:
        """The suffix that tells the format. Raises BadSource for a format unknown, or other than what is declared."""
        check_regular(self.path)
        kind = Path(unpacked_name(self.path)).suffix.lower()
        if kind in OLD_EXCEL:
            raise unreadable(self.path, f"a workbook in {kind} form cannot be read; save it as .xlsx")
        if kind not in FORMATS:
            raise unreadable(self.path, f"unknown format; a file name ends in {', '.join(FORMATS)}")
        if kind in (*PARQUET, *EXCEL) and self.path.suffix.lower() in PACKED:
            raise unreadable(self.path, f"{kind} cannot be read packed; unpack it")
        self._refuse_other_form(kind)
        return kind

    def _refuse_other_form(self, kind: str) -> None:
        if self.form.sheet is not None and kind not in EXCEL:
            raise unreadable(self.path, "is no workbook; drop `sheet`")
        if self.form.separator is not None and kind not in DELIMITED:
            raise unreadable(self.path, "is no delimited text; drop `separator`")
        if self.form.encoding.lower() not in UTF8_NAMES and kind not in DELIMITED:
            raise unreadable(self.path, "is no delimited text; drop `encoding`")


def guess_form(path: Path) -> Form:
    """What to declare about a file when nothing is declared: an encoding, a sheet among several."""
    kind = File(path)._kind()
    if kind in EXCEL:
        sheets = excel.filled_sheets(path)
        return Form(sheet=sheets[0] if len(sheets) > 1 else None)
    return delimited.guess_form(path) if kind in DELIMITED else Form()
