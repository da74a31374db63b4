"""Rendering: a page's dataclass and its template -> HTML, with the frame around it and a strict content policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from api import errors, forms
from api.pages import charts, static, wording
from api.security import Principal, is_page, service_of
from mdm.masking import may
from mdm.pages import count_text, percent_text

# No inline script or style runs, and nothing comes from elsewhere.
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around every page. links: (address, text) that the visitor may follow; here: the one we are on."""

    project: str
    here: str
    visitor: Principal | None
    signed_in: bool
    links: tuple[tuple[str, str], ...]
    form_token: str
    notice: str


LINKS = (
    ("/", "Overview", "reader"),
    ("/queue", "Queue", "steward"),
    ("/search", "Search", "reader"),
    ("/quality", "Data quality", "reader"),
    ("/model", "Model", "reader"),
    ("/activity", "Activity", "steward"),
)


def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("api.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"percent": percent_text, "count": count_text, "address": lambda text: quote(str(text), safe="")}
    made.filters |= wording.FILTERS
    made.globals |= {"static": static.address_of, "charts": charts, "may": may}
    return made


_ENVIRONMENT = _environment()


def show(request: Request, template: str, page: Any, status: int = 200) -> Response:
    """The page as HTML; templates know `page` and `frame`."""
    html = _ENVIRONMENT.get_template(template).render(page=page, frame=_frame(request))
    return HTMLResponse(html, status, {"Content-Security-Policy": POLICY})


def _frame(request: Request) -> Frame:
    service = service_of(request)
    visitor: Principal | None = getattr(request.state, "principal", None)
    links = () if visitor is None else tuple((a, text) for a, text, role in LINKS if may(visitor.role, role))
    path = request.url.path
    path = path.replace("/tasks/", "/queue/").replace("/entities/", "/search/").replace("/quarantine", "/quality/")
    here = max((a for a, _ in links if path == a or (a != "/" and path.startswith(f"{a}/"))), default="")
    return Frame(
        project=service.resolver.bench.policy.file.project,
        here=here,
        visitor=visitor,
        signed_in=forms.session_secret(request) is not None,
        links=links,
        form_token=forms.token(request),
        notice=wording.notice_of(request.query_params.get("done", "")),
    )


def go(address: str) -> Response:
    """On to another page after a form: reloading it repeats nothing."""
    return RedirectResponse(address, 303)


def tell(request: Request, problem: Mapping[str, Any]) -> Response:
    """A problem as the caller can read it: a page for people, else as RFC 9457 has it."""
    if not _is_for_people(request):
        return errors.answer(problem)
    if problem["code"] == "not_signed_in" and request.method == "GET":
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"/sign-in?next={quote(request.url.path + query, safe='')}", 303)
    return show(request, "problem.html", problem, problem["status"])


def _is_for_people(request: Request) -> bool:
    route = request.scope.get("route")
    if route is not None:
        return is_page(route)
    return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/v1/")
