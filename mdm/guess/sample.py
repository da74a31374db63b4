"""A file -> the rows that `init` looks at: some of every source in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

from mdm.guess.content import shares
from mdm.guess.words import Reading, read_header
from mdm.reading.chunks import Row
from mdm.reading.files import File, guess_form

ROWS_OF_A_SOURCE = 5_000
ROWS_WITHOUT_SOURCES = 20_000
LATER_ROWS = 50  # beyond the first rows every so manyth is looked at too: what comes late may look different
ROWS_READ = 2_000_000  # a guess need not read more
MAX_SOURCES = 200
VALUES_TESTED = 300


@dataclass(frozen=True, slots=True)
class Column:
    """A column as sampled: how its header reads, distinct values (up to 500) and what they look like.

    distinct: how many distinct values there are within the groups (sources), as a share of the rows.
    """

    name: str
    reading: Reading
    filled: int
    rows: int
    is_unique: bool
    distinct: float
    values: tuple[str, ...]
    shares: dict[str, float]

    def looks_like(self, test: str) -> float:
        """Share of the values that pass a test of content."""
        return self.shares.get(test, 0.0)


@dataclass(slots=True)
class Sample:
    """The sampled rows of a file by source (None: the file has no source column), and their true counts."""

    file: File
    names: tuple[str, ...]
    source_column: str | None
    rows: dict[str | None, list[Row]] = field(default_factory=dict)
    counts: Counter[str | None] = field(default_factory=Counter)

    def columns(self) -> dict[str, Column]:
        """What the columns hold over all sources."""
        return describe(self.names, list(self.rows.values()))


def read_sample(path: Path) -> Sample:
    """The sample of one file; a column of more than 200 values is no source column."""
    file = File(path, guess_form(path))
    names = file.columns()
    candidates = [name for name in names if _is_source_header(name)]
    for column in [*candidates[:1], None]:
        sample = Sample(file, names, column)
        if _fill(sample):
            return sample
    raise AssertionError("a sample without sources always fills")


def describe(names: Sequence[str], groups: Sequence[Sequence[Row]]) -> dict[str, Column]:
    """Every column by name; a column is unique when it is so within each group of rows (each source)."""
    return {name: _describe(name, [[row[at] for row in rows] for rows in groups]) for at, name in enumerate(names)}


def _describe(name: str, groups: list[list[str | None]]) -> Column:
    counts = Counter(cell for cells in groups for cell in cells if cell is not None)
    tested = dict(islice(_spread(counts), VALUES_TESTED))
    is_unique = bool(counts) and all(None not in cells and len(set(cells)) == len(cells) for cells in groups)
    rows = sum(map(len, groups))
    distinct = sum(len(set(cells) - {None}) for cells in groups) / max(1, rows)
    return Column(name, read_header(name), counts.total(), rows, is_unique, distinct, tuple(tested), shares(tested))


def _spread(counts: Counter[str]) -> Iterator[tuple[str, int]]:
    """The commonest values, then others from all over the file: a sorted one would show one letter only."""
    common = dict(counts.most_common(VALUES_TESTED // 5))
    rest = [item for item in counts.items() if item[0] not in common]
    return chain(common.items(), rest[:: max(1, len(rest) // VALUES_TESTED)])


def _is_source_header(name: str) -> bool:
    reading = read_header(name)
    return reading.is_whole and any(role.name == "source" for role in reading.roles)


def _fill(sample: Sample) -> bool:
    """Reads the file into the sample; False when the source column has too many values to be one."""
    limit = ROWS_OF_A_SOURCE if sample.source_column else ROWS_WITHOUT_SOURCES
    for chunk in sample.file.chunks(sample.names):
        at = chunk.columns.index(sample.source_column) if sample.source_column else None
        picked = [chunk.columns.index(name) for name in sample.names]
        for row in chunk.rows:
            source = row[at] if at is not None else None
            sample.counts[source] += 1
            kept = sample.rows.setdefault(source, [])
            if len(kept) < limit or (sample.counts[source] % LATER_ROWS == 0 and len(kept) < 2 * limit):
                kept.append(tuple([row[n] for n in picked]))
        if len(sample.rows) > MAX_SOURCES:
            return False
        if sample.counts.total() >= ROWS_READ:
            break
    return True
