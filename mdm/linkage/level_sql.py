"""Levels as DuckDB SQL over rows that hold both sides of a pair (FEATURE_l, FEATURE_r), equal to the closures.

`condition` renders a level by itself. `collect` plans many of them together, for speed alone: similarities and
conditions that several levels name become columns, computed once per pair.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from mdm.engine.levels import FUZZY_VALUES, AllOf, AnyOf, Level, Measure, Not, Otherwise, measures_of
from mdm.engine.release import FeatureShape

_SIMILARITY = {
    # Greedy matching makes Jaro-Winkler depend on the order of its arguments now and then.
    "jaro_winkler": "jaro_winkler_similarity(least({x}, {y}), greatest({x}, {y}))",
    "levenshtein": "levenshtein({x}, {y})",
    "damerau_levenshtein": "damerau_levenshtein({x}, {y})",
}


@dataclass
class LevelSql:
    """Renders levels; every similarity is named once and computed once per pair, whatever asks for it."""

    shapes: Mapping[str, FeatureShape]
    similarities: dict[str, str] = field(default_factory=dict)
    greatest: dict[tuple[str, str], float] = field(default_factory=dict)
    shared: dict[Level, str] = field(default_factory=dict)

    def collect(self, levels: Iterable[Level]) -> list[str]:
        """`expression as name` for each distinct similarity the levels need.

        Distances greater than any level asks for are null: telling that they are is cheaper than telling how great.
        """
        wanted = [m for level in levels for m in measures_of(level) if m.name in _SIMILARITY or m.name == "within"]
        for measure in wanted:
            asked = (measure.name, measure.features[0])
            self.greatest[asked] = max(self.greatest.get(asked, 0.0), measure.threshold or 0.0)
        for measure in wanted:
            self.similarities.setdefault(self._similarity(measure), f"s{len(self.similarities)}")
        return [f"{expression} as {name}" for expression, name in self.similarities.items()]

    def share(self, levels: Sequence[Level]) -> list[list[str]]:
        """Layers of `condition as name`, each over the columns of those before, for what several levels ask."""
        layers: list[list[str]] = []
        for nodes in shared_layers(levels):
            named = {node: f"c{len(self.shared) + n}" for n, node in enumerate(nodes)}
            layers.append([f"{self.condition(node)} as {name}" for node, name in named.items()])
            self.shared |= named
        return layers

    def condition(self, level: Level) -> str:
        """A boolean SQL expression that is never null."""
        if level in self.shared:
            return self.shared[level]
        match level:
            case Measure():
                return self._measure(level)
            case AllOf(parts):
                return self._all(parts)
            case AnyOf(parts):
                return "(" + " or ".join(self.condition(p) for p in parts) + ")"
            case Not(part):
                return f"(not {self.condition(part)})"
            case Otherwise():
                return "true"

    def _all(self, parts: tuple[Level, ...]) -> str:
        # `and` computes all its parts for every row, `case` only until one is false.
        first, *others = sorted(parts, key=self._cost)
        if self._cost((others or [first])[-1]) < LISTS:
            return "(" + " and ".join(self.condition(p) for p in (first, *others)) + ")"
        tests = [f"when not {self.condition(part)} then false" for part in (first, *others[:-1])]
        return f"(case {' '.join(tests)} else {self.condition(others[-1])} end)"

    def _cost(self, level: Level) -> int:
        """0 for a column, 1 for a look at single values, more for lists; parts that cost alike keep their order."""
        if level in self.shared:
            return 0
        if isinstance(level, Measure) and level.name not in _COSTLY:
            return 1
        return max((_COSTLY.get(m.name, 1) for m in measures_of(level)), default=1)

    def _measure(self, measure: Measure) -> str:
        if measure.name in _RELATIONS:
            return f"coalesce({self._relation(measure)}, false)"
        if measure.name in {"present", "missing"}:
            word, joint = ("is not null", "and") if measure.name == "present" else ("is null", "or")
            left, right = sides(measure.features[0])
            return f"({left} {word} {joint} {right} {word})"
        sign = ">=" if measure.name == "jaro_winkler" else "<="
        expression = self._similarity(measure)
        return f"coalesce({self.similarities.get(expression, expression)} {sign} {measure.threshold!r}, false)"

    def _relation(self, measure: Measure) -> str:
        la, ra = sides(measure.features[0])
        lb, rb = sides(measure.features[-1])
        return _RELATIONS[measure.name].format(la=la, ra=ra, lb=lb, rb=rb, t=measure.threshold)

    def _similarity(self, measure: Measure) -> str:
        name = measure.features[0]
        many = self.shapes[name].many
        if measure.name == "within":
            return _over_values("abs({x} - {y})", name, many, "min")
        best = "max" if measure.name == "jaro_winkler" else "min"
        greatest = self.greatest.get((measure.name, name))
        template = _SIMILARITY[measure.name]
        if greatest is not None and measure.name in _GUARDED:
            template = _GUARDED[measure.name](int(greatest)).format(distance=template)
        return _over_values(template, name, many, best)


def _guard_levenshtein(greatest: int) -> str:
    return f"case when abs(length({{{{x}}}}) - length({{{{y}}}})) <= {greatest} then {{distance}} end"


def _guard_damerau(greatest: int) -> str:
    """A swap of neighbours counts one here and two there; in texts of one length one edit changes at most two places.

    On 12 digits `damerau_levenshtein` takes 1.7 us, `levenshtein` 0.25 and `hamming` 0.02.
    """
    close = f"levenshtein({{{{x}}}}, {{{{y}}}}) <= {2 * greatest}"
    if greatest == 1:
        close = (
            "case when length({{x}}) = length({{y}}) then hamming({{x}}, {{y}}) <= 2 "
            "else abs(length({{x}}) - length({{y}})) = 1 end"
        )
    return f"case when {close} then {{distance}} end"


_GUARDED = {"levenshtein": _guard_levenshtein, "damerau_levenshtein": _guard_damerau}


LISTS = 2
_COSTLY = {"share_any": LISTS, "starts": LISTS, "overlap": LISTS + 1}


def shared_layers(levels: Iterable[Level]) -> list[list[Level]]:
    """Conditions that are asked for more than once, in layers: each is made of those in earlier layers and of others.

    Counted are the places where a condition stands in the levels, each distinct condition looked into once.
    """
    asked: Counter[Level] = Counter()
    waiting = list(levels)
    while waiting:
        level = waiting.pop()
        asked[level] += 1
        if asked[level] == 1:
            waiting += _parts(level)
    worth = {level for level, times in asked.items() if times > 1 and _is_worth_a_column(level)}
    layer_of = cache(lambda level: max((layer_of(p) + (p in worth) for p in _parts(level)), default=0))
    layers: dict[int, list[Level]] = {}
    for level in asked:
        if level in worth:
            layers.setdefault(layer_of(level), []).append(level)
    return [layers[n] for n in sorted(layers)]


def _parts(level: Level) -> tuple[Level, ...]:
    match level:
        case AllOf(parts) | AnyOf(parts):
            return parts
        case Not(part):
            return (part,)
    return ()


def _is_worth_a_column(level: Level) -> bool:
    return isinstance(level, AllOf | AnyOf) or (isinstance(level, Measure) and level.name in _COSTLY)


_RELATIONS = {
    "exact": "{la} = {ra}",
    "share_any": "list_has_any({la}, {ra})",
    "overlap": "len(list_intersect({la}, {ra})) / least(len({la}), len({ra})) >= {t!r}",
    "swapped": "({la} = {rb} and {lb} = {ra})",
    "crossed": "(coalesce({la} = {rb}, false) or coalesce({lb} = {ra}, false))",
    "starts": "(least(length({la}), length({ra})) >= {t!r} and (starts_with({la}, {ra}) or starts_with({ra}, {la})))",
}


def _over_values(template: str, name: str, many: bool, best: str) -> str:
    left, right = sides(name)
    if not many:
        return template.format(x=left, y=right)
    inner = template.format(x="x", y="y")
    top = FUZZY_VALUES
    return f"list_{best}(flatten([[{inner} for y in {right}[1:{top}]] for x in {left}[1:{top}]]))"


def sides(feature: str) -> tuple[str, str]:
    """The columns of a pair that hold the feature of its left and right record."""
    return quoted(f"{feature}_l"), quoted(f"{feature}_r")


def quoted(name: str) -> str:
    """A DuckDB identifier."""
    return '"' + name.replace('"', '""') + '"'
