"""Records: current versions, history, look-ups, quarantine."""

from __future__ import annotations

import pytest
from psycopg import IntegrityError
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from mdm.store import Store, records
from mdm.store.records import QuarantinedRow, Reading
from tests.store.samples import row, rows, stored_rows

NOW = "2026-01-02T03:04:05Z"


def _put(connection: Connection, *rids: int) -> None:
    records.source_ids(connection, ["crm", "web"])
    records.put(connection, [row(rid) for rid in rids], run_id=7)


def test_sources_are_numbered_once(store: Store) -> None:
    with store.writing() as connection:
        assert records.source_ids(connection, ["web", "crm", "web"]) == {"web": 1, "crm": 2}
        assert records.source_ids(connection, ["crm", "erp"]) == {"crm": 2, "erp": 3}
        assert records.source_ids(connection, []) == {}
        assert records.source_names(connection) == {1: "web", 2: "crm", 3: "erp"}


def test_record_numbers_are_consecutive(store: Store) -> None:
    with store.writing() as connection:
        assert (records.allocate_rids(connection, 5), records.allocate_rids(connection, 1)) == (1, 6)


def test_a_new_record_is_current_and_unresolved(store: Store) -> None:
    with store.writing() as connection:
        _put(connection, 1)
        (stored,) = records.by_ids(connection, [("crm", "C1")])
    assert (stored.rid, stored.source, stored.record_id, stored.version) == (1, "crm", "C1", 1)
    assert (stored.eid, stored.resolved, stored.run_id, stored.recorded_at) == (None, False, 7, NOW)
    assert (stored.payload, stored.claims, stored.features) == ('{"id":1}', '{"claim":1}', '{"feature":1}')


def test_replacing_keeps_the_older_version(store: Store) -> None:
    with store.writing() as connection:
        _put(connection, 1, 2)
        records.set_entities(connection, [(1, 5), (2, 5)])
        records.put(connection, [row(1, payload="{}", updated_at="2025-12-01"), row(3)], run_id=8)
        history = records.history(connection, 1).to_pylist()
        stored = {each.rid: each for each in records.by_rids(connection, [1, 2, 3])}
    assert [(each["version"], each["payload"], each["updated_at"], each["run_id"]) for each in history] == [
        (1, '{"id":1}', None, 7),
        (2, "{}", "2025-12-01", 8),
    ]
    assert [(stored[rid].version, stored[rid].resolved, stored[rid].eid) for rid in (1, 2, 3)] == [
        (2, False, 5),
        (1, True, 5),
        (1, False, None),
    ]


def test_a_second_number_for_one_record_is_refused(store: Store) -> None:
    with pytest.raises((DBAPIError, IntegrityError)), store.writing() as connection:
        _put(connection, 1)
        records.put(connection, [row(2, record_id="C1")], run_id=7)
    assert stored_rows(store)["record"] == []


def test_a_deleted_record_is_empty_and_its_history_full(store: Store) -> None:
    with store.writing() as connection:
        _put(connection, 1, 2)
        records.mark_deleted(connection, [1, 1, 99], run_id=8)
        records.mark_deleted(connection, [1], run_id=9)
        history = records.history(connection, 1).to_pylist()
        (stored,) = records.by_rids(connection, [1])
        assert rows(records.current(connection)) == [
            (1, 1, "C1", "person", f"{1:032x}", None, "deleted", None, 8),
            (2, 1, "C2", "person", f"{2:032x}", None, "active", None, 7),
        ]
    assert [(each["version"], each["state"], each["payload"], each["run_id"]) for each in history] == [
        (1, "active", '{"id":1}', 7),
        (2, "deleted", "{}", 8),
    ]
    assert (stored.claims, stored.features, stored.issues) == ("{}", "{}", "[]")


def test_a_deleted_record_can_come_back(store: Store) -> None:
    with store.writing() as connection:
        _put(connection, 1)
        records.mark_deleted(connection, [1], run_id=8)
        records.put(connection, [row(1)], run_id=9)
        assert [each["state"] for each in records.history(connection, 1).to_pylist()] == ["active", "deleted", "active"]


def test_rereading_makes_no_version(store: Store) -> None:
    with store.writing() as connection:
        _put(connection, 1)
        records.set_entities(connection, [(1, 5)])
        records.reread(
            connection, [Reading(1, "organisation", "quarantined", "f" * 32, None, "3", b"", "{}", "{}", '["x"]')]
        )
        (stored,) = records.by_rids(connection, [1])
    assert (stored.entity_type, stored.state, stored.issues) == ("organisation", "quarantined", '["x"]')
    assert (stored.version, stored.payload, stored.resolved) == (1, '{"id":1}', False)


def test_current_can_be_limited_to_sources(store: Store) -> None:
    with store.writing() as connection:
        _put(connection, 1)
        records.put(connection, [row(2, source_id=2)], run_id=7)
        assert records.current(connection, [2])["rid"].to_pylist() == [2]
        assert records.current(connection, []).num_rows == 0
        assert records.current(connection).column_names == list(records.CURRENT)


def test_records_are_found_by_source_and_id(store: Store) -> None:
    with store.writing() as connection:
        _put(connection, 1, 2)
        records.put(connection, [row(3, source_id=2, record_id="C1")], run_id=7)
        found = records.by_ids(connection, [("web", "C1"), ("crm", "C2"), ("crm", "absent"), ("absent", "C1")])
    assert [(each.source, each.record_id, each.rid) for each in found] == [("crm", "C2", 2), ("web", "C1", 3)]


def test_load_and_scan_give_the_columns_asked_for(store: Store) -> None:
    with store.writing() as connection:
        _put(connection, 1, 2)
        records.put(connection, [row(3, entity_type="organisation"), row(4, state="quarantined")], run_id=7)
        loaded = records.load(connection, [2, 1, 99], ["rid", "source", "features"])
        assert rows(loaded) == [(1, "crm", '{"feature":1}'), (2, "crm", '{"feature":2}')]
        assert records.load(connection, [], ["rid", "payload"]).column_names == ["rid", "payload"]
        for options, expected in (
            ({}, [1, 2, 3]),
            ({"entity_type": "person"}, [1, 2]),
            ({"entity_type": "person", "state": None}, [1, 2, 4]),
            ({"state": "quarantined"}, [4]),
        ):
            batches = list(records.scan(connection, ["rid"], **options))
            assert sorted(rid for batch in batches for rid in batch["rid"].to_pylist()) == expected


def test_unresolved_records_wait_for_a_decision(store: Store) -> None:
    with store.writing() as connection:
        _put(connection, 1, 2, 3)
        assert records.unresolved(connection) == [1, 2, 3]
        records.set_entities(connection, [(1, 5), (2, None)])
        assert records.unresolved(connection) == [3]
        records.unresolve(connection, [2, 99])
        assert records.unresolved(connection) == [2, 3]
        records.unresolve(connection, None)
        assert records.unresolved(connection) == [1, 2, 3]


def test_refused_rows_are_kept_with_their_reason(store: Store) -> None:
    kept = [
        QuarantinedRow("crm", "crm.csv", 7, "row.too_many_cells", "a,b"),
        QuarantinedRow("crm", "crm.csv", 9, "row.x", "\0\ud800"),
    ]
    with store.writing() as connection:
        assert records.quarantine_rows(connection, 1, kept) == 2
        assert records.quarantine_rows(connection, 2, kept[:1]) == 1
        stored = [tuple(each.values()) for each in records.quarantined_rows(connection, 1).to_pylist()]
    assert stored == [tuple(kept[0]), ("crm", "crm.csv", 9, "row.x", "\\x00\\ud800")]
