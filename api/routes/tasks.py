"""Tasks: the queue of stewards, and what they answer; applied at once, or refused when somebody was first."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from api import answers, steward_answers
from api.errors import answer, problem_of
from api.schemas import problems
from api.security import principal_of, role, service_of
from api.service import Service
from api.steward_schemas import (
    AssignRequest,
    BulkRequest,
    ClaimRequest,
    DecideRequest,
    DeferRequest,
    EffectAnswer,
    QueueQuery,
    SampleRequest,
    SecondRequest,
    TaskAnswer,
    TaskPage,
    refusals,
)
from mdm import bulk_decisions, explaining, queue, sampling, searching, steward, steward_quality, views
from mdm.bulk_decisions import EXAMPLES
from mdm.decisions import Answer, Desk, Effect, Preview
from mdm.errors import BadRecord, Conflict, Outdated, StaleTask
from mdm.queue import Wanted
from mdm.store import audit
from mdm.store.store import moment_of
from mdm.store.tasks import Task

router = APIRouter(prefix="/v1", tags=["stewardship"])

MOST = 2**63 - 1
TaskId = Annotated[int, Path(ge=1, le=MOST)]
FOUND = 1_000  # entities that a text may be about


@router.get("/tasks", openapi_extra=role("steward"), response_model=TaskPage, responses=problems())
def list_tasks(request: Request, asked: Annotated[QueueQuery, Query()]) -> Response:
    """The queue, the most urgent first; closed tasks the newest first."""
    service = service_of(request)
    now = moment_of(service.store.now())
    with service.store.reading() as connection:
        wanted = _wanted(connection, service, asked)
        page = queue.page(connection, wanted, now, asked.cursor, min(asked.limit, service.settings.page_rows))
        told = steward_answers.tasks_json(connection, page.tasks, now)
    following = None if page.next is None else f"{page.next[0]}.{page.next[1]}"
    return answers.respond({"tasks": told, "next": following, "counts": page.counts})


def _wanted(connection: Connection, service: Service, asked: QueueQuery) -> Wanted:
    found = None if asked.q is None else searching.search(connection, service.resolver.reception, asked.q, FOUND)
    return Wanted(
        state=asked.state,
        kind=asked.kind,
        entity_type=asked.entity,
        source=asked.source,
        assignee=asked.assignee,
        claimed_by=asked.claimed_by,
        low=asked.low,
        high=asked.high,
        eids=None if found is None else frozenset(found),
    )


@router.get("/tasks/{task_id}", openapi_extra=role("steward"), responses=problems(404))
def get_task(task_id: TaskId, request: Request) -> Response:
    """A task with both sides and the evidence between them. The ETag is its version."""
    service, shown = service_of(request), principal_of(request).role
    now = moment_of(service.store.now())
    with service.store.reading() as connection:
        task = queue.get(connection, task_id)
        (told,) = steward_answers.tasks_json(connection, [task], now)
        sides = [views.view(connection, eid) for eid in task.eids]
        pair = [steward.parse_record(name) for name in told["records"]]
        why = explaining.explain(connection, pair[0], pair[1]) if len(pair) == 2 else None
    entity = service.entities.get(task.entity_type)
    told["sides"] = [answers.entity_json(view, service.entities.get(view.entity_type), shown) for view in sides]
    told["explanation"] = None if why is None else answers.explanation_json(why, entity, shown)
    return answers.respond(told, headers=_etag(task))


@router.post("/tasks/{task_id}:claim", openapi_extra=role("steward"), response_model=TaskAnswer, responses=refusals())
def claim(task_id: TaskId, body: ClaimRequest, request: Request) -> Response:
    """Take a task: nobody else can act on it until the lease ends. Another steward's task answers 409."""
    service, actor = service_of(request), principal_of(request).name
    minutes = body.minutes or service.resolver.bench.policy.file.stewardship.lease
    return _changed(request, lambda connection: queue.claim(connection, task_id, actor=actor, minutes=minutes))


