"""Rebuilding one entity type from its records, verdicts and release, to hold it against what the store says."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
import orjson
import pyarrow as pa
from sqlalchemy import Connection

from mdm import learning, matching, resolving
from mdm.deciding import Link, Part, Person, partition
from mdm.engine.policy import EntityType
from mdm.engine.prepare import keys_of
from mdm.engine.release import GRID, Release, to_units
from mdm.golden import Block, load_block, make_golden
from mdm.matching import Work
from mdm.policy import ProjectPolicy
from mdm.reports import CheckLine
from mdm.scratch import append, count
from mdm.store import entities, records, verdicts
from mdm.unresolved import read_rulings

EXAMPLES = 3
GOLDEN_ENTITIES = 5_000
ADVICE = "run `mdm run --full`, then verify again"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The store at one moment, one entity type of it, and a scratch database that holds `kept_record`, `kept_link`."""

    connection: Connection
    scratch: duckdb.DuckDBPyConnection
    entity: EntityType
    policy: ProjectPolicy

    @property
    def work(self) -> Work:
        """The scratch tables of the type."""
        return Work(self.scratch, self.entity)


def check_rebuild(snapshot: Snapshot) -> list[CheckLine]:
    """Keys, links, entities and golden records of the type made anew, each equal to the stored ones or not."""
    name = snapshot.entity.name
    release = learning.active_release(snapshot.connection, name)
    if release is None:
        return []
    why_not = _why_not(snapshot, release)
    if why_not is not None:
        return [CheckLine(f"rebuild of {name}", False, f"not checked: {why_not}")]
    rids = resolving.load_all(snapshot.work, snapshot.connection)
    if not rids:
        return []
    matching.make_candidates(snapshot.work, release.cap, among=None)
    matching.score_links(snapshot.work, release)
    return [
        _check_keys(snapshot),
        _check_links(snapshot),
        _check_entities(snapshot, release),
        _check_golden(snapshot),
    ]


def _why_not(snapshot: Snapshot, release: Release) -> str | None:
    """Why a rebuild may differ without any defect."""
    if release.policy != snapshot.policy.hashes[snapshot.entity.name]:
        return f"the project changed since {release.release_id} was learnt; `mdm run` follows it"
    waiting = "select 1 from kept_record where resolved = 0 and entity_type = ? limit 1"
    if snapshot.scratch.execute(waiting, [snapshot.entity.name]).fetchall():
        return "records wait to be decided; `mdm run` decides them"
    return None


def _check_keys(snapshot: Snapshot) -> CheckLine:
    """Stored keys against those that the stored features give."""
    work, name = snapshot.work, snapshot.entity.name
    made = work.table("made_keys")
    snapshot.scratch.execute(f"create or replace table {made} (key bigint, rid bigint)")
    for table in _made_keys(snapshot):
        append(snapshot.scratch, made, table)
    different = snapshot.scratch.execute(
        f"""
        with held as (
            select k.key, k.rid
            from {work.table("keys")} k
            join kept_record r using (rid)
            where r.entity_type = ?
        )
        select count(*)
        from held
        full join {made} m on m.key = held.key and m.rid = held.rid
        where held.rid is null or m.rid is null
        """,
        [name],
    ).fetchall()[0][0]
    return _line(f"keys of {name}", different, f"all {count(snapshot.scratch, made):,} follow from the records", "keys")


def _made_keys(snapshot: Snapshot) -> Iterator[pa.Table]:
    name = snapshot.entity.name
    keys_from = keys_of(snapshot.entity)
    for batch in records.scan(snapshot.connection, ["rid", "features"], entity_type=name):
        keys, rids = [], []
        for rid, text in zip(batch["rid"].to_pylist(), batch["features"].to_pylist(), strict=True):
            own = keys_from(orjson.loads(text))
            keys += own
            rids += [rid] * len(own)
        yield pa.table({"key": pa.array(keys, pa.int64()), "rid": pa.array(rids, pa.int64())})


