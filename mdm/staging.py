"""Staging: rows of the sources -> prepared rows in scratch tables, one per entity type, on all cores.

Only rows whose content is new or changed are prepared; the others are counted and passed over.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from mdm.engine.amend import Amendment
from mdm.engine.keys import pack_keys
from mdm.engine.policy import EntityType
from mdm.engine.prepare import Prepared, compile_policy, content_hash, payload_of, prepare, shown_claims
from mdm.project_file import SourceSpec
from mdm.scratch import folder_of
from mdm.sources import SourceBatch
from mdm.store.verdicts import Content
from mdm.workers import spread
from rules.record_view import quote_text
from rules.rulebook import RuleBook
from rules.rulebook_apply import Claims

# Below this, processes cost more than they save.
ALONE_ROWS = 4_000
# Few enough that what a stage leaves for the next is still in the processor's cache.
BLOCK_ROWS = 200
Identity = tuple[str, str]


@dataclass(frozen=True, slots=True)
class StagingPolicy:
    """What preparing needs: sources by name, entity types and rule books by type name.

    amendments: what stewards decided about contents. tables: the scratch tables that are filled are called by this,
    `_` and the entity type.
    """

    sources: Mapping[str, SourceSpec]
    entities: Mapping[str, EntityType]
    rules: Mapping[str, RuleBook]
    amendments: Mapping[Content, Amendment] = field(default_factory=dict)
    tables: str = "staged"


@dataclass(frozen=True, slots=True)
class Setting:
    """What one process needs to prepare rows: the policy, and the folder for what it makes of them."""

    policy: StagingPolicy
    folder: Path


@dataclass(frozen=True, slots=True)
class Job:
    """Rows of one source; `known` holds the stored content hash of each, or None. first: number of its first row."""

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
    """What came out: rows read, by source too, and prepared, identities seen and how often again, types with rows."""

    read: int = 0
    by_source: dict[str, int] = field(default_factory=dict)
    prepared: int = 0
    seen: set[Identity] = field(default_factory=set)
    repeats: dict[Identity, int] = field(default_factory=dict)
    tables: set[str] = field(default_factory=set)


class Preparer:
    """The compiled policy of one process: a Job in, its prepared rows in a file per entity type out."""

    def __init__(self, setting: Setting) -> None:
        self.folder = setting.folder
        policy = setting.policy
        self.amendments = policy.amendments
        self.policy_of = cache(
            lambda source, entity: compile_policy(policy.sources[source], policy.entities[entity], policy.rules[entity])
        )

    def __call__(self, job: Job) -> dict[str, int]:
        """Entity type -> how many rows were prepared; unchanged rows are left out."""
        fresh: dict[str, list[_Row]] = {}
        for index, cells in enumerate(job.rows):
            entity = job.entities[index]
            row = {name: cell for name, cell in zip(job.columns, cells, strict=True) if cell is not None}
            payload = payload_of(row)
            digest = content_hash(payload, entity)
            if digest != job.known[index]:
                fresh.setdefault(entity, []).append(_Row(index, row, digest, payload.decode()))
        for entity, rows in fresh.items():
            blocks = (rows[start : start + BLOCK_ROWS] for start in range(0, len(rows), BLOCK_ROWS))
            tables = [self.prepare(job, entity, block) for block in blocks]
            # Read once or twice and then gone: the fastest writing counts, not the smallest file.
            path = self.folder / f"{entity}-{job.first}.parquet"
            table = pa.concat_tables(tables)
            pq.write_table(table, path, compression="lz4", use_dictionary=False, write_statistics=False)
        return {entity: len(rows) for entity, rows in fresh.items()}

    def prepare(self, job: Job, entity: str, rows: list[_Row]) -> pa.Table:
        """The prepared rows, all of one entity type: the columns of META, then `f_FEATURE` for each feature."""
        policy = self.policy_of(job.source, entity)
        made = prepare([row.cells for row in rows], policy, self.amended(job, rows))
        meta = _meta(job, rows, made)
        arrays = {name: pa.array(meta[name], type_) for name, type_ in META}
        for name in policy.entity.features:
            values = [each.features[name] for each in made]
            arrays[f"f_{name}"] = pa.array(values, feature_type(policy.entity, name))
        return pa.table(arrays)

    def amended(self, job: Job, rows: list[_Row]) -> dict[int, Amendment]:
        """What stewards decided about the contents of these rows, by place."""
        if not self.amendments:
            return {}
        names = ((job.source, job.record_ids[row.at], row.digest) for row in rows)
        return {place: self.amendments[content] for place, content in enumerate(names) if content in self.amendments}


class _Row(NamedTuple):
    """A row of a job that is new or changed: its place there, its cells, content hash and payload."""

    at: int
    cells: dict[str, str]
    digest: str
    payload: str


def _meta(job: Job, rows: list[_Row], made: list[Prepared]) -> dict[str, list[Any]]:
    """The columns that every entity type has."""
    return {
        "seq": [job.first + row.at for row in rows],
        "source": [job.source] * len(rows),
        "record_id": [job.record_ids[row.at] for row in rows],
        "line": [job.lines[row.at] for row in rows],
        "state": ["quarantined" if each.rejected else "active" for each in made],
        "content_hash": [row.digest for row in rows],
        "updated_at": [each.updated_at for each in made],
        "quality": [each.quality for each in made],
        "payload": [row.payload for row in rows],
        "claims": [claims_text(each.claims) for each in made],
        "features": [features_text(each.features) for each in made],
        "issues": [orjson.dumps(each.issues).decode() for each in made],
        "keys": [each.keys for each in made],
        "packed": [pack_keys(each.keys) for each in made],
    }


def claims_text(claims: Claims) -> str:
    """The claims as they are stored."""
    return orjson.dumps(shown_claims(claims)).decode()


def features_text(features: Mapping[str, object]) -> str:
    """The known features as they are stored."""
    return orjson.dumps({name: value for name, value in features.items() if value is not None}).decode()


META: tuple[tuple[str, pa.DataType], ...] = (
    ("seq", pa.int64()),
    ("source", pa.string()),
    ("record_id", pa.string()),
    ("line", pa.int64()),
    ("state", pa.string()),
    ("content_hash", pa.string()),
    ("updated_at", pa.string()),
    ("quality", pa.string()),
    ("payload", pa.string()),
    ("claims", pa.string()),
    ("features", pa.string()),
    ("issues", pa.string()),
    ("keys", pa.list_(pa.int64())),
    ("packed", pa.binary()),
)


def feature_type(entity: EntityType, name: str) -> pa.DataType:
    """The Arrow type of a feature column."""
    policy = entity.features[name]
    scalar = pa.int32() if policy.number else pa.string()
    return pa.list_(scalar) if policy.many else scalar


def stage(
    connection: duckdb.DuckDBPyConnection,
    batches: Iterable[SourceBatch],
    policy: StagingPolicy,
    known: Mapping[Identity, str],
    progress: Callable[[int], None],
) -> Staged:
    """Make `TABLES_TYPE` views of the new and changed rows of the batches, for the types that have any.

    known: (source, record_id) -> content hash in the store. progress: called with the rows read so far.
    """
    staged = Staged()
    setting = Setting(policy, Path(tempfile.mkdtemp(dir=folder_of(connection))))
    with closing(_prepared(_jobs(batches, known, staged, progress), setting)) as counts:
        for prepared in counts:
            staged.tables.update(prepared)
            staged.prepared += sum(prepared.values())
    for entity in policy.entities:
        connection.execute(f"drop view if exists {policy.tables}_{entity}")
    for entity in staged.tables:
        files = quote_text(f"{setting.folder}/{entity}-*.parquet")
        connection.execute(f"create view {policy.tables}_{entity} as from read_parquet({files})")
    return staged


def _jobs(
    batches: Iterable[SourceBatch], known: Mapping[Identity, str], staged: Staged, progress: Callable[[int], None]
) -> Iterator[Job]:
    for batch in batches:
        name = batch.spec.name
        hashes = [_hash_to_skip((name, record_id), known, staged) for record_id in batch.record_ids]
        yield Job(name, batch.columns, batch.rows, batch.lines, batch.record_ids, batch.entities, hashes, staged.read)
        staged.read += len(batch.rows)
        staged.by_source[name] = staged.by_source.get(name, 0) + len(batch.rows)
        progress(staged.read)


def _hash_to_skip(identity: Identity, known: Mapping[Identity, str], staged: Staged) -> str | None:
    """The content that may be passed over; none for a record that the delivery holds twice: its versions compete."""
    if identity in staged.seen:
        staged.repeats[identity] = staged.repeats.get(identity, 0) + 1
        return None
    staged.seen.add(identity)
    return known.get(identity)


def _prepared(jobs: Iterator[Job], setting: Setting) -> Generator[dict[str, int], None, None]:
    """What each job gave; few rows are prepared here, more by a process per core."""
    first: list[Job] = []
    rows = 0
    for job in jobs:
        first.append(job)
        rows += len(job.rows)
        if rows > ALONE_ROWS:
            yield from spread(Preparer, setting, chain(first, jobs))
            return
    yield from map(Preparer(setting), first)
