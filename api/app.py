"""create_app: Settings -> the application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI

from api.errors import add_handlers
from api.middleware import Around
from api.pages import PAGES, rendering
from api.routes import bulk, entities, health, match, records, tasks, verdicts
from api.security import admit
from api.service import running
from api.settings import Settings, settings_of

DESCRIPTION = """\
Who is this customer? Match and store records in milliseconds, with the answers of the batch job.

Send `Authorization: Bearer KEY`. Roles, each with the rights of those before it: match, reader, writer, steward, admin.
Refusals are problems as RFC 9457 has them.
"""


def create_app(settings: Settings) -> FastAPI:
    """The application of one server process."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with running(settings) as service:
            app.state.service = service
            yield

    app = FastAPI(
        title="mdm",
        version="1",
        description=DESCRIPTION,
        lifespan=lifespan,
        dependencies=[Depends(admit)],
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.add_middleware(Around, body_bytes=settings.body_bytes)
    add_handlers(app, rendering.tell)
    # The longer paths come first: a record id may hold slashes.
    for module in (bulk, match, tasks, verdicts, entities, records, health, *PAGES):
        app.include_router(module.router)
    return app


def from_environment() -> FastAPI:
    """The application as `mdm serve` starts it."""
    return create_app(settings_of())
