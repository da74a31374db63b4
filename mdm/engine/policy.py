"""Policy as the engine sees it: what an entity type is, and how a source is read. Frozen shapes, checked elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from mdm.engine.levels import Level


@dataclass(frozen=True, slots=True)
class FieldPolicy:
    """One field of an entity type: its kind, how it is standardised, shown and protected."""

    name: str
    kind: str
    options: Mapping[str, str]
    pii: Literal["high", "low", "none"]
    multiple: bool


@dataclass(frozen=True, slots=True)
class FeaturePolicy:
    """A compare column: the (field, compare part) pairs it reads; `many` keeps a list, else the first value stands.

    without: issue codes; what a claim with one of them says is no evidence here (a mailbox of a whole office).
    """

    name: str
    sources: tuple[tuple[str, str], ...]
    many: bool
    number: bool
    without: tuple[str, ...] = ()

    @property
    def sql_type(self) -> str:
        """The DuckDB type of the column."""
        scalar = "INTEGER" if self.number else "VARCHAR"
        return f"{scalar}[]" if self.many else scalar


@dataclass(frozen=True, slots=True)
class LevelPolicy:
    """One level of a comparison, with the m and u expected before any data speaks."""

    name: str
    when: Level
    m: float
    u: float
    u_gated: float
    rarity: str | None


@dataclass(frozen=True, slots=True)
class ComparisonPolicy:
    """Ordered levels, best first; the last is `else`. Unknown pairs say nothing (0 bits)."""

    name: str
    show: tuple[str, ...]
    unknown: Level
    levels: tuple[LevelPolicy, ...]
    gate: str | None


@dataclass(frozen=True, slots=True)
class KeyPolicy:
    """A blocking key: records that agree on all its features are candidates."""

    name: str
    on: tuple[tuple[str, int | None], ...]


@dataclass(frozen=True, slots=True)
class SurvivorshipPolicy:
    """How the golden value of a field is chosen.

    by: strategies, each narrowing what the one before left. unit: all sub-fields come from one claim.
    ageing: points of trust a claim loses per year that it is older than the entity's newest.
    """

    by: tuple[str, ...]
    unit: bool = False
    ageing: float = 0.0


@dataclass(frozen=True, slots=True)
class SharedPolicy:
    """Contacts that may be shared: list features, and the features whose variety among the holders tells it."""

    features: tuple[str, ...]
    among: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EntityType:
    """Everything the engine knows of an entity type; engine code never names a field.

    strong: comparisons of identifiers that one customer has one of; two that differ in an entity are a question.
    """

    name: str
    fields: Mapping[str, FieldPolicy]
    features: Mapping[str, FeaturePolicy]
    comparisons: tuple[ComparisonPolicy, ...]
    gates: Mapping[str, Level]
    keys: tuple[KeyPolicy, ...]
    identifying: tuple[str, ...]
    strong: tuple[str, ...]
    survivorship: Mapping[str, SurvivorshipPolicy]
    default_survivorship: SurvivorshipPolicy
    text: str
    shared: SharedPolicy | None = None
