"""Rereading: stored records under a changed policy -> prepared again from the rows they came from, with new keys.

What was delivered did not change, so no record gets a new version.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import duckdb
import orjson
import pyarrow as pa
from sqlalchemy import Connection

from mdm.policy import ProjectPolicy
from mdm.project_file import SourceSpec
from mdm.scratch import append, fetch, has_table
from mdm.sources import SourceBatch, entity_types, used_columns
from mdm.staging import StagingPolicy, stage
from mdm.store import Store, arrivals, keys, readings, records, verdicts
from mdm.store.records import Reading
from mdm.watch import Watch

StoredRow = Mapping[str, Any]


@dataclass(slots=True)
class _Stored:
    """The stored rows as batches of their sources; `rids` grows with them, in their order.

    fresh: records to leave out. only: the records to read, None: all.
    """

    policy: ProjectPolicy
    types: Collection[str]
    fresh: Collection[int]
    only: Collection[int] | None = None
    rids: list[int] = field(default_factory=list)

    def batches(self, connection: Connection) -> Iterator[SourceBatch]:
        """The rows of all records of the types, but for the fresh ones and those of sources that are no more."""
        sources = {source.name: source for source in self.policy.file.sources}
        columns = ["rid", "source", "record_id", "entity_type", "state", "payload"]
        for batch in records.scan(connection, columns, state=None):
            by_source: dict[str, list[StoredRow]] = {}
            for row in batch.to_pylist():
                if row["source"] in sources and row["state"] != "deleted" and row["entity_type"] in self.types:
                    by_source.setdefault(row["source"], []).append(row)
            for name, rows in sorted(by_source.items()):
                yield self.batch(sources[name], [row for row in rows if self.is_wanted(row["rid"])])

    def is_wanted(self, rid: int) -> bool:
        return rid not in self.fresh and (self.only is None or rid in self.only)

    def batch(self, spec: SourceSpec, rows: list[StoredRow]) -> SourceBatch:
        payloads = [orjson.loads(row["payload"]) for row in rows]
        columns = tuple(dict.fromkeys([*used_columns(spec).values(), *(name for row in payloads for name in row)]))
        cells = [tuple(payload.get(name) for name in columns) for payload in payloads]
        told = entity_types(spec, columns, cells)
        batch = SourceBatch(spec, "", columns, [], [], [], [])
        for row, values, now in zip(rows, cells, told, strict=True):
            # A row whose type nobody tells any more stays what it was, as long as its source knows that type.
            entity_type = now or str(row["entity_type"])
            if entity_type in spec.fields:
                self.rids.append(int(row["rid"]))
                batch.rows.append(values)
                batch.lines.append(0)
                batch.record_ids.append(str(row["record_id"]))
                batch.entities.append(entity_type)
        return batch


@dataclass(frozen=True, slots=True)
class Rereading:
    """What is read again: stored records of these types. since: the change before this run read anything."""

    store: Store
    scratch: duckdb.DuckDBPyConnection
    policy: ProjectPolicy
    types: Collection[str]
    since: int


def reread(task: Rereading, watch: Watch) -> int:
    """How many stored records were prepared again; those that this run delivered already are.

    What callers changed meanwhile was read by the policy of before: it is read again afterwards, when none of them can
    write any more.
    """
    delivered = _delivered(task.scratch, task.policy.entities)
    done, moved = _read_again(task, _Stored(task.policy, task.types, delivered), watch)
    if moved:
        done += _read_again(task, _Stored(task.policy, task.types, (), moved), watch)[0]
    return done


def _read_again(task: Rereading, stored: _Stored, watch: Watch) -> tuple[int, frozenset[int]]:
    """How many records were prepared, and those that changed since and were left as they are."""
    scratch, policy = task.scratch, task.policy
    sources = {source.name: source for source in policy.file.sources}
    with task.store.reading() as connection:
        amendments = verdicts.amendments(connection)
        staging = StagingPolicy(sources, policy.entities, policy.rules, amendments, tables="again")
        batches = stored.batches(connection)
        staged = stage(scratch, batches, staging, {}, lambda rows: watch.progress("read again", rows, None))
    _place_rids(scratch, stored.rids)
    with task.store.writing() as connection:
        moved = frozenset[int]() if stored.only is not None else arrivals.since(connection, task.since).wholly
        scratch.execute("delete from reread where rid in (select unnest(?))", [sorted(moved)])
        for name in sorted(staged.tables):
            rids = [rid for (rid,) in fetch(scratch, f"select rid from again_{name} join reread using (seq)")]
            keys.replace(connection, rids, fetch(scratch, _KEYS.format(name=name)))
            records.reread(connection, _readings(scratch, name))
        readings.mark(connection, {name: policy.hashes[name] for name in task.types})
    return staged.prepared, moved


_KEYS = "select unnest(keys) as key, rid from again_{name} join reread using (seq) order by key, rid"


def _place_rids(scratch: duckdb.DuckDBPyConnection, rids: list[int]) -> None:
    """Fill the scratch table `reread`: the rid of each row read again, by its running number."""
    scratch.execute("drop table if exists reread")
    columns = {"seq": pa.array(range(len(rids)), pa.int64()), "rid": pa.array(rids, pa.int64())}
    append(scratch, "reread", pa.table(columns))


def _delivered(scratch: duckdb.DuckDBPyConnection, types: Collection[str]) -> set[int]:
    tables = [f"ready_{name}" for name in types if has_table(scratch, f"ready_{name}")]
    return {rid for table in tables for (rid,) in fetch(scratch, f"select rid from {table}")}


def _readings(scratch: duckdb.DuckDBPyConnection, name: str) -> Iterator[Reading]:
    query = f"""
        select rid, state, content_hash, updated_at, quality, packed, claims, features, issues
        from again_{name}
        join reread using (seq)
        order by rid
    """
    for rid, *values in fetch(scratch, query):
        yield Reading(rid, name, *values)
