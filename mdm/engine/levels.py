"""The language of comparison levels: text -> a checked tree that every engine renders.

A level is a measure over features, alone or combined:

    exact(family)                     jaro_winkler(given) >= 0.92
    share_any(phones)                 all(share_any(phones), not(exact(given)))

Every measure is false when a value it needs is unknown, so `not(...)` has two values in every engine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

# measure -> (number of features, direction of the threshold or None, what the features must be)
MEASURES: Mapping[str, tuple[int, str | None, str]] = {
    "exact": (1, None, "any"),
    "share_any": (1, None, "list"),
    "swapped": (2, None, "text"),
    "crossed": (2, None, "text"),
    "starts": (1, ">=", "text"),
    "jaro_winkler": (1, ">=", "text or list"),
    "levenshtein": (1, "<=", "text or list"),
    "damerau_levenshtein": (1, "<=", "text or list"),
    "overlap": (1, ">=", "list"),
    "within": (1, "<=", "number or list"),
    "present": (1, None, "any"),
    "missing": (1, None, "any"),
}
SIMILARITIES = frozenset({"jaro_winkler", "overlap"})
# Similarities are stored half a millionth below what is written: engines differ in the last bit of a
# fused multiply-add, and a pair must not change its level with the engine.
SLACK = 0.0000005
FUZZY_VALUES = 3


class BadLevel(ValueError):
    """A level text that cannot be read; the message names the words allowed."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One question about a pair; `threshold` is already slackened for similarities."""

    name: str
    features: tuple[str, ...]
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class AllOf:
    """True when every part is."""

    parts: tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """True when a part is."""

    parts: tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """True when the part is not."""

    part: Level


@dataclass(frozen=True, slots=True)
class Otherwise:
    """Always true: the last level of a comparison."""


Level = Measure | AllOf | AnyOf | Not | Otherwise

_TOKEN = re.compile(r"\s*(?:(?P<word>[a-z_][a-z0-9_]*)|(?P<number>\d+(?:\.\d+)?)|(?P<sign>>=|<=|[(),]))")


@cache
def parse_level(text: str) -> Level:
    """The tree of a level text.

    Raises BadLevel naming the place and the words allowed.
    """
    reader = _Reader(text)
    level = reader.level()
    reader.end()
    return level


class _Reader:
    """A recursive-descent reader over the tokens of one level text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(_tokens(text))
        self.place = 0

    def peek(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        self.place += 1
        return token

    def expect(self, sign: str) -> None:
        token = self.take()
        if token != sign:
            raise BadLevel(f"{self.text!r}: expected {sign!r}, found {token or 'the end'!r}")

    def end(self) -> None:
        if self.peek():
            raise BadLevel(f"{self.text!r}: unexpected {self.peek()!r}")

    def level(self) -> Level:
        word = self.take()
        if word in {"all", "any"}:
            parts = self.parts()
            return AllOf(parts) if word == "all" else AnyOf(parts)
        if word == "not":
            self.expect("(")
            part = self.level()
            self.expect(")")
            return Not(part)
        return Otherwise() if word == "else" else self.measure(word)

    def parts(self) -> tuple[Level, ...]:
        self.expect("(")
        parts = [self.level()]
        while self.peek() == ",":
            self.take()
            parts.append(self.level())
        self.expect(")")
        return tuple(parts)

    def measure(self, word: str) -> Measure:
        if word not in MEASURES:
            raise BadLevel(f"{self.text!r}: unknown measure {word!r}; known: all, any, not, {', '.join(MEASURES)}")
        self.expect("(")
        features = [self.take()]
        while self.peek() == ",":
            self.take()
            features.append(self.take())
        self.expect(")")
        count, sign, _ = MEASURES[word]
        if len(features) != count:
            raise BadLevel(f"{self.text!r}: {word} takes {count} feature(s), not {len(features)}")
        return Measure(word, tuple(features), self.threshold(word, sign))

    def threshold(self, word: str, sign: str | None) -> float | None:
        if sign is None:
            return None
        self.expect(sign)
        number = self.take()
        if not re.fullmatch(r"\d+(\.\d+)?", number):
            raise BadLevel(f"{self.text!r}: {word} {sign} needs a number, found {number or 'the end'!r}")
        return float(number) - SLACK if word in SIMILARITIES else float(number)


def _tokens(text: str) -> Iterator[str]:
    place = 0
    while place < len(text.rstrip()):
        match = _TOKEN.match(text, place)
        if match is None:
            raise BadLevel(f"{text!r}: cannot read from {text[place:]!r}")
        place = match.end()
        yield match.group().strip()


def measures_of(level: Level) -> Iterator[Measure]:
    """Every measure in a level, in reading order."""
    match level:
        case Measure():
            yield level
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from measures_of(part)
        case Not(part):
            yield from measures_of(part)
        case Otherwise():
            return


def features_of(level: Level) -> frozenset[str]:
    """The features that a level reads."""
    return frozenset(feature for measure in measures_of(level) for feature in measure.features)


def prune_level(level: Level, known: frozenset[str]) -> Level | None:
    """The level without what can never hold when only `known` features carry data; None when nothing is left.

    A measure over a feature that is always unknown is false, `missing` of it is true.
    """
    result = _prune(level, known)
    if result is True:
        return Otherwise()
    return None if result is False else result


def _prune(level: Level, known: frozenset[str]) -> Level | bool:
    match level:
        case Measure(name, features):
            if known.issuperset(features):
                return level
            return name == "missing"
        case AllOf(parts):
            return _combine(parts, known, unit=True, make=AllOf)
        case AnyOf(parts):
            return _combine(parts, known, unit=False, make=AnyOf)
        case Not(part):
            inner = _prune(part, known)
            return (not inner) if isinstance(inner, bool) else Not(inner)
        case Otherwise():
            return level


def _combine(
    parts: tuple[Level, ...], known: frozenset[str], *, unit: bool, make: type[AllOf] | type[AnyOf]
) -> Level | bool:
    kept: list[Level] = []
    for part in parts:
        pruned = _prune(part, known)
        if pruned is (not unit):
            return not unit
        if not isinstance(pruned, bool):
            kept.append(pruned)
    if not kept:
        return unit
    return kept[0] if len(kept) == 1 else make(tuple(kept))


def level_text(level: Level) -> str:
    """The text that parses to this level (thresholds as written)."""
    match level:
        case Measure(name, features, threshold):
            sign = MEASURES[name][1]
            return f"{name}({', '.join(features)})" + (
                "" if threshold is None else f" {sign} {_written(name, threshold)}"
            )
        case AllOf(parts):
            return f"all({', '.join(level_text(p) for p in parts)})"
        case AnyOf(parts):
            return f"any({', '.join(level_text(p) for p in parts)})"
        case Not(part):
            return f"not({level_text(part)})"
        case Otherwise():
            return "else"


def _written(name: str, threshold: float) -> str:
    return f"{round(threshold + SLACK, 6):g}" if name in SIMILARITIES else f"{threshold:g}"
