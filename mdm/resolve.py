"""The real-time shell: one record -> matched, stored or deleted, with the batch job's answers.

A record is standardised first, outside any transaction. Then one write transaction looks up its neighbours, decides
their components by the functions that the batch job uses, and writes record, keys, links, entities, golden records,
events and audit. Writers of a store come one after the other (SQLite by itself, PostgreSQL by an advisory lock that
every write transaction takes), so whatever is read inside stays true until it is written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection

from mdm import learning, reuse, tasks
from mdm.asking import Answer, ask
from mdm.changes import Draft, Portion, draft_changes
from mdm.engine.release import GRID
from mdm.errors import MdmError, NotFound, OtherPolicy, Outdated
from mdm.golden import GoldenMaker, load_block
from mdm.ids import entity_id
from mdm.incoming import Incoming, Reception
from mdm.ledger import Ledger, RulingIndex, keep_up, read_ledger
from mdm.neighbourhood import Change, Judge, Neighbourhood, Settlement, make_judge
from mdm.policy import ProjectPolicy
from mdm.store import Store, arrivals, audit, entities, keys, links, lookup, records, releases, verdicts
from mdm.store.entities import EntityChanges
from mdm.store.links import LinkRow
from mdm.store.lookup import Known
from mdm.store.records import RecordRow
from mdm.tasks import Touched


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to become of the entities of one type, not written yet."""

    around: Neighbourhood
    settlement: Settlement

    @property
    def judge(self) -> Judge:
        """Who decided."""
        return self.around.judge


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of them; tasks: the numbers of those opened."""

    settlement: Settlement
    draft: Draft
    tasks: list[int]


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a record that was put or deleted.

    outcome: created, joined, merged, moved, split, unchanged, stale, quarantined or deleted. entity: its number, None
    for a record in none. version: of the record. written: whether the record itself has a new version.
    entities: (old, new) of every id that records went from and to; None where there is none. tasks: the numbers of
    the questions to stewards that it raised.
    """

    outcome: str
    entity: int | None
    version: int
    written: bool
    entities: tuple[tuple[int | None, int | None], ...] = ()
    tasks: tuple[int, ...] = ()
    issues: tuple[str, ...] = ()


class Office(NamedTuple):
    """Who decides about a type in one transaction. newest: the number of the newest verdict.

    is_held: whether the judge's release is active; a new project has none until its first record comes.
    """

    judge: Judge
    newest: int
    is_held: bool


class Bench:
    """The judges in office and the verdicts that bind, kept compiled between transactions."""

    def __init__(self, policy: ProjectPolicy) -> None:
        self.policy = policy
        self._judges: dict[str, Judge] = {}
        self._defaults: dict[str, Judge] = {}
        self._ledger: Ledger | None = None

    def judge(self, connection: Connection, entity: str) -> tuple[Judge, RulingIndex]:
        """Who decides about the type in this transaction; before the first release what the entity file expects.

        Raises OtherPolicy when records are read, or decided, by another policy than this process has loaded.
        """
        office = self.office(connection, entity)
        return office.judge, self.ledger(connection, office.newest).rulings

    def rulings(self, connection: Connection) -> RulingIndex:
        """What all verdicts say, before the transaction gives any itself."""
        return self.ledger(connection, verdicts.last(connection)).rulings

    def office(self, connection: Connection, entity: str) -> Office:
        """The judge without the verdicts, which a transaction may have given itself. Raises OtherPolicy."""
        now = lookup.situation(connection, entity)
        judge = self._default(entity) if now.release_id is None else self._active(connection, entity, now.release_id)
        mine = self.policy.hashes[entity]
        if judge.release.policy != mine or now.reading not in (None, mine):
            raise OtherPolicy(
                f"the project of this process is not the one that decides about {entity}: run `mdm run`, or let the "
                "server load the present project file"
            )
        return Office(judge, now.verdict, now.release_id is not None)

    def _active(self, connection: Connection, entity: str, release_id: str) -> Judge:
        known = self._judges.get(entity)
        if known is None or known.release.release_id != release_id:
            release = learning.read(releases.get(connection, release_id))
            known = make_judge(self.policy.entities[entity], release, self.policy.promised)
            self._judges[entity] = known
        return known

    def _default(self, entity: str) -> Judge:
        if entity not in self._defaults:
            type_ = self.policy.entities[entity]
            release = learning.default_release(type_, self.policy)
            self._defaults[entity] = make_judge(type_, release, self.policy.promised)
        return self._defaults[entity]

    def ledger(self, connection: Connection, newest: int) -> Ledger:
        """What the verdicts say, up to the newest that is committed."""
        known = self._ledger
        if known is None or known.newest > newest:
            known = self._ledger = read_ledger(connection, newest)
        elif known.newest < newest:
            known = self._ledger = keep_up(connection, known, newest)
        return known


