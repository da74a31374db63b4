"""A store and its two kinds of transaction: one that reads a consistent snapshot, one that writes."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from threading import Event, Lock, Thread
from typing import Any

from sqlalchemy import Connection, Engine, text
from sqlalchemy.engine import URL

from mdm.errors import Unavailable
from mdm.store.engine import make_engine, parse_url, prepare_serving, translated
from mdm.store.migrations import migrate

# Writers come one after the other, as SQLite has them anyway: what one has read stays true until it has written.
# Beside the numbers that migrations and runs lock.
_ONE_WRITER = text(f"select pg_advisory_xact_lock({0x6D646D + 2})")

CHECKPOINT_SECONDS = 0.5

MOMENT = "%Y-%m-%dT%H:%M:%SZ"

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The present moment in UTC."""
    return datetime.now(UTC)


def open_store(url: str, *, clock: Clock = utc_now, wait_seconds: float = 30) -> Store:
    """The store at `sqlite:///FILE` or `postgresql://...`, created or migrated to the present schema.

    clock: tells the time that `recorded_at` columns carry. wait_seconds: how long a writer waits for another one.
    Raises BadInput (the URL or file), Misconfigured (rights, a newer schema) or Unavailable (no server, no lock).
    """
    parsed = parse_url(url)
    engine = make_engine(parsed, wait_seconds)
    try:
        with translated(parsed):
            migrate(engine)
    except BaseException:
        engine.dispose()
        raise
    return Store(url, engine, clock, wait_seconds)


class Store:
    """The lifetime of a store's connections; safe to share between threads."""

    def __init__(self, url: str, engine: Engine, clock: Clock, wait_seconds: float) -> None:
        self.url = url
        self.dialect = engine.dialect.name
        self._parsed: URL = parse_url(url)
        self._engine = engine
        self._clock = clock
        self._wait_seconds = wait_seconds
        self._turn = Lock()

    def __repr__(self) -> str:
        return f"Store({self._parsed.render_as_string(hide_password=True)!r})"

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection on which every statement sees the same snapshot; what it writes is refused."""
        with translated(self._parsed), self._engine.connect() as plain:
            connection = plain
            if self.dialect == "postgresql":
                connection = plain.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection.begin():
                yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A connection inside one write transaction: committed at the end, rolled back when an error leaves it.

        Every row written in it carries the same `recorded_at`. Raises Unavailable when another writer keeps it
        waiting too long.
        """
        with self._own_turn(), translated(self._parsed), self._engine.connect() as plain:
            moment = moment_of(self.now())
            connection = plain.execution_options(writes=True, recorded_at=moment)
            with connection.begin():
                if self.dialect == "postgresql":
                    connection.execute(_ONE_WRITER)
                yield connection

    @contextmanager
    def _own_turn(self) -> Iterator[None]:
        """Threads of one process wait here and not in the database, where waiting for SQLite means asking again."""
        if not self._turn.acquire(timeout=self._wait_seconds):
            raise Unavailable(f"another thread is writing to {self!r}; try again when it has finished")
        try:
            yield
        finally:
            self._turn.release()

    @contextmanager
    def rehearsing(self) -> Iterator[Store]:
        """A store that sees and does everything in one transaction, which is rolled back at the end.

        Other writers wait meanwhile.
        """
        with self.writing() as connection:
            yield _Rehearsal(self, connection)
            connection.rollback()

    @property
    def database(self) -> str:
        """The file of a SQLite store, the name of a PostgreSQL database."""
        return str(self._parsed.database)

    @contextmanager
    def session(self, *, application_name: str) -> Iterator[Connection]:
        """A PostgreSQL connection of its own that is in no transaction, closed at the end; named for others to see."""
        with translated(self._parsed):
            raw = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            try:
                raw.execute(text("select set_config('application_name', :name, false)"), {"name": application_name})
                yield raw
            finally:
                # Not back to the pool: what the session holds must go with it.
                raw.invalidate()
                raw.close()

    @contextmanager
    def tending(self) -> Iterator[None]:
        """The store serves single records while inside.

        SQLite's log goes into its file by a thread of its own: no write waits for that. PostgreSQL plans each statement
        once.
        """
        prepare_serving(self._engine)
        if self.dialect != "sqlite":
            yield
            return
        over = Event()
        thread = Thread(target=self._checkpoint, args=(over,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _checkpoint(self, over: Event) -> None:
        while not over.wait(CHECKPOINT_SECONDS):
            # What keeps it from its work (no room, a file that is gone), the writers will say.
            with suppress(sqlite3.Error), closing(self._engine.raw_connection()) as raw:
                driver: Any = raw.driver_connection
                driver.execute("pragma wal_checkpoint(passive)").fetchall()

    def now(self) -> datetime:
        """The present moment by the store's clock, in UTC."""
        return self._clock().astimezone(UTC)

    def close(self) -> None:
        """Nothing; the connections are given back to the operating system."""
        self._engine.dispose()


class _Rehearsal(Store):
    """A store inside one transaction of another."""

    def __init__(self, real: Store, connection: Connection) -> None:
        self._real = real
        self._connection = connection
        self.url = real.url
        self.dialect = real.dialect
        self._clock = real._clock

    def __repr__(self) -> str:
        return repr(self._real)

    def now(self) -> datetime:
        """The moment of the real store."""
        return self._real.now()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """The one transaction."""
        yield self._connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """The one transaction."""
        yield self._connection

    def close(self) -> None:
        """Nothing; the real store stays open."""


def moment_of(moment: datetime) -> str:
    """The moment as the store writes it, ISO 8601 in UTC to the second; one without a zone is UTC."""
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).strftime(MOMENT)


def recorded_at(connection: Connection) -> str:
    """The time of the write transaction, UTC, ISO 8601 to the second."""
    return str(connection.get_execution_options()["recorded_at"])
