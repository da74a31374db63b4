"""Sampling: links drawn at random, so many per band of weights -> questions to stewards, for honest figures of quality.

The queue shows what is doubtful; what it says of precision is not what the store's is. A drawn pair may be merged or
not: the answer is a verdict like any other, and a label that counts for all pairs of its band.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from mdm import tasks
from mdm.sayings import named_by
from mdm.store import audit, links, records, verdicts
from mdm.store import tasks as task_store
from mdm.store.bulk import rows_of
from mdm.store.links import LinkRow
from mdm.store.tasks import Question
from mdm.tasks import AUDIT

BAND_BITS = 4.0
LOWEST, HIGHEST = -8.0, 32.0


@dataclass(frozen=True, slots=True)
class Drawn:
    """A link that was drawn."""

    lot: str
    left: int
    right: int
    bits: float


def band_of(bits: float) -> float:
    """The lower end of the band of weights that the bits are in; the first and the last are open."""
    return max(LOWEST, min(HIGHEST, bits // BAND_BITS * BAND_BITS))


def draw(connection: Connection, *, per_band: int, seed: str, actor: str) -> list[int]:
    """The numbers of the tasks opened: at most so many pairs of each band, those already decided about left out.

    The same seed over the same links draws the same pairs.
    """
    lots: dict[float, list[Drawn]] = {}
    known = _decided(connection)
    for drawn in _lots(connection, seed):
        here = lots.setdefault(band_of(drawn.bits), [])
        here.append(drawn)
        if len(here) > 50 * per_band:
            here[:] = sorted(here, key=lambda each: each.lot)[: 2 * per_band]
    chosen = [
        drawn
        for band in sorted(lots)
        for drawn in [d for d in sorted(lots[band], key=lambda d: d.lot) if not known >= {d.left, d.right}][:per_band]
    ]
    questions = list(_questions(connection, chosen))
    numbers = task_store.put(connection, questions, None)
    details = {"per_band": per_band, "seed": seed, "tasks": len(questions)}
    audit.append(connection, actor, "tasks.sampled", subject="tasks", details=details)
    return numbers


def _lots(connection: Connection, seed: str) -> Iterator[Drawn]:
    for batch in links.scan(connection):
        for row in map(LinkRow._make, rows_of(batch)):
            lot = hashlib.blake2b(f"{seed}:{row.left_rid}:{row.right_rid}".encode(), digest_size=8).hexdigest()
            yield Drawn(lot, row.left_rid, row.right_rid, row.bits)


def _decided(connection: Connection) -> set[int]:
    """The records that verdicts name: their pairs are decided, not weighed."""
    names = {name for verdict in verdicts.active(connection) for name in named_by(verdict)}
    return set(records.numbers(connection, names).values())


def _questions(connection: Connection, chosen: list[Drawn]) -> Iterator[Question]:
    rids = {rid for drawn in chosen for rid in (drawn.left, drawn.right)}
    rows = records.load(connection, rids, ["rid", "entity_type", "state", "eid"]).to_pylist()
    known = {row["rid"]: row for row in rows if row["state"] == "active" and row["eid"] is not None}
    eids = {row["eid"] for row in known.values()}
    sizes = task_store.entity_sizes(connection, eids)
    standing = {task.question for task in task_store.open_about(connection, eids, ())}
    for drawn in chosen:
        name = f"audit:{drawn.left}:{drawn.right}"
        if known.keys() >= {drawn.left, drawn.right} and name not in standing:
            ends = sorted((known[rid]["eid"], rid) for rid in (drawn.left, drawn.right))
            homes = sorted({eid for eid, _ in ends})
            here = [sizes[eid] for eid in homes]
            yield Question(
                kind=AUDIT,
                question=name,
                entity_type=known[drawn.left]["entity_type"],
                left_eid=homes[0],
                right_eid=homes[1] if len(homes) == 2 else None,
                left_rid=ends[0][1],
                right_rid=ends[1][1],
                bits=drawn.bits,
                records=sum(size for size, _ in here),
                priority=tasks.urgency(2, 0.0),
                details={},
                fingerprint=tasks.fingerprint(summed for _, summed in here),
            )
