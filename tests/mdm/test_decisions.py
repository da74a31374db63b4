"""Decisions: what a steward says holds at once, is shown before it is done, and can be undone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import orjson
import pytest

from mdm import queue, relations
from mdm.decisions import Answer, Desk, members_of, merging, splitting
from mdm.errors import BadInput, Claimed, Closed, Conflict, MdmError, NotFound, StaleTask
from mdm.policy import ProjectPolicy, load_policy
from mdm.queue import Wanted
from mdm.resolve import Resolver
from mdm.store import Store, audit, entities, events, records, tasks, verdicts
from mdm.store.store import moment_of
from mdm.store.tasks import Task
from mdm.store.verdicts import Identity, Verdict
from mdm.verification import verify
from tests.conftest import MOMENT
from tests.mdm.small_project import policy, run, run_postgresql, run_sqlite, store
from tests.store.samples import stored_rows

__all__ = ["policy", "run_postgresql", "run_sqlite", "store"]

on_sqlite = pytest.mark.parametrize("store", ["sqlite"], indirect=True)

JON, ANN, MARY = ("crm", "C1"), ("crm", "C2"), ("crm", "C3")
WEB_JON, WEB_MARY, OLGA = ("web", "W1"), ("web", "W2"), ("web", "W3")
NOW = moment_of(MOMENT)


@pytest.fixture
def desk(store: Store, policy: ProjectPolicy) -> Desk:
    return Desk(Resolver(store, policy))


def homes(store: Store, *names: Identity) -> list[int | None]:
    with store.reading() as connection:
        found = {(r.source, r.record_id): r.eid for r in records.by_ids(connection, names)}
    return [found[name] for name in names]


def home(store: Store, name: Identity) -> int:
    (eid,) = homes(store, name)
    assert eid is not None
    return eid


def stamp(store: Store) -> tuple[str, list[int | None]]:
    """The partition with its golden values, and the ids."""
    with store.reading() as connection:
        return entities.stamp(connection), homes(store, JON, ANN, MARY, WEB_JON, WEB_MARY, OLGA)


def the_task(store: Store) -> Task:
    with store.reading() as connection:
        (task,) = queue.page(connection, Wanted(), NOW).tasks
    return task


def said(kind: str, left: Identity, right: Identity, actor: str = "jane") -> Verdict:
    return Verdict(kind, (left,), (right,), "document", actor)


def clean(store: Store, policy: ProjectPolicy) -> None:
    """Everything is as a rebuild makes it, and nothing waits."""
    assert [check for check in verify(store, policy).checks if not check.ok] == []
    before = stamp(store)
    run(store, policy, full=True)
    assert stamp(store) == before


def test_an_answer_is_applied_at_once_and_undone(store: Store, policy: ProjectPolicy, desk: Desk) -> None:
    before, task = stamp(store), the_task(store)
    effect = desk.decide(task.task_id, Answer("same", "document", version=task.version), actor="jane")
    assert effect.outcome == "applied" and effect.verdict_id is not None
    assert len({*homes(store, JON, ANN, WEB_JON)}) == 1
    with store.reading() as connection:
        closed = queue.get(connection, task.task_id)
        assert (closed.state, closed.verdict_id) == ("applied", effect.verdict_id)
        given = verdicts.get(connection, effect.verdict_id)
        assert {*given.left, *given.right} == {JON, WEB_JON, ANN}
        assert audit.check_chain(connection) is None
    clean(store, policy)
    undone = desk.undo(effect.verdict_id, reason="slip", actor="jane")
    assert undone.outcome == "withdrawn"
    assert stamp(store) == before
    assert the_task(store).task_id > task.task_id
    clean(store, policy)


@pytest.mark.parametrize("kind", ["different", "related"])
def test_what_is_kept_apart_is_asked_no_more(store: Store, policy: ProjectPolicy, desk: Desk, kind: str) -> None:
    before, task = stamp(store), the_task(store)
    effect = desk.decide(task.task_id, Answer(kind, relation="household"), actor="jane")
    with store.reading() as connection:
        assert queue.page(connection, Wanted(), NOW).tasks == []
    assert stamp(store) == before
    clean(store, policy)
    assert effect.verdict_id is not None
    desk.undo(effect.verdict_id, actor="jane")
    assert the_task(store).kind == "match"


def test_different_parts_what_weights_had_joined(store: Store, policy: ProjectPolicy, desk: Desk) -> None:
    before = stamp(store)
    effect = desk.give(said("different", MARY, WEB_MARY))
    one, other = homes(store, MARY, WEB_MARY)
    assert one != other
    assert {(one, other), (other, one)} & {*effect.entities} or (None, None) not in effect.entities
    clean(store, policy)
    desk.undo(effect.verdict_id or 0, actor="jane")
    assert stamp(store) == before


def test_a_preview_shows_what_happens_and_writes_nothing(store: Store, desk: Desk) -> None:
    task, rows = the_task(store), stored_rows(store)
    shown = desk.preview_answer(task.task_id, Answer("same"), actor="jane")
    assert stored_rows(store) == rows
    assert [len(view.members) for view in shown.before] in ([1, 2], [2, 1])
    (after,) = shown.after
    assert len(after.members) == 3
    assert shown.entities and not shown.created
    with store.reading() as connection:
        last = events.after(connection, 0, 1000)[-1].event_no
    effect = desk.decide(task.task_id, Answer("same"), actor="jane")
    assert effect.entities == shown.entities
    with store.reading() as connection:
        written = events.after(connection, last, 1000)
        assert [(each.kind, each.eid, each.fields) for each in written] == [
            (each.kind, each.eid, each.fields) for each in shown.events
        ]
        golden = entities.golden(connection, [after.eid]).to_pylist()[0]["values"]
    assert orjson.loads(golden) == after.golden
    undo = desk.preview_undo(effect.verdict_id or 0, actor="jane")
    assert sorted(len(view.members) for view in undo.after) == [1, 2]


def test_a_preview_leaves_no_trace_in_what_is_decided_next(store: Store, policy: ProjectPolicy, desk: Desk) -> None:
    """The number of a previewed verdict is given to another one: nothing may be remembered under it."""
    desk.preview(said("same", OLGA, MARY))
    desk.give(said("different", OLGA, JON))
    desk.resolver.delete("web", "W2", actor="test")
    assert len({*homes(store, OLGA, MARY)}) == 2
    assert verify(store, policy).ok


Act = Callable[[Desk, Task], object]
REFUSED: list[tuple[Act, type[MdmError]]] = [
    (lambda desk, task: desk.decide(task.task_id, Answer("same", version=task.version + 1), actor="jane"), StaleTask),
    (lambda desk, task: desk.decide(999, Answer("same"), actor="jane"), NotFound),
    (lambda desk, task: desk.decide(task.task_id, Answer("equal"), actor="jane"), BadInput),
    (lambda desk, task: desk.decide(task.task_id, Answer("split"), actor="jane"), BadInput),
    (lambda desk, task: desk.approve(task.task_id, actor="jane"), Conflict),
    (lambda desk, task: desk.give(said("same", JON, ("crm", "none"))), NotFound),
    (lambda desk, task: desk.undo(99, actor="jane"), NotFound),
]


@on_sqlite
@pytest.mark.parametrize(("act", "error"), REFUSED)
def test_what_is_refused_leaves_no_trace(store: Store, desk: Desk, act: Act, error: type[MdmError]) -> None:
    task, rows = the_task(store), stored_rows(store)
    with pytest.raises(error):
        act(desk, task)
    assert stored_rows(store) == rows


def test_a_contradiction_names_the_older_and_can_supersede_it(store: Store, policy: ProjectPolicy, desk: Desk) -> None:
    older = desk.give(said("different", JON, ANN)).verdict_id or 0
    before = stamp(store)
    with pytest.raises(Conflict, match=f"contradicts verdict {older} "):
        desk.give(said("same", ANN, JON))
    verdict = Verdict("same", (JON,), (ANN,), "document", "joe", details={"supersedes": [older]})
    newer = desk.give(verdict).verdict_id or 0
    assert len({*homes(store, JON, ANN)}) == 1
    clean(store, policy)
    desk.undo(newer, actor="joe")
    assert stamp(store) == before
    with store.reading() as connection:
        assert [(v.kind, v.details) for v in verdicts.active(connection)] == [("different", {"restores": older})]
    clean(store, policy)


def test_a_claim_keeps_others_out_until_it_ends(store: Store, desk: Desk) -> None:
    task = the_task(store)
    with store.writing() as connection:
        held = queue.claim(connection, task.task_id, actor="jane", minutes=30)
        assert queue.standing(held, NOW) == "claimed"
        assert queue.standing(held, "2026-01-02T03:35:00Z") == "queued"
        with pytest.raises(Claimed, match="jane works on"):
            queue.claim(connection, task.task_id, actor="joe", minutes=30)
    with pytest.raises(Claimed):
        desk.decide(task.task_id, Answer("same"), actor="joe")
    with store.writing() as connection:
        queue.claim(connection, task.task_id, actor="jane", minutes=30)
        queue.let_go(connection, task.task_id, actor="jane")
        queue.claim(connection, task.task_id, actor="joe", minutes=30)
    assert desk.decide(task.task_id, Answer("same"), actor="joe").outcome == "applied"
    with pytest.raises(Closed):
        desk.decide(task.task_id, Answer("same"), actor="joe")


def test_what_is_put_off_comes_back_when_its_records_change(store: Store, desk: Desk) -> None:
    task = the_task(store)
    with store.writing() as connection:
        put_off = queue.defer(connection, task.task_id, until="2026-03-01T00:00:00Z", actor="jane")
        assert queue.standing(put_off, NOW) == "deferred"
        with pytest.raises(BadInput, match="has passed"):
            queue.defer(connection, task.task_id, until="2025-03-01T00:00:00Z", actor="jane")
    row = {"kind": "P", "first": "Ann", "last": "Smithson", "phone": "(312) 555-0142", "changed": "2024-05-05"}
    reception = desk.resolver.reception
    desk.resolver.put(reception.of_row("crm", "C2", row | {"city": "Evanston"}), actor="test")
    fresh = the_task(store)
    assert (fresh.task_id, fresh.version) == (task.task_id, task.version + 1)
    assert queue.standing(fresh, NOW) == "queued"
    with pytest.raises(StaleTask) as refused:
        desk.decide(task.task_id, Answer("same", version=task.version), actor="jane")
    assert refused.value.task == fresh


def test_unsure_puts_off_and_decides_nothing(store: Store, policy: ProjectPolicy, desk: Desk) -> None:
    before, task = stamp(store), the_task(store)
    effect = desk.decide(task.task_id, Answer("unsure"), actor="jane")
    assert effect.outcome == "deferred"
    assert queue.standing(the_task(store), NOW) == "deferred"
    assert stamp(store) == before
    clean(store, policy)
    desk.undo(effect.verdict_id or 0, actor="jane")
    assert queue.standing(the_task(store), NOW) == "queued"


def test_entities_are_merged_and_split_as_wholes(store: Store, policy: ProjectPolicy, desk: Desk) -> None:
    before = stamp(store)
    with store.reading() as connection:
        whole = merging(connection, [home(store, JON), home(store, MARY), home(store, OLGA)], reason="", actor="jane")
    merged = desk.give(whole).verdict_id or 0
    names = (JON, WEB_JON, MARY, WEB_MARY, OLGA)
    assert len({*homes(store, *names)}) == 1
    clean(store, policy)
    with store.reading() as connection:
        groups = splitting(connection, home(store, JON), [(JON, MARY), (OLGA,)], reason="", actor="jane")
    with pytest.raises(Conflict, match=f"contradicts verdict {merged} "):
        desk.give(groups)
    desk.undo(merged, actor="jane")
    assert stamp(store) == before
    with store.reading() as connection:
        parted = splitting(connection, home(store, JON), [(JON,)], reason="", actor="jane")
    split = desk.give(parted).verdict_id or 0
    assert len({*homes(store, JON, WEB_JON)}) == 2
    clean(store, policy)
    desk.undo(split, actor="jane")
    assert stamp(store) == before


def cautious(policy: ProjectPolicy, text: str) -> ProjectPolicy:
    path = policy.file.path
    path.write_text(path.read_text() + f"stewardship: {{four_eyes: {text}}}\n")
    return load_policy(path)


@pytest.mark.parametrize(
    ("text", "why"), [("{records: 3}", "3 records"), ("{sources: [crm]}", "records of crm"), ("{}", "was confirmed")]
)
def test_what_is_risky_takes_two(store: Store, policy: ProjectPolicy, text: str, why: str) -> None:
    desk = Desk(Resolver(store, cautious(policy, text)))
    before, task = stamp(store), the_task(store)
    if text == "{}":
        desk.give(Verdict("confirmed", (JON, WEB_JON), (), "seen", "kim"))
    effect = desk.decide(task.task_id, Answer("same", version=task.version), actor="jane")
    assert effect.outcome == "pending" and why in effect.risks[0]
    assert stamp(store) == before
    pending = the_task(store)
    assert queue.standing(pending, NOW) == "pending"
    with pytest.raises(Conflict, match="another person"):
        desk.approve(task.task_id, actor="jane")
    with pytest.raises(StaleTask):
        desk.approve(task.task_id, actor="joe", version=task.version)
    done = desk.approve(task.task_id, actor="joe", version=pending.version)
    assert len({*homes(store, JON, ANN)}) == 1
    with store.reading() as connection:
        given = verdicts.get(connection, done.verdict_id or 0)
        assert (given.actor, given.details["approved_by"]) == ("jane", "joe")
    clean(store, policy)


def test_a_verdict_without_a_task_waits_in_a_task(store: Store, policy: ProjectPolicy) -> None:
    desk = Desk(Resolver(store, cautious(policy, "{records: 2}")))
    before = stamp(store)
    effect = desk.give(said("different", MARY, WEB_MARY))
    assert effect.outcome == "pending" and effect.task_id is not None
    with pytest.raises(Conflict, match="proposed already"):
        desk.give(said("different", MARY, WEB_MARY))
    desk.reject(effect.task_id, actor="joe", reason="no")
    assert stamp(store) == before
    again = desk.give(said("different", MARY, WEB_MARY))
    desk.approve(again.task_id or 0, actor="joe")
    assert len({*homes(store, MARY, WEB_MARY)}) == 2
    clean(store, policy)


def test_what_was_proposed_about_other_records_is_obsolete(store: Store, policy: ProjectPolicy) -> None:
    desk = Desk(Resolver(store, cautious(policy, "{records: 2}")))
    effect = desk.give(said("different", MARY, WEB_MARY))
    desk.resolver.delete("web", "W2", actor="test")
    with store.reading() as connection:
        over = queue.get(connection, effect.task_id or 0)
    assert over.state == "obsolete" and "records changed" in (over.reason or "")


def test_the_queue_is_filtered_and_paged(store: Store, desk: Desk) -> None:
    with store.writing() as connection:
        question = tasks.listed(connection)[0]
        more = [replace(question.content, question=f"pair:x{n}", priority=n % 3, bits=float(n)) for n in range(9)]
        first, second, *_ = tasks.put(connection, more, None)
        queue.assign(connection, first, assignee="role:steward", actor="jane")
        tasks.change(connection, second, state="obsolete")
    with store.reading() as connection:
        seen, after = list[int](), None
        while True:
            shown = queue.page(connection, Wanted(), NOW, after, 4)
            assert shown.counts == {"match": 9}
            seen += [task.task_id for task in shown.tasks]
            if (after := shown.next) is None:
                break
        assert len(seen) == len({*seen}) == 9

        def found(wanted: Wanted) -> int:
            return len(queue.page(connection, wanted, NOW).tasks)

        assert found(Wanted(kind="conflict")) == 0
        assert found(Wanted(assignee="role:steward")) == 1
        assert found(Wanted(low=2.0, high=4.0)) == 2 + (2.0 <= (question.bits or 0.0) < 4.0)
        assert found(Wanted(source="crm")) == 9
        assert found(Wanted(source="billing")) == 0
        assert found(Wanted(state="obsolete")) == 1
        assert found(Wanted(state="claimed")) == 0
        assert found(Wanted(eids=frozenset({question.left_eid or 0}))) == 9
        with pytest.raises(BadInput, match="unknown state"):
            found(Wanted(state="lost"))


def golden(store: Store, name: Identity) -> dict[str, object]:
    with store.reading() as connection:
        stored = entities.golden(connection, [home(store, name)]).to_pylist()
    found: dict[str, object] = orjson.loads(stored[0]["values"])
    return found


def pin(desk: Desk, store: Store, name: Identity, expires_at: str | None = None, **values: str) -> int:
    details = {} if expires_at is None else {"expires_at": expires_at}
    given = Verdict("pinned", (), (), "contacted", "jane", details=details)
    return desk.pin(home(store, name), values, given).verdict_id or 0


def test_a_pinned_value_holds_until_it_is_withdrawn(store: Store, policy: ProjectPolicy, desk: Desk) -> None:
    before = stamp(store)
    first = pin(desk, store, MARY, email="poole@example.com")
    assert golden(store, MARY)["email"] == [
        {
            "value": {"value": "poole@example.com"},
            "source": "crm",
            "record_id": "C3",
            "updated_at": None,
            "by": "pinned",
            "over": {"value": "mary@example.org"},
        }
    ]
    clean(store, policy)
    second = pin(desk, store, MARY, email="mary.poole@example.com")
    clean(store, policy)
    desk.undo(second, actor="jane")
    assert "poole@example.com" in str(golden(store, MARY)["email"])
    with store.reading() as connection:
        (held,) = verdicts.active(connection)
        assert held.details["restores"] == first
    desk.undo(held.verdict_id, actor="jane")
    assert stamp(store) == before
    clean(store, policy)


def test_a_pin_goes_with_its_record(store: Store, policy: ProjectPolicy, desk: Desk) -> None:
    pin(desk, store, MARY, phone="(312) 555-0150")
    desk.give(said("different", MARY, WEB_MARY))
    assert "+13125550150" in str(golden(store, MARY)) and "+13125550150" not in str(golden(store, WEB_MARY))
    desk.give(said("same", MARY, OLGA))
    assert "+13125550150" in str(golden(store, OLGA))
    clean(store, policy)


def test_a_pin_that_its_records_contradict_is_asked_about(store: Store, policy: ProjectPolicy, desk: Desk) -> None:
    pin(desk, store, MARY, email="poole@example.com")
    row = {"kind": "P", "first": "Mary", "last": "Poole", "phone": "(312) 555-0177", "born": "1975-12-01"}
    reception = desk.resolver.reception

    def deliver(email: str, day: int) -> list[Task]:
        sent = row | {"email": email, "changed": f"2024-06-0{day}"}
        desk.resolver.put(reception.of_row("crm", "C3", sent), actor="test")
        with store.reading() as connection:
            return list(queue.page(connection, Wanted(kind="pinned"), NOW).tasks)

    assert deliver("mary@example.org", 1) == []
    assert deliver("poole@example.com", 2) == []
    (task,) = deliver("mp@example.net", 3)
    assert task.details["field"] == "email"
    desk.decide(task.task_id, Answer("pinned", "contacted", version=task.version), actor="jane")
    assert "poole@example.com" in str(golden(store, MARY)["email"])
    assert deliver("mp@example.net", 4) == []
    (again,) = deliver("else@example.net", 5)
    desk.undo(again.details["verdict"], actor="jane")
    with store.reading() as connection:
        assert verify(store, policy).ok
        assert [held.details["over"] for held in verdicts.active(connection)] == [{"value": "mary@example.org"}]


def test_a_pin_ends_on_its_day(store: Store, desk: Desk) -> None:
    before = stamp(store)
    pin(desk, store, MARY, expires_at="2026-01-02T03:04:06Z", email="poole@example.com")
    assert desk.expire_pins() == []
    pin(desk, store, OLGA, expires_at="2026-01-02T03:04:05Z", email="olga@example.com")
    assert len(desk.expire_pins()) == 1
    assert "olga@example.com" not in str(golden(store, OLGA))
    assert stamp(store) != before


@on_sqlite
@pytest.mark.parametrize(
    "values",
    [{}, {"email": "not an address"}, {"email": "a@example.com", "phone": "(312) 555-0150"}, {"surname": "Poole"}],
)
def test_what_cannot_be_pinned_is_refused(store: Store, desk: Desk, values: dict[str, str]) -> None:
    rows = stored_rows(store)
    with pytest.raises(BadInput):
        pin(desk, store, MARY, **values)
    assert stored_rows(store) == rows


def test_related_entities_are_told_on_both_and_exported(store: Store, policy: ProjectPolicy, desk: Desk) -> None:
    given = Verdict("related", (JON,), (ANN,), "family", "jane", details={"relation": "siblings"})
    number = desk.give(given).verdict_id or 0
    with store.reading() as connection:
        for name in (JON, ANN):
            (told,) = desk.relations_of(connection, home(store, name))
            assert (told.relation, {told.left, told.right}) == ("siblings", {*homes(store, JON, ANN)})
        assert desk.relations_of(connection, home(store, MARY)) == []
        assert [each.verdict_id for each in desk.verdicts_about(connection, home(store, ANN))] == [number]
        exported = relations.relation_table(connection).to_pylist()
    assert [(row["relation"], row["verdict_id"]) for row in exported] == [("siblings", number)]
    desk.undo(number, actor="jane")
    with store.reading() as connection:
        assert relations.relation_table(connection).num_rows == 0


def test_what_is_confirmed_needs_more_to_grow(store: Store, policy: ProjectPolicy, desk: Desk) -> None:
    """The same record joins Mary's entity while it is not confirmed; then a steward is asked."""
    row = {"kind": "P", "name": "Rob Poole", "email": "mary@example.org"}
    incoming = desk.resolver.reception.of_row("web", "M9", row)
    assert desk.resolver.put(incoming, actor="test").outcome == "joined"
    desk.resolver.delete("web", "M9", actor="test")
    with store.reading() as connection:
        members = members_of(connection, home(store, MARY))
    number = desk.give(Verdict("confirmed", members, (), "seen", "jane")).verdict_id or 0
    stored = desk.resolver.put(incoming, actor="test")
    apart = stored.outcome == "created"
    assert verify(store, policy).ok
    desk.undo(number, actor="jane")
    assert len({*homes(store, MARY, ("web", "M9"))}) == 1
    assert apart and stored.tasks
