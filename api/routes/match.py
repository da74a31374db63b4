"""Do we know this customer? Nothing here writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from api import answers
from api.schemas import ExplainRequest, MatchAnswer, MatchAnswers, MatchRequest, PreviewRequest, problems
from api.security import principal_of, role, service_of
from api.service import Service
from mdm import explaining, steward
from mdm.asking import Answer
from mdm.errors import BadRecord
from mdm.incoming import Incoming, Reception
from mdm.masking import may
from mdm.resolve import Resolver
from mdm.store import records

router = APIRouter(prefix="/v1", tags=["match"])


@router.post("/match", openapi_extra=role("match"), response_model=MatchAnswer | MatchAnswers, responses=problems(404))
async def match(body: MatchRequest, request: Request) -> Response:
    """Whether a record is known: the entity that storing it would join, candidates with their evidence."""
    service, limit = service_of(request), min(body.limit, service_of(request).settings.candidates)
    records_asked = _records_of(body, service)
    if len(records_asked) == 1:
        found = _match(service, body, records_asked, limit)
    else:
        found = await run_in_threadpool(_match, service, body, records_asked, limit)
    told = [_told(service, answer, incoming, request, limit) for incoming, answer in found]
    return answers.respond(told[0] if body.records is None else {"results": told})


def _records_of(body: MatchRequest, service: Service) -> list[Mapping[str, Any]]:
    if (body.record is None) == (body.records is None):
        raise BadRecord("give either `record` or `records`", "/record")
    asked = [body.record] if body.record is not None else body.records or []
    if len(asked) > service.settings.batch_records:
        raise BadRecord(f"more than {service.settings.batch_records:,} records", "/records")
    return list(asked)


def _match(
    service: Service, body: MatchRequest, asked: list[Mapping[str, Any]], limit: int
) -> list[tuple[Incoming, Answer]]:
    def act(resolver: Resolver) -> list[tuple[Incoming, Answer]]:
        incoming = [_read(resolver.reception, body, record) for record in asked]
        return list(zip(incoming, resolver.match(incoming, limit), strict=True))

    return service.deciding(act)


def _read(reception: Reception, body: MatchRequest | PreviewRequest, record: Mapping[str, Any]) -> Incoming:
    if (body.entity is None) == (body.source is None):
        raise BadRecord("give either `entity` or `source`", "/entity")
    if body.entity is not None:
        return reception.of_fields(body.entity, record, body.country)
    if body.country is not None:
        raise BadRecord("a source has its own country", "/country")
    return reception.of_row(body.source or "", "", record)


def _told(service: Service, answer: Answer, incoming: Incoming, request: Request, limit: int) -> answers.Json:
    service.metrics.match(answer.decision, answer.compared)
    return answers.match_json(answer, service.entities[incoming.entity], principal_of(request).role, limit)


@router.post("/preview", openapi_extra=role("reader"), responses=problems(404))
def preview(body: PreviewRequest, request: Request) -> Response:
    """How a record would be standardised, validated and keyed."""
    service = service_of(request)
    incoming = _read(service.resolver.reception, body, body.record)
    shown = principal_of(request).role
    keys = [f"{key & 0xFFFF_FFFF_FFFF_FFFF:016x}" for key in incoming.prepared.keys] if may(shown, "writer") else []
    return answers.respond(answers.preview_json(incoming, shown, service.entities[incoming.entity], keys))


@router.post("/explain", openapi_extra=role("reader"), responses=problems(404))
def explain(body: ExplainRequest, request: Request) -> Response:
    """Why two stored records match or not, in bits."""
    service = service_of(request)
    left, right = (steward.parse_record(text) for text in (body.left, body.right))
    with service.store.reading() as connection:
        told = explaining.explain(connection, left, right)
        entity = records.by_ids(connection, [left])[0].entity_type
    return answers.respond(answers.explanation_json(told, service.entities.get(entity), principal_of(request).role))
