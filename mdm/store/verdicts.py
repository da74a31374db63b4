"""Verdicts: what stewards decided about records, an append-only ledger; an undo is another entry."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, Select, select

from mdm.engine.amend import Amendment, Values
from mdm.errors import Conflict, NotFound
from mdm.store import counters, sources
from mdm.store.schema import verdict
from mdm.store.sources import FormerName
from mdm.store.store import recorded_at

Identity = tuple[str, str]
Content = tuple[str, str, str]  # source, record_id, content hash
UNDO = "undo"
RELEASED = "released"
CORRECTED = "corrected"
DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One entry: kind (same, different, related, unsure, confirmed, released ...) about the records of two sides.

    verdict_id, recorded_at: given by the store. undoes: the verdict that an entry of kind `undo` withdraws.
    content_hash: the content of the one record it is about, where it is bound to that: it holds for no other content.
    corrections: the values that a verdict of kind `corrected` gives instead of the delivered ones.
    reason: a code or a few words; comment: whatever else there is to say. details: what only its kind has (`sayings`).
    """

    kind: str
    left: tuple[Identity, ...]
    right: tuple[Identity, ...]
    reason: str
    actor: str
    verdict_id: int = 0
    recorded_at: str = ""
    undoes: int | None = None
    content_hash: str | None = None
    corrections: Values | None = None
    comment: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    def superseding(self, numbers: Iterable[int]) -> Verdict:
        """The same, in the place of these verdicts."""
        known = sorted({*self.details.get("supersedes", ()), *numbers})
        return replace(self, details={**self.details, "supersedes": known}) if known else self


def add(connection: Connection, given: Verdict) -> int:
    """The number of the new entry."""
    verdict_id = counters.allocate(connection, "verdict", 1)
    connection.execute(
        verdict.insert().values(
            verdict_id=verdict_id,
            kind=given.kind,
            left_records=json.dumps(given.left),
            right_records=json.dumps(given.right),
            reason=given.reason,
            actor=given.actor,
            recorded_at=recorded_at(connection),
            undoes=given.undoes,
            content_hash=given.content_hash,
            corrections=None if given.corrections is None else json.dumps(given.corrections),
            comment=given.comment or None,
            details=json.dumps(dict(given.details), sort_keys=True) if given.details else None,
        )
    )
    return verdict_id


def undo(connection: Connection, verdict_id: int, *, reason: str, actor: str) -> int:
    """The number of the entry that withdraws the verdict. Raises NotFound, or Conflict when it is withdrawn already."""
    withdrawn = get(connection, verdict_id)
    if withdrawn.kind == UNDO:
        raise Conflict(f"verdict {verdict_id} is an undo itself; give the withdrawn verdict anew instead")
    if connection.scalar(select(verdict.c.verdict_id).where(verdict.c.undoes == verdict_id)) is not None:
        raise Conflict(f"verdict {verdict_id} is withdrawn already")
    return add(connection, Verdict(UNDO, withdrawn.left, withdrawn.right, reason, actor, undoes=verdict_id))


def get(connection: Connection, verdict_id: int) -> Verdict:
    """The entry of that number, withdrawn or not. Raises NotFound."""
    row = connection.execute(select(verdict).where(verdict.c.verdict_id == verdict_id)).one_or_none()
    if row is None:
        raise NotFound(f"there is no verdict {verdict_id}")
    return _verdict(dict(row._mapping), sources.former(connection))


def active(connection: Connection) -> list[Verdict]:
    """The verdicts that hold, oldest first: no undo entries, nothing withdrawn."""
    withdrawn = select(verdict.c.undoes).where(verdict.c.undoes.is_not(None))
    statement = select(verdict).where(verdict.c.kind != UNDO, verdict.c.verdict_id.not_in(withdrawn))
    return _verdicts(connection, statement.order_by(verdict.c.verdict_id))


def amendments(connection: Connection) -> dict[Content, Amendment]:
    """What stewards decided about contents that changes how they are read: released and corrected ones."""
    given = _bound(connection, RELEASED, CORRECTED)
    passing = {content for content, each in given if each.kind == RELEASED}
    values = {content: each.corrections or {} for content, each in given if each.kind == CORRECTED}
    return {content: Amendment(content in passing, values.get(content, {})) for content in passing | values.keys()}


