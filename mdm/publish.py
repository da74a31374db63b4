"""Publishing: the store -> counts, the crosswalk, and files for other systems."""

from __future__ import annotations

import getpass
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection

from mdm import learning, quarantine, relations
from mdm.engine.policy import EntityType
from mdm.engine.release import Release, to_bits, to_units
from mdm.engine.score import UNKNOWN
from mdm.errors import BadInput
from mdm.evaluation.truth import record_refs
from mdm.explaining import golden_column, golden_values, level_name
from mdm.exporting import FileSet, open_files
from mdm.ids import ALPHABET, entity_id
from mdm.policy import ProjectPolicy
from mdm.reports import ExportReport
from mdm.store import Store, audit, entities, links, overview, records, releases, runs, tasks
from mdm.store.bulk import chunks
from mdm.store.crosswalk import present as present_aliases
from mdm.store.store import moment_of
from rules.kinds import KINDS

Ints = npt.NDArray[np.int64]
Since = int | datetime  # an event number, or a moment

GOLDEN_ROWS = 20_000
TAIL_BITS = 10  # the last two digits of an id
ROLL = pa.schema(
    [
        ("rid", pa.int64()),
        ("source", pa.string()),
        ("record_id", pa.string()),
        ("entity_type", pa.string()),
        ("state", pa.string()),
        ("eid", pa.int64()),
    ]
)
CROSSWALK = pa.schema([(name, pa.string()) for name in ("source", "record_id", "entity_type", "entity_id")])
PROVENANCE = pa.schema(
    [(n, pa.string()) for n in ("entity_id", "field", "value", "source", "record_id", "updated_at", "strategy")]
)
LINKS = pa.schema(
    [(n, pa.string()) for n in ("left_source", "left_record_id", "right_source", "right_record_id")]
    + [("bits", pa.float64()), ("levels", pa.string()), ("release", pa.string())]
)
ISSUES = pa.schema([(name, pa.string()) for name in ("source", "record_id", "issue", "file")] + [("line", pa.int64())])
ALIASES = pa.schema([("alias", pa.string()), ("entity_id", pa.string())])
CHANGES = pa.schema(
    [("event_no", pa.int64())] + [(name, pa.string()) for name in ("kind", "entity_id", "fields", "redirect")]
)


def count_entities(store: Store) -> dict[str, int]:
    """How many active entities there are of each type."""
    with store.reading() as connection:
        return overview.entity_counts(connection)


def count_records(store: Store) -> dict[str, int]:
    """How many active records there are of each source."""
    with store.reading() as connection:
        return overview.record_counts(connection)


def count_review_links(store: Store, types: Mapping[str, EntityType]) -> int:
    """How many links below the merge threshold connect two entities: what a steward might look at."""
    total = 0
    with store.reading() as connection:
        for name in types:
            release = learning.active_release(connection, name)
            if release is not None:
                total += overview.open_links(connection, name, to_bits(to_units(release.merge)))
    return total


def count_tasks(store: Store) -> dict[str, int]:
    """How many questions to stewards are open, by kind."""
    with store.reading() as connection:
        return tasks.open_counts(connection)


@dataclass(frozen=True, slots=True)
class Roll:
    """Every stored record in any state, sorted by rid: the columns of ROLL."""

    table: pa.Table
    rids: Ints

    def places(self, rids: pa.Array) -> pa.Array:
        """The row of each rid."""
        return pa.array(np.searchsorted(self.rids, rids.to_numpy(zero_copy_only=False)))

    def of_entities(self, eids: pa.Array | None) -> pa.Table:
        """The rows of the members of these entities, all rows for None."""
        return self.table if eids is None else self.table.filter(pc.is_in(self.table["eid"], value_set=eids))


def read_roll(connection: Connection) -> Roll:
    """The roll of the store as it is now."""
    batches = records.scan(connection, ROLL.names, state=None)
    table = pa.Table.from_batches(batches, ROLL).sort_by("rid").combine_chunks()
    return Roll(table, table["rid"].to_numpy())


