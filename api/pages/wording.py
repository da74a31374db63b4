"""Wording: how moments, bits, fields and codes read on a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

NOTICES: Mapping[str, str] = {
    "signed-out": "You are signed out.",
    "no-more": "Nothing more waits here.",
    "released": "Released: they take part from now on, as long as their content stays the same.",
    "discarded": "Discarded: they stay out.",
    "undone": "Undone: everything is as it would be without that decision.",
    "decided-applied": "Decided.",
    "decided-pending": "Proposed: a second person has to agree before anything changes.",
    "decided-deferred": "Put off: it will be asked again.",
    "decided-rejected": "Not agreed: the question is open again.",
}


def notice_of(code: str) -> str:
    """What a page says first after something was done; empty for a code that we never gave."""
    return NOTICES.get(code, "")


def moment_text(moment: str | None) -> str:
    """`2026-01-31 12:00`, in UTC, of an ISO 8601 moment; a date alone stays one."""
    if moment is None:
        return "–"
    return moment if len(moment) <= 10 else moment.removesuffix("Z")[:16].replace("T", " ")


def ago_text(moment: str | None) -> str:
    """How long ago that was, in the largest unit that fits."""
    if moment is None:
        return "–"
    seconds = (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return "now"


def bits_text(bits: float | None) -> str:
    """`+6.1`, with a true minus."""
    if bits is None:
        return "–"
    rounded = round(bits, 1)
    sign = "+" if rounded > 0 else "−" if rounded < 0 else "±"
    return f"{sign}{abs(rounded):.1f}"


def field_text(column: str) -> str:
    """A field or a part of one in words: `birth date`, `name · given`."""
    return column.replace("_", " ").replace(".", " · ")


def compact_text(number: float | None) -> str:
    """`12.3 k`: a number that has to fit a tile."""
    if number is None:
        return "–"
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(number) >= size:
            return f"{number / (1000 if unit == 'k' else size):.1f} {unit}"
    return f"{number:,.0f}"


FILTERS: Mapping[str, Callable[[Any], str]] = {
    "moment": moment_text,
    "ago": ago_text,
    "bits": bits_text,
    "field": field_text,
    "compact": compact_text,
}
