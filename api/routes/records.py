"""Single records: put, read, deleted, each in one transaction with everything that follows from it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from api import answers
from api.errors import Refusal
from api.schemas import PutAnswer, PutRequest, problems
from api.security import Principal, principal_of, role, service_of
from api.service import Service
from mdm.errors import BadInput, BadRecord, NotFound
from mdm.incoming import Incoming, Reception
from mdm.masking import field_class
from mdm.project_file import SourceSpec
from mdm.resolve import Resolver, Stored
from mdm.store import idempotency, records
from mdm.store.idempotency import Kept

router = APIRouter(prefix="/v1", tags=["records"])

RequestKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        max_length=200,
        description="The same key and request again within two days: the same answer, and nothing is done twice.",
    ),
]


async def expected_version(
    if_match: Annotated[
        str | None, Header(description='The ETag that was seen, as `"3"`; another version answers 412.')
    ] = None,
    if_none_match: Annotated[
        str | None, Header(description="`*`: only when there is no such record, else 412.")
    ] = None,
) -> int | None:
    """The version that the caller saw, 0 for none, None when it does not say; async, as it needs no thread."""
    if if_none_match is not None:
        if if_none_match.strip() != "*" or if_match is not None:
            raise BadInput("If-None-Match can only be `*` here, without If-Match")
        return 0
    if if_match is None:
        return None
    version = if_match.strip().strip('"')
    if not version.isdigit():
        raise Refusal(412, "outdated", "If-Match names no version of a record; send the ETag as it was given")
    return int(version)


Expected = Annotated[int | None, Depends(expected_version)]
Change = Callable[[Connection], Stored]


@router.put(
    "/records/{source}/{record_id:path}",
    openapi_extra=role("writer"),
    response_model=PutAnswer,
    responses=problems(404, 409, 412),
)
def put(
    source: str,
    record_id: str,
    body: PutRequest,
    request: Request,
    expected: Expected,
    idempotency_key: RequestKey = None,
) -> Response:
    """Store a record as its newest version: it replaces what there was, and entities follow at once."""
    actor = principal_of(request).name

    def change(resolver: Resolver) -> Change:
        incoming = read(resolver.reception, source, record_id, body)
        return lambda connection: resolver.put_within(connection, incoming, actor=actor, expected=expected)

    return _changed(request, source, idempotency_key, body, change)


@router.delete(
    "/records/{source}/{record_id:path}",
    openapi_extra=role("writer"),
    response_model=PutAnswer,
    responses=problems(404, 409, 412),
)
def delete(
    source: str,
    record_id: str,
    request: Request,
    expected: Expected,
    idempotency_key: RequestKey = None,
) -> Response:
    """Delete a record; what it said no longer counts, and its history stays."""
    actor = principal_of(request).name

    def change(resolver: Resolver) -> Change:
        return lambda connection: resolver.delete_within(connection, source, record_id, actor=actor, expected=expected)

    return _changed(request, source, idempotency_key, None, change)


@router.get("/records/{source}/{record_id:path}", openapi_extra=role("reader"), responses=problems(404))
def get(source: str, record_id: str, request: Request) -> Response:
    """A stored record: its row, the values it was read as, its entity. The ETag is its version."""
    service = service_of(request)
    spec = service.resolver.reception.source(source)
    with service.store.reading() as connection:
        found = records.by_ids(connection, [(source, record_id)])
    if not found or found[0].state == "deleted":
        raise NotFound("there is no such record")
    entity = service.entities[found[0].entity_type]
    classes = _classes(spec, service, entity.name)
    told = answers.record_json(found[0], classes, principal_of(request).role, entity)
    return answers.respond(told, headers={"ETag": f'"{found[0].version}"'})


def _classes(spec: SourceSpec, service: Service, entity: str) -> dict[str, str]:
    """Column -> class of the field it feeds."""
    type_ = service.entities[entity]
    mapped = spec.fields.get(entity, ())
    return {column: field_class(type_, mapping.field) for mapping in mapped for column in mapping.columns}


def read(reception: Reception, source: str, record_id: str, body: PutRequest) -> Incoming:
    """The record of a request. Raises NotFound for an unknown source, BadRecord."""
    if not record_id.strip() or record_id != record_id.strip() or len(record_id) > 500:
        raise BadRecord("a record id has 1 to 500 characters and no blanks around it", "/record_id")
    if any(ord(sign) < 32 for sign in record_id):
        raise BadRecord("a record id holds no control characters", "/record_id")
    if (body.record is None) == (body.fields is None):
        raise BadRecord("give either `record` or `fields`", "/record")
    if body.fields is not None:
        return reception.of_source_fields(source, record_id, body.fields, body.entity, body.updated_at)
    if body.entity is not None:
        raise BadRecord("the columns tell the entity type; give it with `fields` only", "/entity")
    return reception.of_row(source, record_id, body.record or {}, body.updated_at)


class _Once:
    """A request that is done once, if it carries a key."""

    def __init__(self, principal: Principal, request: Request, key: str | None, body: PutRequest | None) -> None:
        self.digest = self.request = None
        if key is not None:
            sent = "" if body is None else body.model_dump_json()
            asked = f"{request.method} {request.url.path} {request.headers.get('if-match')} {sent}"
            self.request = hashlib.sha256(asked.encode()).hexdigest()
            self.digest = hashlib.sha256(f"{principal.name}\0{key}".encode()).hexdigest()

    def do(self, connection: Connection, action: Callable[[], Stored]) -> tuple[int, bytes]:
        """Status and body of the answer, given before or now."""
        kept = None if self.digest is None else idempotency.find(connection, self.digest)
        if kept is not None:
            if kept.request != self.request:
                raise Refusal(422, "key_reused", "this Idempotency-Key came with another request before; use a new one")
            return kept.status, kept.body.encode()
        stored = action()
        content: dict[str, Any] = answers.stored_json(stored)
        text = orjson.dumps(content)
        if self.digest is not None and self.request is not None:
            idempotency.keep(connection, self.digest, Kept(self.request, 200, text.decode()))
        return 200, text


def _changed(
    request: Request, source: str, key: str | None, body: PutRequest | None, change: Callable[[Resolver], Change]
) -> Response:
    """The answer to a change of one record, done once; change: what is to be done by the resolver in office."""
    service, principal = service_of(request), principal_of(request)
    principal.check_source(source)

    def act(resolver: Resolver) -> tuple[int, bytes]:
        changing, once = change(resolver), _Once(principal, request, key, body)
        return service.together.do(lambda connection: once.do(connection, lambda: changing(connection)))

    status, content = service.deciding(act)
    told = orjson.loads(content)
    service.metrics.outcome(told["outcome"])
    return Response(content, status, {"ETag": f'"{told["version"]}"'}, "application/json")
