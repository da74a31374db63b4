"""Real time: single records stored, changed and deleted give what a batch run over the same records gives."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import Any

import pytest

from mdm import delivery, learning, pipeline
from mdm.engine.release import Release
from mdm.errors import NotFound
from mdm.pipeline import Options
from mdm.policy import ProjectPolicy
from mdm.resolve import Resolver
from mdm.scratch import open_scratch
from mdm.store import Store
from mdm.verification import verify
from mdm.watch import Watch
from tests.mdm.small_project import run, run_sqlite
from tests.mdm.test_sequence import (
    COLUMNS,
    NewStore,
    World,
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


def step(resolver: Resolver, policy: ProjectPolicy, world: World, chance: random.Random, day: int) -> list[Any]:
    """Something happens to a few records; the verdicts given."""
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
        return give_what_holds(store, policy, [draw_verdict(world, chance)])
    elif lot < 0.16 + len(world) / 100 and world:
        source, record_id = chance.choice(sorted(world))
        del world[source, record_id]
        resolver.delete(source, record_id, actor="test")
    else:
        name = (chance.choice(["crm", "web"]), f"R{chance.randint(1, 20)}")
        world[name] = draw_row(chance, name[1], day)
        put(resolver, world, name)
    return []


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
    world, verdicts = World(), list[Any]()
    resolver = Resolver(freeze(store, capped), crowded)
    live_on(world, chance, 1, changes=30)
    for name in chance.sample(sorted(world), len(world)):
        put(resolver, world, name)
    for day in range(1, 1 + STEPS):
        verdicts += step(resolver, crowded, world, chance, day)

    write_world(crowded.file.path.parent, world)
    run(store, crowded)
    at_once = freeze(new_store("at_once"), capped)
    run(at_once, crowded)
    known = [v for v in verdicts if {*v.left, *v.right} <= world.keys()]
    assert give_what_holds(at_once, crowded, known) == known
    assert stamp(store) == stamp(at_once)
    report = verify(store, crowded)
    assert [check for check in report.checks if not check.ok] == []
