"""Who is calling, and what may they do: deny by default.

A route names the least role that may call it; one that names none is open to nobody. Machines call with a key, people
see pages in a session: neither opens what the other does. Without any key and user the server is local: it answers
calls from the machine itself, as the admin. What a page posts is taken from our own forms only: see `api.forms`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from api import forms
from api.errors import Refusal
from api.service import Service
from api.settings import LOOPBACK
from mdm import accounts
from mdm.masking import may
from mdm.store.access import digest_of
from mdm.store.store import moment_of

OPEN = "open"
Added = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls. sources: the only ones it may write to; None: all."""

    name: str
    role: str
    sources: tuple[str, ...] | None = None

    def check_source(self, source: str) -> None:
        """Raises Refusal when it may not write to the source."""
        if self.sources is not None and source not in self.sources:
            raise Refusal(403, "source_not_allowed", f"the key may not write to source {source!r}")


LOCAL = Principal("local", "admin")


def role(needed: str) -> Added:
    """What a route says of itself: the least role that may call it, or `open`."""
    return {"x-role": needed}


def page(needed: str) -> Added:
    """What a route says of itself that people see in a browser."""
    return role(needed) | {"x-page": True}


def is_page(route: Any) -> bool:
    """Whether people see the route in a browser."""
    return bool((getattr(route, "openapi_extra", None) or {}).get("x-page"))


def role_of(route: APIRoute) -> str | None:
    """The least role that may call a route; None: nobody."""
    said = (route.openapi_extra or {}).get("x-role")
    return None if said is None else str(said)


async def admit(request: Request) -> None:
    """Nothing; the caller stands in `request.state.principal`. Raises Refusal when it may not call this route."""
    route = request.scope["route"]
    needed = role_of(route)
    if needed != OPEN:
        principal = await _visitor(request) if is_page(route) else identify(request)
        request.state.principal = principal
        if needed is None or not may(principal.role, needed):
            raise Refusal(403, "role_not_allowed", f"this needs the role {needed or 'nobody has'}, you have another")
    if is_page(route) and request.method != "GET":
        request.state.form = await forms.read(request)


async def _visitor(request: Request) -> Principal:
    """The person by the session. Raises Refusal."""
    service: Service = request.app.state.service
    if not service.guarded():
        return _local(request)
    secret = forms.session_secret(request)
    known = None if secret is None else await run_in_threadpool(accounts.visitor, service.store, secret)
    if known is None:
        raise Refusal(401, "not_signed_in", "sign in to see this")
    return Principal(known.name, known.role)


def identify(request: Request) -> Principal:
    """The caller by its key. Raises Refusal."""
    service: Service = request.app.state.service
    if not service.guarded():
        return _local(request)
    keys = service.keys()
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    key = keys.get(digest_of(secret.strip())) if scheme.lower() == "bearer" else None
    if key is None or not key.holds_at(moment_of(datetime.now(UTC))):
        raise Refusal(401, "no_valid_key", "send `Authorization: Bearer KEY` with a key that is valid; see `mdm keys`")
    return Principal(key.name, key.role, key.sources)


def _local(request: Request) -> Principal:
    host = request.client.host if request.client is not None else ""
    called = request.headers.get("host", "").rpartition(":")[0] or request.headers.get("host", "")
    site = request.headers.get("sec-fetch-site", "none")
    if host not in LOOPBACK or called.strip("[]") not in LOOPBACK or site not in ("none", "same-origin"):
        raise Refusal(
            401,
            "no_keys_yet",
            "without keys and users only the machine itself may call; make one with `mdm keys add` or `mdm users add`",
        )
    return LOCAL


def principal_of(request: Request) -> Principal:
    """The caller that was admitted."""
    principal: Principal = request.state.principal
    return principal


def service_of(request: Request) -> Service:
    """The service of the app."""
    service: Service = request.app.state.service
    return service
