"""Relations: `related` verdicts -> which entities belong together without being one customer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa
from sqlalchemy import Connection

from mdm.ids import entity_id
from mdm.ledger import RulingIndex
from mdm.sayings import RELATED, Side, named_by
from mdm.store import entities, records, verdicts
from mdm.store.verdicts import Verdict

TABLE = pa.schema(
    [
        ("relation", pa.string()),
        ("left_entity_id", pa.string()),
        ("right_entity_id", pa.string()),
        ("verdict_id", pa.int64()),
        ("since", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class Relation:
    """Two entities that a verdict calls related; left and right as it named them."""

    relation: str
    left: int
    right: int
    verdict_id: int
    since: str
    reason: str
    actor: str


def of_entity(connection: Connection, eid: int, rulings: RulingIndex) -> list[Relation]:
    """The relations of an entity, the oldest first; rulings: of all verdicts."""
    rids = entities.members(connection, [eid])["rid"].to_pylist()
    given = [each for each in verdicts.of_numbers(connection, rulings.numbers(rids)) if each.kind == RELATED]
    return [relation for relation in _relations(connection, given) if eid in (relation.left, relation.right)]


def relation_table(connection: Connection) -> pa.Table:
    """All relations that hold, as TABLE has them."""
    given = [each for each in verdicts.active(connection) if each.kind == RELATED]
    rows = [
        (r.relation, entity_id(r.left), entity_id(r.right), r.verdict_id, r.since)
        for r in _relations(connection, given)
    ]
    columns = list(zip(*rows, strict=True)) or [()] * len(TABLE)
    return pa.table([pa.array(c, kind) for c, kind in zip(columns, TABLE.types, strict=True)], schema=TABLE)


def _relations(connection: Connection, given: Iterable[Verdict]) -> Iterator[Relation]:
    """One per verdict and pair of entities that hold records of its two sides now."""
    listed = list(given)
    rids = records.numbers(connection, {name for verdict in listed for name in named_by(verdict)})
    homes = {rid: eid for rid, (_, eid) in records.standing(connection, rids.values()).items()}

    def eids(side: Side) -> list[int]:
        found = {homes.get(rids[name]) for name in side if name in rids}
        return sorted(eid for eid in found if eid is not None)

    for verdict in listed:
        for left in eids(verdict.left):
            for right in eids(verdict.right):
                what = str(verdict.details.get("relation", "related"))
                yield Relation(
                    what, left, right, verdict.verdict_id, verdict.recorded_at, verdict.reason, verdict.actor
                )
