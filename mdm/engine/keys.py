"""Blocking keys: features -> signed 64-bit integers; records that share one become candidates."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from hashlib import blake2b
from struct import pack, unpack
from typing import Any

import orjson

from mdm.engine.release import KeyRule

# Combinations of multi-valued features per key rule: enough for real records, bounded for hostile ones.
MOST_COMBINATIONS = 16
SEPARATOR = "\x1f"

Keys = Callable[[Mapping[str, Any]], list[int]]


def compile_keys(rules: Sequence[KeyRule], entity: str, many: Collection[str]) -> Keys:
    """The function that gives the keys of a record of this type, sorted and distinct. many: features that are lists.

    A rule with an unknown feature gives none. Records of identical content share one whatever else is known.
    It is rendered to Python text once, because it runs for every record: a loop over rules takes half as long again.
    No text of an entity file goes into it but as a literal.
    """
    parts = list(dict.fromkeys(part for rule in rules for part in rule.on))
    content = repr(_head(entity, "content") + SEPARATOR)
    lines = [
        "def keys(features):",
        "    known = {name: value for name, value in features.items() if value is not None}",
        f"    texts = [{content} + dumps(known, option={orjson.OPT_SORT_KEYS}).decode()]",
        *(f"    {line}" for place, part in enumerate(parts) for line in _part(place, part, many)),
        *(f"    {line}" for rule in rules for line in _rule(rule, entity, parts, many)),
        "    digests = b''.join([blake2b(text.encode(), digest_size=8).digest() for text in texts])",
        "    return sorted({*unpack(f'>{len(texts)}q', digests)})",
    ]
    names: dict[str, Any] = {"dumps": orjson.dumps, "blake2b": blake2b, "unpack": unpack}
    exec(compile("\n".join(lines), f"<keys of {entity}>", "exec"), names)
    made: Keys = names["keys"]
    return made


def _head(entity: str, rule: str) -> str:
    return f"{entity}{SEPARATOR}{rule}"


def _part(place: int, part: tuple[str, int | None], many: Collection[str]) -> Iterator[str]:
    """`pPLACE`: what the part adds to a text, for each value, whole or cut to a prefix; None where it is unknown."""
    feature, length = part
    cut = "" if length is None else f"[:{length}]"
    yield f"p{place} = known.get({feature!r})"
    if feature in many:
        yield f"if p{place} is not None: p{place} = [{SEPARATOR!r} + str(value){cut} for value in p{place}]"
    else:
        yield f"if p{place} is not None: p{place} = {SEPARATOR!r} + str(p{place}){cut}"


def _rule(rule: KeyRule, entity: str, parts: Sequence[tuple[str, int | None]], many: Collection[str]) -> Iterator[str]:
    """Adds the texts of the rule: of every combination of the values of its parts, up to a bound."""
    places = [parts.index(part) for part in rule.on]
    loops = [place for place in places if parts[place][0] in many]
    text = " + ".join([repr(_head(entity, rule.name)), *(f"v{n}" if n in loops else f"p{n}" for n in places)])
    yield f"if {' and '.join(f'p{place} is not None' for place in places)}:"
    if loops:
        each = " ".join(f"for v{place} in p{place}" for place in loops)
        yield f"    texts += [{text} {each}][:{MOST_COMBINATIONS}]"
    else:
        yield f"    texts.append({text})"


def pack_keys(keys: Sequence[int]) -> bytes:
    """The keys as they are stored with their record."""
    return pack(f">{len(keys)}q", *keys)


def unpack_keys(packed: bytes) -> tuple[int, ...]:
    """The keys that `pack_keys` packed."""
    return unpack(f">{len(packed) // 8}q", packed)
