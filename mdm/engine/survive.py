"""Survivorship: the claims of an entity's members -> its golden record, each value with its origin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from mdm.engine.policy import EntityType, SurvivorshipPolicy


class Member(NamedTuple):
    """A record of an entity with its claims, as standardised and validated.

    pins: field -> value that a steward fixed, bound to this record.
    """

    source: str
    record_id: str
    updated_at: str | None
    claims: Mapping[str, Sequence[Mapping[str, Any]]]
    pins: Mapping[str, Mapping[str, str]] = {}


class Claim(NamedTuple):
    """A value one record offers for a field: sub-field -> text, with trust after downgrades and age.

    A plain tuple: a batch makes one for every value it was given.
    """

    value: Mapping[str, str]
    source: str
    record_id: str
    updated_at: str | None
    trust: float
    place: int

    @property
    def tie(self) -> tuple[float, str, str, int]:
        """What decides when the strategies do not: trust, then the origin's name."""
        return (-self.trust, self.source, self.record_id, self.place)


Golden = dict[str, list[dict[str, Any]]]


def survive(members: Iterable[Member], entity: EntityType) -> Golden:
    """Field -> winning claims, each {value, source, record_id, updated_at, by}; fields nobody knows are left out.

    A field that survives as a unit has one winner; of others each sub-field has its own. A pinned value wins over all,
    `by` pinned, with `over`: what would have won.
    """
    people = sorted(members, key=lambda m: (m.source, m.record_id))
    newest = max((m.updated_at for m in people if m.updated_at is not None), default=None)
    aged = [(member, _years_between(member.updated_at, newest)) for member in people]
    golden: Golden = {}
    for field in entity.fields:
        policy = entity.survivorship.get(field, entity.default_survivorship)
        claims = [claim for member, years in aged for claim in _claims(member, field, policy.ageing * years)]
        if claims:
            golden[field] = _winners(claims, policy)
    for member in reversed(people):
        for field, value in member.pins.items():
            unit = entity.survivorship.get(field, entity.default_survivorship).unit
            golden[field] = _pinned(golden.get(field, []), member, value, unit=unit)
    return golden


def _pinned(
    winners: list[dict[str, Any]], member: Member, value: Mapping[str, str], *, unit: bool
) -> list[dict[str, Any]]:
    """The winners with the pinned value in the place of those it replaces; of two pins the first record's stands."""
    origin = {"source": member.source, "record_id": member.record_id, "updated_at": None, "by": "pinned"}
    natural = {sub: text for winner in winners for sub, text in _natural(winner).items()}
    if unit:
        return [{"value": dict(value), **origin, "over": natural or None}]
    found = {sub: winner for winner in winners for sub in winner["value"]}
    for sub, text in value.items():
        over = {sub: natural[sub]} if sub in natural else None
        found[sub] = {"value": {sub: text}, **origin, "over": over}
    return [found[sub] for sub in sorted(found)]


def _natural(winner: Mapping[str, Any]) -> Mapping[str, str]:
    """What the records say, whatever is pinned."""
    told: Mapping[str, str] | None = winner["over"] if winner["by"] == "pinned" else winner["value"]
    return told or {}


def _claims(member: Member, field: str, lost: float) -> list[Claim]:
    """What the record says of the field; lost: the points of trust that its age costs."""
    source, record_id, updated_at, claims, _ = member
    offered = claims.get(field)
    if offered is None:
        return []
    return [
        Claim(claim["clean"], source, record_id, updated_at, claim["trust"] - lost, place)
        for place, claim in enumerate(offered)
        if claim["clean"]
    ]


def _years_between(older: str | None, newer: str | None) -> float:
    """Whole months as years; 0 when either is unknown, so that undated claims keep their trust."""
    if older is None or newer is None or older == newer:
        return 0.0
    months = (int(newer[:4]) - int(older[:4])) * 12 + int(newer[5:7] or 1) - int(older[5:7] or 1)
    return max(months, 0) / 12


def _winners(claims: list[Claim], policy: SurvivorshipPolicy) -> list[dict[str, Any]]:
    if policy.unit:
        return [_winner(claims, policy)]
    subs = sorted({sub for claim in claims for sub in claim.value})
    if len(subs) == 1:
        return [_winner(claims, policy)]
    return [
        _winner([claim._replace(value={sub: claim.value[sub]}) for claim in claims if sub in claim.value], policy)
        for sub in subs
    ]


def _winner(claims: list[Claim], policy: SurvivorshipPolicy) -> dict[str, Any]:
    """The winning claim with the strategy that decided; `only` when there was one value to choose from."""
    left, decided = claims, "only"
    for name in policy.by:
        if len(left) == 1 or len({_text(c) for c in left}) == 1:
            break
        best = STRATEGIES[name](left)
        if len(best) < len(left):
            left, decided = best, name
    value, source, record_id, updated_at, _, _ = left[0] if len(left) == 1 else min(left, key=lambda c: c.tie)
    return {"value": value, "source": source, "record_id": record_id, "updated_at": updated_at, "by": decided}


def _text(claim: Claim) -> str:
    return "\x1f".join([f"{sub}={text}" for sub, text in sorted(claim.value.items())]).casefold()


def _best(claims: list[Claim], rank: Callable[[Claim], Any]) -> list[Claim]:
    top = max(rank(c) for c in claims)
    return [c for c in claims if rank(c) == top]


def _trusted(claims: list[Claim]) -> list[Claim]:
    return _best(claims, lambda c: c.trust)


def _most_recent(claims: list[Claim]) -> list[Claim]:
    return _best(claims, lambda c: c.updated_at or "")


def _most_frequent(claims: list[Claim]) -> list[Claim]:
    counts = Counter(_text(c) for c in claims)
    return _best(claims, lambda c: counts[_text(c)])


def _longest(claims: list[Claim]) -> list[Claim]:
    return _best(claims, lambda c: sum(len(v) for v in c.value.values()))


def _first(claims: list[Claim]) -> list[Claim]:
    return [min(claims, key=lambda c: (c.source, c.record_id, c.place))]


STRATEGIES: Mapping[str, Callable[[list[Claim]], list[Claim]]] = {
    "trusted": _trusted,
    "most_recent": _most_recent,
    "most_frequent": _most_frequent,
    "longest": _longest,
    "first": _first,
}
