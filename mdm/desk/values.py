"""Values as a role may see them: golden ones with why they won, what else was offered, what an entity is called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from mdm.engine.policy import EntityType
from mdm.explaining import golden_values, whole_text
from mdm.masking import masked
from mdm.store.records import StoredRecord
from rules.kinds import KINDS

NAMES = ("person_name", "organisation_name")
# A strategy as the reason that it gives.
REASONS: Mapping[str, str] = {
    "only": "the only value there is",
    "trusted": "the most trusted source",
    "most_recent": "the most recent",
    "most_frequent": "what most records say",
    "longest": "the most complete",
    "first": "the first source by name",
    "pinned": "pinned by a steward",
}


@dataclass(frozen=True, slots=True)
class Offer:
    """A value that a record offers. trust: 0 to 100, after what rules took off. wins: it is the golden one."""

    value: str
    source: str
    record_id: str
    updated_at: str | None
    trust: float
    issues: tuple[str, ...]
    wins: bool


@dataclass(frozen=True, slots=True)
class GoldenValue:
    """A golden value with the record it comes from, why it won, and everything that was offered.

    text: the whole value in one line. parts: (part, text) where it has several. mixed: parts come from several records.
    """

    field: str
    text: str
    parts: tuple[tuple[str, str], ...]
    mixed: bool
    source: str
    record_id: str
    updated_at: str | None
    by: str
    reason: str
    offers: tuple[Offer, ...]


@dataclass(frozen=True, slots=True)
class RecordValues:
    """A record with what it says: (field, text) of its values."""

    rid: int
    source: str
    record_id: str
    updated_at: str | None
    version: int
    state: str
    values: tuple[tuple[str, str], ...]
    issues: tuple[str, ...]

    @property
    def name(self) -> str:
        """How the record is written."""
        return f"{self.source}:{self.record_id}"


def title_of(golden: Mapping[str, Any], entity: EntityType, role: str) -> str:
    """What an entity is called: its name as the role may see it; empty when it has none."""
    for name, field in entity.fields.items():
        if field.kind in NAMES:
            texts = [masked(role, field.pii, text) for _, text, _ in golden_values({name: golden.get(name, ())})]
            full = [masked(role, field.pii, w["value"]["full"]) for w in golden.get(name, ()) if "full" in w["value"]]
            found = [text for text in (*full, *texts) if text]
            if found:
                return found[0]
    return ""


def golden_of(
    golden: Mapping[str, Any], members: Sequence[StoredRecord], entity: EntityType, role: str
) -> tuple[GoldenValue, ...]:
    """The golden values in the order of the entity file; fields the role sees nothing of are left out."""
    fields = (field for field in entity.fields if golden.get(field))
    shown = (_golden(field, golden[field], members, entity, role) for field in fields)
    return tuple(value for value in shown if value.text)


def _golden(
    field: str, winners: Sequence[Mapping[str, Any]], members: Sequence[StoredRecord], entity: EntityType, role: str
) -> GoldenValue:
    pii = entity.fields[field].pii
    order = {sub: place for place, sub in enumerate(KINDS[entity.fields[field].kind].clean)}
    main = next((winner for winner in winners if {"value", "full"} & winner["value"].keys()), winners[0])
    parts = {sub: text for winner in winners for sub, text in winner["value"].items()}
    whole = {sub: parts[sub] for sub in sorted(parts, key=lambda sub: order.get(sub, len(order)))}
    offers = tuple(sorted(_offers(field, winners, members, pii, role), key=_rank))
    return GoldenValue(
        field=field,
        text=masked(role, pii, whole_text(whole)) or "",
        parts=tuple((sub, masked(role, pii, text) or "") for sub, text in whole.items()) if len(whole) > 1 else (),
        mixed=len({(winner["source"], winner["record_id"]) for winner in winners}) > 1,
        source=main["source"],
        record_id=main["record_id"],
        updated_at=main["updated_at"],
        by=main["by"],
        reason=_reason(main["by"], len(offers)),
        offers=offers,
    )


def _reason(strategy: str, offers: int) -> str:
    if strategy == "only" and offers > 1:
        return f"all {offers} say so"
    reason = REASONS.get(strategy, strategy.replace("_", " "))
    return reason if offers < 2 else f"{reason} of {offers}"


def _offers(
    field: str, winners: Sequence[Mapping[str, Any]], members: Sequence[StoredRecord], pii: str, role: str
) -> Iterator[Offer]:
    won = {(w["source"], w["record_id"], sub, text) for w in winners for sub, text in w["value"].items()}
    for record in members:
        for claim in orjson.loads(record.claims).get(field, ()):
            text = masked(role, pii, whole_text(claim["clean"]))
            if text:
                wins = any((record.source, record.record_id, *part) in won for part in claim["clean"].items())
                origin = (record.source, record.record_id, record.updated_at)
                yield Offer(text, *origin, claim["trust"], tuple(claim["issues"]), wins)


def _rank(offer: Offer) -> tuple[Any, ...]:
    return (not offer.wins, -offer.trust, offer.source, offer.record_id, offer.value)


def record_values(record: StoredRecord, entity: EntityType, role: str) -> RecordValues:
    """The record as the role may see it, in the order of the entity file."""
    claims = orjson.loads(record.claims)
    values = (
        (field, masked(role, policy.pii, whole_text(claim["clean"])) or "")
        for field, policy in entity.fields.items()
        for claim in claims.get(field, ())
    )
    return RecordValues(
        rid=record.rid,
        source=record.source,
        record_id=record.record_id,
        updated_at=record.updated_at,
        version=record.version,
        state=record.state,
        values=tuple(each for each in values if each[1]),
        issues=tuple(orjson.loads(record.issues)),
    )