@router.post("/tasks/{task_id}:release", openapi_extra=role("steward"), response_model=TaskAnswer, responses=refusals())
def release(task_id: TaskId, request: Request) -> Response:
    """Give a claimed task back."""
    actor = principal_of(request).name
    return _changed(request, lambda connection: queue.let_go(connection, task_id, actor=actor))


@router.post("/tasks/{task_id}:defer", openapi_extra=role("steward"), response_model=TaskAnswer, responses=refusals())
def defer(task_id: TaskId, body: DeferRequest, request: Request) -> Response:
    """Put a task off until a moment, or until its records change."""
    actor, until = principal_of(request).name, views.parse_moment(body.until)
    return _changed(
        request,
        lambda connection: queue.defer(connection, task_id, until=until, actor=actor, version=body.version),
    )


@router.post("/tasks/{task_id}:assign", openapi_extra=role("steward"), response_model=TaskAnswer, responses=refusals())
def assign(task_id: TaskId, body: AssignRequest, request: Request) -> Response:
    """Say whom a task is meant for."""
    actor = principal_of(request).name
    return _changed(request, lambda connection: queue.assign(connection, task_id, assignee=body.assignee, actor=actor))


@router.post(
    "/tasks/{task_id}:decide", openapi_extra=role("steward"), response_model=EffectAnswer, responses=refusals()
)
def decide(
    task_id: TaskId,
    body: DecideRequest,
    request: Request,
    preview: Annotated[bool, Query(description="Only show what would happen; nothing is written.")] = False,
) -> Response:
    """Answer a task; entities, golden records and events follow at once. A stale answer gets 409 and the fresh task."""
    actor, said = principal_of(request).name, _answer(body, request)
    try:
        if preview:
            return previewed(request, lambda desk: desk.preview_answer(task_id, said, actor=actor))
        return acted(request, lambda desk: desk.decide(task_id, said, actor=actor))
    except StaleTask as error:
        if body.version is None:
            raise Outdated(str(error)) from None
        return _stale(service_of(request), error)


@router.post(
    "/tasks/{task_id}:approve", openapi_extra=role("steward"), response_model=EffectAnswer, responses=refusals()
)
def approve(task_id: TaskId, body: SecondRequest, request: Request) -> Response:
    """Agree to what another steward proposed; it is done at once."""
    actor = principal_of(request).name
    return _or_stale(request, lambda desk: desk.approve(task_id, actor=actor, version=body.version))


@router.post(
    "/tasks/{task_id}:reject", openapi_extra=role("steward"), response_model=EffectAnswer, responses=refusals()
)
def reject(task_id: TaskId, body: SecondRequest, request: Request) -> Response:
    """Do not agree to what another steward proposed, or take one's own proposal back."""
    actor, said = principal_of(request).name, body.reason or body.comment
    return _or_stale(request, lambda desk: desk.reject(task_id, actor=actor, reason=said, version=body.version))


@router.post("/tasks:decide", openapi_extra=role("steward"), responses=refusals())
def decide_many(body: BulkRequest, request: Request) -> Response:
    """One answer to all queued tasks of a pattern. Without `seen` only the reach is told, with the digest to send."""
    service, actor = service_of(request), principal_of(request).name
    given = body.filter
    wanted = Wanted("queued", given.kind, given.entity, given.source, low=given.low, high=given.high)
    if body.seen is None:
        return _reach(service, wanted)
    said, seen = Answer(body.verdict, body.reason, body.comment), body.seen
    done = service.deciding(
        lambda resolver: bulk_decisions.decide_all(Desk(resolver), wanted, said, seen=seen, actor=actor)
    )
    results = [
        {"task_id": each.task_id, "outcome": each.outcome, "verdict_id": each.verdict_id, "detail": each.message}
        for each in done
    ]
    return answers.respond({"results": results})


