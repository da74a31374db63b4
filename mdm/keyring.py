"""The keyring: keys of callers made and revoked, each with a line in the audit trail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from mdm.errors import BadInput
from mdm.masking import ROLES
from mdm.policy import ProjectPolicy
from mdm.store import Store, access, audit
from mdm.store.store import moment_of


@dataclass(frozen=True, slots=True)
class Wanted:
    """A key to make. sources: the only ones it may write to, None: all. days: how long it is valid, None: for ever."""

    name: str
    role: str
    sources: tuple[str, ...] | None = None
    days: int | None = None


def add_key(store: Store, policy: ProjectPolicy, wanted: Wanted, *, actor: str) -> str:
    """The secret of a new key. Raises BadInput, or Conflict for a taken name."""
    name, role, sources, days = wanted.name, wanted.role, wanted.sources, wanted.days
    known = {source.name for source in policy.file.sources}
    if not name.strip() or len(name) > 100 or not name.isprintable():
        raise BadInput("a key needs a name of 1 to 100 printable characters")
    if role not in ROLES:
        raise BadInput(f"unknown role {role!r}; known: {', '.join(ROLES)}")
    for source in sources or ():
        if source not in known:
            raise BadInput(f"there is no source {source!r}; known: {', '.join(sorted(known))}")
    expires = None if days is None else moment_of(store.now() + timedelta(days=days))
    with store.writing() as connection:
        secret = access.create(connection, name, role, sources=sources, expires_at=expires)
        audit.append(connection, actor, "key.added", subject=f"key:{name}", details={"role": role, "expires": expires})
    return secret


def revoke_key(store: Store, name: str, *, actor: str) -> None:
    """Nothing; the key opens nothing any more. Raises NotFound, or Conflict when it was revoked before."""
    with store.writing() as connection:
        access.revoke(connection, name)
        audit.append(connection, actor, "key.revoked", subject=f"key:{name}", details={})
