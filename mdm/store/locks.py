"""The run lock: one batch job at a time on a store. The operating system frees it when its holder dies.

SQLite: a lock on a file beside the database. PostgreSQL: an advisory lock of a session of its own.
"""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from mdm.errors import Unavailable
from mdm.store.store import Store

_NUMBER = 0x6D646D + 1  # beside the number that migrations lock
_TAKE = text("select pg_try_advisory_lock(:number)")
_FREE = text("select pg_advisory_unlock(:number)")
# Locks of this kind are a database's own, and all databases of the server are listed.
_HOLDER = text(
    "select a.application_name from pg_locks l join pg_stat_activity a using (pid) "
    "where l.locktype = 'advisory' and l.objid = :number and l.granted and a.datname = current_database()"
)


@contextmanager
def run_lock(store: Store) -> Iterator[None]:
    """Held while inside. Raises Unavailable, naming who holds it, when another job works on the store."""
    try:
        with _file_lock(store, "lock") if store.dialect == "sqlite" else _session_lock(store):
            yield
    except _Held as held:
        raise Unavailable(f"{held} is running a job on {store!r}; wait until it has finished, then run again") from None


@contextmanager
def server_lock(store: Store) -> Iterator[None]:
    """Held while a server runs on a SQLite store; PostgreSQL serves any number.

    Raises Unavailable, naming who holds it, when another server process has the store.
    """
    if store.dialect != "sqlite":
        yield
        return
    try:
        with _file_lock(store, "server"):
            yield
    except _Held as held:
        raise Unavailable(
            f"{held} serves {store!r} already: SQLite has one server process; stop it, or move the store to PostgreSQL"
        ) from None


class _Held(Exception):
    """Somebody has the lock."""


@contextmanager
def _file_lock(store: Store, name: str) -> Iterator[None]:
    path = Path(f"{store.database}.{name}")
    # The file stays: removing it would let two jobs hold locks on two files of one name.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    with os.fdopen(descriptor, "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _Held(file.read().strip() or "another process") from None
        file.truncate(0)
        file.write(_me())
        file.flush()
        yield


@contextmanager
def _session_lock(store: Store) -> Iterator[None]:
    with store.session(application_name=_me()) as connection:
        if not connection.scalar(_TAKE, {"number": _NUMBER}):
            raise _Held(connection.scalar(_HOLDER, {"number": _NUMBER}) or "another process")
        try:
            yield
        finally:
            # The server may notice later that the session is over, and would refuse the next job until then. Where the
            # connection is lost already, so is the lock.
            with suppress(DBAPIError):
                connection.execute(_FREE, {"number": _NUMBER})


def _me() -> str:
    return f"process {os.getpid()} on {socket.gethostname()}"
