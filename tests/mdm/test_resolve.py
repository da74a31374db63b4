"""Real time: single records stored, changed and deleted give what a batch run over the same records gives."""

from __future__ import annotations

import random
import shutil
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from mdm import delivery, learning, pipeline, quarantine
from mdm.decisions import Desk
from mdm.engine.release import Release, to_json
from mdm.errors import BadInput, Conflict, NotFound
from mdm.pipeline import Options
from mdm.policy import ProjectPolicy, load_policy
from mdm.project import Project
from mdm.quarantine import Correction, Decision
from mdm.resolve import Resolver
from mdm.sayings import split_of
from mdm.scratch import open_scratch
from mdm.store import Store, open_store, records, releases, verdicts
from mdm.store.releases import StoredRelease
from mdm.store.verdicts import Verdict
from mdm.verification import verify
from mdm.watch import Watch
from tests.mdm import small_project
from tests.mdm.small_project import run, run_sqlite
from tests.mdm.test_sequence import (
    COLUMNS,
    NewStore,
    World,
    asked,
    capped,
    crowded,
    draw_row,
    draw_verdict,
    freeze,
    give_what_holds,
    live_on,
    new_store,
    stamp,
    write_world,
)

__all__ = ["capped", "crowded", "new_store", "run_sqlite"]

STEPS = 25
HISTORIES = 12
ALLOWED = Options(retrain=False, allow=frozenset({"deletes", "drop"}))


def put(resolver: Resolver, world: World, name: tuple[str, str]) -> str:
    source, record_id = name
    row = {column: world[name][column] for column in COLUMNS[source]}
    return resolver.put(resolver.reception.of_row(source, record_id, row), actor="test").outcome


def step(resolver: Resolver, policy: ProjectPolicy, world: World, chance: random.Random, day: int) -> None:
    """Something happens to a few records, or is said about them."""
    store, lot = resolver.store, chance.random()
    if lot < 0.08:
        before = set(world)
        live_on(world, chance, day, changes=chance.randint(1, 6))
        write_world(policy.file.path.parent, world)
        if chance.random() < 0.5:
            run(store, policy)
        else:
            deliver_only(store, policy)
        for source, record_id in sorted(before - world.keys()):
            # What a caller has put, no snapshot takes away.
            with suppress(NotFound):
                resolver.delete(source, record_id, actor="test")
    elif lot < 0.16 and len(world) > 1:
        give_what_holds(store, policy, [draw_verdict(world, chance)])
    elif lot < 0.28 and len(world) > 1:
        with suppress(Conflict):
            Desk(resolver).give_alone(draw_decision(world, chance))
    elif lot < 0.34:
        undo_one(resolver, chance)
    elif lot < 0.34 + len(world) / 100 and world:
        source, record_id = chance.choice(sorted(world))
        del world[source, record_id]
        resolver.delete(source, record_id, actor="test")
    else:
        name = (chance.choice(["crm", "web"]), f"R{chance.randint(1, 20)}")
        world[name] = draw_row(chance, name[1], day)
        put(resolver, world, name)


def draw_decision(world: World, chance: random.Random) -> Verdict:
    """A verdict of any kind that entities follow, about a few records."""
    kind = chance.choice(["same", "different", "related", "confirmed", "split"])
    names = chance.sample(sorted(world), min(len(world), chance.randint(2, 4)))
    if kind == "split":
        return split_of([names[:1], names[1:]], "seen", "jane")
    return Verdict(kind, tuple(names[:1]), tuple(names[1:]), "seen", "jane")


def undo_one(resolver: Resolver, chance: random.Random) -> int:
    """The number of a verdict that holds no more; 0 when there was none."""
    with resolver.store.reading() as connection:
        held = [each.verdict_id for each in verdicts.active(connection)]
    if not held:
        return 0
    number = chance.choice(held)
    Desk(resolver).undo(number, actor="jane")
    return number


def deliver_only(store: Store, policy: ProjectPolicy) -> None:
    """A batch run that dies before it decides anything."""
    with store.reading() as connection:
        active = {name: learning.active_release(connection, name) for name in policy.entities}
    with open_scratch() as scratch:
        pipeline.deliver(pipeline.Run(store, policy, active, scratch, ALLOWED, Watch()), 0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(HISTORIES))
