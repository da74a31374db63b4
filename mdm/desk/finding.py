"""Search results: entities with the values that tell them apart, as the searcher's role may see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from mdm import searching, views
from mdm.desk.values import golden_of, title_of
from mdm.engine.policy import EntityType
from mdm.ids import entity_id
from mdm.incoming import Reception

MOST = 30
# Values that tell customers apart at a glance; a name stands in the title.
TELLING = ("date", "phone", "email", "address", "identifier")


@dataclass(frozen=True, slots=True)
class Hit:
    """An entity that was found. facts: (field, value)."""

    entity_id: str
    entity_type: str
    title: str
    records: int
    sources: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]


def find(
    connection: Connection, reception: Reception, types: Mapping[str, EntityType], text: str, role: str
) -> tuple[Hit, ...]:
    """The entities that may be meant, the likeliest first."""
    found = searching.search(connection, reception, text, MOST)
    return tuple(_hit(views.view(connection, eid), types, role) for eid in found)


def _hit(view: views.EntityView, types: Mapping[str, EntityType], role: str) -> Hit:
    entity = types[view.entity_type]
    telling = {name: winners for name, winners in view.golden.items() if entity.fields[name].kind in TELLING}
    facts = tuple((value.field, value.text) for value in golden_of(telling, (), entity, role))
    return Hit(
        entity_id=entity_id(view.eid),
        entity_type=view.entity_type,
        title=title_of(view.golden, entity, role),
        records=len(view.members),
        sources=tuple(sorted({member.source for member in view.members})),
        facts=facts,
    )
