"""Errors -> problems as RFC 9457 has them; one table says which error is which status."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from mdm.errors import (
    BadInput,
    BadRecord,
    Breaker,
    Conflict,
    MdmError,
    Misconfigured,
    NotFound,
    Outdated,
    Unavailable,
)

PROBLEM = "application/problem+json"

# The first class that an error is of decides.
STATUS: Mapping[type[MdmError], int] = {
    Outdated: 412,
    BadInput: 422,
    NotFound: 404,
    Conflict: 409,
    Breaker: 409,
    Unavailable: 503,
    Misconfigured: 500,
}
TITLES: Mapping[int, str] = {
    400: "The request cannot be read",
    401: "A key is needed",
    403: "The key does not allow this",
    404: "Not found",
    405: "Not allowed here",
    409: "In conflict with what is stored",
    412: "Not the present version",
    413: "Too large",
    415: "Not JSON",
    422: "The request is refused",
    500: "Internal error",
    503: "Not now",
}
RETRY_SECONDS = 2


class Refusal(Exception):
    """A refusal that only a door makes: who may not enter, what is too large."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code


def status_of(error: MdmError) -> int:
    """The HTTP status of an error of ours."""
    return next((status for kind, status in STATUS.items() if isinstance(error, kind)), 500)


def problem_of(error: MdmError | Refusal) -> dict[str, Any]:
    """The problem that tells an error."""
    status = error.status if isinstance(error, Refusal) else status_of(error)
    pointer = error.pointer if isinstance(error, BadRecord) else ""
    errors = [{"pointer": f"#{pointer}", "detail": str(error)}] if pointer else []
    return problem(status, error.code, str(error), errors)


def problem(status: int, code: str, detail: str, errors: Sequence[Mapping[str, str]] = ()) -> dict[str, Any]:
    """A problem; errors: {pointer, detail} for each place in the request that is wrong."""
    title = TITLES.get(status, "Refused")
    told: dict[str, Any] = {"type": f"urn:mdm:problem:{code}", "title": title, "status": status, "code": code}
    return told | {"detail": detail} | ({"errors": list(errors)} if errors else {})


def answer(told: Mapping[str, Any]) -> Response:
    """The response that carries a problem."""
    status = told["status"]
    headers = {"Retry-After": str(RETRY_SECONDS)} if status == 503 else {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(orjson.dumps(told), status, headers, PROBLEM)


Teller = Callable[[Request, Mapping[str, Any]], Response]


def add_handlers(app: FastAPI, told: Teller) -> None:
    """Nothing; every error of the app is answered as `told` answers its problem."""

    @app.exception_handler(MdmError)
    async def _ours(request: Request, error: MdmError) -> Response:
        return told(request, problem_of(error))

    @app.exception_handler(Refusal)
    async def _refused(request: Request, error: Refusal) -> Response:
        return told(request, problem_of(error))

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> Response:
        return told(request, _invalid_problem(error))

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        response = told(request, problem(error.status_code, f"http_{error.status_code}", str(error.detail)))
        response.headers.update(error.headers or {})
        return response


def _invalid_problem(error: RequestValidationError) -> dict[str, Any]:
    found = error.errors()
    if any(each["type"] == "json_invalid" for each in found):
        return problem(400, "bad_json", "the body is not JSON")
    # The values themselves stay out: they may be personal.
    errors = [{"pointer": _pointer(each["loc"]), "detail": each["msg"]} for each in found]
    return problem(422, "bad_request", "the request is not as the API describes it", errors)


def _pointer(place: Sequence[Any]) -> str:
    """JSON pointer within the body; other parts of a request are named."""
    head, *rest = [str(step).replace("~", "~0").replace("/", "~1") for step in place]
    return "#/" + "/".join(rest) if head == "body" else f"{head}:{'/'.join(rest)}"
