"""Excel workbooks made by hand, byte for byte: what a program writes, and what no program should."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
FORMATS = ("General", "yyyy\\-mm\\-dd", "00000", '"d"0.0', "[h]:mm", "mm/dd/yy h:mm")


@dataclass(frozen=True, slots=True)
class Raw:
    """A cell as XML: type, style number, and what stands inside."""

    inside: str
    kind: str = "n"
    style: int = 0


Cell = str | int | float | bool | Raw | None


def workbook(
    sheets: Mapping[str, Sequence[Sequence[Cell]]],
    *,
    shared: Sequence[str] | None = None,
    hidden: Sequence[str] = (),
    from_1904: bool = False,
    prefix: str = "",
) -> bytes:
    """The bytes of a .xlsx; shared: texts (as XML) that cells of type `s` refer to by number."""
    names = list(sheets)
    members = {
        "xl/workbook.xml": _workbook(names, hidden, from_1904),
        "xl/_rels/workbook.xml.rels": _relations(len(names)),
        "xl/styles.xml": _styles(),
        **{f"xl/worksheets/sheet{n}.xml": _sheet(sheets[name], prefix) for n, name in enumerate(names, start=1)},
    }
    if shared is not None:
        items = "".join(f"<si>{text}</si>" for text in shared)
        members["xl/sharedStrings.xml"] = f'<sst xmlns="{MAIN}">{items}</sst>'
    return archive(members)


def archive(members: Mapping[str, str | bytes]) -> bytes:
    """A zip archive of these members."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return packed.getvalue()


def _workbook(names: Sequence[str], hidden: Sequence[str], from_1904: bool) -> str:
    states = ["hidden" if name in hidden else "visible" for name in names]
    sheets = "".join(
        f'<sheet name="{escape(name)}" sheetId="{n}" state="{state}" r:id="r{n}"/>'
        for n, (name, state) in enumerate(zip(names, states, strict=True), start=1)
    )
    properties = f'<workbookPr date1904="{int(from_1904)}"/>'
    return f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}">{properties}<sheets>{sheets}</sheets></workbook>'


def _relations(count: int) -> str:
    lines = "".join(
        f'<Relationship Id="r{n}" Type="{RELATIONS}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in range(1, count + 1)
    )
    return (
        f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{lines}</Relationships>'
    )


def _styles() -> str:
    """Style n shows numbers in FORMATS[n]; the one after the last is the built-in date 14."""
    codes = "".join(
        f'<numFmt numFmtId="{164 + n}" formatCode="{escape(c, {chr(34): "&quot;"})}"/>' for n, c in enumerate(FORMATS)
    )
    numbers = [*(164 + n for n in range(len(FORMATS))), 14]
    cells = "".join(f'<xf numFmtId="{n}"/>' for n in numbers)
    other = '<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>'
    return f'<styleSheet xmlns="{MAIN}"><numFmts>{codes}</numFmts>{other}<cellXfs>{cells}</cellXfs></styleSheet>'


def _sheet(rows: Sequence[Sequence[Cell]], prefix: str) -> str:
    name = f"{prefix}:" if prefix else ""
    space = f"xmlns:{prefix}" if prefix else "xmlns"
    lines = "".join(_row(number, row, name) for number, row in enumerate(rows, start=1))
    return f'<{name}worksheet {space}="{MAIN}"><{name}sheetData>{lines}</{name}sheetData></{name}worksheet>'


def _row(number: int, row: Sequence[Cell], name: str) -> str:
    cells = "".join(_cell(cell, f"{_letters(column)}{number}", name) for column, cell in enumerate(row))
    return f'<{name}row r="{number}">{cells}</{name}row>'


def _cell(cell: Cell, place: str, name: str) -> str:
    if cell is None:
        return ""
    if isinstance(cell, Raw):
        return f'<{name}c r="{place}" t="{cell.kind}" s="{cell.style}">{cell.inside}</{name}c>'
    if isinstance(cell, bool):
        return f'<{name}c r="{place}" t="b"><{name}v>{int(cell)}</{name}v></{name}c>'
    if isinstance(cell, str):
        text = f'<{name}is><{name}t xml:space="preserve">{escape(cell)}</{name}t></{name}is>'
        return f'<{name}c r="{place}" t="inlineStr">{text}</{name}c>'
    return f'<{name}c r="{place}"><{name}v>{cell!r}</{name}v></{name}c>'


def _letters(number: int) -> str:
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
