"""Masking: which values a role may see. The one place that decides it, for the API, pages, exports and logs.

Fields are classed in the entity files: pii high, low or none. Rows of a record that no field is made of count as high.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mdm.engine.policy import EntityType

# Each role may do what the ones before it may.
ROLES = ("match", "reader", "writer", "steward", "admin")
MASK = "•••"

# What a role sees of a class: the value, that there is one, or nothing at all.
_CLEAR, _MASKED, _NOTHING = "clear", "masked", "nothing"
_SEEN: Mapping[str, Mapping[str, str]] = {
    "match": {"high": _NOTHING, "low": _NOTHING, "none": _NOTHING},
    "reader": {"high": _MASKED, "low": _CLEAR, "none": _CLEAR},
    **{role: {"high": _CLEAR, "low": _CLEAR, "none": _CLEAR} for role in ("writer", "steward", "admin")},
}


def may(role: str, needed: str) -> bool:
    """Whether the role includes the other one."""
    return ROLES.index(role) >= ROLES.index(needed)


def masked(role: str, pii: str, value: str | None) -> str | None:
    """What the role sees of a value of that class; None when it sees nothing, or there is nothing."""
    seen = _SEEN[role][pii]
    if value is None or seen == _NOTHING:
        return None
    return value if seen == _CLEAR else MASK


def field_class(entity: EntityType, address: str) -> str:
    """The class of a field or of one of its parts."""
    field = entity.fields.get(address.partition(".")[0])
    return "high" if field is None else field.pii


def masked_golden(role: str, entity: EntityType, golden: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The golden values with their origin as the role may see them; fields it sees nothing of are left out."""
    shown: dict[str, list[dict[str, Any]]] = {}
    for name, winners in golden.items():
        pii = field_class(entity, name)
        if masked(role, pii, MASK) is not None:
            shown[name] = [_masked_winner(role, pii, winner) for winner in winners]
    return shown


def _masked_winner(role: str, pii: str, winner: Mapping[str, Any]) -> dict[str, Any]:
    """The winner, and what a pin holds against, as the role may see them."""
    told = {"value": winner["value"]} | ({"over": winner["over"]} if winner.get("over") else {})
    seen = {key: {sub: masked(role, pii, text) for sub, text in value.items()} for key, value in told.items()}
    return {**winner, **seen}
