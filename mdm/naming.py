"""Naming: an entity as people and machines write it -> its number here."""

from __future__ import annotations

from sqlalchemy import Connection

from mdm.ids import eid_of
from mdm.store import crosswalk


def number_of(connection: Connection, text: str) -> int:
    """The number of an entity by an id of ours, or by its id in another master whose crosswalk was imported.

    Raises NotFound when it is neither.
    """
    alias = crosswalk.known(connection, [text]).get(text)
    return eid_of(text) if alias is None else alias
