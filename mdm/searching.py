"""Searching: what a person types -> the entities that may be meant: an id, a record, a name, a phone, an email.

A text is read as each kind of field it may be, and looked up by the blocking keys that reading gives: so a name is
found in other scripts and spellings as far as the keys know them.
"""

from __future__ import annotations

from collections import Counter

from sqlalchemy import Connection

from mdm.engine.policy import EntityType
from mdm.errors import MdmError, NotFound
from mdm.incoming import Reception
from mdm.naming import number_of
from mdm.store import entities, lookup

SEARCHED = ("person_name", "organisation_name", "phone", "email", "identifier", "website")
HOLDERS = 100


def search(connection: Connection, reception: Reception, text: str, limit: int) -> list[int]:
    """The numbers of at most `limit` active entities, those that more keys lead to first, then the oldest."""
    named = _named(connection, text)
    if named is not None:
        return [named]
    hits: Counter[int] = Counter()
    for entity in reception.policy.entities.values():
        keys = {key for field in entity.fields for key in _keys(reception, entity, field, text)}
        rids = Counter(rid for held in lookup.holders(connection, keys, HOLDERS).values() for rid in held)
        for known in lookup.by_rids(connection, rids):
            if known.eid is not None:
                hits[known.eid] = max(hits[known.eid], rids[known.rid])
    return sorted(hits, key=lambda eid: (-hits[eid], eid))[:limit]


def _named(connection: Connection, text: str) -> int | None:
    """The entity of an id or of a record written source:record_id."""
    source, colon, record_id = text.partition(":")
    if colon:
        known = lookup.by_name(connection, source, record_id)
        return None if known is None else known.eid
    try:
        eid = entities.resolve_redirect(connection, number_of(connection, text))
        return eid if entities.get(connection, eid).state == "active" else None
    except NotFound:
        return None


def _keys(reception: Reception, entity: EntityType, field: str, text: str) -> list[int]:
    if entity.fields[field].kind not in SEARCHED:
        return []
    try:
        return list(reception.of_fields(entity.name, {field: text}).prepared.keys)
    except MdmError:
        return []
