"""A real server over a real store, and a real browser: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import URLError

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from mdm import accounts
from mdm.policy import load_policy
from mdm.store import open_store
from tests.api.visitors import PASSWORD
from tests.mdm.small_project import CRM, WEB, run_first, write_project

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# Namesakes and households in three scripts, each of them close enough to be asked about.
PEOPLE_CRM = """\
C7,P,علی,رضایی,,+98 21 8888 1234,ali@example.com,1980-01-02,تهران,2024-01-10
C8,P,Thúy,Nguyễn,,028 3822 1234,thuy@example.com,1990-04-05,Hà Nội,2024-01-11
C9,P,Eva,Berg,,(312) 555-0133,eva@example.com,1991-01-01,Chicago,2024-01-11
"""
PEOPLE_WEB = """\
W7,P,علی رضایی,+98 21 8888 1234,,1981-05-06,2024-03-06
W8,P,Thủy Nguyễn,028 3822 1234,,1992-04-05,2024-03-07
W9,P,Eva Berg,(312) 555-0133,other@example.com,1993-01-01,2024-03-07
"""
FOUR_EYES = "stewardship: {four_eyes: {sources: [web], records: null}}\n"
TIMEOUT_MS = 60_000
PEOPLE = (("jane", "steward"), ("joe", "steward"), ("rita", "reader"), ("ada", "admin"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium. Its absence is an error: `make test` installs it where it may."""
    assert CHROMIUM.exists(), "install Debian's chromium and fonts-noto-core: the browser tests need them"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def stored(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a project that has seen a run, and people who may sign in."""
    folder = tmp_path_factory.mktemp("stored")
    shutil.copy(sqlite_template, folder / "store.db")
    project = write_project(folder, CRM + PEOPLE_CRM, WEB + PEOPLE_WEB)
    store = open_store(f"sqlite:///{folder / 'store.db'}")
    run_first(store, load_policy(project))
    for name, role in PEOPLE:
        accounts.add_user(store, name, role, PASSWORD, actor="test")
    store.close()
    return folder


class Served:
    """A running server."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.url = f"http://127.0.0.1:{port}"
        self.store_url = f"sqlite:///{folder / 'store.db'}"


@pytest.fixture
def served(stored: Path, tmp_path: Path) -> Iterator[Served]:
    """`mdm serve` over a copy of the project."""
    yield from _serving(stored, tmp_path, "")


@pytest.fixture
def served_strictly(stored: Path, tmp_path: Path) -> Iterator[Served]:
    """The same where a second person has to agree to what touches the source web."""
    yield from _serving(stored, tmp_path, FOUR_EYES)


def _serving(stored: Path, folder: Path, more: str) -> Iterator[Served]:
    shutil.copytree(stored, folder / "copy")
    project = folder / "copy" / "project.yaml"
    project.write_text(project.read_text() + more)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    served = Served(folder / "copy", port)
    command = [sys.executable, "-m", "mdm", "serve", "-p", str(project), "--port", str(port)]
    log = (folder / "server.log").open("w")
    process = subprocess.Popen(
        command, env=os.environ | {"MDM_STORE": served.store_url}, stdout=log, stderr=subprocess.STDOUT
    )
    try:
        _wait_for(served.url, process)
        yield served
    finally:
        process.terminate()
        process.wait(60)
        log.close()


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        assert process.poll() is None, "the server ended"
        try:
            with urllib.request.urlopen(f"{url}/healthz", timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.1)
    raise AssertionError("the server did not start")


Enter = Callable[..., Page]


@pytest.fixture
def enter(browser: Browser) -> Iterator[Enter]:
    """Opens a page for a person who signs in; options as for a browser context. Nothing on it may fail silently."""
    contexts: list[BrowserContext] = []
    troubles: list[str] = []

    def sign_in(served: Served, name: str, **options: object) -> Page:
        context = browser.new_context(base_url=served.url, **options)  # type: ignore[arg-type]
        context.set_default_timeout(TIMEOUT_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda told: troubles.append(told.text) if _is_trouble(told.text, told.type) else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.goto("/sign-in")
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{served.url}/")
        return page

    yield sign_in
    for context in contexts:
        context.close()
    assert troubles == []


def _is_trouble(text: str, kind: str) -> bool:
    # The browser reports a refused decision (409) and a page that is not there (404) as errors of the page's.
    return kind in ("error", "warning") and not any(status in text for status in ("404", "409"))
