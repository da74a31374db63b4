"""Truth laid beside a partition: assignment table, truth -> labelled records as numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from mdm.evaluation.truth import Clusters, Flags, Truth, record_refs, text
from mdm.reports import TruthSummary

Ints = npt.NDArray[np.int64]
EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Assignment:
    """Which entity each record of the store is in; entities are numbered, a record without one gets its own."""

    refs: Any
    entities: Ints
    names: list[str]


@dataclass(frozen=True, slots=True)
class Customers:
    """Records known to both sides and the number of the customer each belongs to."""

    refs: Any
    clusters: Ints


@dataclass(frozen=True, slots=True)
class Pairs:
    """Records known to both sides, and labelled pairs of them as positions in `refs`, left < right."""

    refs: Any
    left: Ints
    right: Ints
    same: Flags


Labels = Customers | Pairs


def assignment(table: Any) -> Assignment:
    """The partition in a table of source, record_id, entity_id (null or empty: the record has no entity)."""
    refs = record_refs(table.column("source"), table.column("record_id"))
    ids = text(table.column("entity_id"))
    resolved = pc.fill_null(pc.not_equal(ids, ""), False)
    names = _sorted_distinct(ids.filter(resolved))
    entities = positions(ids, names)
    alone = refs.filter(pc.invert(resolved))
    entities[entities < 0] = -1 - positions(alone, _sorted_distinct(alone))
    return Assignment(refs, entities, names.to_pylist())


def match_labels(assigned: Assignment, truth: Truth) -> Labels:
    """The labelled records the store holds; a pair with an unknown record is left out."""
    if isinstance(truth, Clusters):
        known = pc.is_in(truth.refs, value_set=assigned.refs)
        return Customers(truth.refs.filter(known), codes(truth.clusters.filter(known)))
    refs = pc.unique(pa.chunked_array([truth.left, truth.right]))
    refs = refs.filter(pc.is_in(refs, value_set=assigned.refs))
    left, right = positions(truth.left, refs), positions(truth.right, refs)
    known_pair = (left >= 0) & (right >= 0)
    return Pairs(refs, left[known_pair], right[known_pair], truth.same[known_pair])


def entities_of(labels: Labels, assigned: Assignment) -> Ints:
    """The entity of each labelled record."""
    return assigned.entities[positions(labels.refs, assigned.refs)]


def summarise(truth: Truth, labels: Labels, entities: Ints) -> TruthSummary:
    """How much of the truth could be used."""
    named = truth.refs if isinstance(truth, Clusters) else pc.unique(pa.chunked_array([truth.left, truth.right]))
    unknown = named.filter(pc.invert(pc.is_in(named, value_set=labels.refs)))
    return TruthSummary(
        path=truth.path,
        kind="clusters" if isinstance(truth, Clusters) else "pairs",
        rows=len(truth.refs) if isinstance(truth, Clusters) else len(truth.left),
        records=len(labels.refs),
        unknown=len(unknown),
        unknown_examples=tuple(sorted(unknown.to_pylist())[:EXAMPLES]),
        unresolved=int((entities < 0).sum()),
    )


def codes(values: Any) -> Ints:
    """Each value's place among the sorted distinct ones, so that no number depends on the order of rows."""
    return positions(values, _sorted_distinct(values))


def positions(values: Any, among: Any) -> Ints:
    """Where each value stands in `among`, -1 where it does not."""
    found = pc.fill_null(pc.index_in(values, value_set=among), -1)
    return np.array(found.to_numpy(zero_copy_only=False), dtype=np.int64)


def _sorted_distinct(values: Any) -> Any:
    distinct = pc.unique(values)
    return distinct.take(pc.sort_indices(distinct))
