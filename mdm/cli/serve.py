"""The server: HTTP API and pages over one store."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING, Annotated

import typer

from mdm.cli.options import DEFAULT_PROJECT, ProjectFile, StoreUrl, open_project
from mdm.errors import BadInput, Misconfigured

if TYPE_CHECKING:
    from mdm.project import Project

LOOPBACK = ("127.0.0.1", "::1", "localhost")
# Requests under way when the server is told to stop have this long to end.
GRACE_SECONDS = 30


def serve(
    *,
    project: ProjectFile = DEFAULT_PROJECT,
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="The port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Processes; several need PostgreSQL.")] = 1,
    store: StoreUrl = None,
) -> None:
    """Serve the HTTP API and the pages for stewards.

    Without keys and users the server listens to this machine only, and everyone on it is the admin; see `mdm keys` and
    `mdm users`. Set MDM_HTTPS=1 where a proxy in front of it speaks https: cookies are then sent over https only.

    \b
    Examples:
      mdm serve
      mdm serve -p shop/project.yaml --port 8080
      mdm serve --host 0.0.0.0 --workers 4
    """
    _check(open_project(project, store), host, workers)
    try:
        import uvicorn
    except ModuleNotFoundError:
        raise Misconfigured("the server is not installed; `pip install 'mdm[serve]'` adds it") from None
    # What starts the processes takes no arguments but the environment.
    os.environ["MDM_PROJECT"] = str(project.absolute())
    os.environ["MDM_WORKERS"] = str(workers)
    os.environ["MDM_FORM_SECRET"] = secrets.token_hex(16)
    if store is not None:
        os.environ["MDM_STORE"] = store
    uvicorn.run(
        "api.app:from_environment",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        access_log=False,
        server_header=False,
        date_header=False,
        log_config=LOGGING,
        timeout_graceful_shutdown=GRACE_SECONDS,
        proxy_headers=False,
    )


LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "%(message)s"},
        "told": {"format": '{"at": "%(asctime)s", "level": "%(levelname)s", "message": "%(message)s"}'},
    },
    "handlers": {
        "lines": {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stdout"},
        "server": {"class": "logging.StreamHandler", "formatter": "told", "stream": "ext://sys.stderr"},
    },
    "loggers": {
        "mdm.api": {"handlers": ["lines"], "level": "INFO", "propagate": False},
        "uvicorn": {"handlers": ["server"], "level": "INFO", "propagate": False},
    },
}


def _check(opened: Project, host: str, workers: int) -> None:
    """Raises BadInput for a server that would be open to everyone, or that SQLite cannot serve."""
    from mdm.store import access, accounts

    with opened.store() as store:
        if store.dialect == "sqlite" and workers > 1:
            raise BadInput("SQLite has one server process; leave out --workers, or move the store to PostgreSQL")
        with store.reading() as connection:
            guarded = bool(access.all(connection)) or accounts.are_there(connection)
        if host not in LOOPBACK and not guarded:
            raise BadInput(
                f"without keys or users anyone who reaches {host} would be the admin; make one first: `mdm users add "
                "NAME` or `mdm keys add NAME --role writer`, or listen to 127.0.0.1"
            )
