"""How much of the world each of the six sources holds, and how often it writes the same customer twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of the world a source holds.

    known: share of the entities in it; again: mean number of extra records of a known one; stale: share of values
    that are out of date when the entity has changed.
    """

    known: float
    again: float
    stale: float


PEOPLE_IN = {
    "crm": Coverage(known=0.55, again=0.05, stale=0.12),
    "billing": Coverage(known=0.45, again=0.02, stale=0.25),
    "web": Coverage(known=0.40, again=0.28, stale=0.30),
    "support": Coverage(known=0.25, again=0.15, stale=0.35),
    "legacy": Coverage(known=0.35, again=0.06, stale=0.85),
    "partner": Coverage(known=0.08, again=0.02, stale=0.40),
}
ORGANISATIONS_IN = {
    "crm": Coverage(known=0.70, again=0.06, stale=0.10),
    "billing": Coverage(known=0.65, again=0.03, stale=0.20),
    "web": Coverage(known=0.12, again=0.05, stale=0.30),
    "support": Coverage(known=0.25, again=0.15, stale=0.30),
    "legacy": Coverage(known=0.45, again=0.08, stale=0.85),
    "partner": Coverage(known=0.40, again=0.10, stale=0.30),
}


def records_per_entity(coverage: Mapping[str, Coverage]) -> float:
    """The mean number of records all sources together hold about an entity."""
    return sum(source.known * (1 + source.again) for source in coverage.values())
