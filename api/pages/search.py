"""Searching for entities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from api.pages.rendering import show
from api.security import page, principal_of, service_of
from mdm.desk.finding import Hit, find

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class SearchPage:
    """What was asked for, and who was found."""

    text: str
    hits: tuple[Hit, ...]


@router.get("/search", openapi_extra=page("reader"))
def get(request: Request, q: Annotated[str, Query(max_length=200)] = "") -> Response:
    """Entities by name, phone, email, identifier, id or record."""
    service, text = service_of(request), q.strip()
    hits: tuple[Hit, ...] = ()
    if text:
        with service.store.reading() as connection:
            reception = service.resolver.reception
            hits = find(connection, reception, service.entities, text, principal_of(request).role)
    return show(request, "search.html", SearchPage(text, hits))
