"""Matching in bulk: unresolved records -> scored links, through scratch tables of one entity type.

Scratch tables of a type: `keys_TYPE` (key, rid), `features_TYPE` (rid, one column per feature), `pairs_TYPE` (l, r)
and `links_TYPE` (l, r, units, levels).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

import duckdb
import orjson
import pyarrow as pa
from sqlalchemy import Connection

from mdm.deciding import Weigh, Weighed
from mdm.engine.policy import EntityType
from mdm.engine.release import Release, to_units
from mdm.linkage.candidates import drop_hot_keys
from mdm.linkage.level_sql import quoted
from mdm.linkage.score_sql import register_features, score_sql
from mdm.scratch import append, count, fetch, has_table, run_as_written
from mdm.staging import feature_type
from mdm.store import keys, records

# Above this share of all records it is cheaper to read the whole table of keys than to look holders up.
SCAN_SHARE = 0.2
PAIRS_AT_ONCE = 2_000_000
# Holds the cap under which `pairs_TYPE` has all pairs of `keys_TYPE`.
ALL_PAIRS = "all_pairs"


@dataclass(frozen=True, slots=True)
class Work:
    """One entity type in one run. promised: the sources that never hold two records of one entity."""

    scratch: duckdb.DuckDBPyConnection
    entity: EntityType
    promised: frozenset[str] = frozenset()

    def table(self, name: str) -> str:
        """The scratch table of that name for this type."""
        return f"{name}_{self.entity.name}"


def load_keys(work: Work, connection: Connection, rids: Sequence[int], active: int) -> None:
    """Fill `keys_TYPE` with every holder of every key that one of the records holds."""
    scratch, name = work.scratch, work.table("keys")
    scratch.execute(f"drop table if exists {work.table(ALL_PAIRS)}")
    scratch.execute(f"create or replace table {name} (key bigint, rid bigint)")
    if len(rids) == active:
        _load_own_keys(work, connection, rids)
    elif len(rids) <= SCAN_SHARE * active:
        append(scratch, name, keys.sharing(connection, rids))
    else:
        _scan_keys(work, connection, name)


def _load_own_keys(work: Work, connection: Connection, rids: Sequence[int]) -> None:
    """Add to `keys_TYPE` the keys of these records: of those prepared in this run from scratch, else from the store."""
    scratch, name, ready = work.scratch, work.table("keys"), work.table("ready")
    scratch.execute("drop table if exists typed")
    append(scratch, "typed", pa.table({"rid": pa.array(rids, pa.int64())}))
    if has_table(scratch, ready):
        scratch.execute(f"insert into {name} select unnest(keys), rid from {ready} semi join typed using (rid)")
        scratch.execute(f"create or replace table typed as from typed anti join {ready} using (rid)")
    if count(scratch, "typed"):
        # The scan brings the keys of the other records and entity types along.
        scratch.execute("create or replace table scanned (key bigint, rid bigint)")
        _scan_keys(work, connection, "scanned")
        scratch.execute(f"insert into {name} select key, rid from scanned semi join typed using (rid)")


def _scan_keys(work: Work, connection: Connection, table: str) -> None:
    for batch in keys.scan(connection):
        append(work.scratch, table, pa.Table.from_batches([batch]))


def load_features(work: Work, connection: Connection, rids: Iterable[int]) -> None:
    """Add to `features_TYPE` the stored features of these records."""
    table = records.load(connection, rids, ["rid", "features", "entity_type"])
    for batch in table.to_batches(max_chunksize=50_000):
        append(work.scratch, work.table("features"), _feature_table(work.entity, batch))


def make_feature_table(work: Work) -> None:
    """An empty `features_TYPE`."""
    append(work.scratch, work.table("features"), _feature_table(work.entity, None))


def _feature_table(entity: EntityType, batch: pa.RecordBatch | None) -> pa.Table:
    rids: list[int] = []
    columns: dict[str, list[object]] = {name: [] for name in entity.features}
    for row in [] if batch is None else batch.to_pylist():
        if row["entity_type"] != entity.name:
            continue
        rids.append(row["rid"])
        features = orjson.loads(row["features"])
        for name, values in columns.items():
            values.append(features.get(name))
    arrays = {"rid": pa.array(rids, pa.int64())}
    arrays |= {name: pa.array(values, feature_type(entity, name)) for name, values in columns.items()}
    return pa.table(arrays)


def make_candidates(work: Work, cap: int, *, among: str | None) -> int:
    """Fill `pairs_TYPE` with the candidate pairs that have an end in the table `among` (None: all); how many.

    All pairs of the loaded keys under one cap are made once.
    """
    scratch, pairs, made = work.scratch, work.table("pairs"), work.table(ALL_PAIRS)
    if among is None and has_table(scratch, made) and scratch.execute(f"from {made}").fetchall() == [(cap,)]:
        return count(scratch, pairs)
    drop_hot_keys(scratch, work.table("keys"), cap)
    touching = "" if among is None else f"and (a.rid in (from {among}) or b.rid in (from {among}))"
    scratch.execute(f"""
        create or replace table {pairs} as
        select distinct a.rid as l, b.rid as r
        from {work.table("keys")}_cool a
        join {work.table("keys")}_cool b on a.key = b.key and a.rid < b.rid {touching}
    """)
    scratch.execute(f"drop table if exists {made}")
    if among is None:
        scratch.execute(f"create table {made} as select {cap} as cap")
    return count(scratch, pairs)


def score_links(work: Work, release: Release) -> int:
    """Fill `links_TYPE` with the candidate pairs at or above the review threshold; how many.

    `scored_TYPE` (l, r, units) holds all candidate pairs: what is inside a component need not be weighed again.
    """
    links, scored = work.table("links"), work.table("scored")
    work.scratch.execute(f"create or replace table {links} (l bigint, r bigint, units bigint, levels varchar)")
    work.scratch.execute(f"create or replace table {scored} (l bigint, r bigint, units bigint, levels varchar)")
    least = to_units(release.review)
    for part in score_pairs(work, release, work.table("pairs"), shown_from=least):
        run_as_written(work.scratch, f"insert into {scored} {part}")
    work.scratch.execute(f"insert into {links} from {scored} where units >= {least}")
    return count(work.scratch, links)


def weigh_inside(work: Work, release: Release) -> Weigh:
    """Weighs the pairs inside pieces by SQL; `features_TYPE` holds their records, `scored_TYPE` what is known."""

    def weigh(pieces: Sequence[Sequence[int]], least: int, pressing: Collection[int]) -> Weighed:
        _score_inside(work, release, pieces)
        rows = work.scratch.execute("select piece from inside group by piece having min(units) >= ?", [least])
        agreed = {piece for (piece,) in rows.fetchall()}.difference(pressing)
        units: dict[int, dict[tuple[int, int], int]] = {}
        for piece, left, right, weight in fetch(work.scratch, "select piece, l, r, units from inside"):
            if piece not in agreed:
                units.setdefault(piece, {})[left, right] = weight
        return Weighed(agreed, units)

    return weigh


def _score_inside(work: Work, release: Release, pieces: Sequence[Sequence[int]]) -> None:
    """Fill the scratch table `inside` with all pairs within each piece: piece, l, r, units."""
    scratch, scored = work.scratch, work.table("scored")
    scratch.execute("drop table if exists piece_members")
    rids = [rid for piece in pieces for rid in piece]
    places = [place for place, piece in enumerate(pieces) for _ in piece]
    members = pa.table({"rid": pa.array(rids, pa.int64()), "piece": pa.array(places, pa.int64())})
    append(scratch, "piece_members", members)
    scratch.execute("""
        create or replace table inner_pairs as
        select a.piece, a.rid as l, b.rid as r
        from piece_members a
        join piece_members b on a.piece = b.piece and a.rid < b.rid
    """)
    scratch.execute(
        f"create or replace table inside as select piece, l, r, units from inner_pairs join {scored} using (l, r)"
    )
    scratch.execute(f"create or replace table unscored as from inner_pairs anti join {scored} using (l, r)")
    for part in score_pairs(work, release, "unscored"):
        query = f"select piece, l, r, units from ({part}) join unscored using (l, r)"
        run_as_written(scratch, f"insert into inside {query}")


def score_pairs(work: Work, release: Release, pairs: str, *, shown_from: int | None = None) -> Iterator[str]:
    """Queries that together score all rows of the table of pairs: the columns of `score_sql`. Bounded memory each."""
    scored = work.table("weighed")
    register_features(work.scratch, release, work.table("features"), scored)
    parts = -(-count(work.scratch, pairs) // PAIRS_AT_ONCE)
    for part in range(parts):
        chosen = f"(select l, r from {pairs} where l % {parts} = {part})" if parts > 1 else pairs
        yield score_sql(release, chosen, scored, shown_from=shown_from)


def stage_features(work: Work, staged: str) -> None:
    """Fill `features_TYPE` from the prepared rows of this run."""
    columns = ", ".join(f"f_{name} as {quoted(name)}" for name in work.entity.features)
    work.scratch.execute(f"insert into {work.table('features')} select rid, {columns} from {staged}")
