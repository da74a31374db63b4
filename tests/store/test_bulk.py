"""Bulk: what goes in as tuples comes out as Arrow, the same on both databases."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from mdm.store import Store, bulk_insert, read_table
from mdm.store.bulk import bulk_update, chunks, refresh_statistics, rows_of, stream
from mdm.store.listed import among
from mdm.store.schema import link, source
from tests.store.samples import rows

LINKS = [(1, 2, 12.5, "a,b\tc\\n", "r1"), (1, 3, -0.25, "\n'\"", "r1"), (2, 3, 1e-300, "محمد Thủy", "r2")]
COLUMNS = ("left_rid", "right_rid", "bits", "levels", "release_id")
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


def test_rows_come_back_as_they_went_in(store: Store) -> None:
    with store.writing() as connection:
        assert bulk_insert(connection, link, COLUMNS, iter(LINKS)) == 3
        table = read_table(connection, select(link))
    assert rows(table) == LINKS
    kinds = [pa.int64(), pa.int64(), pa.float64(), pa.string(), pa.string()]
    assert table.schema == pa.schema(zip(COLUMNS, kinds, strict=True))
    assert sorted(rows_of(table)) == LINKS


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(names=st.lists(TEXT, unique=True))
def test_any_text_survives(store: Store, names: list[str]) -> None:
    with store.writing() as connection:
        connection.execute(source.delete())
        bulk_insert(connection, source, ("name", "source_id"), ((name, i) for i, name in enumerate(names)))
        assert rows(read_table(connection, select(source.c.source_id, source.c.name))) == list(enumerate(names))
        found = read_table(connection, select(source.c.name).where(among(source.c.name, "names")), {"names": names})
        assert rows(found) == sorted((name,) for name in names)


def test_no_rows_still_have_a_schema(store: Store) -> None:
    with store.writing() as connection:
        assert bulk_insert(connection, link, COLUMNS, []) == 0
        bulk_update(connection, link, ("left_rid", "bits"), [])
        table = read_table(connection, select(link.c.bits, link.c.levels))
    assert (table.num_rows, table.schema) == (0, pa.schema([("bits", pa.float64()), ("levels", pa.string())]))


def test_rows_may_come_from_the_same_connection(store: Store) -> None:
    with store.writing() as connection:
        bulk_insert(connection, source, ("source_id", "name"), [(1, "a"), (2, "b")])
        shifted = ((number + 10, name * 2) for number, name in connection.execute(source.select()))
        bulk_insert(connection, source, ("source_id", "name"), shifted)
        assert rows(read_table(connection, select(source))) == [(1, "a"), (2, "b"), (11, "aa"), (12, "bb")]


def test_updates_reach_only_their_rows(store: Store) -> None:
    with store.writing() as connection:
        bulk_insert(connection, source, ("source_id", "name"), [(1, "a"), (2, "b"), (3, "c")])
        bulk_update(connection, source, ("source_id", "name"), [(3, "z"), (1, "x"), (9, "nobody")])
        assert rows(read_table(connection, select(source))) == [(1, "x"), (2, "b"), (3, "z")]


@pytest.mark.parametrize("values", [[], [2], [3, 1, 3, 99], range(2000)])
def test_a_condition_takes_any_number_of_values(store: Store, values: list[int]) -> None:
    with store.writing() as connection:
        bulk_insert(connection, source, ("source_id", "name"), [(1, "a"), (2, "b"), (3, "c")])
        statement = select(source.c.source_id).where(among(source.c.source_id, "given"))
        found = read_table(connection, statement, {"given": values})
    assert set(found["source_id"].to_pylist()) == {1, 2, 3} & set(values)


def test_a_stream_comes_in_batches(store: Store) -> None:
    with store.writing() as connection:
        bulk_insert(connection, source, ("source_id", "name"), ((i, str(i)) for i in range(25)))
        sizes = [batch.num_rows for batch in stream(connection, select(source), size=10)]
        refresh_statistics(connection)
    assert sizes == [10, 10, 5]


@pytest.mark.parametrize(("amount", "sizes"), [(0, []), (2, [2]), (5, [2, 2, 1])])
def test_chunks_lose_nothing(amount: int, sizes: list[int]) -> None:
    parts = list(chunks(range(amount), 2))
    assert [len(part) for part in parts] == sizes
    assert [item for part in parts for item in part] == list(range(amount))
