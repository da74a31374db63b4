"""The files of a project -> batches of rows per source; a row that cannot become a record is set aside, with why."""

from __future__ import annotations

import glob
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mdm.chunks import MAX_RAW, Chunk, Row
from mdm.errors import BadSource
from mdm.project_file import LINE_ID, ProjectFile, SourceSpec, fold_value
from mdm.project_yaml import allowed_words
from mdm.readers import read_chunks, read_columns


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
    """A row that did not become a record; `source` is None when the row is too broken to tell."""

    source: str | None
    file: str
    line: int
    reason: str
    raw: str


Refuse = Callable[[BadRow], None]


def scan(project: ProjectFile, refuse: Refuse, *, only: Collection[str] | None = None) -> Iterator[SourceBatch]:
    """Every row of the sources (or of those named in `only`), file by file; each file is read once.

    refuse: is called with each row that cannot become a record.
    Raises BadSource for a file, and with it nothing more is read, that is missing, empty or lacks a mapped column.
    """
    for specs in _sharing_files(project, only):
        wanted = tuple(dict.fromkeys(column for spec in specs for column in used_columns(spec).values()))
        for path in source_files(project, specs[0]):
            yield from _scan_file(project, specs, path, wanted, refuse)


def check_columns(project: ProjectFile) -> None:
    """Raises BadSource unless every file is there and has every column the project names; reads headers only."""
    for specs in _sharing_files(project, None):
        wanted = tuple(column for spec in specs for column in used_columns(spec).values())
        for path in source_files(project, specs[0]):
            columns = read_columns(path, wanted, specs[0].encoding)
            for spec in specs:
                _check_header(project, spec, path, columns)


def source_files(project: ProjectFile, spec: SourceSpec) -> list[Path]:
    """The files of a source, sorted; a name that stands for itself wins over its reading as a pattern."""
    folder = project.path.parent
    if (folder / spec.read).is_file():
        return [folder / spec.read]
    names = glob.glob(spec.read, root_dir=folder, recursive=True)  # noqa: PTH207 (Path.glob takes no absolute pattern)
    found = sorted(folder / name for name in names)
    files = [path for path in found if path.is_file()]
    if not files:
        raise BadSource(f"{project.path}: sources.{spec.name}.read: no file {folder / spec.read}")
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


def _sharing_files(project: ProjectFile, only: Collection[str] | None) -> list[list[SourceSpec]]:
    """The sources grouped by the files they read, in the order of the project file."""
    groups: dict[tuple[str, str], list[SourceSpec]] = {}
    for spec in project.sources:
        if only is None or spec.name in only:
            groups.setdefault((spec.read, spec.encoding), []).append(spec)
    return list(groups.values())


def _check_header(project: ProjectFile, spec: SourceSpec, path: Path, columns: tuple[str, ...]) -> None:
    for key, column in used_columns(spec).items():
        if column not in columns:
            there = allowed_words(column, columns).replace("allowed", "columns there", 1)
            place = f"{project.path}: sources.{spec.name}.{key.partition('[')[0]}"
            raise BadSource(f"{place}: no column {column!r} in {path}; {there}")


def _scan_file(
    project: ProjectFile, specs: list[SourceSpec], path: Path, wanted: tuple[str, ...], refuse: Refuse
) -> Iterator[SourceBatch]:
    columns = read_columns(path, wanted, specs[0].encoding)
    for spec in specs:
        _check_header(project, spec, path, columns)
    owner = specs[0].name if len(specs) == 1 else None
    for chunk in read_chunks(path, wanted, specs[0].encoding):
        for bad in chunk.refused:
            refuse(BadRow(owner, str(path), bad.line, bad.reason, bad.raw))
        for spec in specs:
            batch = _batch(spec, path, chunk, refuse)
            if batch.rows:
                yield batch


def _batch(spec: SourceSpec, path: Path, chunk: Chunk, refuse: Refuse) -> SourceBatch:
    """The rows of one source in a chunk; those without an id or of an unknown type are refused."""
    ids, types = _record_ids(spec, chunk), entity_types(spec, chunk.columns, chunk.rows)
    batch = SourceBatch(spec, str(path), chunk.columns, [], [], [], [])
    for n in _pick(spec, chunk):
        record_id, type_ = ids[n], types[n]
        if record_id is not None and type_ is not None:
            batch.rows.append(chunk.rows[n])
            batch.lines.append(chunk.lines[n])
            batch.record_ids.append(record_id)
            batch.entities.append(type_)
        elif any(chunk.rows[n]):
            reason = _no_id(spec) if record_id is None else _no_type(spec, chunk, n)
            refuse(BadRow(spec.name, str(path), chunk.lines[n], reason, _raw(chunk, n)))
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


def _no_id(spec: SourceSpec) -> str:
    return f"no record id: column {spec.record_id!r} is blank"


def _no_type(spec: SourceSpec, chunk: Chunk, n: int) -> str:
    column = spec.entity.column or ""
    value = chunk.rows[n][chunk.columns.index(column)]
    return f"unknown entity type: {column} is {value!r}; `values` knows {', '.join(spec.entity.values)}"


def _raw(chunk: Chunk, n: int) -> str:
    """The row as `column=value` pairs; blanks are left out."""
    cells = zip(chunk.columns, chunk.rows[n], strict=True)
    return ", ".join(f"{column}={cell}" for column, cell in cells if cell is not None)[:MAX_RAW]
