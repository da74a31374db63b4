"""Prepare: one row of a source -> everything that is known of it before it meets other records.

Standardise, validate, features and keys in one pure call; the batch job and a single upsert both run it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import orjson

from mdm.engine.features import make_features
from mdm.engine.keys import blocking_keys
from mdm.engine.policy import EntityType
from mdm.engine.release import KeyRule
from mdm.engine.standardise import read_context, standardise
from mdm.project_file import SourceSpec
from rules.rulebook import CompiledRules
from rules.rulebook_apply import Claims, apply_findings, view_claims


@dataclass(frozen=True, slots=True)
class Policy:
    """What preparing a row depends on, for one entity type."""

    entity: EntityType
    rules: CompiledRules
    keys: tuple[KeyRule, ...]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A row made ready. rejected: rules that send it to quarantine. issues: `field:code` and `rule.<id>`."""

    claims: Claims
    features: Mapping[str, Any]
    keys: tuple[int, ...]
    issues: tuple[str, ...]
    rejected: tuple[str, ...]
    updated_at: str | None


def prepare(row: Mapping[str, str], source: SourceSpec, policy: Policy) -> Prepared:
    """The row's claims, features, keys and issues; a rejected row has no keys, so that it links to nobody."""
    context = read_context(row, source)
    claims = standardise(row, source, policy.entity, context)
    view = view_claims(claims, country=context.country, updated_at=context.reference)
    validated = apply_findings(claims, policy.rules.assess(view))
    features = make_features(validated.claims, policy.entity)
    keys = () if validated.rejected else blocking_keys(features, policy.keys, policy.entity.name)
    codes = {f"{field}:{code}" for field, found in view.issues.items() for code in found}
    issues = tuple(sorted(codes | set(validated.issues)))
    return Prepared(validated.claims, features, tuple(keys), issues, validated.rejected, context.reference)


def payload_of(row: Mapping[str, str]) -> bytes:
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
