"""Tasks: one open question at a time, following the present state; verdicts answer them, other things settle them."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from mdm import deciding, tasks
from mdm.contradictions import compile_strong, find_among, find_in_bulk
from mdm.entity import load_entity
from mdm.matching import Work, make_feature_table
from mdm.policy import ProjectPolicy, load_policy
from mdm.project import Project
from mdm.reports import TaskLine
from mdm.scratch import append, open_scratch
from mdm.staging import feature_type
from mdm.store import Store
from tests.mdm.small_project import (
    CRM,
    PERSON,
    WEB,
    give,
    policy,
    run,
    run_postgresql,
    run_sqlite,
    store,
    write_project,
)
from tests.mdm.test_pipeline import undo, without

__all__ = ["policy", "run_postgresql", "run_sqlite", "store"]

on_sqlite = pytest.mark.parametrize("store", ["sqlite"], indirect=True)

ANN, JON, WEB_JON = ("crm", "C2"), ("crm", "C1"), ("web", "W1")


def listed(store: Store, kind: str | None = None, state: str | None = "open") -> list[TaskLine]:
    with store.reading() as connection:
        return tasks.task_lines(connection, kind=kind, state=state, limit=None)


def asked(store: Store) -> list[tuple[str, tuple[str, ...]]]:
    """The open tasks by what shows them."""
    return [(task.kind, task.records) for task in listed(store)]


def deliver(store: Store, policy: ProjectPolicy, crm: str = CRM, web: str = WEB, *, full: bool = False) -> None:
    write_project(policy.file.path.parent, crm, web)
    run(store, policy, full=full)


def strict(policy: ProjectPolicy) -> ProjectPolicy:
    """The project where two birth dates in one entity are a contradiction."""
    folder = policy.file.path.parent
    (folder / "entities" / "person.yaml").write_text(PERSON + "strong: [birth_date]\n")
    return load_policy(policy.file.path)


def test_a_possible_match_of_two_entities_is_one_task(store: Store) -> None:
    """Ann and both records of Jon share a family name and a phone: two links, one question."""
    (task,) = listed(store)
    assert (task.kind, task.details, task.affected) == ("match", {"links": 2}, 3)
    assert len(task.entities) == 2
    assert "crm:C2" in task.records
    assert task.bits is not None
    assert task.priority == tasks.urgency(3, abs(task.bits - 6.0))


def test_what_did_not_change_is_not_asked_anew(store: Store, policy: ProjectPolicy) -> None:
    before = listed(store, state=None)
    for full in (False, True):
        run(store, policy, full=full)
        assert listed(store, state=None) == before


def test_a_verdict_answers_and_its_withdrawal_asks_again(store: Store, policy: ProjectPolicy) -> None:
    (task,) = listed(store)
    number = give(store, policy, "different", ANN, JON)
    assert asked(store) == []
    (closed,) = listed(store, state="applied")
    assert (closed.task_id, closed.reason) == (task.task_id, "verdict different")
    run(store, policy, full=True)
    assert asked(store) == []
    undo(store, policy, number)
    (again,) = listed(store)
    assert (again.records, again.task_id > task.task_id) == (task.records, True)


def test_same_answers_the_question_of_the_two_entities(store: Store, policy: ProjectPolicy) -> None:
    give(store, policy, "same", WEB_JON, ANN)
    assert [task.reason for task in listed(store, state="applied")] == ["verdict same"]
    assert listed(store, kind="match") == []


def test_a_verdict_on_others_answers_nothing(store: Store, policy: ProjectPolicy) -> None:
    give(store, policy, "different", ANN, ("web", "W3"))
    assert [kind for kind, _ in asked(store)] == ["match"]
    assert listed(store, state="applied") == []


def test_a_deleted_record_takes_its_question_along(store: Store, policy: ProjectPolicy) -> None:
    deliver(store, policy, crm=without(CRM, "C2"))
    (task,) = listed(store, state="obsolete")
    assert task.reason == "an entity it was about is part of another one now, or is no more"
    deliver(store, policy)
    assert [kind for kind, _ in asked(store)] == ["match"]


@on_sqlite
def test_records_that_part_settle_the_question(store: Store, policy: ProjectPolicy) -> None:
    deliver(store, policy, crm=CRM.replace("C2,P,Ann,Smithson,,(312) 555-0142", "C2,P,Ann,Weaver,,(312) 555-0999"))
    assert asked(store) == []
    (task,) = listed(store, state="obsolete")
    assert task.reason == "the records as they are now do not raise it, or a verdict answers it"


@on_sqlite
def test_a_question_shows_the_evidence_of_today(store: Store, policy: ProjectPolicy) -> None:
    (before,) = listed(store)
    mailbox = "C2,P,Ann,Smithson,,(312) 555-0142,ann@example.net,"
    deliver(store, policy, crm=CRM.replace("C2,P,Ann,Smithson,,(312) 555-0142,,", mailbox))
    (after,) = listed(store)
    assert after.task_id == before.task_id
    assert after.bits is not None and before.bits is not None
    assert after.bits == before.bits - 1


OTHER_BIRTH = WEB.replace("jon.smithson@example.com,1980-02-03", "jon.smithson@example.com,1985-09-09")


def test_contradicting_strong_identifiers_inside_an_entity_are_a_task(store: Store, policy: ProjectPolicy) -> None:
    policy = strict(policy)
    deliver_strict(store, policy, OTHER_BIRTH)
    (task,) = listed(store, kind="conflict")
    assert task.records == ("crm:C1", "web:W1")
    assert task.details == {"comparisons": ["birth_date"], "pairs": 1}
    assert len(task.entities) == 1
    deliver_strict(store, policy, WEB.replace("2024-03-01", "2024-05-01"))
    assert listed(store, kind="conflict") == []


def deliver_strict(store: Store, policy: ProjectPolicy, web: str) -> None:
    folder = policy.file.path.parent
    (folder / "web.csv").write_text(web)
    run(store, policy)


@pytest.mark.parametrize("kind", ["same", "different"])
def test_a_verdict_on_the_two_records_answers_a_conflict(store: Store, policy: ProjectPolicy, kind: str) -> None:
    policy = strict(policy)
    deliver_strict(store, policy, OTHER_BIRTH)
    give(store, policy, kind, WEB_JON, JON)
    assert listed(store, kind="conflict") == []
    assert [task.kind for task in listed(store, state="applied")] == ["conflict"]
    run(store, policy, full=True)
    assert listed(store, kind="conflict") == []


@on_sqlite
def test_a_component_that_was_cut_is_a_task_until_it_is_whole_again(
    store: Store, policy: ProjectPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(deciding, "LARGEST_COMPONENT", 1)
        run(store, policy, full=True)
    found = listed(store, kind="cut")
    assert {task.affected for task in found} == {2}
    assert len(found) == 3
    run(store, policy, full=True)
    assert listed(store, kind="cut") == []


def test_the_door_lists_and_counts(store: Store, policy: ProjectPolicy, tmp_path: Path) -> None:
    project = Project.open(policy.file.path, store.url)
    assert [task.kind for task in project.tasks()] == ["match"]
    assert project.tasks("conflict") == []
    assert project.run(retrain=False).tasks == {"match": 1}


def some(chance: random.Random) -> list[str] | None:
    return None if chance.random() < 0.3 else chance.sample(["412345678", "412345679", "499999999", "4"], 2)


def test_contradictions_are_the_same_by_sql_and_by_closures() -> None:
    entity, chance = load_entity("person"), random.Random(2)
    features: dict[int, dict[str, Any]] = {
        rid: {"national_ids": some(chance), "tax_ids": some(chance)} for rid in range(200)
    }
    parts = [tuple(range(start, start + size)) for start, size in [(n * 10, n % 5 + 1) for n in range(20)]]
    with open_scratch() as scratch:
        work = Work(scratch, entity)
        make_feature_table(work)
        columns = {
            name: pa.array([features[rid].get(name) for rid in features], feature_type(entity, name))
            for name in entity.features
        }
        append(scratch, work.table("features"), pa.table({"rid": pa.array(features, pa.int64()), **columns}))
        bulk = find_in_bulk(work, parts)
    assert bulk == sorted(find_among(compile_strong(entity), features.__getitem__, parts))
    assert {each.comparison for each in bulk} == {"national_id", "tax_id"}
