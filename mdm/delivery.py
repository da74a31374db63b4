"""Delivery: what the sources say now -> records and keys in the store, committed and marked unresolved.

Unresolved are the records that changed, and those whose links may change with them: old neighbours, and holders of
keys that came to or left the cap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

import duckdb
import pyarrow as pa
from sqlalchemy import Connection

from mdm import freshness
from mdm.engine.amend import Amendment
from mdm.engine.policy import EntityType
from mdm.policy import ProjectPolicy
from mdm.scratch import append, count, fetch, has_table
from mdm.sources import BadRow, SourceBatch
from mdm.staging import Identity, Staged, StagingPolicy, stage
from mdm.store import arrivals, keys, links, records, verdicts
from mdm.store.records import QuarantinedRow, RecordRow
from mdm.store.verdicts import Content

# A delivery that changes more than this of all records: everything is linked anew, which is cheaper than asking.
MOST_CHANGED = 0.2


@dataclass(frozen=True, slots=True)
class Stored:
    """The current records: (source, record_id) -> content hash where it may count as unchanged, and the table.

    amendments: what stewards decided about contents, by (source, record_id, content hash).
    change: the number of the newest change it has seen.
    """

    hashes: Mapping[Identity, str]
    table: pa.Table
    amendments: Mapping[Content, Amendment]
    change: int


@dataclass(frozen=True, slots=True)
class Delivered:
    """What a delivery changed: rows read, records by outcome."""

    read: int
    new: int
    changed: int
    stale: int
    deleted: int
    quarantined: int


def read_stored(connection: Connection) -> Stored:
    """What the store holds now; deleted records have no hash, so that the same content brings them back."""
    table = _with_sources(connection, records.current(connection))
    columns = table.to_pydict()
    rows = zip(columns["source"], columns["record_id"], columns["content_hash"], columns["state"], strict=True)
    hashes = {(source, record_id): digest for source, record_id, digest, state in rows if state != "deleted"}
    return Stored(hashes, table, verdicts.amendments(connection), arrivals.now(connection))


def _with_sources(connection: Connection, table: pa.Table) -> pa.Table:
    names = records.source_names(connection)
    sources = [names[number] for number in table["source_id"].to_pylist()]
    return table.append_column("source", pa.array(sources, pa.string()))


def catch_up(connection: Connection, scratch: duckdb.DuckDBPyConnection, change: int) -> None:
    """What callers changed in real time after that change counts as stored too; called in the transaction that writes.

    Else an older version would take the place of a newer one, and a record of one name would be stored twice.
    """
    moved = arrivals.since(connection, change).wholly
    if moved:
        fresh = _with_sources(connection, records.load(connection, moved, records.CURRENT))
        scratch.execute("delete from stored where rid in (select unnest(?))", [sorted(moved)])
        append(scratch, "stored", fresh)
        _choose_versions(scratch)
        _find_gone(scratch)


def stage_delivery(
    scratch: duckdb.DuckDBPyConnection,
    policy: ProjectPolicy,
    batches: Iterable[SourceBatch],
    stored: Stored,
    progress: Callable[[int], None],
) -> Staged:
    """Fill `staged_TYPE` and `offered` with what is new, and `gone` with the rids that a snapshot no longer holds."""
    sources = {source.name: source for source in policy.file.sources}
    staging = StagingPolicy(sources, policy.entities, policy.rules, stored.amendments)
    staged = stage(scratch, batches, staging, stored.hashes, progress)
    append(scratch, "stored", stored.table)
    _choose_versions(scratch)
    _keep_snapshots(scratch, {s.name for s in sources.values() if s.snapshot}, staged.seen)
    _find_gone(scratch)
    return staged


def _choose_versions(scratch: duckdb.DuckDBPyConnection) -> None:
    """Of several versions of a record the newest by its own date stands; without dates the last one read."""
    columns = "seq, source, record_id, updated_at, content_hash, state"
    views = "select view_name from duckdb_views() where starts_with(view_name, 'staged_') order by view_name"
    offered = " union all ".join(f"select {columns} from {view}" for (view,) in scratch.execute(views).fetchall())
    nothing = "select 0::bigint, '', '', null::varchar, '', '' where false"
    scratch.execute(f"""
        create or replace table offered as
        select o.*, s.rid, s.updated_at > o.updated_at and s.state <> 'deleted' as stale
        from ({offered or nothing}) o({columns})
        left join stored s on s.source = o.source and s.record_id = o.record_id
        qualify row_number() over (
            partition by o.source, o.record_id
            order by
                o.updated_at desc nulls last,
                case when o.updated_at is not null then o.content_hash end desc,
                o.seq desc
        ) = 1
        and not (s.content_hash is not distinct from o.content_hash and s.state <> 'deleted')
    """)


def _keep_snapshots(scratch: duckdb.DuckDBPyConnection, names: set[str], seen: Iterable[Identity]) -> None:
    """Fill `snapshots` with the sources that deliver everything, `delivered` with what they delivered."""
    delivered = [identity for identity in seen if identity[0] in names]
    columns = {
        "source": pa.array([source for source, _ in delivered], pa.string()),
        "record_id": pa.array([record_id for _, record_id in delivered], pa.string()),
    }
    append(scratch, "delivered", pa.table(columns))
    append(scratch, "snapshots", pa.table({"source": pa.array(sorted(names), pa.string())}))


def _find_gone(scratch: duckdb.DuckDBPyConnection) -> None:
    """Only what a batch delivered: the delivery may be older than what a caller has put since."""
    scratch.execute("""
        create or replace table gone as
        select s.rid, s.source
        from stored s
        semi join snapshots using (source)
        anti join delivered d on d.source = s.source and d.record_id = s.record_id
        where s.state <> 'deleted' and s.run_id is not null
    """)


def commit_delivery(
    connection: Connection,
    scratch: duckdb.DuckDBPyConnection,
    entities: Mapping[str, EntityType],
    run_id: int,
    caps: Set[int],
) -> Delivered:
    """Write new and changed records with their keys, mark deletions, and mark everything they touch unresolved.

    caps: how many holders a key may have, as the active releases say.
    """
    _number(connection, scratch)
    changed = [rid for (rid,) in scratch.execute("select rid from numbered where not is_new order by rid").fetchall()]
    gone = [rid for (rid,) in scratch.execute("select rid from gone order by rid").fetchall()]
    types = [name for name in entities if has_table(scratch, f"staged_{name}")]
    for name in types:
        scratch.execute(f"""
            create or replace view ready_{name} as
            select n.rid, s.*
            from staged_{name} s
            join numbered n using (seq)
        """)
    _unresolve_touched(connection, scratch, types, changed + gone, caps)
    keys.replace(connection, changed + gone, _key_rows(scratch, types))
    for name in types:
        records.put(connection, _record_rows(connection, scratch, name), run_id)
    records.mark_deleted(connection, gone, run_id)
    freshness.remember(scratch, connection)
    return _counts(scratch, types, len(changed), len(gone))


def _number(connection: Connection, scratch: duckdb.DuckDBPyConnection) -> None:
    """New records are numbered in the order of their names, so that no file order shows in the numbers."""
    fresh = scratch.execute("select count(*) from offered where rid is null and not coalesce(stale, false)").fetchall()[
        0
    ][0]
    first = records.allocate_rids(connection, fresh)
    scratch.execute(f"""
        create or replace table numbered as
        select
            seq,
            coalesce(rid, {first} - 1 + row_number() over (partition by rid is null order by source, record_id)) as rid,
            rid is null as is_new
        from offered
        where not coalesce(stale, false)
    """)


def _unresolve_touched(
    connection: Connection, scratch: duckdb.DuckDBPyConnection, types: list[str], rids: list[int], caps: Set[int]
) -> None:
    stored = count(scratch, "stored")
    if not stored:
        return
    fresh = sum(count(scratch, f"ready_{name}") for name in types)
    if len(rids) + fresh > MOST_CHANGED * stored:
        records.unresolve(connection, None)
        return
    touching = links.touching(connection, rids)
    neighbours = set(touching["left_rid"].to_pylist()) | set(touching["right_rid"].to_pylist())
    arriving = list(_key_rows(scratch, types))
    records.unresolve(connection, neighbours | holders_of_crossing_keys(connection, arriving, rids, caps))


def holders_of_crossing_keys(
    connection: Connection, arriving: Sequence[tuple[int, int]], rids: Sequence[int], caps: Set[int]
) -> set[int]:
    """The holders of keys that had at most as many holders as a cap and will have more, or the other way round.

    arriving: (key, rid) rows to come. rids: the records whose present keys go. To be called before either happens.
    """
    touched = {key for key, _ in arriving} | set(keys.held(connection, rids)["key"].to_pylist())
    before = keys.holders(connection, touched)
    held: dict[int, set[int]] = {}
    for key, rid in zip(before["key"].to_pylist(), before["rid"].to_pylist(), strict=True):
        held.setdefault(key, set()).add(rid)
    after = {key: holders.difference(rids) for key, holders in held.items()}
    for key, rid in arriving:
        after.setdefault(key, set()).add(rid)
    return {rid for key, holders in held.items() if _crosses(len(holders), len(after[key]), caps) for rid in holders}


def _crosses(before: int, after: int, caps: Set[int]) -> bool:
    return any((before > cap) != (after > cap) for cap in caps)


def _key_rows(scratch: duckdb.DuckDBPyConnection, types: list[str]) -> Iterator[tuple[int, int]]:
    """All in one order, which is the order of the table they go to."""
    parts = [f"select unnest(keys) as key, rid from ready_{name}" for name in types]
    return fetch(scratch, f"{' union all '.join(parts)} order by key, rid") if parts else iter(())


def _record_rows(connection: Connection, scratch: duckdb.DuckDBPyConnection, name: str) -> Iterator[RecordRow]:
    sources = [
        source for (source,) in scratch.execute(f"select distinct source from ready_{name} order by 1").fetchall()
    ]
    numbers = records.source_ids(connection, sources)
    numbered = pa.table({"source": pa.array(numbers, pa.string()), "source_id": pa.array(numbers.values(), pa.int64())})
    scratch.execute("drop table if exists source_numbers")
    append(scratch, "source_numbers", numbered)
    rows = fetch(
        scratch,
        f"""
        select
            rid, source_id, record_id, '{name}', state, content_hash, updated_at, quality, packed,
            payload, claims, features, issues
        from ready_{name}
        join source_numbers using (source)
        order by rid
        """,
    )
    return map(RecordRow._make, rows)


def _counts(scratch: duckdb.DuckDBPyConnection, types: list[str], changed: int, gone: int) -> Delivered:
    ready = [f"select state from ready_{name}" for name in types]
    states = (
        dict(scratch.execute(f"select state, count(*) from ({' union all '.join(ready)}) group by state").fetchall())
        if ready
        else {}
    )
    stale = scratch.execute("select count(*) from offered where stale").fetchall()[0][0]
    return Delivered(
        read=0,
        new=sum(states.values()) - changed,
        changed=changed,
        stale=stale,
        deleted=gone,
        quarantined=states.get("quarantined", 0),
    )


def set_aside(connection: Connection, run_id: int, rows: Iterable[BadRow]) -> int:
    """Keep the rows that did not become records, with the reason; how many."""
    kept = [QuarantinedRow(row.source or "", row.file, row.line, row.reason, row.raw) for row in rows]
    return records.quarantine_rows(connection, run_id, kept)
