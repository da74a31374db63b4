"""A record id that is given to somebody else: the record gets its own entity, is flagged, and a steward is asked."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from mdm import learning, reuse, tasks
from mdm.engine.score import make_scorer
from mdm.pipeline import Options, run_batch
from mdm.policy import ProjectPolicy, load_policy
from mdm.reports import TaskLine
from mdm.store import Store, entities, records
from mdm.watch import Tally, silent
from tests.mdm.small_project import CRM, policy, run_postgresql, run_sqlite, store, write_project
from tests.mdm.test_pipeline import homes, is_sound, without

__all__ = ["policy", "run_postgresql", "run_sqlite", "store"]

JON = "C1,P,Jon,Smithson,,(312) 555-0142,jon.smithson@example.com,1980-02-03,Chicago,2024-01-05"
ZOE = "C1,P,Zoe,Quist,,(212) 555-0100,zoe@example.net,1999-07-07,Boston,2024-06-05"


def deliver(store: Store, policy: ProjectPolicy, crm: str) -> Tally:
    write_project(policy.file.path.parent, crm=crm)
    return run_batch(store, policy, Options(retrain=False, allow=frozenset({"deletes"})), silent)[1]


def asked(store: Store, state: str = "open") -> list[TaskLine]:
    with store.reading() as connection:
        return tasks.task_lines(connection, kind="reused", state=state, limit=None)


def issues(store: Store, record_id: str) -> list[str]:
    with store.reading() as connection:
        (found,) = records.by_ids(connection, [("crm", record_id)])
    return [str(issue) for issue in orjson.loads(found.issues)]


def test_a_reused_record_id_is_flagged_and_asked_about(store: Store, policy: ProjectPolicy) -> None:
    before = homes(store)
    tally = deliver(store, policy, CRM.replace(JON, ZOE))
    assert tally.counts["records reused"] == 1
    assert reuse.ISSUE in issues(store, "C1")
    (task,) = asked(store)
    assert task.records == ("crm:C1",)
    # The one who had the number keeps the entity, the new one has another.
    after = homes(store)
    assert after["web:W1"] == before["web:W1"] != after["crm:C1"]
    assert is_sound(store, policy)
    assert deliver(store, policy, CRM.replace(JON, ZOE)).counts["records reused"] == 0
    assert asked(store) == [task]


def test_the_flag_stays_while_the_content_stays(store: Store, policy: ProjectPolicy) -> None:
    deliver(store, policy, CRM.replace(JON, ZOE))
    # Another policy: all records are read again.
    (policy.file.path.parent / "project.yaml").write_text(
        policy.file.path.read_text() + "survivorship: {email: {by: [most_recent]}}\n"
    )
    run_batch(store, load_policy(policy.file.path), Options(retrain=False, full=True), silent)
    assert issues(store, "C1").count(reuse.ISSUE) == 1
    assert len(asked(store)) == 1


def test_an_id_never_comes_to_mean_somebody_else(store: Store, policy: ProjectPolicy) -> None:
    """Ann is alone in her entity, and nobody is left there when her record is another's."""
    before = homes(store)
    ann = "C2,P,Ann,Smithson,,(312) 555-0142,,,Chicago,2024-01-06"
    deliver(store, policy, CRM.replace(ann, "C2,P,Olaf,Winter,,(415) 555-0166,,1961-01-01,Boston,2024-08-08"))
    assert homes(store)["crm:C2"] > max(before.values())
    with store.reading() as connection:
        assert entities.get(connection, before["crm:C2"]).state == "retired"
    assert len(asked(store)) == 1
    assert is_sound(store, policy)


@pytest.mark.parametrize(
    "later",
    [CRM.replace(JON, ZOE.replace("Boston,2024-06-05", "Salem,2024-07-05")), without(CRM, "C1")],
    ids=["changed", "deleted"],
)
def test_the_question_ends_with_the_content(store: Store, policy: ProjectPolicy, later: str) -> None:
    deliver(store, policy, CRM.replace(JON, ZOE))
    deliver(store, policy, later)
    assert asked(store) == []
    assert len(asked(store, "obsolete")) == 1
    assert reuse.ISSUE not in issues(store, "C1")


@pytest.mark.parametrize(
    "row",
    [
        JON.replace("Jon,Smithson", "Zoe,Quist"),
        JON.replace("(312) 555-0142,jon.smithson@example.com,1980-02-03", ",,"),
        ZOE.replace("Zoe,Quist", "Jon,Smithson"),
        ZOE.replace("1999-07-07", "1980-02-03"),
        "C1,P,,,,,zoe@example.net,,,2024-06-05",
        "C1,C,,,Quarry House Ltd,(212) 555-0100,,,,2024-06-05",
    ],
    ids=["another name alone", "less is known", "moved", "born the same day", "only a mailbox", "another type"],
)
def test_a_change_that_leaves_something_is_no_reuse(store: Store, policy: ProjectPolicy, row: str) -> None:
    assert deliver(store, policy, CRM.replace(JON, row)).counts["records reused"] == 0
    assert asked(store) == []


@pytest.mark.parametrize(
    ("before", "now", "reused"),
    [
        ({"given": "jon", "family": "poole"}, {"given": "zoe", "family": "quist"}, True),
        ({"given": "jon", "family": "poole"}, {"given": "zoe"}, False),
        ({"given": "jon"}, {"given": "zoe"}, False),
        ({"given": "jon", "family": "poole"}, {"given": "jon", "family": "quist"}, False),
        ({}, {}, False),
    ],
)
def test_what_counts_as_wholly_different(store: Store, before: Any, now: Any, reused: bool) -> None:
    with store.reading() as connection:
        release = learning.active_release(connection, "person")
    assert release is not None
    assert reuse.is_reused(make_scorer(release), before, now) is reused
