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
    with _file_lock(store) if store.dialect == "sqlite" else _session_lock(store):
        yield


@contextmanager
def _file_lock(store: Store) -> Iterator[None]:
    path = Path(f"{store.database}.lock")
    # The file stays: removing it would let two jobs hold locks on two files of one name.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    with os.fdopen(descriptor, "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _held(store, file.read().strip()) from None
        file.truncate(0)
        file.write(_me())
        file.flush()
        yield


@contextmanager
def _session_lock(store: Store) -> Iterator[None]:
    with store.session(application_name=_me()) as connection:
        if not connection.scalar(_TAKE, {"number": _NUMBER}):
            raise _held(store, connection.scalar(_HOLDER, {"number": _NUMBER}) or "")
        try:
            yield
        finally:
            # The server may notice later that the session is over, and would refuse the next job until then. Where the
            # connection is lost already, so is the lock.
            with suppress(DBAPIError):
                connection.execute(_FREE, {"number": _NUMBER})


def _me() -> str:
    return f"process {os.getpid()} on {socket.gethostname()}"


def _held(store: Store, holder: str) -> Unavailable:
    who = holder or "another process"
    return Unavailable(f"{who} is running a job on {store!r}; wait until it has finished, then run again")
