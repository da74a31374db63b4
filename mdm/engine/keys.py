"""Blocking keys: features -> signed 64-bit integers; records that share one become candidates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from struct import pack, unpack
from typing import Any

import orjson

from mdm.engine.release import KeyRule

# Combinations of multi-valued features per key rule: enough for real records, bounded for hostile ones.
MOST_COMBINATIONS = 16
SEPARATOR = "\x1f"

Part = tuple[str, int | None]


@dataclass(frozen=True, slots=True)
class KeyPlan:
    """The key rules of an entity type: what each key's text starts with, and the parts that follow."""

    content: str
    rules: tuple[tuple[str, tuple[Part, ...]], ...]


def plan_keys(rules: Sequence[KeyRule], entity: str) -> KeyPlan:
    """The plan by which features of this entity type become keys."""
    headed = tuple((f"{entity}{SEPARATOR}{rule.name}", rule.on) for rule in rules)
    return KeyPlan(f"{entity}{SEPARATOR}content{SEPARATOR}", headed)


def blocking_keys(features: Mapping[str, Any], plan: KeyPlan) -> list[int]:
    """The keys of a record, sorted and distinct; a rule with an unknown feature gives none.

    Records of identical content share one whatever else is known.
    """
    known = {name: value for name, value in features.items() if value is not None}
    texts = [plan.content + orjson.dumps(known, option=orjson.OPT_SORT_KEYS).decode()]
    for head, parts in plan.rules:
        texts += _combinations(known, head, parts)
    digests = b"".join([blake2b(text.encode(), digest_size=8).digest() for text in texts])
    return sorted({*unpack(f">{len(texts)}q", digests)})


def pack_keys(keys: Sequence[int]) -> bytes:
    """The keys as they are stored with their record."""
    return pack(f">{len(keys)}q", *keys)


def unpack_keys(packed: bytes) -> tuple[int, ...]:
    """The keys that `pack_keys` packed."""
    return unpack(f">{len(packed) // 8}q", packed)


def _combinations(known: Mapping[str, Any], head: str, parts: Sequence[Part]) -> list[str]:
    """The texts of one rule's keys: one for each combination of the values, each whole or cut to a prefix."""
    texts = [head]
    for feature, length in parts:
        value = known.get(feature)
        if value is None:
            return []
        if isinstance(value, str):
            texts = [f"{text}{SEPARATOR}{value[:length]}" for text in texts]
        else:
            values = [str(each)[:length] for each in (value if isinstance(value, list) else [value])]
            texts = [f"{text}{SEPARATOR}{each}" for text in texts for each in values][:MOST_COMBINATIONS]
    return texts
