"""Incoming: what a caller says about one record -> the row its source would have delivered, prepared.

Standardised, validated and keyed by the same `prepare` as a batch, outside any transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import orjson

from mdm.engine.amend import Amendment
from mdm.engine.keys import pack_keys
from mdm.engine.policy import EntityType
from mdm.engine.prepare import Policy, Prepared, compile_policy, content_hash, payload_of, prepare
from mdm.errors import BadRecord, NotFound, UnknownField
from mdm.mapping import FieldMapping, field_key, field_keys
from mdm.policy import ProjectPolicy
from mdm.project_file import LINE_ID, CountryRule, DateRule, EntityRule, Limits, SourceSpec, TrustRule, fold_value
from mdm.reading.cells import cell_text
from mdm.reading.origin import Origin
from mdm.staging import claims_text, features_text
from rules.countries import COUNTRIES
from rules.kinds import KINDS

# Values of one field that a caller may give, and characters of one value.
MOST_GIVEN = 5
LONGEST_VALUE = 4_000
COUNTRY = "country"

Cells = dict[str, str]


@dataclass(frozen=True, slots=True)
class Incoming:
    """A record as it would be stored; record_id: empty for a record that is only asked about.

    unmapped: columns that no field is made of; they are kept with the row.
    """

    source: str
    record_id: str
    entity: str
    content_hash: str
    payload: str
    prepared: Prepared
    unmapped: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        """active, or quarantined when a rule rejects it."""
        return "quarantined" if self.prepared.rejected else "active"

    @property
    def packed(self) -> bytes:
        """Its keys as they are stored."""
        return pack_keys(self.prepared.keys)

    @property
    def claims(self) -> str:
        """Its claims as they are stored."""
        return claims_text(self.prepared.claims)

    @property
    def features(self) -> str:
        """Its features as they are stored: the known ones."""
        return features_text(self.prepared.features)

    @property
    def issues(self) -> str:
        """Its issues as they are stored."""
        return orjson.dumps(self.prepared.issues).decode()


class Reception:
    """Reads what callers send under one policy, which it keeps compiled."""

    def __init__(self, policy: ProjectPolicy) -> None:
        self.policy = policy
        self.sources = {source.name: source for source in policy.file.sources}
        self.compiled = cache(self._compile)
        self.asked = cache(self._compile_asked)

    def _compile(self, source: str, entity: str) -> Policy:
        return compile_policy(self.sources[source], self.policy.entities[entity], self.policy.rules[entity])

    def _compile_asked(self, entity: str) -> Policy:
        type_ = self.entity(entity)
        return compile_policy(_asking_source(self.policy, type_), type_, self.policy.rules[entity])

    def entity(self, name: str) -> EntityType:
        """The entity type. Raises BadRecord."""
        if name not in self.policy.entities:
            known = ", ".join(self.policy.entities)
            raise BadRecord(f"unknown entity type {name!r}; known: {known}", "/entity")
        return self.policy.entities[name]

    def source(self, name: str) -> SourceSpec:
        """The source. Raises NotFound."""
        if name not in self.sources:
            raise NotFound(f"there is no source {name!r}; known: {', '.join(self.sources)}")
        return self.sources[name]

    def of_fields(self, entity: str, fields: Mapping[str, Any], country: str | None = None) -> Incoming:
        """A record that is only asked about, told by field. Raises BadRecord with the field."""
        policy = self.asked(entity)
        row: Cells = {}
        for field, part, place, value, _ in _given(policy.entity, fields, "/record"):
            row[_column(field, part, place)] = value
        if not row:
            raise BadRecord("the record says nothing; give at least one field", "/record")
        if country is not None:
            if country.upper() not in COUNTRIES:
                raise BadRecord("unknown country; write its two letters of ISO 3166", "/country")
            row[COUNTRY] = country
        return _prepared(policy, "", "", row)

    def of_row(self, name: str, record_id: str, row: Mapping[str, Any], updated_at: str | None = None) -> Incoming:
        """A record told by its source's own columns. Raises NotFound, or BadRecord with the column."""
        spec = self.source(name)
        cells = {column: text for column, value in row.items() if (text := _cell(value, f"/record/{column}"))}
        return self._of_cells(spec, record_id, cells, updated_at, "/record")

    def of_source_fields(
        self, name: str, record_id: str, fields: Mapping[str, Any], entity: str | None, updated_at: str | None = None
    ) -> Incoming:
        """A record told by field, put into the columns that its source maps. Raises NotFound or BadRecord."""
        spec = self.source(name)
        type_ = self._type_of_fields(spec, entity)
        columns = _columns_of(spec, type_.name)
        cells: Cells = {}
        for field, part, place, value, pointer in _given(type_, fields, "/fields"):
            column = columns.get((field, part, place))
            if column is None:
                known = ", ".join(sorted({f"{f}.{p}" if p != "value" else f for f, p, _ in columns}))
                raise BadRecord(f"source {name} has no column for this value; it maps {known}", pointer)
            cells[column] = value
        if spec.entity.column is not None:
            cells[spec.entity.column] = next(text for text, told in spec.entity.values.items() if told == type_.name)
        return self._of_cells(spec, record_id, cells, updated_at, "/fields")

    def amend(self, incoming: Incoming, amendment: Amendment) -> Incoming:
        """The record of a source as stewards decided that this content is to be read."""
        row: Cells = orjson.loads(incoming.payload)
        (prepared,) = prepare([row], self.compiled(incoming.source, incoming.entity), {0: amendment})
        return replace(incoming, prepared=prepared)

    def _type_of_fields(self, spec: SourceSpec, entity: str | None) -> EntityType:
        types = spec.entity.types
        if entity is None and len(types) > 1 and spec.entity.default is None:
            raise BadRecord(f"source {spec.name} delivers {', '.join(types)}; say which this one is", "/entity")
        name = entity or spec.entity.default or types[0]
        if name not in types:
            raise BadRecord(f"source {spec.name} delivers {', '.join(types)}", "/entity")
        return self.policy.entities[name]

    def _of_cells(self, spec: SourceSpec, record_id: str, cells: Cells, updated_at: str | None, place: str) -> Incoming:
        fixed = dict(spec.where)
        if record_id and spec.record_id != LINE_ID:
            fixed[spec.record_id] = record_id
        if updated_at is not None:
            if spec.updated_at is None:
                raise BadRecord(f"source {spec.name} has no column for it, so the last write stands", "/updated_at")
            fixed[spec.updated_at] = updated_at
        for column, text in fixed.items():
            if cells.setdefault(column, text).strip() != text:
                raise BadRecord(f"column {column!r} says otherwise than the request: {text!r}", f"{place}/{column}")
        entity = _entity_of(spec, cells, place)
        policy = self.compiled(spec.name, entity)
        mapped = {column for slot in policy.slots for _, column in slot.parts}
        if mapped.isdisjoint(cells):
            raise BadRecord(f"no mapped column has a value; source {spec.name} maps {', '.join(sorted(mapped))}", place)
        used = mapped | set(fixed) | {spec.record_id, spec.entity.column, spec.country.column, spec.updated_at}
        return _prepared(policy, spec.name, record_id, cells, tuple(sorted(cells.keys() - used)))


