"""How one server is deployed: environment -> Settings."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Settings:
    """The project file, and the store in place of its own. Limits: bytes of a body and of a line, records of a batch.

    workers: how many processes serve the store. https: whether browsers reach the server by https, through a proxy.
    form_secret: what forms of visitors who are in no session are bound to, the same in all processes.
    """

    project: Path
    store: str | None = None
    workers: int = 1
    body_bytes: int = 2_000_000
    line_bytes: int = 100_000
    batch_records: int = 1_000
    page_rows: int = 1_000
    candidates: int = 50
    https: bool = False
    form_secret: str = field(default_factory=lambda: secrets.token_hex(16))


def settings_of(environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings that `mdm serve` hands to its processes."""
    return Settings(
        project=Path(environ.get("MDM_PROJECT", "project.yaml")),
        store=environ.get("MDM_STORE"),
        workers=int(environ.get("MDM_WORKERS", "1")),
        https=environ.get("MDM_HTTPS", "") not in ("", "0"),
        form_secret=environ.get("MDM_FORM_SECRET") or secrets.token_hex(16),
        body_bytes=int(environ.get("MDM_BODY_BYTES", "2000000")),
    )
