"""Verdicts: given about records, entities or quarantined rows, listed, withdrawn; entities follow at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from api import answers, steward_answers
from api.routes.tasks import acted, previewed
from api.schemas import problems
from api.security import principal_of, role, service_of
from api.steward_schemas import (
    EffectAnswer,
    MergeRequest,
    PinRequest,
    QuarantineRequest,
    SplitRequest,
    UndoRequest,
    VerdictAnswer,
    VerdictPage,
    VerdictRequest,
    refusals,
)
from mdm import quarantine, steward, views
from mdm.decisions import Desk, merging, splitting
from mdm.ids import entity_id
from mdm.naming import number_of
from mdm.sayings import PINNED, RELATED, SPLIT, Side, split_of
from mdm.store import verdicts
from mdm.store.verdicts import Verdict

router = APIRouter(prefix="/v1", tags=["stewardship"])

MOST = 2**63 - 1
VerdictId = Annotated[int, Path(ge=1, le=MOST)]
Preview = Annotated[bool, Query(description="Only show what would happen; nothing is written.")]


@router.post("/verdicts", openapi_extra=role("steward"), response_model=EffectAnswer, responses=refusals())
def give(body: VerdictRequest, request: Request, preview: Preview = False) -> Response:
    """Say which records are one customer and which are not. What contradicts a verdict that holds answers 409."""
    given = _verdict(body, principal_of(request).name)
    return _given(request, lambda _: given, preview, body.supersedes)


@router.get("/verdicts", openapi_extra=role("steward"), response_model=VerdictPage, responses=problems())
def list_verdicts(
    request: Request,
    kind: Annotated[str | None, Query(max_length=200)] = None,
    before: Annotated[int | None, Query(ge=1, le=MOST)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
) -> Response:
    """Verdicts, the newest first, withdrawn ones too."""
    service, shown = service_of(request), principal_of(request).role
    most = min(limit, service.settings.page_rows)
    with service.store.reading() as connection:
        found = verdicts.listed(connection, kind=kind, before=before, limit=most)
        withdrawn = verdicts.withdrawals(connection, [each.verdict_id for each in found])
    told = [
        steward_answers.verdict_json(each, withdrawn.get(each.verdict_id), service.entities, shown) for each in found
    ]
    return answers.respond({"verdicts": told, "next": found[-1].verdict_id if len(found) == most else None})


@router.get(
    "/verdicts/{verdict_id}", openapi_extra=role("steward"), response_model=VerdictAnswer, responses=problems(404)
)
def get_verdict(verdict_id: VerdictId, request: Request) -> Response:
    """A verdict, and who withdrew it."""
    service = service_of(request)
    with service.store.reading() as connection:
        found = verdicts.get(connection, verdict_id)
        withdrawn = verdicts.withdrawals(connection, [verdict_id]).get(verdict_id)
    shown = principal_of(request).role
    return answers.respond(steward_answers.verdict_json(found, withdrawn, service.entities, shown))


@router.post(
    "/verdicts/{verdict_id}:undo", openapi_extra=role("steward"), response_model=EffectAnswer, responses=refusals()
)
def undo(verdict_id: VerdictId, body: UndoRequest, request: Request, preview: Preview = False) -> Response:
    """Withdraw a verdict: partition, ids and golden values are what they would be without it."""
    actor, reason = principal_of(request).name, body.reason or body.comment
    if preview:
        return previewed(request, lambda desk: desk.preview_undo(verdict_id, actor=actor))
    return acted(request, lambda desk: desk.undo(verdict_id, reason=reason, actor=actor))


@router.post("/entities:merge", openapi_extra=role("steward"), response_model=EffectAnswer, responses=refusals())
def merge(body: MergeRequest, request: Request, preview: Preview = False) -> Response:
    """Say that entities are one customer: all their records are held together."""
    actor = principal_of(request).name

    def made(connection: Connection) -> Verdict:
        eids = [number_of(connection, text) for text in body.entities]
        return merging(connection, eids, reason=body.reason, actor=actor, comment=body.comment)

    return _given(request, made, preview, body.supersedes)


@router.post(
    "/entities/{entity}:split", openapi_extra=role("steward"), response_model=EffectAnswer, responses=refusals()
)
def split(entity: str, body: SplitRequest, request: Request, preview: Preview = False) -> Response:
    """Say that an entity is several customers, group by group."""
    actor, groups = principal_of(request).name, _groups(body.groups)

    def made(connection: Connection) -> Verdict:
        eid = number_of(connection, entity)
        return splitting(connection, eid, groups, reason=body.reason, actor=actor, comment=body.comment)

    return _given(request, made, preview, body.supersedes)


@router.post("/entities/{entity}:pin", openapi_extra=role("steward"), response_model=EffectAnswer, responses=refusals())
def pin(entity: str, body: PinRequest, request: Request, preview: Preview = False) -> Response:
    """Fix a golden value, whatever the records say; it survives deliveries until it is withdrawn or its date comes."""
    service, actor = service_of(request), principal_of(request).name
    details = {} if body.expires_at is None else {"expires_at": views.parse_moment(body.expires_at)}
    given = Verdict(PINNED, (), (), body.reason, actor, comment=body.comment, details=details)
    with service.store.reading() as connection:
        eid = number_of(connection, entity)
    if preview:
        return previewed(request, lambda desk: desk.preview_pin(eid, body.values, given))
    return acted(request, lambda desk: desk.pin(eid, body.values, given))


@router.get("/entities/{entity}/relations", openapi_extra=role("reader"), responses=problems(404))
def related(entity: str, request: Request) -> Response:
    """Entities that belong together with this one without being one customer: a household, an employer."""
    service = service_of(request)
    with service.store.reading() as connection:
        found = Desk(service.resolver).relations_of(connection, number_of(connection, entity))
    told = [
        {"relation": each.relation, "left": entity_id(each.left), "right": entity_id(each.right)}
        | {"verdict_id": each.verdict_id, "since": each.since}
        for each in found
    ]
    return answers.respond({"relations": told})


@router.get("/entities/{entity}/verdicts", openapi_extra=role("steward"), responses=problems(404))
def said_about(entity: str, request: Request) -> Response:
    """The verdicts that hold and name a record of the entity."""
    service, shown = service_of(request), principal_of(request).role
    with service.store.reading() as connection:
        found = Desk(service.resolver).verdicts_about(connection, number_of(connection, entity))
    told = [steward_answers.verdict_json(each, None, service.entities, shown) for each in found]
    return answers.respond({"verdicts": told})


@router.get("/quarantine", openapi_extra=role("steward"), responses=problems())
def list_quarantined(
    request: Request,
    every: Annotated[bool, Query(description="Also what was released or discarded.")] = False,
) -> Response:
    """Records that rules keep apart, by name; then rows of the last run that could not become records."""
    service = service_of(request)
    with service.store.reading() as connection:
        found = quarantine.list_quarantined(connection, service.resolver.bench.policy, every=every)
    told = [
        {"record": each.record, "entity": each.entity, "state": each.state, "reasons": list(each.reasons)}
        | {"row": each.row, "place": each.place}
        for each in found
    ]
    return answers.respond({"quarantined": told})


@router.post("/quarantine:release", openapi_extra=role("steward"), responses=refusals())
def release(body: QuarantineRequest, request: Request) -> Response:
    """Let quarantined records take part; bound to what they say now, they join their entities at once."""
    return _quarantined(request, "released", body)


@router.post("/quarantine:discard", openapi_extra=role("steward"), responses=refusals())
def discard(body: QuarantineRequest, request: Request) -> Response:
    """Leave quarantined records out for good, as long as they say what they say now."""
    return _quarantined(request, "discarded", body)


def _quarantined(request: Request, kind: Any, body: QuarantineRequest) -> Response:
    service, actor = service_of(request), principal_of(request).name
    names = tuple(steward.parse_record(name) for name in body.records)
    decision = quarantine.Decision(kind, names, body.reason or body.comment, actor)
    numbers = service.deciding(lambda resolver: Desk(resolver).decide_quarantined(decision))
    return answers.respond({"verdicts": numbers})


def _verdict(body: VerdictRequest, actor: str) -> Verdict:
    if body.verdict == SPLIT:
        return split_of(_groups(body.groups or []), body.reason, actor, body.comment)
    left, right = (tuple(steward.parse_record(name) for name in side) for side in (body.left, body.right))
    details = {"relation": body.relation or "household"} if body.verdict == RELATED else {}
    return Verdict(body.verdict, left, right, body.reason, actor, comment=body.comment, details=details)


def _groups(groups: list[list[str]]) -> tuple[Side, ...]:
    return tuple(tuple(steward.parse_record(name) for name in group) for group in groups)


def _given(request: Request, made: Callable[[Connection], Verdict], preview: bool, supersedes: list[int]) -> Response:
    with service_of(request).store.reading() as connection:
        given = made(connection).superseding(supersedes)
    if preview:
        return previewed(request, lambda desk: desk.preview(given))
    return acted(request, lambda desk: desk.give(given))