def test_any_mix_ends_where_one_run_over_the_last_state_does(
    seed: int,
    crowded: ProjectPolicy,
    capped: list[Release],
    store: Store,
    new_store: NewStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(delivery, "MOST_CHANGED", 10.0)
    chance = random.Random(1000 + seed)
    world = World()
    resolver = Resolver(freeze(store, capped), crowded)
    live_on(world, chance, 1, changes=30)
    for name in chance.sample(sorted(world), len(world)):
        put(resolver, world, name)
    for day in range(1, 1 + STEPS):
        step(resolver, crowded, world, chance, day)

    write_world(crowded.file.path.parent, world)
    run(store, crowded)
    with store.reading() as connection:
        given = verdicts.active(connection)
    for verdict in given:
        # What names a record that is gone cannot be said to a store that never had it.
        if not {*verdict.left, *verdict.right} <= world.keys():
            Desk(resolver).undo(verdict.verdict_id, actor="test")
    at_once = freeze(new_store("at_once"), capped)
    run(at_once, crowded)
    known = [v for v in given if {*v.left, *v.right} <= world.keys()]
    assert len(give_what_holds(at_once, crowded, known)) == len(known)
    assert stamp(store) == stamp(at_once)
    assert asked(store) == asked(at_once)
    report = verify(store, crowded)
    assert [check for check in report.checks if not check.ok] == []


def test_the_first_record_of_an_empty_project_is_decided_by_what_is_expected(
    tmp_path: Path, sqlite_template: Path
) -> None:
    policy = load_policy(small_project.write_project(tmp_path))
    shutil.copy(sqlite_template, tmp_path / "empty.db")
    with closing(open_store(f"sqlite:///{tmp_path}/empty.db")) as store:
        resolver = Resolver(store, policy)
        row = {"kind": "P", "name": "Ivy Lane", "phone": "(312) 555-0121", "email": "ivy@example.com"}
        asked = resolver.reception.of_row("web", "", row)
        assert resolver.match([asked], 5)[0].decision == "new"
        first = resolver.put(resolver.reception.of_row("web", "1", row), actor="test")
        assert first.outcome == "created"
        assert resolver.match([asked], 5)[0].eid == first.entity
        again = resolver.put(resolver.reception.of_row("web", "2", row), actor="test")
        assert (again.outcome, again.entity) == ("joined", first.entity)
        run(store, policy)
        assert verify(store, policy).ok
        with store.reading() as connection:
            active = releases.active(connection, "person")
            assert active is not None and active.records == 0


def test_a_release_that_cannot_be_weighed_by_is_refused_when_it_is_activated(
    store: Store, crowded: ProjectPolicy
) -> None:
    with store.writing() as connection:
        good = learning.default_release(crowded.entities["person"], crowded)
        body = to_json(good)
        body["comparisons"][0]["levels"][0]["when"] = "soundex(given)"
        text = orjson.dumps(body).decode()
        releases.save(connection, StoredRelease("person-odd", "person", "", 0, text, crowded.hashes["person"]))
    opened = Project(replace(crowded, file=replace(crowded.file, store=store.url)))
    with pytest.raises(BadInput, match="soundex"):
        opened.activate("person-odd")


def test_a_steward_holds_together_what_a_caller_changes(
    store: Store, crowded: ProjectPolicy, capped: list[Release]
) -> None:
    resolver = Resolver(freeze(store, capped), crowded)
    row = {"kind": "P", "name": "Ivy Lane", "phone": "(312) 555-0121", "changed": "2024-05-01"}
    other = {"kind": "P", "name": "Rob Stone", "email": "rob@example.com", "changed": "2024-05-01"}
    for record_id, cells in (("1", row), ("2", other)):
        resolver.put(resolver.reception.of_row("web", record_id, cells), actor="test")
    small_project.give(store, crowded, "same", ("web", "1"), ("web", "2"))
    for day in ("2024-05-02", "2024-05-03"):
        quarantined = resolver.delete("web", "2", actor="test")
        assert quarantined.entity is None
        back = resolver.put(resolver.reception.of_row("web", "2", {**other, "changed": day}), actor="test")
        with store.reading() as connection:
            homes = {record.eid for record in records.by_ids(connection, [("web", "1"), ("web", "2")])}
        assert homes == {back.entity}
    assert verify(store, crowded).ok


def without_robs(policy: ProjectPolicy) -> ProjectPolicy:
    """The same project with a rule that rejects everybody called Rob."""
    rules = "person:\n  - {id: no.rob, field: name.given, check: not_in_set, args: {values: [Rob]}, action: reject}\n"
    path = policy.file.path
    (path.parent / "rules.yaml").write_text(rules)
    path.write_text(path.read_text() + "rules: rules.yaml\n")
    return load_policy(path)


def test_what_a_steward_released_passes_whoever_sends_it(store: Store, crowded: ProjectPolicy) -> None:
    policy = without_robs(crowded)
    resolver = Resolver(store, policy)
    incoming = resolver.reception.of_row("web", "1", {"kind": "P", "name": "Rob Stone"})
    assert resolver.put(incoming, actor="test").outcome == "quarantined"
    with store.writing() as connection:
        quarantine.decide(connection, policy, Decision("released", (("web", "1"),), "seen", "jane"))
    assert resolver.put(incoming, actor="test").outcome == "created"
    other = resolver.reception.of_row("web", "1", {"kind": "P", "name": "Rob Stone", "email": "rob@example.com"})
    assert resolver.put(other, actor="test").outcome == "quarantined"
    assert resolver.put(incoming, actor="test").outcome == "created"
    assert verify(store, policy).ok


def test_what_a_steward_corrected_is_read_so_whoever_sends_it(store: Store, crowded: ProjectPolicy) -> None:
    policy = without_robs(crowded)
    resolver = Resolver(store, policy)
    incoming = resolver.reception.of_row("web", "1", {"kind": "P", "name": "Rob Stone"})
    assert resolver.put(incoming, actor="test").outcome == "quarantined"
    with store.writing() as connection:
        quarantine.correct(connection, policy, Correction(("web", "1"), {"name": "Robert Stone"}, "passport", "jane"))
    created = resolver.put(incoming, actor="test")
    assert (created.outcome, "record.corrected" in created.issues) == ("created", True)
    with store.reading() as connection:
        (record,) = records.by_ids(connection, [("web", "1")])
    assert "Robert" in record.claims
    other = resolver.reception.of_row("web", "1", {"kind": "P", "name": "Rob Stone", "email": "rob@example.com"})
    assert resolver.put(other, actor="test").outcome == "quarantined"
    assert resolver.put(incoming, actor="test").outcome == "created"
    assert verify(store, policy).ok


UNDONE = 10


def ids(store: Store, world: World) -> dict[tuple[str, str], int | None]:
    with store.reading() as connection:
        return {(each.source, each.record_id): each.eid for each in records.by_ids(connection, world)}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(UNDONE))
def test_undo_restores_partition_ids_and_golden_values(
    seed: int, crowded: ProjectPolicy, capped: list[Release], store: Store
) -> None:
    """Some verdicts are given one after the other, in any mix, and withdrawn again, the newest first."""
    chance = random.Random(3000 + seed)
    resolver, world = Resolver(freeze(store, capped), crowded), World()
    desk = Desk(resolver)
    live_on(world, chance, 1, changes=25)
    for name in chance.sample(sorted(world), len(world)):
        put(resolver, world, name)
    before: list[tuple[int, tuple[str, dict[tuple[str, str], int | None]]]] = []
    while len(before) < 6:
        state = stamp(store), ids(store, world)
        try:
            number = desk.give_alone(draw_decision(world, chance))
        except Conflict:
            continue
        before.append((number, state))
        with suppress(Conflict):
            left, right = chance.sample(sorted(world), 2)
            desk.preview(Verdict("same", (left,), (right,), "", "jane"))
    for number, state in reversed(before):
        desk.undo(number, actor="jane")
        assert (stamp(store), ids(store, world)) == state
    assert verify(store, crowded).ok
