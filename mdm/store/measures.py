"""Measures: how good the data of each source was at the end of each run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Connection, case, func, literal, select

from mdm.store.bulk import bulk_insert
from mdm.store.schema import measure, record, run, source

_COLUMNS = ("source", "entity_type", "field", "dimension", "passed", "total")


class Measure(NamedTuple):
    """How many of the records that were asked passed; field is empty for what speaks of whole records."""

    source: str
    entity_type: str
    field: str
    dimension: str
    passed: int
    total: int


class Holding(NamedTuple):
    """Present records of one source and type with the same letters of quality."""

    source: str
    entity_type: str
    quality: str
    records: int


class Standing(NamedTuple):
    """Active records of one source and type: how many, in how many entities, dated, dated since the given day."""

    source: str
    entity_type: str
    records: int
    entities: int
    dated: int
    recent: int


_HELD = (
    select(source.c.name, record.c.entity_type, record.c.quality, func.count())
    .join(record, record.c.source_id == source.c.source_id)
    .where(record.c.state != "deleted")
    .group_by(source.c.name, record.c.entity_type, record.c.quality)
)


def holdings(connection: Connection) -> list[Holding]:
    """The present records by source, type and letters of quality, in no stated order."""
    return [Holding(*row) for row in connection.execute(_HELD)]


def standings(connection: Connection, since: str) -> list[Standing]:
    """The active records that are in an entity, by source and type; since: an ISO date."""
    recent = func.count(case((record.c.updated_at >= since, 1)))
    statement = (
        select(
            source.c.name,
            record.c.entity_type,
            func.count(),
            func.count(record.c.eid.distinct()),
            func.count(record.c.updated_at),
            recent,
        )
        .join(record, record.c.source_id == source.c.source_id)
        .where(record.c.state == "active", record.c.eid.is_not(None))
        .group_by(source.c.name, record.c.entity_type)
    )
    return [Standing(*row) for row in connection.execute(statement)]


def write(connection: Connection, run_id: int, rows: Iterable[Measure]) -> None:
    """Nothing; the measures stand for the run."""
    bulk_insert(connection, measure, ("run_id", *_COLUMNS), [(run_id, *row) for row in rows])


def repeat(connection: Connection, run_id: int) -> bool:
    """Write the measures of the last run that has any for this one too; False when there is none."""
    last = connection.scalar(select(func.max(measure.c.run_id)).where(measure.c.run_id < run_id))
    if last is None:
        return False
    again = select(literal(run_id), *(measure.c[name] for name in _COLUMNS)).where(measure.c.run_id == last)
    connection.execute(measure.insert().from_select(["run_id", *_COLUMNS], again))
    return True


class Measured(NamedTuple):
    """A measure with its run and when that began."""

    run_id: int
    started_at: str
    measure: Measure


def history(connection: Connection, limit: int) -> list[Measured]:
    """The measures of the last runs that have any, oldest first."""
    chosen = select(measure.c.run_id).distinct().order_by(measure.c.run_id.desc()).limit(limit)
    statement = (
        select(measure.c.run_id, run.c.started_at, *(measure.c[name] for name in _COLUMNS))
        .join(run, run.c.run_id == measure.c.run_id)
        .where(measure.c.run_id.in_(chosen))
        .order_by(measure.c.run_id, *(measure.c[name] for name in _COLUMNS[:4]))
    )
    return [
        Measured(run_id, started_at, Measure(*values)) for run_id, started_at, *values in connection.execute(statement)
    ]
