"""Unmasking: a reason -> the role by which somebody sees one entity whole, once; who asked and why is audited."""

from __future__ import annotations

from sqlalchemy import Connection

from mdm.errors import BadInput
from mdm.ids import entity_id
from mdm.store import audit, entities

# What a role sees that nothing is masked for; it gives no other right.
WHOLE = "writer"
FEWEST_SIGNS = 10


def unmask(connection: Connection, eid: int, *, actor: str, reason: str) -> str:
    """The role to see the entity by. Raises NotFound, or BadInput for a reason that says nothing."""
    said = " ".join(reason.split())
    if len(said) < FEWEST_SIGNS:
        raise BadInput(f"say why, in {FEWEST_SIGNS} characters or more")
    entities.get(connection, eid)
    audit.append(connection, actor, "values.unmasked", subject=f"entity:{entity_id(eid)}", details={"reason": said})
    return WHOLE
