"""The crosswalk of another master: its ids continue, stay valid, and what contradicts the data is asked about."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from mdm import crosswalks, explaining, publish, resolving, tasks
from mdm.errors import BadInput, BadSource, NotFound
from mdm.ids import entity_id
from mdm.policy import ProjectPolicy, load_policy
from mdm.reports import CrosswalkReport, TaskLine
from mdm.store import Store
from tests.mdm.small_project import CRM, WEB, give, run, run_first, write_project
from tests.mdm.test_pipeline import homes, is_sound, last_event, stamp, told

OLD = {
    "crm:C1": "G1",
    "web:W1": "G1",
    "crm:C2": "G2",
    "crm:C3": entity_id(5000),
    "web:W2": entity_id(5000),
    "crm:C5": "urn:old:7",
    "web:W9": "G9",
}


@pytest.fixture
def policy(tmp_path: Path) -> ProjectPolicy:
    return load_policy(write_project(tmp_path))


def bring(store: Store, policy: ProjectPolicy, said: dict[str, str]) -> CrosswalkReport:
    path = policy.file.path.parent / "old.csv"
    lines = [f"{name.replace(':', ',')},{text},Jane" for name, text in said.items()]
    path.write_text("\n".join(["source,record_id,entity_id,full_name", *lines]) + "\n")
    with store.writing() as connection:
        return crosswalks.import_crosswalk(connection, path, "jane")


def find(store: Store, entity: str) -> str:
    """The id of the entity that an id leads to."""
    with store.reading() as connection:
        return explaining.how(connection, entity).entity_id


def asked(store: Store) -> list[TaskLine]:
    with store.reading() as connection:
        return tasks.task_lines(connection, kind="crosswalk", state="open", limit=None)


def home(store: Store, record: str) -> str:
    return entity_id(homes(store)[record])


def test_ids_of_another_master_continue_in_the_first_run(store: Store, policy: ProjectPolicy) -> None:
    report = bring(store, policy, OLD)
    assert (report.records, report.ids, report.own, report.waiting) == (7, 5, 1, 7)
    assert report.ignored == ("full_name",)
    run_first(store, policy)
    assert home(store, "crm:C3") == entity_id(5000) == find(store, entity_id(5000))
    assert find(store, "G1") == home(store, "crm:C1") == home(store, "web:W1")
    assert find(store, "urn:old:7") == home(store, "crm:C5") == home(store, "web:W4")
    assert homes(store)["web:W3"] > 5000
    with pytest.raises(NotFound):
        find(store, "G9")
    assert asked(store) == []
    assert is_sound(store, policy)


def test_ids_do_not_change_what_is_decided(store: Store, policy: ProjectPolicy, tmp_path: Path) -> None:
    run_first(store, policy)
    before = stamp(store)
    where = homes(store)
    bring(store, policy, OLD)
    run(store, policy)
    assert stamp(store) == before
    assert homes(store) == where


def test_an_id_that_comes_later_redirects_to_the_entity_that_lives(store: Store, policy: ProjectPolicy) -> None:
    run_first(store, policy)
    where, seen = homes(store), last_event(store)
    bring(store, policy, OLD)
    run(store, policy)
    assert find(store, "G1") == entity_id(where["crm:C1"])
    assert find(store, entity_id(5000)) == entity_id(where["crm:C3"])
    kinds = [kind for kind, _, _ in told(store, seen)]
    assert sorted(set(kinds)) == ["merged", "retired"]
    seen = last_event(store)
    bring(store, policy, OLD)
    run(store, policy)
    assert told(store, seen) == []
    assert is_sound(store, policy)


def test_a_record_that_comes_later_brings_its_id(store: Store, policy: ProjectPolicy) -> None:
    run_first(store, policy)
    bring(store, policy, OLD)
    run(store, policy)
    write_project(policy.file.path.parent, web=WEB + "W9,P,Zoe Quist,212-555-0100,,1999-02-03,2024-06-01\n")
    run(store, policy)
    assert find(store, "G9") == home(store, "web:W9")


def test_most_of_the_records_carry_the_id_however_the_decision_is_cut(
    store: Store, policy: ProjectPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolving, "PORTION_RECORDS", 1)
    bring(store, policy, {"crm:C2": "G1", "crm:C3": "G1", "web:W2": "G1"})
    run_first(store, policy)
    assert find(store, "G1") == home(store, "crm:C3") != home(store, "crm:C2")


def test_what_contradicts_the_data_is_asked_and_answered(store: Store, policy: ProjectPolicy) -> None:
    bring(store, policy, {"crm:C1": "G1", "web:W1": "G2", "crm:C3": "G3", "web:W3": "G3"})
    run_first(store, policy)
    mixed, torn = sorted(asked(store), key=lambda task: len(task.entities))
    assert (mixed.records, mixed.details) == (("crm:C1", "web:W1"), {"ids": ["G1", "G2"]})
    assert (torn.records, torn.details) == (("crm:C3", "web:W3"), {"ids": ["G3"]})
    assert find(store, "G1") == find(store, "G2")
    give(store, policy, "same", ("crm", "C1"), ("web", "W1"))
    give(store, policy, "different", ("crm", "C3"), ("web", "W3"))
    assert asked(store) == []
    run(store, policy, full=True)
    assert asked(store) == []


def test_a_question_that_weights_raise_too_is_asked_once(store: Store, policy: ProjectPolicy) -> None:
    bring(store, policy, {"crm:C1": "G1", "crm:C2": "G1"})
    run_first(store, policy)
    (task,) = asked(store)
    assert task.bits is not None
    with store.reading() as connection:
        assert [t.kind for t in tasks.task_lines(connection, kind=None, state="open", limit=None)] == ["crosswalk"]


def test_an_export_lists_where_ids_of_elsewhere_lead(store: Store, policy: ProjectPolicy, tmp_path: Path) -> None:
    bring(store, policy, {**OLD, "crm:C3": "G3", "web:W2": "G4"})
    run_first(store, policy)
    publish.export(store, policy, tmp_path / "out", "parquet", None)
    listed = dict(zip(*pq.read_table(tmp_path / "out" / "aliases.parquet").to_pydict().values(), strict=True))
    assert listed["G3"] == listed["G4"] == home(store, "crm:C3")
    assert listed["G9"] is None
    assert sorted(listed) == ["G1", "G2", "G3", "G4", "G9", "urn:old:7"]
    seen = last_event(store)
    write_project(policy.file.path.parent, crm=CRM.replace("Evanston", "Oak Park"))
    run(store, policy)
    publish.export(store, policy, tmp_path / "changes", "parquet", seen)
    assert pq.read_table(tmp_path / "changes" / "aliases.parquet")["alias"].to_pylist() == ["G3", "G4"]


def test_numbers_of_other_entities_are_refused(store: Store, policy: ProjectPolicy) -> None:
    run_first(store, policy)
    with pytest.raises(BadInput, match="1 ids of the file belong to other entities"):
        bring(store, policy, {"crm:C1": entity_id(homes(store)["web:W3"])})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("source,record_id,entity\ncrm,C1,G1\n", "lacks the columns entity_id"),
        ("source,record_id,entity_id\ncrm,C1,G1\ncrm,C1,G2\n", "more than one entity_id to crm:C1"),
        ("source,record_id,entity_id\ncrm,,G1\n", "1 rows without source or record_id"),
    ],
)
def test_files_that_cannot_be_used_are_refused(tmp_path: Path, text: str, says: str, store: Store) -> None:
    (tmp_path / "old.csv").write_text(text)
    with store.writing() as connection, pytest.raises(BadSource, match=says):
        crosswalks.import_crosswalk(connection, tmp_path / "old.csv", "jane")