class Resolver:
    """Matches, stores and deletes single records of one project; safe to share between threads."""

    def __init__(self, store: Store, policy: ProjectPolicy) -> None:
        self.store = store
        self.reception = Reception(policy)
        self.bench = Bench(policy)

    def warm(self) -> None:
        """Nothing; what the first requests would wait for is compiled, as far as it can be now."""
        for name in self.bench.policy.entities:
            self.reception.asked(name)
            with suppress(MdmError):
                self.check(name)
        for source in self.reception.sources.values():
            for name in source.entity.types:
                self.reception.compiled(source.name, name)

    def match(self, asked: Sequence[Incoming], limit: int) -> list[Answer]:
        """What storing each record as a new one would do, all seen at one moment; nothing is written.

        limit: most candidates of each answer. Raises OtherPolicy.
        """
        with self.store.reading() as connection:
            return [ask(connection, *self.bench.judge(connection, each.entity), each, limit) for each in asked]

    def check(self, entity: str) -> None:
        """Nothing. Raises OtherPolicy, or Unavailable, when nothing can be decided about the type now."""
        with self.store.reading() as connection:
            self.bench.judge(connection, entity)

    def put(self, incoming: Incoming, *, actor: str, expected: int | None = None) -> Stored:
        """The record is stored as its newest version, and entities follow; the same content again changes nothing.

        expected: the version that the caller saw, 0 for none. Raises Outdated, OtherPolicy, Unavailable.
        """
        with self.store.writing() as connection:
            return self.put_within(connection, incoming, actor=actor, expected=expected)

    def put_within(
        self, connection: Connection, incoming: Incoming, *, actor: str, expected: int | None = None
    ) -> Stored:
        """The same inside a write transaction of the caller."""
        stored = lookup.by_name(connection, incoming.source, incoming.record_id)
        _check_expected(stored, expected)
        office = self.bench.office(connection, incoming.entity)
        if stored is not None and stored.state != "deleted":
            if stored.content_hash == incoming.content_hash and stored.resolved:
                return _left_alone("unchanged", stored)
            if _is_newer(stored, incoming):
                return _left_alone("stale", stored)
        content = (incoming.source, incoming.record_id, incoming.content_hash)
        amendment = self.bench.ledger(connection, office.newest).amendments.get(content)
        if amendment is not None:
            incoming = self.reception.amend(incoming, amendment)
        _put_in_office(connection, office)
        after = _after(connection, stored, incoming)
        plans = self._plans(connection, stored, after, incoming.prepared.features, office)
        issues, asked = tuple(incoming.prepared.issues), []
        if stored is None or after.version != stored.version:
            _write_record(connection, after, incoming)
            if stored is not None and _is_reused(office.judge, stored, after, incoming.prepared.features):
                asked = reuse.flag_reused(connection, after.entity_type, [after.rid], None)
                issues = (*issues, reuse.ISSUE)
        settled = _settle(connection, plans, after.rid)
        result = _result(settled, stored, after, issues, asked)
        _note(connection, actor, after, result)
        return result

    def delete(self, source: str, record_id: str, *, actor: str, expected: int | None = None) -> Stored:
        """The record is deleted, and entities follow. Raises NotFound when it is not there, Outdated."""
        with self.store.writing() as connection:
            return self.delete_within(connection, source, record_id, actor=actor, expected=expected)

    def delete_within(
        self, connection: Connection, source: str, record_id: str, *, actor: str, expected: int | None = None
    ) -> Stored:
        """The same inside a write transaction of the caller."""
        self.reception.source(source)
        stored = lookup.by_name(connection, source, record_id)
        if stored is None or stored.state == "deleted":
            raise NotFound(f"there is no record {source}:{record_id}")
        _check_expected(stored, expected)
        after = stored._replace(state="deleted", version=stored.version + 1, packed=b"")
        plans = self._plans(connection, stored, after, {})
        keys.replace(connection, [stored.rid], ())
        records.mark_deleted(connection, [stored.rid], run_id=None)
        result = _result(_settle(connection, plans, after.rid), stored, after)
        _note(connection, actor, after, result)
        return result

    def decide_within(self, connection: Connection, rids: Collection[int], rulings: RulingIndex) -> list[Settled]:
        """What became of everybody around these records, which are as they were: verdicts say otherwise now.

        rulings: of all verdicts, also those that this transaction gave. Raises OtherPolicy.
        """
        known = lookup.by_rids(connection, rids)
        types = {name for each in known for name in (each.home, each.entity_type) if name is not None}
        plans = []
        for name in sorted(types):
            seeds = frozenset(each.rid for each in known if name in (each.home, each.entity_type))
            office = self.bench.office(connection, name)
            _put_in_office(connection, office)
            around = Neighbourhood(connection, office.judge, Change(seeds=seeds))
            plans.append(Plan(around, around.decide(rulings)))
        return [_write(connection, plan) for plan in plans]

    def _plans(
        self,
        connection: Connection,
        stored: Known | None,
        after: Known,
        features: Mapping[str, Any],
        office: Office | None = None,
    ) -> list[Plan]:
        """What changes in each entity type that the record had or will have a part in, the one it leaves first.

        office: of the type of `after`, where it is known already.
        """
        joins = [after.entity_type] if after.state == "active" else []
        held = [] if stored is None else [stored.home, stored.entity_type if stored.state == "active" else None]
        types = [name for name in dict.fromkeys(held) if name is not None and name not in joins] + joins
        plans = []
        for name in types:
            here = office if office is not None and name == after.entity_type else self.bench.office(connection, name)
            rulings = self.bench.ledger(connection, here.newest).rulings
            before = None if stored is None or name not in held else _within(stored, name, after.version)
            change = Change(before, after if name in joins else None, features)
            around = Neighbourhood(connection, here.judge, change)
            plans.append(Plan(around, around.decide(rulings)))
        return plans


