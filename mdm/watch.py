"""Watching a run: what it counts, how long its stages take, and who is told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from rules.set_judging import SetOutcome

# stage, how many are done, of how many (None: not known)
Progress = Callable[[str, int, int | None], None]


def silent(_stage: str, _done: int, _total: int | None) -> None:
    """Progress that nobody watches."""


@dataclass(slots=True)
class Tally:
    """What a run counts as it goes: rows and seconds by stage, and notes for people."""

    counts: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    trained: list[str] = field(default_factory=list)
    releases: dict[str, str] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    outcomes: list[SetOutcome] = field(default_factory=list)
    merges: int = 0
    quarantined: int = 0

    def history(self) -> dict[str, Any]:
        """What the history of runs keeps: counts and seconds by stage, rows by source, releases, merges."""
        return {
            "counts": self.counts,
            "seconds": {stage: round(seconds, 3) for stage, seconds in self.seconds.items()},
            "rows": self.rows,
            "releases": self.releases,
            "merges": self.merges,
            "quarantined": self.quarantined,
            "notes": self.notes,
        }

    def add(self, stage: str, amount: int) -> None:
        """Count rows of a stage."""
        self.counts[stage] = self.counts.get(stage, 0) + amount

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the seconds spent inside to the stage."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - begun


def unheard(_entity: str, _release_id: str, _decided: Any) -> None:
    """A decision that nobody wants to hear of."""


@dataclass(frozen=True, slots=True)
class Watch:
    """What work done in stages reports to; run_id: None outside a batch run.

    decided: hears each decision before it is written, with the entity type and the release that made it.
    """

    run_id: int | None = None
    tally: Tally = field(default_factory=Tally)
    progress: Progress = silent
    decided: Callable[[str, str, Any], None] = unheard
