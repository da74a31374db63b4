"""`fields` of a source -> per entity type, which columns feed which parts of which field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from mdm.engine.policy import EntityType
from mdm.errors import UnknownField
from mdm.project_yaml import Document, KeyPath, allowed_words
from rules.kinds import KINDS


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """The columns of one field: each slot (kind input -> column) gives the values of one group of columns."""

    field: str
    slots: tuple[Mapping[str, str], ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column read, in the order written."""
        return tuple(column for slot in self.slots for column in slot.values())


def field_key(entity: EntityType, key: str) -> tuple[str, str]:
    """Field and kind input that a key such as `name.given` or `phone` means.

    A bare field means the whole: `value`, or `full` for kinds of several parts. Raises UnknownField.
    """
    name, dot, part = key.partition(".")
    policy = entity.fields.get(name)
    if policy is None:
        raise UnknownField(key, field_keys(entity))
    kind = KINDS[policy.kind]
    wanted = part if dot else kind.whole
    if wanted not in kind.inputs:
        raise UnknownField(key, [f"{name}.{i}" for i in kind.inputs])
    return name, wanted


def field_keys(entity: EntityType) -> list[str]:
    """Every key a mapping of this entity type may use, sorted."""
    keys: set[str] = set()
    for name, policy in entity.fields.items():
        inputs = KINDS[policy.kind].inputs
        keys |= {name} | ({f"{name}.{i}" for i in inputs} if len(inputs) > 1 else set())
    return sorted(keys)


def compile_fields(
    document: Document, key: KeyPath, written: Mapping[str, Any], entities: Mapping[str, EntityType]
) -> dict[str, tuple[FieldMapping, ...]]:
    """Entity type -> its field mappings; one mapping written for several types serves each with the keys it knows."""
    if any(isinstance(value, dict) for value in written.values()):
        return _compile_per_type(document, key, written, entities)
    for name in written:
        if not any(_knows(entity, name) for entity in entities.values()):
            raise document.refuse((*key, name), _unknown(name, entities))
    return {
        type_: _compile(document, key, {n: v for n, v in written.items() if _knows(entity, n)}, entity)
        for type_, entity in entities.items()
    }


def _compile_per_type(
    document: Document, key: KeyPath, written: Mapping[str, Any], entities: Mapping[str, EntityType]
) -> dict[str, tuple[FieldMapping, ...]]:
    for type_, mapping in written.items():
        if type_ not in entities:
            raise document.refuse_word((*key, type_), type_, "entity type of this source", entities)
        if not isinstance(mapping, dict):
            raise document.refuse((*key, type_), "needs a mapping of fields to columns, as the other types have")
        for name in mapping:
            if not _knows(entities[type_], name):
                raise document.refuse((*key, type_, name), _unknown(name, {type_: entities[type_]}))
    return {
        type_: _compile(document, (*key, type_), written.get(type_, {}), entity) for type_, entity in entities.items()
    }


def _knows(entity: EntityType, key: str) -> bool:
    try:
        field_key(entity, key)
    except UnknownField:
        return False
    return True


def _unknown(key: str, entities: Mapping[str, EntityType]) -> str:
    known = sorted({known for entity in entities.values() for known in field_keys(entity)})
    return f"unknown field {key!r}; {allowed_words(key, known)}"


def _compile(
    document: Document, key: KeyPath, written: Mapping[str, Any], entity: EntityType
) -> tuple[FieldMapping, ...]:
    """The mappings, one per field in the order written; the lists of one field zip by position."""
    parts: dict[str, dict[str, list[str | None]]] = {}
    for name, value in written.items():
        field, part = field_key(entity, name)
        columns = parts.setdefault(field, {})
        if part in columns:
            raise document.refuse((*key, name), f"{field}.{part} is mapped twice; write a list of columns")
        columns[part] = _columns(document, (*key, name), value)
    return tuple(FieldMapping(field, _zip(columns)) for field, columns in parts.items())


def _columns(document: Document, key: KeyPath, value: Any) -> list[str | None]:
    """The columns of one key; a null in a list leaves that position empty."""
    columns = value if isinstance(value, list) else [value]
    if not any(columns) or any(not isinstance(column, str | None) for column in columns):
        raise document.refuse(key, "needs a column or a list of columns")
    return columns


def _zip(columns: Mapping[str, list[str | None]]) -> tuple[Mapping[str, str], ...]:
    rows = zip_longest(*columns.values())
    slots = [{part: column for part, column in zip(columns, row, strict=True) if column} for row in rows]
    return tuple(slot for slot in slots if slot)
