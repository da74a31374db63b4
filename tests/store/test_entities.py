"""Entities: membership, redirects, golden versions, events, and the digest of it all."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection

from mdm.errors import NotFound
from mdm.store import Store, entities, events, goldens, open_store, records
from mdm.store.entities import Entity, EntityChanges, Event
from tests.store.samples import row, rows, stored_rows

FOUND = EntityChanges(
    created=[(1, "person"), (2, "person")],
    membership=[(1, 1), (2, 1), (3, 2)],
    golden=[(1, '{"name":"An"}'), (2, '{"name":"Bo"}')],
    events=[Event("created", 1), Event("created", 2)],
    run_id=7,
)
MERGE = EntityChanges(
    retired=[(2, 1)],
    membership=[(1, 1), (2, 1), (3, 1)],
    golden=[(1, '{"name":"Ann"}')],
    events=[Event("merged", 1, ("name",), {"absorbed": ["E2"]}), Event("retired", 2)],
)
UNDO = EntityChanges(
    revived=[2], membership=[(3, 2)], golden=[(1, '{"name":"An"}'), (2, '{"name":"Bo"}')], events=[Event("split", 1)]
)


def _begin(connection: Connection, *changes: EntityChanges) -> None:
    records.source_ids(connection, ["crm"])
    records.put(connection, [row(rid) for rid in (1, 2, 3, 4)], run_id=7)
    assert entities.allocate_eids(connection, 2) == 1
    for change in changes:
        entities.apply(connection, change)


def test_created_entities_have_members_values_and_events(store: Store) -> None:
    with store.writing() as connection:
        _begin(connection, FOUND)
        assert entities.get(connection, 1) == Entity(1, "person", "active", None, 1, 7)
        assert rows(entities.members(connection, [1, 2, 9])) == [(1, 1), (1, 2), (2, 3)]
        assert rows(entities.golden(connection, [2])) == [(2, 1, "2026-01-02T03:04:05Z", 1, '{"name":"Bo"}')]
        assert entities.types_of(connection, [1, 9]) == {1: "person"}
        assert records.unresolved(connection) == [4]


def test_a_merge_redirects_and_keeps_what_was(store: Store) -> None:
    with store.writing() as connection:
        _begin(connection, FOUND, MERGE)
        assert entities.get(connection, 2) == Entity(2, "person", "redirected", 1, 2, 7)
        assert entities.get(connection, 1).version == 2
        assert entities.resolve_redirect(connection, 2) == 1
        assert rows(entities.redirects(connection, [1])) == [(2, 1)]
        assert rows(entities.members(connection, [1, 2])) == [(1, 1), (1, 2), (1, 3)]
        assert rows(entities.golden(connection, [1, 2])) == [(1, 2, "2026-01-02T03:04:05Z", 2, '{"name":"Ann"}')]
        assert goldens.history(connection, 2)["values"].to_pylist() == ['{"name":"Bo"}']
        assert [tuple(batch.column_names) for batch in entities.scan_golden(connection)] == [
            ("eid", "entity_type", "version", "recorded_at", "values")
        ]


def test_an_undo_revives_the_id_with_its_versions(store: Store) -> None:
    with store.writing() as connection:
        _begin(connection, FOUND, MERGE)
        assert rows(entities.former_members(connection, [3])) == [(2, 3)]
        entities.apply(connection, UNDO)
        assert entities.get(connection, 2) == Entity(2, "person", "active", None, 3, 7)
        assert rows(entities.former_members(connection, [3])) == []
        assert goldens.history(connection, 2)["version"].to_pylist() == [1, 2]
        names = [json.loads(values)["name"] for values in goldens.history(connection, 1)["values"].to_pylist()]
        assert names == ["An", "Ann", "An"]


@pytest.mark.parametrize(("rids", "expected"), [([1], []), ([2], [(1, 2), (1, 4)]), ([4, 3], [(1, 2), (1, 4), (2, 3)])])
def test_last_members_are_those_at_the_end(store: Store, rids: list[int], expected: list[tuple[int, int]]) -> None:
    """Record 1 left the entity before it closed, record 4 came later."""
    with store.writing() as connection:
        _begin(connection, FOUND)
        entities.apply(connection, EntityChanges(created=[(3, "person")], membership=[(1, 3), (4, 1)]))
        entities.apply(connection, EntityChanges(retired=[(1, 3), (2, None)], membership=[(2, 3), (4, 3), (3, None)]))
        assert rows(entities.former_members(connection, rids)) == expected


def test_redirects_are_followed_to_the_end(store: Store) -> None:
    with store.writing() as connection:
        _begin(connection, FOUND, MERGE)
        entities.apply(
            connection,
            EntityChanges(created=[(3, "person")], retired=[(1, 3)], membership=[(1, 3), (2, 3), (3, 3)]),
        )
        assert [entities.resolve_redirect(connection, eid) for eid in (1, 2, 3)] == [3, 3, 3]
        entities.apply(connection, EntityChanges(retired=[(3, None)], membership=[(1, None), (2, None), (3, None)]))
        assert entities.get(connection, 3).state == "retired"
        assert entities.resolve_redirect(connection, 2) == 3
        assert list(entities.scan_golden(connection)) == []


@pytest.mark.parametrize("ask", [entities.get, entities.resolve_redirect])
def test_an_entity_that_never_was_is_not_found(store: Store, ask: Callable[[Connection, int], object]) -> None:
    with store.reading() as connection, pytest.raises(NotFound):
        ask(connection, 9)


def test_equal_values_and_members_change_nothing(store: Store) -> None:
    again = EntityChanges(membership=FOUND.membership, golden=FOUND.golden)
    with store.writing() as connection:
        _begin(connection, FOUND)
        records.unresolve(connection, [1])
        entities.apply(connection, again)
        assert [entities.get(connection, eid).version for eid in (1, 2)] == [1, 1]
        assert records.unresolved(connection) == [4]
    stored = stored_rows(store)
    assert stored["golden_version"] == []
    assert stored["membership_log"] == [(1, 1, 1, 1), (1, 1, 2, 1), (2, 1, 3, 1)]


@pytest.mark.parametrize(
    "stray",
    [
        EntityChanges(retired=[(2, 1)]),
        EntityChanges(retired=[(1, 2)], membership=[(1, 2)]),
        EntityChanges(retired=[(2, None)], membership=[(4, 2), (3, None)]),
    ],
)
def test_a_closed_entity_keeps_no_members(store: Store, stray: EntityChanges) -> None:
    with store.writing() as connection:
        _begin(connection, FOUND)
    before = stored_rows(store)
    with pytest.raises(ValueError, match="not active"), store.writing() as connection:
        entities.apply(connection, stray)
    assert stored_rows(store) == before


def test_events_are_numbered_without_gaps_whatever_was_rolled_back(store: Store) -> None:
    with store.writing() as connection:
        _begin(connection, FOUND)
    with pytest.raises(RuntimeError), store.writing() as connection:
        entities.apply(connection, MERGE)
        raise RuntimeError
    with store.writing() as connection:
        entities.apply(connection, MERGE)
        entities.apply(connection, UNDO)
    with store.reading() as connection:
        known = events.after(connection, 0, 10)
        later = events.after(connection, 2, 2)
    assert [(each.event_no, each.kind, each.eid, each.run_id) for each in known] == [
        (1, "created", 1, 7),
        (2, "created", 2, 7),
        (3, "merged", 1, None),
        (4, "retired", 2, None),
        (5, "split", 1, None),
    ]
    assert later == known[2:4]
    assert (later[0].fields, later[0].details) == (("name",), {"absorbed": ["E2"]})


def test_membership_can_be_asked_at_a_moment(store_url: str) -> None:
    moments = iter([datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in range(2)])
    store = open_store(store_url, clock=lambda: next(moments))
    with store.writing() as connection:
        _begin(connection, FOUND)
    with store.writing() as connection:
        entities.apply(connection, MERGE)
    with store.reading() as connection:
        for day, expected in (("2025-12-31", []), ("2026-01-01", [3]), ("2026-01-02", [])):
            assert entities.membership_at(connection, 2, f"{day}T00:00:00Z") == expected
        assert entities.membership_at(connection, 1, "2026-01-02T00:00:00Z") == [1, 2, 3]
    store.close()


def _stamp_of(store: Store, rids: tuple[int, int, int], changes: EntityChanges) -> str:
    """The stamp of records C1, C2, C3 under these numbers."""
    with store.writing() as connection:
        records.source_ids(connection, ["crm"])
        records.put(connection, [row(rid, record_id=f"C{i}") for i, rid in enumerate(rids, 1)], run_id=None)
        entities.apply(connection, changes)
        stamp = entities.stamp(connection)
        connection.rollback()
    return stamp


def test_the_stamp_knows_the_partition_and_the_values_but_no_numbers(store: Store) -> None:
    base = _stamp_of(store, (1, 2, 3), FOUND)
    renumbered = EntityChanges(
        created=[(8, "person"), (5, "person")],
        membership=[(30, 8), (20, 8), (10, 5)],
        golden=[(8, '{"name": "An"}'), (5, '{"name":"Bo"}')],
    )
    assert _stamp_of(store, (30, 20, 10), renumbered) == base
    other_value = EntityChanges(created=FOUND.created, membership=FOUND.membership, golden=MERGE.golden)
    other_partition = EntityChanges(created=FOUND.created, membership=[(1, 1), (2, 2), (3, 2)], golden=FOUND.golden)
    assert base not in {_stamp_of(store, (1, 2, 3), changes) for changes in (other_value, other_partition)}
