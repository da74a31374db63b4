"""Writes of many threads in one transaction: all that succeed are kept, one that fails is undone alone."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection

from mdm.errors import Conflict
from mdm.store import Store, counters
from mdm.store.together import Together


def count(connection: Connection) -> int:
    return counters.allocate(connection, "task", 1)


def test_a_failed_write_is_undone_alone_and_the_others_are_kept(store: Store) -> None:
    together, busy, go = Together(store), threading.Event(), threading.Event()

    def slow(connection: Connection) -> int:
        busy.set()
        assert go.wait(30)
        return count(connection)

    def failing(connection: Connection) -> int:
        count(connection)
        raise Conflict("not this one")

    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(together.do, slow)
        assert busy.wait(30)
        # These wait together while the first one has the turn.
        good = [pool.submit(together.do, count) for _ in range(5)]
        bad = pool.submit(together.do, failing)
        go.set()
        numbers = sorted(done.result(60) for done in (first, *good))
        with pytest.raises(Conflict, match="not this one"):
            bad.result(60)
    assert numbers == [1, 2, 3, 4, 5, 6]
    with store.reading() as connection:
        assert counters.last(connection, "task") == 6
