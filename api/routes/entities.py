"""Entities: by id, now or at an earlier moment, through time, found by a text; the feed of what happens to them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from api import answers
from api.schemas import problems
from api.security import principal_of, role, service_of
from mdm import explaining, searching, views
from mdm.errors import BadInput, NotFound
from mdm.ids import entity_id
from mdm.naming import number_of
from mdm.store import events

router = APIRouter(prefix="/v1", tags=["entities"])

# The greatest number that both databases know.
MOST = 2**63 - 1

AsOf = Annotated[str | None, Query(description="A moment, as 2026-01-31T12:00:00Z; the present when it is left out.")]
Limit = Annotated[int, Query(ge=1, le=1000)]


@router.get("/entities", openapi_extra=role("reader"), responses=problems())
def search(request: Request, q: Annotated[str, Query(min_length=1, max_length=200)], limit: Limit = 20) -> Response:
    """Entities found by a name in any script, phone, email, identifier, entity id, or source:record_id."""
    service, shown = service_of(request), principal_of(request).role
    most = min(limit, service.settings.page_rows)
    with service.store.reading() as connection:
        found = searching.search(connection, service.resolver.reception, q, most)
        seen = [views.view(connection, eid) for eid in found]
    return answers.respond(
        {"entities": [answers.entity_json(view, service.entities.get(view.entity_type), shown) for view in seen]}
    )


@router.get(
    "/entities/{entity}",
    openapi_extra=role("reader"),
    responses={307: {"description": "the id is an old one; Location has the present one"}, **problems(404)},
)
def get(entity: str, request: Request, as_of: AsOf = None) -> Response:
    """An entity: golden record, origin of every value, members. An old id is sent on to the present one (307)."""
    service = service_of(request)
    with service.store.reading() as connection:
        eid = number_of(connection, entity)
        if as_of is not None:
            view = views.view_at(connection, eid, views.parse_moment(as_of))
        else:
            view = views.view(connection, eid)
    if view.redirect is not None:
        return Response(None, 307, {"Location": f"/v1/entities/{entity_id(view.redirect)}"})
    if view.state != "active":
        raise NotFound(f"entity {entity_id(eid)} is no more; its history and `as_of` still tell of it")
    told = answers.entity_json(view, service.entities.get(view.entity_type), principal_of(request).role)
    return answers.respond(told, headers={"ETag": f'"{view.version}"'})


@router.get("/entities/{entity}/history", openapi_extra=role("reader"), responses=problems(404))
def history(entity: str, request: Request) -> Response:
    """Every change of an entity: records that joined and left, fields whose value changed."""
    with service_of(request).store.reading() as connection:
        eid = number_of(connection, entity)
        told = views.history(connection, eid)
    return answers.respond({"entity_id": entity_id(eid), "history": [answers.happening_json(each) for each in told]})


@router.get("/entities/{entity}/how", openapi_extra=role("reader"), responses=problems(404))
def how(entity: str, request: Request) -> Response:
    """How an entity came together, and which member would fall out without its weakest link."""
    service = service_of(request)
    if ":" in entity:
        raise BadInput("name the entity by its id")
    with service.store.reading() as connection:
        told = explaining.how(connection, entity)
    return answers.respond(answers.how_json(told, service.entities[told.entity], principal_of(request).role))


@router.get("/events", openapi_extra=role("reader"), responses=problems())
def feed(request: Request, after: Annotated[int, Query(ge=0, le=MOST)] = 0, limit: Limit = 100) -> Response:
    """What happened to entities, in order and without gaps; go on with `next` as `after`."""
    most = min(limit, service_of(request).settings.page_rows)
    with service_of(request).store.reading() as connection:
        found = events.after(connection, after, most)
    last = found[-1].event_no if found else after
    return answers.respond({"events": [answers.event_json(each) for each in found], "next": last})
