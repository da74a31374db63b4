"""Survivorship: the claims of an entity's members -> its golden record, each value with its origin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mdm.engine.policy import EntityType, SurvivorshipPolicy


@dataclass(frozen=True, slots=True)
class Member:
    """A record of an entity with its claims, as standardised and validated."""

    source: str
    record_id: str
    updated_at: str | None
    claims: Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Claim:
    """A value one record offers for a field: sub-field -> text, with trust after downgrades and age."""

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

    A field that survives as a unit has one winner; of others each sub-field has its own.
    """
    people = sorted(members, key=lambda m: (m.source, m.record_id))
    newest = max((m.updated_at for m in people if m.updated_at is not None), default=None)
    golden: Golden = {}
    for field in entity.fields:
        policy = entity.survivorship.get(field, entity.default_survivorship)
        claims = [c for m in people for c in _claims(m, field, newest, policy)]
        if claims:
            golden[field] = _winners(claims, policy)
    return golden


def _claims(member: Member, field: str, newest: str | None, policy: SurvivorshipPolicy) -> list[Claim]:
    lost = policy.ageing * _years_between(member.updated_at, newest)
    return [
        Claim(claim["clean"], member.source, member.record_id, member.updated_at, claim["trust"] - lost, place)
        for place, claim in enumerate(member.claims.get(field, ()))
        if claim["clean"]
    ]


def _years_between(older: str | None, newer: str | None) -> float:
    """Whole months as years; 0 when either is unknown, so that undated claims keep their trust."""
    if older is None or newer is None:
        return 0.0
    months = (int(newer[:4]) - int(older[:4])) * 12 + int(newer[5:7] or 1) - int(older[5:7] or 1)
    return max(months, 0) / 12


def _winners(claims: list[Claim], policy: SurvivorshipPolicy) -> list[dict[str, Any]]:
    if policy.unit:
        return [_golden(*_winner(claims, policy))]
    subs = sorted({sub for claim in claims for sub in claim.value})
    winners = []
    for sub in subs:
        offered = [
            Claim({sub: c.value[sub]}, c.source, c.record_id, c.updated_at, c.trust, c.place)
            for c in claims
            if sub in c.value
        ]
        winners.append(_golden(*_winner(offered, policy)))
    return winners


def _winner(claims: list[Claim], policy: SurvivorshipPolicy) -> tuple[Claim, str]:
    """The winning claim and the strategy that decided; `only` when there was one value to choose from."""
    left, decided = claims, "only"
    for name in policy.by:
        if len({_text(c) for c in left}) == 1:
            break
        best = STRATEGIES[name](left)
        if len(best) < len(left):
            left, decided = best, name
    return min(left, key=lambda c: c.tie), decided


def _golden(claim: Claim, by: str) -> dict[str, Any]:
    origin = {"source": claim.source, "record_id": claim.record_id, "updated_at": claim.updated_at}
    return {"value": dict(claim.value), **origin, "by": by}


def _text(claim: Claim) -> str:
    return "\x1f".join(f"{sub}={claim.value[sub]}" for sub in sorted(claim.value)).casefold()


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
