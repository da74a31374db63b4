"""Stewards over HTTP: the queue, answers, conflicts between two of them, undo, merge, split, pin, quarantine."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from mdm.ids import entity_id
from mdm.store import Store
from tests.api.conftest import Caller, policy, put, run_postgresql, run_sqlite, store
from tests.store.samples import stored_rows

__all__ = ["policy", "run_postgresql", "run_sqlite", "store"]

on_sqlite = pytest.mark.parametrize("store", ["sqlite"], indirect=True)

Json = dict[str, Any]


def the_task(client: TestClient) -> Json:
    (task,) = client.get("/v1/tasks").json()["tasks"]
    found: Json = task
    return found


def entity_of(client: TestClient, record: str) -> str:
    return str(client.get(f"/v1/records/{record}").json()["entity_id"])


def post(client: TestClient, path: str, status: int = 200, **body: Any) -> Json:
    response = client.post(f"/v1/{path}", json=body)
    assert response.status_code == status, response.text
    told: Json = response.json()
    return told


def test_a_steward_takes_looks_decides_and_undoes(local: TestClient) -> None:
    task = the_task(local)
    number = task["task_id"]
    taken = post(local, f"tasks/{number}:claim", minutes=5)
    assert (taken["state"], taken["claimed_by"]) == ("claimed", "local")
    looked = local.get(f"/v1/tasks/{number}")
    assert looked.headers["etag"] == f'"{task["version"]}"'
    assert len(looked.json()["sides"]) == 2 and looked.json()["explanation"]["evidence"]
    said = {"verdict": "same", "reason": "document", "version": task["version"]}
    shown = post(local, f"tasks/{number}:decide?preview=true", **said)
    assert [len(each["members"]) for each in shown["after"]] == [3]
    assert {event["kind"] for event in shown["events"]} == {"merged", "changed", "retired"}
    done = post(local, f"tasks/{number}:decide", **said)
    assert done["outcome"] == "applied" and done["entities"] == shown["entities"]
    assert entity_of(local, "crm/C1") == entity_of(local, "crm/C2")
    assert local.get("/v1/tasks").json()["tasks"] == []
    undone = post(local, f"verdicts/{done['verdict_id']}:undo", reason="slip")
    assert undone["outcome"] == "withdrawn"
    assert entity_of(local, "crm/C1") != entity_of(local, "crm/C2")
    (told,) = local.get("/v1/verdicts").json()["verdicts"]
    assert told["withdrawn_by"] == "local" and told["kind"] == "same"
    assert local.get(f"/v1/verdicts/{done['verdict_id']}").json() == told


def test_the_second_steward_is_refused_with_the_fresh_task(caller: Caller) -> None:
    jane, joe = caller("steward"), caller("admin")
    task = the_task(jane)
    path, version = f"tasks/{task['task_id']}", task["version"]
    post(jane, f"{path}:claim", minutes=None)
    assert post(joe, f"{path}:claim", 409)["code"] == "claimed"
    assert post(joe, f"{path}:decide", 409, verdict="same", version=version)["code"] == "claimed"
    row = {"first": "Ann", "last": "Smithson", "phone": "(312) 555-0142", "city": "Evanston"}
    put(caller("writer"), "crm", "C2", **row, changed="2024-08-08")
    refused = post(jane, f"{path}:decide", 409, verdict="same", version=version)
    assert refused["code"] == "stale"
    assert refused["task"]["version"] == version + 1
    stale = jane.post(f"/v1/{path}:decide", json={"verdict": "same"}, headers={"If-Match": f'"{version}"'})
    assert stale.status_code == 412
    fresh = jane.post(f"/v1/{path}:decide", json={"verdict": "same"}, headers={"If-Match": f'"{version + 1}"'})
    assert fresh.json()["outcome"] == "applied"
    assert post(joe, f"{path}:decide", 409, verdict="same", version=version + 1)["code"] == "task_closed"


@on_sqlite
@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("tasks/99:decide", {"verdict": "same", "version": 1}, 404),
        ("tasks/{task}:decide", {"verdict": "same"}, 422),
        ("tasks/{task}:decide", {"verdict": "equal", "version": 1}, 422),
        ("tasks/{task}:decide", {"verdict": "split", "version": 2}, 422),
        ("tasks/{task}:defer", {"until": "2001-01-01"}, 422),
        ("tasks/{task}:approve", {"version": 1}, 409),
        ("verdicts", {"verdict": "same", "left": ["crm:C1"], "right": ["crm:none"]}, 404),
        ("verdicts", {"verdict": "different", "left": ["crm:C1"], "right": ["crm:C1"]}, 422),
        ("verdicts", {"verdict": "different", "left": ["crm:C1"]}, 422),
        ("verdicts/7:undo", {}, 404),
        ("entities:merge", {"entities": [entity_id(1), entity_id(1)]}, 422),
        ("entities/{entity}:split", {"groups": [["web:W3"]]}, 422),
        ("entities/{entity}:pin", {"values": {"surname": "x"}}, 422),
        ("quarantine:release", {"records": ["crm:C1"]}, 409),
    ],
)
def test_refusals_change_nothing(local: TestClient, store: Store, path: str, body: Json, status: int) -> None:
    before, task = stored_rows(store), the_task(local)
    post(local, path.format(task=task["task_id"], entity=task["entities"][0]), status, **body)
    after = stored_rows(store)
    assert {table for table in after if after[table] != before[table]} <= {"audit", "counter"}
    assert len(after["audit"]) - len(before["audit"]) == (status == 409 and "quarantine" not in path)


def test_entities_are_merged_split_and_pinned(local: TestClient) -> None:
    jon, olga = entity_of(local, "crm/C1"), entity_of(local, "web/W3")
    shown = post(local, "entities:merge?preview=true", entities=[jon, olga])
    assert [len(each["members"]) for each in shown["after"]] == [3]
    assert entity_of(local, "web/W3") == olga
    merged = post(local, "entities:merge", entities=[jon, olga], reason="document")
    assert entity_of(local, "web/W3") == entity_of(local, "crm/C1") == jon
    assert local.get(f"/v1/entities/{olga}", follow_redirects=False).status_code == 307
    refused = post(local, f"entities/{jon}:split", 409, groups=[["web:W3"]])
    assert str(merged["verdict_id"]) in refused["detail"]
    post(local, f"entities/{jon}:split", groups=[["web:W3"]], supersedes=[merged["verdict_id"]])
    assert entity_of(local, "web/W3") == olga
    pinned = post(local, f"entities/{olga}:pin", values={"email": "olga@brandt.io"}, reason="contacted")
    assert local.get(f"/v1/entities/{olga}").json()["golden"]["email"] == "olga@brandt.io"
    post(local, f"verdicts/{pinned['verdict_id']}:undo")
    assert "email" not in local.get(f"/v1/entities/{olga}").json()["golden"]


def test_tasks_are_put_off_assigned_filtered_and_paged(local: TestClient) -> None:
    task = the_task(local)
    path = f"tasks/{task['task_id']}"
    post(local, f"{path}:assign", assignee="role:steward")
    post(local, f"{path}:defer", until="2030-01-01T00:00:00Z", version=task["version"])

    def found(**asked: Any) -> int:
        response = local.get("/v1/tasks", params=asked)
        assert response.status_code == 200, response.text
        return len(response.json()["tasks"])

    assert found(state="queued") == 0
    assert found(state="deferred", assignee="role:steward", kind="match", source="crm", entity="person") == 1
    assert found(q="(312) 555-0142") == found(low=-100.0, high=100.0) == 1
    assert found(q="(312) 555-0199") == found(low=100.0) == 0
    assert local.get("/v1/tasks", params={"after": f"{task['priority']}.{task['task_id']}"}).json()["tasks"] == []
    assert local.get("/v1/tasks", params={"after": "x"}).status_code == 422
    assert local.get("/v1/tasks", params={"state": "lost"}).status_code == 422
    post(local, f"{path}:claim", minutes=5)
    assert post(local, f"{path}:release")["claimed_by"] is None


def test_many_tasks_are_decided_by_a_pattern_that_was_looked_at(local: TestClient) -> None:
    pattern: Json = {"filter": {"kind": "match"}, "verdict": "different", "reason": "family"}
    reach = post(local, "tasks:decide", **pattern)
    assert (reach["tasks"], reach["records"], reach["entities"]) == (1, 3, 2)
    assert post(local, "tasks:decide", 409, **pattern, seen="0" * 32)["code"] == "conflict"
    done = post(local, "tasks:decide", **pattern, seen=reach["seen"])
    assert [each["outcome"] for each in done["results"]] == ["applied"]
    assert local.get("/v1/tasks").json()["tasks"] == []
    assert post(local, "tasks:decide", **pattern)["tasks"] == 0


def test_what_is_risky_takes_two_keys(caller: Caller, store: Store) -> None:
    jane, joe = caller("steward"), caller("admin")
    confirmed: Json = {"verdict": "confirmed", "left": ["crm:C1", "web:W1"]}
    post(jane, "verdicts", **confirmed)
    task = the_task(jane)
    path = f"tasks/{task['task_id']}"
    pending = post(jane, f"{path}:decide", verdict="same", version=task["version"])
    assert (pending["outcome"], pending["risks"]) == ("pending", ["an entity was confirmed"])
    waiting = the_task(joe)
    assert waiting["state"] == "pending" and waiting["proposal"]["actor"] == "steward app"
    assert post(jane, f"{path}:approve", 409, version=waiting["version"])["code"] == "conflict"
    post(joe, f"{path}:reject", version=waiting["version"], reason="not sure")
    again = the_task(jane)
    assert again["state"] == "queued"
    post(jane, f"{path}:decide", verdict="same", version=again["version"])
    post(joe, f"{path}:approve", version=the_task(joe)["version"])
    assert entity_of(joe, "crm/C1") == entity_of(joe, "crm/C2")
    trail = [row for row in stored_rows(store)["audit"] if "verdict." in str(row)]
    actions = [
        part for row in trail for part in ("given", "proposed", "rejected", "approved") if f"verdict.{part}" in str(row)
    ]
    assert actions == ["given", "proposed", "rejected", "proposed", "approved"]


def test_a_sample_is_drawn_and_measured(local: TestClient) -> None:
    numbers = post(local, "tasks:sample", per_band=5, seed="first")["tasks"]
    assert numbers
    assert post(local, "tasks:sample", per_band=5, seed="first")["tasks"] == []
    for number in numbers:
        task = local.get(f"/v1/tasks/{number}").json()
        assert task["kind"] == "audit"
        local.post(f"/v1/tasks/{number}:decide", json={"verdict": "same", "version": task["version"]})
    (person, _) = sorted(local.get("/v1/quality/verdicts").json()["quality"], key=lambda each: -each["labels"])
    assert person["labels"] == person["sampled"] > 0
    assert person["precision"]["value"] == 1.0 > person["precision"]["low"]


def test_relations_are_shown_on_both_sides(local: TestClient) -> None:
    ann, jon = entity_of(local, "crm/C2"), entity_of(local, "crm/C1")
    post(local, "verdicts", verdict="related", left=["crm:C1"], right=["crm:C2"], relation="siblings")
    for entity in (ann, jon):
        (told,) = local.get(f"/v1/entities/{entity}/relations").json()["relations"]
        assert (told["relation"], told["left"], told["right"]) == ("siblings", jon, ann)
        assert len(local.get(f"/v1/entities/{entity}/verdicts").json()["verdicts"]) == 1
