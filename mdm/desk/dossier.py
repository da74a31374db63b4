"""Everything about one entity: values with their reasons, members, links, history, open questions, verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from mdm import explaining, relations, tasks, views
from mdm.desk.values import GoldenValue, RecordValues, golden_of, record_values, title_of
from mdm.engine.policy import EntityType
from mdm.explaining import Grounds
from mdm.ids import entity_id
from mdm.masking import MASK
from mdm.reports import HowReport, TaskLine, VerdictLine
from mdm.resolve import Bench
from mdm.store import entities, links, pins, records, verdicts
from mdm.store import tasks as stored_tasks
from mdm.store.records import StoredRecord
from mdm.views import Happening

# Showing how more records came together would score too many pairs for a page.
MOST_SCORED = 80


@dataclass(frozen=True, slots=True)
class Link:
    """A link between two members by their place in the list; weakest: the one that holds the entity together."""

    left: int
    right: int
    bits: float
    weakest: bool


@dataclass(frozen=True, slots=True)
class Related:
    """Another entity that belongs with this one without being the same customer."""

    relation: str
    entity_id: str
    title: str
    since: str
    actor: str


@dataclass(frozen=True, slots=True)
class Dossier:
    """An entity. moment: the one it is shown at, None for now. how: None when it has too many members to tell.

    merge, review: the thresholds of the release that decides.
    """

    eid: int
    entity_id: str
    entity_type: str
    state: str
    version: int
    redirect: str | None
    title: str
    moment: str | None
    recorded_at: str | None
    values: tuple[GoldenValue, ...]
    members: tuple[RecordValues, ...]
    links: tuple[Link, ...]
    how: HowReport | None
    history: tuple[Happening, ...]
    tasks: tuple[TaskLine, ...]
    verdicts: tuple[VerdictLine, ...]
    related: tuple[Related, ...]
    merge: float
    review: float

    @property
    def masked(self) -> bool:
        """Whether values are kept from the reader."""
        return any(value.text == MASK for value in self.values)

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources that know it."""
        return tuple(sorted({member.source for member in self.members}))


@dataclass(frozen=True, slots=True)
class Reader:
    """Who looks: the role that masks values, and the bench on which what decides is kept compiled."""

    bench: Bench
    role: str

    @property
    def types(self) -> Mapping[str, EntityType]:
        """The entity types of the project."""
        return self.bench.policy.entities

    def grounds(self, connection: Connection, entity: str, rids: Iterable[int]) -> Grounds:
        """What decides about the type, with the verdicts around the records. Raises OtherPolicy."""
        judge, rulings = self.bench.judge(connection, entity)
        return Grounds(judge.release, judge.scorer, verdicts.of_numbers(connection, rulings.around(rids)))


def dossier(connection: Connection, eid: int, reader: Reader, moment: str | None) -> Dossier:
    """The entity as the reader may see it, now or at a moment (UTC ISO 8601). Raises NotFound."""
    role = reader.role
    view = views.view(connection, eid) if moment is None else views.view_at(connection, eid, moment)
    entity = reader.types[view.entity_type]
    rids = _member_rids(connection, eid, moment)
    members = sorted(records.by_rids(connection, rids), key=lambda record: (record.source, record.record_id))
    grounds = reader.grounds(connection, entity.name, rids)
    how = _how(connection, view.eid, len(members), grounds) if moment is None and view.state == "active" else None
    return Dossier(
        eid=eid,
        entity_id=entity_id(eid),
        entity_type=entity.name,
        state=view.state,
        version=view.version,
        redirect=None if view.redirect is None else entity_id(view.redirect),
        title=title_of(view.golden, entity, role),
        moment=moment,
        recorded_at=view.recorded_at,
        values=golden_of(view.golden, members, entity, role),
        members=tuple(record_values(record, entity, role) for record in members),
        links=_links(connection, members, how),
        how=how,
        history=tuple(reversed(views.history(connection, eid))),
        tasks=tuple(tasks.lines_of(connection, stored_tasks.open_about(connection, [eid], rids))),
        verdicts=tuple(verdicts_about(connection, members, reader)),
        related=tuple(_related(connection, eid, reader)),
        merge=grounds.release.merge,
        review=grounds.release.review,
    )


def _related(connection: Connection, eid: int, reader: Reader) -> Iterator[Related]:
    for relation in relations.of_entity(connection, eid, reader.bench.rulings(connection)):
        other = relation.right if relation.left == eid else relation.left
        seen = views.view(connection, other)
        title = title_of(seen.golden, reader.types[seen.entity_type], reader.role)
        yield Related(relation.relation, entity_id(other), title, relation.since, relation.actor)


def _member_rids(connection: Connection, eid: int, moment: str | None) -> list[int]:
    if moment is None:
        rids: list[int] = entities.members(connection, [eid])["rid"].to_pylist()
        return rids
    return list(entities.membership_at(connection, eid, moment))


def _how(connection: Connection, eid: int, members: int, grounds: Grounds) -> HowReport | None:
    return explaining.how(connection, entity_id(eid), grounds) if 1 < members <= MOST_SCORED else None


def _links(connection: Connection, members: Sequence[StoredRecord], how: HowReport | None) -> tuple[Link, ...]:
    """The links inside, strongest first."""
    places = {record.rid: place for place, record in enumerate(members)}
    names = [f"{record.source}:{record.record_id}" for record in members]
    weakest = None if how is None or how.weakest is None else {how.weakest.left, how.weakest.right}
    table = links.touching(connection, list(places))
    found = [
        Link(places[left], places[right], bits, {names[places[left]], names[places[right]]} == weakest)
        for left, right, bits in zip(*(table[c].to_pylist() for c in ("left_rid", "right_rid", "bits")), strict=True)
        if left in places and right in places
    ]
    return tuple(sorted(found, key=lambda link: (-link.bits, link.left, link.right)))


def verdicts_about(connection: Connection, members: Sequence[StoredRecord], reader: Reader) -> list[VerdictLine]:
    """The verdicts that hold and say something about one of the records, newest first; found by the records."""
    rids = [record.rid for record in members]
    said = reader.bench.rulings(connection).numbers(rids)
    numbers = {*said, *(pin.verdict_id for pin in pins.of_records(connection, rids))}
    return list(reversed(explaining.verdict_lines(verdicts.of_numbers(connection, numbers))))