def _check_links(snapshot: Snapshot) -> CheckLine:
    name, made = snapshot.entity.name, snapshot.work.table("links")
    different = snapshot.scratch.execute(
        f"""
        with held as (
            select k.left_rid as l, k.right_rid as r, round(k.bits * {GRID})::bigint as units
            from kept_link k
            join kept_record on rid = k.left_rid
            where entity_type = ?
        )
        select count(*)
        from held
        full join {made} m on m.l = held.l and m.r = held.r
        where held.units is distinct from m.units
        """,
        [name],
    ).fetchall()[0][0]
    return _line(f"links of {name}", different, f"all {count(snapshot.scratch, made):,} made anew are equal", "links")


def _check_entities(snapshot: Snapshot, release: Release) -> CheckLine:
    """The partition decided anew against the stored one."""
    name = snapshot.entity.name
    people = _people(snapshot)
    rulings = read_rulings(snapshot.connection, verdicts.active(snapshot.connection))
    weigh = matching.weigh_inside(snapshot.work, release)
    parts = partition(release, people, _merge_links(snapshot, release), rulings, weigh).parts
    sizes: dict[int | None, int] = {}
    for person in people.values():
        sizes[person.eid] = sizes.get(person.eid, 0) + 1
    different = [part for part in parts if not _is_kept(part, people, sizes)]
    examples = ", ".join(":".join(people[part[0]].name) for part in different[:EXAMPLES])
    held = f"all {len(parts):,} decided anew are equal"
    return _line(f"entities of {name}", len(different), held, f"entities (those with {examples})")


def _people(snapshot: Snapshot) -> dict[int, Person]:
    promised = {source.name for source in snapshot.policy.file.sources if source.duplicate_free}
    rows = snapshot.scratch.execute(
        "select rid, source, record_id, eid from kept_record where state = 'active' and entity_type = ?",
        [snapshot.entity.name],
    ).fetchall()
    return {rid: Person(rid, source, record_id, source in promised, 0, eid) for rid, source, record_id, eid in rows}


def _merge_links(snapshot: Snapshot, release: Release) -> list[Link]:
    strong = f"select l, r, units from {snapshot.work.table('links')} where units >= {to_units(release.merge)}"
    return [Link(left, right, units) for left, right, units in snapshot.scratch.execute(strong).fetchall()]


def _is_kept(part: Part, people: dict[int, Person], sizes: dict[int | None, int]) -> bool:
    """Whether the part is exactly the members of one stored entity."""
    homes = {people[rid].eid for rid in part}
    home = homes.pop()
    return not homes and home is not None and sizes[home] == len(part)


def _check_golden(snapshot: Snapshot) -> CheckLine:
    """Golden values made anew from the stored members against the stored ones."""
    name, checked, different = snapshot.entity.name, 0, 0
    eids: deque[list[int]] = deque()
    for texts in make_golden(snapshot.entity, _stored_blocks(snapshot, eids)):
        made = dict(zip(eids.popleft(), texts, strict=True))
        held = entities.golden(snapshot.connection, made)
        stored = dict(zip(held["eid"].to_pylist(), held["values"].to_pylist(), strict=True))
        checked += len(made)
        different += sum(stored.get(eid) != text for eid, text in made.items())
    return _line(f"golden records of {name}", different, f"all {checked:,} made anew are equal", "golden records")


def _stored_blocks(snapshot: Snapshot, eids: deque[list[int]]) -> Iterator[Block]:
    """The members of the stored entities of the type that have active ones; the numbers of each block go to `eids`."""
    cursor = snapshot.scratch.cursor()
    cursor.execute(
        """
        -- one row per entity of the type that has active members
        select eid, list(rid order by rid)
        from kept_record
        where state = 'active' and entity_type = ? and eid is not null
        group by eid
        """,
        [snapshot.entity.name],
    )
    while rows := cursor.fetchmany(GOLDEN_ENTITIES):
        eids.append([eid for eid, _ in rows])
        yield load_block(snapshot.connection, [rids for _, rids in rows])


def _line(name: str, different: int, held: str, what: str) -> CheckLine:
    if not different:
        return CheckLine(name, True, held)
    return CheckLine(name, False, f"{different:,} {what} differ from the stored ones; {ADVICE}")