def discarded(connection: Connection) -> frozenset[Content]:
    """The contents of records that stewards left in quarantine for good."""
    return frozenset(content for content, _ in _bound(connection, DISCARDED))


def corrected(connection: Connection) -> dict[Content, Verdict]:
    """The verdict by which each corrected content is read."""
    return dict(_bound(connection, CORRECTED))


def _bound(connection: Connection, *kinds: str) -> list[tuple[Content, Verdict]]:
    """The verdicts of these kinds that hold, oldest first, each with the contents that it is about."""
    withdrawn = select(verdict.c.undoes).where(verdict.c.undoes.is_not(None))
    statement = select(verdict).where(
        verdict.c.kind.in_(kinds), verdict.c.content_hash.is_not(None), verdict.c.verdict_id.not_in(withdrawn)
    )
    given = _verdicts(connection, statement.order_by(verdict.c.verdict_id))
    return [((*name, each.content_hash or ""), each) for each in given for name in each.left]


def last(connection: Connection) -> int:
    """The number of the newest entry; 0 when there is none."""
    return counters.last(connection, "verdict")


def since(connection: Connection, verdict_id: int) -> list[Verdict]:
    """The entries with a greater number, oldest first, undo entries too."""
    newer = select(verdict).where(verdict.c.verdict_id > verdict_id)
    return _verdicts(connection, newer.order_by(verdict.c.verdict_id))


def of_numbers(connection: Connection, numbers: Iterable[int]) -> list[Verdict]:
    """The entries of these numbers, oldest first."""
    statement = select(verdict).where(verdict.c.verdict_id.in_(sorted(set(numbers))))
    return _verdicts(connection, statement.order_by(verdict.c.verdict_id))


def listed(connection: Connection, *, kind: str | None, before: int | None, limit: int) -> list[Verdict]:
    """The newest entries of the kind (None: of any but undo entries) with a number less than `before`."""
    statement = select(verdict).where(verdict.c.kind != UNDO if kind is None else verdict.c.kind == kind)
    if before is not None:
        statement = statement.where(verdict.c.verdict_id < before)
    return _verdicts(connection, statement.order_by(verdict.c.verdict_id.desc()).limit(limit))


def withdrawals(connection: Connection, numbers: Iterable[int]) -> dict[int, Verdict]:
    """The undo entry of each of these verdicts that is withdrawn."""
    statement = select(verdict).where(verdict.c.undoes.in_(sorted(set(numbers))))
    return {each.undoes: each for each in _verdicts(connection, statement) if each.undoes is not None}


def named_after(connection: Connection, verdict_id: int) -> set[Identity]:
    """The records that entries with a greater number are about, withdrawals too."""
    newer = select(verdict).where(verdict.c.verdict_id > verdict_id)
    return {name for each in _verdicts(connection, newer) for name in (*each.left, *each.right)}


def all(connection: Connection) -> list[Verdict]:
    """Every entry of the ledger, oldest first, with the withdrawn ones and the undo entries that withdrew them."""
    return _verdicts(connection, select(verdict).order_by(verdict.c.verdict_id))


def _verdicts(connection: Connection, statement: Select[Any]) -> list[Verdict]:
    names = sources.former(connection)
    return [_verdict(dict(row._mapping), names) for row in connection.execute(statement)]


def _verdict(row: dict[str, Any], names: list[FormerName]) -> Verdict:
    """The entry, its records under the names that their sources have today."""
    left, right = (
        tuple((sources.name_then(names, source, row["verdict_id"]), record_id) for source, record_id in listed)
        for listed in (json.loads(row.pop(f"{side}_records")) for side in ("left", "right"))
    )
    row["corrections"] = None if row["corrections"] is None else json.loads(row["corrections"])
    row["comment"] = row["comment"] or ""
    row["details"] = {} if row["details"] is None else json.loads(row["details"])
    return Verdict(left=left, right=right, **row)
