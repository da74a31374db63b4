"""What a decision would do, as a steward may see it: entities with their golden records before and after."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from mdm.decisions import Preview
from mdm.desk.values import GoldenValue, golden_of, title_of
from mdm.engine.policy import EntityType
from mdm.ids import entity_id
from mdm.views import EntityView


@dataclass(frozen=True, slots=True)
class Outcome:
    """An entity before or after. entity_id: None for one that would be new."""

    entity_id: str | None
    title: str
    members: tuple[str, ...]
    values: tuple[GoldenValue, ...]


@dataclass(frozen=True, slots=True)
class Outlook:
    """What would change. moves: (old id, new id). events: how many of which kind would go out.

    opened: new questions that would be asked. risks: why a second person would have to agree.
    """

    before: tuple[Outcome, ...]
    after: tuple[Outcome, ...]
    moves: tuple[tuple[str | None, str | None], ...]
    events: Mapping[str, int]
    opened: int
    risks: tuple[str, ...]


def outlook(preview: Preview, types: Mapping[str, EntityType], role: str) -> Outlook:
    """The preview as the role may see it."""

    def named(eid: int | None) -> str | None:
        return None if eid is None or eid in preview.created else entity_id(eid)

    return Outlook(
        before=tuple(_outcome(view, types, role, named(view.eid)) for view in preview.before),
        after=tuple(_outcome(view, types, role, named(view.eid)) for view in preview.after),
        moves=tuple(dict.fromkeys((named(old), named(new)) for old, new in preview.entities if old != new)),
        events=dict(sorted(Counter(event.kind for event in preview.events).items())),
        opened=preview.opened,
        risks=preview.risks,
    )


def _outcome(view: EntityView, types: Mapping[str, EntityType], role: str, name: str | None) -> Outcome:
    entity = types[view.entity_type]
    return Outcome(
        entity_id=name,
        title=title_of(view.golden, entity, role),
        members=tuple(f"{member.source}:{member.record_id}" for member in view.members),
        values=golden_of(view.golden, (), entity, role),
    )
