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
    """The key rules of an entity type: every distinct part once; each rule the head of its texts and its parts' places.

    content: what the text of the key of identical content starts with.
    """

    content: str
    parts: tuple[Part, ...]
    rules: tuple[tuple[str, tuple[int, ...]], ...]


def plan_keys(rules: Sequence[KeyRule], entity: str) -> KeyPlan:
    """The plan by which features of this entity type become keys."""
    parts = tuple(dict.fromkeys(part for rule in rules for part in rule.on))
    headed = tuple((f"{entity}{SEPARATOR}{rule.name}", tuple(map(parts.index, rule.on))) for rule in rules)
    return KeyPlan(f"{entity}{SEPARATOR}content{SEPARATOR}", parts, headed)


def blocking_keys(features: Mapping[str, Any], plan: KeyPlan) -> list[int]:
    """The keys of a record, sorted and distinct; a rule with an unknown feature gives none.

    Records of identical content share one whatever else is known.
    """
    known = {name: value for name, value in features.items() if value is not None}
    texts = [plan.content + orjson.dumps(known, option=orjson.OPT_SORT_KEYS).decode()]
    endings = [_endings(known.get(feature), length) for feature, length in plan.parts]
    for head, places in plan.rules:
        found = [head]
        for place in places:
            ends = endings[place]
            if len(ends) == 1:
                end = ends[0]
                found = [text + end for text in found]
            else:
                found = [text + end for text in found for end in ends][:MOST_COMBINATIONS]
            if not found:
                break
        texts += found
    digests = b"".join([blake2b(text.encode(), digest_size=8).digest() for text in texts])
    return sorted({*unpack(f">{len(texts)}q", digests)})


def _endings(value: Any, length: int | None) -> list[str]:
    """What a part adds to a key's text: one for each value, whole or cut to a prefix; none where it is unknown."""
    if value is None:
        return []
    values = value if isinstance(value, list) else [value]
    return [f"{SEPARATOR}{str(each)[:length]}" for each in values]


def pack_keys(keys: Sequence[int]) -> bytes:
    """The keys as they are stored with their record."""
    return pack(f">{len(keys)}q", *keys)


def unpack_keys(packed: bytes) -> tuple[int, ...]:
    """The keys that `pack_keys` packed."""
    return unpack(f">{len(packed) // 8}q", packed)