def _prepared(policy: Policy, source: str, record_id: str, row: Cells, unmapped: tuple[str, ...] = ()) -> Incoming:
    entity = policy.entity.name
    payload = payload_of(row)
    (prepared,) = prepare([row], policy)
    return Incoming(source, record_id, entity, content_hash(payload, entity), payload.decode(), prepared, unmapped)


def _entity_of(spec: SourceSpec, cells: Cells, place: str) -> str:
    rule = spec.entity
    told = cells.get(rule.column) if rule.column is not None else None
    name = rule.default if told is None else rule.values.get(fold_value(told))
    if name is None:
        known = ", ".join(rule.values)
        raise BadRecord(f"column {rule.column!r} must tell the entity type; known: {known}", f"{place}/{rule.column}")
    return name


def _given(entity: EntityType, fields: Mapping[str, Any], place: str) -> Iterator[tuple[str, str, int, str, str]]:
    """Field, input of its kind, position, text and pointer of each value."""
    for key, value in fields.items():
        pointer = f"{place}/{key}"
        try:
            field, part = field_key(entity, key)
        except UnknownField:
            known = ", ".join(field_keys(entity))
            raise BadRecord(f"unknown field; known: {known}", pointer) from None
        values = value if isinstance(value, list) else [value]
        if len(values) > MOST_GIVEN:
            raise BadRecord(f"more than {MOST_GIVEN} values", pointer)
        for position, each in enumerate(values):
            text = _cell(each, pointer)
            if text is not None:
                yield field, part, position, text, pointer


def _cell(value: Any, pointer: str) -> str | None:
    """The text of a JSON value as a file would have carried it; None when it holds nothing."""
    if isinstance(value, dict | list):
        raise BadRecord("must be a text or a number", pointer)
    text = cell_text(value)
    if text is not None and len(text) > LONGEST_VALUE:
        raise BadRecord(f"longer than {LONGEST_VALUE:,} characters", pointer)
    if text is not None and not _is_storable(text):
        raise BadRecord("holds a NUL or half a surrogate pair", pointer)
    return text


def _is_storable(text: str) -> bool:
    """Whether both databases can store the text."""
    return "\0" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text)


def _columns_of(spec: SourceSpec, entity: str) -> dict[tuple[str, str, int], str]:
    """(field, input, position) -> the column of the source."""
    return {
        (mapping.field, part, place): column
        for mapping in spec.fields[entity]
        for place, slot in enumerate(mapping.slots)
        for part, column in slot.items()
    }


def _column(field: str, part: str, place: int) -> str:
    return f"{field}.{part}[{place}]"


def _asking_source(policy: ProjectPolicy, entity: EntityType) -> SourceSpec:
    """A source whose columns are the fields of the type; its country is the one that all sources agree on, if any."""
    defaults = {source.country.default for source in policy.file.sources}
    fields = tuple(
        FieldMapping(
            name,
            tuple(
                {part: _column(name, part, place) for part in KINDS[field.kind].inputs} for place in range(MOST_GIVEN)
            ),
        )
        for name, field in entity.fields.items()
    )
    return SourceSpec(
        name="",
        origin=Origin(""),
        limits=Limits(),
        where={},
        record_id=LINE_ID,
        entity=EntityRule(None, {}, entity.name),
        updated_at=None,
        country=CountryRule(COUNTRY, defaults.pop() if len(defaults) == 1 else None),
        dates=DateRule("auto", {}),
        trust=TrustRule(50, {}),
        duplicate_free=False,
        snapshot=False,
        fields={entity.name: fields},
    )
