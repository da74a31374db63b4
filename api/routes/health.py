"""Probes and metrics."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response

from api import answers
from api.errors import answer, problem
from api.schemas import problems
from api.security import OPEN, role, service_of
from mdm.errors import MdmError
from mdm.store import overview, tasks

router = APIRouter(tags=["operations"])


@router.get("/healthz", openapi_extra=role(OPEN))
def healthz() -> Response:
    """Whether the process lives."""
    return answers.respond({"status": "ok"})


@router.get("/readyz", openapi_extra=role(OPEN), responses=problems())
def readyz(request: Request) -> Response:
    """Whether the process can decide: the store answers, and the project is the one that decides."""
    service = service_of(request)
    try:
        for name in service.entities:
            service.deciding(lambda resolver, name=name: resolver.check(name))  # type: ignore[misc]
    except MdmError as error:
        return answer(problem(503, error.code, str(error)))
    return answers.respond({"status": "ready"})


@router.get("/metrics", openapi_extra=role("match"), response_class=PlainTextResponse)
def metrics(request: Request) -> Response:
    """Latency, candidates, decisions, queue and freshness, as Prometheus reads them."""
    service = service_of(request)
    with service.store.reading() as connection:
        gauges = {
            "mdm_tasks_open": float(sum(tasks.open_counts(connection).values())),
            "mdm_records_unresolved": float(overview.unresolved_count(connection)),
            "mdm_last_event": float(overview.last_event(connection)),
            "mdm_last_run_age_seconds": overview.last_run_age(connection, service.store.now()),
        }
    return PlainTextResponse(service.metrics.text(gauges))
