"""Levels rendered to Python: a release -> one function that weighs a pair.

What several levels ask is answered once per pair, and only when it is asked. A function made of text is five times as
fast as closures that call each other; `compare.compile_level` says the same in closures, and tests hold the two equal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mdm.engine.compare import ONE_FEATURE, Features
from mdm.engine.levels import AllOf, AnyOf, Level, Measure, Not
from mdm.engine.release import Comparison, LevelWeight, Release

# The weight of a pair in grid units, then per comparison the index of its level (-1 unknown) and its units.
Weighed = tuple[int, tuple[int, ...], tuple[int, ...]]
Weigh = Callable[[Features, Features], Weighed]
Extra = Callable[[Any], int]

_INLINE: Mapping[str, str] = {
    "exact": "({l} is not None and {l} == {r})",
    "present": "({l} is not None and {r} is not None)",
    "missing": "({l} is None or {r} is None)",
}
_TWO: Mapping[str, str] = {
    "swapped": "({l} is not None and {k} is not None and {l} == {s} and {k} == {r})",
    "crossed": "(({l} is not None and {l} == {s}) or ({k} is not None and {k} == {r}))",
}


def compile_weigh(release: Release, rarity: Callable[[LevelWeight], Extra]) -> Weigh:
    """The function of a release. rarity: the units that a level's value adds for being rare, for levels that ask."""
    text = _Text(rarity)
    body = [line for place, comparison in enumerate(release.comparisons) for line in text.comparison(place, comparison)]
    places = range(len(release.comparisons))
    units = [f"u{place}" for place in places]
    lines = [
        *(f"l{n} = left.get({name!r}); r{n} = right.get({name!r})" for name, n in text.features.items()),
        *(f"m{n} = None" for n in text.memos.values()),
        *body,
        f"return {' + '.join([str(release.prior_units), *units])}, "
        f"({''.join(f'e{place}, ' for place in places)}), ({''.join(f'{u}, ' for u in units)})",
    ]
    source = "def weigh(left, right):\n" + "\n".join(f"    {line}" for line in lines)
    exec(compile(source, f"<release {release.release_id!r}>", "exec"), text.names)
    made: Weigh = text.names["weigh"]
    return made


@dataclass(slots=True)
class _Text:
    """The text as it grows: numbers of features and of questions asked, and the functions it calls by name.

    No text of a release goes into it but the names of features, as literals.
    """

    rarity: Callable[[LevelWeight], Extra]
    features: dict[str, int] = field(default_factory=dict)
    memos: dict[Level, int] = field(default_factory=dict)
    names: dict[str, Any] = field(default_factory=dict)

    def comparison(self, place: int, comparison: Comparison) -> list[str]:
        """The lines that set the level and the units of one comparison."""
        numbered = list(enumerate(comparison.every))
        lines = [f"if {self.condition(comparison.unknown)}: e{place} = -1; u{place} = 0"]
        if comparison.gate is not None:
            lines.append(f"elif {self.condition(comparison.gate.when)}:")
            lines += [f"    {line}" for line in self.levels(place, numbered[: comparison.shift])]
        lines.append("else:")
        return lines + [f"    {line}" for line in self.levels(place, numbered[comparison.shift :])]

    def levels(self, place: int, levels: list[tuple[int, LevelWeight]]) -> list[str]:
        lines = []
        for turn, (index, level) in enumerate(levels):
            word = "elif" if turn else "if"
            lines.append(f"{word} {self.condition(level.when)}: e{place} = {index}; u{place} = {self.units(level)}")
        return [*lines, f"else: e{place} = -1; u{place} = 0"]

    def units(self, level: LevelWeight) -> str:
        if level.rarity is None:
            return str(level.units)
        name, place = f"x{len(self.names)}", self.feature(level.rarity)
        self.names[name] = self.rarity(level)
        return f"{level.units} + min({name}(l{place}), {name}(r{place}))"

    def feature(self, name: str) -> int:
        return self.features.setdefault(name, len(self.features))

    def condition(self, level: Level) -> str:
        match level:
            case Measure() | AllOf() | AnyOf():
                memo = self.memos.setdefault(level, len(self.memos))
                return f"(m{memo} if m{memo} is not None else (m{memo} := {self.question(level)}))"
            case Not(part):
                return f"(not {self.condition(part)})"
            case _:
                return "True"

    def question(self, level: Measure | AllOf | AnyOf) -> str:
        match level:
            case AllOf(parts):
                return f"({' and '.join(map(self.condition, parts))})"
            case AnyOf(parts):
                return f"({' or '.join(map(self.condition, parts))})"
            case Measure():
                return self.measure(level)

    def measure(self, measure: Measure) -> str:
        places = [self.feature(name) for name in measure.features]
        left, right = f"l{places[0]}", f"r{places[0]}"
        if measure.name in _TWO:
            return _TWO[measure.name].format(l=left, r=right, k=f"l{places[1]}", s=f"r{places[1]}")
        if measure.name in _INLINE:
            return _INLINE[measure.name].format(l=left, r=right)
        self.names[measure.name] = ONE_FEATURE[measure.name]
        threshold = 0.0 if measure.threshold is None else measure.threshold
        return f"({left} is not None and {right} is not None and {measure.name}({left}, {right}, {threshold!r}))"
