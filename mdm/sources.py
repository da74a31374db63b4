"""The files and databases of a project -> batches of rows per source; a row that cannot become a record is set aside.

Invariant: a record id is text that every store can keep and index, and that a person can write as `source:record_id`.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mdm.errors import BadSource
from mdm.project_file import LINE_ID, ProjectFile, SourceSpec, fold_value
from mdm.project_yaml import allowed_words
from mdm.reading.chunks import Chunk, Row, printable, shown
from mdm.reading.databases import Query, database_query
from mdm.reading.files import File
from mdm.reading.origin import Origin

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
MAX_ID = 500  # characters; PostgreSQL's index holds 2,700 bytes
Supply = File | Query


@dataclass(frozen=True, slots=True)
class SourceBatch:
    """Up to 20,000 rows of one source; blank cells are None; lists run in parallel.

    lines: line numbers (row numbers in parquet). record_ids: never blank. entities: the entity type of each row.
    """

    spec: SourceSpec
    file: str
    columns: tuple[str, ...]
    rows: list[Row]
    lines: list[int]
    record_ids: list[str]
    entities: list[str]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that did not become a record; `source` is None when the row is too broken to tell.

    among: then, the sources of which it may be.
    """

    source: str | None
    file: str
    line: int
    reason: str
    raw: str
    among: tuple[str, ...] = ()


Refuse = Callable[[BadRow], None]


def scan(project: ProjectFile, refuse: Refuse, *, only: Collection[str] | None = None) -> Iterator[SourceBatch]:
    """Every row of the sources (or of those named in `only`), file by file; each file is read once.

    refuse: is called with each row that cannot become a record.
    Raises BadSource for a file or table, and with it nothing more is read, that is missing, empty or lacks a mapped
    column; Unavailable for a database that cannot be reached.
    """
    for specs in _sharing_origins(project, only):
        wanted = tuple(dict.fromkeys(column for spec in specs for column in used_columns(spec).values()))
        for supply in _supplies(project, specs):
            yield from _scan_supply(project, specs, supply, wanted, refuse)


def check_columns(project: ProjectFile) -> None:
    """Raises BadSource unless every file and table is there and has every column the project names; reads no rows."""
    for specs in _sharing_origins(project, None):
        wanted = tuple(column for spec in specs for column in used_columns(spec).values())
        for supply in _supplies(project, specs):
            columns = supply.columns(wanted)
            for spec in specs:
                _check_header(project, spec, supply, columns)


def _supplies(project: ProjectFile, specs: Sequence[SourceSpec]) -> Sequence[Supply]:
    """What the sources of one origin are read from: files by name, or one query."""
    origin, place = specs[0].origin, f"{project.path}: sources.{specs[0].name}"
    resolved = origin.resolved(f"{place}.read", os.environ)
    if origin.is_database:
        place = f"{place}.{'table' if origin.table is not None else 'query'}"
        order = tuple(dict.fromkeys(spec.record_id for spec in specs))
        return [database_query(origin, resolved, place=place, folder=project.path.parent, order=order)]
    if "://" in resolved:
        raise BadSource(f"{place}.read: is a database; write a `query` or a `table` beside it")
    return [File(path, origin.form) for path in source_files(project.path.parent, resolved, f"{place}.read")]


def source_files(folder: Path, read: str, place: str) -> list[Path]:
    """The files that `read` names, sorted; a name that stands for itself wins over its reading as a pattern.

    Raises BadSource, opening with `place`, when there are none.
    """
    named = folder / read
    try:
        if named.is_symlink() or named.exists():
            return [named]  # what is no file is refused by its reader, with what it is
        names = glob.glob(read, root_dir=folder, recursive=True)  # noqa: PTH207 (Path.glob takes no absolute pattern)
        files = [path for path in sorted(folder / name for name in names) if not path.is_dir()]
    except (OSError, ValueError) as error:
        raise BadSource(f"{place}: {printable(read)} cannot be looked for: {error}") from error
    if not files:
        raise BadSource(f"{place}: no file {named}")
    return files


def used_columns(spec: SourceSpec) -> Mapping[str, str]:
    """Key path within the source -> column, for every column that the source names."""
    named = {
        "record_id": None if spec.record_id == LINE_ID else spec.record_id,
        "entity.column": spec.entity.column,
        "updated_at": spec.updated_at,
        "country.column": spec.country.column,
        **{f"where.{column}": column for column in spec.where},
    }
    for mappings in spec.fields.values():
        for mapping in mappings:
            for n, slot in enumerate(mapping.slots):
                named |= {f"fields.{mapping.field}.{part}[{n}]": column for part, column in slot.items()}
    return {key: column for key, column in named.items() if column is not None}


