"""Entities over HTTP: by id, at a moment, through time, found; the feed of events."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from mdm import crosswalks
from mdm.store import Store
from tests.api.conftest import put


def get(client: TestClient, path: str, **params: Any) -> Any:
    response = client.get(path, params=params)
    assert response.status_code == 200, response.text
    return response.json()


def test_an_entity_shows_values_with_their_origin(local: TestClient) -> None:
    eid = get(local, "/v1/records/crm/C1")["entity_id"]
    told = get(local, f"/v1/entities/{eid}")
    assert [member["record_id"] for member in told["members"]] == ["C1", "W1"]
    assert told["golden"]["name.given"] == "Jon"
    assert told["provenance"]["name.given"]["record_id"] == "C1"


def test_an_old_id_leads_to_the_new_one_and_the_past_stays(local: TestClient) -> None:
    ivy = put(local, "web", "N1", name="Ivy Lane", phone="(312) 555-0121", email="ivy@example.com")["entity_id"]
    other = put(local, "crm", "N2", first="Ivy", last="Stone", phone="(312) 555-0133")["entity_id"]
    put(local, "crm", "N2", first="Ivy", last="Lane", phone="(312) 555-0121", email="ivy@example.com")
    sent_on = local.get(f"/v1/entities/{other}", follow_redirects=False)
    assert (sent_on.status_code, sent_on.headers["location"]) == (307, f"/v1/entities/{ivy}")
    assert get(local, f"/v1/entities/{other}")["entity_id"] == ivy
    past = get(local, f"/v1/entities/{ivy}/history")["history"]
    assert [change["joined"] for change in past] == [["web:N1"], ["crm:N2"]]
    local.delete("/v1/records/crm/N2")
    local.delete("/v1/records/web/N1")
    assert local.get(f"/v1/entities/{ivy}").status_code == 404
    assert [change["left"] for change in get(local, f"/v1/entities/{ivy}/history")["history"]][-1] == ["web:N1"]


def test_an_id_of_another_master_is_an_id(local: TestClient, store: Store, tmp_path: Path) -> None:
    path = tmp_path / "old.csv"
    path.write_text("source,record_id,entity_id\nweb,N1,CUST-77\n")
    with store.writing() as connection:
        crosswalks.import_crosswalk(connection, path, "jane")
    ivy = put(local, "web", "N1", name="Ivy Lane", phone="(312) 555-0121")["entity_id"]
    assert get(local, "/v1/entities/CUST-77")["entity_id"] == ivy
    assert get(local, "/v1/entities/CUST-77/history")["entity_id"] == ivy
    assert get(local, "/v1/entities/CUST-77/how")["entity_id"] == ivy
    assert [found["entity_id"] for found in get(local, "/v1/entities", q="CUST-77")["entities"]] == [ivy]


def test_an_entity_as_it_was(local: TestClient) -> None:
    eid = get(local, "/v1/records/crm/C1")["entity_id"]
    local.delete("/v1/records/web/W1")
    then = get(local, f"/v1/entities/{eid}", as_of="2026-01-02T03:04:05Z")
    assert [member["record_id"] for member in then["members"]] == ["C1", "W1"]
    assert [member["record_id"] for member in get(local, f"/v1/entities/{eid}")["members"]] == ["C1"]
    assert local.get(f"/v1/entities/{eid}", params={"as_of": "2020-01-01T00:00:00Z"}).status_code == 404
    assert local.get(f"/v1/entities/{eid}", params={"as_of": "yesterday"}).status_code == 422


@pytest.mark.parametrize(
    "text", ["312-555-0142", "JON.SMITHSON@example.com", "crm:C1", "Harbour Lights", "+1 312 555 0111"]
)
def test_search_finds_by_what_people_type(local: TestClient, text: str) -> None:
    found = get(local, "/v1/entities", q=text)["entities"]
    names = {member["record_id"] for entity in found for member in entity["members"]}
    assert names & {"C1", "C5"}


def test_search_by_entity_id(local: TestClient) -> None:
    eid = get(local, "/v1/records/crm/C1")["entity_id"]
    assert [entity["entity_id"] for entity in get(local, "/v1/entities", q=eid.lower())["entities"]] == [eid]
    assert get(local, "/v1/entities", q="Nobody Atall")["entities"] == []


def test_how_an_entity_came_together(local: TestClient) -> None:
    eid = get(local, "/v1/records/crm/C1")["entity_id"]
    told = get(local, f"/v1/entities/{eid}/how")
    assert told["members"] == ["crm:C1", "web:W1"]
    assert told["links"][0]["bits"] > 6


def test_the_feed_is_read_by_cursor(local: TestClient) -> None:
    put(local, "web", "N1", name="Ivy Lane")
    local.delete("/v1/records/web/N1")
    every = get(local, "/v1/events", limit=1000)
    numbers = [event["event_no"] for event in every["events"]]
    assert numbers == list(range(1, len(numbers) + 1))
    assert [event["kind"] for event in every["events"]][-2:] == ["created", "retired"]
    after, seen = 0, []
    while page := get(local, "/v1/events", after=after, limit=3)["events"]:
        seen += page
        after = page[-1]["event_no"]
    assert seen == every["events"]
    assert "Lane" not in str(every)
