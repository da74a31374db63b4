"""Who may enter: every route, every role; limits, ids of requests, headers, logs."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from api.app import create_app
from api.security import OPEN, is_page, role_of
from api.settings import Settings
from mdm import keyring
from mdm.errors import Unavailable
from mdm.keyring import Wanted
from mdm.masking import ROLES
from mdm.policy import ProjectPolicy
from mdm.store import Store, open_store
from tests.api.conftest import Caller, put
from tests.conftest import MOMENT

PATHS = {"source": "crm", "record_id": "C1", "entity": "E0000001T", "task_id": "1", "verdict_id": "1"}


def routes() -> list[APIRoute]:
    app = create_app(Settings(Path("project.yaml")))
    own: list[Any] = [route for route in app.routes if getattr(route, "path", None) != "/openapi.json"]
    found = [route for included in own for route in included.original_router.routes]
    assert all(isinstance(route, APIRoute) for route in found)
    return found


def call(client: TestClient, route: APIRoute) -> int:
    path = route.path.replace(":path", "").format(**PATHS)
    method = next(iter(route.methods or ()))
    return client.request(method, path, json={}, follow_redirects=False).status_code


def test_every_route_says_who_may_call_it() -> None:
    assert len(routes()) > 10
    assert [route.path for route in routes() if role_of(route) not in (*ROLES, OPEN)] == []
    open_ = {route.path for route in routes() if role_of(route) == OPEN}
    assert open_ == {"/healthz", "/readyz", "/sign-in", "/sign-out", "/static/{name}"}


def test_every_route_is_closed_to_those_below_its_role(caller: Caller) -> None:
    for route in routes():
        needed = role_of(route)
        if is_page(route):
            continue
        if needed == OPEN:
            assert call(caller("nobody"), route) == 200
            continue
        assert call(caller("nobody"), route) == 401, route.path
        for role in ROLES:
            refused = call(caller(role), route) in (401, 403)
            assert refused == (ROLES.index(role) < ROLES.index(needed or "")), (route.path, role)


def test_a_route_without_a_role_is_open_to_nobody(caller: Caller) -> None:
    client = caller("admin")
    client.app.add_api_route("/forgotten", lambda: "secret", methods=["GET"])  # type: ignore[attr-defined]
    assert client.get("/forgotten").status_code == 403


@pytest.mark.parametrize("host", ["mdm.example", "10.0.0.1", "127.0.0.1.evil.example"])
def test_without_keys_only_the_machine_itself_is_served(local: TestClient, host: str) -> None:
    assert local.get("/v1/events").status_code == 200
    assert (
        TestClient(local.app, base_url="http://127.0.0.1", client=("10.1.2.3", 5)).get("/v1/events").status_code == 401
    )
    assert local.get("/v1/events", headers={"Host": host}).status_code == 401
    assert local.get("/v1/events", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 401


def test_keys_expire_are_revoked_and_keep_to_their_sources(
    local: TestClient, store: Store, policy: ProjectPolicy
) -> None:
    service: Any = local.app.state.service  # type: ignore[attr-defined]

    def client(secret: str) -> TestClient:
        service._keys = (float("-inf"), {})
        return TestClient(local.app, headers={"Authorization": f"Bearer {secret}"}, client=("10.1.2.3", 5))

    limited = keyring.add_key(store, policy, Wanted("web only", "writer", ("web",)), actor="test")
    assert put(client(limited), "web", "N1", name="Ivy Lane")["outcome"] == "created"
    assert client(limited).put("/v1/records/crm/N1", json={"record": {"kind": "P", "first": "I"}}).status_code == 403
    old = open_store(store.url, clock=lambda: MOMENT - timedelta(days=9000))
    expired = keyring.add_key(old, policy, Wanted("expired", "admin", None, 1), actor="test")
    old.close()
    assert client(expired).get("/v1/events").status_code == 401
    keyring.revoke_key(store, "web only", actor="test")
    assert client(limited).get("/v1/events").status_code == 401
    # Having had keys, the server never becomes open again.
    assert client("").get("/v1/events").status_code == 401
    assert local.get("/v1/events").status_code == 401


def test_secrets_are_stored_nowhere(store: Store, policy: ProjectPolicy) -> None:
    from tests.store.samples import stored_rows

    secret = keyring.add_key(store, policy, Wanted("app", "reader"), actor="test")
    assert secret not in str(stored_rows(store))


def test_bodies_have_a_limit(local: TestClient) -> None:
    response = local.post("/v1/match", content=b"x" * 2_000_001)
    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")
    pieces = (b"x" * 100_000 for _ in range(30))
    assert local.post("/v1/match", content=pieces).status_code == 413


def test_requests_have_ids_and_answers_are_cautious(local: TestClient) -> None:
    given = local.get("/healthz", headers={"X-Request-ID": "abc-1"})
    assert given.headers["x-request-id"] == "abc-1"
    assert local.get("/healthz", headers={"X-Request-ID": "bad id"}).headers["x-request-id"] != "bad id"
    for name in ("x-content-type-options", "content-security-policy", "cache-control", "x-frame-options"):
        assert name in given.headers


def test_logs_hold_no_personal_data(local: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "mdm.api"):
        put(local, "web", "jon.secret@example.com", name="Ivy Secret")
        local.get("/v1/entities", params={"q": "Ivy Secret"})
        local.post("/v1/match", json={"entity": "person", "record": {"name.full": "Ivy Secret"}})
        local.post("/v1/match", json={"entity": "person", "record": {"name.full": ["Secret"] * 9}})
    lines = [orjson.loads(record.message) for record in caplog.records if record.name == "mdm.api"]
    assert lines[0]["route"] == "/v1/records/{source}/{record_id:path}"
    assert len(lines) == 4 and "ecret" not in str(lines)


def test_problems_are_problems(local: TestClient) -> None:
    for response in (
        local.get("/v1/nothing"),
        local.patch("/v1/match"),
        local.post("/v1/match", content=b"{", headers={"content-type": "application/json"}),
        local.get("/v1/entities/E0"),
    ):
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["status"] == response.status_code


def test_another_policy_answers_503_until_the_file_is_right(local: TestClient, policy: ProjectPolicy) -> None:
    text = policy.file.path.read_text()
    service: Any = local.app.state.service  # type: ignore[attr-defined]
    policy.file.path.write_text(text.replace("trust: 50", "trust: 51"))
    service._reload()
    body = {"entity": "person", "record": {"name.full": "Ivy"}}
    assert local.post("/v1/match", json=body).status_code == 503
    assert local.get("/readyz").status_code == 503
    policy.file.path.write_text(text)
    service._loaded = float("-inf")
    assert local.post("/v1/match", json=body).status_code == 200
    assert local.get("/readyz").status_code == 200


def test_metrics_tell_what_was_done(local: TestClient) -> None:
    local.post("/v1/match", json={"entity": "person", "record": {"name.full": "Ivy"}})
    put(local, "web", "N1", name="Ivy Lane")
    text = local.get("/metrics").text
    assert 'mdm_match_decisions_total{decision="new"} 1' in text
    assert 'mdm_record_outcomes_total{outcome="created"} 1' in text
    assert "mdm_records_unresolved 0" in text
    assert "mdm_tasks_open 1" in text
    assert 'mdm_requests_total{route="/v1/match",status="200"} 1' in text


def test_sqlite_has_one_server(local: TestClient, store: Store, policy: ProjectPolicy) -> None:
    second = TestClient(create_app(Settings(policy.file.path, store.url)))
    if store.dialect == "postgresql":
        with second:
            return
    with pytest.raises(Unavailable, match="one server process"), second:
        pass
