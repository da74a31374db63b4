"""The store as counts, tables and files for others."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdm.errors import BadInput
from mdm.evaluation.labels import assignment
from mdm.ids import entity_id
from mdm.policy import ProjectPolicy
from mdm.publish import (
    count_entities,
    count_records,
    count_review_links,
    crosswalk,
    entity_ids,
    export,
    golden_columns,
    scored_pairs,
)
from mdm.store import Store, audit, counters
from tests.mdm.small_project import CRM, give, policy, run, run_postgresql, run_sqlite, store, write_project

__all__ = ["policy", "run_postgresql", "run_sqlite", "store"]

Rows = list[dict[str, Any]]
TABLES = [
    "aliases",
    "crosswalk",
    "golden_organisation",
    "golden_person",
    "issues",
    "links",
    "provenance",
    "quarantine",
    "relations",
]


def exported(store: Store, policy: ProjectPolicy, folder: Path, since: int | None = None) -> dict[str, Rows]:
    """Every table of an export, by name."""
    report = export(store, policy, folder, "jsonl", since)
    tables = {Path(file.path).stem: read_jsonl(Path(file.path)) for file in report.files}
    assert {Path(file.path).stem: file.rows for file in report.files} == {n: len(rows) for n, rows in tables.items()}
    return tables


def read_jsonl(path: Path) -> Rows:
    return [json.loads(line) for line in path.read_text().splitlines()]


def read_csv(path: Path) -> Rows:
    with path.open(newline="") as lines:
        return [{k: v or None for k, v in row.items()} for row in csv.DictReader(lines)]


def cursor_of(store: Store, policy: ProjectPolicy, folder: Path) -> int:
    cursor = export(store, policy, folder, "jsonl", None).cursor
    assert cursor is not None
    return cursor


def without(record_id: str) -> str:
    return "".join(line for line in CRM.splitlines(keepends=True) if not line.startswith(record_id))


def test_counts_leave_out_what_is_quarantined(store: Store, policy: ProjectPolicy) -> None:
    assert count_entities(store) == {"organisation": 2, "person": 4}
    assert count_records(store) == {"crm": 4, "web": 5}
    # crm:C2 shares the phone of both records of another entity: two links between them.
    assert count_review_links(store, policy.entities) == 2


def test_a_verdict_leaves_nothing_to_review(store: Store, policy: ProjectPolicy) -> None:
    give(store, policy, "same", ("crm", "C1"), ("crm", "C2"))
    give(store, policy, "same", ("crm", "C1"), ("web", "W1"))
    assert count_review_links(store, policy.entities) == 0


def test_the_crosswalk_has_every_record_once(store: Store) -> None:
    with store.reading() as connection:
        table = crosswalk(connection)
    homes = {(row["source"], row["record_id"]): row["entity_id"] for row in table.to_pylist()}
    assert len(homes) == table.num_rows == 10
    assert homes["crm", "C4"] is None
    assert homes["crm", "C1"] == homes["web", "W1"] != homes["crm", "C2"]
    assert {home[0] for home in homes.values() if home is not None} == {"E"}
    assert {row["entity_type"] for row in table.to_pylist()} == {"person", "organisation"}
    assert len(assignment(table).names) == 6


def test_a_record_that_is_newly_quarantined_has_no_entity(store: Store) -> None:
    with store.writing() as connection:
        connection.exec_driver_sql("update record set state = 'quarantined' where record_id = 'C1'")
    with store.reading() as connection:
        homes = {row["record_id"]: row["entity_id"] for row in crosswalk(connection).to_pylist()}
    assert homes["C1"] is None
    assert homes["W1"] is not None


def test_deleted_records_are_not_in_the_crosswalk(store: Store, policy: ProjectPolicy) -> None:
    write_project(policy.file.path.parent, crm=without("C3"))
    run(store, policy)
    with store.reading() as connection:
        assert "C3" not in crosswalk(connection)["record_id"].to_pylist()
        assert count_records(store)["crm"] == 3


def test_scored_pairs_name_both_records(store: Store) -> None:
    with store.reading() as connection:
        pairs = {(row["left"], row["right"]): row["bits"] for row in scored_pairs(connection).to_pylist()}
    assert pairs["crm:C1", "web:W1"] > 6 > pairs["crm:C1", "crm:C2"] > 0


@given(st.lists(st.none() | st.integers(0, 2**45)))
def test_ids_of_many_are_the_ids_of_each(eids: list[int | None]) -> None:
    expected = [None if eid is None else entity_id(eid) for eid in eids]
    assert entity_ids(pa.array(eids, pa.int64())).to_pylist() == expected
    assert entity_ids(pa.chunked_array([pa.array(eids, pa.int64())] * 2)).to_pylist() == expected * 2


def test_an_export_holds_every_table(store: Store, policy: ProjectPolicy, tmp_path: Path) -> None:
    tables = exported(store, policy, tmp_path / "new" / "out")
    assert sorted(tables) == TABLES
    assert sorted(path.name for path in (tmp_path / "new" / "out").iterdir()) == [f"{name}.jsonl" for name in TABLES]


def test_golden_records_are_wide_and_count_their_members(store: Store, policy: ProjectPolicy, tmp_path: Path) -> None:
    tables = exported(store, policy, tmp_path)
    person = policy.entities["person"]
    assert list(tables["golden_person"][0]) == ["entity_id", *golden_columns(person), "records"]
    assert golden_columns(person)[:7] == [
        *("name.title", "name.given", "name.middle", "name.family", "name.suffix", "name.full"),
        "birth_date",
    ]
    given = {row["name.given"]: row for row in tables["golden_person"]}
    assert (given["Jon"]["records"], given["Jon"]["birth_date"], given["Ann"]["records"]) == (2, "1980-02-03", 1)
    assert sum(row["records"] for row in tables["golden_person"]) == 6
    assert {row["name.core"] for row in tables["golden_organisation"]} >= {"Harbour Lights"}


def test_provenance_gives_the_origin_of_every_golden_value(store: Store, policy: ProjectPolicy, tmp_path: Path) -> None:
    tables = exported(store, policy, tmp_path)
    golden = {
        (row["entity_id"], column, value)
        for name in ("golden_person", "golden_organisation")
        for row in tables[name]
        for column, value in row.items()
        if column not in ("entity_id", "records") and value is not None
    }
    assert {(row["entity_id"], row["field"], row["value"]) for row in tables["provenance"]} == golden
    members = {(row["source"], row["record_id"], row["entity_id"]) for row in tables["crosswalk"]}
    assert all((row["source"], row["record_id"], row["entity_id"]) in members for row in tables["provenance"])
    (origin,) = [row for row in tables["provenance"] if (row["field"], row["value"]) == ("name.given", "Jon")]
    assert (origin["source"], origin["strategy"], origin["updated_at"]) == ("crm", "trusted", "2024-01-05")


def test_links_say_which_levels_were_reached(store: Store, policy: ProjectPolicy, tmp_path: Path) -> None:
    links = exported(store, policy, tmp_path)["links"]
    (link,) = [row for row in links if (row["left_record_id"], row["right_record_id"]) == ("C1", "C2")]
    assert (link["left_source"], link["right_source"], link["release"]) == ("crm", "crm", "person-start")
    assert link["levels"] == "given: different (weighed as household); household: family and phone"


def test_issues_hold_rows_that_did_not_become_records(store: Store, policy: ProjectPolicy, tmp_path: Path) -> None:
    issues = exported(store, policy, tmp_path)["issues"]
    (refused,) = [row for row in issues if row["record_id"] is None]
    assert (refused["source"], refused["line"], Path(refused["file"]).name) == ("crm", 7, "crm.csv")
    assert "expected 10 columns, found 11" in refused["issue"]
    assert "rule.person.empty" in {row["issue"] for row in issues if row["record_id"] == "C4"}


def test_all_formats_hold_the_same_rows(store: Store, policy: ProjectPolicy, tmp_path: Path) -> None:
    for file_format in ("parquet", "csv", "jsonl"):
        export(store, policy, tmp_path, file_format, None)
    for name in TABLES:
        rows = read_jsonl(tmp_path / f"{name}.jsonl")
        assert pq.read_table(tmp_path / f"{name}.parquet").to_pylist() == rows
        texts = [{k: None if v is None else str(v).removesuffix(".0") for k, v in row.items()} for row in rows]
        assert read_csv(tmp_path / f"{name}.csv") == texts


def test_since_gives_the_entities_that_changed_and_what_happened(
    store: Store, policy: ProjectPolicy, tmp_path: Path
) -> None:
    cursor = cursor_of(store, policy, tmp_path)
    with store.reading() as connection:
        before = {row["record_id"]: row["entity_id"] for row in crosswalk(connection).to_pylist()}
    write_project(policy.file.path.parent, crm=without("C2").replace("1980-02-03", "1980-02-04"))
    run(store, policy)
    tables = exported(store, policy, tmp_path / "changes", cursor)
    assert {row["record_id"] for row in tables["crosswalk"]} == {"C1", "W1"}
    assert [row["entity_id"] for row in tables["golden_person"]] == [before["C1"]]
    assert {row["entity_id"] for row in tables["provenance"]} == {before["C1"]}
    assert tables["golden_organisation"] == []
    assert {(row["kind"], row["entity_id"]) for row in tables["changes"]} == {
        ("changed", before["C1"]),
        ("retired", before["C2"]),
    }
    assert {row["record_id"] for row in tables["issues"]} == {"C1", "W1"}
    assert {row["fields"] for row in tables["changes"] if row["kind"] == "changed"} == {"birth_date"}


def test_since_tells_where_a_merged_entity_went(store: Store, policy: ProjectPolicy, tmp_path: Path) -> None:
    cursor = cursor_of(store, policy, tmp_path)
    with store.reading() as connection:
        before = {row["record_id"]: row["entity_id"] for row in crosswalk(connection).to_pylist()}
    give(store, policy, "same", ("crm", "C3"), ("web", "W3"))
    tables = exported(store, policy, tmp_path, cursor)
    retired = {row["entity_id"]: row["redirect"] for row in tables["changes"] if row["kind"] == "retired"}
    homes = {row["record_id"]: row["entity_id"] for row in tables["crosswalk"]}
    assert retired[before["W3"]] == homes["W3"] == homes["C3"]
    assert [row["event_no"] for row in tables["changes"]] == sorted(row["event_no"] for row in tables["changes"])


def test_since_the_last_cursor_nothing_is_new(store: Store, policy: ProjectPolicy, tmp_path: Path) -> None:
    cursor = cursor_of(store, policy, tmp_path)
    report = export(store, policy, tmp_path, "jsonl", cursor)
    assert {file.rows for file in report.files} == {0}
    assert report.cursor == cursor


def every_file(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.iterdir()):
        yield path.name, path.read_bytes()


def test_a_refused_export_changes_nothing(store: Store, policy: ProjectPolicy, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    cursor = cursor_of(store, policy, folder)
    before = dict(every_file(folder))
    with pytest.raises(BadInput, match=f"no event {cursor + 1} yet"):
        export(store, policy, folder, "jsonl", cursor + 1)
    with pytest.raises(BadInput, match="unknown format 'xml'; known: parquet, csv, jsonl"):
        export(store, policy, folder, "xml", None)
    with pytest.raises(BadInput, match="cannot write to"):
        export(store, policy, folder / "crosswalk.jsonl", "jsonl", None)
    assert dict(every_file(folder)) == before


def test_an_export_that_breaks_off_leaves_the_old_files(store: Store, policy: ProjectPolicy, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    export(store, policy, folder, "jsonl", None)
    before = dict(every_file(folder))
    with store.writing() as connection:
        connection.exec_driver_sql("update golden set \"values\" = 'broken'")
    with pytest.raises(ValueError, match="unexpected"):
        export(store, policy, folder, "jsonl", None)
    assert dict(every_file(folder)) == before


def test_every_export_is_audited(store: Store, policy: ProjectPolicy, tmp_path: Path) -> None:
    export(store, policy, tmp_path, "csv", None)
    with store.reading() as connection:
        assert counters.last(connection, "audit") == 1
        assert audit.check_chain(connection) is None
        action, details = connection.exec_driver_sql("select action, details from audit").one()
    assert action == "export"
    assert json.loads(details)["rows"]["crosswalk"] == 10


@pytest.mark.parametrize(
    ("moment", "changed"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), True),
        (datetime(2026, 1, 2, 3, 4, 5), True),
        (datetime(2026, 1, 2, 4, 4, 5, tzinfo=timezone(timedelta(hours=1))), True),
        (datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC), False),
        (datetime(2025, 1, 1), True),
    ],
)
def test_since_a_moment_gives_what_was_recorded_from_then_on(
    store: Store, policy: ProjectPolicy, tmp_path: Path, moment: datetime, changed: bool
) -> None:
    export(store, policy, tmp_path / "out", "parquet", moment)
    rows = pq.read_table(tmp_path / "out" / "changes.parquet").num_rows
    assert (rows > 0) is changed
