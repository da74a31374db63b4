"""Matching: the decision is what an upsert would do, and nothing is written."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from mdm.store import Store
from tests.api.conftest import Caller, put
from tests.store.samples import stored_rows

JON = {"name.given": "Jon", "name.family": "Smithson", "phone": "(312) 555-0142", "email": "jon.smithson@example.com"}
JON |= {"birth_date": "1980-02-03"}


def match(client: TestClient, **body: Any) -> dict[str, Any]:
    response = client.post("/v1/match", json=body)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def test_a_known_customer_is_matched_with_evidence_and_nothing_is_written(local: TestClient, store: Store) -> None:
    before = stored_rows(store)
    answer = match(local, entity="person", record=JON)
    assert stored_rows(store) == before
    assert answer["decision"] == "match"
    best = answer["candidates"][0]
    assert best["entity_id"] == answer["entity_id"]
    assert best["grade"] == "certain"
    assert best["weight"] > 6
    assert best["record"] == {"source": "crm", "record_id": "C1"}
    assert best["golden"]["name.family"] == "Smithson"
    email = next(line for line in best["evidence"] if line["comparison"] == "email")
    assert (email["level"], email["left"], email["right"]) == ("same", JON["email"], JON["email"])
    assert email["bits"] == 11.0


def test_a_stranger_is_new(local: TestClient) -> None:
    answer = match(local, entity="person", record={"name.full": "Zoe Zimmer", "phone": "(312) 555-0100"})
    assert (answer["decision"], answer["entity_id"], answer["candidates"]) == ("new", None, [])


ROWS = [
    {"first": "Jon", "last": "Smithson", "phone": "(312) 555-0142", "email": "jon.smithson@example.com"},
    {"first": "Ann", "last": "Smithson", "phone": "(312) 555-0142", "born": "1981-01-01"},
    {"first": "Bea", "last": "Smithson", "phone": "(312) 555-0142"},
    {"first": "Mary", "last": "Poole", "born": "1975-12-01"},
    {"first": "Olga", "last": "Brandt", "phone": "(312) 555-0199"},
    {"first": "Olga", "last": "Quist", "phone": "(312) 555-0199"},
    {"first": "Zoe", "last": "Zimmer"},
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['first']} {row['last']}")
def test_match_says_what_an_upsert_then_does(local: TestClient, row: dict[str, str]) -> None:
    answer = match(local, source="crm", record={"kind": "P", **row})
    stored = put(local, "crm", "new", **row)
    joins = answer["decision"] == "match"
    assert joins == (stored["outcome"] in ("joined", "merged"))
    assert (answer["entity_id"] == stored["entity_id"]) == joins
    assert answer["would_merge"] == [moved["old"] for moved in stored["entities"] if moved["old"] is not None]


def test_columns_of_a_source_and_fields_say_the_same(local: TestClient) -> None:
    row = {"kind": "P", "first": "Jon", "last": "Smithson", "phone": "(312) 555-0142", "born": "1980-02-03"}
    fields = {"name.given": "Jon", "name.family": "Smithson", "phone": "(312) 555-0142", "birth_date": "1980-02-03"}
    by_row, by_field = match(local, source="crm", record=row), match(local, entity="person", record=fields)
    assert by_row["candidates"] == by_field["candidates"]


def test_many_records_are_answered_in_order(local: TestClient) -> None:
    asked = [{"name.full": "Zoe Zimmer"}, JON, {"name.full": "Olga Brandt", "phone": "(312) 555-0199"}]
    results = match(local, entity="person", records=asked)["results"]
    assert results == [match(local, entity="person", record=record) for record in asked]


def test_identical_content_comes_first(local: TestClient) -> None:
    for number in range(4):
        put(local, "web", f"X{number}", name="Bo Rex", phone="(312) 555-0166", email=f"bo{number}@example.com")
    record = {"name.full": "Bo Rex", "phone": "(312) 555-0166", "email": "bo2@example.com"}
    best = match(local, entity="person", record=record)["candidates"][0]
    assert best["record"]["record_id"] == "X2"


REFUSED = [
    ({"record": JON}, "#/entity"),
    ({"entity": "person"}, "#/record"),
    ({"entity": "person", "record": {}}, "#/record"),
    ({"entity": "person", "record": JON, "records": [JON]}, "#/record"),
    ({"entity": "robot", "record": JON}, "#/entity"),
    ({"entity": "person", "record": {"name.givn": "Jon"}}, "#/record/name.givn"),
    ({"entity": "person", "record": {"phone": ["1", "2", "3", "4", "5", "6"]}}, "#/record/phone"),
    ({"entity": "person", "record": {"email": "x" * 5000}}, "#/record/email"),
    ({"entity": "person", "record": {"email": "a\0b"}}, "#/record/email"),
    ({"entity": "person", "record": JON, "country": "ZZ"}, "#/country"),
    ({"entity": "person", "records": [JON] * 1001}, "#/records"),
    ({"source": "crm", "record": {"nothing": "mapped"}}, "#/record/kind"),
    ({"source": "crm", "record": {"kind": "P", "nothing": "mapped"}}, "#/record"),
    ({"source": "crm", "record": {"kind": "X", "first": "Jon"}}, "#/record/kind"),
    ({"entity": "person", "record": JON, "surprise": 1}, "#/surprise"),
]


@pytest.mark.parametrize(("body", "pointer"), REFUSED)
def test_what_cannot_be_read_is_refused_with_its_place(local: TestClient, body: dict[str, Any], pointer: str) -> None:
    response = local.post("/v1/match", json=body)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]


def test_the_role_match_gets_decisions_ids_and_grades_only(caller: Caller) -> None:
    answer = match(caller("match"), entity="person", record=JON)
    assert answer["decision"] == "match"
    assert sorted(answer["candidates"][0]) == ["entity_id", "grade"]
    assert "Smithson" not in str(answer)


def test_a_reader_sees_no_value_of_high_protection(caller: Caller) -> None:
    answer = match(caller("reader"), entity="person", record=JON)
    assert "Smithson" not in str(answer)
    assert answer["candidates"][0]["golden"]["name.family"] == "•••"
    assert "Smithson" in str(match(caller("writer"), entity="person", record=JON))


def test_preview_shows_how_a_record_is_read(local: TestClient) -> None:
    told = local.post("/v1/preview", json={"source": "crm", "record": {"kind": "P", "phone": "312 555 0142", "x": 1}})
    assert told.json()["fields"]["phone"][0]["clean"]["value"] == "+13125550142"
    assert told.json()["unmapped"] == ["x"]
    assert told.json()["keys"]


def test_explain_tells_the_bits(local: TestClient) -> None:
    told = local.post("/v1/explain", json={"left": "crm:C1", "right": "web:W1"}).json()
    assert told["same_entity"] is True
    assert told["weight"] == pytest.approx(told["prior"] + sum(line["bits"] for line in told["evidence"]))
    assert local.post("/v1/explain", json={"left": "crm:C1", "right": "web:none"}).status_code == 404
