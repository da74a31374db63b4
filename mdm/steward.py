"""Stewardship: verdicts given and withdrawn, never against one that holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set

from sqlalchemy import Connection

from mdm import tasks
from mdm.engine.cluster import components
from mdm.errors import BadInput, Conflict, NotFound
from mdm.sayings import APART, TOGETHER, UNSURE, Saying, check, named_by, sayings_of, told
from mdm.store import audit, records, verdicts
from mdm.store.verdicts import Identity, Verdict


def give_verdict(connection: Connection, given: Verdict) -> int:
    """The number of the verdict; the records it names are to be decided anew.

    Raises NotFound for a record that is not stored, Conflict when it contradicts a verdict that holds.
    """
    verdict_id = enter_verdict(connection, given, verdicts.active(connection))
    records.unresolve(connection, records.numbers(connection, named_by(given)).values())
    note(connection, given.actor, "verdict.given", verdict_id, given)
    return verdict_id


def enter_verdict(connection: Connection, given: Verdict, held: Iterable[Verdict]) -> int:
    """The number of the verdict in the ledger; tasks that it answers are applied. Nothing is decided anew by that.

    held: the verdicts that hold, those at least that are tied to its records. Raises what `give_verdict` raises.
    """
    check(given)
    rids = _rids(connection, (*given.left, *given.right))
    _refuse_contradiction(given, held)
    verdict_id = verdicts.add(connection, given)
    if given.kind != UNSURE:
        tasks.answer(connection, verdict_id, given, _homes(connection, rids))
    return verdict_id


def withdraw_verdict(connection: Connection, verdict_id: int, *, reason: str, actor: str) -> int:
    """The number of the entry that withdraws the verdict; its records are to be decided anew."""
    withdrawn = verdicts.get(connection, verdict_id)
    undo_id = verdicts.undo(connection, verdict_id, reason=reason, actor=actor)
    known = records.by_ids(connection, (*withdrawn.left, *withdrawn.right))
    records.unresolve(connection, [record.rid for record in known])
    note(connection, actor, "verdict.withdrawn", verdict_id, withdrawn)
    return undo_id


def parse_record(text: str) -> Identity:
    """(source, record_id) of `source:record_id`; the first colon splits. Raises BadInput."""
    source, colon, record_id = text.partition(":")
    if not colon or not source or not record_id:
        raise BadInput(f"{text!r} is no record; write source:record_id")
    return source, record_id


def _homes(connection: Connection, rids: Mapping[Identity, int]) -> dict[Identity, tuple[int, int]]:
    standing = records.standing(connection, rids.values())
    return {name: (rid, standing[rid][1] or 0) for name, rid in rids.items()}


def _rids(connection: Connection, names: Sequence[Identity]) -> dict[Identity, int]:
    known = {(r.source, r.record_id): r.rid for r in records.by_ids(connection, names) if r.state != "deleted"}
    for source, record_id in names:
        if (source, record_id) not in known:
            raise NotFound(f"there is no record {source}:{record_id}")
    return known


def _refuse_contradiction(given: Verdict, active: Iterable[Verdict]) -> None:
    """What verdicts hold together, directly or through others, no other may keep apart."""
    held = [*active, given]
    groups = _held_together(held)
    for verdict in held:
        for saying in sayings_of(verdict):
            if saying.what == APART and any(_both_sides(saying, group) for group in groups):
                older = verdict if verdict is not given else _tie_across(held, saying)
                raise Conflict(
                    f"this contradicts verdict {older.verdict_id} ({older.kind}, by {older.actor}, "
                    f"{older.recorded_at}); withdraw that one first: mdm verdict undo {older.verdict_id}"
                )


def _held_together(held: Sequence[Verdict]) -> list[set[Identity]]:
    """The records that verdicts connect, one set per connected group."""
    names = sorted({name for verdict in held for name in (*verdict.left, *verdict.right)})
    places = {name: place for place, name in enumerate(names)}
    ties = []
    for saying in (saying for verdict in held for saying in sayings_of(verdict)):
        if saying.what == TOGETHER:
            first, *others = [places[name] for name in (*saying.left, *saying.right)]
            ties += [(first, other) for other in others]
    return [{names[place] for place in group} for group in components(ties)]


def _both_sides(saying: Saying, group: Set[Identity]) -> bool:
    return not group.isdisjoint(saying.left) and not group.isdisjoint(saying.right)


def _tie_across(held: Sequence[Verdict], given: Saying) -> Verdict:
    """The newest verdict that ties both sides together; when several do, one of their group."""
    tying = [verdict for verdict in reversed(held) if any(saying.what == TOGETHER for saying in sayings_of(verdict))]
    for verdict in tying:
        others = _held_together([other for other in tying if other is not verdict])
        if not any(_both_sides(given, group) for group in others):
            return verdict
    torn = next(group for group in _held_together(tying) if _both_sides(given, group))
    return next(verdict for verdict in tying if not torn.isdisjoint(verdict.left))


def note(connection: Connection, actor: str, action: str, verdict_id: int, verdict: Verdict) -> None:
    """The trail tells of it; the last act of a transaction."""
    audit.append(connection, actor, action, subject=f"verdict:{verdict_id}", details=told(verdict))
