"""Visitors of the pages: people signed in with a role, who fill in forms as a browser does."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from html import unescape
from typing import Any

from argon2 import PasswordHasher
from fastapi.testclient import TestClient
from httpx2 import Response

from mdm.masking import ROLES
from mdm.store import Store
from mdm.store import accounts as stored_accounts

PASSWORD = "correct horse battery"
ORIGIN = "http://mdm.example"
_TOKEN = re.compile(r'name="form_token" value="(\w+)"')


class Visitor:
    """Somebody with a browser; signed in when a name is given."""

    def __init__(self, app: Any, name: str = "") -> None:
        self.client = TestClient(app, base_url=ORIGIN, client=("10.1.2.3", 5), follow_redirects=False)
        self.client.headers |= {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
        self.token = ""
        if name:
            self.see("/sign-in")
            assert self.send("/sign-in", name=name, password=PASSWORD, next="/").status_code == 303
            self.remember(self.client.get("/"))

    def get(self, address: str) -> Response:
        """The answer to an address."""
        return self.client.get(address)

    def see(self, address: str) -> str:
        """The page at an address, redirects followed; its token is remembered."""
        response = self.client.get(address, follow_redirects=True)
        assert response.status_code == 200, (address, response.status_code, response.text[:400])
        self.remember(response)
        return unescape(response.text)

    def remember(self, response: Response) -> None:
        """Take the token of a page's forms."""
        found = _TOKEN.search(response.text)
        self.token = found.group(1) if found else self.token

    def send(self, address: str, **fields: Any) -> Response:
        """The answer to a form with the token of the page seen last."""
        response = self.client.post(address, data={"form_token": self.token, **fields})
        self.remember(response)
        return response


Visit = Callable[[str], Visitor]


def add_people(store: Store) -> None:
    """A person for each role, named like it, and a second steward."""
    with store.writing() as connection:
        for name in (*ROLES, "second"):
            stored_accounts.create(connection, name, name if name in ROLES else "steward", _digest())


@cache
def _digest() -> str:
    """Of the password, with weak parameters: thousands of tests would wait for strong ones."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


def field_of(page: str, name: str) -> str:
    """The value of a hidden field of a page."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None, name
    return found.group(1)
