"""Store URL -> SQLAlchemy engine, with the settings durability and waiting writers depend on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from mdm.errors import BadInput, MdmError, Misconfigured, Unavailable

_PRAGMAS = (
    "journal_mode = wal",
    "synchronous = full",  # an acknowledged write survives a power cut; NORMAL would lose the last ones
    "foreign_keys = on",
    "temp_store = memory",
    "cache_size = -65536",
    "analysis_limit = 1000",
)


def parse_url(url: str) -> URL:
    """The checked URL; raises BadInput with the forms allowed, without repeating what may hold a password."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise BadInput("the store URL cannot be read; write sqlite:///FILE or postgresql://HOST/DATABASE") from None
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise BadInput(f"a store cannot be {parsed.drivername!r}; write sqlite:///FILE or postgresql://HOST/DATABASE")
    return parsed.set(drivername=parsed.get_backend_name())


def make_engine(url: URL, wait_seconds: float) -> Engine:
    """An engine that has not connected yet; raises BadInput when a SQLite URL names no usable file.

    wait_seconds: how long a writer waits for another one before it gives up with Unavailable.
    """
    milliseconds = round(wait_seconds * 1000)
    if url.get_backend_name() == "sqlite":
        return _sqlite_engine(url, milliseconds)
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        hide_parameters=True,
        connect_args={"options": f"-c lock_timeout={milliseconds}", "connect_timeout": 10},
    )


def _sqlite_engine(url: URL, milliseconds: int) -> Engine:
    if url.database in (None, "", ":memory:"):
        raise BadInput("the store must be a file that outlives the process; write sqlite:///FILE")
    folder = Path(str(url.database)).absolute().parent
    if not folder.is_dir():
        raise BadInput(f"the folder {folder} of the store does not exist; create it or correct the URL")
    engine = create_engine(url, hide_parameters=True)
    event.listen(engine, "connect", partial(_prepare_sqlite, milliseconds))
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(milliseconds: int, connection: sqlite3.Connection, _record: Any) -> None:
    # The driver would begin transactions by itself, deferred: a writer would then fail where it should wait.
    connection.isolation_level = None
    # Waiting comes first: switching to WAL itself may have to wait.
    for pragma in (f"busy_timeout = {milliseconds}", *_PRAGMAS):
        connection.execute(f"pragma {pragma}").close()


_SERVING = {
    # A writer copies the log itself only when 160 MB of it were left lying.
    "sqlite": "pragma wal_autocheckpoint = 40000",
    # Else every look-up of a few numbers is planned anew, which takes longer than answering it.
    "postgresql": "set plan_cache_mode = force_generic_plan",
}


def prepare_serving(engine: Engine) -> None:
    """Nothing; connections from now on are for many short transactions."""
    statement = _SERVING[engine.dialect.name]

    def prepare(connection: Any, _record: Any) -> None:
        connection.execute(statement)
        connection.commit()

    engine.dispose()
    event.listen(engine, "connect", prepare)


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    driver: Any = connection.connection.driver_connection
    # PostgreSQL refuses writes of a reader by itself; SQLite has to be told so, once per change.
    if connection.info.get("writes") is not writes:
        driver.execute(f"pragma query_only = {'off' if writes else 'on'}")
        connection.info["writes"] = writes
    driver.execute("begin immediate" if writes else "begin")


@contextmanager
def translated(url: URL) -> Iterator[None]:
    """Raises what the database refused as an error of ours that names the store, never its password."""
    try:
        yield
    except DBAPIError as error:
        failure = _failure(error.orig, url)
        if failure is None:
            raise
        raise failure from None
    except (sqlite3.Error, psycopg.Error) as error:
        failure = _failure(error, url)
        if failure is None:
            raise
        raise failure from None


def _failure(error: BaseException | None, url: URL) -> MdmError | None:
    """What the operator or caller can do about a refusal; None when it is a defect of ours."""
    store = url.render_as_string(hide_password=True)
    reason = _without_password(str(error).strip(), url)
    if isinstance(error, sqlite3.DatabaseError):
        return _sqlite_failure(error, store, reason)
    if isinstance(error, psycopg.Error):
        return _postgresql_failure(error, store, reason)
    return None


def _sqlite_failure(error: sqlite3.DatabaseError, store: str, reason: str) -> MdmError | None:
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return None
    match code & 0xFF:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return Unavailable(f"another process is writing to {store}; try again when it has finished")
        case sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_CORRUPT:
            return BadInput(f"{store} is not a readable store ({reason}); name another file or restore a backup")
        case sqlite3.SQLITE_FULL:
            return Unavailable(f"no room left for {store}; free disk space and run again")
        case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_READONLY | sqlite3.SQLITE_IOERR | sqlite3.SQLITE_PERM:
            return Misconfigured(f"{store} cannot be written ({reason}); check the file's place and permissions")
    return None


def _postgresql_failure(error: psycopg.Error, store: str, reason: str) -> MdmError | None:
    match error:
        case psycopg.errors.LockNotAvailable() | psycopg.errors.DeadlockDetected():
            return Unavailable(f"another process is writing to {store}; try again when it has finished")
        case psycopg.errors.InvalidCatalogName() | psycopg.errors.InsufficientPrivilege():
            return Misconfigured(f"{store} refuses this user or database ({reason}); correct the URL or the grants")
        case psycopg.errors.InvalidAuthorizationSpecification():
            return Misconfigured(f"{store} refuses the login; correct user and password of the store URL")
        case psycopg.OperationalError() if error.sqlstate is None and _is_refused_login(reason):
            # A failure while connecting carries no state code, only the server's words.
            return Misconfigured(f"{store} refuses the connection ({reason}); correct the store URL")
        case psycopg.OperationalError() | psycopg.InterfaceError():
            return Unavailable(f"{store} cannot be reached ({reason}); check that the server runs, then try again")
    return None


def _is_refused_login(reason: str) -> bool:
    return any(words in reason for words in ("authentication", "does not exist", "no pg_hba.conf entry"))


def _without_password(reason: str, url: URL) -> str:
    password = None if url.password is None else str(url.password)
    return reason if not password else reason.replace(password, "***")
