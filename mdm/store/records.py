"""Records: the current version of each, its history, its claims and features as JSON text.

A record is a row in `record` (who it is, what was decided) and one in `record_body` (what it says). Its history is its
rows in `record_version` and then the present ones.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cache
from itertools import count
from typing import Any, NamedTuple

import pyarrow as pa
from sqlalchemy import ColumnElement, Connection, Select, bindparam, literal_column, select, union_all

from mdm.store import counters
from mdm.store.bulk import (
    Parameters,
    arrow_schema,
    bulk_insert,
    bulk_update,
    chunks,
    pairs,
    read_listed,
    read_table,
    stream,
)
from mdm.store.listed import among
from mdm.store.prepared import run
from mdm.store.schema import quarantined_row, record, record_body, record_version, source
from mdm.store.store import recorded_at

PUT_ROWS = 5_000
LOAD_RIDS = 50_000
CURRENT = ("rid", "source_id", "record_id", "entity_type", "content_hash", "updated_at", "state", "eid", "run_id")
_VERSIONED = ("rid", "version", "state", "content_hash", "updated_at", "recorded_at", "run_id", "payload")


class RecordRow(NamedTuple):
    """A record as the pipeline delivers it; a plain tuple, because millions go to the driver as they are.

    state: active or quarantined. content_hash: 32 hex digits. payload, claims, features, issues: JSON text.
    quality: letters of `rules.scorecard`. keys: the blocking keys as `engine.keys` packs them; the rows of `record_key`
    say the same.
    """

    rid: int
    source_id: int
    record_id: str
    entity_type: str
    state: str
    content_hash: str
    updated_at: str | None
    quality: str
    keys: bytes
    payload: str
    claims: str
    features: str
    issues: str


class QuarantinedRow(NamedTuple):
    """An input row that could not become a record, with the reason code."""

    source: str
    file: str
    line: int
    reason: str
    raw: str


class Reading(NamedTuple):
    """What another policy makes of an unchanged record; its content hash changes with its entity type."""

    rid: int
    entity_type: str
    state: str
    content_hash: str
    updated_at: str | None
    quality: str
    keys: bytes
    claims: str
    features: str
    issues: str


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """The current version of one record, deleted ones too.

    eid: the entity, None while undecided, quarantined or deleted. resolved: False after a change until its
    entities were decided anew.
    """

    rid: int
    source: str
    record_id: str
    entity_type: str
    state: str
    content_hash: str
    updated_at: str | None
    version: int
    recorded_at: str
    run_id: int | None
    resolved: bool
    eid: int | None
    payload: str
    claims: str
    features: str
    issues: str


_BODY = ("keys", "payload", "claims", "features", "issues")


def _selected(columns: Sequence[str]) -> Select[Any]:
    statement = select(*(_column(name) for name in columns)).select_from(record)
    if "source" in columns:
        statement = statement.join(source, source.c.source_id == record.c.source_id)
    if not set(columns).isdisjoint(_BODY):
        statement = statement.join(record_body, record_body.c.rid == record.c.rid)
    return statement


def _column(name: str) -> ColumnElement[Any]:
    if name == "source":
        return source.c.name.label("source")
    return record_body.c[name] if name in _BODY else record.c[name]


_GIVEN = among(record.c.rid, "rids")
_GIVEN_BODY = among(record_body.c.rid, "rids")
_OF_SOURCE = (source.c.name == bindparam("source")) & among(record.c.record_id, "record_ids")
_NUMBERS = (
    select(record.c.record_id, record.c.rid).join(source, source.c.source_id == record.c.source_id).where(_OF_SOURCE)
)
_STORED = tuple(field.name for field in fields(StoredRecord))
_SOURCES = select(source.c.name, source.c.source_id)
_VERSIONS = select(record.c.rid, record.c.version).where(_GIVEN)
_STANDING = select(record.c.rid, record.c.version, record.c.eid).where(_GIVEN)
_LIVE = select(record.c.rid).where(_GIVEN, record.c.state != "deleted")
_ARCHIVE = record_version.insert().from_select(_VERSIONED, _selected(_VERSIONED).where(_GIVEN))


def source_ids(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    """The number of each source by name, in the given order; unknown sources get one."""
    wanted = list(dict.fromkeys(names))
    known = _known_sources(connection)
    if any(name not in known for name in wanted):
        known = _number_sources(connection, wanted)
    return {name: known[name] for name in wanted}


def _number_sources(connection: Connection, names: Sequence[str]) -> dict[str, int]:
    # The counter's lock comes first: two writers that meet the same new source must not both number it.
    counters.allocate(connection, "source", 0)
    known = _known_sources(connection)
    missing = [name for name in names if name not in known]
    first = counters.allocate(connection, "source", len(missing))
    numbered = dict(zip(missing, count(first)))
    bulk_insert(connection, source, ("name", "source_id"), numbered.items())
    return known | numbered


def source_names(connection: Connection) -> dict[int, str]:
    """The name of each source by number."""
    return {number: name for name, number in _known_sources(connection).items()}


def _known_sources(connection: Connection) -> dict[str, int]:
    return dict(run(connection, _SOURCES))


def allocate_rids(connection: Connection, amount: int) -> int:
    """The first of `amount` consecutive record numbers."""
    return counters.allocate(connection, "rid", amount)


def current(connection: Connection, sources: Iterable[int] | None = None) -> pa.Table:
    """One row per stored record of the sources (None: of all): the columns of CURRENT, without JSON."""
    statement = _selected(CURRENT)
    if sources is not None:
        statement = statement.where(among(record.c.source_id, "sources"))
    return read_table(connection, statement, {"sources": sources})


def put(connection: Connection, rows: Iterable[RecordRow], run_id: int | None) -> None:
    """Nothing; the rows are the current versions, replaced ones stand in the history, and all are unresolved.

    Raises sqlalchemy's IntegrityError when a row gives a stored (source, record_id) another rid.
    """
    moment = recorded_at(connection)
    stamp = ("version", "recorded_at", "run_id", "resolved")
    heads, bodies = _HEAD + stamp, ("rid", *_BODY)
    for chunk in chunks(rows, PUT_ROWS):
        known = _versions(connection, [row.rid for row in chunk])
        new = [row for row in chunk if row.rid not in known]
        changed = [row for row in chunk if row.rid in known]
        bulk_insert(connection, record, heads, [(*_head(row), 1, moment, run_id, 0) for row in new])
        bulk_insert(connection, record_body, bodies, map(_body, new))
        _archive(connection, [row.rid for row in changed])
        stamped = [(*_head(row), known[row.rid] + 1, moment, run_id, 0) for row in changed]
        bulk_update(connection, record, heads, stamped)
        bulk_update(connection, record_body, bodies, map(_body, changed))


_HEAD = tuple(name for name in RecordRow._fields if name not in _BODY)


def _head(row: RecordRow) -> tuple[Any, ...]:
    return row[: len(_HEAD)]


def _body(row: RecordRow) -> tuple[Any, ...]:
    return (row.rid, *row[len(_HEAD) :])


def _versions(connection: Connection, rids: Sequence[int]) -> dict[int, int]:
    return pairs(connection, _VERSIONS, {"rids": rids})


def _archive(connection: Connection, rids: Sequence[int]) -> None:
    if rids:
        run(connection, _ARCHIVE, {"rids": rids})


def reread(connection: Connection, readings: Iterable[Reading]) -> None:
    """Nothing; records whose payload did not change have new claims and no new version. They become unresolved."""
    for chunk in chunks(readings, PUT_ROWS):
        columns = ("rid", "entity_type", "state", "content_hash", "updated_at", "quality", "resolved")
        heads = [(*each[: len(columns) - 1], 0) for each in chunk]
        bulk_update(connection, record, columns, heads)
        bodies = [(each.rid, each.keys, each.claims, each.features, each.issues) for each in chunk]
        bulk_update(connection, record_body, ("rid", "keys", "claims", "features", "issues"), bodies)


def set_issues(connection: Connection, issues: Iterable[tuple[int, str]]) -> None:
    """Nothing; each record (rid) has these issues (JSON text)."""
    bulk_update(connection, record_body, ("rid", "issues"), issues)


def mark_deleted(connection: Connection, rids: Iterable[int], run_id: int | None) -> None:
    """Nothing; the records are deleted and empty, their last content stands in the history.

    Keys, links and membership stay: the caller takes them away with the entities' decision.
    """
    for chunk in chunks(sorted(set(rids)), LOAD_RIDS):
        live = list(connection.scalars(_LIVE, {"rids": chunk}))
        _archive(connection, live)
        emptied = {"keys": b"", "payload": "{}", "claims": "{}", "features": "{}", "issues": "[]"}
        marked = {"state": "deleted", "quality": "", "resolved": 0}
        stamp = {"version": record.c.version + 1, "recorded_at": recorded_at(connection), "run_id": run_id}
        connection.execute(record.update().where(_GIVEN).values(marked | stamp), {"rids": live})
        connection.execute(record_body.update().where(_GIVEN_BODY).values(emptied), {"rids": live})


def by_ids(connection: Connection, identities: Iterable[tuple[str, str]]) -> list[StoredRecord]:
    """The stored records of these (source, record_id), by rid; unknown ones are left out."""
    wanted: dict[str, list[str]] = {}
    for name, record_id in identities:
        wanted.setdefault(name, []).append(record_id)
    found = [
        stored
        for name, record_ids in wanted.items()
        for stored in _stored(connection, _OF_SOURCE, {"source": name, "record_ids": record_ids})
    ]
    return sorted(found, key=lambda stored: stored.rid)


def numbers(connection: Connection, identities: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """(source, record_id) -> rid of those that are stored in any state."""
    wanted: dict[str, list[str]] = {}
    for name, record_id in identities:
        wanted.setdefault(name, []).append(record_id)
    return {
        (name, record_id): rid
        for name, record_ids in wanted.items()
        for record_id, rid in pairs(connection, _NUMBERS, {"source": name, "record_ids": record_ids}).items()
    }


def by_rids(connection: Connection, rids: Iterable[int]) -> list[StoredRecord]:
    """The stored records of these numbers, by rid; unknown ones are left out."""
    return sorted(_stored(connection, _GIVEN, {"rids": rids}), key=lambda stored: stored.rid)


def _stored(connection: Connection, condition: ColumnElement[bool], parameters: Parameters) -> list[StoredRecord]:
    rows = connection.execute(_selected(_STORED).where(condition), parameters)
    return [StoredRecord(**{**row._mapping, "resolved": bool(row.resolved)}) for row in rows]


def history(connection: Connection, rid: int) -> pa.Table:
    """The versions of a record, oldest first, the current one last: state, payload, when and by which run.

    A version held from its recorded_at until the next one's.
    """
    older = select(*(record_version.c[name] for name in _VERSIONED)).where(record_version.c.rid == rid)
    present = _selected(_VERSIONED).where(record.c.rid == rid)
    versions = union_all(older, present).subquery()
    return read_table(connection, select(versions).order_by(versions.c.version))


def load(connection: Connection, rids: Iterable[int], columns: Sequence[str]) -> pa.Table:
    """The columns of these records in any state, one row per stored rid, in no stated order.

    columns: of the record table, or `source` for the source's name.
    """
    statement = _given(tuple(columns))
    tables = [read_listed(connection, statement, "rids", chunk) for chunk in chunks(sorted(set(rids)), LOAD_RIDS)]
    return pa.concat_tables([arrow_schema(statement).empty_table(), *tables])


@cache
def _given(columns: tuple[str, ...]) -> Select[Any]:
    """The columns of the records that the parameter `rids` names; built once, as single records ask for it often."""
    return _selected(columns).where(_GIVEN)


def scan(
    connection: Connection, columns: Sequence[str], *, entity_type: str | None = None, state: str | None = "active"
) -> Iterator[pa.RecordBatch]:
    """The columns of all records of that entity type and state (None: of any), in batches, in no stated order."""
    statement = _selected(columns)
    if entity_type is not None:
        statement = statement.where(record.c.entity_type == entity_type)
    if state is not None:
        statement = statement.where(record.c.state == state)
    return stream(connection, statement)


def standing(connection: Connection, rids: Iterable[int]) -> dict[int, tuple[int, int | None]]:
    """rid -> (version, eid) of these records, those not stored left out."""
    return {rid: (version, eid) for rid, version, eid in run(connection, _STANDING, {"rids": rids})}


def waiting(connection: Connection, columns: Sequence[str]) -> pa.Table:
    """The columns of the unresolved records in any state, as `load` has them, in no stated order."""
    return read_table(connection, _selected(columns).where(record.c.resolved == literal_column("0")))


def unresolved(connection: Connection) -> list[int]:
    """The rids whose change no decision about entities has seen yet, deleted and quarantined ones too, in order."""
    statement = select(record.c.rid).where(record.c.resolved == literal_column("0")).order_by(record.c.rid)
    return list(connection.scalars(statement))


def unresolve(connection: Connection, rids: Collection[int] | None, *, entity_type: str | None = None) -> None:
    """Nothing; the records (None: all active ones, of that type) are unresolved: their entities are decided anew."""
    if rids is not None and not rids:
        return
    chosen = record.update().values(resolved=0)
    if rids is None:
        condition = record.c.state == "active"
        if entity_type is not None:
            condition &= record.c.entity_type == entity_type
        connection.execute(chosen.where(condition))
        return
    for chunk in chunks(sorted(set(rids)), LOAD_RIDS):
        connection.execute(chosen.where(_GIVEN), {"rids": chunk})


def set_entities(connection: Connection, memberships: Iterable[tuple[int, int | None]]) -> None:
    """Nothing; each (rid, eid) is the membership of that record now, and the record is resolved.

    Writes no log: decisions go through `entities.apply`.
    """
    bulk_update(connection, record, ("rid", "eid", "resolved"), ((rid, eid, 1) for rid, eid in memberships))


def quarantine_rows(connection: Connection, run_id: int, rows: Iterable[QuarantinedRow]) -> int:
    """How many input rows were set aside for this run."""
    kept = [row._replace(raw=_printable(row.raw)) for row in rows]
    first = counters.allocate(connection, "quarantined", len(kept))
    columns = ("row_no", "run_id", *QuarantinedRow._fields)
    return bulk_insert(connection, quarantined_row, columns, ((n, run_id, *row) for n, row in zip(count(first), kept)))


def _printable(raw: str) -> str:
    """The text with what PostgreSQL cannot store (NUL, lone surrogates) written as escapes."""
    return raw.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()


def quarantined_rows(connection: Connection, run_id: int) -> pa.Table:
    """The input rows a run set aside, in the order they were met: source, file, line, reason, raw."""
    columns = [quarantined_row.c[name] for name in QuarantinedRow._fields]
    statement = select(*columns).where(quarantined_row.c.run_id == run_id).order_by(quarantined_row.c.row_no)
    return read_table(connection, statement)
