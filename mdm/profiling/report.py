"""What profiling found: frozen results, rendered as terminal tables, JSON and a page."""

from __future__ import annotations

from dataclasses import dataclass

from rules.profile import ColumnProfile, Counted


@dataclass(frozen=True, slots=True)
class Spike:
    """A value that people planted. value: as rules see it; example: as it is most often written."""

    value: str
    example: str
    count: int
    share: float


@dataclass(frozen=True, slots=True)
class DateOrder:
    """The order of day and month: as declared for the country (None: for all), and as the data shows it, if it does."""

    country: str | None
    declared: str
    found: str | None

    @property
    def contradicts(self) -> bool:
        """Whether the data shows another order than the project file says."""
        return self.found is not None and self.declared not in ("auto", self.found)


@dataclass(frozen=True, slots=True)
class SharedContact:
    """A contact that many people share: records that hold it, and how many family names they have."""

    value: str
    records: int
    families: int


@dataclass(frozen=True, slots=True)
class ContactUse:
    """Of the contacts that three records or more hold (the most frequent of them): how many are used how."""

    personal: int
    household: int
    shared: int
    examples: tuple[SharedContact, ...]


@dataclass(frozen=True, slots=True)
class FieldProfile:
    """One field of a source, or a part of one (name.family), with the columns that feed it.

    filled: records with a value, of `rows`. unknown: values that already count as unknown (test@..., 1900-01-01).
    issues: what standardising the most frequent values and a sample of the others found, shares of that sample.
    """

    field: str
    kind: str
    columns: tuple[str, ...]
    rows: int
    filled: int
    column: ColumnProfile
    spikes: tuple[Spike, ...] = ()
    unknown: int = 0
    issues: tuple[Counted, ...] = ()
    dates: tuple[DateOrder, ...] = ()
    contacts: ContactUse | None = None

    @property
    def fill(self) -> float:
        """The share of records that have a value."""
        return self.filled / self.rows if self.rows else 0.0


@dataclass(frozen=True, slots=True)
class SourceProfile:
    """The records of one source and entity type. repeated: rows whose record id stands in another row too."""

    source: str
    entity: str
    rows: int
    repeated: int
    oldest: str | None
    newest: str | None
    fields: tuple[FieldProfile, ...]


@dataclass(frozen=True, slots=True)
class ProfileReport:
    """The profile of a project. rules: suggestions as the text of a rule book, empty when there are none."""

    project: str
    sources: tuple[SourceProfile, ...]
    refused: int
    rules: str
    notes: tuple[str, ...]
