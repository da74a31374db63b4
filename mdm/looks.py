"""A mapping held against the data: columns that plainly hold something else than the field they feed.

Said is a column of which one value in ten at most looks like its field and nine in ten look like another kind. It is
flagrant, and refused, when a hundred values all are of a kind that cannot be mistaken. A column that also feeds a field
of the kind it looks like is neither: `phone: contact` beside `email: contact` is somebody's way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mdm.guess.content import shares
from mdm.project_file import ProjectFile, SourceSpec
from mdm.reading.chunks import Row

ROWS_LOOKED_AT = 5_000
VALUES_LOOKED_AT = 200
FEWEST_VALUES = 3
SURE_VALUES = 100
LIKE_ANOTHER = 0.9
LIKE_ITSELF = 0.1
FLAGRANT = 0.98

# Kind of field -> the tests of content that its values may pass.
OWN: Mapping[str, tuple[str, ...]] = {
    "phone": ("phone", "separated_phone"),
    "email": ("email",),
    "website": ("url",),
    "date": ("date", "year", "month", "day"),
    "person_name": ("letters",),
    "organisation_name": ("letters",),
    "address": ("letters", "address", "house_led", "house_number", "code"),
    "identifier": ("code",),
}
# Test of content -> what values are that pass it; the first that fits is said.
OTHERS: Mapping[str, str] = {
    "email": "email addresses",
    "separated_phone": "phone numbers",
    "date": "dates",
    "url": "web addresses",
    "letters": "words",
}
UNMISTAKABLE = ("email", "separated_phone", "date")


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A column that does not hold what it is mapped to; share: of its values that look like something else."""

    source: str
    column: str
    field: str
    looks_like: str
    share: float
    is_flagrant: bool

    def __str__(self) -> str:
        return (
            f"{self.source}: column {self.column!r} is mapped to {self.field}, "
            f"but {self.share:.0%} of its values look like {self.looks_like}"
        )


def mismatches(
    project: ProjectFile, spec: SourceSpec, columns: Sequence[str], rows: Sequence[Row]
) -> Iterator[Mismatch]:
    """The columns of a source that these rows show to be mapped to a field of another kind."""
    for column, fields in _fields_by_column(project, spec).items():
        at = columns.index(column)
        values = _some_values(row[at] for row in rows[:ROWS_LOOKED_AT])
        if len(values) >= FEWEST_VALUES:
            yield from _judge(spec.name, column, fields, values)


def _fields_by_column(project: ProjectFile, spec: SourceSpec) -> dict[str, dict[str, str]]:
    """Column -> the fields that it feeds, each with its kind."""
    found: dict[str, dict[str, str]] = {}
    for type_, mappings in spec.fields.items():
        for mapping in mappings:
            for column in mapping.columns:
                kind = project.entities[type_].fields[mapping.field].kind
                found.setdefault(column, {})[mapping.field] = kind
    return found


def _some_values(cells: Iterable[str | None]) -> dict[str, int]:
    """The first distinct values, each counted once: a placeholder repeated is no column of its kind."""
    values: dict[str, int] = {}
    for cell in cells:
        if cell is not None:
            values[cell] = 1
            if len(values) >= VALUES_LOOKED_AT:
                break
    return values


def _judge(source: str, column: str, fields: Mapping[str, str], values: Mapping[str, int]) -> Iterator[Mismatch]:
    looks = shares(values)
    own = {test for kind in fields.values() for test in OWN.get(kind, tuple(OTHERS))}
    if any(looks.get(test, 0.0) > LIKE_ITSELF for test in own):
        return
    other = next((test for test in OTHERS if looks.get(test, 0.0) >= LIKE_ANOTHER), None)
    if other is not None:
        share = looks[other]
        flagrant = other in UNMISTAKABLE and share >= FLAGRANT and len(values) >= SURE_VALUES
        yield Mismatch(source, column, ", ".join(fields), OTHERS[other], share, flagrant)
