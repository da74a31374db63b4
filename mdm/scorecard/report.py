"""What a scorecard says: frozen results, rendered as terminal tables, JSON and a page. Shares lie between 0 and 1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

DIMENSIONS = ("completeness", "validity", "consistency", "uniqueness", "timeliness")


@dataclass(frozen=True, slots=True)
class Point:
    """A score at the end of one run."""

    run_id: int
    at: str
    share: float


@dataclass(frozen=True, slots=True)
class DimensionScore:
    """One dimension of a source: of `total` questions asked about its records `passed` were answered well."""

    dimension: str
    passed: int
    total: int
    history: tuple[Point, ...]

    @property
    def share(self) -> float:
        """The score of the last run."""
        return self.passed / self.total

    @property
    def change(self) -> float | None:
        """By how much the score moved since the run before; None when there is none."""
        return self.history[-1].share - self.history[-2].share if len(self.history) > 1 else None


@dataclass(frozen=True, slots=True)
class FieldScore:
    """The scores of one field; a dimension that says nothing about it is left out."""

    field: str
    scores: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class RuleScore:
    """Whether a rule over a set held for the source in the last run."""

    rule_id: str
    passed: bool


@dataclass(frozen=True, slots=True)
class SourceScore:
    """The scores of the records of one source and entity type."""

    source: str
    entity: str
    records: int
    dimensions: tuple[DimensionScore, ...]
    fields: tuple[FieldScore, ...]
    rules: tuple[RuleScore, ...]


@dataclass(frozen=True, slots=True)
class ScorecardReport:
    """The scorecard after one run; run_id and at are None before the first."""

    project: str
    run_id: int | None
    at: str | None
    sources: tuple[SourceScore, ...]
