"""Releases: everything a decision depends on, stored once, never changed; one per entity type is active."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, select

from mdm.errors import Conflict, NotFound
from mdm.store.schema import active_release, release
from mdm.store.store import recorded_at


@dataclass(frozen=True, slots=True)
class StoredRelease:
    """A release as text.

    created_at: given by the store. records: the number it was learnt on. body: its JSON.
    """

    release_id: str
    entity_type: str
    created_at: str
    records: int
    body: str
    policy_hash: str


def save(connection: Connection, given: StoredRelease) -> None:
    """Nothing; the release is stored, with the time of this transaction. Storing the same again changes nothing.

    Raises Conflict when another content has that id.
    """
    stored = _one(connection, select(release).where(release.c.release_id == given.release_id))
    if stored is None:
        row = {name: getattr(given, name) for name in ("release_id", "entity_type", "records", "policy_hash", "body")}
        connection.execute(release.insert().values(**row, created_at=recorded_at(connection)))
    elif stored.body != given.body:
        raise Conflict(f"release {given.release_id} exists with another content; give the new one another id")


def get(connection: Connection, release_id: str) -> StoredRelease:
    """The release of that id. Raises NotFound."""
    stored = _one(connection, select(release).where(release.c.release_id == release_id))
    if stored is None:
        raise NotFound(f"there is no release {release_id!r}; `mdm releases` lists them")
    return stored


def all(connection: Connection, entity_type: str | None = None) -> list[StoredRelease]:
    """The releases, oldest first, of that entity type when one is given."""
    statement = select(release).order_by(release.c.created_at, release.c.release_id)
    if entity_type is not None:
        statement = statement.where(release.c.entity_type == entity_type)
    return [StoredRelease(**row._mapping) for row in connection.execute(statement)]


def activate(connection: Connection, release_id: str) -> None:
    """Nothing; the release is the active one of its entity type. Raises NotFound."""
    entity_type = get(connection, release_id).entity_type
    connection.execute(active_release.delete().where(active_release.c.entity_type == entity_type))
    connection.execute(
        active_release.insert().values(
            entity_type=entity_type, release_id=release_id, activated_at=recorded_at(connection)
        )
    )


def active(connection: Connection, entity_type: str) -> StoredRelease | None:
    """The active release of the entity type; None before the first activation."""
    chosen = select(release).join(active_release).where(active_release.c.entity_type == entity_type)
    return _one(connection, chosen)


def _one(connection: Connection, statement: Select[Any]) -> StoredRelease | None:
    row = connection.execute(statement).one_or_none()
    return None if row is None else StoredRelease(**row._mapping)
