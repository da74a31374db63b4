"""Columns of text and random draws for them: arrays in, arrays out.

"" is an empty cell until the table is written, so that parts can simply be added up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

Column = npt.NDArray[np.object_]
Columns = dict[str, Column]
Mask = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]
Ladder = npt.NDArray[np.float64]
Days = npt.NDArray[np.datetime64]

Rows = TypeVar("Rows")


def column(values: Iterable[str]) -> Column:
    """The values as an array of Python strings."""
    listed = list(values)
    filled = np.empty(len(listed), object)
    filled[:] = listed
    return filled


def constant(value: str, size: int) -> Column:
    """One value, repeated."""
    return np.full(size, value, object)


def each(change: Callable[[str], str], values: Column) -> Column:
    """The values after the change, one by one."""
    return column(change(value) for value in values)


def changed(values: Column, where: Mask, change: Callable[[str], str]) -> Column:
    """A copy in which only the marked values went through the change."""
    copy = values.copy()
    for row in np.flatnonzero(where):
        copy[row] = change(copy[row])
    return copy


def padded(numbers: Numbers, width: int) -> Column:
    """Numbers as text with leading zeros."""
    return column(f"{number:0{width}d}" for number in numbers.tolist())


def plain(numbers: Numbers) -> Column:
    """Numbers as text."""
    return column(map(str, numbers.tolist()))


def choose(where: Mask, yes: Column | str, no: Column | str) -> Column:
    """Row by row: yes where marked, else no."""
    chosen: Column = np.where(where, np.asarray(yes, object), np.asarray(no, object))
    return chosen


def glued(*parts: Column | str) -> Column:
    """Row by row the parts, one after the other; at least one of them is a column."""
    text: Any = parts[0]
    for part in parts[1:]:
        text = text + part
    whole: Column = text
    return whole


def joined(*parts: Column, by: str = " ") -> Column:
    """Row by row the parts that are not empty, joined."""
    return column(by.join(part for part in row if part) for row in zip(*parts, strict=True))


def take(rows: Rows, index: Numbers) -> Rows:
    """The indexed rows of a dataclass of columns."""
    return _by_column(lambda values: values[index], rows)


def mixed(where: Mask, yes: Rows, no: Rows) -> Rows:
    """Row by row: of the first dataclass of columns where marked, else of the second."""
    return _by_column(lambda left, right: np.where(where, left, right), yes, no)


def _by_column(combine: Callable[..., Any], *tables: Rows) -> Rows:
    first: Any = tables[0]
    merged: dict[str, Any] = {}
    for field in fields(first):
        values = [getattr(table, field.name) for table in tables]
        if is_dataclass(values[0]):
            merged[field.name] = _by_column(combine, *values)
        elif isinstance(values[0], np.ndarray):
            merged[field.name] = combine(*values)
    changed_rows: Rows = replace(first, **merged)
    return changed_rows


def ladder(weights: Sequence[float]) -> Ladder:
    """Cumulative shares, the last one 1."""
    steps = np.cumsum(np.asarray(weights, float))
    shares: Ladder = steps / steps[-1]
    return shares


@dataclass(frozen=True, slots=True)
class WordList:
    """Words and the ladder they are drawn by."""

    words: Column
    steps: Ladder


@dataclass(frozen=True, slots=True)
class Dice:
    """Random draws for a batch of `size` rows."""

    rng: np.random.Generator
    size: int

    def resized(self, size: int) -> Dice:
        """The same stream of chance for another number of rows."""
        return Dice(self.rng, size)

    def chance(self, share: float) -> Mask:
        """Marks about that share of the rows."""
        return self.rng.random(self.size) < share

    def numbers(self, low: int, high: int) -> Numbers:
        """Whole numbers, low <= number < high."""
        return self.rng.integers(low, high, self.size)

    def rungs(self, steps: Ladder) -> Numbers:
        """Positions drawn by a ladder."""
        return np.searchsorted(steps, self.rng.random(self.size), side="right").astype(np.int64)

    def words(self, words: WordList) -> Column:
        """Words drawn by their weights."""
        drawn: Column = words.words[self.rungs(words.steps)]
        return drawn

    def pick(self, options: Sequence[str]) -> Column:
        """Options, all as likely."""
        drawn: Column = column(options)[self.numbers(0, len(options))]
        return drawn

    def distinct(self, below: int) -> Numbers:
        """Different whole numbers, 0 <= number < below."""
        return self.rng.choice(below, self.size, replace=False)
