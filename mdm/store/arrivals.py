"""Arrivals: which records were decided in real time, so that a batch job knows what moved while it was thinking.

A batch job decides from a snapshot and writes later. What a single record changed in between must stand: the log says
which records' links were made anew, wholly or in part, and which were decided, by the number of the change.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, select

from mdm.store import counters
from mdm.store.bulk import bulk_insert
from mdm.store.schema import arrival

# A job that is deciding now began fewer changes ago: the log is cut when a batch job begins, and only one runs.
KEPT = 100_000
DECIDED, PARTLY, WHOLLY = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Moved:
    """wholly: records that changed, all their links made anew. partly: records some of whose links were made anew.

    decided: records whose entity was decided, with the others.
    """

    wholly: frozenset[int]
    partly: frozenset[int]
    decided: frozenset[int]

    def __bool__(self) -> bool:
        return bool(self.decided)

    def settled(self, left: int, right: int) -> bool:
        """Whether the link between the two, or that there is none, was decided in real time."""
        pair = {left, right}
        return not pair.isdisjoint(self.wholly) or pair <= self.partly


def note(
    connection: Connection,
    change_no: int,
    *,
    wholly: Collection[int],
    partly: Collection[int],
    decided: Iterable[int],
) -> None:
    """Nothing; the log says what the change was about."""
    kinds = dict.fromkeys(decided, DECIDED) | dict.fromkeys(partly, PARTLY) | dict.fromkeys(wholly, WHOLLY)
    rows = ((change_no, rid, kind) for rid, kind in sorted(kinds.items()))
    bulk_insert(connection, arrival, ("change_no", "rid", "kind"), rows)


def note_reread(connection: Connection, rids: Collection[int]) -> None:
    """Nothing; the log says that the records were prepared anew and wait to be decided."""
    note(connection, counters.allocate(connection, "change", 1), wholly=rids, partly=(), decided=())


def now(connection: Connection) -> int:
    """The number of the newest change, from which `since` counts."""
    return counters.last(connection, "change")


def since(connection: Connection, change_no: int) -> Moved:
    """What was decided in real time after that change."""
    found: dict[int, set[int]] = {DECIDED: set(), PARTLY: set(), WHOLLY: set()}
    newer = select(arrival.c.rid, arrival.c.kind).where(arrival.c.change_no > change_no)
    for rid, kind in connection.execute(newer):
        found[kind].add(rid)
    every = frozenset().union(*found.values())
    return Moved(frozenset(found[WHOLLY]), frozenset(found[PARTLY] | found[WHOLLY]), every)


def forget(connection: Connection) -> None:
    """Nothing; what no job can ask for any more is gone. Called by the batch job, which has the run lock."""
    connection.execute(arrival.delete().where(arrival.c.change_no <= now(connection) - KEPT))
