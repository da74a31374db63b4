"""Records over HTTP: put, read, deleted, in bulk; versions, repeats, refusals."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient

from mdm import learning
from mdm.policy import ProjectPolicy
from mdm.store import Store, audit, tasks
from mdm.verification import verify
from tests.api.conftest import Caller, put
from tests.mdm.test_sequence import freeze
from tests.store.samples import stored_rows

OLGA = {"name": "Olga Brandt", "phone": "(312) 555-0199", "born": "1990-05-05"}


def test_outcomes_of_a_life(local: TestClient, store: Store, policy: ProjectPolicy) -> None:
    created = put(local, "web", "N1", name="Ivy Lane", phone="(312) 555-0121", email="ivy@example.com")
    assert (created["outcome"], created["version"], created["stored"]) == ("created", 1, True)
    assert created["entities"] == [{"old": None, "new": created["entity_id"]}]
    same = put(local, "web", "N1", name="Ivy Lane", phone="(312) 555-0121", email="ivy@example.com")
    assert (same["outcome"], same["version"], same["stored"]) == ("unchanged", 1, False)
    joined = put(local, "crm", "N2", first="Ivy", last="Lane", phone="(312) 555-0121", email="ivy@example.com")
    assert (joined["outcome"], joined["entity_id"]) == ("joined", created["entity_id"])
    split = put(local, "crm", "N2", first="Ivy", last="Stone", phone="(312) 555-0133")
    assert (split["outcome"], split["entity_id"]) == ("split", created["entity_id"])
    left = local.get("/v1/records/web/N1").json()["entity_id"]
    assert split["entities"] == [{"old": created["entity_id"], "new": left}]
    merged = put(local, "crm", "N2", first="Ivy", last="Lane", phone="(312) 555-0121", email="ivy@example.com")
    assert (merged["outcome"], merged["entity_id"]) == ("merged", created["entity_id"])
    deleted = local.delete("/v1/records/crm/N2").json()
    assert (deleted["outcome"], deleted["entity_id"]) == ("deleted", None)
    assert verify(store, policy).ok


def test_a_number_that_is_somebody_elses_now_is_asked_about(
    local: TestClient, store: Store, policy: ProjectPolicy
) -> None:
    ivy = put(local, "web", "N1", name="Ivy Lane", phone="(312) 555-0121", email="ivy@example.com")
    put(local, "crm", "N2", first="Ivy", last="Lane", phone="(312) 555-0121", email="ivy@example.com")
    reused = put(local, "crm", "N2", first="Rob", last="Stone", phone="(312) 555-0133", email="rob@example.com")
    assert reused["outcome"] == "moved" and reused["entity_id"] != ivy["entity_id"]
    assert "record.reused" in reused["issues"]
    with store.reading() as connection:
        (asked,) = tasks.listed(connection, kind=tasks.REUSED)
    assert reused["tasks"] == [asked.task_id]
    assert local.get("/v1/records/web/N1").json()["entity_id"] == ivy["entity_id"]
    assert verify(store, policy).ok


def test_what_may_be_one_customer_is_asked_about_until_a_record_settles_it(local: TestClient, store: Store) -> None:
    with store.reading() as connection:
        active = learning.active_release(connection, "person")
    assert active is not None
    freeze(store, [replace(active, release_id="person-careful", merge=active.merge + 2)])
    put(local, "web", "N1", name="Ivy Lane")
    unsure = put(local, "web", "N2", name="Ivy Lane")
    assert unsure["outcome"] == "created"
    with store.reading() as connection:
        (asked,) = [task for task in tasks.listed(connection) if task.task_id in unsure["tasks"]]
    assert asked.kind == "match"
    local.delete("/v1/records/web/N2")
    with store.reading() as connection:
        assert [task.state for task in tasks.listed(connection, state=None) if task.task_id == asked.task_id] == [
            "obsolete"
        ]


def test_an_older_version_is_stale(local: TestClient) -> None:
    first = put(local, "web", "W3", **OLGA, changed="2024-05-01")
    stale = put(local, "web", "W3", **OLGA, email="old@example.com", changed="2024-04-01")
    assert (stale["outcome"], stale["version"]) == ("stale", first["version"])


def test_fields_and_columns_are_one_record(local: TestClient) -> None:
    body = {"fields": {"name.full": "Ivy Lane", "phone": "(312) 555-0121"}, "entity": "person"}
    answer = local.put("/v1/records/web/N1", json=body | {"updated_at": "2024-06-01"})
    assert answer.status_code == 200, answer.text
    row = {"kind": "P", "name": "Ivy Lane", "phone": "(312) 555-0121", "id": "N1", "changed": "2024-06-01"}
    again = local.put("/v1/records/web/N1", json={"record": row})
    assert local.get("/v1/records/web/N1").json()["record"] == row
    assert again.json()["entity_id"] == answer.json()["entity_id"]


def test_a_record_is_read_with_its_version(local: TestClient) -> None:
    told = local.get("/v1/records/crm/C1")
    assert told.headers["etag"] == '"1"'
    assert told.json()["values"]["phone"] == [{"value": "+13125550142"}]
    assert local.get("/v1/records/crm/none").status_code == 404
    assert local.get("/v1/records/nowhere/C1").status_code == 404


def test_versions_guard_against_lost_updates(local: TestClient) -> None:
    path, body = "/v1/records/web/W3", {"record": {"kind": "P", **OLGA, "email": "olga@example.com"}}
    assert local.put(path, json=body, headers={"If-Match": '"7"'}).status_code == 412
    assert local.put(path, json=body, headers={"If-None-Match": "*"}).status_code == 412
    fresh = local.put(path, json=body, headers={"If-Match": local.get(path).headers["etag"]})
    assert (fresh.status_code, fresh.headers["etag"]) == (200, '"2"')
    assert local.delete(path, headers={"If-Match": '"1"'}).status_code == 412
    assert local.put("/v1/records/web/fresh", json=body, headers={"If-None-Match": "*"}).status_code == 200


def test_a_repeated_request_is_answered_and_not_done_again(local: TestClient, store: Store) -> None:
    path, body, key = "/v1/records/web/N1", {"record": {"kind": "P", "name": "Ivy Lane"}}, {"Idempotency-Key": "k1"}
    first = local.put(path, json=body, headers=key)
    put(local, "web", "N1", name="Ivy Lane-Stone")
    before = stored_rows(store)
    again = local.put(path, json=body, headers=key)
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert stored_rows(store) == before
    other = local.put(path, json={"record": {"kind": "P", "name": "Eva"}}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")


REFUSED: list[tuple[str, dict[str, Any], int, str | None]] = [
    ("nowhere/1", {"record": {"first": "Jon"}}, 404, None),
    ("crm/1", {}, 422, "#/record"),
    ("crm/1", {"record": {"first": "Jon"}, "fields": {"phone": "1"}}, 422, "#/record"),
    ("crm/1", {"record": {"kind": "P", "first": {"a": 1}}}, 422, None),
    ("crm/1", {"record": {"kind": "P", "first": "Jon", "id": "2"}}, 422, "#/record/id"),
    ("crm/1", {"fields": {"passport": "X1"}, "entity": "person"}, 422, "#/fields/passport"),
    ("crm/1", {"fields": {"phone": "1"}}, 422, "#/entity"),
    ("crm/1", {"record": {"kind": "P", "first": "Jon"}, "more": 1}, 422, "#/more"),
    ("crm/%20", {"record": {"kind": "P", "first": "Jon"}}, 422, "#/record_id"),
]


@pytest.mark.parametrize(("path", "body", "status", "pointer"), REFUSED)
def test_refusals_change_nothing(
    local: TestClient, store: Store, path: str, body: dict[str, Any], status: int, pointer: str | None
) -> None:
    before = stored_rows(store)
    response = local.put(f"/v1/records/{path}", json=body)
    assert response.status_code == status, response.text
    if pointer is not None:
        assert response.json()["errors"][0]["pointer"] == pointer
    assert stored_rows(store) == before


def test_bulk_answers_line_by_line_and_a_bad_line_stops_nothing(local: TestClient) -> None:
    good = {"source": "web", "record": {"kind": "P", **OLGA}}
    lines = [
        orjson.dumps(good | {"record_id": "B1"}),
        b"{not json",
        orjson.dumps(good | {"record_id": "B2", "surprise": 1}),
        orjson.dumps(good | {"source": "nowhere", "record_id": "B3"}),
        b'{"source": "web", "record_id": "B4", "record": {"name": "' + b"x" * 200_000 + b'"}}',
        orjson.dumps(good | {"record_id": "B5"}),
    ]
    response = local.post("/v1/records:bulk", content=b"\n".join(lines))
    results = [orjson.loads(line) for line in response.content.splitlines()]
    assert [result["line"] for result in results] == [1, 2, 3, 4, 5, 6]
    assert [result["status"] for result in results] == [200, 400, 422, 404, 413, 200]
    assert [result["record_id"] for result in results] == ["B1", None, None, "B3", None, "B5"]
    assert results[5]["entity_id"] == results[0]["entity_id"]


def test_bulk_of_many_lines_equals_single_puts(local: TestClient) -> None:
    rows = [{"kind": "P", "name": f"Ann Poole {n % 7}", "phone": f"(312) 555-01{n % 90 + 10}"} for n in range(130)]
    lines = [orjson.dumps({"source": "web", "record_id": f"L{n}", "record": row}) for n, row in enumerate(rows)]
    results = local.post("/v1/records:bulk", content=b"\n".join(lines)).content.splitlines()
    assert [orjson.loads(line)["status"] for line in results] == [200] * len(rows)
    again = [put(local, "web", f"L{n}", **row) for n, row in enumerate(rows)]
    assert {answer["outcome"] for answer in again} == {"unchanged"}


def test_who_did_it_stands_in_the_trail(caller: Caller, store: Store) -> None:
    put(caller("writer"), "web", "N1", name="Ivy Lane")
    trail = stored_rows(store)["audit"][-1]
    assert "writer app" in trail and "record.put" in trail
    with store.reading() as connection:
        assert audit.check_chain(connection) is None
