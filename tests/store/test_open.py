"""Opening a store: created, migrated, refused with advice."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text

from mdm.errors import BadInput, Misconfigured, Unavailable
from mdm.store import Store, bulk_insert, open_store, read_table
from mdm.store.migrations import HEAD
from mdm.store.schema import metadata, source


def test_a_migrated_store_has_the_schema_of_the_metadata(store: Store) -> None:
    with store.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
        assert context.get_current_revision() == HEAD


def test_sqlite_tables_are_written_alike_by_migration_and_metadata(tmp_path: Path) -> None:
    """Checks and `without rowid` are invisible to Alembic's comparison."""
    migrated, created = tmp_path / "migrated.db", tmp_path / "created.db"
    open_store(f"sqlite:///{migrated}").close()
    engine = create_engine(f"sqlite:///{created}")
    metadata.create_all(engine)
    engine.dispose()
    assert _definitions(migrated) == _definitions(created)


def _definitions(path: Path) -> dict[str, list[str]]:
    connection = sqlite3.connect(path)
    rows = connection.execute("select name, sql from sqlite_master where sql is not null").fetchall()
    connection.close()
    return {name: sorted(_parts(sql)) for name, sql in rows if name != "alembic_version"}


def _parts(sql: str) -> list[str]:
    """Columns, constraints and what stands around them, in no order: an added column stands behind the constraints."""
    head, _, rest = sql.partition("(")
    inside, _, tail = rest.rpartition(")")
    parts, depth = [""], 0
    for sign in inside:
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if sign == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    return [" ".join(part.split()) for part in (head, *parts, tail)]


def test_opening_again_keeps_what_is_stored(store_url: str) -> None:
    first = open_store(store_url)
    with first.writing() as connection:
        bulk_insert(connection, source, ("source_id", "name"), [(1, "crm")])
    first.close()
    again = open_store(store_url)
    with again.reading() as connection:
        assert read_table(connection, source.select()).to_pydict() == {"source_id": [1], "name": ["crm"]}
    again.close()


def test_a_store_says_what_it_is_without_the_password(store_url: str) -> None:
    store = open_store(store_url)
    assert store.url == store_url
    assert store.dialect == store_url.split(":", maxsplit=1)[0]
    assert repr(store).startswith(f"Store('{store.dialect}")
    store.close()


def test_a_store_of_a_newer_version_is_refused(store_url: str) -> None:
    store = open_store(store_url)
    with store.writing() as connection:
        connection.execute(text("update alembic_version set version_num = '9999'"))
    store.close()
    with pytest.raises(Misconfigured, match="newer version"):
        open_store(store_url)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("crm.db", "sqlite:///FILE"),
        ("mysql://root:hunter2@db/x", "sqlite:///FILE"),
        ("sqlite://", "sqlite:///FILE"),
        ("sqlite:///:memory:", "must be a file"),
        ("sqlite:////no/such/folder/store.db", "does not exist"),
    ],
)
def test_a_url_that_cannot_be_a_store_is_bad_input(url: str, words: str) -> None:
    with pytest.raises(BadInput, match=words) as refusal:
        open_store(url)
    assert "hunter2" not in str(refusal.value)


def test_a_file_that_is_no_database_is_bad_input(tmp_path: Path) -> None:
    path = tmp_path / "customers.csv"
    path.write_text("id,name\n1,An\n" * 100)
    with pytest.raises(BadInput, match="not a readable store"):
        open_store(f"sqlite:///{path}")
    assert path.read_text().startswith("id,name")


def test_a_folder_is_misconfigured(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="permissions"):
        open_store(f"sqlite:///{tmp_path}")


def test_a_missing_server_is_unavailable_and_its_password_unsaid() -> None:
    with pytest.raises(Unavailable, match="cannot be reached") as refusal:
        open_store("postgresql://mdm:hunter2@127.0.0.1:9/mdm")
    assert "hunter2" not in _everything_said(refusal.value)


def test_a_missing_database_is_misconfigured(store_url: str) -> None:
    if store_url.startswith("sqlite"):
        store_url = "sqlite:////proc/store.db"
        expected = "permissions"
    else:
        store_url = store_url.replace("/test_", "/absent_")
        expected = "correct the store URL"
    with pytest.raises(Misconfigured, match=expected):
        open_store(store_url)


def _everything_said(error: BaseException | None) -> str:
    """The message of an error and of everything a traceback would show with it."""
    said = ""
    while error is not None:
        said += str(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return said
