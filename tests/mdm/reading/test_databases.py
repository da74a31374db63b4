"""Tables and queries of SQLite and PostgreSQL -> rows in the order of their ids; no write, no secret told."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from mdm.errors import BadProject, BadSource, Unavailable
from mdm.project_file import ProjectFile, load_project
from mdm.reading.chunks import CHUNK_ROWS
from mdm.sources import BadRow, SourceBatch, check_columns, scan

PROJECT = """\
project: acme
store: sqlite:///acme.db
sources:
  crm:
    read: READ
    ROWS
    record_id: id
    entity: person
    fields: {name: name}
"""
CREATE = """\
create table customers (id integer primary key, name text, born date, paid numeric(8, 2), "odd ""name" text)
"""
ROWS = [(3, "Cid", "1980-01-02", "1.50", None), (1, "Ann", None, None, "x"), (2, "  ", None, None, None)]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database with a table of customers, on each kind in turn."""
    if request.param == "sqlite":
        with sqlite3.connect(tmp_path / "crm data.db") as connection:
            connection.execute(CREATE)
            connection.executemany("insert into customers values (?, ?, ?, ?, ?)", ROWS)
        connection.close()
        yield "sqlite:///crm data.db"
    else:
        server = request.getfixturevalue("postgresql")
        name = f"test_{uuid.uuid4().hex}"
        _execute(server.get_uri(), f"create database {name}")
        with psycopg.connect(server.get_uri(database=name), autocommit=True) as server_connection:
            server_connection.execute(CREATE.encode())
            server_connection.cursor().executemany("insert into customers values (%s, %s, %s, %s, %s)", ROWS)
        yield server.get_uri(database=name)
        _execute(server.get_uri(), f"drop database {name} with (force)")


def _execute(uri: str, statement: str) -> None:
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(statement.encode())


def project(folder: Path, read: str, rows: str = "table: customers") -> ProjectFile:
    path = folder / "project.yaml"
    path.write_text(PROJECT.replace("READ", read).replace("ROWS", rows), encoding="utf-8")
    return load_project(path, {})


def batches(made: ProjectFile) -> tuple[list[SourceBatch], list[BadRow]]:
    bad: list[BadRow] = []
    check_columns(made)
    return list(scan(made, bad.append)), bad


def test_a_table_is_read_in_the_order_of_its_ids(tmp_path: Path, url: str) -> None:
    [batch], bad = batches(project(tmp_path, url))
    assert batch.columns == ("id", "name", "born", "paid", 'odd "name')
    assert batch.record_ids == ["1", "2", "3"]
    assert batch.lines == [1, 2, 3]
    assert batch.rows[1] == ("2", None, None, None, None)
    assert batch.rows[2][:3] == ("3", "Cid", "1980-01-02")
    assert batch.rows[2][3] in ("1.50", "1.5")  # SQLite keeps no trailing zero
    assert bad == []


@pytest.mark.parametrize(
    "query",
    [
        "select id, name from customers",
        "select id, name from customers;",
        "select id, name from customers -- all of them",
        "with c as (select * from customers) select id, name from c order by name desc",
        "select id, name from customers where name not like '%:x%'",
        "select id, name from customers where name <> '12:30'",
    ],
)
def test_a_query_is_read_as_it_is_written(tmp_path: Path, url: str, query: str) -> None:
    found, _ = batches(project(tmp_path, url, f'query: "{query}"'))
    assert [r for b in found for r in b.record_ids] == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("table: persons", ["sources.crm.table", "persons"]),
        (
            'query: "select id, nmae as name from customers"',
            ["sources.crm.query", "(query: select id, nmae as"],
        ),
        ('query: "delete from customers"', ["sources.crm.query", "delete"]),
        ('query: "select id from customers"', ["sources.crm.fields.name", "no column 'name'", "columns there: id"]),
        ('query: "select 1 as id, 1/0 as name from nowhere"', ["sources.crm.query", "nowhere"]),
    ],
)
def test_what_a_database_refuses_names_source_and_query(tmp_path: Path, url: str, rows: str, said: list[str]) -> None:
    with pytest.raises(BadSource) as caught:
        batches(project(tmp_path, url, rows))
    for words in said:
        assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_reading_changes_nothing(tmp_path: Path, url: str) -> None:
    made = project(tmp_path, url, 'query: "with gone as (delete from customers returning *) select * from gone"')
    with pytest.raises(BadSource):
        batches(made)
    assert len(batches(project(tmp_path, url))[0][0].rows) == 3


