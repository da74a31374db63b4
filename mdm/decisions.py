"""Decisions: what a steward says -> entities, golden records, events and tasks as they follow, in one transaction.

The resolver decides, by the functions that decide about a single record: the partition afterwards is what a batch run
would make. A preview is the same transaction, undone. What is risky waits until a second person agrees.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import orjson
from sqlalchemy import Connection

from mdm import pinning, quarantine, queue, relations, steward, tasks, views
from mdm.errors import Conflict, NotFound
from mdm.forms import Answer, members_of, merging, proposal_of, splitting, verdict_from, verdict_of
from mdm.ledger import RulingIndex, rulings_by_number
from mdm.project_file import StewardshipSpec
from mdm.relations import Relation
from mdm.resolve import Resolver, Settled
from mdm.sayings import (
    ACKNOWLEDGED,
    HARMLESS,
    PINNED,
    UNSURE,
    check,
    named_by,
    told,
)
from mdm.store import Store, audit, entities, pins, records, verdicts
from mdm.store import tasks as task_store
from mdm.store.events import Event
from mdm.store.store import moment_of
from mdm.store.tasks import Closing, Question, Task
from mdm.store.verdicts import Identity, Verdict
from mdm.tasks import APPROVAL
from mdm.views import EntityView

__all__ = ["Answer", "Desk", "Effect", "Preview", "members_of", "merging", "splitting", "verdict_of"]


@dataclass(frozen=True, slots=True)
class Effect:
    """What a decision did.

    outcome: applied, pending (a second person has to agree, for the reasons in `risks`), deferred, withdrawn or
    rejected. entities: (old, new) of every id that records went from and to. tasks: the numbers of those opened.
    """

    outcome: str
    verdict_id: int | None = None
    task_id: int | None = None
    entities: tuple[tuple[int | None, int | None], ...] = ()
    tasks: tuple[int, ...] = ()
    risks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """What a decision would do; ids of entities that would be new are guesses.

    before, after: the entities that it touches, with their golden records and members. risks: why a second person
    would have to agree.
    """

    before: tuple[EntityView, ...]
    after: tuple[EntityView, ...]
    created: frozenset[int]
    entities: tuple[tuple[int | None, int | None], ...]
    events: tuple[Event, ...]
    opened: int
    risks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Done:
    """A verdict that was written, and what followed."""

    verdict_id: int
    settled: Sequence[Settled]

    @property
    def moves(self) -> tuple[tuple[int | None, int | None], ...]:
        """(old, new) of every id that records went from and to."""
        found: set[tuple[int | None, int | None]] = set()
        for each in self.settled:
            people = each.settlement.people
            found |= {(people[rid].eid, eid) for rid, eid in each.draft.membership if people[rid].eid != eid}
            found |= set(each.draft.retired)
        return tuple(sorted(found, key=lambda move: (move[0] or 0, move[1] or 0)))

    @property
    def opened(self) -> tuple[int, ...]:
        """The numbers of the tasks opened."""
        return tuple(number for each in self.settled for number in each.tasks)


class Desk:
    """Where stewards decide about the entities of one project; safe to share between threads."""

    def __init__(self, resolver: Resolver) -> None:
        self.resolver = resolver

    @property
    def store(self) -> Store:
        """The store that is decided about."""
        return self.resolver.store

    @property
    def spec(self) -> StewardshipSpec:
        """How the project's stewards work."""
        return self.resolver.bench.policy.file.stewardship

    # Tasks

    def decide(self, task_id: int, answer: Answer, *, actor: str) -> Effect:
        """What the answer to a task did. Raises NotFound, Closed, Claimed, StaleTask, Conflict, BadInput."""
        with self.store.writing() as connection:
            return self.decide_within(connection, task_id, answer, actor=actor)

    def decide_within(self, connection: Connection, task_id: int, answer: Answer, *, actor: str) -> Effect:
        """The same inside a write transaction of the caller."""
        task = queue.check_actable(connection, task_id, actor, answer.version)
        if task.proposal is not None:
            raise Conflict(f"task {task_id} waits for a second person: approve or reject it")
        given = self._said(connection, task, answer, actor)
        if given.kind == UNSURE:
            return self._put_off(connection, task, given)
        index = self.resolver.bench.rulings(connection)
        risks = self.risks(connection, given, index)
        if risks:
            return self._propose(connection, task, given, risks)
        done = self._apply(connection, given, index, task)
        steward.note(connection, actor, "verdict.given", done.verdict_id, given)
        return Effect("applied", done.verdict_id, task_id, done.moves, done.opened)

    def preview_answer(self, task_id: int, answer: Answer, *, actor: str) -> Preview:
        """What the answer would do; nothing is written. Raises what `decide` raises."""

        def act(connection: Connection) -> tuple[_Done, tuple[str, ...]]:
            task = queue.check_actable(connection, task_id, actor, answer.version)
            given = self._said(connection, task, answer, actor)
            index = self.resolver.bench.rulings(connection)
            risks = self.risks(connection, given, index)
            return self._apply(connection, given, index, task), risks

        return self._rehearse(act)

    def approve(self, task_id: int, *, actor: str, version: int | None = None) -> Effect:
        """What was proposed is done, because a second person agrees. Raises what `decide` raises."""
        with self.store.writing() as connection:
            task, given = self._proposed(connection, task_id, actor, version)
            if given.actor == actor:
                raise Conflict(f"{actor} proposed this; another person has to agree")
            index = self.resolver.bench.rulings(connection)
            given = replace(given, details={**given.details, "approved_by": actor})
            done = self._apply(connection, given, index, task)
            steward.note(connection, actor, "verdict.approved", done.verdict_id, given)
            return Effect("applied", done.verdict_id, task_id, done.moves, done.opened)

    def reject(self, task_id: int, *, actor: str, reason: str = "", version: int | None = None) -> Effect:
        """What was proposed is not done; a task is queued again, a verdict given without one is forgotten."""
        with self.store.writing() as connection:
            task, given = self._proposed(connection, task_id, actor, version)
            if task.kind == APPROVAL:
                task_store.close(connection, [Closing(task_id, "obsolete", f"rejected by {actor}: {reason}")], None)
            else:
                said = f"{actor} did not agree: {reason}"
                task_store.change(connection, task_id, proposal=None, reason=said, version=task.version + 1)
            details = {"proposed": told(given), "by": given.actor, "reason": reason}
            audit.append(connection, actor, "verdict.rejected", subject=f"task:{task_id}", details=details)
            return Effect("rejected", None, task_id)

    def _said(self, connection: Connection, task: Task, answer: Answer, actor: str) -> Verdict:
        if task.kind != tasks.PINNED or answer.verdict != PINNED:
            return verdict_of(connection, task, answer, actor)
        older = verdicts.get(connection, task.details["verdict"])
        entity = self.resolver.reception.entity(task.entity_type)
        return replace(pinning.again(connection, older, entity, actor), reason=answer.reason, comment=answer.comment)

    def _proposed(self, connection: Connection, task_id: int, actor: str, version: int | None) -> tuple[Task, Verdict]:
        task = queue.check_actable(connection, task_id, actor, version)
        if task.proposal is None:
            raise Conflict(f"nothing is proposed about task {task_id}")
        return task, verdict_from(task.proposal)

    def _put_off(self, connection: Connection, task: Task, given: Verdict) -> Effect:
        number = steward.enter_verdict(connection, given, ())
        until = moment_of(self.store.now() + timedelta(days=self.spec.unsure))
        task_store.change(connection, task.task_id, deferred_until=until, claimed_by=None, claimed_until=None)
        steward.note(connection, given.actor, "verdict.given", number, given)
        return Effect("deferred", number, task.task_id)

    def _propose(self, connection: Connection, task: Task, given: Verdict, risks: tuple[str, ...]) -> Effect:
        proposal = proposal_of(given, risks)
        columns = {"proposal": proposal, "version": task.version + 1, "claimed_by": None, "claimed_until": None}
        task_store.change(connection, task.task_id, **columns)
        subject = f"task:{task.task_id}"
        audit.append(connection, given.actor, "verdict.proposed", subject=subject, details=told(given))
        return Effect("pending", None, task.task_id, risks=risks)

    # Verdicts without a task

    def give(self, given: Verdict) -> Effect:
        """What the verdict did. Raises NotFound, BadInput, or Conflict when it contradicts one that holds."""
        with self.store.writing() as connection:
            return self.give_within(connection, given)

    def give_within(self, connection: Connection, given: Verdict) -> Effect:
        """The same inside a write transaction of the caller."""
        index = self.resolver.bench.rulings(connection)
        risks = self.risks(connection, given, index)
        if risks:
            return self._ask_second(connection, given, risks)
        done = self._apply(connection, given, index, None)
        steward.note(connection, given.actor, "verdict.given", done.verdict_id, given)
        return Effect("applied", done.verdict_id, None, done.moves, done.opened)

    def give_alone(self, given: Verdict) -> int:
        """The number of the verdict, whatever it affects: for an operator, who answers for it. Raises the same."""
        with self.store.writing() as connection:
            done = self._apply(connection, given, self.resolver.bench.rulings(connection), None)
            steward.note(connection, given.actor, "verdict.given", done.verdict_id, given)
            return done.verdict_id

    def preview(self, given: Verdict) -> Preview:
        """What the verdict would do; nothing is written. Raises what `give` raises."""

        def act(connection: Connection) -> tuple[_Done, tuple[str, ...]]:
            index = self.resolver.bench.rulings(connection)
            return self._apply(connection, given, index, None), self.risks(connection, given, index)

        return self._rehearse(act)

    def pin(self, eid: int, values: Mapping[str, Any], given: Verdict) -> Effect:
        """The values, all of one field, are the entity's golden ones, whatever its records say. Raises BadRecord."""
        with self.store.writing() as connection:
            return self.give_within(
                connection, pinning.pinning(connection, self.resolver.reception, eid, values, given)
            )

    def preview_pin(self, eid: int, values: Mapping[str, Any], given: Verdict) -> Preview:
        """What pinning would do; nothing is written."""
        with self.store.reading() as connection:
            pinned = pinning.pinning(connection, self.resolver.reception, eid, values, given)
        return self.preview(pinned)

    def expire_pins(self) -> list[int]:
        """The verdicts withdrawn because what they pinned was to hold until now only."""
        now = moment_of(self.store.now())
        with self.store.reading() as connection:
            ended = pins.expired(connection, now)
        for number in ended:
            self.undo(number, reason="expired", actor="expiry")
        return ended

    def _ask_second(self, connection: Connection, given: Verdict, risks: tuple[str, ...]) -> Effect:
        """A task for a second person."""
        check(given)
        rids = _known(connection, given)
        eids = sorted({eid for _, eid in records.standing(connection, rids.values()).values() if eid is not None})[:2]
        sizes = task_store.entity_sizes(connection, eids)
        name = hashlib.sha256(orjson.dumps([given.kind, sorted(given.left), sorted(given.right)])).hexdigest()[:16]
        affected = sum(size for size, _ in sizes.values())
        left, right = (*eids, None, None)[:2]
        question = Question(
            kind=APPROVAL,
            question=f"approval:{name}",
            entity_type=_type_of(connection, rids),
            left_eid=left,
            right_eid=right,
            left_rid=rids[given.left[0]],
            right_rid=rids[given.right[0]] if given.right else None,
            bits=None,
            records=affected,
            priority=tasks.urgency(affected, 0.0),
            details={},
            fingerprint=tasks.fingerprint(sizes[eid][1] for eid in eids),
        )
        if any(task.question == question.question for task in task_store.open_about(connection, eids, ())):
            raise Conflict("the same is proposed already and waits for a second person")
        (number,) = task_store.put(connection, [question], None)
        task_store.change(connection, number, proposal=proposal_of(given, risks))
        audit.append(connection, given.actor, "verdict.proposed", subject=f"task:{number}", details=told(given))
        return Effect("pending", None, number, tasks=(number,), risks=risks)

    def undo(self, verdict_id: int, *, reason: str = "", actor: str) -> Effect:
        """The verdict is withdrawn, and everything is as it would be without it; what it superseded holds again.

        Raises NotFound, or Conflict when it is withdrawn already or something that came later contradicts.
        """
        with self.store.writing() as connection:
            done = self._undo(connection, verdict_id, reason, actor)
            withdrawn = verdicts.get(connection, verdict_id)
            steward.note(connection, actor, "verdict.withdrawn", verdict_id, withdrawn)
            return Effect("withdrawn", done.verdict_id, None, done.moves, done.opened)

    def preview_undo(self, verdict_id: int, *, actor: str) -> Preview:
        """What withdrawing the verdict would do; nothing is written."""
        return self._rehearse(lambda connection: (self._undo(connection, verdict_id, "", actor), ()))

    def _undo(self, connection: Connection, verdict_id: int, reason: str, actor: str) -> _Done:
        index = self.resolver.bench.rulings(connection)
        withdrawn = verdicts.get(connection, verdict_id)
        number = verdicts.undo(connection, verdict_id, reason=reason, actor=actor)
        index = index.without(verdict_id)
        rids = set(records.numbers(connection, named_by(withdrawn)).values())
        if withdrawn.kind == PINNED:
            pins.drop(connection, verdict_id)
            records.unresolve(connection, rids)
        for older in verdicts.of_numbers(connection, withdrawn.details.get("supersedes", ())):
            again = replace(older, actor=actor, details={**older.details, "restores": older.verdict_id})
            index, _ = self._enter(connection, again, index)
            rids |= set(records.numbers(connection, named_by(older)).values())
        rids |= self._follow(connection, withdrawn)
        if withdrawn.kind == UNSURE:
            for task in task_store.open_about(connection, _eids(connection, rids), ()):
                if task.task_id == withdrawn.details.get("task"):
                    task_store.change(connection, task.task_id, deferred_until=None)
        return _Done(number, self.resolver.decide_within(connection, rids, index))

    def _follow(self, connection: Connection, withdrawn: Verdict) -> set[int]:
        """Who waits because a quarantined content is judged by the rules again."""
        if withdrawn.content_hash is None:
            return set()
        waited = set(records.unresolved(connection))
        quarantine.follow(connection, self.resolver.bench.policy, withdrawn)
        return set(records.unresolved(connection)) - waited

    def decide_quarantined(self, decision: quarantine.Decision) -> list[int]:
        """The numbers of the verdicts about quarantined records; released ones are in their entities at once."""
        with self.store.writing() as connection:
            index = self.resolver.bench.rulings(connection)
            waited = set(records.unresolved(connection))
            numbers = quarantine.decide(connection, self.resolver.bench.policy, decision)
            waiting = set(records.unresolved(connection)) - waited
            self.resolver.decide_within(connection, waiting, index)
            return numbers

    def verdicts_about(self, connection: Connection, eid: int) -> list[Verdict]:
        """The verdicts that hold and name a record of the entity, oldest first."""
        rids = entities.members(connection, [eid])["rid"].to_pylist()
        numbers = set(self.resolver.bench.rulings(connection).numbers(rids))
        numbers |= {pin.verdict_id for pin in pins.of_records(connection, rids)}
        return verdicts.of_numbers(connection, numbers)

    def relations_of(self, connection: Connection, eid: int) -> list[Relation]:
        """Which entities belong together with this one without being one customer."""
        return relations.of_entity(connection, eid, self.resolver.bench.rulings(connection))

    # How it is done

    def _apply(self, connection: Connection, given: Verdict, index: RulingIndex, task: Task | None) -> _Done:
        """Write the verdict and everything that follows, but for the audit trail."""
        rids = set(_known(connection, given).values())
        superseded = verdicts.of_numbers(connection, given.details.get("supersedes", ()))
        for older in superseded:
            said = f"superseded by what {given.actor} said"
            verdicts.undo(connection, older.verdict_id, reason=said, actor=given.actor)
            pins.drop(connection, older.verdict_id)
            index = index.without(older.verdict_id)
            rids |= set(records.numbers(connection, named_by(older)).values())
        index, number = self._enter(connection, given, index)
        if task is not None and queue.get(connection, task.task_id).state == "open":
            task_store.close(connection, [Closing(task.task_id, "applied", f"verdict {given.kind}", number)], None)
        settled = [] if given.kind == ACKNOWLEDGED else self.resolver.decide_within(connection, rids, index)
        return _Done(number, settled)

    def _enter(self, connection: Connection, given: Verdict, index: RulingIndex) -> tuple[RulingIndex, int]:
        if given.kind == PINNED:
            number = pinning.enter(connection, given)
            # Its entity stays as it is; only what waits gets a golden record anew.
            records.unresolve(connection, _known(connection, given).values())
            return index, number
        rids = _known(connection, given).values()
        held = verdicts.of_numbers(connection, index.around(rids))
        number = steward.enter_verdict(connection, given, held)
        return index.with_added(number, rulings_by_number(connection, given, number)), number

    def risks(self, connection: Connection, given: Verdict, index: RulingIndex) -> tuple[str, ...]:
        """Why a second person has to agree to the verdict; empty when nobody has to."""
        if given.kind in HARMLESS:
            return ()
        spec, rids = self.spec, set(records.numbers(connection, named_by(given)).values())
        eids = _eids(connection, rids)
        members = set(entities.members(connection, eids)["rid"].to_pylist()) | rids
        found = []
        if spec.records is not None and len(members) >= spec.records:
            found.append(f"{len(members)} records are affected")
        sources = sorted({source for source, _ in named_by(given)} & spec.sources)
        if sources:
            found.append(f"records of {', '.join(sources)} are affected")
        if spec.confirmed and index.about(members).confirmed:
            found.append("an entity was confirmed")
        return tuple(found)

    def _rehearse(self, act: Callable[[Connection], tuple[_Done, tuple[str, ...]]]) -> Preview:
        """Do it, look at it, and undo the transaction."""
        with self.store.writing() as connection:
            done, risks = act(connection)
            drafts = [each.draft for each in done.settled]
            fresh = {eid for draft in drafts for eid, _ in draft.golden}
            after = [views.view(connection, eid) for eid in sorted(fresh)]
            created = frozenset(eid for draft in drafts for eid, _ in draft.created)
            connection.rollback()
        touched = {person.eid for each in done.settled for person in _touched(each)}
        touched |= {eid for eid in fresh if eid not in created}
        revived = {eid for draft in drafts for eid in draft.revived}
        with self.store.reading() as connection:
            before = [
                views.view(connection, eid) for eid in sorted(e for e in touched if e is not None) if eid not in revived
            ]
        return Preview(
            before=tuple(before),
            after=tuple(after),
            created=created,
            entities=done.moves,
            events=tuple(event for draft in drafts for event in draft.events),
            opened=len(done.opened),
            risks=risks,
        )


def _touched(settled: Settled) -> Iterable[Any]:
    """Those whose entity is written."""
    return (settled.settlement.people[rid] for rid, _ in settled.draft.membership)


def _known(connection: Connection, given: Verdict) -> dict[Identity, int]:
    """The numbers of the records it names. Raises NotFound."""
    rids = records.numbers(connection, named_by(given))
    for name in named_by(given):
        if name not in rids:
            raise NotFound(f"there is no record {':'.join(name)}")
    return rids


def _eids(connection: Connection, rids: Iterable[int]) -> list[int]:
    return sorted({eid for _, eid in records.standing(connection, rids).values() if eid is not None})


def _type_of(connection: Connection, rids: Mapping[Identity, int]) -> str:
    return str(records.load(connection, [min(rids.values())], ["entity_type"])["entity_type"][0].as_py())
