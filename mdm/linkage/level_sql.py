"""Levels as DuckDB SQL over rows that hold both sides of a pair (FEATURE_l, FEATURE_r), equal to the closures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

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

    def collect(self, levels: Iterable[Level]) -> list[str]:
        """`expression as name` for each distinct similarity the levels need."""
        for level in levels:
            for measure in measures_of(level):
                if measure.name in _SIMILARITY or measure.name == "within":
                    self.similarities.setdefault(self._similarity(measure), f"s{len(self.similarities)}")
        return [f"{expression} as {name}" for expression, name in self.similarities.items()]

    def condition(self, level: Level) -> str:
        """A boolean SQL expression that is never null."""
        match level:
            case Measure():
                return self._measure(level)
            case AllOf(parts):
                return "(" + " and ".join(self.condition(p) for p in parts) + ")"
            case AnyOf(parts):
                return "(" + " or ".join(self.condition(p) for p in parts) + ")"
            case Not(part):
                return f"(not {self.condition(part)})"
            case Otherwise():
                return "true"

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
        return _over_values(_SIMILARITY[measure.name], name, many, best)


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
