"""Labelling: a file of labels and the verdicts of stewards -> labelled pairs of records, for training."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
import pyarrow as pa
from sqlalchemy import Connection

from mdm.deciding import Rulings
from mdm.engine.release import Release
from mdm.evaluation.truth import Clusters, Truth, record_refs
from mdm.linkage.thresholds import LEAST_LABELS, LabelledChoice, choose_by_labels
from mdm.matching import Work, score_pairs
from mdm.scratch import append, fetch
from mdm.store import records, verdicts
from mdm.unresolved import read_rulings

LABELS = pa.schema([("l", pa.int64()), ("r", pa.int64()), ("same", pa.bool_())])


@dataclass(frozen=True, slots=True)
class Labels:
    """A scratch table (l, r, same), l < r, each pair once; same, different: its pairs. verdicts: those of stewards."""

    table: str
    same: int
    different: int
    verdicts: int


def lay_labels(work: Work, connection: Connection, truth: Truth | None) -> Labels | None:
    """The labelled pairs among the records of `features_TYPE`, None when there are none.

    Records of two customers in the file are a pair only where a key proposes it: all the others teach nothing. What a
    steward said counts more than the file.
    """
    scratch, table = work.scratch, work.table("labels")
    scratch.execute("create or replace table spoken (l bigint, r bigint, same boolean, rank bigint)")
    given = _said(read_rulings(connection, verdicts.active(connection)))
    _append(work, "spoken", given)
    if truth is not None:
        _lay_truth(work, connection, truth)
    features = work.table("features")
    scratch.execute(f"""
        create or replace table {table} as
        select l, r, arg_min(same, rank) as same, min(rank) as rank
        from spoken
        where l in (select rid from {features}) and r in (select rid from {features})
        group by l, r
    """)
    same, different, spoken = scratch.execute(f"""
        select count(*) filter (same), count(*) filter (not same), count(*) filter (rank = 0)
        from {table}
    """).fetchall()[0]
    return Labels(table, same, different, spoken) if same + different else None


def _said(rulings: Rulings) -> Iterator[tuple[int, int, bool]]:
    for together in rulings.same:
        yield from ((left, right, True) for left, right in combinations(sorted(together), 2))
    for one, other in rulings.different:
        yield from ((min(pair), max(pair), False) for pair in product(one, other))


def _append(work: Work, table: str, pairs: Iterable[tuple[int, int, bool]]) -> None:
    columns = list(zip(*pairs, strict=True)) or [(), (), ()]
    rows = pa.table([pa.array(column, kind) for column, kind in zip(columns, LABELS.types, strict=True)], schema=LABELS)
    append(work.scratch, table, rows.append_column("rank", pa.array([0] * len(rows), pa.int64())))


def _lay_truth(work: Work, connection: Connection, truth: Truth) -> None:
    """Add what the file says, with a rank below that of verdicts."""
    scratch = work.scratch
    scratch.execute("drop table if exists named")
    for batch in records.scan(connection, ["rid", "source", "record_id"], entity_type=work.entity.name):
        refs = record_refs(batch["source"], batch["record_id"])
        append(scratch, "named", pa.table({"rid": batch["rid"], "ref": refs}))
    scratch.execute("drop table if exists told")
    if isinstance(truth, Clusters):
        append(scratch, "told", pa.table({"ref": truth.refs, "cluster": truth.clusters}))
        scratch.execute(_FROM_CLUSTERS.format(pairs=work.table("pairs")))
    else:
        same = pa.array(truth.same, pa.bool_())
        append(scratch, "told", pa.table({"left": truth.left, "right": truth.right, "same": same}))
        scratch.execute(_FROM_PAIRS)


_FROM_CLUSTERS = """
    insert into spoken
    with known as (select rid, cluster from named join told using (ref))
    -- one row per pair of one customer
    select a.rid, b.rid, true, 1
    from known a
    join known b on a.cluster = b.cluster and a.rid < b.rid
    union all
    -- one row per candidate pair of two customers
    select p.l, p.r, false, 1
    from {pairs} p
    join known a on a.rid = p.l
    join known b on b.rid = p.r
    where a.cluster <> b.cluster
"""
_FROM_PAIRS = """
    insert into spoken
    -- one row per labelled pair of stored records
    select least(a.rid, b.rid), greatest(a.rid, b.rid), told.same, 1
    from told
    join named a on a.ref = told."left"
    join named b on b.ref = told."right"
"""


def choose_merge(work: Work, release: Release, labels: Labels) -> LabelledChoice | None:
    """The merge threshold that the labelled candidate pairs speak for; None when there are too few of them."""
    work.scratch.execute(f"""
        create or replace table labelled_candidates as
        select l, r, same
        from {labels.table}
        semi join {work.table("pairs")} using (l, r)
    """)
    units: list[int] = []
    same: list[bool] = []
    for part in score_pairs(work, release, "labelled_candidates"):
        for weight, label in fetch(
            work.scratch, f"select units, same from ({part}) join labelled_candidates using (l, r)"
        ):
            units.append(weight)
            same.append(label)
    return choose_by_labels(np.array(units, np.int64), np.array(same, np.bool_))


def label_notes(labels: Labels, choice: LabelledChoice | None, merge: float | None) -> tuple[str, str]:
    """What labels did to a release, for people; merge: the threshold that the project file says, if any."""
    took = f"{labels.same} pairs labelled same and {labels.different} labelled different took part"
    took += f" ({labels.verdicts} of them by verdicts)"
    if choice is None:
        return took, f"fewer than {LEAST_LABELS} candidate pairs of either label: they choose no merge threshold"
    precision, recall = ("{:.3f} ({:.3f} to {:.3f})".format(*share) for share in (choice.precision, choice.recall))
    return took, (
        f"labels speak for merging from {choice.bits:g} bits (95 % interval {choice.low:g} to {choice.high:g}): "
        f"{choice.wrong} of {choice.pairs} labelled candidate pairs wrong, precision {precision}, recall {recall}"
        + ("" if merge is None else f"; the project file says {merge:g} bits, which stands")
    )
