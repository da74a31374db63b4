"""A steward's day in a real browser: sign in, claim, decide by keyboard, preview, conflict, undo, split, pin."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from mdm.store import audit, open_store, records, verdicts
from tests.browser.conftest import Enter, Served

pytestmark = pytest.mark.slow


def homes(served: Served, *names: tuple[str, str]) -> list[int | None]:
    store = open_store(served.store_url)
    with store.reading() as connection:
        found = {(r.source, r.record_id): r.eid for r in records.by_ids(connection, names)}
        assert audit.check_chain(connection) is None
    store.close()
    return [found[name] for name in names]


def kinds_of(served: Served) -> list[tuple[str, str]]:
    """The verdicts that hold, with who gave them."""
    store = open_store(served.store_url)
    with store.reading() as connection:
        found = [(verdict.kind, verdict.actor) for verdict in verdicts.active(connection)]
    store.close()
    return found


def open_task(page: Page, text: str) -> None:
    """Open the task about somebody from the queue."""
    page.goto("/queue")
    page.get_by_role("row").filter(has_text=text).get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Task")


def test_a_day_by_keyboard(served: Served, enter: Enter) -> None:
    page = enter(served, "jane")
    page.keyboard.press("g")
    page.keyboard.press("q")
    expect(page).to_have_url(re.compile("/queue$"))
    page.keyboard.press("j")
    expect(page.locator("[data-row]").first).to_be_focused()
    page.keyboard.press("n")
    expect(page).to_have_url(re.compile(r"/tasks/\d+$"))
    expect(page.get_by_text("claimed by you")).to_be_visible()
    first = page.url.rpartition("/")[2]
    page.keyboard.press("p")
    expect(page.locator("#preview")).to_contain_text("same would do")
    page.keyboard.press("d")
    expect(page).to_have_url(re.compile(r"/tasks/\d+\?.*last="))
    assert f"/tasks/{first}?" not in page.url
    assert kinds_of(served) == [("different", "jane")]
    page.keyboard.press("z")
    expect(page.get_by_role("status")).to_contain_text("Undone")
    assert kinds_of(served) == []


def test_letters_typed_into_a_field_decide_nothing(served: Served, enter: Enter) -> None:
    page = enter(served, "jane")
    open_task(page, "Eva Berg")
    page.get_by_role("textbox", name="Comment").fill("")
    page.get_by_role("textbox", name="Comment").press_sequentially("sdrul")
    expect(page.get_by_role("textbox", name="Comment")).to_have_value("sdrul")
    assert kinds_of(served) == []


def test_a_second_steward_meets_the_fresh_task(served: Served, enter: Enter) -> None:
    jane, joe = enter(served, "jane"), enter(served, "joe")
    open_task(jane, "Eva Berg")
    open_task(joe, "Eva Berg")
    jane.get_by_role("button", name="Same").click()
    expect(jane).to_have_url(re.compile("done="))
    joe.get_by_role("button", name="Different").click()
    expect(joe.get_by_role("alert")).to_contain_text("Not done:")
    expect(joe.get_by_text("applied", exact=True)).to_be_visible()
    assert kinds_of(served) == [("same", "jane")]
    assert len(set(homes(served, ("crm", "C9"), ("web", "W9")))) == 1


def test_a_claim_keeps_others_off(served: Served, enter: Enter) -> None:
    jane, joe = enter(served, "jane"), enter(served, "joe")
    open_task(jane, "Eva Berg")
    open_task(joe, "Eva Berg")
    jane.keyboard.press("c")
    expect(jane.get_by_text("claimed by you")).to_be_visible()
    joe.keyboard.press("s")
    expect(joe.get_by_role("alert")).to_contain_text("jane works on task")
    assert kinds_of(served) == []


@pytest.mark.parametrize("script", [True, False])
def test_split_pin_and_release_with_and_without_javascript(served: Served, enter: Enter, script: bool) -> None:
    page = enter(served, "jane", java_script_enabled=script)
    page.goto("/search?q=crm:C1")
    page.get_by_role("table").get_by_role("link").first.click()
    page.get_by_label("web:W1 leaves").check()
    page.get_by_role("button", name="Preview the split").click()
    expect(page.locator("#preview")).to_contain_text("the split would do")
    expect(page.get_by_label("web:W1 leaves")).to_be_checked()
    page.get_by_role("button", name="Split off the ticked").click()
    expect(page.get_by_role("status")).to_contain_text("Decided")
    assert len(set(homes(served, ("crm", "C1"), ("web", "W1")))) == 2
    page.get_by_role("button", name="Undo").first.click()
    expect(page.get_by_role("status")).to_contain_text("Undone")
    assert len(set(homes(served, ("crm", "C1"), ("web", "W1")))) == 1

    row = page.get_by_role("row").filter(has_text="jon.smithson@example.com").first
    row.locator("summary").click()
    row.get_by_label("Pin this or another value").fill("jon@right.example")
    row.get_by_role("button", name="Pin").click()
    expect(page.get_by_text("pinned by a steward").first).to_be_visible()

    page.goto("/quarantine")
    page.get_by_label("crm:C4").check()
    page.get_by_label("Reason").fill("a real person")
    page.get_by_role("button", name="Release the ticked").click()
    expect(page.get_by_role("status")).to_contain_text("Released")
    assert homes(served, ("crm", "C4")) != [None]


def test_a_task_without_javascript(served: Served, enter: Enter) -> None:
    page = enter(served, "jane", java_script_enabled=False)
    page.goto("/queue")
    page.get_by_role("button", name="Start with the most urgent").click()
    expect(page.get_by_text("claimed by you")).to_be_visible()
    page.get_by_label("Reason").select_option("family")
    page.get_by_role("button", name="Related").click()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    assert kinds_of(served) == [("related", "jane")]
    page.get_by_role("button", name="Undo").click()
    assert kinds_of(served) == []


def test_four_eyes(served_strictly: Served, enter: Enter) -> None:
    jane, joe = enter(served_strictly, "jane"), enter(served_strictly, "joe")
    open_task(jane, "Eva Berg")
    address = jane.url
    jane.get_by_role("button", name="Same").click()
    expect(jane).to_have_url(re.compile("decided-pending"))
    jane.goto(address)
    jane.get_by_role("button", name=re.compile("^Agree")).click()
    expect(jane.get_by_role("alert")).to_contain_text("another person has to agree")
    assert kinds_of(served_strictly) == []
    joe.goto(address)
    expect(joe.get_by_text("Proposed: same")).to_be_visible()
    joe.get_by_role("button", name=re.compile("^Agree")).click()
    expect(joe).to_have_url(re.compile("decided-applied"))
    assert kinds_of(served_strictly) == [("same", "jane")]


def test_persian_stands_right_and_vietnamese_keeps_its_tones(served: Served, enter: Enter) -> None:
    page = enter(served, "jane")
    open_task(page, "رضایی")
    name = page.locator("bdi.value").filter(has_text="رضایی").first
    assert name.evaluate("element => getComputedStyle(element).direction") == "rtl"
    page.get_by_role("button", name="Different").click()
    assert len(set(homes(served, ("crm", "C7"), ("web", "W7")))) == 2
    open_task(page, "Nguyễn")
    marks = page.locator("mark").all_text_contents()
    assert "ú" in marks and "ủ" in marks
    page.get_by_role("button", name="Different").click()
    assert kinds_of(served) == [("different", "jane"), ("different", "jane")]


def test_a_reader_sees_no_protected_values_and_decides_nothing(served: Served, enter: Enter) -> None:
    page = enter(served, "rita")
    expect(page.get_by_role("navigation")).not_to_contain_text("Queue")
    page.goto("/search?q=crm:C1")
    expect(page.get_by_role("table")).to_contain_text("•••")
    expect(page.get_by_role("table")).not_to_contain_text("Smithson")
    page.get_by_role("table").get_by_role("link").first.click()
    expect(page.get_by_role("button", name="Split off the ticked")).to_have_count(0)
