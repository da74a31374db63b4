"""Staging: rows of the sources -> prepared rows in scratch tables, one per entity type, on all cores.

Only rows whose content is new or changed are prepared; the others are counted and passed over.
"""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field

import duckdb
import orjson
import pyarrow as pa

from mdm.engine.policy import EntityType
from mdm.engine.prepare import Policy, Prepared, content_hash, payload_of, prepare, shown_claims
from mdm.engine.release import KeyRule
from mdm.project_file import SourceSpec
from mdm.scratch import append
from mdm.sources import SourceBatch
from rules.rulebook import RuleBook

# Below this a pool of processes costs more than it saves.
ALONE_ROWS = 4_000
Identity = tuple[str, str]
Reject = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class StagingPolicy:
    """What the workers need: sources by name, entity types and rule books by type name."""

    sources: Mapping[str, SourceSpec]
    entities: Mapping[str, EntityType]
    rules: Mapping[str, RuleBook]


@dataclass(frozen=True, slots=True)
class Job:
    """Rows of one source; `known` holds the stored content hash of each, or None."""

    source: str
    columns: tuple[str, ...]
    rows: list[tuple[str | None, ...]]
    lines: list[int]
    record_ids: list[str]
    entities: list[str]
    known: list[str | None]
    first: int


@dataclass(slots=True)
class Staged:
    """What came out: rows read and prepared, the identities seen, how many were seen twice, the types with rows."""

    read: int = 0
    prepared: int = 0
    repeated: int = 0
    seen: set[Identity] = field(default_factory=set)
    tables: set[str] = field(default_factory=set)


class Preparer:
    """The compiled policy of one process: a Job in, one Arrow table per entity type out."""

    def __init__(self, policy: StagingPolicy) -> None:
        self.sources = policy.sources
        self.policies = {
            name: Policy(entity, policy.rules[name].compile(), tuple(KeyRule(k.name, k.on) for k in entity.keys))
            for name, entity in policy.entities.items()
        }

    def prepare(self, job: Job) -> dict[str, pa.Table]:
        """Entity type -> prepared rows; unchanged rows are left out."""
        columns: dict[str, _Columns] = {}
        for index, cells in enumerate(job.rows):
            row = {name: cell for name, cell in zip(job.columns, cells, strict=True) if cell is not None}
            entity = job.entities[index]
            payload = payload_of(row)
            digest = content_hash(payload, entity)
            if digest == job.known[index]:
                continue
            policy = self.policies[entity]
            prepared = prepare(row, self.sources[job.source], policy)
            into = columns.setdefault(entity, _Columns(policy.entity))
            into.add(job, index, digest, payload, prepared)
        return {entity: into.table() for entity, into in columns.items()}


class _Columns:
    """Growing columns of prepared rows of one entity type."""

    def __init__(self, entity: EntityType) -> None:
        self.entity = entity
        self.meta: dict[str, list[object]] = {name: [] for name, _ in META}
        self.features: dict[str, list[object]] = {name: [] for name in entity.features}

    def add(self, job: Job, index: int, digest: str, payload: bytes, prepared: Prepared) -> None:
        values = (
            job.first + index,
            job.source,
            job.record_ids[index],
            job.lines[index],
            "quarantined" if prepared.rejected else "active",
            digest,
            prepared.updated_at,
            payload.decode(),
            orjson.dumps(shown_claims(prepared.claims)).decode(),
            orjson.dumps({k: v for k, v in prepared.features.items() if v is not None}).decode(),
            orjson.dumps(prepared.issues).decode(),
            prepared.keys,
        )
        for name, value in zip(self.meta, values, strict=True):
            self.meta[name].append(value)
        for name, column in self.features.items():
            column.append(prepared.features[name])

    def table(self) -> pa.Table:
        arrays = {name: pa.array(self.meta[name], type_) for name, type_ in META}
        for name, values in self.features.items():
            arrays[f"f_{name}"] = pa.array(values, feature_type(self.entity, name))
        return pa.table(arrays)


META: tuple[tuple[str, pa.DataType], ...] = (
    ("seq", pa.int64()),
    ("source", pa.string()),
    ("record_id", pa.string()),
    ("line", pa.int64()),
    ("state", pa.string()),
    ("content_hash", pa.string()),
    ("updated_at", pa.string()),
    ("payload", pa.string()),
    ("claims", pa.string()),
    ("features", pa.string()),
    ("issues", pa.string()),
    ("keys", pa.list_(pa.int64())),
)


def feature_type(entity: EntityType, name: str) -> pa.DataType:
    """The Arrow type of a feature column."""
    policy = entity.features[name]
    scalar = pa.int32() if policy.number else pa.string()
    return pa.list_(scalar) if policy.many else scalar


_worker: Preparer | None = None


def _start_worker(policy: StagingPolicy) -> None:
    global _worker  # noqa: PLW0603 - a process pool hands its initialiser no other place
    _worker = Preparer(policy)


def _work(job: Job) -> dict[str, pa.Table]:
    assert _worker is not None
    return _worker.prepare(job)


def stage(
    connection: duckdb.DuckDBPyConnection,
    batches: Iterable[SourceBatch],
    policy: StagingPolicy,
    known: Mapping[Identity, str],
    progress: Callable[[int], None],
) -> Staged:
    """Fill `staged_TYPE` with the new and changed rows of the batches.

    known: (source, record_id) -> content hash in the store. progress: called with the rows read so far.
    """
    staged = Staged()
    for tables in _prepared(_jobs(batches, known, staged, progress), policy):
        for entity, table in tables.items():
            append(connection, f"staged_{entity}", table)
            staged.tables.add(entity)
            staged.prepared += table.num_rows
    return staged


def _jobs(
    batches: Iterable[SourceBatch], known: Mapping[Identity, str], staged: Staged, progress: Callable[[int], None]
) -> Iterator[Job]:
    for batch in batches:
        name = batch.spec.name
        hashes = [_hash_to_skip((name, record_id), known, staged) for record_id in batch.record_ids]
        yield Job(name, batch.columns, batch.rows, batch.lines, batch.record_ids, batch.entities, hashes, staged.read)
        staged.read += len(batch.rows)
        progress(staged.read)


def _hash_to_skip(identity: Identity, known: Mapping[Identity, str], staged: Staged) -> str | None:
    """The content that may be passed over; none for a record that the delivery holds twice: its versions compete."""
    if identity in staged.seen:
        staged.repeated += 1
        return None
    staged.seen.add(identity)
    return known.get(identity)


def _prepared(jobs: Iterator[Job], policy: StagingPolicy) -> Iterator[dict[str, pa.Table]]:
    """The tables of each job, in the order of the jobs; a few jobs are under way at once."""
    first: list[Job] = []
    rows = 0
    for job in jobs:
        first.append(job)
        rows += len(job.rows)
        if rows > ALONE_ROWS:
            break
    else:
        alone = Preparer(policy)
        yield from (alone.prepare(job) for job in first)
        return
    yield from _in_pool(_chained(first, jobs), policy)


def _chained(first: list[Job], rest: Iterator[Job]) -> Iterator[Job]:
    yield from first
    yield from rest


def _in_pool(jobs: Iterator[Job], policy: StagingPolicy) -> Iterator[dict[str, pa.Table]]:
    workers = os.cpu_count() or 1
    # Not forked: DuckDB and Arrow run threads here, and a forked child would inherit their locks without them.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, _start_worker, (policy,)) as pool:
        waiting: deque[Future[dict[str, pa.Table]]] = deque()
        for job in jobs:
            waiting.append(pool.submit(_work, job))
            if len(waiting) > workers + 1:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
