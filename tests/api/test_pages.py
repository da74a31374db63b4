"""What stewards do on pages: queue, task, decisions, undo, split, pin, quarantine; and what they see of it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.pages.differences import marked
from mdm.ids import entity_id
from mdm.policy import ProjectPolicy
from mdm.store import Store, queue, records, verdicts
from mdm.store.queue import Wanted
from mdm.store.verdicts import Identity
from tests.api.conftest import put
from tests.api.visitors import Visit, Visitor, field_of
from tests.store.samples import stored_rows

JON, ANN, MARY = ("crm", "C1"), ("crm", "C2"), ("crm", "C3")


def homes(store: Store, *names: Identity) -> list[int | None]:
    with store.reading() as connection:
        found = {(r.source, r.record_id): r.eid for r in records.by_ids(connection, names)}
    return [found[name] for name in names]


def address_of(store: Store, name: Identity) -> str:
    (eid,) = homes(store, name)
    assert eid is not None
    return f"/entities/{entity_id(eid)}"


def open_task(store: Store) -> int:
    with store.reading() as connection:
        (task,) = queue.page(connection, Wanted(), "2026-01-02T03:04:05Z", None, 10)
    return task.task_id


def undo_of(page: str) -> str:
    """Where the first undo of a page is sent."""
    found = re.search(r'action="(/verdicts/\d+/undo)"', page)
    assert found is not None
    return found.group(1)


def answer(jane: Visitor, number: int, verdict: str, **more: Any) -> Any:
    page = jane.see(f"/tasks/{number}")
    return jane.send(f"/tasks/{number}/decide", verdict=verdict, version=field_of(page, "version"), **more)


def test_the_queue_shows_what_is_asked_and_filters(visit: Visit, store: Store) -> None:
    jane, number = visit("steward"), open_task(store)
    page = jane.see("/queue")
    assert f'href="/tasks/{number}"' in page and "Jon" in page and "Ann" in page
    for query, there in (
        ("kind=match", True),
        ("kind=conflict", False),
        ("type=organisation", False),
        ("source=crm", True),
        ("source=web", False),
        ("low=0&high=6", True),
        ("low=%E2%88%921,5", True),
        ("high=0", False),
        ("q=crm:C2", True),
        ("q=crm:C3", False),
        ("state=applied", False),
        ("for=me", False),
        ("for=claimed", False),
    ):
        assert (f'href="/tasks/{number}' in jane.see(f"/queue?{query}")) == there, query
    assert jane.get("/queue?low=x").status_code == 422
    assert jane.get("/queue?state=odd").status_code == 422


def test_a_task_shows_both_sides_evidence_and_what_a_merge_would_say(visit: Visit, store: Store) -> None:
    page = visit("steward").see(f"/tasks/{open_task(store)}")
    for text in ("Merged it would say", "≠</b> different", "</b> same", "before any evidence", "Preview", "★"):
        assert text in page, text
    assert "<mark>" in page and re.search(r'data-key="s"[^>]*>Same', page)


def test_a_preview_changes_nothing(visit: Visit, store: Store) -> None:
    jane, number = visit("steward"), open_task(store)
    before = stored_rows(store)
    page = jane.see(f"/tasks/{number}?preview=same")
    assert "What <strong>same</strong> would do" in page and "1 merged" in page
    assert stored_rows(store) == before


def test_an_answer_is_applied_and_undone(visit: Visit, store: Store) -> None:
    jane, number = visit("steward"), open_task(store)
    before = homes(store, JON, ANN)
    response = answer(jane, number, "same", reason="document", comment="seen the papers")
    assert response.status_code == 303
    jon, ann = homes(store, JON, ANN)
    assert jon == ann
    assert "Decided." in jane.see(response.headers["location"])
    page = jane.see(address_of(store, JON))
    assert "an official document was seen" in page
    with store.reading() as connection:
        (verdict,) = verdicts.active(connection)
    assert (verdict.kind, verdict.actor, verdict.comment) == ("same", "steward", "seen the papers")
    undone = jane.send(f"/verdicts/{verdict.verdict_id}/undo", then="/queue")
    assert undone.headers["location"] == "/queue?done=undone"
    assert homes(store, JON, ANN) == before
    assert jane.send(f"/verdicts/{verdict.verdict_id}/undo", then="/queue").status_code == 409


def test_the_next_task_comes_claimed_and_with_the_undo_of_the_last(
    visit: Visit, store: Store, local: TestClient
) -> None:
    jane = visit("steward")
    service: Any = local.app.state.service  # type: ignore[attr-defined]
    service.resolver.put(
        service.resolver.reception.of_row("web", "W9", {"kind": "P", "name": "Zoe Poole", "phone": "312-555-0177"}),
        actor="test",
    )
    jane.see("/queue")
    first = jane.send("/queue/next").headers["location"]
    assert "claimed by you" in re.sub(r"<[^>]+>", "", jane.see(first))
    number = int(first.rpartition("/")[2])
    second = answer(jane, number, "different", reason="document").headers["location"]
    page = jane.see(second)
    assert "The last one is decided: <strong>different</strong>" in page
    assert "claimed by you" in re.sub(r"<[^>]+>", "", page)
    jane.send(undo_of(page), then=second)
    assert str(number) in jane.see("/queue?state=queued")


def test_a_stale_or_claimed_or_closed_task_is_shown_anew(visit: Visit, store: Store, local: TestClient) -> None:
    jane, joe, number = visit("steward"), visit("second"), open_task(store)
    jane.see(f"/tasks/{number}")
    stale = jane.send(f"/tasks/{number}/decide", verdict="same", version=99)
    assert stale.status_code == 409 and "Not done:" in stale.text and "This is the task as it is now" in stale.text
    jane.send(f"/tasks/{number}/claim")
    joe.see(f"/tasks/{number}")
    taken = joe.send(f"/tasks/{number}/decide", verdict="same", version=1)
    assert taken.status_code == 409 and "steward works on task" in taken.text
    assert homes(store, JON, ANN)[0] != homes(store, JON, ANN)[1]
    jane.send(f"/tasks/{number}/release")
    assert answer(joe, number, "same").status_code == 303
    closed = jane.send(f"/tasks/{number}/decide", verdict="different", version=1)
    assert closed.status_code == 409 and "already" in closed.text


def test_tasks_are_put_off_assigned_and_let_go(visit: Visit, store: Store) -> None:
    jane, number = visit("steward"), open_task(store)
    page = jane.see(f"/tasks/{number}")
    jane.send(f"/tasks/{number}/assign", assignee="second")
    assert "for second" in re.sub(r"<[^>]+>", "", jane.see(f"/tasks/{number}"))
    assert jane.send("/queue/next").headers["location"].startswith("/queue?done=no-more")
    assert visit("second").see("/queue?for=me").count(f'href="/tasks/{number}') == 1
    jane.see(f"/tasks/{number}")
    later = jane.send(f"/tasks/{number}/defer", version=field_of(page, "version"), hours="48")
    assert later.headers["location"].startswith("/queue?done=no-more")
    assert "Put off until" in jane.see(f"/tasks/{number}")


def test_what_nobody_knows_is_put_off(visit: Visit, store: Store) -> None:
    jane, number = visit("steward"), open_task(store)
    assert "decided-deferred" in answer(jane, number, "unsure").headers["location"]
    assert "Put off until" in jane.see(f"/tasks/{number}")


def test_four_eyes(visit: Visit, store: Store, local: TestClient, policy: ProjectPolicy) -> None:
    text = policy.file.path.read_text()
    policy.file.path.write_text(text + "stewardship: {four_eyes: {sources: [crm]}}\n")
    service: Any = local.app.state.service  # type: ignore[attr-defined]
    service._loaded = float("-inf")
    assert service._reload()
    jane, joe, number = visit("steward"), visit("second"), open_task(store)
    assert "decided-pending" in answer(jane, number, "same", reason="document").headers["location"]
    page = jane.see(f"/tasks/{number}")
    assert "Proposed: same" in page and "records of crm are affected" in page
    own = jane.send(f"/tasks/{number}/approve", version=field_of(page, "version"))
    assert own.status_code == 409 and "another person has to agree" in own.text
    assert homes(store, JON, ANN)[0] != homes(store, JON, ANN)[1]
    page = joe.see(f"/tasks/{number}")
    assert joe.send(f"/tasks/{number}/approve", version=field_of(page, "version")).status_code == 303
    assert homes(store, JON, ANN)[0] == homes(store, JON, ANN)[1]


def test_four_eyes_may_not_agree(visit: Visit, store: Store, local: TestClient, policy: ProjectPolicy) -> None:
    policy.file.path.write_text(policy.file.path.read_text() + "stewardship: {four_eyes: {sources: [crm]}}\n")
    service: Any = local.app.state.service  # type: ignore[attr-defined]
    service._loaded = float("-inf")
    assert service._reload()
    jane, joe, number = visit("steward"), visit("second"), open_task(store)
    answer(jane, number, "same")
    page = joe.see(f"/tasks/{number}")
    joe.send(f"/tasks/{number}/reject", version=field_of(page, "version"), comment="papers of another")
    assert "papers of another" in jane.see(f"/tasks/{number}")
    assert homes(store, JON, ANN)[0] != homes(store, JON, ANN)[1]


def test_an_entity_says_why_and_is_split_and_joined_again(visit: Visit, store: Store) -> None:
    jane, address = visit("steward"), address_of(store, JON)
    page = jane.see(address)
    for text in ("the most trusted source", "How it hangs together", "History", "web:W1", "trust 90"):
        assert text in page, text
    version = field_of(page, "version")
    preview = jane.send(f"{address}/split/preview", member="web:W1", version=version)
    assert preview.status_code == 200 and "What <strong>the split</strong> would do" in preview.text
    assert jane.send(f"{address}/split", member="web:W1", version=version, reason="document").status_code == 303
    assert len(set(homes(store, JON, ("web", "W1")))) == 2
    stale = jane.send(f"{address}/split", member="web:W1", version=version)
    assert stale.status_code == 409 and "changed since this page was opened" in stale.text
    page = jane.see(address_of(store, JON))
    jane.send(undo_of(page), then=address)
    assert len(set(homes(store, JON, ("web", "W1")))) == 1


def test_a_split_names_records(visit: Visit, store: Store) -> None:
    jane, address = visit("steward"), address_of(store, JON)
    version = field_of(jane.see(address), "version")
    nobody = jane.send(f"{address}/split", version=version)
    assert nobody.status_code == 422 and "tick the records" in nobody.text
    assert jane.send(f"{address}/split/preview", version=version).status_code == 409


def test_an_entity_is_confirmed_and_merged(visit: Visit, store: Store) -> None:
    jane, address = visit("steward"), address_of(store, JON)
    version = field_of(jane.see(address), "version")
    assert jane.send(f"{address}/confirm", version=version, reason="contacted").status_code == 303
    mary = address_of(store, MARY)
    version = field_of(jane.see(mary), "version")
    olga = address_of(store, ("web", "W3")).rpartition("/")[2]
    assert jane.send(f"{mary}/merge", version=version, other=olga).status_code == 303
    assert len(set(homes(store, MARY, ("web", "W3")))) == 1


def test_a_value_is_pinned_and_let_go(visit: Visit, store: Store) -> None:
    jane, address = visit("steward"), address_of(store, JON)
    jane.see(address)
    sent = jane.send(f"{address}/pin", field="email", value="jon@right.example", reason="called him")
    assert sent.status_code == 303, sent.text
    page = jane.see(address)
    assert "jon@right.example" in page and "pinned by a steward" in page
    wrong = jane.send(f"{address}/pin", field="email", value="")
    assert wrong.status_code == 422 and "Not done:" in wrong.text
    jane.send(undo_of(page), then=address)
    assert "jon@right.example" not in jane.see(address)


def test_an_entity_as_it_was(visit: Visit, store: Store) -> None:
    jane = visit("steward")
    address = address_of(store, JON)
    assert "As it was at" in jane.see(f"{address}?as_of=2026-01-02T03:04:05Z")
    assert jane.get(f"{address}?as_of=2025-01-01").status_code == 404
    assert jane.get(f"{address}?as_of=yesterday").status_code == 422
    joined = answer(jane, open_task(store), "same")
    assert joined.status_code == 303
    gone = next(a for a in (address, address_of(store, ANN)) if jane.get(a).status_code == 200)
    assert jane.see(address).count(gone.rpartition("/")[2]) > 0


def test_quarantined_records_are_released_and_discarded(visit: Visit, store: Store) -> None:
    jane = visit("steward")
    page = jane.see("/quarantine")
    assert "crm:C4" in page and "person.empty" in page
    assert jane.send("/quarantine/release").status_code == 422
    assert jane.send("/quarantine/discard", record="crm:C4", reason="test").status_code == 303
    assert "crm:C4" not in jane.see("/quarantine") and "discarded" in jane.see("/quarantine?every=1")
    assert jane.send("/quarantine/release", record="crm:C4", reason="a real person").status_code == 303
    assert homes(store, ("crm", "C4")) != [None]
    again = jane.send("/quarantine/release", record="crm:C4")
    assert again.status_code == 409 and "not in quarantine" in again.text


def test_what_data_says_is_text_and_never_markup(visit: Visit, local: TestClient, store: Store) -> None:
    evil = '<script>alert("x")</script>'
    service: Any = local.app.state.service  # type: ignore[attr-defined]
    row = {"kind": "P", "name": f"Eva {evil}", "phone": "312-555-0142", "born": "1980-02-03"}
    service.resolver.put(service.resolver.reception.of_row("web", 'W"><b>9', row), actor="<i>test</i>")
    jane = visit("steward")
    for address in ("/", "/queue", "/search?q=<b>x</b>", "/activity", address_of(store, ("web", 'W"><b>9'))):
        text = jane.get(address).text
        assert "<b>9" not in text and "<script>alert" not in text and "<b>x" not in text and "<i>test" not in text


def test_the_activity_tells_who_did_what(visit: Visit, store: Store) -> None:
    jane, number = visit("steward"), open_task(store)
    answer(jane, number, "different", reason="document", comment="two people")
    page = jane.see("/activity")
    assert "verdict.given" in page and "two people" in page and "session.opened" in page
    assert "session.opened" not in jane.see("/activity?action=verdict")
    assert "verdict.given" not in jane.see("/activity?actor=second")


def test_model_quality_and_overview_say_what_there_is(visit: Visit) -> None:
    reader = visit("reader")
    assert "Merged from" in reader.see("/model") and "person-start" in reader.see("/model")
    assert "completeness" in reader.see("/quality")
    overview = reader.see("/")
    assert "Open questions" in overview and "1 match" in overview


def test_search_finds_by_name_phone_and_id(visit: Visit, store: Store) -> None:
    jane = visit("steward")
    name = address_of(store, JON)
    for text in ("312-555-0142", "jon.smithson@example.com", "crm:C1", name.rpartition("/")[2]):
        assert f'href="{name}"' in jane.see(f"/search?q={text}"), text
    assert "0 found" in jane.see("/search?q=Nobody Atall")


@pytest.mark.parametrize(
    ("left", "right", "wanted"),
    [
        ("Jon Smith", "Jon Smyth", ("Sm", "i", "th")),
        ("Thúy", "Thủy", ("Th", "ú", "y")),
        ("رضایی", "رضائی", ("رضا", "ی", "ی")),
    ],
)
def test_differences_are_marked_sign_by_sign(left: str, right: str, wanted: tuple[str, ...]) -> None:
    one, other = marked(left, right)
    assert "".join(text for text, _ in one) == left and "".join(text for text, _ in other) == right
    assert [text for text, differs in one if differs] == [wanted[1]]
    assert marked("alpha", "zzz") == ((("alpha", False),), (("zzz", False),))


def test_records_stored_by_callers_appear_on_pages(local: TestClient) -> None:
    put(local, "web", "N1", name="Ivy Lane", phone="312-555-0190")
    assert "Ivy Lane" in local.get("/search?q=312-555-0190").text


def test_masked_values_are_shown_once_for_a_reason(visit: Visit, store: Store) -> None:
    rita, address = visit("reader"), address_of(store, JON)
    assert "Smithson" not in rita.see(address)
    refused = rita.send(f"{address}/unmask", reason="because")
    assert refused.status_code == 422 and "Smithson" not in refused.text
    shown = rita.send(f"{address}/unmask", reason="a call of the customer")
    assert "Jon" in shown.text and "Split off the ticked" not in shown.text
    assert "Smithson" not in rita.see(address)
    trail = visit("steward").see("/activity?action=values.unmasked&actor=reader")
    assert "a call of the customer" in trail and address.rpartition("/")[2] in trail


def test_one_answer_to_all_of_a_filter(visit: Visit, store: Store) -> None:
    jane, number = visit("steward"), open_task(store)
    page = jane.see("/queue/bulk?kind=match")
    seen = field_of(page, "seen")
    assert f'href="/tasks/{number}"' in page
    odd = jane.send("/queue/bulk", queue="kind=match", seen="0" * 32, verdict="different")
    assert odd.status_code == 409 and "look at it anew" in odd.text
    done = jane.send("/queue/bulk", queue="kind=match", seen=seen, verdict="different", reason="evidence")
    assert done.status_code == 200 and "What became of 1 tasks" in done.text and "applied" in done.text


def test_related_customers_are_shown_on_both(visit: Visit, store: Store) -> None:
    jane, number = visit("steward"), open_task(store)
    answer(jane, number, "related", relation="household")
    for one in (JON, ANN):
        page = jane.see(address_of(store, one))
        assert "Related, and not the same" in page and "household" in page


def test_refused_decisions_stand_in_the_trail(visit: Visit, store: Store) -> None:
    jane, number = visit("steward"), open_task(store)
    jane.see(f"/tasks/{number}")
    before = stored_rows(store)
    assert jane.send(f"/tasks/{number}/decide", verdict="same", version=99).status_code == 409
    after = stored_rows(store)
    assert {name for name in after if after[name] != before[name]} <= {"audit", "counter"}
    assert "decision.refused" in jane.see("/activity?action=decision")