@router.post("/tasks:sample", openapi_extra=role("admin"), responses=problems())
def sample(body: SampleRequest, request: Request) -> Response:
    """Draw pairs at random, so many per band of weights, as tasks: their answers tell how good decisions are."""
    service, actor = service_of(request), principal_of(request).name
    with service.store.writing() as connection:
        numbers = sampling.draw(connection, per_band=body.per_band, seed=body.seed, actor=actor)
    return answers.respond({"tasks": numbers})


@router.get("/quality/verdicts", openapi_extra=role("steward"), responses=problems())
def quality(request: Request) -> Response:
    """Precision and recall as verdicts tell them, by sources and bands, with 95 % intervals; suggested thresholds."""
    service = service_of(request)
    with service.store.reading() as connection:
        found = steward_quality.measure(connection, service.entities)
    return answers.respond({"quality": [asdict(each) for each in found]})


def _reach(service: Service, wanted: Wanted) -> Response:
    now = moment_of(service.store.now())
    with service.store.reading() as connection:
        found = bulk_decisions.reach(connection, wanted, now)
        examples = steward_answers.tasks_json(connection, found.tasks[:EXAMPLES], now)
    told = {"tasks": len(found.tasks), "wanted": found.wanted, "records": found.records, "entities": found.entities}
    return answers.respond({**told, "seen": found.digest, "examples": examples})


def _answer(body: DecideRequest, request: Request) -> Answer:
    groups = tuple(tuple(steward.parse_record(name) for name in group) for group in body.groups or ())
    return Answer(
        body.verdict,
        body.reason,
        body.comment,
        _version(body.version, request),
        body.relation,
        groups,
        tuple(body.supersedes),
    )


def _version(given: int | None, request: Request) -> int:
    """The version that the caller saw. Raises BadRecord when it does not say."""
    told = re.fullmatch(r'"?([0-9]{1,18})"?', request.headers.get("if-match", "").strip())
    if given is None and told is None:
        raise BadRecord("say which version of the task you saw, here or as If-Match", "/version")
    return given if given is not None else int(told.group(1)) if told is not None else 0


def _or_stale(request: Request, action: Callable[[Desk], Effect]) -> Response:
    """The answer to a decision; one about an older version is refused with the task as it is now."""
    try:
        return acted(request, action)
    except StaleTask as error:
        return _stale(service_of(request), error)


def acted(request: Request, action: Callable[[Desk], Effect]) -> Response:
    """The answer to a decision; of one that is refused the trail tells who wanted it."""
    service = service_of(request)
    try:
        effect = service.deciding(lambda resolver: action(Desk(resolver)))
    except Conflict as error:
        with service.store.writing() as connection:
            details = {"code": error.code, "why": str(error)}
            actor = principal_of(request).name
            audit.append(connection, actor, "decision.refused", subject=request.url.path, details=details)
        raise
    return answers.respond(steward_answers.effect_json(effect))


def previewed(request: Request, action: Callable[[Desk], Preview]) -> Response:
    """The answer to a decision that is only looked at."""
    service = service_of(request)
    shown = service.deciding(lambda resolver: action(Desk(resolver)))
    return answers.respond(steward_answers.preview_json(shown, service.entities, principal_of(request).role))


def _changed(request: Request, action: Callable[[Connection], Task]) -> Response:
    service = service_of(request)
    now = moment_of(service.store.now())
    try:
        with service.store.writing() as connection:
            task = action(connection)
            (told,) = steward_answers.tasks_json(connection, [task], now)
    except StaleTask as error:
        return _stale(service, error)
    return answers.respond(told, headers=_etag(task))


def _stale(service: Service, error: StaleTask) -> Response:
    now = moment_of(service.store.now())
    with service.store.reading() as connection:
        (fresh,) = steward_answers.tasks_json(connection, [queue.get(connection, error.task_id)], now)
    return answer({**problem_of(error), "task": fresh})


def _etag(task: Task) -> dict[str, str]:
    return {"ETag": f'"{task.version}"'}
