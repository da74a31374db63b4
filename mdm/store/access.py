"""API keys: who may call, in which role, until when; only digests are stored."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from mdm.errors import Conflict, NotFound
from mdm.store import counters
from mdm.store.schema import api_key
from mdm.store.store import recorded_at

# A secret of 256 random bits cannot be guessed from its digest, however fast the digest is.
SECRET_BYTES = 32
PREFIX = "mdm_"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A caller's key without its secret. sources: the only ones it may write to, None: all. Times: UTC, ISO 8601."""

    name: str
    role: str
    sources: tuple[str, ...] | None
    created_at: str
    expires_at: str | None
    revoked_at: str | None

    def holds_at(self, moment: str) -> bool:
        """Whether the key opens anything at that moment (UTC ISO 8601 as in recorded_at)."""
        return self.revoked_at is None and (self.expires_at is None or moment < self.expires_at)


def create(
    connection: Connection, name: str, role: str, *, sources: tuple[str, ...] | None, expires_at: str | None
) -> str:
    """The secret of a new key: it is told once and stored nowhere. Raises Conflict when the name is taken."""
    if connection.scalar(select(api_key.c.key_no).where(api_key.c.name == name)) is not None:
        raise Conflict(f"there is a key named {name!r}; choose another name")
    secret = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    connection.execute(
        api_key.insert().values(
            key_no=counters.allocate(connection, "api_key", 1),
            name=name,
            digest=digest_of(secret),
            role=role,
            sources=None if sources is None else json.dumps(sources),
            created_at=recorded_at(connection),
            expires_at=expires_at,
        )
    )
    return secret


def revoke(connection: Connection, name: str) -> None:
    """Nothing; the key opens nothing any more. Raises NotFound, Conflict when it was revoked before."""
    row = connection.execute(select(api_key).where(api_key.c.name == name)).one_or_none()
    if row is None:
        raise NotFound(f"there is no key named {name!r}; `mdm keys list` shows them")
    if row.revoked_at is not None:
        raise Conflict(f"key {name!r} was revoked at {row.revoked_at}")
    connection.execute(api_key.update().where(api_key.c.name == name).values(revoked_at=recorded_at(connection)))


def all(connection: Connection) -> list[ApiKey]:
    """Every key there ever was, oldest first."""
    return list(by_digest(connection).values())


def by_digest(connection: Connection) -> dict[str, ApiKey]:
    """Every key there ever was by the digest of its secret, oldest first."""
    rows = connection.execute(select(api_key).order_by(api_key.c.key_no))
    return {row.digest: _key(dict(row._mapping)) for row in rows}


def digest_of(secret: str) -> str:
    """The digest by which a secret is known."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _key(row: dict[str, Any]) -> ApiKey:
    sources = None if row["sources"] is None else tuple(json.loads(row["sources"]))
    return ApiKey(row["name"], row["role"], sources, row["created_at"], row["expires_at"], row["revoked_at"])