def _check_expected(stored: Known | None, expected: int | None) -> None:
    present = 0 if stored is None or stored.state == "deleted" else stored.version
    if expected is not None and expected != present:
        raise Outdated(f"the record has version {present}, not {expected}; read it again")


def _is_newer(stored: Known, incoming: Incoming) -> bool:
    offered = incoming.prepared.updated_at
    return stored.updated_at is not None and offered is not None and stored.updated_at > offered


def _left_alone(outcome: str, stored: Known) -> Stored:
    if stored.state == "quarantined" and outcome == "unchanged":
        outcome = "quarantined"
    return Stored(outcome, stored.eid, stored.version, written=False)


def _put_in_office(connection: Connection, office: Office) -> None:
    """Nothing; the judge's release is active."""
    if not office.is_held:
        learning.save(connection, office.judge.release)
        releases.activate(connection, office.judge.release.release_id)


def _after(connection: Connection, stored: Known | None, incoming: Incoming) -> Known:
    """The record as it will be; the same version when its content is what is stored, still to be decided."""
    rid = records.allocate_rids(connection, 1) if stored is None else stored.rid
    is_same = stored is not None and (stored.content_hash, stored.state) == (incoming.content_hash, incoming.state)
    version = 1 if stored is None else stored.version + (not is_same)
    stays = stored is not None and stored.home == incoming.entity
    return Known(
        rid=rid,
        source=incoming.source,
        record_id=incoming.record_id,
        entity_type=incoming.entity,
        state=incoming.state,
        version=version,
        eid=stored.eid if stored is not None and stays else None,
        resolved=0,
        home=incoming.entity if stays else None,
        content_hash=incoming.content_hash,
        updated_at=incoming.prepared.updated_at,
        packed=incoming.packed,
        features="",
    )


def _within(stored: Known, name: str, version: int) -> Known:
    """The record as its neighbours within that type knew it, under its coming version."""
    return stored._replace(
        version=version,
        packed=stored.packed if stored.entity_type == name else b"",
        eid=stored.eid if stored.home == name else None,
    )


def _is_reused(judge: Judge, stored: Known, after: Known, features: Mapping[str, Any]) -> bool:
    was_there = stored.state == "active" and stored.entity_type == after.entity_type
    return (
        was_there
        and reuse.are_strangers(stored.packed, after.packed)
        and reuse.is_reused(judge.scorer, orjson.loads(stored.features), features)
    )


