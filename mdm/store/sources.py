"""Sources by name: how many records each holds, and names that changed while the records stayed the same ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from mdm.store import counters
from mdm.store.bulk import pairs
from mdm.store.schema import former_source, record, source

_HELD = (
    select(source.c.name, func.count())
    .join(record, record.c.source_id == source.c.source_id)
    .where(record.c.state != "deleted")
    .group_by(source.c.name)
    .order_by(source.c.name)
)
_FORMER = select(former_source.c.name, former_source.c.last_verdict, source.c.name.label("now")).join(
    source, source.c.source_id == former_source.c.source_id
)


@dataclass(frozen=True, slots=True)
class FormerName:
    """A name that a source had, the number of the last verdict given under it, and its name today."""

    name: str
    last_verdict: int
    now: str


def held(connection: Connection) -> dict[str, int]:
    """How many records that are not deleted each source holds that has any."""
    return pairs(connection, _HELD, {})


def is_known(connection: Connection, name: str) -> bool:
    """Whether a source of that name delivered or was spoken of."""
    return connection.execute(select(source.c.source_id).where(source.c.name == name)).first() is not None


def rename(connection: Connection, old: str, new: str) -> None:
    """Nothing; the records of `old` are those of `new`. The new name must not be in use."""
    number = connection.execute(select(source.c.source_id).where(source.c.name == old)).scalar_one()
    connection.execute(source.update().where(source.c.source_id == number).values(name=new))
    last = counters.last(connection, "verdict")
    connection.execute(former_source.insert().values(name=old, last_verdict=last, source_id=number))


def former(connection: Connection) -> list[FormerName]:
    """The names that sources had, oldest first."""
    rows = connection.execute(_FORMER.order_by(former_source.c.last_verdict, former_source.c.name))
    return [FormerName(row.name, row.last_verdict, row.now) for row in rows]


def name_then(names: list[FormerName], name: str, verdict_id: int) -> str:
    """What the source is called today that was called so when the verdict was given."""
    return next((old.now for old in names if old.name == name and verdict_id <= old.last_verdict), name)


def renamed(names: list[FormerName], counts: Mapping[str, int]) -> dict[str, int]:
    """The counts by the names of today; what a source counted under its present name stands."""
    old = {former.now: counts[former.name] for former in names if former.name in counts}
    return {**counts, **old, **{former.now: counts[former.now] for former in names if former.now in counts}}
