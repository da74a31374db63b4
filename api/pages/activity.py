"""The audit trail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from api.pages.rendering import show
from api.security import page, service_of
from mdm.desk.trail import Trail, Wanted, trail

router = APIRouter(include_in_schema=False)

Word = Annotated[str, Query(max_length=200)]


@dataclass(frozen=True, slots=True)
class ActivityPage:
    """The lines, and what was asked for."""

    wanted: Wanted
    trail: Trail


@router.get("/activity", openapi_extra=page("steward"))
def get(
    request: Request,
    actor: Word = "",
    action: Word = "",
    subject: Word = "",
    before: Annotated[int | None, Query(ge=1, le=2**62)] = None,
) -> Response:
    """Who did what, when and why, newest first."""
    wanted = Wanted(actor.strip(), action.strip(), subject.strip(), before)
    with service_of(request).store.reading() as connection:
        found = trail(connection, wanted)
    return show(request, "activity.html", ActivityPage(wanted, found))
