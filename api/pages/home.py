"""The overview."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.pages.rendering import show
from api.security import page, service_of
from mdm.desk.summary import summary

router = APIRouter(include_in_schema=False)


@router.get("/", openapi_extra=page("reader"))
def get(request: Request) -> Response:
    """Records, entities, merges, queue, quality, and how they moved."""
    service = service_of(request)
    return show(request, "home.html", service.remembered("summary", summary))
