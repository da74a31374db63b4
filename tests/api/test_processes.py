"""Server processes that are stopped, killed, many, or beside a batch job: nothing is lost, nothing is there twice."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from http.client import HTTPException
from typing import Any

import orjson
import pytest

from mdm.engine.release import Release
from mdm.policy import ProjectPolicy
from mdm.store import Store, records
from mdm.verification import verify
from tests.api.serving import Served, at_once, call, put, serving
from tests.conftest import store
from tests.mdm.small_project import run, run_sqlite
from tests.mdm.test_concurrent import Versions, compare, draw_versions
from tests.mdm.test_sequence import COLUMNS, NewStore, capped, crowded, draw_row, freeze, new_store, write_world

__all__ = ["capped", "crowded", "new_store", "run_sqlite", "store"]

pytestmark = pytest.mark.slow

CLIENTS = 8
Name = tuple[str, str]
Acknowledged = dict[Name, int]


def cells(name: Name, row: dict[str, str]) -> dict[str, str]:
    return {column: row[column] for column in COLUMNS[name[0]]}


def put_until_it_ends(served: Served, seed: int, begun: threading.Event) -> Acknowledged:
    """The newest version acknowledged of each record of this client, who goes on until nobody answers."""
    chance, acknowledged = random.Random(seed), Acknowledged()
    with served.connected() as connection, suppress(OSError, HTTPException):
        for count in range(10_000):
            name = (chance.choice(["crm", "web"]), f"{seed}-{chance.randint(1, 9)}")
            row = draw_row(chance, name[1], 1 + count % 28) | {"changed": ""}
            status, told = put(connection, name, cells(name, row))
            assert status == 200, told
            acknowledged[name] = told["version"]
            if count == 5:
                begun.set()
        raise AssertionError("the server never ended")
    return acknowledged


def end_amid_puts(served: Served, sign: signal.Signals) -> Acknowledged:
    """What was acknowledged to clients who put records while the server got the signal."""
    started = [threading.Event() for _ in range(CLIENTS)]

    def end() -> Acknowledged:
        for each in started:
            assert each.wait(60)
        served.stop(sign)
        return {}

    clients = [partial(put_until_it_ends, served, seed, begun) for seed, begun in enumerate(started)]
    found = at_once([end, *clients])
    return {name: version for each in found for name, version in each.items()}


def check_kept(store: Store, policy: ProjectPolicy, acknowledged: Acknowledged) -> None:
    with store.reading() as connection:
        stored = {(each.source, each.record_id): each for each in records.by_ids(connection, acknowledged)}
    lost = {name for name, version in acknowledged.items() if name not in stored or stored[name].version < version}
    assert lost == set()
    assert all(each.resolved for each in stored.values())
    assert [check for check in verify(store, policy).checks if not check.ok] == []


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGKILL])
def test_what_was_acknowledged_is_there_however_the_server_ends(
    sign: signal.Signals, store: Store, crowded: ProjectPolicy, capped: list[Release]
) -> None:
    freeze(store, capped)
    with serving(crowded.file.path, store.url) as served:
        acknowledged = end_amid_puts(served, sign)
    assert len(acknowledged) > CLIENTS
    check_kept(store, crowded, acknowledged)
    # It starts again at once, and takes up what it left.
    with serving(crowded.file.path, store.url) as served:
        name = next(iter(acknowledged))
        with served.connected() as connection:
            status, told = call(connection, "GET", f"/v1/records/{name[0]}/{name[1]}")
        assert (status, told["version"] >= acknowledged[name]) == (200, True)


def test_a_stream_under_way_is_served_to_its_end(store: Store, crowded: ProjectPolicy, capped: list[Release]) -> None:
    freeze(store, capped)
    chance, lines = random.Random(1), []
    for number in range(300):
        row = draw_row(chance, f"S{number}", 1)
        lines.append({"source": "web", "record_id": f"S{number}", "record": cells(("web", ""), row)})
    with serving(crowded.file.path, store.url) as served:

        def body() -> Iterator[bytes]:
            for number, line in enumerate(lines):
                if number == 100:
                    served.process.send_signal(signal.SIGTERM)
                yield orjson.dumps(line) + b"\n"

        with served.connected() as connection:
            connection.request("POST", "/v1/records:bulk", body(), {"Content-Type": "application/x-ndjson"})
            told = [orjson.loads(line) for line in connection.getresponse().read().splitlines()]
        served.process.wait(60)
    assert [(each["line"], each["status"]) for each in told] == [(n + 1, 200) for n in range(len(lines))]
    check_kept(store, crowded, {("web", each["record_id"]): each["version"] for each in told})


def put_all(served: Served, versions: Versions, seed: int) -> None:
    """Every version of every record, in an order of its own."""
    offered = [(name, row) for name, rows in versions.items() for row in rows]
    random.Random(seed).shuffle(offered)
    with served.connected() as connection:
        for name, row in offered:
            status, told = put(connection, name, cells(name, row))
            assert status == 200, told


def test_many_clients_and_workers_make_the_entities_of_one_batch(
    store: Store, crowded: ProjectPolicy, capped: list[Release], new_store: NewStore
) -> None:
    versions = draw_versions(random.Random(5))
    freeze(store, capped)
    workers = 4 if store.dialect == "postgresql" else 1
    with serving(crowded.file.path, store.url, workers=workers) as served:
        at_once([partial(put_all, served, versions, seed) for seed in range(CLIENTS)])
    compare(store, freeze(new_store("fresh"), capped), crowded, versions)


def test_a_batch_job_beside_the_server(
    store: Store, crowded: ProjectPolicy, capped: list[Release], new_store: NewStore
) -> None:
    versions = draw_versions(random.Random(7))
    freeze(store, capped)
    # The delivery is older than what the clients put: it may neither win over it nor take it away.
    write_world(crowded.file.path.parent, {name: rows[1] for name, rows in versions.items()})

    def batch() -> Any:
        for options in (["--no-retrain"], ["--no-retrain", "--full"]):
            command = [sys.executable, "-m", "mdm", "run", "-p", str(crowded.file.path), "--store", store.url, *options]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr

    with serving(crowded.file.path, store.url) as served:
        at_once([batch, *(partial(put_all, served, versions, seed) for seed in range(3))])
    run(store, crowded)
    compare(store, freeze(new_store("fresh"), capped), crowded, versions)