def _write_record(connection: Connection, after: Known, incoming: Incoming) -> None:
    # The keys come first: what the record held until now is told by its present row.
    keys.replace(connection, [after.rid], ((key, after.rid) for key in after.keys))
    row = RecordRow(
        rid=after.rid,
        source_id=records.source_ids(connection, [after.source])[after.source],
        record_id=after.record_id,
        entity_type=after.entity_type,
        state=after.state,
        content_hash=after.content_hash,
        updated_at=after.updated_at,
        quality=incoming.prepared.quality,
        keys=after.packed,
        payload=incoming.payload,
        claims=incoming.claims,
        features=incoming.features,
        issues=incoming.issues,
    )
    records.put(connection, [row], run_id=None)


def _settle(connection: Connection, plans: Sequence[Plan], rid: int) -> list[Settled]:
    """Write what was decided; a record without part in any type belongs to nobody."""
    if plans:
        return [_write(connection, plan) for plan in plans]
    change_no = entities.apply(connection, EntityChanges(membership=[(rid, None)]))
    arrivals.note(connection, change_no, wholly=[rid], partly=(), decided=())
    return []


def _write(connection: Connection, plan: Plan) -> Settled:
    judge, settlement = plan.judge, plan.settlement
    links.replace(connection, settlement.relinked, _link_rows(plan))
    links.drop(connection, settlement.dropped)
    changed = settlement.changed_parts()
    texts = GoldenMaker(judge.entity)(load_block(connection, changed))
    portion = Portion(changed, settlement.gone)
    draft = draft_changes(connection, judge.entity, portion, settlement.people, texts)
    if draft is None:
        raise RuntimeError("records changed inside the transaction that decides about them")
    change_no = entities.apply(connection, draft.changes(None))
    records.unresolve(connection, settlement.moved)
    arrivals.note(
        connection,
        change_no,
        wholly=settlement.relinked,
        partly=settlement.crossed,
        decided=settlement.people,
    )
    touched = _touched(plan, draft)
    return Settled(settlement, draft, tasks.refresh(connection, touched, settlement.rulings, None))


def _touched(plan: Plan, draft: Draft) -> Touched:
    """Everybody in the components, for the questions to stewards: links between kept entities may have changed, too."""
    people, release = plan.settlement.people, plan.judge.release
    eids = draft.eids.union(person.eid for person in people.values() if person.eid is not None)
    return Touched(release.entity, eids, frozenset(people), release.merge, plan.around.findings(plan.settlement))


def _link_rows(plan: Plan) -> Iterator[LinkRow]:
    for (left, right), score in sorted(plan.settlement.made.items()):
        levels = ",".join(str(found.level) for found in score.evidence)
        yield LinkRow(left, right, score.units / GRID, levels, plan.judge.release.release_id)


def _result(
    settled: Sequence[Settled],
    stored: Known | None,
    after: Known,
    issues: tuple[str, ...] = (),
    asked: Sequence[int] = (),
) -> Stored:
    homes = {rid: eid for each in settled for rid, eid in each.draft.membership}
    people = {rid: person for each in settled for rid, person in each.settlement.people.items()}
    moves = {(people[rid].eid, eid) for rid, eid in homes.items() if people[rid].eid != eid}
    closed = [pair for each in settled for pair in each.draft.retired]
    old, new = None if stored is None else stored.eid, homes.get(after.rid)
    others = {people[rid].eid: eid for rid, eid in homes.items() if rid != after.rid}
    return Stored(
        outcome=after.state if after.state != "active" else _outcome(old, new, others, dict(closed)),
        entity=new,
        version=after.version,
        written=stored is None or stored.version != after.version,
        entities=tuple(sorted(moves.union(closed), key=lambda move: (move[0] or 0, move[1] or 0))),
        tasks=(*asked, *(number for each in settled for number in each.tasks)),
        issues=issues,
    )


def _outcome(
    old: int | None, new: int | None, others: Mapping[int | None, int | None], closed: Mapping[int, int | None]
) -> str:
    """What happened to the entities of an active record, in one word; of several the one that changes most.

    others: old -> new id of the records around it. closed: ids that ended -> where they lead.
    """
    if new in closed.values():
        return "merged"
    if old is None:
        return "joined" if new in others.values() else "created"
    if old != new:
        return "moved"
    return "split" if others.get(old, old) != old else "unchanged"


def _note(connection: Connection, actor: str, after: Known, result: Stored) -> None:
    """The last act of a transaction: it locks the end of the audit trail."""
    subject = f"record:{after.source}:{after.record_id}"
    details: dict[str, Any] = {"outcome": result.outcome, "version": result.version}
    if result.entity is not None:
        details["entity"] = entity_id(result.entity)
    audit.append(
        connection,
        actor,
        "record.deleted" if after.state == "deleted" else "record.put",
        subject=subject,
        details=details,
    )
