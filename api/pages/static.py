"""Styles and modules of the pages: read once, kept by browsers until their content is another."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from importlib.resources import files

from fastapi import APIRouter
from fastapi.responses import Response

from api.security import OPEN, page
from mdm.errors import NotFound

router = APIRouter(include_in_schema=False)

_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


@cache
def _contents() -> dict[str, bytes]:
    folder = files("api.pages") / "static"
    return {item.name: item.read_bytes() for item in folder.iterdir() if item.name.rpartition(".")[2] in _TYPES}


@cache
def address_of(name: str) -> str:
    """Where a file is; another content has another address."""
    return f"/static/{name}?{sha256(_contents()[name]).hexdigest()[:12]}"


@router.get("/static/{name}", openapi_extra=page(OPEN))
def get(name: str) -> Response:
    """A style or a module."""
    content = _contents().get(name)
    if content is None:
        raise NotFound("there is no such file")
    kept = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(content, headers=kept, media_type=_TYPES[name.rpartition(".")[2]])
