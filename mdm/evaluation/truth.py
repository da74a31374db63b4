"""Truth files: a csv, tsv, parquet or jsonl file -> records with their customer, or labelled pairs."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from mdm.errors import BadSource

CLUSTER_COLUMNS = ("source", "record_id", "cluster_id")
PAIR_COLUMNS = ("source_l", "record_id_l", "source_r", "record_id_r", "label")
SAME_WORDS = ("1", "1.0", "true", "yes", "same", "match")
DIFFERENT_WORDS = ("0", "0.0", "false", "no", "different", "non-match")
SUFFIXES = (".csv", ".tsv", ".parquet", ".jsonl")

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Clusters:
    """Labelled records, each once: `refs` (source:record_id) and the customer each belongs to, as Arrow strings."""

    path: str
    refs: Any
    clusters: Any


@dataclass(frozen=True, slots=True)
class LabelledPairs:
    """Pairs of records, each once with left < right: `left`, `right` as Arrow strings, `same` as flags."""

    path: str
    left: Any
    right: Any
    same: Flags


Truth = Clusters | LabelledPairs


def read_truth(path: Path) -> Truth:
    """The truth in a file; rows without a cluster or a label are unlabelled and ignored.

    Raises BadSource when the file, its columns or its labels cannot be used, or rows contradict each other.
    """
    with _refusing(path, "truth file"):
        return _truth(path)


def read_assignment(path: Path, group: str) -> tuple[Any, list[str]]:
    """Records as (source, record_id, `group`), rows without a group left out; and the names of other columns.

    Raises BadSource as `read_truth` does.
    """
    wanted = (*CLUSTER_COLUMNS[:2], group)
    with _refusing(path, "file"):
        names = _column_names(path)
        missing = [column for column in wanted if column not in names]
        if missing:
            raise BadSource(f"file {path} lacks the columns {', '.join(missing)}; it needs {', '.join(wanted)}")
        table = _labelled(_read(path, wanted), group)
        blank = table.num_rows - _labelled(_labelled(table, wanted[0]), wanted[1]).num_rows
        if blank:
            raise BadSource(f"file {path} has {blank} rows without source or record_id")
        distinct = table.group_by(list(wanted)).aggregate([])
        _refuse_contradictions(path, _row_refs(path, distinct, ""), f"more than one {group}")
        return distinct, sorted(names.difference(wanted))


@contextmanager
def _refusing(path: Path, what: str) -> Iterator[None]:
    """Raises BadSource for a file that is not there or cannot be read."""
    if not path.is_file():
        raise BadSource(f"{what} {path} does not exist")
    if path.suffix not in SUFFIXES:
        raise BadSource(f"{what} {path} is none of {', '.join(SUFFIXES)}")
    try:
        yield
    except (pa.ArrowInvalid, orjson.JSONDecodeError, UnicodeDecodeError) as error:
        raise BadSource(f"{what} {path} cannot be read: {error}") from error


def record_refs(sources: Any, record_ids: Any) -> Any:
    """`source:record_id` of each row, as one Arrow array."""
    joined = pc.binary_join_element_wise(text(sources), text(record_ids), ":")
    return joined.combine_chunks() if isinstance(joined, pa.ChunkedArray) else joined


def text(values: Any) -> Any:
    """The values as one Arrow array of strings."""
    array = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    return array.cast(pa.string())


def _truth(path: Path) -> Truth:
    names = _column_names(path)
    if set(PAIR_COLUMNS) <= names:
        return _pairs(path, _labelled(_read(path, PAIR_COLUMNS), "label"))
    if set(CLUSTER_COLUMNS) <= names:
        return _clusters(path, _labelled(_read(path, CLUSTER_COLUMNS), "cluster_id"))
    wanted = PAIR_COLUMNS if names & set(PAIR_COLUMNS) else CLUSTER_COLUMNS
    missing = ", ".join(column for column in wanted if column not in names)
    raise BadSource(
        f"truth file {path} lacks the columns {missing}; it needs {', '.join(CLUSTER_COLUMNS)} "
        f"or {', '.join(PAIR_COLUMNS)}"
    )


def _column_names(path: Path) -> set[str]:
    if path.suffix == ".parquet":
        return set(pq.read_schema(path).names)
    with path.open(encoding="utf-8-sig", newline="") as lines:
        if path.suffix == ".jsonl":
            first = next((line for line in lines if line.strip()), "{}")
            return set(_json_row(path, first))
        return set(next(csv.reader(lines, delimiter=_delimiter(path)), []))


def _read(path: Path, columns: tuple[str, ...]) -> Any:
    if path.suffix == ".parquet":
        table = pq.read_table(path, columns=list(columns))
    elif path.suffix == ".jsonl":
        table = _read_jsonl(path, columns)
    else:
        # Every column is text: an inferred number would lose the leading zeros of a record id.
        options = pa_csv.ConvertOptions(include_columns=list(columns), column_types=dict.fromkeys(columns, pa.string()))
        table = pa_csv.read_csv(
            path,
            parse_options=pa_csv.ParseOptions(delimiter=_delimiter(path), newlines_in_values=True),
            convert_options=options,
        )
    return pa.table({column: text(table.column(column)) for column in columns})


def _delimiter(path: Path) -> str:
    return "\t" if path.suffix == ".tsv" else ","


def _read_jsonl(path: Path, columns: tuple[str, ...]) -> Any:
    with path.open(encoding="utf-8-sig") as lines:
        rows = [_json_row(path, line) for line in lines if line.strip()]
    return pa.table({column: pa.array([_word(row.get(column)) for row in rows], pa.string()) for column in columns})


def _json_row(path: Path, line: str) -> dict[str, object]:
    row = orjson.loads(line)
    if not isinstance(row, dict):
        raise BadSource(f"truth file {path} holds a line that is not a JSON object: {line.strip()[:60]}")
    return row


def _word(value: object) -> str | None:
    return None if value is None else str(value)


def _labelled(table: Any, column: str) -> Any:
    filled = pc.not_equal(pc.utf8_trim_whitespace(table.column(column)), "")
    return table.filter(pc.fill_null(filled, False))


def _clusters(path: Path, table: Any) -> Clusters:
    rows = pa.table({"ref": _row_refs(path, table, ""), "cluster": table.column("cluster_id")})
    distinct = rows.group_by(["ref", "cluster"]).aggregate([])
    _refuse_contradictions(path, distinct.column("ref"), "two clusters")
    return Clusters(str(path), text(distinct.column("ref")), text(distinct.column("cluster")))


def _pairs(path: Path, table: Any) -> LabelledPairs:
    left, right = _row_refs(path, table, "_l"), _row_refs(path, table, "_r")
    rows = pa.table(
        {
            "left": pc.min_element_wise(left, right),
            "right": pc.max_element_wise(left, right),
            "same": pa.array(_flags(path, table.column("label"))),
        }
    )
    distinct = rows.filter(pc.not_equal(left, right)).group_by(["left", "right", "same"]).aggregate([])
    pair_names = pc.binary_join_element_wise(distinct.column("left"), distinct.column("right"), " ")
    _refuse_contradictions(path, pair_names, "both labels")
    same = distinct.column("same").to_numpy()
    return LabelledPairs(str(path), text(distinct.column("left")), text(distinct.column("right")), same)


def _row_refs(path: Path, table: Any, side: str) -> Any:
    refs = record_refs(table.column(f"source{side}"), table.column(f"record_id{side}"))
    if refs.null_count:
        raise BadSource(f"truth file {path} has {refs.null_count} rows without source{side} or record_id{side}")
    return refs


def _flags(path: Path, labels: Any) -> Flags:
    words = pc.utf8_lower(pc.utf8_trim_whitespace(labels))
    same = pc.is_in(words, value_set=pa.array(SAME_WORDS))
    known = pc.or_(same, pc.is_in(words, value_set=pa.array(DIFFERENT_WORDS)))
    strange = pc.unique(words.filter(pc.invert(known))).to_pylist()
    if strange:
        raise BadSource(f"truth file {path} has the label {strange[0]!r}; allowed: 1, 0, true, false, same, different")
    flags: Flags = same.to_numpy()
    return flags


def _refuse_contradictions(path: Path, names: Any, what: str) -> None:
    counts = pc.value_counts(text(names))
    repeated = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
    if len(repeated):
        raise BadSource(f"truth file {path} gives {what} to {repeated[0]} and {len(repeated) - 1} more; keep one")