def _sharing_origins(project: ProjectFile, only: Collection[str] | None) -> list[list[SourceSpec]]:
    """The sources grouped by what they read, in the order of the project file."""
    groups: dict[Origin, list[SourceSpec]] = {}
    for spec in project.sources:
        if only is None or spec.name in only:
            groups.setdefault(spec.origin, []).append(spec)
    return list(groups.values())


def _check_header(project: ProjectFile, spec: SourceSpec, supply: Supply, columns: tuple[str, ...]) -> None:
    for key, column in used_columns(spec).items():
        if column not in columns:
            there = allowed_words(column, columns).replace("allowed", "columns there", 1)
            place = f"{project.path}: sources.{spec.name}.{key.partition('[')[0]}"
            alone = "; if other characters separate the columns, say `separator`" if len(columns) == 1 else ""
            raise BadSource(f"{place}: no column {column!r} in {supply.name}; {there}{alone}")


def _scan_supply(
    project: ProjectFile, specs: list[SourceSpec], supply: Supply, wanted: tuple[str, ...], refuse: Refuse
) -> Iterator[SourceBatch]:
    columns = supply.columns(wanted)
    for spec in specs:
        _check_header(project, spec, supply, columns)
    owner = specs[0].name if len(specs) == 1 else None
    among = () if owner else tuple(spec.name for spec in specs)
    for chunk in supply.chunks(wanted):
        for bad in chunk.refused:
            refuse(BadRow(owner, supply.name, bad.line, bad.reason, bad.raw, among))
        for spec in specs:
            batch = _batch(spec, supply.name, chunk, refuse)
            if batch.rows:
                yield batch


def _batch(spec: SourceSpec, file: str, chunk: Chunk, refuse: Refuse) -> SourceBatch:
    """The rows of one source in a chunk; those without a usable id or of an unknown type are refused."""
    ids, types = _record_ids(spec, chunk), entity_types(spec, chunk.columns, chunk.rows)
    batch = SourceBatch(spec, file, chunk.columns, [], [], [], [])
    for n in _pick(spec, chunk):
        record_id, type_ = ids[n], types[n]
        if record_id is not None and type_ is not None and is_record_id(record_id):
            batch.rows.append(chunk.rows[n])
            batch.lines.append(chunk.lines[n])
            batch.record_ids.append(record_id)
            batch.entities.append(type_)
        elif any(chunk.rows[n]):
            reason = _no_id(spec, record_id) or _no_type(spec, chunk, n)
            refuse(BadRow(spec.name, file, chunk.lines[n], reason, shown(chunk.columns, chunk.rows[n])))
    return batch


def _pick(spec: SourceSpec, chunk: Chunk) -> Collection[int]:
    """The positions of the rows that `where` lets through; values are compared as exact text."""
    picked: Collection[int] = range(len(chunk.rows))
    for column, value in spec.where.items():
        at = chunk.columns.index(column)
        picked = [n for n in picked if chunk.rows[n][at] == value]
    return picked


def _record_ids(spec: SourceSpec, chunk: Chunk) -> list[str | None]:
    if spec.record_id == LINE_ID:
        return [str(line) for line in chunk.lines]
    at = chunk.columns.index(spec.record_id)
    return [cell.strip() if (cell := row[at]) is not None else None for row in chunk.rows]


def entity_types(spec: SourceSpec, columns: Sequence[str], rows: Sequence[Row]) -> list[str | None]:
    """The entity type of each row; None where the source's rule knows none."""
    rule = spec.entity
    if rule.column is None:
        return [rule.default] * len(rows)
    at = columns.index(rule.column)
    known: dict[str | None, str | None] = {None: rule.default}
    for value in {row[at] for row in rows} - {None}:
        known[value] = rule.values.get(fold_value(value or ""))
    return [known[row[at]] for row in rows]


def is_record_id(text: str) -> bool:
    """Whether the text may name a record: not too long, and all of it can be seen or is a blank."""
    return len(text) <= MAX_ID and (text.isprintable() or not _CONTROL.search(text))


def _no_id(spec: SourceSpec, record_id: str | None) -> str | None:
    """What is wrong with the id of a row; None when it names a record."""
    if record_id is None:
        return f"no record id: column {spec.record_id!r} is blank"
    if is_record_id(record_id):
        return None
    if len(record_id) > MAX_ID:
        return f"the record id has {len(record_id):,} characters; at most {MAX_ID} can be kept"
    return f"the record id holds a control character: {printable(record_id)!r}"


def _no_type(spec: SourceSpec, chunk: Chunk, n: int) -> str:
    column = spec.entity.column or ""
    value = chunk.rows[n][chunk.columns.index(column)]
    return f"unknown entity type: {column} is {value!r}; `values` knows {', '.join(spec.entity.values)}"
