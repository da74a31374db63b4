"""Columns -> the role each plays, believed only when header and content agree, or when the content alone is telling."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mdm.guess.content import plain
from mdm.guess.sample import Column
from mdm.guess.words import NOTHING, Reading, Role, entity_value, roles_by_name, split_words

NEARLY_UNIQUE = 0.9  # distinct values as a share of all rows
BELIEVED = 0.5  # share of the values that must look like what the header says
TELLING = 0.8  # share from which the content alone decides
# These confirm what a header says, and never decide.
VAGUE = frozenset({"letters", "code", "house_number", "year", "month", "day", "date", "phone", "gender", "title"})
MAX_ENTITY_VALUES = 40
GENERATION = 25  # years; dates of orders and visits spread over fewer
MIN_DATES = 20
_YEAR = re.compile(r"(?:1[2-4]|19|20)\d\d")
PUBLIC_NUMBERS = ("lei", "registration_id")
EMPTY = "empty"
TRUE, FALSE = frozenset({"true", "yes", "y", "1", "t"}), frozenset({"false", "no", "n", "0", "f"})

# Content that is telling without any header: what it must look like, and the role it then has.
BY_CONTENT = (
    ("email", TELLING, "email"),
    ("url", TELLING, "website"),
    ("ssn", 0.95, "national_id"),
    ("separated_phone", 0.6, "phone"),
    ("region.US", 0.95, "address.region"),
    ("region.AU", 0.95, "address.region"),
    ("postcode.GB", 0.9, "address.postcode"),
    ("postcode.CA", 0.9, "address.postcode"),
    ("address", 0.7, "address.full"),
)


@dataclass(frozen=True, slots=True)
class Part:
    """A column in its role; `group` and `number` tell the columns of one group from those of another."""

    column: Column
    role: Role
    group: tuple[str, ...]
    number: int


@dataclass(frozen=True, slots=True)
class EntityColumn:
    """A column that tells entity types: which values mean which type, which mean none, and the type of blanks."""

    name: str
    values: Mapping[str, str]
    unknown: tuple[str, ...]
    blank: str | None = None


@dataclass(frozen=True, slots=True)
class Columns:
    """What was made of the columns of a file; `reasons` says why a column has no part."""

    parts: tuple[Part, ...]
    record_id: str | None
    updated_at: str | None
    entity: EntityColumn | None
    country: str | None
    reasons: Mapping[str, str]


def read_columns_of(columns: Mapping[str, Column], taken: str | None) -> Columns:
    """The roles of the columns of one file; `taken` is the column that tells the sources."""
    rest = [column for column in columns.values() if column.name != taken]
    record_id = _record_id(rest)
    entity = _entity_column(rest)
    updated_at = next((c.name for c in _with_role(rest, "updated_at") if _fits(c, "updated_at")), None)
    used = {record_id, updated_at, entity.name if entity else None} - {c.name for c in _public_numbers(rest)}
    parts: list[Part] = []
    reasons: dict[str, str] = {}
    for column in (c for c in rest if c.name not in used):
        part = _part(column)
        if isinstance(part, Part):
            parts.append(part)
        else:
            reasons[column.name] = part
    unknown = [columns[name] for name in reasons if columns[name].reading == NOTHING]
    parts = [*parts, *_name_by_content(unknown, parts), *_birth_by_content(unknown, parts)]
    named = {part.column.name for part in parts}
    country = next((p.column.name for p in parts if p.role.name == "country"), None)
    return Columns(
        tuple(parts), record_id, updated_at, entity, country, {n: r for n, r in reasons.items() if n not in named}
    )


def _part(column: Column) -> Part | str:
    """The column in its role, or the reason why it has none."""
    reading = column.reading
    if column.filled == 0:
        return EMPTY
    other = reading.stranger or reading.about
    if other is not None:
        return f"speaks of something else ({other})"
    for role in reading.roles:
        if role.to and _agrees(column, role):
            return Part(column, role, reading.group, reading.number)
    by_content = _role_by_content(column)
    return Part(column, by_content, (), 1) if by_content else _why_no_part(reading)


def _why_no_part(reading: Reading) -> str:
    if reading.roles and reading.is_whole:
        role = reading.roles[0]
        return "no field for it" if not role.to else f"reads like {role.name}, but its values do not look like it"
    return "not recognised"


def _agrees(column: Column, role: Role) -> bool:
    """Header and content say the same; words left over in the header ask for content that is telling by itself."""
    if column.reading.is_whole:
        return not role.expect or any(column.looks_like(test) >= BELIEVED for test in role.expect)
    return any(column.looks_like(test) >= TELLING for test in set(role.expect) - VAGUE)


def _role_by_content(column: Column) -> Role | None:
    for test, share, role in BY_CONTENT:
        if column.looks_like(test) >= share and len(column.values) > 1:
            return roles_by_name()[role]
    return None


def _name_by_content(columns: Sequence[Column], parts: Sequence[Part]) -> list[Part]:
    """Names without a telling header, looked for only when no column is known as a name."""
    if any(part.role.name.startswith(("name.", "organisation_name")) for part in parts):
        return []
    wordy = [c for c in columns if c.looks_like("letters") >= 0.9 and _varied(c)]
    for column in wordy:
        if column.looks_like("organisation") >= 0.3:
            return [_as(column, "organisation_name")]
    full = next((c for c in wordy if c.looks_like("person_name") >= 0.15 and c.looks_like("one_word") < 0.5), None)
    if full is not None:
        return [_as(full, "name.full")]
    given = next((c for c in wordy if c.looks_like("given_name") >= 0.15 and c.looks_like("one_word") >= 0.7), None)
    family = next((c for c in wordy if c is not given and c.looks_like("one_word") >= 0.7), None)
    return [_as(given, "name.given"), *([_as(family, "name.family")] if family else [])] if given else []


def _birth_by_content(columns: Sequence[Column], parts: Sequence[Part]) -> list[Part]:
    """A date column whose years spread over a generation and more, when no column is known as a date of birth."""
    if any(part.role.name.startswith("birth_date") for part in parts):
        return []
    found = next((c for c in columns if c.looks_like("date") >= TELLING and _spread_of_years(c) >= GENERATION), None)
    return [_as(found, "birth_date.value")] if found else []


def _spread_of_years(column: Column) -> int:
    """Years between the first and the last tenth of the dates; 0 when too few to tell."""
    years = sorted(int(year[0]) for value in column.values if (year := _YEAR.findall(plain(value))))
    tenth = len(years) // 10
    return years[-1 - tenth] - years[tenth] if len(years) >= MIN_DATES else 0


def _as(column: Column, role: str) -> Part:
    return Part(column, roles_by_name()[role], (), 1)


def _varied(column: Column) -> bool:
    return len(column.values) >= min(50, column.filled * 0.3)


def _with_role(columns: Iterable[Column], role: str) -> list[Column]:
    """Columns whose whole header says this role."""
    return [c for c in columns if c.reading.is_whole and any(r.name == role for r in c.reading.roles)]


def _fits(column: Column, role: str) -> bool:
    return any(column.looks_like(test) >= BELIEVED for test in roles_by_name()[role].expect)


def _record_id(columns: Sequence[Column]) -> str | None:
    """A unique, always filled column: one whose header says so, shortest first; else one that looks like a code.

    A header may also say so of a column that is nearly unique: rows that repeat an id are its versions.
    """
    said = _with_role(columns, "record_id")
    named = [c for c in said if c.is_unique] or [c for c in said if c.distinct >= NEARLY_UNIQUE]
    if named:
        return min(named, key=lambda c: (c.reading.roles[0].name != "record_id", len(split_words(c.name)) != 2)).name
    plain_codes = [c for c in columns if c.is_unique and c.reading == NOTHING and c.looks_like("code") >= 0.95]
    codes = [c for c in plain_codes if max(c.looks_like(t) for t in ("separated_phone", "date", "address")) < BELIEVED]
    numbers = [*codes, *(c for c in _public_numbers(columns) if c.is_unique)]
    return numbers[0].name if numbers else None


def _public_numbers(columns: Sequence[Column]) -> list[Column]:
    """Numbers from a register: they may name the record, and stay values of it."""
    return [c for role in PUBLIC_NUMBERS for c in _with_role(columns, role) if c.looks_like("code") >= BELIEVED]


def _entity_column(columns: Sequence[Column]) -> EntityColumn | None:
    """The first column whose header may tell types and whose values, nine in ten, do."""
    found = (_entity_values(column) for column in _with_role(columns, "entity"))
    return next((entity for entity in found if entity is not None), None)


def _entity_values(column: Column) -> EntityColumn | None:
    if not column.values or len(column.values) > MAX_ENTITY_VALUES:
        return None
    known = _yes_and_no(column) or {value: type_ for value in column.values if (type_ := entity_value(value))}
    unknown = tuple(value for value in column.values if value not in known)
    letters_only = any(len(value) == 1 for value in known)
    if len(known) < 0.9 * len(column.values) or (letters_only and (unknown or len(set(known.values())) < 2)):
        return None
    return EntityColumn(column.name, known, unknown)


def _yes_and_no(column: Column) -> dict[str, str] | None:
    """The types behind the answers to `is_company` or `is_person`."""
    words = set(split_words(column.name))
    if "is" not in words or not all(plain(value) in TRUE | FALSE for value in column.values):
        return None
    yes, no = ("person", "organisation") if words & {"person", "individual"} else ("organisation", "person")
    return {value: yes if plain(value) in TRUE else no for value in column.values}