def test_many_rows_come_in_bounded_chunks(tmp_path: Path, url: str) -> None:
    numbers = "with recursive n(id) as (select 1 union all select id + 1 from n where id < 45000)"
    found, _ = batches(project(tmp_path, url, f'query: "{numbers} select id, id as name from n"'))
    assert [len(b.rows) for b in found] == [CHUNK_ROWS, CHUNK_ROWS, 5_000]
    assert found[-1].lines[-1] == 45_000


def test_a_nul_in_a_cell_costs_its_row(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("create table customers (id, name)")
        connection.executemany("insert into customers values (?, ?)", [(1, "A\0n"), (2, b"\xff"), (3, "Cid")])
    connection.close()
    [batch], [bad] = batches(project(tmp_path, "sqlite:///a.db"))
    assert batch.rows == [("2", "ff"), ("3", "Cid")]
    assert (bad.source, bad.line, bad.reason) == ("crm", 1, "holds a NUL character or text that did not decode")


def test_the_environment_may_hold_the_url_or_its_password(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_URL", url)
    [batch], _ = batches(project(tmp_path, "${CRM_URL}"))
    assert len(batch.rows) == 3
    assert "${CRM_URL}" in repr(project(tmp_path, "${CRM_URL}"))
    assert url not in repr(project(tmp_path, "${CRM_URL}"))


def test_a_missing_variable_is_refused_by_name_when_the_source_is_read(tmp_path: Path) -> None:
    made = project(tmp_path, "postgresql://app:${NO_SUCH_PASSWORD}@db/crm")
    with pytest.raises(BadSource, match=r"sources\.crm\.read: the environment has no NO_SUCH_PASSWORD"):
        check_columns(made)


def test_no_message_tells_the_password(tmp_path: Path, postgresql: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_PASSWORD", "s3cr@t/:?")
    made = project(tmp_path, "postgresql://nobody:${CRM_PASSWORD}@127.0.0.1:1/crm")
    with pytest.raises(Unavailable) as caught:
        check_columns(made)
    assert "s3cr" not in str(caught.value)
    assert "postgresql+psycopg://nobody:***@127.0.0.1:1/crm (table customers)" in str(caught.value)


@pytest.mark.parametrize(
    ("read", "rows", "said"),
    [
        ("postgresql://u:pw@db/x", "table: t", "sources.crm.read: holds a password; write ${NAME} in its place"),
        ("postgresql://db/x?password=pw", "table: t", "holds a password"),
        ("mysql://db/x", "table: t", "allowed: sqlite://, postgresql://"),
        ("crm.csv", "table: t", "unknown database 'crm.csv'"),
        ("sqlite:///a.db", "where: {a: b}", "write a `query` or a `table`"),
        ("sqlite:///a.db", "table: t\n    query: select 1", "write one of them"),
        ("sqlite:///a.db", 'query: " "', "sources.crm.query: is empty"),
        ("sqlite:///a.db", "table: t\n    encoding: utf-16", "are for files"),
    ],
)
def test_a_mistake_about_databases_is_refused_at_the_start(tmp_path: Path, read: str, rows: str, said: str) -> None:
    with pytest.raises(BadProject) as caught:
        project(tmp_path, read, rows)
    assert said in str(caught.value)


def test_rows_of_a_database_have_no_lines_to_be_named_by(tmp_path: Path) -> None:
    (tmp_path / "project.yaml").write_text(
        PROJECT.replace("READ", "sqlite:///a.db").replace("ROWS", "table: t").replace(" id\n", ' "@line"\n')
    )
    with pytest.raises(BadProject, match=r"sources\.crm\.record_id: rows of a database have no lines"):
        load_project(tmp_path / "project.yaml", {})


@pytest.mark.parametrize("read", ["sqlite:///missing.db", "sqlite://"])
def test_a_missing_database_is_not_made(tmp_path: Path, read: str) -> None:
    with pytest.raises(BadSource, match=r"sources\.crm\.table: no file"):
        check_columns(project(tmp_path, read))
    assert [p.name for p in tmp_path.iterdir()] == ["project.yaml"]


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_text("id,name\n" * 500)
    with pytest.raises(BadSource, match="not a database"):
        check_columns(project(tmp_path, "sqlite:///a.db"))
