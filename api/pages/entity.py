"""One entity: looked at, split, confirmed, merged with another, its values pinned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, TypedDict

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from api import forms
from api.pages.rendering import go, show
from api.security import page, principal_of, service_of
from mdm.decisions import Desk, Effect
from mdm.desk.dossier import Dossier, Reader, dossier
from mdm.desk.outlook import Outlook, outlook
from mdm.desk.unmasking import unmask
from mdm.errors import BadInput, Conflict, MdmError, Outdated
from mdm.forms import members_of, merging, splitting
from mdm.ids import eid_of, entity_id
from mdm.masking import may
from mdm.resolve import Resolver
from mdm.sayings import CONFIRMED, PINNED, REASONS
from mdm.steward import parse_record
from mdm.store import entities
from mdm.store.verdicts import Verdict
from mdm.views import parse_moment

router = APIRouter(include_in_schema=False)

ROUTE = "/entities/{entity}"


@dataclass(frozen=True, slots=True)
class EntityPage:
    """An entity. refused: why what was just sent was not done. picked: members that are to leave.

    outlook: what the split would do. may_decide: whether the visitor decides about entities.
    """

    dossier: Dossier
    may_decide: bool
    reasons: dict[str, str]
    picked: frozenset[str] = frozenset()
    outlook: Outlook | None = None
    refused: str = ""


@router.get(ROUTE, openapi_extra=page("reader"))
def get(
    entity: str,
    request: Request,
    as_of: Annotated[str, Query(max_length=40)] = "",
    pick: Annotated[str, Query(max_length=10)] = "",
) -> Response:
    """Values with their origin, members, links, history; an old id leads to the present one."""
    moment = parse_moment(as_of) if as_of.strip() else None
    found = _look(request, entity, moment)
    if found.redirect is not None and moment is None:
        return go(f"/entities/{found.redirect}")
    falling = frozenset(found.how.falls_out) if pick == "falling" and found.how is not None else frozenset()
    return _show(request, found, picked=falling)


def _look(request: Request, entity: str, moment: str | None = None, role: str | None = None) -> Dossier:
    service, seen_as = service_of(request), role or principal_of(request).role

    def look(resolver: Resolver) -> Dossier:
        with service.store.reading() as connection:
            return dossier(connection, eid_of(entity), Reader(resolver.bench, seen_as), moment)

    return service.deciding(look)


def _show(
    request: Request,
    found: Dossier,
    *,
    picked: frozenset[str] = frozenset(),
    told: Outlook | None = None,
    refused: str = "",
    status: int = 200,
) -> Response:
    may_decide = may(principal_of(request).role, "steward") and found.state == "active" and found.moment is None
    return show(request, "entity.html", EntityPage(found, may_decide, dict(REASONS), picked, told, refused), status)


@router.post(f"{ROUTE}/unmask", openapi_extra=page("reader"))
def show_whole(entity: str, request: Request) -> Response:
    """The entity with nothing masked, this once; the reason stands in the trail."""
    service, reason = service_of(request), forms.form_of(request).text("reason")[:500]
    try:
        with service.store.writing() as connection:
            role = unmask(connection, eid_of(entity), actor=principal_of(request).name, reason=reason)
    except BadInput as refused:
        return _show(request, _look(request, entity), refused=str(refused), status=422)
    return _show(request, _look(request, entity, role=role))


@router.post(f"{ROUTE}/split/preview", openapi_extra=page("steward"))
def preview_split(entity: str, request: Request) -> Response:
    """What would become of the entity if the picked records left it."""
    service, form = service_of(request), forms.form_of(request)
    picked = frozenset(form.texts("member"))
    try:
        with service.store.reading() as connection:
            given = _split(connection, request, entity)
        previewed = service.at_desk(lambda desk: desk.preview(given))
    except (BadInput, Conflict) as refused:
        return _show(request, _look(request, entity), picked=picked, refused=str(refused), status=409)
    told = outlook(previewed, service.entities, principal_of(request).role)
    return _show(request, _look(request, entity), picked=picked, told=told)


def _split(connection: Connection, request: Request, entity: str) -> Verdict:
    form = forms.form_of(request)
    group = tuple(parse_record(name) for name in form.texts("member"))
    if not group:
        raise BadInput("tick the records that are another customer")
    return splitting(connection, eid_of(entity), [group], **_said(request))


class Said(TypedDict):
    """By whom and why something is said."""

    reason: str
    actor: str
    comment: str


def _said(request: Request) -> Said:
    form = forms.form_of(request)
    actor = principal_of(request).name
    return {"reason": form.text("reason")[:500], "actor": actor, "comment": form.text("comment")[:2000]}


@router.post(f"{ROUTE}/split", openapi_extra=page("steward"))
def split(entity: str, request: Request) -> Response:
    """The picked records are another customer."""
    return _act(request, entity, lambda connection: _split(connection, request, entity))


@router.post(f"{ROUTE}/confirm", openapi_extra=page("steward"))
def confirm(entity: str, request: Request) -> Response:
    """The entity was looked at as a whole and is one customer."""

    def said(connection: Connection) -> Verdict:
        return Verdict(CONFIRMED, members_of(connection, eid_of(entity)), (), **_said(request))

    return _act(request, entity, said)


@router.post(f"{ROUTE}/merge", openapi_extra=page("steward"))
def merge(entity: str, request: Request) -> Response:
    """The entity and another one are one customer."""

    def said(connection: Connection) -> Verdict:
        other = eid_of(forms.form_of(request).text("other"))
        return merging(connection, [eid_of(entity), other], **_said(request))

    return _act(request, entity, said)


@router.post(f"{ROUTE}/pin", openapi_extra=page("steward"))
def pin(entity: str, request: Request) -> Response:
    """A value holds whatever sources deliver."""
    form = forms.form_of(request)
    expires = parse_moment(form.text("expires")) if form.text("expires") else None
    details = {} if expires is None else {"expires_at": expires}
    given = Verdict(PINNED, (), (), details=details, **_said(request))
    values = {form.text("field"): form.text("value")}
    return _done(request, entity, lambda desk: desk.pin(eid_of(entity), values, given))


def _act(request: Request, entity: str, said: Callable[[Connection], Verdict]) -> Response:
    """Give the verdict if the entity is what the visitor saw."""
    service, version = service_of(request), forms.form_of(request).number("version")

    def give(desk: Desk) -> Effect:
        with service.store.writing() as connection:
            seen = entities.get(connection, eid_of(entity))
            if seen.version != version:
                raise Outdated(f"entity {entity_id(seen.eid)} changed since this page was opened")
            return desk.give_within(connection, said(connection))

    return _done(request, entity, give)


def _done(request: Request, entity: str, act: Callable[[Desk], Effect]) -> Response:
    service = service_of(request)
    try:
        effect = service.at_desk(act)
    except (BadInput, Conflict) as refused:
        if isinstance(refused, Conflict):
            service.note_refusal(principal_of(request).name, request.url.path, refused)
        return _refuse(request, entity, refused)
    if effect.outcome == "pending":
        return go(f"/tasks/{effect.task_id}?done=decided-pending")
    return go(f"/entities/{entity}?done=decided-applied")


def _refuse(request: Request, entity: str, refused: MdmError) -> Response:
    found = _look(request, entity)
    status = 409 if isinstance(refused, Conflict) else 422
    return _show(
        request, found, picked=frozenset(forms.form_of(request).texts("member")), refused=str(refused), status=status
    )
