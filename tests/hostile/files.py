"""Hostile input files: one case each, with how it is made and what a run must say or store.

A refused file exits with 2 (the user's input) or 3 (a guard), names the file and, where there is one, the line, says
what to do, and leaves nothing in the store. An accepted file stores the records named and says what it set aside.
"""

from __future__ import annotations

import bz2
import gzip
import io
import os
import sqlite3
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.workbooks import Raw, archive, workbook

Made = bytes | str | Callable[[Path], None]
HEAD = "id,name,email\n"
ANN, BOB = "1,Ann Lee,ann@example.com\n", "2,Bob Ray,bob@example.com\n"
GOOD = HEAD + ANN + BOB
ROWS = {"id": ["1", "2"], "name": ["Ann Lee", "Bob Ray"], "email": ["ann@example.com", "bob@example.com"]}
LINES = [{"id": "1", "name": "Ann Lee", "email": "a@example.com"}, {"id": "2", "name": "Bob Ray", "email": "b@x.com"}]


@dataclass(frozen=True, slots=True)
class Case:
    """A file as it is made, and the result: exit code, words said, ids stored. key: one more key of the source."""

    name: str
    file: str
    made: Made
    code: int
    said: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    key: str = ""


def refused(name: str, file: str, made: Made, *said: str, key: str = "", code: int = 2) -> Case:
    return Case(name, file, made, code, said, (), key)


def stored(name: str, file: str, made: Made, *said: str, ids: tuple[str, ...] = ("1", "2"), key: str = "") -> Case:
    return Case(name, file, made, 0, said, ids, key)


