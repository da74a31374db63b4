"""A sampled file -> one block per source in it, as it will stand under `sources`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from mdm.engine.policy import EntityType
from mdm.guess.columns import Columns, EntityColumn, Part, read_columns_of
from mdm.guess.fields import Mapped, Table, map_fields
from mdm.guess.persons import guess_type
from mdm.guess.places import country_by_content, date_orders, main_country
from mdm.guess.sample import Sample, describe
from mdm.project_file import Limits
from mdm.reading.files import File
from rules.countries import country_code


@dataclass(frozen=True, slots=True)
class Said:
    """A guess and the sign it rests on, for the reader of the file."""

    value: str
    why: str


@dataclass(frozen=True, slots=True)
class Block:
    """One source as guessed.

    entity: a type with its reason, or the column that tells. country: for rows where `country_column` is blank.
    dates: country (None: any) -> order. fields: per entity type. unmapped: column -> why. limits: what the file needs.
    """

    name: str
    file: File
    where: Mapping[str, str]
    record_id: str | None
    updated_at: str | None
    entity: Said | EntityColumn
    country_column: str | None
    country: Said | None
    dates: Mapping[str | None, str]
    fields: Mapping[str, Mapping[str, tuple[str | None, ...]]]
    unmapped: Mapping[str, str]
    limits: Limits = field(default_factory=Limits)


def guess_blocks(sample: Sample, name: str, entities: Mapping[str, EntityType], forced: str | None) -> list[Block]:
    """The blocks of one file; `name` is used when no column tells sources; `forced` fixes the entity type."""
    columns = read_columns_of(sample.columns(), sample.source_column)
    if forced is not None:
        columns = replace(columns, entity=None)
    if sample.source_column is None:
        return [_block(sample, name, {}, columns, _Policy(entities, forced))]
    return [
        _block(sample, source, {sample.source_column: source}, columns, _Policy(entities, forced))
        for source in sorted(s for s in sample.rows if s is not None)
    ]


@dataclass(frozen=True, slots=True)
class _Policy:
    entities: Mapping[str, EntityType]
    forced: str | None


def _block(sample: Sample, name: str, where: Mapping[str, str], columns: Columns, policy: _Policy) -> Block:
    rows = sample.rows.get(name if where else None, [])
    table = Table(sample.names, rows)
    parts = _described(columns.parts, table)
    entity = _entity(columns, parts, table, policy)
    mapped = {
        type_: map_fields(parts, policy.entities[type_], _of_type(entity, type_, table)) for type_ in _types(entity)
    }
    updated_at = columns.updated_at if columns.updated_at and table.filled(columns.updated_at) else None
    country_column = columns.country if columns.country and table.filled(columns.country) else None
    return Block(
        name=name,
        file=sample.file,
        where=where,
        record_id=columns.record_id,
        updated_at=updated_at,
        entity=entity,
        country_column=country_column,
        country=_country(country_column, parts, table),
        dates=_dates(country_column, parts, table),
        fields={type_: found.fields for type_, found in mapped.items()},
        unmapped=_unmapped(columns, mapped, table, country_column),
    )


def _described(parts: Sequence[Part], table: Table) -> list[Part]:
    """The parts with their columns as this source fills them."""
    names = [part.column.name for part in parts]
    places = [table.names.index(name) for name in names]
    described = describe(names, [[tuple([row[at] for at in places]) for row in table.rows]])
    return [replace(part, column=described[part.column.name]) for part in parts]


def _entity(columns: Columns, parts: Sequence[Part], table: Table, policy: _Policy) -> Said | EntityColumn:
    if policy.forced is not None:
        return Said(policy.forced, "as told by --entity")
    if columns.entity is None:
        return Said(*guess_type(parts, len(table.rows)))
    at = table.names.index(columns.entity.name)
    here = {row[at] for row in table.rows}
    return EntityColumn(
        columns.entity.name,
        {value: type_ for value, type_ in columns.entity.values.items() if value in here} or columns.entity.values,
        tuple(value for value in columns.entity.unknown if value in here),
        guess_type(parts, len(table.rows))[0] if None in here else None,
    )


def _types(entity: Said | EntityColumn) -> list[str]:
    if isinstance(entity, Said):
        return [entity.value]
    return sorted({*entity.values.values(), *([entity.blank] if entity.blank else [])}, reverse=True)


def _of_type(entity: Said | EntityColumn, type_: str, table: Table) -> Table:
    """The rows of one entity type."""
    if isinstance(entity, Said):
        return table
    at = table.names.index(entity.name)
    types: dict[str | None, str | None] = {None: entity.blank}
    types.update(entity.values)
    return Table(table.names, [row for row in table.rows if types.get(row[at]) == type_])


def _country(column: str | None, parts: Sequence[Part], table: Table) -> Said | None:
    """The country of rows that name none; None when every row names its own, or nothing shows it."""
    said = _cells(table, column) if column else []
    if said and None not in said:
        return None
    shown = country_by_content(parts)
    if shown is not None:
        return Said(*shown)
    main = main_country(said)
    return Said(main, f"most rows of {column}") if main else None


def _dates(country_column: str | None, parts: Sequence[Part], table: Table) -> Mapping[str | None, str]:
    countries = _cells(table, country_column) if country_column else [None] * len(table.rows)
    codes = [country_code(country) if country else None for country in countries]
    pairs = [
        (code, cell)
        for part in parts
        if "date" in part.role.expect
        for code, cell in zip(codes, _cells(table, part.column.name), strict=True)
        if cell is not None
    ]
    return date_orders(pairs)


def _cells(table: Table, column: str) -> list[str | None]:
    at = table.names.index(column)
    return [row[at] for row in table.rows]


def _unmapped(
    columns: Columns, mapped: Mapping[str, Mapped], table: Table, country_column: str | None
) -> dict[str, str]:
    """Every column that nothing reads, in the order of the file, with the reason."""
    used = {name for found in mapped.values() for group in found.fields.values() for name in group}
    used |= {columns.record_id, columns.updated_at, country_column, columns.entity.name if columns.entity else None}
    reasons = dict(columns.reasons)
    for found in mapped.values():
        reasons |= found.left_out
    return {name: reasons[name] for name in table.names if name in reasons and name not in used}
