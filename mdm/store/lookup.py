"""Look-ups for one record in real time: a few keys or numbers -> plain tuples, by the driver's own road.

A decision about one record takes some ten of them; building statements and Arrow tables would be most of their time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection

from mdm.engine.keys import unpack_keys


class Known(NamedTuple):
    """A record as a decision about its neighbours knows it. home: the entity type of its entity, None without one.

    packed: its keys, packed. features: JSON text.
    """

    rid: int
    source: str
    record_id: str
    entity_type: str
    state: str
    version: int
    eid: int | None
    resolved: int
    home: str | None
    content_hash: str
    updated_at: str | None
    packed: bytes
    features: str

    @property
    def keys(self) -> tuple[int, ...]:
        """Its blocking keys."""
        return unpack_keys(self.packed)


class Situation(NamedTuple):
    """What decides now: the active release of the type, the policy its records were read by, the newest verdict."""

    release_id: str | None
    reading: str | None
    verdict: int


Listed = Sequence[int] | str

_MANY = {"sqlite": "(select value from json_each(?))", "postgresql": "(select unnest(%s::bigint[]))"}
_HOLDERS = {
    "sqlite": """
        -- one row per key: its first holders
        select j.value, (select json_group_array(rid) from (select rid from record_key where key = j.value limit ?))
        from json_each(?) j
    """,
    "postgresql": """
        -- one row per key: its first holders
        select k.key, array(select rid from record_key where key = k.key limit %s)
        from unnest(%s::bigint[]) k(key)
    """,
}
_RECORD = """
    select
        r.rid,
        s.name,
        r.record_id,
        r.entity_type,
        r.state,
        r.version,
        r.eid,
        r.resolved,
        e.entity_type,
        r.content_hash,
        r.updated_at,
        b.keys,
        b.features
    from record r
    join record_body b on b.rid = r.rid
    join source s on s.source_id = r.source_id
    left join entity e on e.eid = r.eid
"""
_TOUCHING = """
    select left_rid, right_rid, bits
    from link
    where left_rid in {many}
    union
    select left_rid, right_rid, bits
    from link
    where right_rid in {many}
"""
_SITUATION = """
    select
        (select release_id from active_release where entity_type = {one}),
        (select policy_hash from reading where entity_type = {one}),
        (select value from counter where name = 'verdict')
"""


def _both(text: str) -> dict[str, str]:
    """The statement of each database: `{many}` is one parameter with many numbers, `{one}` one with a text."""
    ones = {"sqlite": "?", "postgresql": "%s"}
    return {dialect: text.format(many=_MANY[dialect], one=ones[dialect]) for dialect in _MANY}


_BY_RID = _both(_RECORD + " where r.rid in {many}")
_BY_NAME = _both(_RECORD + " where s.name = {one} and r.record_id = {one}")
_OF_ENTITIES = _both(_RECORD + " where r.eid in {many}")
_LINKS = _both(_TOUCHING)
_NOW = _both(_SITUATION)
_CLAIMS = _both("select rid, claims from record_body where rid in {many}")
_GOLDEN = _both('select eid, "values" from golden where eid in {many}')


def holders(connection: Connection, keys: Iterable[int], most: int) -> dict[int, list[int]]:
    """key -> at most so many of its holders."""
    listed = _listed(connection, keys)
    found = _fetch(connection, _HOLDERS, most, listed)
    if connection.dialect.name == "sqlite":
        return {key: orjson.loads(rids) for key, rids in found}
    return dict(found)


def by_rids(connection: Connection, rids: Iterable[int]) -> list[Known]:
    """These records in any state; unknown ones are left out."""
    return [Known._make(row) for row in _fetch(connection, _BY_RID, _listed(connection, rids))]


def by_name(connection: Connection, source: str, record_id: str) -> Known | None:
    """The record of that name in any state; None when there never was one."""
    found = _fetch(connection, _BY_NAME, source, record_id)
    return Known._make(found[0]) if found else None


def members(connection: Connection, eids: Iterable[int]) -> list[Known]:
    """The present members of these entities."""
    return [Known._make(row) for row in _fetch(connection, _OF_ENTITIES, _listed(connection, eids))]


def links(connection: Connection, rids: Iterable[int]) -> list[tuple[int, int, float]]:
    """left, right and bits of the links with an end among the records, each once."""
    listed = _listed(connection, rids)
    return _fetch(connection, _LINKS, listed, listed)


def situation(connection: Connection, entity: str) -> Situation:
    """What decides about the entity type in this transaction."""
    return Situation._make(_fetch(connection, _NOW, entity, entity)[0])


def claims(connection: Connection, rids: Iterable[int]) -> dict[int, Any]:
    """rid -> the claims of these records."""
    found = _fetch(connection, _CLAIMS, _listed(connection, rids))
    return {rid: orjson.loads(text) for rid, text in found}


def golden(connection: Connection, eids: Iterable[int]) -> dict[int, Any]:
    """eid -> the golden values of these entities."""
    found = _fetch(connection, _GOLDEN, _listed(connection, eids))
    return {eid: orjson.loads(text) for eid, text in found}


def _listed(connection: Connection, numbers: Iterable[int]) -> Listed:
    """Many numbers as one parameter."""
    distinct = sorted(set(numbers))
    return orjson.dumps(distinct).decode() if connection.dialect.name == "sqlite" else distinct


def _fetch(connection: Connection, statement: dict[str, str], *parameters: Any) -> list[Any]:
    driver: Any = connection.connection.driver_connection
    found: list[Any] = driver.execute(statement[connection.dialect.name], parameters).fetchall()
    return found
