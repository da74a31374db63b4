"""Help: the keys, and what the words mean."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.pages.rendering import show
from api.security import page

router = APIRouter(include_in_schema=False)


@router.get("/help", openapi_extra=page("reader"))
def get(request: Request) -> Response:
    """Keys and words."""
    return show(request, "help.html", None)
