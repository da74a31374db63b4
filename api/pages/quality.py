"""Data quality: scorecard, issues, quarantine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from api import forms
from api.pages.rendering import go, show
from api.security import page, principal_of, service_of
from mdm.desk import health
from mdm.desk.health import IssueCount
from mdm.errors import Conflict
from mdm.quarantine import Decision
from mdm.reports import QuarantinedLine
from mdm.scorecard.report import DIMENSIONS, ScorecardReport
from mdm.steward import parse_record

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class QualityPage:
    """The scorecard and how often what was found."""

    scorecard: ScorecardReport
    issues: tuple[IssueCount, ...]
    dimensions: tuple[str, ...] = DIMENSIONS


@dataclass(frozen=True, slots=True)
class QuarantinePage:
    """Who waits; every: also what was decided about. refused: why what was just sent was not done."""

    lines: tuple[QuarantinedLine, ...]
    every: bool
    refused: str = ""


@router.get("/quality", openapi_extra=page("reader"))
def get(request: Request) -> Response:
    """The scorecard per source and field, and what was found wrong."""
    service = service_of(request)
    policy = service.resolver.bench.policy
    issues = service.remembered("issues", lambda connection: health.issue_counts(connection, policy))
    card = service.remembered("scorecard", lambda connection: health.scorecard(connection, policy))
    return show(request, "quality.html", QualityPage(card, issues))


@router.get("/quarantine", openapi_extra=page("steward"))
def quarantine(request: Request, every: Annotated[bool, Query()] = False) -> Response:
    """The records that rules keep apart, and rows that could not be read."""
    return _show_quarantine(request, every=every)


def _show_quarantine(request: Request, *, every: bool = False, refused: str = "", status: int = 200) -> Response:
    service = service_of(request)
    with service.store.reading() as connection:
        lines = health.quarantined(connection, service.resolver.bench.policy, every=every)
    return show(request, "quarantine.html", QuarantinePage(tuple(lines), every, refused), status)


@router.post("/quarantine/release", openapi_extra=page("steward"))
def release(request: Request) -> Response:
    """The ticked records take part as if no rule had rejected them."""
    return _decide(request, "released")


@router.post("/quarantine/discard", openapi_extra=page("steward"))
def discard(request: Request) -> Response:
    """The ticked records stay out, and are not asked about any more."""
    return _decide(request, "discarded")


def _decide(request: Request, kind: Literal["released", "discarded"]) -> Response:
    form, service = forms.form_of(request), service_of(request)
    names = tuple(parse_record(name) for name in form.texts("record"))
    if not names:
        return _show_quarantine(request, refused="tick the records first", status=422)
    decision = Decision(kind, names, form.text("reason")[:500], principal_of(request).name)
    try:
        service.at_desk(lambda desk: desk.decide_quarantined(decision))
    except Conflict as refused:
        service.note_refusal(decision.actor, request.url.path, refused)
        return _show_quarantine(request, refused=str(refused), status=409)
    return go(f"/quarantine?done={kind}")
