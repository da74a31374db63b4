"""Ledger: all verdicts that hold -> those that a decision about few records needs, found by the records they name.

Read once and then kept up by the new entries only: a decision costs the same however many verdicts there are. What is
written in a transaction that may still be undone lies over the kept ledger and never in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from mdm.deciding import Rulings, rulings_of
from mdm.engine.amend import Amendment
from mdm.sayings import named_by
from mdm.store import records, verdicts
from mdm.store.verdicts import UNDO, Content, Identity, Verdict


@dataclass(frozen=True, slots=True)
class RulingIndex:
    """What holds, by the number of the verdict that says it, and the numbers of the verdicts that name a record.

    added, gone: what a transaction that is not committed yet gave and withdrew.
    """

    said: Mapping[int, Rulings]
    places: Mapping[int, tuple[int, ...]]
    added: Mapping[int, Rulings]
    gone: frozenset[int]

    @classmethod
    def of(cls, said: Mapping[int, Rulings]) -> RulingIndex:
        """The index of these verdicts."""
        places: dict[int, tuple[int, ...]] = {}
        for number, rulings in said.items():
            for rid in rulings.bound:
                places[rid] = (*places.get(rid, ()), number)
        return cls(said, places, {}, frozenset())

    def with_added(self, number: int, rulings: Rulings) -> RulingIndex:
        """The same with one more verdict."""
        return replace(self, added={**self.added, number: rulings})

    def without(self, number: int) -> RulingIndex:
        """The same without the verdict."""
        return replace(self, gone=self.gone | {number})

    def kept_up(self, given: Mapping[int, Rulings], withdrawn: Iterable[int]) -> RulingIndex:
        """The index when these verdicts have been given since, and those withdrawn."""
        gone = {number for number in withdrawn if number in self.said}
        said = {number: rulings for number, rulings in self.said.items() if number not in gone}
        places = dict(self.places)
        for number in gone:
            for rid in self.said[number].bound:
                places[rid] = tuple(other for other in places[rid] if other != number)
        for number, rulings in given.items():
            said[number] = rulings
            for rid in rulings.bound:
                places[rid] = (*places.get(rid, ()), number)
        return RulingIndex(said, places, {}, frozenset())

    def numbers(self, rids: Iterable[int]) -> list[int]:
        """The verdicts that say something about one of the records, oldest first."""
        wanted = set(rids)
        found = {number for rid in wanted for number in self.places.get(rid, ())}
        found |= {number for number, rulings in self.added.items() if not rulings.bound.isdisjoint(wanted)}
        return sorted(found - self.gone)

    def tied(self, rids: Iterable[int]) -> set[int]:
        """Whom verdicts hold together with the records."""
        wanted = set(rids)
        sides = (side for number in self.numbers(wanted) for side in self._of(number).same)
        return {other for side in sides if not side.isdisjoint(wanted) for other in side}

    def about(self, rids: Iterable[int]) -> Rulings:
        """What verdicts say that names one of the records."""
        wanted = set(rids)
        here = [self._of(number) for number in self.numbers(wanted)]
        return Rulings(
            tuple(side for each in here for side in each.same if not side.isdisjoint(wanted)),
            tuple(pair for each in here for pair in each.different if not (pair[0] | pair[1]).isdisjoint(wanted)),
            tuple(side for each in here for side in each.confirmed if not side.isdisjoint(wanted)),
        )

    def around(self, rids: Iterable[int]) -> list[int]:
        """The verdicts about the records and everybody whom verdicts hold together with them, oldest first."""
        reached, fresh = set[int](), set(rids)
        while fresh:
            reached |= fresh
            fresh = self.tied(fresh) - reached
        return self.numbers(reached)

    def _of(self, number: int) -> Rulings:
        return self.added[number] if number in self.added else self.said[number]


@dataclass(frozen=True, slots=True)
class Ledger:
    """What the verdicts up to the newest say: who belongs together, and how contents are to be read."""

    newest: int
    rulings: RulingIndex
    amendments: Mapping[Content, Amendment]


def read_ledger(connection: Connection, newest: int) -> Ledger:
    """The ledger of all verdicts, the newest of that number."""
    given = {each.verdict_id: each for each in verdicts.active(connection)}
    return Ledger(newest, RulingIndex.of(_read(connection, given)), verdicts.amendments(connection))


def keep_up(connection: Connection, known: Ledger, newest: int) -> Ledger:
    """The ledger with the entries that came since it was read."""
    entries = verdicts.since(connection, known.newest)
    withdrawn = {entry.undoes for entry in entries if entry.undoes is not None}
    given = {e.verdict_id: e for e in entries if e.kind != UNDO and e.verdict_id not in withdrawn}
    rulings = known.rulings.kept_up(_read(connection, given), withdrawn)
    touches = any(entry.kind == UNDO or entry.content_hash is not None for entry in entries)
    return Ledger(newest, rulings, verdicts.amendments(connection) if touches else known.amendments)


def rulings_by_number(connection: Connection, given: Verdict, number: int) -> Rulings:
    """What one verdict says, as record numbers."""
    return _read(connection, {number: given}).get(number, Rulings())


def _read(connection: Connection, given: Mapping[int, Verdict]) -> dict[int, Rulings]:
    """What each verdict says, where it says something about the partition."""
    names: set[Identity] = {name for verdict in given.values() for name in named_by(verdict)}
    rids = records.numbers(connection, names)
    told = {number: rulings_of([verdict], rids) for number, verdict in given.items()}
    return {number: rulings for number, rulings in told.items() if rulings.bound}