def parquet(columns: dict[str, Any]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def broken_text_parquet() -> bytes:
    """A column that says it is text and holds bytes that are none."""
    raw = pa.array([b"A\xffn", b"Bob Ray"], pa.binary())
    text = pa.StringArray.from_buffers(2, raw.buffers()[1], raw.buffers()[2])
    return parquet({**ROWS, "name": text})


def damaged(data: bytes, at: int, length: int) -> bytes:
    return data[:at] + bytes(255 - b for b in data[at : at + length]) + data[at + length :]


def sheet(*rows: list[Any], **more: Any) -> bytes:
    return workbook({"people": [["id", "name", "email"], *rows]}, **more)


def shared_texts_bomb() -> bytes:
    members: dict[str, str | bytes] = {"xl/sharedStrings.xml": "<sst><si><t>" + "A" * (20 << 20) + "</t></si></sst>"}
    return replace_members(sheet(["1", "Ann Lee", "ann@example.com"]), members)


def replace_members(data: bytes, members: dict[str, str | bytes]) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        return archive({**{name: file.read(name) for name in file.namelist()}, **members})


def folder(path: Path) -> None:
    path.mkdir()


def pipe(path: Path) -> None:
    os.mkfifo(path)


def link_to_itself(path: Path) -> None:
    path.symlink_to(path)


def link_to_nothing(path: Path) -> None:
    path.symlink_to(path.with_name("nowhere.csv"))


def text_in_sqlite(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("create table t (id, name, email)")
    connection.commit()
    connection.close()


def many_columns() -> str:
    names = ",".join(f"c{n}" for n in range(10_000))
    return f"id,name,email,{names}\n1,Ann Lee,ann@example.com{',' * 10_000}\n2,Bob Ray,bob@example.com{',x' * 10_000}\n"


def json_lines(*values: str) -> str:
    return "".join(value + "\n" for value in values)


ANN_JSON = '{"id": "1", "name": "Ann Lee", "email": "ann@example.com"}'
BOB_JSON = '{"id": "2", "name": "Bob Ray", "email": "bob@example.com"}'
BIG = "A" * (1 << 20)
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2_000)

TEXT_FILES = [
    refused("empty", "a.csv", "", "a.csv: is empty; it needs a header line"),
    refused("blank lines only", "a.csv", "\n \n\n", "a.csv: is empty"),
    stored("header only", "a.csv", HEAD, ids=()),
    stored("header twice", "a.csv", GOOD + HEAD, "a.csv line 4: repeats the header"),
    stored("two exports in one file", "a.csv", HEAD + ANN + HEAD + BOB, "a.csv line 3: repeats the header"),
    stored("byte order mark", "a.csv", "\ufeff" + GOOD),
    stored("mark of utf-16", "a.csv", GOOD.encode("utf-16")),
    stored("mark of utf-16, big end first", "a.csv", b"\xfe\xff" + GOOD.encode("utf-16-be")),
    stored("mark of utf-32", "a.csv", GOOD.encode("utf-32")),
    refused("utf-16 without mark", "a.csv", GOOD.encode("utf-16-le"), "a.csv: line 1:", "write `encoding: utf-16-le`"),
    stored("utf-16 declared", "a.csv", GOOD.encode("utf-16-le"), key="encoding: utf-16-le"),
    refused("utf-16 declared wrongly", "a.csv", GOOD, "a.csv: line 1: is not utf-16", key="encoding: utf-16"),
    refused(
        "windows-1252",
        "a.csv",
        (HEAD + ANN + "2,René Noël,r@x.com\n3,Zoë Brontë,z@x.com\n").encode("cp1252"),
        "a.csv: line 3:",
        "write `encoding: windows-1252`",
    ),
    refused(
        "windows-1252 in the header",
        "a.csv",
        (HEAD.replace("email", "écrit") + ANN).encode("cp1252"),
        "a.csv: line 1: the header is not text",
    ),
    stored(
        "windows-1252 declared",
        "a.csv",
        (HEAD + "1,René,r@x.com\n2,Zoë,z@x.com\n").encode("cp1252"),
        key="encoding: windows-1252",
    ),
    refused(
        "utf-8 declared as windows-1252",
        "a.csv",
        HEAD + ANN + "2,René Zoë Noël,r@x.com\n",
        "a.csv: line 3: is UTF-8, not windows-1252; drop `encoding`",
        key="encoding: windows-1252",
    ),
    stored(
        "one damaged byte",
        "a.csv",
        (GOOD + "3,B\0b,b@x.com\n").encode().replace(b"\0", b"\xff"),
        "a.csv line 4: not text",
    ),
    stored("a NUL byte", "a.csv", GOOD + "3,C\0id,c@x.com\n", "a.csv line 4: not text"),
    refused("NUL bytes only", "a.csv", bytes(5_000), "a.csv: line 1: the header is not text"),
    stored("mixed line ends", "a.csv", HEAD.replace("\n", "\r\n") + ANN + BOB.replace("\n", "\r\n")),
    stored("carriage returns alone", "a.csv", GOOD.replace("\n", "\r")),
    stored("no line end at the end", "a.csv", GOOD.rstrip("\n")),
    stored("blank lines between", "a.csv", GOOD.replace("\n", "\n\n")),
    stored("unclosed quote", "a.csv", HEAD + '9,"Cid,c@x.com\n' + ANN + BOB, "a.csv line 2: a quote is not closed"),
    stored("text after a quote", "a.csv", GOOD + '3,"Cid" Fox,c@x.com\n', "a.csv line 4: text follows a closing quote"),
    stored("quote inside a cell", "a.csv", HEAD + '1,Ann "Annie" Lee,a@x.com\n' + BOB),
    stored("line breaks in a cell", "a.csv", HEAD + '1,"Ann\n\nLee\n",a@x.com\n' + BOB),
    stored("a cell of 1 MB", "a.csv", HEAD + f"1,Ann Lee,{BIG}\n" + BOB),
    refused("a line of 9 MB", "a.csv", HEAD + "1," + BIG * 9, "a.csv: cannot be read", "line 2 is longer than 8 MB"),
    stored("10,000 columns", "a.csv", many_columns()),
    stored("too many cells", "a.csv", GOOD + "3,Cid,c@x.com,more\n", "a.csv line 4: expected 3 columns, found 4"),
    stored("too few cells", "a.csv", GOOD + "3\n", "a.csv line 4: expected 3 columns, found 1"),
    refused(
        "mostly ragged",
        "a.csv",
        GOOD + "3,x\n" * 30,
        "crm: 93.8% of the rows were rejected, more than max_rejected: 5%",
        "a.csv line 4: expected 3 columns, found 2",
        code=3,
    ),
    stored("semicolons", "a.csv", GOOD.replace(",", ";")),
    stored("bars", "a.csv", GOOD.replace(",", "|")),
    stored("tabs in a .csv", "a.csv", GOOD.replace(",", "\t")),
    refused("carets", "a.csv", GOOD.replace(",", "^"), "no column 'id' in", "a.csv", "say `separator`"),
    stored("carets declared", "a.csv", GOOD.replace(",", "^"), key='separator: "^"'),
    refused("separator declared wrongly", "a.csv", GOOD, "no column 'id' in", key="separator: tab"),
    stored("a line that says the separator", "a.csv", "sep=;\n" + GOOD.replace(",", ";")),
    refused("two columns of one name", "a.csv", GOOD.replace("email", "name"), "a.csv: two columns are named 'name'"),
    stored("nameless columns", "a.csv", "id,name,email,,\n1,Ann,a@x.com,x,y\n2,Bob,b@x.com,,\n"),
    refused(
        "a column that is not there",
        "a.csv",
        GOOD.replace("email", "mail"),
        "sources.crm.fields.email.value: no column",
    ),
    refused(
        "a quote open in the header", "a.csv", '"id,name,email\n' + ANN * 150, "a.csv: line 1: a quote in the header"
    ),
    refused("a web page", "a.csv", "<!DOCTYPE html><table><tr>", "a.csv: is a web page or XML"),
    refused("unknown format", "a.dat", GOOD, "a.dat: unknown format; a file name ends in .csv"),
]
VALUES = [
    stored("blank ids", "a.csv", GOOD + " ,Cid,c@x.com\n", "a.csv line 4: no record id: column 'id' is blank"),
    stored(
        "a control character in an id",
        "a.csv",
        GOOD + "3\x1b[2J,Cid,c@x.com\n",
        "line 4: the record id holds a control",
    ),
    stored("a line break in an id", "a.csv", GOOD + '"3\n4",Cid,c@x.com\n', "line 4: the record id holds a control"),
    stored("an id of 501 characters", "a.csv", GOOD + "x" * 501 + ",Cid,c@x.com\n", "the record id has 501 characters"),
    stored("an id of 500 letters of 4 bytes", "a.csv", GOOD + "𝔸" * 500 + ",Cid,c@x.com\n", ids=("1", "2", "𝔸" * 500)),
    stored("colons in ids", "a.csv", GOOD + "a:b:c,Cid,c@x.com\n", ids=("1", "2", "a:b:c")),
    stored("blanks around ids", "a.csv", HEAD + " 1 ,Ann,a@x.com\n2\t,Bob,b@x.com\n"),
    stored(
        "ids that differ in their normal form",
        "a.csv",
        HEAD + "\u00e9,Ann,a@x.com\ne\u0301,Bob,b@x.com\n",
        ids=("\u00e9", "e\u0301"),
    ),
    stored("ids with zeros before them", "a.csv", HEAD + "007,Ann,a@x.com\n7,Bob,b@x.com\n", ids=("007", "7")),
    refused(
        "one id for two people",
        "a.csv",
        GOOD + "1,Cid Fox,c@x.com\n",
        "crm:1 stands twice with different content",
        "a.csv line 2 and line 4",
        "on_duplicate: latest",
    ),
    stored("one id twice, the latest asked for", "a.csv", GOOD + "1,Cid Fox,c@x.com\n", key="on_duplicate: latest"),
    stored("a row that stands twice", "a.csv", GOOD + ANN, "1 row repeats a record"),
    stored("formulas in values", "a.csv", HEAD + "1,=cmd|' /C calc'!A0,a@x.com\n2,+1+1,@b\n"),
    stored(
        "SQL in values and ids",
        "a.csv",
        GOOD + "'; drop table record; --,Rob'); --,c@x.com\n",
        ids=("1", "2", "'; drop table record; --"),
    ),
    stored("right-to-left overrides", "a.csv", HEAD + "1,\u202eeeL nnA\u202c,a@x.com\n2,محمد,b@x.com\n"),
    stored("invisible letters and emojis", "a.csv", HEAD + "1,A\u200bn\u00adn 👩‍👩‍👧,a@x.com\n2,🙂,b@x.com\n"),
    stored("values of blanks only", "a.csv", HEAD + "1,Ann,\u00a0 \n2,\u2003,b@x.com\n"),
    stored("a thousand combining marks", "a.csv", HEAD + "1,Ann" + "\u0301" * 1_000 + ",a@x.com\n" + BOB),
    stored("markup in values", "a.csv", HEAD + "1,<script>alert(1)</script>,a@x.com\n2,[red]Bob[/red],b@x.com\n"),
    refused(
        "emails mapped to names",
        "a.csv",
        HEAD + "".join(f"{n},ann{n}@example.com,ann{n}@example.com\n" for n in range(150)),
        "sources.crm.fields: crm: column 'name' is mapped to name, but 100% of its values look like email addresses",
    ),
]
PACKED = [
    stored("gzip", "a.csv.gz", gzip.compress(GOOD.encode())),
    refused("gzip cut off", "a.csv.gz", gzip.compress(GOOD.encode())[:-12], "a.csv.gz: cannot be read", "cut off"),
    refused("gzip that is none", "a.csv.gz", GOOD, "a.csv.gz: cannot be read"),
    refused("gzip without its name", "a.csv", gzip.compress(GOOD.encode()), "let its name end in .gz"),
    refused("gzip of one endless line", "a.csv.gz", gzip.compress(bytes([65]) * (100 << 20)), "longer than 8 MB"),
    stored("bzip2", "a.csv.bz2", bz2.compress(GOOD.encode())),
    stored("zip", "a.zip", archive({"crm.csv": GOOD})),
    refused(
        "zip of two files", "a.zip", archive({"a.csv": GOOD, "b.csv": GOOD}), "a.zip: holds 2 files (a.csv, b.csv)"
    ),
    refused("zip of nothing", "a.zip", archive({}), "a.zip: holds 0 files"),
    refused("zip that is none", "a.zip", GOOD, "a.zip: cannot be read as a zip archive"),
]
COLUMNS = [
    stored("parquet", "a.parquet", parquet(ROWS)),
    refused("parquet that is text", "a.parquet", GOOD, "a.parquet: cannot be read as parquet"),
    refused("parquet cut off", "a.parquet", parquet(ROWS)[:-30], "a.parquet: cannot be read as parquet"),
    refused("parquet with damaged pages", "a.parquet", damaged(parquet(ROWS), 4, 60), "a.parquet: cannot be read as"),
    refused("parquet named .csv", "a.csv", parquet(ROWS), "a.csv: is not text but parquet"),
    stored("parquet of nested values", "a.parquet", parquet({**ROWS, "more": [[{"a": [1, None]}], None]})),
    stored("parquet of bytes that are no text", "a.parquet", broken_text_parquet(), "line 1: holds a NUL", ids=("2",)),
    stored(
        "parquet with NUL", "a.parquet", parquet({**ROWS, "name": ["A\0n", "Bob"]}), "line 1: holds a NUL", ids=("2",)
    ),
    stored("parquet of numbers as ids", "a.parquet", parquet({**ROWS, "id": pa.array([1.0, 2.0])})),
    stored("parquet without rows", "a.parquet", parquet({name: pa.array([], pa.string()) for name in ROWS}), ids=()),
    stored("JSON lines", "a.jsonl", json_lines(ANN_JSON, BOB_JSON)),
    refused("a JSON array", "a.json", f"[{ANN_JSON},\n{BOB_JSON}]\n", "a.json: holds no JSON object", "jq -c '.[]'"),
    stored(
        "a broken line of JSON", "a.jsonl", json_lines(ANN_JSON, '{"id": "3"', BOB_JSON), "a.jsonl line 2: not JSON"
    ),
    stored(
        "a line that is no object", "a.jsonl", json_lines(ANN_JSON, "[1]", "7", BOB_JSON), "line 2: a JSON object is"
    ),
    stored(
        "JSON 500 deep",
        "a.jsonl",
        json_lines(ANN_JSON, '{"id": 3, "x": ' + "[" * 500 + "]" * 500 + "}", BOB_JSON),
        "line 2: values are nested more than 100 deep",
    ),
    stored("JSON 5,000 deep", "a.jsonl", json_lines(ANN_JSON, "[" * 5_000, BOB_JSON), "a.jsonl line 2: not JSON"),
    stored(
        "a lone surrogate",
        "a.jsonl",
        json_lines(ANN_JSON, '{"id": "3", "name": "\\ud800"}', BOB_JSON),
        "line 2: not JSON",
    ),
    stored(
        "NUL in JSON",
        "a.jsonl",
        json_lines(ANN_JSON, '{"id": "3", "name": "a\\u0000"}', BOB_JSON),
        "line 2: holds a NUL",
    ),
    stored(
        "NUL in a key of JSON",
        "a.jsonl",
        json_lines(ANN_JSON, '{"id": "3", "a\\u0000": 1}', BOB_JSON),
        "line 2: the key",
    ),
    stored(
        "numbers of 30 digits as ids",
        "a.jsonl",
        json_lines(
            ANN_JSON.replace('"1"', "123456789012345678901234567890"),
            BOB_JSON.replace('"2"', "123456789012345678901234567891"),
        ),
        ids=("123456789012345678901234567890", "123456789012345678901234567891"),
    ),
    stored(
        "other keys on every line",
        "a.jsonl",
        json_lines(*(f'{{"id": "{n}", "name": "Ann", "email": "a{n}@x.com", "k{n}": 1}}' for n in range(3_000))),
        ids=tuple(str(n) for n in range(3_000)),
    ),
    refused("JSON lines in utf-16", "a.jsonl", json_lines(ANN_JSON).encode("utf-16"), "a.jsonl: holds no JSON object"),
]
EXCEL = [
    stored("a workbook", "a.xlsx", sheet([1, "Ann Lee", "ann@example.com"], [2, "Bob Ray", "bob@example.com"])),
    refused("a workbook that is text", "a.xlsx", GOOD, "a.xlsx: is not an Excel workbook", ".csv"),
    refused("a protected workbook", "a.xlsx", OLE, "a.xlsx: is protected by a password, or an old .xls"),
    refused("an old workbook", "a.xls", OLE, "a.xls: a workbook in .xls form cannot be read; save it as .xlsx"),
    refused(
        "a workbook named .csv", "a.csv", sheet([1, "Ann Lee"]), "a.csv: is not text but a zip archive or an Excel"
    ),
    refused("a workbook cut off", "a.xlsx", sheet([1, "Ann Lee"])[:-40], "a.xlsx: cannot be read as an Excel workbook"),
    refused("a zip that is no workbook", "a.xlsx", archive({"a.csv": GOOD}), "a.xlsx: cannot be read as an Excel"),
    refused("an empty workbook", "a.xlsx", workbook({"a": []}), "a.xlsx: is empty"),
    refused(
        "two sheets",
        "a.xlsx",
        workbook({"people": [["id", "name", "email"]], "firms": [["id", "name", "email"]]}),
        "a.xlsx: has several sheets; write `sheet:` with one of: people, firms",
    ),
    stored(
        "two sheets, one named",
        "a.xlsx",
        workbook({"old": [["x"]], "people": [["id", "name", "email"], [1, "Ann", "a@x.com"], [2, "Bob", "b@x.com"]]}),
        key="sheet: people",
    ),
    stored("formulas with results", "a.xlsx", sheet([Raw("<f>0+1</f><v>1</v>"), "Ann", "a@x"], [2, "Bob", "b@x"])),
    stored(
        "formulas without results",
        "a.xlsx",
        sheet([1, "Ann", "a@x.com"], [2, "Bob", "b@x.com"], [3, Raw("<f>A1</f>"), "c@x.com"]),
        "a.xlsx line 4: the formula in B4 has no stored result; save the workbook in Excel",
    ),
    stored("errors in cells", "a.xlsx", sheet([1, Raw("<v>#REF!</v>", "e"), "a@x.com"], [2, "Bob", "b@x.com"])),
    stored("merged cells", "a.xlsx", sheet([1, "Ann", None], [2, None, None])),
    stored(
        "a stray cell", "a.xlsx", sheet([1, "Ann", "a"], [2, "Bob", "b"], [3, "Cid", "c", None, "?"]), "E4, right of"
    ),
    refused("a workbook that swells", "a.xlsx", shared_texts_bomb(), "a.xlsx: cannot be read", "8 million characters"),
    refused(
        "entities in a workbook",
        "a.xlsx",
        replace_members(sheet([1, "Ann"]), {"xl/workbook.xml": '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'}),
        "a.xlsx: cannot be read: it declares a document type",
    ),
]
PLACES = [
    refused("a folder", "a.csv", folder, "a.csv: is a folder; name the files in it"),
    refused("a pipe", "a.csv", pipe, "a.csv: is not a regular file"),
    refused("a link to itself", "a.csv", link_to_itself, "a.csv: cannot be read: Too many levels of symbolic links"),
    refused("a link to nothing", "a.csv", link_to_nothing, "a.csv: cannot be read: No such file"),
    refused("nothing there", "a.csv", lambda _: None, "sources.crm.read: no file", "a.csv"),
    refused("a database", "a.csv", text_in_sqlite, "a.csv: is not text but a SQLite database", "sqlite:///FILE"),
]
CASES = [*TEXT_FILES, *VALUES, *PACKED, *COLUMNS, *EXCEL, *PLACES]
