"""Statements by the driver's own road: a statement that stands in a module -> its text once, then only values.

Executing through SQLAlchemy costs 100 us a statement, the driver needs 10, and storing one record takes thirty. The
transaction stays SQLAlchemy's.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import psycopg
from sqlalchemy import Connection, Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.expression import Executable

Row = tuple[Any, ...]
NOTHING: Mapping[str, Any] = {}
_REFUSALS = (sqlite3.Error, psycopg.Error)


@dataclass(frozen=True, slots=True)
class Built:
    """A statement of one database.

    places: per parameter its name as given, the value it has by itself, how it is sent. names: as the text calls them,
    None where it goes by position.
    """

    text: str
    places: tuple[tuple[str, Any, Callable[[Any], Any] | None], ...]
    names: tuple[str, ...] | None

    def values(self, given: Mapping[str, Any]) -> Sequence[Any] | Mapping[str, Any]:
        """The parameters as the driver takes them."""
        sent = [
            given.get(name, alone) if process is None else process(given.get(name, alone))
            for name, alone, process in self.places
        ]
        return sent if self.names is None else dict(zip(self.names, sent, strict=True))


def run(connection: Connection, statement: Executable, given: Mapping[str, Any] = NOTHING) -> list[Row]:
    """The rows that the statement returns. It must be one of a few, that live as long as the process."""
    built = build(statement, connection.dialect, tuple(given))
    found = drive(connection, built.text, built.values(given))
    return [] if found.description is None else found.fetchall()


def drive(connection: Connection, text: str, values: Any) -> Any:
    """The driver's cursor after a statement of text. Raises what SQLAlchemy raises."""
    driver: Any = connection.connection.driver_connection
    try:
        return driver.execute(text, values)
    except _REFUSALS as error:
        raise refusal(connection, text, error) from error


def refusal(connection: Connection, text: str, error: Exception) -> BaseException:
    """What the driver refused, as SQLAlchemy says it."""
    base: Any = sqlite3.Error if connection.dialect.name == "sqlite" else psycopg.Error
    return DBAPIError.instance(text, None, error, base, hide_parameters=True, dialect=connection.dialect)


@lru_cache(maxsize=1024)
def build(statement: Executable, dialect: Dialect, names: tuple[str, ...]) -> Built:
    """The statement as a database takes it. names: of the parameters given, which say what an insert fills."""
    compiled: Any = statement.compile(dialect=dialect, column_keys=list(names))  # type: ignore[attr-defined]
    order = compiled.positiontup
    called = None if order is not None else tuple(compiled.binds)
    places = []
    for name in order or called or ():
        bind = compiled.binds[name]
        process = bind.type.dialect_impl(dialect).bind_processor(dialect)
        places.append((bind.key, bind.value, process))
    return Built(str(compiled), tuple(places), called)
