"""Signing in and out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from api import forms
from api.pages.rendering import go, show
from api.security import OPEN, page, service_of
from mdm import accounts

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class SignInPage:
    """The form to sign in. next: where to go then. refused: what was wrong the last time, or empty."""

    next: str
    name: str = ""
    refused: str = ""


@router.get("/sign-in", openapi_extra=page(OPEN))
def ask(request: Request, next: Annotated[str, Query()] = "/") -> Response:
    """The form."""
    return show(request, "sign_in.html", SignInPage(_inside(next)))


@router.post("/sign-in", openapi_extra=page(OPEN))
def sign_in(request: Request) -> Response:
    """A session, when name and password are right."""
    form, service = forms.form_of(request), service_of(request)
    name, then = form.text("name"), _inside(form.text("next"))
    address = request.client.host if request.client is not None else ""
    if not service.attempts.may_try(name, address):
        refused = SignInPage(then, name, "Too many attempts. Wait five minutes, then try again.")
        return show(request, "sign_in.html", refused, 429)
    secret = accounts.sign_in(service.store, name, form.raw("password"))
    if secret is None:
        service.attempts.failed(name, address)
        return show(request, "sign_in.html", SignInPage(then, name, "Name or password is wrong."), 401)
    response = go(then)
    response.set_cookie(
        forms.cookie_name(request),
        secret,
        max_age=accounts.SESSION_HOURS * 3600,
        httponly=True,
        samesite="lax",
        secure=forms.is_https(request),
    )
    return response


@router.post("/sign-out", openapi_extra=page(OPEN))
def sign_out(request: Request) -> Response:
    """The session is over."""
    secret = forms.session_secret(request)
    if secret is not None:
        accounts.sign_out(service_of(request).store, secret)
    response = go("/sign-in?done=signed-out")
    response.delete_cookie(forms.cookie_name(request), httponly=True, samesite="lax", secure=forms.is_https(request))
    return response


def _inside(address: str) -> str:
    """The address when it is one of our own pages, else the first page: nobody is sent elsewhere."""
    inside = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    return address if inside else "/"
