"""Prepare: rows of a source -> everything that is known of each before it meets other records.

Standardise, validate, features and keys in one pure call; the batch job and a single upsert both run it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import orjson

from mdm.engine.amend import CORRECTED, Amendment, amend
from mdm.engine.features import FeaturePlan, make_features, plan_features
from mdm.engine.keys import Keys, compile_keys
from mdm.engine.policy import EntityType
from mdm.engine.release import KeyRule
from mdm.engine.standardise import Row, Slot, read_context, slots_of, standardise
from mdm.project_file import SourceSpec
from rules.outcome import Context
from rules.record_view import RecordView
from rules.rulebook import CompiledRules, RuleBook
from rules.rulebook_apply import Claims, Validated, Wanted, apply_findings, view_claims, wanted_parts
from rules.scorecard import ScorePlan, letters_of, plan_scores

_NOTHING: Mapping[int, Amendment] = {}


@dataclass(frozen=True, slots=True)
class Policy:
    """What preparing the rows of one source as one entity type depends on, compiled once; holds closures."""

    source: SourceSpec
    entity: EntityType
    slots: tuple[Slot, ...]
    rules: CompiledRules
    wanted: Wanted
    features: FeaturePlan
    keys: Keys
    scores: ScorePlan


@dataclass(frozen=True, slots=True)
class Prepared:
    """A row made ready.

    rejected: rules that send it to quarantine, empty when a steward released this content. issues: `field:code`,
    `rule.<id>` and `record.corrected`. quality: the letters of `rules.scorecard`.
    """

    claims: Claims
    features: Mapping[str, Any]
    keys: Sequence[int]
    issues: Sequence[str]
    rejected: tuple[str, ...]
    updated_at: str | None
    quality: str


def compile_policy(source: SourceSpec, entity: EntityType, rules: RuleBook) -> Policy:
    """The policy by which rows of the source become records of the entity type, which is one of the source's."""
    return Policy(
        source=source,
        entity=entity,
        slots=slots_of(source, entity),
        rules=rules.compile(),
        wanted=wanted_parts(rules.addresses),
        features=plan_features(entity),
        keys=keys_of(entity),
        scores=plan_scores(entity.fields, rules),
    )


def keys_of(entity: EntityType) -> Keys:
    """The function from features to the blocking keys of the entity type."""
    rules = [KeyRule(key.name, key.on) for key in entity.keys]
    return compile_keys(rules, entity.name, {name for name, feature in entity.features.items() if feature.many})


def prepare(rows: Sequence[Row], policy: Policy, amended: Mapping[int, Amendment] = _NOTHING) -> list[Prepared]:
    """Each row's claims, features, keys and issues; a rejected row has no keys, so that it links to nobody.

    amended: place of a row -> what stewards decided about its content.
    No row knows of the others: they come together only because stage by stage is faster than row by row.
    """
    contexts = [read_context(row, policy.source) for row in rows]
    claims = standardise(rows, policy.slots, contexts)
    for n, amendment in amended.items():
        if amendment.values:
            claims[n] = _corrected(rows[n], contexts[n], policy, amendment)
    views = [
        view_claims(
            offered,
            country=context.country,
            updated_at=context.reference,
            source=policy.source.name,
            wanted=policy.wanted,
        )
        for offered, context in zip(claims, contexts, strict=True)
    ]
    findings = [policy.rules.assess(view) for view in views]
    validated = [apply_findings(offered, found) for offered, found in zip(claims, findings, strict=True)]
    features = [make_features(each.claims, policy.features) for each in validated]
    passing = {n for n, amendment in amended.items() if amendment.passes}
    rejected = [() if n in passing else each.rejected for n, each in enumerate(validated)]
    keys = [[] if out else policy.keys(known) for out, known in zip(rejected, features, strict=True)]
    issues = [_issues(view, each, amended.get(n)) for n, (view, each) in enumerate(zip(views, validated, strict=True))]
    return [
        Prepared(
            each.claims,
            features[n],
            keys[n],
            issues[n],
            rejected[n],
            contexts[n].reference,
            letters_of(each.claims, issues[n], policy.scores),
        )
        for n, each in enumerate(validated)
    ]


def _corrected(row: Row, context: Context, policy: Policy, amendment: Amendment) -> dict[str, list[dict[str, Any]]]:
    made, slots = amend(row, policy.slots, amendment.values, source=policy.source, entity=policy.entity)
    return standardise([made], slots, [context])[0]


def _issues(view: RecordView, validated: Validated, amendment: Amendment | None) -> list[str]:
    codes = {f"{field}:{code}" for field, found in view.issues.items() for code in found}
    own = [CORRECTED] if amendment is not None and amendment.values else []
    return sorted(codes.union(validated.issues, own))


def payload_of(row: Row) -> bytes:
    """The row as JSON with sorted keys: what is stored, and what its identity of content is taken from."""
    return orjson.dumps(row, option=orjson.OPT_SORT_KEYS)


def content_hash(payload: bytes, entity: str) -> str:
    """32 hex digits that change when any column or the entity type does."""
    return blake2b(payload + b"\x1f" + entity.encode(), digest_size=16).hexdigest()


def shown_claims(claims: Claims) -> dict[str, list[dict[str, Any]]]:
    """The claims as stored for golden records: without compare values, which live on as features."""
    return {
        field: [{"clean": c["clean"], "trust": c["trust"], "issues": c["issues"]} for c in offered]
        for field, offered in claims.items()
    }
