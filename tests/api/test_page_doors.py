"""Who may see pages and send forms: every page, every role; sessions, forged forms, the policy of content."""

from __future__ import annotations

import re
from typing import Any

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from api.attempts import PER_ADDRESS, PER_NAME, PERIOD_SECONDS, Attempts
from api.security import OPEN, is_page, role_of
from mdm import accounts
from mdm.masking import MASK, ROLES
from mdm.store import Store, access
from tests.api.conftest import Caller
from tests.api.test_doors import routes
from tests.api.visitors import PASSWORD, Visit, Visitor, add_people
from tests.store.samples import stored_rows

PATHS = {"task_id": "1", "verdict_id": "1", "entity": "E0000001T", "name": "pages.css"}
PAGES = [route for route in routes() if is_page(route)]
SECRETS = ("Smithson", "jon.smithson@example.com", "3125550142", "1980-02-03", "Jonathan")


def call(visitor: Visitor, route: APIRoute) -> int:
    path = route.path.format(**PATHS)
    if "GET" in (route.methods or ()):
        return visitor.get(path).status_code
    return visitor.send(path).status_code


def test_every_page_is_closed_to_those_below_its_role(visit: Visit) -> None:
    assert len(PAGES) > 20
    for role in ROLES:
        visitor = visit(role)
        for route in PAGES:
            needed = role_of(route)
            if needed != OPEN:
                allowed = ROLES.index(role) >= ROLES.index(needed or "")
                assert (call(visitor, route) != 403) == allowed, (route.path, role)


def test_nobody_is_sent_to_sign_in(visit: Visit) -> None:
    nobody = visit("")
    nobody.see("/sign-in")
    for route in PAGES:
        if role_of(route) != OPEN:
            status = call(nobody, route)
            assert status == (303 if "GET" in (route.methods or ()) else 401), route.path
    assert nobody.get("/queue?kind=match").headers["location"] == "/sign-in?next=%2Fqueue%3Fkind%3Dmatch"


def test_keys_open_no_pages_and_sessions_no_calls(visit: Visit, caller: Caller) -> None:
    assert caller("admin").get("/", follow_redirects=False).status_code == 303
    assert visit("admin").get("/v1/events").status_code == 401


def test_pages_are_open_to_the_machine_itself_until_there_are_users(local: TestClient, store: Store) -> None:
    assert local.get("/", follow_redirects=False).status_code == 200
    add_people(store)
    service: Any = local.app.state.service  # type: ignore[attr-defined]
    service._users = (float("-inf"), False)
    assert local.get("/", follow_redirects=False).status_code == 303
    assert local.get("/v1/events").status_code == 401


def test_signing_in_and_out(visit: Visit) -> None:
    jane = visit("")
    jane.see("/sign-in?next=/queue")
    wrong = jane.send("/sign-in", name="steward", password="wrong", next="/queue")
    assert wrong.status_code == 401 and "Name or password is wrong" in wrong.text
    right = jane.send("/sign-in", name="steward", password=PASSWORD, next="/queue")
    assert (right.status_code, right.headers["location"]) == (303, "/queue")
    cookie = right.headers["set-cookie"].lower()
    assert all(word in cookie for word in ("httponly", "samesite=lax", "path=/")) and "secure" not in cookie
    assert "Sign out" in jane.see("/queue")
    assert jane.send("/sign-out").headers["location"] == "/sign-in?done=signed-out"
    assert jane.get("/queue").status_code == 303


def test_over_https_the_cookie_is_bound_to_the_host(visit: Visit) -> None:
    jane = visit("")
    jane.client.base_url = "https://mdm.example"
    jane.see("/sign-in")
    cookie = jane.send("/sign-in", name="steward", password=PASSWORD, next="/").headers["set-cookie"]
    assert cookie.startswith("__Host-mdm_session=") and "secure" in cookie.lower()
    assert "Queue" in jane.see("/")


@pytest.mark.parametrize("address", ["//evil.example", "https://evil.example", "/\\evil.example", "", "javascript:x"])
def test_nobody_is_sent_elsewhere(visit: Visit, address: str) -> None:
    jane = visit("")
    jane.see("/sign-in")
    assert jane.send("/sign-in", name="steward", password=PASSWORD, next=address).headers["location"] == "/"


def test_guessing_is_slowed_down(visit: Visit) -> None:
    jane = visit("")
    jane.see("/sign-in")
    service: Any = jane.client.app.state.service  # type: ignore[attr-defined]
    for _ in range(PER_NAME):
        service.attempts.failed("steward", "10.1.2.3")
    assert jane.send("/sign-in", name="steward", password=PASSWORD).status_code == 429
    assert jane.send("/sign-in", name="second", password=PASSWORD).status_code == 303


