"""What every standardiser returns: (raw parts, context) -> outcomes with clean values, compare values and issues."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

CompareValue = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Context:
    """What a value's surroundings say about how to read it.

    country: ISO 3166 alpha-2 upper case, or None when unknown.
    date_order: mdy, dmy, ymd, jalali or auto.
    reference: ISO date of the record itself (its updated_at), or None; a date after it is in the future.
    """

    country: str | None = None
    date_order: str = "auto"
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """One value as it was understood.

    clean: sub-field -> value to show; a kind with a single part uses the sub-field "value".
    compare: compare part -> values used by matching, never empty strings; a part that is unknown is left out.
    issues: reason codes, `kind.reason`, sorted, without repeats.
    An outcome with nothing in `clean` and `compare` says that the raw value was refused or absent.
    """

    clean: Mapping[str, str] = field(default_factory=dict)
    compare: Mapping[str, CompareValue] = field(default_factory=dict)
    issues: tuple[str, ...] = ()


ABSENT = Outcome()
