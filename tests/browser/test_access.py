"""Everybody can use the pages: axe finds nothing on any of them, light and dark, narrow and wide; nothing overflows."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import Enter, Served

pytestmark = pytest.mark.slow

RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
}
ADDRESSES = (
    "/",
    "/queue",
    "/queue?kind=conflict",
    "/tasks/1",
    "/tasks/1?preview=same",
    "/search?q=crm:C1",
    "/quality",
    "/quarantine?every=1",
    "/model",
    "/activity",
    "/help",
    "/tasks/999999",
)


def addresses(page: Page) -> list[str]:
    page.goto("/search?q=crm:C1")
    entity = page.get_by_role("table").get_by_role("link").first.get_attribute("href")
    assert entity is not None
    return [*ADDRESSES, entity, f"{entity}?pick=falling"]


def violations(page: Page) -> list[str]:
    """What axe finds, with the first place of each."""
    found: list[dict[str, Any]] = Axe().run(page, options=RULES).response["violations"]
    return [f"{page.url}: {each['id']} {each['nodes'][0]['html'][:200]}" for each in found]


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "dark")])
def test_axe_finds_nothing_and_nothing_overflows(served: Served, enter: Enter, width: int, scheme: str) -> None:
    page = enter(served, "ada", color_scheme=scheme, viewport={"width": width, "height": 800})
    found = []
    for address in addresses(page):
        page.goto(address)
        # What is folded away counts too.
        page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
        found += violations(page)
        wide = page.evaluate("document.documentElement.scrollWidth")
        found += [f"{address} is {wide} wide"] if wide > width else []
    page.context.clear_cookies()
    page.goto("/sign-in")
    found += violations(page)
    assert found == []


def test_the_keyboard_reaches_the_content_first(served: Served, enter: Enter) -> None:
    page = enter(served, "jane")
    page.goto("/queue")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
