"""Scores of the value benchmarks: how many values of a kind came out right, and which did not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq


@dataclass(slots=True)
class Score:
    """Right out of total of one measure; `listed` lines are shown always, for each has a reason."""

    measure: str
    right: int = 0
    total: int = 0
    misses: list[str] = field(default_factory=list)
    listed: list[str] = field(default_factory=list)

    def count(self, is_right: bool, miss: str) -> None:
        """Count one value."""
        self.total += 1
        self.right += is_right
        if not is_right:
            self.misses.append(miss)

    def __str__(self) -> str:
        return f"{self.measure:<40}{self.right:>7,} of{self.total:>7,}{self.right / max(1, self.total):>10.2%}"


@dataclass(slots=True)
class Detection:
    """A yes-or-no question: hits, false alarms, overlooked ones, and what is written about each mistake."""

    measure: str
    hits: int = 0
    alarms: int = 0
    overlooked: int = 0
    misses: list[str] = field(default_factory=list)
    listed: list[str] = field(default_factory=list)

    def count(self, said: bool, truth: bool, text: str) -> None:
        """Count one answer."""
        self.hits += said and truth
        self.alarms += said and not truth
        self.overlooked += truth and not said
        if said != truth:
            self.misses.append(f"{'said yes' if said else 'said no '}  {text}")

    def __str__(self) -> str:
        precision = self.hits / max(1, self.hits + self.alarms)
        recall = self.hits / max(1, self.hits + self.overlooked)
        f1 = 2 * self.hits / max(1, 2 * self.hits + self.alarms + self.overlooked)
        return f"{self.measure:<40} precision {precision:.4f} recall {recall:.4f} F1 {f1:.4f}"


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a parquet file as dictionaries."""
    yield from pq.read_table(path).to_pylist()
