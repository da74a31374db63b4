"""(claims of a record, what rules found) -> the claims as matching and survivorship should take them.

Claims are `{field: [{"clean": {sub: text}, "compare": {part: [text]}, "issues": [code], "trust": int, ...}]}`. Inputs
are never changed. Every finding leaves the code `rule.<id>` on the claims it speaks about, so a steward sees why.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from rules.record_view import RecordView, field_of
from rules.rulebook import Finding

Claim = Mapping[str, Any]
Claims = Mapping[str, Sequence[Claim]]
# field -> part ("" for the whole) -> address
Wanted = Mapping[str, Mapping[str, str]]
_NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Validated:
    """A record after its rules.

    rejected: ids of the rules that send it to quarantine; empty when it may be matched.
    issues: `rule.<id>` of every rule that failed, sorted, also of those that speak about no single claim.
    """

    claims: Claims
    rejected: tuple[str, ...]
    issues: tuple[str, ...]


def wanted_parts(addresses: Iterable[str]) -> Wanted:
    """The addresses by field and part, for a view that shows no others."""
    wanted: dict[str, dict[str, str]] = {}
    for address in addresses:
        field, _, sub = address.partition(".")
        if sub != "value":
            wanted.setdefault(field, {})[sub] = address
    return wanted


def view_claims(
    claims: Claims,
    *,
    country: str | None = None,
    updated_at: str | None = None,
    source: str | None = None,
    wanted: Wanted | None = None,
) -> RecordView:
    """What rules see of the claims: each part under `field.sub`, and each claim's whole text under `field`.

    The whole is the `value` or `full` part, else all parts in their order. Claims without clean values are left out.
    wanted: the only addresses to show; None shows all.
    """
    values: dict[str, tuple[str, ...]] = {}
    issues: dict[str, tuple[str, ...]] = {}
    for field, offered in claims.items():
        addresses = _every_part(field, offered) if wanted is None else wanted.get(field, _NOTHING)
        for claim in offered:
            if claim["issues"]:
                issues[field] = (*issues.get(field, ()), *claim["issues"])
            clean = claim["clean"]
            for sub, address in addresses.items():
                text = clean.get(sub) if sub or not clean else _whole(clean)
                if text is not None:
                    values[address] = (*values.get(address, ()), text)
    return RecordView(values, issues, country, updated_at, source)


def _every_part(field: str, offered: Sequence[Claim]) -> dict[str, str]:
    subs = dict.fromkeys(sub for claim in offered for sub in claim["clean"] if sub != "value")
    return {"": field} | {sub: f"{field}.{sub}" for sub in subs}


def apply_findings(claims: Claims, findings: Sequence[Finding]) -> Validated:
    """The claims with each finding's action done: see `Action`; without findings, the same claims.

    A nulled claim keeps its raw value only: it counts as unknown. Downgrades of one claim multiply, then round down.
    """
    if not findings:
        return Validated(claims, (), ())
    hits: dict[str, dict[int, list[Finding]]] = {}
    for finding in findings:
        field = field_of(finding.field)
        for place in _places(claims.get(field, ()), finding):
            hits.setdefault(field, {}).setdefault(place, []).append(finding)
    amended = {
        field: [_amend(claim, found[place]) if place in found else claim for place, claim in enumerate(claims[field])]
        for field, found in hits.items()
    }
    rejected = dict.fromkeys(finding.rule_id for finding in findings if finding.action.name == "reject")
    return Validated({**claims, **amended}, tuple(rejected), tuple(sorted(_codes(findings))))


def _whole(clean: Mapping[str, str]) -> str:
    return clean.get("value") or clean.get("full") or " ".join(clean.values())


def _places(offered: Sequence[Claim], finding: Finding) -> Iterator[int]:
    """Which claims of the field the finding speaks about."""
    if finding.value_index is not None:
        sub = finding.field.partition(".")[2]
        having = [place for place, claim in enumerate(offered) if (sub in claim["clean"] if sub else claim["clean"])]
        yield having[finding.value_index]
    for place, claim in enumerate(offered):
        if not set(finding.codes).isdisjoint(claim["issues"]):
            yield place


def _amend(claim: Claim, findings: Sequence[Finding]) -> Claim:
    changed = {**claim, "issues": sorted({*claim["issues"], *_codes(findings)})}
    if any(finding.action.name == "null_out" for finding in findings):
        changed |= {"clean": {}, "compare": {}}
    kept = [100 - finding.action.percent for finding in findings]
    return {**changed, "trust": claim["trust"] * prod(kept) // 100 ** len(kept)}


def _codes(findings: Iterable[Finding]) -> set[str]:
    return {f"rule.{finding.rule_id}" for finding in findings}