def entity_ids(eids: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The id of each entity number, null for null.

    An id is put together from its front, its last two digits and its check, the sum (over GF(32): exclusive or) of
    what the two parts contribute: 0.2 s for a million ids, where as many calls of `entity_id` take 3.6 s.
    """
    flat = eids.combine_chunks() if isinstance(eids, pa.ChunkedArray) else eids
    numbers = flat.fill_null(0).to_numpy()
    fronts, front = np.unique(numbers >> TAIL_BITS, return_inverse=True)
    front_texts, front_checks = _id_parts(fronts << TAIL_BITS, slice(None, -3))
    tail_texts, tail_checks = _tails()
    tail = numbers & ((1 << TAIL_BITS) - 1)
    checks = pa.array(list(ALPHABET)).take(pa.array(front_checks[front] ^ tail_checks[tail]))
    texts = pc.binary_join_element_wise(front_texts.take(pa.array(front)), tail_texts.take(pa.array(tail)), checks, "")
    return pc.if_else(flat.is_null(), pa.scalar(None, pa.string()), texts)


@cache
def _tails() -> tuple[pa.Array, Ints]:
    return _id_parts(np.arange(1 << TAIL_BITS), slice(-3, -1))


def _id_parts(eids: Ints, part: slice) -> tuple[pa.Array, Ints]:
    """That part of each id as text, and its check as a number."""
    ids = [entity_id(eid) for eid in eids.tolist()]
    return pa.array([text[part] for text in ids], pa.string()), np.array(
        [ALPHABET.index(text[-1]) for text in ids], int
    )


def crosswalk(connection: Connection) -> pa.Table:
    """One row per stored record that is not deleted: source, record_id, entity_type, entity_id.

    entity_id is null for a quarantined record and for one that is not decided yet.
    """
    return _crosswalk(read_roll(connection).table)


def _crosswalk(rows: pa.Table) -> pa.Table:
    kept = rows.filter(pc.not_equal(rows["state"], "deleted"))
    belonging = pc.if_else(pc.equal(kept["state"], "active"), kept["eid"], pa.scalar(None, pa.int64()))
    columns = [kept[name] for name in ("source", "record_id", "entity_type")]
    return pa.table([*columns, entity_ids(belonging)], schema=CROSSWALK)


def scored_pairs(connection: Connection) -> pa.Table:
    """One row per link: left and right as source:record_id, bits."""
    roll = read_roll(connection)
    names = record_refs(roll.table["source"], roll.table["record_id"])
    schema = pa.schema([("left", pa.string()), ("right", pa.string()), ("bits", pa.float64())])
    named = [
        pa.table(
            [*(names.take(roll.places(batch[s])) for s in ("left_rid", "right_rid")), batch["bits"]], schema=schema
        )
        for batch in links.scan(connection)
    ]
    return pa.concat_tables([schema.empty_table(), *named])


@dataclass(frozen=True, slots=True)
class View:
    """What an export takes from: one snapshot of the store; changed: the entities wanted, None for all."""

    connection: Connection
    types: Mapping[str, EntityType]
    roll: Roll
    changed: pa.Array | None

    @property
    def rows(self) -> pa.Table:
        """The roll of the records wanted."""
        return self.roll.of_entities(self.changed)


def export(store: Store, policy: ProjectPolicy, directory: Path, file_format: str, since: Since | None) -> ExportReport:
    """Write the tables of the store, one file each, all of one moment; the export is audited before files appear.

    since: only entities that have events after this number, or from this moment on (by the clock of whoever wrote them;
    without zone UTC), and those events as `changes`. A consumer replaces what it
    holds of every entity named there. Raises BadInput for an unknown format, a folder that cannot be written, or an
    event number that was never given out.
    """
    with open_files(directory, file_format) as files:
        with store.reading() as connection:
            cursor = overview.last_event(connection)
            since = overview.event_before(connection, moment_of(since)) if isinstance(since, datetime) else since
            if since is not None and since > cursor:
                raise BadInput(f"there is no event {since} yet, the last one is {cursor}; pass the cursor of an export")
            _write_all(connection, policy, files, since)
        _audit(store, directory, file_format, since, files.rows)
        return ExportReport(files.publish(), cursor or None)


def _audit(store: Store, directory: Path, file_format: str, since: int | None, rows: Mapping[str, int]) -> None:
    details = {"directory": str(directory), "format": file_format, "since": since, "rows": dict(rows)}
    with store.writing() as connection:
        audit.append(connection, _user(), "export", subject="store", details=details)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _write_all(connection: Connection, policy: ProjectPolicy, files: FileSet, since: int | None) -> None:
    changed = None
    if since is not None:
        events = overview.events_after(connection, since)
        changed = events["eid"].unique()
        files.start("changes", CHANGES)
        files.write("changes", _changes(events))
    view = View(connection, policy.entities, read_roll(connection), changed)
    files.start("crosswalk", CROSSWALK)
    files.write("crosswalk", _crosswalk(view.rows))
    files.start("aliases", ALIASES)
    for table in _aliases(view):
        files.write("aliases", table)
    _write_golden(view, files)
    files.start("relations", relations.TABLE)
    files.write("relations", relations.relation_table(connection))
    files.start("links", LINKS)
    for table in _links(view):
        files.write("links", table)
    files.start("issues", ISSUES)
    for table in _issues(view):
        files.write("issues", table)
    # Whole or not at all: what comes into quarantine and leaves it has no event of its own.
    if since is None:
        files.start("quarantine", quarantine.TABLE)
        files.write("quarantine", quarantine.quarantine_table(connection, policy))


def _aliases(view: View) -> Iterator[pa.Table]:
    """The ids of another master with the entity each leads to today, null when there is none any more, or none yet."""
    for rows in chunks(present_aliases(view.connection), GOLDEN_ROWS):
        eids = pa.array([eid for _, eid in rows], pa.int64())
        table = pa.table([pa.array([alias for alias, _ in rows]), entity_ids(eids)], schema=ALIASES)
        yield table if view.changed is None else table.filter(pc.is_in(eids, value_set=view.changed))


def _changes(events: pa.Table) -> pa.Table:
    fields = [",".join(orjson.loads(text)) or None for text in events["fields"].to_pylist()]
    redirects = [orjson.loads(text).get("redirect") for text in events["details"].to_pylist()]
    columns = [events["event_no"], events["kind"], entity_ids(events["eid"]), pa.array(fields), pa.array(redirects)]
    return pa.table([column.cast(kind) for column, kind in zip(columns, CHANGES.types, strict=True)], schema=CHANGES)


def _write_golden(view: View, files: FileSet) -> None:
    """Golden records by type and the origin of their values, in one pass."""
    columns = {name: golden_columns(entity) for name, entity in view.types.items()}
    for name in view.types:
        files.start(f"golden_{name}", _golden_schema(columns[name]))
    files.start("provenance", PROVENANCE)
    eids, sizes = np.unique(view.rows["eid"].drop_null().to_numpy(), return_counts=True)
    for batch in _golden_batches(view):
        for name in view.types:
            rows = batch.filter(pc.equal(batch["entity_type"], name))
            golden = [orjson.loads(text) for text in rows["values"].to_pylist()]
            members = sizes[np.searchsorted(eids, rows["eid"].to_numpy())]
            ids = entity_ids(rows["eid"])
            files.write(f"golden_{name}", _golden_table(ids, golden, columns[name], members))
            files.write("provenance", _provenance(ids, golden))


def golden_columns(entity: EntityType) -> list[str]:
    """The columns of a golden record: every clean part of every field, in the order of the entity file."""
    return [golden_column(name, sub) for name, field in entity.fields.items() for sub in KINDS[field.kind].clean]


def _golden_schema(columns: Iterable[str]) -> pa.Schema:
    return pa.schema([("entity_id", pa.string()), *((c, pa.string()) for c in columns), ("records", pa.int64())])


def _golden_batches(view: View) -> Iterator[pa.Table]:
    """Golden values in batches: eid, entity_type, values."""
    wanted = ["eid", "entity_type", "values"]
    if view.changed is None:
        for batch in entities.scan_golden(view.connection):
            yield pa.Table.from_batches([batch]).select(wanted)
        return
    for eids in chunks(view.changed.to_pylist(), GOLDEN_ROWS):
        found = entities.golden(view.connection, eids)
        types = entities.types_of(view.connection, eids)
        named = pa.array([types[eid] for eid in found["eid"].to_pylist()], pa.string())
        yield found.append_column("entity_type", named).select(wanted)


def _golden_table(ids: pa.Array, golden: list[dict[str, Any]], columns: list[str], members: Ints) -> pa.Table:
    values = [{column: text for column, text, _ in golden_values(one)} for one in golden]
    texts = [pa.array([one.get(column) for one in values], pa.string()) for column in columns]
    return pa.table([ids, *texts, pa.array(members, pa.int64())], schema=_golden_schema(columns))


def _provenance(ids: pa.Array, golden: list[dict[str, Any]]) -> pa.Table:
    rows = [
        (name, column, text, winner["source"], winner["record_id"], winner["updated_at"], winner["by"])
        for name, one in zip(ids.to_pylist(), golden, strict=True)
        for column, text, winner in golden_values(one)
    ]
    return _table(rows, PROVENANCE)


def _table(rows: list[tuple[Any, ...]], schema: pa.Schema) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    return pa.table([pa.array(c, kind) for c, kind in zip(columns, schema.types, strict=True)], schema=schema)


def _links(view: View) -> Iterator[pa.Table]:
    reader = LevelReader(view.connection)
    if view.changed is None:
        batches: Iterable[pa.RecordBatch] = links.scan(view.connection)
    else:
        batches = links.touching(view.connection, view.rows["rid"].to_pylist()).to_batches()
    for batch in batches:
        places = [view.roll.places(batch[side]) for side in ("left_rid", "right_rid")]
        names = [view.roll.table[column].take(place) for place in places for column in ("source", "record_id")]
        texts = [
            reader.text(release_id, levels)
            for release_id, levels in zip(batch["release_id"].to_pylist(), batch["levels"].to_pylist(), strict=True)
        ]
        yield pa.table([*names, batch["bits"], pa.array(texts, pa.string()), batch["release_id"]], schema=LINKS)


class LevelReader:
    """Reads the compact levels of links; many links have the same ones, so each is read once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._releases: dict[str, Release] = {}
        self._texts: dict[tuple[str, str], str] = {}

    def text(self, release_id: str, levels: str) -> str:
        """`comparison: level` of every comparison that said something."""
        found = self._texts.get((release_id, levels))
        if found is None:
            found = self._texts[release_id, levels] = _levels_text(self._release(release_id), levels)
        return found

    def _release(self, release_id: str) -> Release:
        if release_id not in self._releases:
            self._releases[release_id] = learning.read(releases.get(self._connection, release_id))
        return self._releases[release_id]


def _levels_text(release: Release, levels: str) -> str:
    reached = zip(release.comparisons, map(int, levels.split(",")), strict=True)
    return "; ".join(f"{c.name}: {level_name(c, level)}" for c, level in reached if level != UNKNOWN)


def _issues(view: View) -> Iterator[pa.Table]:
    """Issues of records; when everything is wanted, also the rows that the last run could not make records of."""
    columns = ["source", "record_id", "issues"]
    if view.changed is not None:
        wanted = records.load(view.connection, view.rows["rid"].to_pylist(), columns)
        yield from (_record_issues(batch) for batch in wanted.to_batches())
        return
    for batch in records.scan(view.connection, columns, state=None):
        yield _record_issues(batch)
    run = runs.last(view.connection, "batch")
    if run is not None:
        rows = records.quarantined_rows(view.connection, run.run_id)
        nobody = pa.nulls(rows.num_rows, pa.string())
        yield pa.table([rows["source"], nobody, rows["reason"], rows["file"], rows["line"]], schema=ISSUES)


def _record_issues(batch: pa.RecordBatch) -> pa.Table:
    rows = [
        (source, record_id, issue, None, None)
        for source, record_id, issues in zip(*(column.to_pylist() for column in batch.columns), strict=True)
        for issue in orjson.loads(issues)
    ]
    return _table(rows, ISSUES)
