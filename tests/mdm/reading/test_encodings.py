"""Encodings: told by a byte order mark, declared, or UTF-8; a wrong declaration is refused with file and line."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from mdm.errors import BadProject, BadSource
from mdm.project_file import load_project
from mdm.reading.chunks import Form
from mdm.reading.files import File, guess_form

FRENCH = "René, Zoë, Müller, François, Peña"
VIETNAMESE = "Nguyễn Thị Thúy, Trần Văn Đức, Lê Hồng Phượng"
PERSIAN = "محمد رضا, فاطمه احمدي, حسين كريمي"
RUSSIAN = "Иванов Пётр, Анна Каренина, МОСКВА"
ITALIAN = "Niccolò, però, Cantù, lunedì"
PORTUGUESE = "João São Conceição, Simões"
SCRIPTS = {
    "windows-1252": FRENCH,
    "windows-1258": VIETNAMESE,
    "windows-1256": PERSIAN,
    "windows-1251": RUSSIAN,
}


def table(names: str) -> str:
    return "id,name\n" + "".join(f"{n},{name.strip()}\n" for n, name in enumerate(names.split(",")))


def encoded(text: str, encoding: str) -> bytes:
    """The text as a program of that code page writes it: Vietnamese tones stand apart there."""
    if encoding != "windows-1258":
        return text.encode(encoding)
    return b"".join(_vietnamese(letter) for letter in unicodedata.normalize("NFC", text))


def _vietnamese(letter: str) -> bytes:
    try:
        return letter.encode("cp1258")
    except UnicodeEncodeError:
        base, *marks = list(unicodedata.normalize("NFD", letter))
        tone = next(m for m in marks if m in "\u0300\u0301\u0303\u0309\u0323")
        rest = unicodedata.normalize("NFC", base + "".join(m for m in marks if m != tone))
        return (rest + tone).encode("cp1258")


def names_in(path: Path, encoding: str) -> list[str]:
    rows = [row for chunk in File(path, Form(encoding=encoding)).chunks() for row in chunk.rows]
    return [unicodedata.normalize("NFC", row[1] or "") for row in rows]


@pytest.mark.parametrize(("encoding", "names"), SCRIPTS.items())
def test_a_code_page_is_found_by_init_and_read_when_declared(tmp_path: Path, encoding: str, names: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(encoded(table(names), encoding))
    assert guess_form(path).encoding == encoding
    assert names_in(path, encoding) == [name.strip() for name in names.split(",")]


@pytest.mark.parametrize(("encoding", "names"), SCRIPTS.items())
def test_a_code_page_not_declared_is_refused_with_the_line_and_what_it_looks_like(
    tmp_path: Path, encoding: str, names: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(encoded("id,name\n0,Ann\n" + table(names).partition("\n")[2], encoding))
    with pytest.raises(BadSource, match=rf"a\.csv: line 3: not text .* write `encoding: {encoding}`"):
        names_in(path, "auto")


@pytest.mark.parametrize("names", [ITALIAN, PORTUGUESE])
def test_western_names_are_not_taken_for_vietnamese(tmp_path: Path, names: str) -> None:
    (tmp_path / "a.csv").write_bytes(table(names).encode("windows-1252"))
    assert guess_form(tmp_path / "a.csv").encoding == "windows-1252"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("names", [*SCRIPTS.values(), "Ann, Bob"])
def test_utf_needs_no_declaration(tmp_path: Path, encoding: str, names: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(table(names).encode(encoding))
    assert guess_form(path) == Form()
    assert names_in(path, "auto") == [name.strip() for name in names.split(",")]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_must_be_declared(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(table(PERSIAN).encode(encoding))
    assert guess_form(path).encoding == encoding
    assert names_in(path, encoding)[0] == "محمد رضا"
    with pytest.raises(BadSource, match=rf"a\.csv: line 1: looks like {encoding} .* write `encoding: {encoding}`"):
        names_in(path, "auto")


@pytest.mark.parametrize("declared", ["windows-1252", "windows-1258", "latin-1", "windows-1256", "gb18030"])
@pytest.mark.parametrize("names", SCRIPTS.values())
def test_utf_8_declared_as_something_else_is_refused_with_the_line(tmp_path: Path, declared: str, names: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(("id,name\n0,Ann\n" + table(names).partition("\n")[2]).encode())
    with pytest.raises(BadSource, match=rf"a\.csv: line 3: is UTF-8, not {declared}"):
        names_in(path, declared)


@pytest.mark.parametrize(
    ("declared", "data", "said"),
    [
        ("utf-16", b"id,name\n1,Ann\n", "line 1: is not utf-16"),
        ("utf-16-le", table(PERSIAN).encode("utf-16-le") + b"x", "after line 0: not text in utf-16-le"),
        ("utf-8", table(FRENCH).encode("latin-1"), "line 2: not text"),
    ],
)
def test_a_wrong_declaration_is_refused(tmp_path: Path, declared: str, data: bytes, said: str) -> None:
    (tmp_path / "a.csv").write_bytes(data)
    with pytest.raises(BadSource, match=rf"a\.csv: {said}"):
        names_in(tmp_path / "a.csv", declared)


def test_a_lone_surrogate_in_utf_16_costs_its_row(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("id,name\n1,A\ud800n\n2,Bob\n".encode("utf-16-le", "surrogatepass"))
    [chunk, *_] = File(tmp_path / "a.csv", Form(encoding="utf-16-le")).chunks()
    assert (chunk.rows, [r.line for r in chunk.refused]) == ([("2", "Bob")], [2])


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("encoding: klingon", "sources.crm.encoding: unknown encoding 'klingon'"),
        ("encoding: base64", "unknown encoding"),
        ("separator: ab", "sources.crm.separator: needs one character"),
        ("max_rejected: 5", "sources.crm.max_rejected: needs a percentage"),
        ("max_rejected: 105%", "sources.crm.max_rejected"),
        ("max_rejected: lots", "sources.crm.max_rejected"),
        ("on_duplicate: newest", "sources.crm.on_duplicate: unknown word 'newest'; allowed: refuse, latest"),
    ],
)
def test_a_bad_word_is_refused_where_it_stands(tmp_path: Path, key: str, said: str) -> None:
    lines = ["project: acme", "store: sqlite:///a.db", "sources:", "  crm:", "    read: a.csv", f"    {key}"]
    lines += ["    record_id: id", "    entity: person", "    fields: {name: name}"]
    (tmp_path / "project.yaml").write_text("\n".join(lines))
    with pytest.raises(BadProject) as caught:
        load_project(tmp_path / "project.yaml", {})
    assert said in str(caught.value)
    assert f"{tmp_path}/project.yaml:6:" in str(caught.value)
