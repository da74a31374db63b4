"""Transactions: whole or not at all, snapshots, waiting writers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from mdm.errors import Misconfigured, Unavailable
from mdm.store import Store, bulk_insert, counters, entities, open_store, records
from mdm.store.entities import EntityChanges
from mdm.store.schema import counter, metadata, source
from tests.store.samples import row, stored_rows


def test_an_error_leaves_nothing_behind(store: Store) -> None:
    before = stored_rows(store)
    with pytest.raises(RuntimeError, match="killed"), store.writing() as connection:
        records.source_ids(connection, ["crm"])
        records.put(connection, [row(1), row(2)], run_id=None)
        entities.apply(connection, EntityChanges(created=[(1, "person")], membership=[(1, 1), (2, 1)]))
        raise RuntimeError("killed")
    assert stored_rows(store) == before
    assert set(before) == set(metadata.tables)


def test_a_reader_sees_one_snapshot(store: Store) -> None:
    with store.reading() as reader:
        assert reader.scalar(select(func.count()).select_from(source)) == 0
        with store.writing() as writer:
            bulk_insert(writer, source, ("source_id", "name"), [(1, "crm")])
        assert reader.scalar(select(func.count()).select_from(source)) == 0
    with store.reading() as reader:
        assert reader.scalar(select(func.count()).select_from(source)) == 1


def test_a_reader_cannot_write(store: Store) -> None:
    with pytest.raises((DBAPIError, Misconfigured)), store.reading() as connection:
        connection.execute(source.insert().values(source_id=1, name="crm"))
    assert stored_rows(store)["source"] == []


def test_a_second_writer_waits_for_the_first(store: Store, store_url: str) -> None:
    other = open_store(store_url)
    begun = Event()

    def take() -> int:
        begun.set()
        with other.writing() as connection:
            return counters.allocate(connection, "rid", 1)

    with ThreadPoolExecutor(1) as pool:
        with store.writing() as connection:
            counters.allocate(connection, "rid", 10)
            waiting = pool.submit(take)
            begun.wait()
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.2)
        assert waiting.result(timeout=10) == 11
    other.close()


def test_a_writer_that_waits_too_long_says_so(store: Store, store_url: str) -> None:
    impatient = open_store(store_url, wait_seconds=0.1)
    with store.writing() as connection:
        counters.allocate(connection, "rid", 1)
        with pytest.raises(Unavailable, match="try again"), impatient.writing() as second:
            counters.allocate(second, "rid", 1)
    impatient.close()


def test_numbers_are_given_out_once(store: Store) -> None:
    with store.writing() as connection:
        assert counters.allocate(connection, "rid", 3) == 1
        assert counters.allocate(connection, "rid", 1) == 4
        assert counters.allocate(connection, "eid", 1) == 1
        assert counters.last(connection, "rid") == 4
    with store.reading() as connection:
        assert dict(connection.execute(select(counter.c.name, counter.c.value)).all())["rid"] == 4
