"""Many writers at once: no customer twice, no update lost, nobody waits for ever, and the batch job's partition."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager

import pytest

from mdm import pipeline, publish
from mdm.engine.release import Release
from mdm.pipeline import Options
from mdm.policy import ProjectPolicy
from mdm.resolve import Resolver
from mdm.scratch import open_scratch
from mdm.store import Store, open_store
from mdm.verification import verify
from mdm.watch import Watch
from tests.mdm.small_project import run, run_sqlite
from tests.mdm.test_sequence import (
    COLUMNS,
    NewStore,
    Row,
    World,
    capped,
    crowded,
    draw_row,
    freeze,
    new_store,
    stamp,
    write_world,
)

__all__ = ["capped", "crowded", "new_store", "run_sqlite"]

pytestmark = pytest.mark.slow

CLIENTS = 8
VERSIONS = 4
Versions = dict[tuple[str, str], list[Row]]


def draw_versions(chance: random.Random) -> Versions:
    """Versions of twenty records, the newest last."""
    names = [(source, f"R{number}") for source in ("crm", "web") for number in range(10)]
    return {name: [draw_row(chance, name[1], day) for day in range(1, 1 + VERSIONS)] for name in names}


def put_all(resolver: Resolver, versions: Versions, seed: int) -> None:
    """Every version of every record, in an order of its own."""
    offered = [(name, row) for name, rows in versions.items() for row in rows]
    random.Random(seed).shuffle(offered)
    for (source, record_id), row in offered:
        cells = {column: row[column] for column in COLUMNS[source]}
        resolver.put(resolver.reception.of_row(source, record_id, cells), actor=f"client {seed}")


@contextmanager
def writers(store: Store, policy: ProjectPolicy) -> Iterator[list[Resolver]]:
    """One resolver per client: on PostgreSQL each with connections of its own, as processes have them."""
    with ExitStack() as opened:
        if store.dialect == "sqlite":
            yield [Resolver(store, policy)] * CLIENTS
        else:
            stores = [opened.enter_context(closing(open_store(store.url))) for _ in range(CLIENTS)]
            yield [Resolver(each, policy) for each in stores]


def at_once(tasks: Sequence[Callable[[], None]]) -> None:
    with ThreadPoolExecutor(len(tasks)) as pool:
        for done in [pool.submit(task) for task in tasks]:
            done.result(timeout=120)


def compare(store: Store, fresh: Store, policy: ProjectPolicy, versions: Versions) -> None:
    """The store is what one batch run over the newest versions gives."""
    world: World = {name: rows[-1] for name, rows in versions.items()}
    write_world(policy.file.path.parent, world)
    run(fresh, policy)
    assert stamp(store) == stamp(fresh)
    assert sum(publish.count_entities(store).values()) < len(world) - 2
    assert [check for check in verify(store, policy).checks if not check.ok] == []


def test_clients_that_put_the_same_people_at_once(
    crowded: ProjectPolicy, capped: list[Release], store: Store, new_store: NewStore
) -> None:
    versions = draw_versions(random.Random(5))
    freeze(store, capped)
    with writers(store, crowded) as resolvers:
        at_once([lambda r=r, n=n: put_all(r, versions, n) for n, r in enumerate(resolvers)])  # type: ignore[misc]
    compare(store, freeze(new_store("fresh"), capped), crowded, versions)


@pytest.mark.parametrize("seed", range(3))
def test_batch_runs_beside_clients(
    seed: int, crowded: ProjectPolicy, capped: list[Release], store: Store, new_store: NewStore
) -> None:
    versions = draw_versions(random.Random(seed))
    freeze(store, capped)
    # The delivery is older than what the clients put: it may neither win over it nor take it away.
    write_world(crowded.file.path.parent, {name: rows[1] for name, rows in versions.items()})
    beside = open_store(store.url)

    def batches() -> None:
        for number in range(4):
            run(beside, crowded, full=number == 3)

    with writers(store, crowded) as resolvers:
        clients = [lambda r=r, n=n: put_all(r, versions, n) for n, r in enumerate(resolvers[:3])]
        at_once([batches, *clients])
    beside.close()
    run(store, crowded)
    compare(store, freeze(new_store("fresh"), capped), crowded, versions)


@pytest.mark.parametrize("seed", range(3))
def test_what_clients_change_between_the_delivery_and_the_decision(
    seed: int, crowded: ProjectPolicy, capped: list[Release], store: Store, new_store: NewStore
) -> None:
    versions = draw_versions(random.Random(seed))
    write_world(crowded.file.path.parent, {name: rows[0] for name, rows in versions.items()})
    active = {release.entity: release for release in capped}
    resolver = Resolver(freeze(store, capped), crowded)
    with open_scratch() as scratch:
        job = pipeline.Run(store, crowded, active, scratch, Options(retrain=False), Watch())
        pipeline.deliver(job, 0)
        for (source, record_id), rows in versions.items():
            rows[1:] = [rows[-1]] if random.Random(record_id + source).random() < 0.5 else []
            cells = {column: rows[-1][column] for column in COLUMNS[source]}
            if rows[1:]:
                resolver.put(resolver.reception.of_row(source, record_id, cells), actor="client")
        pipeline.resolve_all(job)
    compare(store, freeze(new_store("fresh"), capped), crowded, versions)
