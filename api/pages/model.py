"""The model that decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.pages.rendering import show
from api.security import page, service_of
from mdm import steward_quality
from mdm.desk.model import ModelShown, active_models, all_releases
from mdm.reports import ReleaseSummary
from mdm.steward_quality import StewardQuality

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class ModelPage:
    """The active release of each entity type, and all others; judged: entity type -> what verdicts say of it."""

    models: tuple[ModelShown, ...]
    releases: tuple[ReleaseSummary, ...]
    judged: Mapping[str, StewardQuality]


@router.get("/model", openapi_extra=page("reader"))
def get(request: Request) -> Response:
    """Weights, thresholds, the histogram of scores, releases."""
    service = service_of(request)
    names = tuple(service.entities)
    models = service.remembered("models", lambda connection: tuple(active_models(connection, names)))
    with service.store.reading() as connection:
        known = all_releases(connection, names)
    judged = service.remembered("judged", lambda connection: steward_quality.measure(connection, names))
    return show(request, "model.html", ModelPage(models, tuple(known), {each.entity: each for each in judged}))