def test_attempts_are_counted_by_name_and_address_for_a_while() -> None:
    now = [0.0]
    attempts = Attempts(lambda: now[0])
    for number in range(PER_ADDRESS):
        assert attempts.may_try(f"name {number}", "here")
        attempts.failed(f"name {number}", "here")
    assert not attempts.may_try("another", "here") and attempts.may_try("another", "there")
    now[0] = PERIOD_SECONDS + 1
    assert attempts.may_try("another", "here")


def test_a_disabled_user_is_out_at_once(visit: Visit, store: Store) -> None:
    jane = visit("steward")
    accounts.disable_user(store, "steward", actor="test")
    assert jane.get("/").status_code == 303


def _forged(jane: Visitor) -> list[tuple[dict[str, str], dict[str, str]]]:
    """(headers, fields) that no form of ours sends."""
    good = {"form_token": jane.token}
    return [
        ({"Sec-Fetch-Site": "cross-site"}, good),
        ({"Sec-Fetch-Site": "same-site"}, good),
        ({"Sec-Fetch-Site": "none"}, good),
        ({}, {}),
        ({}, {"form_token": "0" * 64}),
        ({}, {"form_token": "é"}),
    ]


def test_forged_forms_change_nothing(visit: Visit, store: Store) -> None:
    jane = visit("steward")
    jane.see("/tasks/1")
    before = stored_rows(store)
    for headers, fields in _forged(jane):
        answer = jane.client.post("/tasks/1/decide", data={"verdict": "same", **fields}, headers=headers)
        assert answer.status_code == 403, (headers, fields)
    assert jane.client.post("/tasks/1/decide", json={"verdict": "same"}).status_code == 415
    assert stored_rows(store) == before


def test_without_fetch_metadata_the_origin_decides(visit: Visit) -> None:
    jane = visit("steward")
    jane.see("/queue")
    del jane.client.headers["Sec-Fetch-Site"]
    own = {"Origin": "http://mdm.example"}
    assert jane.client.post("/queue/next", data={"form_token": jane.token}, headers=own).status_code == 303
    foreign = {"Origin": "http://evil.example"}
    assert jane.client.post("/queue/next", data={"form_token": jane.token}, headers=foreign).status_code == 403


def test_the_token_of_another_session_is_refused(visit: Visit) -> None:
    jane, joe = visit("steward"), visit("second")
    jane.see("/queue")
    joe.see("/queue")
    assert jane.token != joe.token
    jane.token = joe.token
    assert jane.send("/queue/next").status_code == 403


ADDRESSES = ("/", "/queue", "/tasks/1", "/search?q=Smithson", "/entities/{entity}", "/quality", "/quarantine", "/model")


def _addresses(local: TestClient) -> list[str]:
    service: Any = local.app.state.service  # type: ignore[attr-defined]
    from mdm.ids import entity_id
    from mdm.store import records

    with service.store.reading() as connection:
        eid = records.by_ids(connection, [("crm", "C1")])[0].eid
    assert eid is not None
    more = ("/activity", "/help", "/sign-in", "/nothing")
    return [address.format(entity=entity_id(eid)) for address in (*ADDRESSES, *more)]


def test_no_page_holds_inline_code_or_asks_elsewhere(local: TestClient, visit: Visit) -> None:
    admin = visit("admin")
    for address in _addresses(local):
        response = admin.get(address)
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert response.headers["cache-control"] == "no-store"
        assert not re.search(r"\sstyle=|\son[a-z]+=|<style|javascript:", response.text), address
        assert not re.search(r"<script(?![^>]*\ssrc=)", response.text), address
        assert not re.search(r'(?:src|href|action)="(?:https?:)?//', response.text), address


def test_values_are_masked_by_role_on_every_page(local: TestClient, visit: Visit) -> None:
    for role in ROLES:
        visitor = visit(role)
        texts = [visitor.get(address).text for address in _addresses(local)]
        found = {secret for secret in SECRETS for text in texts if secret in text.replace('value="Smithson"', "")}
        assert bool(found) == (ROLES.index(role) >= ROLES.index("writer")), (role, found)
        assert any(MASK in text for text in texts) == (role == "reader")


def test_files_are_kept_by_browsers_and_nothing_else_is_served(visit: Visit) -> None:
    nobody = visit("")
    page = nobody.get("/sign-in").text
    for address in re.findall(r'(?:src|href)="(/static/[^"]+)"', page):
        response = nobody.get(address)
        assert response.status_code == 200 and "immutable" in response.headers["cache-control"]
    for name in ("nothing.css", "..%2Frendering.py", "%2e%2e/rendering.py"):
        assert nobody.get(f"/static/{name}").status_code == 404


def test_keys_and_users_close_the_server_alike(local: TestClient, store: Store) -> None:
    service: Any = local.app.state.service  # type: ignore[attr-defined]
    assert not service.guarded()
    with store.writing() as connection:
        access.create(connection, "app", "match", sources=None, expires_at=None)
    service._keys = (float("-inf"), {})
    assert service.guarded()
    assert local.get("/", follow_redirects=False).status_code == 303
