"""A table or query of a database, by URL -> chunks of rows, streamed and read only.

Rows come in the order of the record ids, so that a row number names the same row as long as the data is the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, create_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError

from mdm.errors import BadSource, MdmError, Unavailable
from mdm.reading.cells import cell_text
from mdm.reading.chunks import Chunk, Row, gathered, name_columns
from mdm.reading.origin import DATABASES, Origin

ROWS_AT_ONCE = 200  # each may hold cells of a megabyte
CONNECT_SECONDS = 10
SHOWN_QUERY = 120
_FORMS = "write sqlite:///FILE or postgresql://HOST/DATABASE"
_BLANKS = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Query:
    """The rows of a query. place: where the project file says it; order: columns that put the rows in order.

    name: what messages call it. url may hold a password: it is not shown, not even by repr.
    """

    url: URL = field(repr=False)
    name: str
    statement: str
    place: str
    order: tuple[str, ...]

    def columns(self, wanted: Sequence[str] = ()) -> tuple[str, ...]:
        """The columns, without reading rows."""
        statement = f"select * from ({self.statement}\n) as source_rows limit 0"
        with self._connected() as connection, connection.exec_driver_sql(statement) as result:
            return name_columns(self.name, result.keys())

    def chunks(self, wanted: Sequence[str] = ()) -> Iterator[Chunk]:
        """The rows in chunks; `lines` count the rows from 1."""
        order = f" order by {', '.join(map(_quote, self.order))}" if self.order else ""
        statement = f"select * from ({self.statement}\n) as source_rows{order}"
        with self._connected() as connection, connection.exec_driver_sql(statement) as result:
            columns = name_columns(self.name, result.keys())
            yield from gathered(columns, self._rows(result.partitions(ROWS_AT_ONCE)))

    def _rows(self, partitions: Iterator[Sequence[Sequence[object]]]) -> Iterator[tuple[int, Row]]:
        number = 0
        for partition in partitions:
            for row in partition:
                number += 1
                yield number, tuple([cell_text(value) for value in row])

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        """A connection that can only read.

        Raises BadSource for what the database refuses, Unavailable when it cannot be reached.
        """
        engine = create_engine(self.url, hide_parameters=True, connect_args=_connect_arguments(self.url))
        try:
            with engine.connect() as connection:
                yield connection.execution_options(
                    stream_results=True,
                    max_row_buffer=ROWS_AT_ONCE,
                    no_parameters=True,  # a percent sign or colon in the query is its own
                    **({"postgresql_readonly": True} if _is_postgresql(self.url) else {}),
                )
        except DBAPIError as error:
            raise self._failure(error) from None
        finally:
            engine.dispose()

    def _failure(self, error: DBAPIError) -> MdmError:
        reason = _BLANKS.sub(" ", str(error.orig)).strip()
        password = self.url.password
        if password:
            reason = reason.replace(str(password), "***")
        said = f"{self.place}: {self.name}: {reason}"
        if _is_postgresql(self.url) and isinstance(error, OperationalError | InterfaceError) and _is_away(error):
            return Unavailable(f"{said}; check that the database runs, then try again")
        return BadSource(said)


def database_query(origin: Origin, url: str, *, place: str, folder: Path, order: tuple[str, ...]) -> Query:
    """The query of an origin whose URL is resolved; a SQLite file is relative to `folder`. Raises BadSource."""
    parsed = _parse(url, place)
    shown = parsed.set(query={}).render_as_string(hide_password=True)
    reading = _read_only_sqlite(parsed, place, folder) if parsed.get_backend_name() == "sqlite" else parsed
    if origin.table is not None:
        statement = f"select * from {'.'.join(_quote(part) for part in origin.table.split('.'))}"
        return Query(reading, f"{shown} (table {origin.table})", statement, place, order)
    query = (origin.query or "").strip().rstrip(";").rstrip()
    return Query(reading, f"{shown} (query: {_start_of(query)})", query, place, order)


def _start_of(query: str) -> str:
    text = _BLANKS.sub(" ", query).strip()
    return text if len(text) <= SHOWN_QUERY else text[:SHOWN_QUERY] + "..."


def _parse(url: str, place: str) -> URL:
    """The checked URL; messages do not repeat what may hold a password."""
    try:
        parsed = make_url(re.sub(r"^postgres://", "postgresql://", url))
    except (ArgumentError, ValueError):
        raise BadSource(f"{place}: is not a database URL; {_FORMS}") from None
    backend = parsed.get_backend_name()
    if backend not in DATABASES:
        raise BadSource(f"{place}: a database cannot be {backend!r}; {_FORMS}")
    return parsed.set(drivername="postgresql+psycopg" if backend == "postgresql" else "sqlite")


def _read_only_sqlite(url: URL, place: str, folder: Path) -> URL:
    """The URL of a file that must be there, relative to `folder`, opened for reading only."""
    file = folder / (url.database or "")
    if not file.is_file():
        raise BadSource(f"{place}: no file {file}")
    return url.set(database=f"file:{_uri_path(file)}", query={"mode": "ro", "uri": "true"})


def _uri_path(file: Path) -> str:
    return str(file).replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _is_postgresql(url: URL) -> bool:
    return url.get_backend_name() == "postgresql"


def _connect_arguments(url: URL) -> dict[str, object]:
    return {"connect_timeout": CONNECT_SECONDS} if _is_postgresql(url) else {}


def _is_away(error: DBAPIError) -> bool:
    """Whether the server could not be reached or went away: a refused login says so, and has a state code or words."""
    reason = str(error.orig)
    refused = any(words in reason for words in ("authentication", "does not exist", "no pg_hba.conf entry"))
    state = getattr(error.orig, "sqlstate", None)
    return not refused and (state is None or state.startswith(("08", "57")))
