"""Workbooks -> rows as text, like that of every other format; what cannot be read is named by its cell."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from mdm.errors import BadSource
from mdm.reading.chunks import Chunk, Form
from mdm.reading.excel_cells import style_of
from mdm.reading.files import File
from tests.workbooks import Cell, Raw, archive, workbook

HEADER: Sequence[Cell] = ("id", "name")


def read(folder: Path, data: bytes, sheet: str | None = None) -> list[Chunk]:
    path = folder / "a.xlsx"
    path.write_bytes(data)
    return list(File(path, Form(sheet=sheet)).chunks())


def one_cell(folder: Path, cell: Cell, **options: Any) -> str | None:
    [chunk] = read(folder, workbook({"a": [HEADER, ["1", cell], ["2", "x"]]}, **options))
    return chunk.rows[0][1]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("Ann", "Ann"),
        ("Lý Thị & Söhne <x>", "Lý Thị & Söhne <x>"),
        (42, "42"),
        (3.5, "3.5"),
        (1e21, "1e+21"),
        (Raw("<v>12345678901234567890</v>"), "12345678901234567890"),
        (True, "true"),
        (Raw("<v>0</v>", "b"), "false"),
        (Raw("<v>#N/A</v>", "e"), None),
        (Raw("<v>Ann</v>", "str"), "Ann"),
        (Raw("<f>1+1</f><v>2</v>"), "2"),
        (Raw('<f>""</f><v></v>', "str"), None),
        (Raw("<v>2021-03-04T00:00:00</v>", "d"), "2021-03-04"),
        (Raw("<v>soon</v>", "d"), "soon"),
        (Raw("<v>44259</v>", style=1), "2021-03-04"),
        (Raw("<v>44259</v>", style=6), "2021-03-04"),
        (Raw("<v>44259.5</v>", style=5), "2021-03-04T12:00:00"),
        (Raw("<v>0.25</v>", style=5), "06:00:00"),
        (Raw("<v>59</v>", style=1), "1900-02-28"),
        (Raw("<v>61</v>", style=1), "1900-03-01"),
        (Raw("<v>9999999</v>", style=1), "9999999"),
        (Raw("<v>-3</v>", style=1), "-3"),
        (Raw("<v>2134</v>", style=2), "02134"),
        (Raw("<v>44259</v>", style=3), "44259"),
        (Raw("<v>1.5</v>", style=4), "1.5"),
        (Raw("<is><r><t>An</t></r><r><t>n</t></r><rPh><t>no</t></rPh></is>", "inlineStr"), "Ann"),
        (Raw("<is><t>a_x000D_b</t></is>", "inlineStr"), "a\rb"),
    ],
)
def test_every_cell_is_the_text_that_other_formats_give(tmp_path: Path, cell: Cell, text: str | None) -> None:
    assert one_cell(tmp_path, cell) == text


def test_dates_may_count_from_1904(tmp_path: Path) -> None:
    assert one_cell(tmp_path, Raw("<v>42797</v>", style=1), from_1904=True) == "2021-03-04"


def test_shared_texts_are_looked_up(tmp_path: Path) -> None:
    shared = ["<t>nobody</t>", "<r><t>An</t></r><r><t>n</t></r>", "<t></t>"]
    assert one_cell(tmp_path, Raw("<v>1</v>", "s"), shared=shared) == "Ann"
    assert one_cell(tmp_path, Raw("<v>2</v>", "s"), shared=shared) is None
    with pytest.raises(BadSource, match=r"a cell refers to text 9"):
        one_cell(tmp_path, Raw("<v>9</v>", "s"), shared=shared)


def test_names_of_elements_may_have_a_prefix(tmp_path: Path) -> None:
    [chunk] = read(tmp_path, workbook({"a": [HEADER, ["1", "Ann"]]}, prefix="x"))
    assert chunk.rows == [("1", "Ann")]


def test_lines_are_the_row_numbers_of_excel(tmp_path: Path) -> None:
    rows: list[Sequence[Cell]] = [
        [],
        ["id", "name", None],
        [],
        ["1", "Ann"],
        [None, " "],
        ["2", None],
        ["3", "Cid", "x"],
    ]
    [chunk] = read(tmp_path, workbook({"a": rows}))
    assert (chunk.rows, chunk.lines) == ([("1", "Ann"), ("2", None)], [4, 6])
    assert [(r.line, r.reason) for r in chunk.refused] == [(7, "a value stands in C7, right of the last named column")]


def test_a_formula_without_a_stored_result_is_refused_by_its_cell(tmp_path: Path) -> None:
    [chunk] = read(tmp_path, workbook({"a": [HEADER, ["1", Raw("<f>A2</f>")], ["2", "Bob"]]}))
    assert chunk.rows == [("2", "Bob")]
    assert chunk.refused[0].reason == "the formula in B2 has no stored result; save the workbook in Excel"


def test_a_repeated_header_is_refused(tmp_path: Path) -> None:
    [chunk] = read(tmp_path, workbook({"a": [HEADER, ["1", "Ann"], HEADER]}))
    assert [(r.line, r.reason) for r in chunk.refused] == [(3, "repeats the header")]


def test_the_one_sheet_that_holds_data_needs_no_name(tmp_path: Path) -> None:
    data = workbook({"notes": [["old"]], "empty": [[]], "people": [HEADER, ["1", "Ann"]]}, hidden=["notes"])
    assert read(tmp_path, data)[0].rows == [("1", "Ann")]
    assert read(tmp_path, data, "notes") == []


def test_of_several_sheets_one_must_be_named(tmp_path: Path) -> None:
    data = workbook({"people": [HEADER, ["1", "Ann"]], "firms": [HEADER, ["2", "Acme"]]})
    with pytest.raises(BadSource, match=r"a\.xlsx: has several sheets; write `sheet:` with one of: people, firms"):
        read(tmp_path, data)
    assert read(tmp_path, data, "firms")[0].rows == [("2", "Acme")]
    with pytest.raises(BadSource, match=r"has no sheet 'persons'; sheets there: people, firms"):
        read(tmp_path, data, "persons")


def test_a_stray_cell_in_the_last_corner_costs_nothing(tmp_path: Path) -> None:
    first = '<row r="1"><c r="A1" t="str"><v>id</v></c></row>'
    last = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    sheet = f"<worksheet><sheetData>{first}{last}</sheetData></worksheet>"
    members = {**_members(workbook({"a": [HEADER]})), "xl/worksheets/sheet1.xml": sheet}
    [chunk] = read(tmp_path, archive(members))
    assert chunk.refused[0].reason == "a value stands in XFD1048576, right of the last named column"


@pytest.mark.parametrize(
    ("member", "content", "said"),
    [
        ("xl/worksheets/sheet1.xml", "<worksheet><sheetData><row", "cannot be read as an Excel workbook after row 0"),
        ("xl/workbook.xml", "", "cannot be read as an Excel workbook"),
        ("xl/workbook.xml", '<!DOCTYPE a [<!ENTITY b "c">]><workbook/>', "declares a document type"),
        ("xl/workbook.xml", "<workbook/>", "is empty"),
        (
            "xl/sharedStrings.xml",
            "<sst><si><t>" + "x" * (1 << 23) + "xx</t></si></sst>",
            "more than 8 million characters",
        ),
    ],
)
def test_a_broken_workbook_is_refused(tmp_path: Path, member: str, content: str, said: str) -> None:
    members = {**_members(workbook({"a": [HEADER, ["1", "Ann"]]})), member: content}
    with pytest.raises(BadSource, match=rf"a\.xlsx: .*{said}"):
        read(tmp_path, archive(members))


def _members(data: bytes) -> dict[str, str | bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        return {name: file.read(name) for name in file.namelist()}


@pytest.mark.parametrize(
    ("code", "is_date", "width"),
    [
        ("dd.mm.yyyy", True, 0),
        ("[$-409]d\\-mmm\\-yy;@", True, 0),
        ("[Red]0.00", False, 0),
        ("General", False, 0),
        ('#,##0 "days"', False, 0),
        ("[mm]:ss", False, 0),
        ("0000000", False, 7),
        ("0", False, 0),
    ],
)
def test_a_format_tells_dates_and_widths(code: str, is_date: bool, width: int) -> None:
    style = style_of(164, code)
    assert (style.is_date, style.width) == (is_date, width)
