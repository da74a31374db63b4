"""Files -> batches: every row becomes a record or a refusal with its line; every format gives the same text."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mdm.errors import BadSource
from mdm.project_file import ProjectFile, load_project
from mdm.reading.cells import cell_text
from mdm.reading.chunks import CHUNK_ROWS, Form
from mdm.reading.delimited import read_delimited
from mdm.sources import BadRow, SourceBatch, check_columns, scan

ONE_SOURCE = """\
project: acme
store: sqlite:///acme.db
sources:
  crm:
    read: "FILE"
    record_id: id
    entity: person
    fields: {name: name}
"""
TWO_SOURCES = """\
project: acme
store: sqlite:///acme.db
sources:
  crm:
    read: "FILE"
    where: {system: crm}
    record_id: id
    entity: {column: kind, values: {P: person, O: organisation}}
    fields: {name: name}
  web:
    read: "FILE"
    where: {system: web}
    record_id: id
    entity: person
    fields: {name: name}
"""


def project(folder: Path, files: Mapping[str, str | bytes], text: str = ONE_SOURCE, read: str = "") -> ProjectFile:
    for name, content in files.items():
        data = content.encode() if isinstance(content, str) else content
        (folder / name).write_bytes(data)
    path = folder / "project.yaml"
    path.write_text(text.replace("FILE", read or next(iter(files))), encoding="utf-8")
    return load_project(path, {})


def read(
    project: ProjectFile, only: Sequence[str] | None = None
) -> tuple[list[tuple[str | None, ...]], list[tuple[int, str]], list[SourceBatch]]:
    bad: list[BadRow] = []
    batches = list(scan(project, bad.append, only=only))
    rows = [row for batch in batches for row in batch.rows]
    return rows, [(b.line, b.reason) for b in bad], batches


@pytest.mark.parametrize(
    "content",
    [
        "id,name\n1,Ann\n2,Bob\n",
        "id,name\r\n1,Ann\r\n2,Bob",
        "id,name\r1,Ann\r2,Bob\r",
        "\ufeffid,name\n1,Ann\n\n2,Bob\n",
        "id;name\n1;Ann\n2;Bob\n",
        "id\tname\n1\tAnn\n2\tBob\n",
        "id|name\n1|Ann\n2|Bob\n",
        '"id","name"\n"1","Ann"\n"2","Bob"\n',
        "\n id , name \n1,Ann\n2,Bob\n",
        "id,name\n1,Ann\n2,Bob\n".encode("utf-16"),
        gzip.compress(b"id,name\n1,Ann\n2,Bob\n", mtime=0),
    ],
)
def test_the_ways_to_write_a_table_give_the_same_rows(tmp_path: Path, content: str | bytes) -> None:
    name = "a.csv.gz" if content[:2] == b"\x1f\x8b" else "a.csv"
    rows, bad, _ = read(project(tmp_path, {name: content}))
    assert (rows, bad) == ([("1", "Ann"), ("2", "Bob")], [])


@pytest.mark.parametrize(
    ("body", "good", "refused"),
    [
        ("1,Ann,x\n2,Bob\n", ["Bob"], [(2, "expected 2 columns, found 3")]),
        ("1\n2,Bob\n", ["Bob"], [(2, "expected 2 columns, found 1")]),
        ('1,"Ann\n2,Bob\n3,Cid\n', ["Bob", "Cid"], [(2, "a quote is not closed")]),
        ('1,"Ann" x\n2,Bob\n', ["Bob"], [(2, "text follows a closing quote")]),
        ('1,"Ann\nLee"\n2,Bob\n', ["Ann\nLee", "Bob"], []),
        ('1,"Ann\nx,y,z"\n2,"Bob",q\n', ["Ann\nx,y,z"], [(4, "expected 2 columns, found 3")]),
        ('1,"Ann\n"2,Bob\n3,Cid\n', ["Cid"], [(2, "text follows"), (3, "a quote is not closed")]),
        ("1,A\0n\n2,Bob\n", ["Bob"], [(2, "not text")]),
        (b"1,Ren\xe9\n2,Bob\n", ["Bob"], [(2, "not text")]),
        (" ,Ann\n2,Bob\n", ["Bob"], [(2, "no record id: column 'id' is blank")]),
        ("1, \n2,Bob\n", [None, "Bob"], []),
        (",\n2,Bob\n", ["Bob"], []),
        ('1,5" pipe\n2,Bob\n', ['5" pipe', "Bob"], []),
    ],
)
def test_a_bad_row_is_set_aside_and_reading_goes_on(
    tmp_path: Path, body: str | bytes, good: list[str | None], refused: list[tuple[int, str]]
) -> None:
    data = b"id,name\n" + (body if isinstance(body, bytes) else body.encode())
    rows, bad, _ = read(project(tmp_path, {"a.csv": data}))
    assert [row[1] for row in rows] == good
    assert [line for line, _ in bad] == [line for line, _ in refused]
    assert all(reason.startswith(said) for (_, reason), (_, said) in zip(bad, refused, strict=True))


def test_an_open_quote_costs_one_row_also_where_blocks_meet(tmp_path: Path) -> None:
    lines = [f"{n},name {n}" for n in range(CHUNK_ROWS + 500)]
    lines[CHUNK_ROWS - 250] = '9,"never closed'
    lines[CHUNK_ROWS - 3] = '8,"two\nlines"'
    rows, bad, batches = read(project(tmp_path, {"a.csv": "id,name\n" + "\n".join(lines) + "\n"}))
    assert [line for line, _ in bad] == [CHUNK_ROWS - 250 + 2]
    assert len(rows) == len(lines) - 1
    assert ("8", "two\nlines") in rows
    assert all(len(batch.rows) <= CHUNK_ROWS for batch in batches)
    assert rows[-1] == (str(CHUNK_ROWS + 499), f"name {CHUNK_ROWS + 499}")
    assert batches[-1].lines[-1] == CHUNK_ROWS + 502


def test_a_refused_row_can_be_stored_as_text(tmp_path: Path) -> None:
    bad: list[BadRow] = []
    list(scan(project(tmp_path, {"a.csv": b"id,name\n1,Ren\xe9\0\n"}), bad.append))
    assert [row.raw for row in bad] == ["1,Ren\\udce9\\0"]
    assert (bad[0].source, bad[0].file) == ("crm", str(tmp_path / "a.csv"))


def test_a_file_in_another_encoding_is_refused_until_it_is_declared(tmp_path: Path) -> None:
    data = "id,name\n" + "".join(f"{n},René\n" for n in range(50))
    made = project(tmp_path, {"a.csv": data.encode("latin-1")})
    with pytest.raises(BadSource, match=r"a\.csv: line 2: .*encoding"):
        read(made)
    declared = ONE_SOURCE.replace('read: "FILE"', 'read: "FILE"\n    encoding: latin-1')
    rows, bad, _ = read(project(tmp_path, {"a.csv": data.encode("latin-1")}, declared))
    assert (rows[0], bad) == (("0", "René"), [])


def test_several_sources_share_one_file(tmp_path: Path) -> None:
    text = "system,id,kind,name\ncrm,1,P,Ann\nweb,1,,Bob\ncrm,2,o,Acme\ncrm,3,X,Ship\nother,4,P,Dan\n"
    made = project(tmp_path, {"a.csv": text}, TWO_SOURCES)
    _, bad, batches = read(made)
    seen = {b.spec.name: list(zip(b.record_ids, b.entities, b.lines, strict=True)) for b in batches}
    assert seen == {"crm": [("1", "person", 2), ("2", "organisation", 4)], "web": [("1", "person", 3)]}
    assert bad == [(5, "unknown entity type: kind is 'X'; `values` knows p, o")]
    assert [b.spec.name for b in read(made, only=["web"])[2]] == ["web"]


def test_globs_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    files = {"b.csv": "id,name\n2,Bob\n", "a.csv": "name,id\nAnn,1\n"}
    _, _, batches = read(project(tmp_path, files, read="*.csv"))
    assert [b.record_ids for b in batches] == [["1"], ["2"]]


def test_a_file_name_may_look_like_a_pattern(tmp_path: Path) -> None:
    rows, _, _ = read(project(tmp_path, {"a[1].csv": "id,name\n1,Ann\n"}))
    assert rows == [("1", "Ann")]


def test_the_line_number_may_name_the_row(tmp_path: Path) -> None:
    text = ONE_SOURCE.replace("record_id: id", 'record_id: "@line"')
    _, _, batches = read(project(tmp_path, {"a.csv": "name\nAnn\nBob\n"}, text))
    assert batches[0].record_ids == ["2", "3"]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"a.csv": "id,nmae\n1,Ann\n"}, ["sources.crm.fields.name", "'name'", "a.csv", "id, nmae", "mean 'nmae'"]),
        ({"a.csv": "key,name\n1,Ann\n"}, ["sources.crm.record_id", "'id'"]),
        ({"a.csv": ""}, ["a.csv", "is empty"]),
        ({"a.csv": "\n\n"}, ["a.csv", "is empty"]),
        ({"a.csv": "id,name,name\n"}, ["a.csv", "two columns are named 'name'"]),
        ({"a.csv": b"id,n\xe9\n1,Ann\n"}, ["a.csv", "line 1", "encoding"]),
        ({"a.jsonl": '{"id": 1}\n'}, ["sources.crm.fields.name", "'name'"]),
        ({"a.jsonl": ""}, ["a.jsonl", "no JSON object"]),
        ({"a.parquet": "no"}, ["a.parquet", "cannot be read as parquet"]),
        ({"a.doc": "no"}, ["a.doc", "unknown format", ".csv"]),
        ({"a.csv.gz": "no"}, ["a.csv.gz", "cannot be read"]),
    ],
)
def test_a_bad_file_is_refused_before_and_while_reading(
    tmp_path: Path, files: dict[str, str | bytes], said: list[str]
) -> None:
    made = project(tmp_path, files)
    for action in (lambda: check_columns(made), lambda: read(made)):
        with pytest.raises(BadSource) as caught:
            action()
        for words in said:
            assert words in str(caught.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    made = project(tmp_path, {"a.csv": "id,name\n"}, read="b*.csv")
    with pytest.raises(BadSource, match=r"sources\.crm\.read: no file"):
        check_columns(made)


def test_good_files_pass_the_check(tmp_path: Path) -> None:
    check_columns(project(tmp_path, {"a.csv": "id,name\n"}))
    check_columns(project(tmp_path, {"a.jsonl": '{"id": 1}\n{"name": "Ann"}\n'}))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        (" \t", None),
        (" a ", " a "),
        (True, "true"),
        (7, "7"),
        (7.0, "7"),
        (7.25, "7.25"),
        (1e300, "1e+300"),
        (float("nan"), None),
        (float("inf"), "inf"),
        (Decimal("7.50"), "7.50"),
        (date(2020, 2, 3), "2020-02-03"),
        (datetime(2020, 2, 3), "2020-02-03"),
        (datetime(2020, 2, 3, 4, 5, 6), "2020-02-03T04:05:06"),
        (b"abc", "abc"),
        (b"\xff", "ff"),
        ({"a": [1, None]}, '{"a":[1,null]}'),
        (["a", "b"], '["a","b"]'),
    ],
)
def test_cells_become_text_in_one_way(value: Any, text: str | None) -> None:
    assert cell_text(value) == text


def test_parquet_gives_the_same_text_as_csv(tmp_path: Path) -> None:
    table = pa.table(
        {
            "id": pa.array([1, 2], pa.int64()),
            "name": pa.array(["Ann", ""]),
            "born": pa.array([datetime(1980, 5, 1), None], pa.timestamp("ns")),
            "city": pa.array(["Rome", "Rome"]).dictionary_encode(),
            "age": pa.array([44.0, None], pa.float64()),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    rows, _, batches = read(project(tmp_path, {}, read="a.parquet"))
    assert rows == [("1", "Ann", "1980-05-01", "Rome", "44"), ("2", None, None, "Rome", None)]
    assert batches[0].lines == [1, 2]


def test_json_lines_may_leave_keys_out(tmp_path: Path) -> None:
    text = '\ufeff{"id": 1, "name": "Ann"}\n\n[1]\n{"id": 2, "tags": ["x"]}\n{"id": 3'
    rows, bad, batches = read(project(tmp_path, {"a.jsonl": text}))
    assert batches[0].columns == ("id", "name", "tags")
    assert rows == [("1", "Ann", None), ("2", None, '["x"]')]
    assert [line for line, _ in bad] == [3, 5]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(text=st.text(alphabet='ab,"\n\r \0é', max_size=40))
@example(text='"\n\0",a')
def test_every_line_becomes_a_row_a_refusal_or_was_blank(tmp_path: Path, text: str) -> None:
    path = tmp_path / "any.csv"
    path.write_bytes(("x,y\n" + text).encode())
    chunks = list(read_delimited(path, Form()))
    firsts = sorted([n for c in chunks for n in c.lines] + [r.line for c in chunks for r in c.refused])
    assert len(set(firsts)) == len(firsts)
    assert all(len(row) == 2 for c in chunks for row in c.rows)
    cells = "".join(cell or "" for c in chunks for row in c.rows for cell in row)
    raws = "".join(r.raw for c in chunks for r in c.refused)
    for letter in "abé":
        assert (cells + raws).count(letter) == text.count(letter)
