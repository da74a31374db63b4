"""Forms of our own pages: read, and refused when another site sent them.

Three things must hold: the browser says that the form came from our own origin (Sec-Fetch-Site, else Origin), the
cookie of the session is only sent with our own posts (SameSite), and the form carries the token of that session.
"""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import parse_qs, urlsplit

from fastapi import Request

from api.errors import Refusal

TOKEN = "form_token"
MOST_FIELDS = 500
FORM_TYPE = "application/x-www-form-urlencoded"
_COOKIE = "mdm_session"


class Form:
    """What was filled in: each field's texts, blanks around them taken off."""

    def __init__(self, fields: dict[str, list[str]]) -> None:
        self._fields = fields

    def text(self, name: str) -> str:
        """The last text of a field; empty when there is none."""
        return self._fields.get(name, [""])[-1].strip()

    def texts(self, name: str) -> list[str]:
        """Every text of a field that is not empty."""
        return [text.strip() for text in self._fields.get(name, ()) if text.strip()]

    def raw(self, name: str) -> str:
        """The last text of a field as it is."""
        return self._fields.get(name, [""])[-1]

    def number(self, name: str) -> int | None:
        """The number in a field; None when there is none."""
        text = self.text(name)
        return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def cookie_name(request: Request) -> str:
    """The name of the session's cookie; over https a browser takes it from nobody but this host."""
    return f"__Host-{_COOKIE}" if is_https(request) else _COOKIE


def is_https(request: Request) -> bool:
    """Whether the browser reaches us by https."""
    return request.url.scheme == "https" or bool(request.app.state.service.settings.https)


def session_secret(request: Request) -> str | None:
    """The secret of the visitor's session; None outside one."""
    return request.cookies.get(cookie_name(request))


def token(request: Request) -> str:
    """What a form on a page for this visitor carries."""
    secret = session_secret(request) or request.app.state.service.settings.form_secret
    return hashlib.sha256(f"form\0{secret}".encode()).hexdigest()


async def read(request: Request) -> Form:
    """The form that was posted. Raises Refusal when it is not one of ours."""
    _check_origin(request)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM_TYPE:
        raise Refusal(415, "no_form", "pages take forms")
    try:
        fields = parse_qs((await request.body()).decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise Refusal(400, "bad_form", "the form cannot be read") from None
    form = Form(fields)
    if not hmac.compare_digest(form.text(TOKEN).encode(), token(request).encode()):
        raise Refusal(403, "foreign_form", "the form is not of this session any more; open the page anew and try again")
    return form


def _check_origin(request: Request) -> None:
    site = request.headers.get("sec-fetch-site")
    if site is None:
        origin = request.headers.get("origin")
        own = origin is None or urlsplit(origin).netloc == request.headers.get("host")
    else:
        own = site == "same-origin"
    if not own:
        raise Refusal(403, "foreign_form", "the form was sent by another site")


def form_of(request: Request) -> Form:
    """The form that was posted and found to be ours."""
    form: Form = request.state.form
    return form
