"""Verifying a store: its trail and invariants hold, and a rebuild from its records gives the same entities.

Everything is read in one snapshot and laid into a scratch database, where each invariant is a query for offenders.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa
from sqlalchemy import Connection

from mdm import learning
from mdm.policy import ProjectPolicy
from mdm.rebuilding import Snapshot, check_rebuild
from mdm.reports import CheckLine, VerifyReport
from mdm.scratch import append, open_scratch
from mdm.store import Store, audit, links, overview, records, verdicts
from mdm.store.verdicts import Identity, Verdict

EXAMPLES = 3
RUN_FULL = "run `mdm run --full`; if this stays, restore a backup"

_TABLES = """
    create table kept_record (
        rid bigint,
        source varchar,
        record_id varchar,
        entity_type varchar,
        state varchar,
        resolved bigint,
        eid bigint
    );
    create table kept_entity (eid bigint, entity_type varchar, state varchar, redirect_eid bigint);
    create table kept_golden (eid bigint);
    create table kept_link (left_rid bigint, right_rid bigint, bits double);
    create table decided_type (name varchar);
"""


@dataclass(frozen=True, slots=True)
class Invariant:
    """A property of the store.

    query: one row per offender, a text that names it. broken: what offenders are. advice: what to do about them.
    """

    name: str
    query: str
    holds: str
    broken: str
    advice: str = RUN_FULL


INVARIANTS = (
    Invariant(
        "decided",
        """
        select source || ':' || record_id
        from kept_record
        where resolved = 0
        """,
        "every record is decided",
        "records wait to be decided",
        "run again: `mdm run` decides them",
    ),
    Invariant(
        "membership",
        """
        -- one row per decided active record that no active entity of its type holds
        select r.source || ':' || r.record_id
        from kept_record r
        left join kept_entity e on e.eid = r.eid and e.state = 'active' and e.entity_type = r.entity_type
        where r.state = 'active'
            and r.resolved = 1
            and r.entity_type in (from decided_type)
            and e.eid is null
        """,
        "every active record is in one active entity of its type",
        "active records are in no active entity of their type",
    ),
    Invariant(
        "strays",
        """
        select source || ':' || record_id
        from kept_record
        where state <> 'active' and resolved = 1 and eid is not null
        """,
        "no deleted or quarantined record is in an entity",
        "deleted or quarantined records are still in an entity",
    ),
    Invariant(
        "members",
        """
        select 'entity ' || eid
        from kept_entity
        anti join kept_record using (eid)
        where state = 'active'
        """,
        "every active entity has members",
        "active entities have no members",
    ),
    Invariant(
        "golden records",
        """
        select 'entity ' || coalesce(e.eid, g.eid)
        from (from kept_entity where state = 'active') e
        full join kept_golden g on g.eid = e.eid
        where e.eid is null or g.eid is null
        """,
        "every active entity has one golden record, and no other has any",
        "entities without golden record, or golden records without active entity",
    ),
    Invariant(
        "redirects",
        """
        -- one row per entity whose redirects lead nowhere or in a circle, or that redirects although it is active
        with recursive followed as (
            select eid, redirect_eid as here
            from kept_entity
            where state = 'redirected'
            union
            select f.eid, e.redirect_eid
            from followed f
            join kept_entity e on e.eid = f.here
            where e.state = 'redirected'
        ),
        arrived as (
            select f.eid
            from followed f
            join kept_entity e on e.eid = f.here
            where e.state <> 'redirected'
        )
        select 'entity ' || eid
        from kept_entity
        where (state = 'redirected' and eid not in (from arrived))
            or (state <> 'redirected' and redirect_eid is not null)
        """,
        "every old id leads to where its records went",
        "old ids lead nowhere",
        "restore a backup: ids cannot be rebuilt",
    ),
    Invariant(
        "links",
        """
        -- one row per link whose ends are decided and not two active records of one type
        select 'records ' || k.left_rid || ' and ' || k.right_rid
        from kept_link k
        left join kept_record l on l.rid = k.left_rid
        left join kept_record r on r.rid = k.right_rid
        where coalesce(l.resolved, 1) = 1
            and coalesce(r.resolved, 1) = 1
            and not coalesce(l.state = 'active' and r.state = 'active' and l.entity_type = r.entity_type, false)
        """,
        "every link joins two active records of one type",
        "links do not join two active records of one type",
    ),
)


def verify(store: Store, policy: ProjectPolicy) -> VerifyReport:
    """Every check of the store, the rebuild last; nothing is written to it."""
    with store.reading() as connection, open_scratch() as scratch:
        _keep(scratch, connection, policy)
        checks = [_check_trail(connection), _check_events(connection)]
        checks += [_check_invariant(scratch, invariant) for invariant in INVARIANTS]
        checks.append(_check_verdicts(connection))
        for entity in policy.entities.values():
            snapshot = Snapshot(connection, scratch, entity, policy)
            checks += check_rebuild(snapshot)
    return VerifyReport(tuple(checks))


def _keep(scratch: duckdb.DuckDBPyConnection, connection: Connection, policy: ProjectPolicy) -> None:
    """Lay what the invariants speak of into the scratch database."""
    scratch.execute(_TABLES)
    columns = ["rid", "source", "record_id", "entity_type", "state", "resolved", "eid"]
    _fill(scratch, "kept_record", records.scan(connection, columns, state=None))
    _fill(scratch, "kept_entity", overview.scan_entities(connection))
    _fill(scratch, "kept_golden", overview.scan_golden_ids(connection))
    _fill(scratch, "kept_link", (batch.select(["left_rid", "right_rid", "bits"]) for batch in links.scan(connection)))
    decided = [name for name in policy.entities if learning.active_release(connection, name) is not None]
    append(scratch, "decided_type", pa.table({"name": pa.array(decided, pa.string())}))


def _fill(scratch: duckdb.DuckDBPyConnection, table: str, batches: Iterable[pa.RecordBatch]) -> None:
    for batch in batches:
        append(scratch, table, pa.Table.from_batches([batch]))


def _check_trail(connection: Connection) -> CheckLine:
    broken = audit.check_chain(connection)
    if broken is None:
        return CheckLine("audit trail", True, "the chain is whole")
    detail = f"row {broken} was changed or removed; restore a backup and find out who could write to the database"
    return CheckLine("audit trail", False, detail)


def _check_events(connection: Connection) -> CheckLine:
    missing = overview.missing_events(connection)
    if not missing:
        return CheckLine("events", True, "numbered without gaps")
    detail = f"{missing} events are missing; let consumers read everything anew (`mdm export` without --since)"
    return CheckLine("events", False, detail)


def _check_invariant(scratch: duckdb.DuckDBPyConnection, invariant: Invariant) -> CheckLine:
    count = scratch.execute(f"select count(*) from ({invariant.query})").fetchall()[0][0]
    if not count:
        return CheckLine(invariant.name, True, invariant.holds)
    found = scratch.execute(f"select * from ({invariant.query}) o(name) order by name limit {EXAMPLES}").fetchall()
    examples = ", ".join(name for (name,) in found)
    return CheckLine(invariant.name, False, f"{count:,} {invariant.broken} ({examples}); {invariant.advice}")


def _check_verdicts(connection: Connection) -> CheckLine:
    given = verdicts.active(connection)
    broken = sorted([*_broken_verdicts(given, _homes(connection, given)), *_broken_releases(connection, given)])
    if not broken:
        return CheckLine("verdicts", True, f"all {len(given)} hold")
    numbers = ", ".join(map(str, broken))
    return CheckLine("verdicts", False, f"entities contradict the verdicts {numbers}; {RUN_FULL}")


Home = tuple[str, int]


def _broken_releases(connection: Connection, given: Iterable[Verdict]) -> Iterator[int]:
    """Verdicts that let a content pass which is in quarantine all the same."""
    for verdict in given:
        if verdict.kind == verdicts.RELEASED:
            found = records.by_ids(connection, verdict.left)
            if any(r.state == "quarantined" and r.content_hash == verdict.content_hash for r in found):
                yield verdict.verdict_id


def _homes(connection: Connection, given: Sequence[Verdict]) -> dict[Identity, Home]:
    """The entity type and entity of every record that a verdict names and that is in one."""
    names = {name for verdict in given for name in (*verdict.left, *verdict.right)}
    found = records.by_ids(connection, names)
    return {(r.source, r.record_id): (r.entity_type, r.eid) for r in found if r.eid is not None}


def _broken_verdicts(given: Iterable[Verdict], homes: Mapping[Identity, Home]) -> Iterator[int]:
    for verdict in given:
        left, right = ({homes[name] for name in side if name in homes} for side in (verdict.left, verdict.right))
        # Records of different types cannot be one entity, whatever is said: `same` is about each type by itself.
        types = {entity_type for entity_type, _ in left | right}
        torn = verdict.kind == "same" and len(left | right) > len(types)
        if torn or (verdict.kind == "different" and left & right):
            yield verdict.verdict_id
