"""Many records as lines of JSON, streamed both ways: a result for each line, in order; a bad line stops nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, NamedTuple

import orjson
from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from pydantic import ValidationError
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from api import answers
from api.errors import Refusal, problem, problem_of
from api.routes.records import read
from api.schemas import PutRequest, problems
from api.security import Principal, principal_of, role, service_of
from api.service import Service
from mdm.errors import BadRecord, MdmError
from mdm.incoming import Incoming
from mdm.resolve import Resolver

router = APIRouter(prefix="/v1", tags=["records"])

# So many lines share a transaction: one commit costs more than deciding about a record.
AT_ONCE = 50
JSON_LINES = "application/x-ndjson"
_EXAMPLE = '{"source": "crm", "record_id": "C1", "record": {"first_name": "Jon", "last_name": "Smithson"}}\n'
_BODY = {"required": True, "content": {JSON_LINES: {"schema": {"type": "string"}, "example": _EXAMPLE}}}


class Line(NamedTuple):
    """One line of a request: its number, and what it names as far as that can be read."""

    number: int
    source: str | None
    record_id: str | None
    incoming: Incoming | None
    refusal: dict[str, Any] | None


class BulkRequest(PutRequest):
    """One line."""

    source: str
    record_id: str


@router.post(
    "/records:bulk",
    openapi_extra={**role("writer"), "requestBody": _BODY},
    response_class=Response,
    responses={200: {"description": "a line for each line", "content": {JSON_LINES: {}}}, **problems()},
)
async def bulk(request: Request) -> Response:
    """Store many records: lines {"source", "record_id", "record" or "fields", "updated_at"}, answered line by line."""
    return _Streamed(_Work(service_of(request), principal_of(request)), request)


class _Streamed(Response):
    """Sends results while the request still arrives."""

    def __init__(self, work: _Work, request: Request) -> None:
        super().__init__(media_type=JSON_LINES)
        self.work = work
        self.request = request
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        limit = self.work.service.settings.line_bytes
        try:
            async for lines in _grouped(_lines(self.request.stream(), limit)):
                results = await run_in_threadpool(self.work.do, lines)
                await send({"type": "http.response.body", "body": results, "more_body": True})
        except ClientDisconnect:
            return
        await send({"type": "http.response.body", "body": b""})


async def _lines(stream: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes | None]:
    """The lines of a body; None for one that is longer than the limit. An empty chunk comes through as b''."""
    held, too_long = b"", False
    async for chunk in stream:
        *whole, held = (held + chunk).split(b"\n")
        for line in whole:
            yield None if too_long or len(line) > limit else line
            too_long = False
        if len(held) > limit:
            held, too_long = b"", True
        yield b""
    if held or too_long:
        yield None if too_long else held


async def _grouped(lines: AsyncIterator[bytes | None]) -> AsyncIterator[list[tuple[int, bytes | None]]]:
    """Numbered lines, some at a time; blank lines are counted and left out."""
    group: list[tuple[int, bytes | None]] = []
    number = 0
    async for line in lines:
        # A chunk ended: whoever sends slowly is answered at once.
        if line == b"":
            if group:
                yield group
                group = []
            continue
        number += 1
        group.append((number, line))
        if len(group) >= AT_ONCE:
            yield group
            group = []
    if group:
        yield group


class _Work:
    """The lines of one request, for one caller."""

    def __init__(self, service: Service, principal: Principal) -> None:
        self.service = service
        self.principal = principal

    def do(self, lines: Sequence[tuple[int, bytes | None]]) -> bytes:
        """The result lines."""
        try:
            return self.service.deciding(lambda resolver: self._together(resolver, lines))
        except Exception:
            # One of them failed, and all were undone: each by itself, so that only that one fails.
            return b"".join(self._alone(line) for line in lines)

    def _together(self, resolver: Resolver, lines: Sequence[tuple[int, bytes | None]]) -> bytes:
        given = list(self._read(resolver, lines))
        if not any(line.incoming for line in given):
            return b"".join(map(_refused, given))
        with self.service.store.writing() as connection:
            stored = [
                None
                if line.incoming is None
                else resolver.put_within(connection, line.incoming, actor=self.principal.name)
                for line in given
            ]
        results = []
        for line, each in zip(given, stored, strict=True):
            if each is None:
                results.append(_refused(line))
            else:
                self.service.metrics.outcome(each.outcome)
                results.append(_result(line, 200, answers.stored_json(each)))
        return b"".join(results)

    def _alone(self, line: tuple[int, bytes | None]) -> bytes:
        try:
            return self.service.deciding(lambda resolver: self._together(resolver, [line]))
        except MdmError as error:
            told = problem_of(error)
        except Exception:
            told = problem(500, "internal", "unexpected error; the other lines are not touched by it")
        return _result(Line(line[0], None, None, None, None), told["status"], {"error": told})

    def _read(self, resolver: Resolver, lines: Sequence[tuple[int, bytes | None]]) -> Iterator[Line]:
        for number, text in lines:
            source = record_id = None
            try:
                body = _parsed(text)
                source, record_id = body.source, body.record_id
                self.principal.check_source(source)
                yield Line(number, source, record_id, read(resolver.reception, source, record_id, body), None)
            except (MdmError, Refusal) as error:
                yield Line(number, source, record_id, None, problem_of(error))


def _parsed(text: bytes | None) -> BulkRequest:
    if text is None:
        raise Refusal(413, "line_too_long", "the line is longer than allowed")
    try:
        return BulkRequest.model_validate(orjson.loads(text))
    except orjson.JSONDecodeError:
        raise Refusal(400, "bad_json", "the line is not JSON") from None
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        raise BadRecord(first["msg"], "/" + "/".join(map(str, first["loc"]))) from None


def _refused(line: Line) -> bytes:
    told = line.refusal or {}
    return _result(line, told["status"], {"error": told})


def _result(line: Line, status: int, told: dict[str, Any]) -> bytes:
    named = {"line": line.number, "source": line.source, "record_id": line.record_id, "status": status}
    return orjson.dumps(named | told) + b"\n"
