"""Around every request: an id, a limit on its body, headers of caution, a line in the log without personal data."""

from __future__ import annotations

import logging
import re
import secrets
import time
from typing import Any

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import PROBLEM, problem

LOG = logging.getLogger("mdm.api")
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
CAUTION = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
# Streams of lines have a limit per line instead.
UNLIMITED = "/v1/records:bulk"


class TooLarge(Exception):
    """More of a body arrived than is allowed."""


class Around:
    """The outermost layer of the app."""

    def __init__(self, app: ASGIApp, body_bytes: int) -> None:
        self.app = app
        self.body_bytes = body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        await _Exchange(self, scope, receive, send).serve()


class _Exchange:
    """One request and its answer."""

    def __init__(self, around: Around, scope: Scope, receive: Receive, send: Send) -> None:
        self.around = around
        self.scope = scope
        self._receive = receive
        self._send = send
        self.headers = dict(scope["headers"])
        given = self.headers.get(b"x-request-id", b"").decode("latin-1")
        self.id = given if _ID.fullmatch(given) else secrets.token_hex(8)
        self.status = 500
        self.started = False
        self.received = 0
        self.too_large = False
        self.limited = scope["path"] != UNLIMITED

    async def serve(self) -> None:
        begun = time.perf_counter()
        try:
            self.too_large = self.limited and self._announces_too_much()
            if not self.too_large:
                await self.around.app(self.scope, self.receive, self.answered)
        except TooLarge:
            self.too_large = True
        except Exception as error:
            # The message of an unexpected error may quote data; its kind and place may not.
            LOG.error(_line(request_id=self.id, error=type(error).__name__), exc_info=False)
            await self._fail(500, "internal", f"unexpected error; tell the operator request {self.id}")
        finally:
            if self.too_large:
                await self._fail(413, "body_too_large", f"a body may have {self.around.body_bytes:,} bytes")
            self._log(time.perf_counter() - begun)

    def _announces_too_much(self) -> bool:
        announced = self.headers.get(b"content-length", b"0")
        return announced.isdigit() and int(announced) > self.around.body_bytes

    async def receive(self) -> Message:
        message = await self._receive()
        if self.limited and message["type"] == "http.request":
            self.received += len(message.get("body", b""))
            if self.received > self.around.body_bytes:
                self.too_large = True
                raise TooLarge
        return message

    async def answered(self, message: Message) -> None:
        # The framework answers an error while it reads the body by itself, as a bad request.
        if not self.too_large:
            await self.send(message)

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            self.status = message["status"]
            present = {name for name, _ in message["headers"]}
            added = [pair for pair in CAUTION if pair[0] not in present]
            message["headers"] = [*message["headers"], *added, (b"x-request-id", self.id.encode())]
        await self._send(message)

    async def _fail(self, status: int, code: str, detail: str) -> None:
        if self.started:
            return
        body = orjson.dumps(problem(status, code, detail))
        headers = [(b"content-type", PROBLEM.encode()), (b"content-length", str(len(body)).encode())]
        await self.send({"type": "http.response.start", "status": status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})

    def _log(self, seconds: float) -> None:
        route = getattr(self.scope.get("route"), "path", "unknown")
        service = getattr(self.scope["app"].state, "service", None)
        if service is not None:
            service.metrics.request(route, self.status, seconds)
        principal = self.scope.get("state", {}).get("principal")
        LOG.info(
            _line(
                request_id=self.id,
                method=self.scope["method"],
                route=route,
                status=self.status,
                ms=round(seconds * 1000, 2),
                caller=getattr(principal, "name", None),
            )
        )


def _line(**told: Any) -> str:
    return orjson.dumps({"at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **told}).decode()
