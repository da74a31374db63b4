"""Levels as Python closures: (left features, right features) -> does the level hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

from rapidfuzz.distance import DamerauLevenshtein, JaroWinkler, Levenshtein

from mdm.engine.levels import FUZZY_VALUES, AllOf, AnyOf, Level, Measure, Not, Otherwise

Features = Mapping[str, Any]
Test = Callable[[Features, Features], bool]


def compile_level(level: Level) -> Test:
    """The closure that decides the level for a pair of feature records."""
    match level:
        case Measure():
            return _measure(level)
        case AllOf(parts):
            tests = [compile_level(p) for p in parts]
            return lambda left, right: all(test(left, right) for test in tests)
        case AnyOf(parts):
            tests = [compile_level(p) for p in parts]
            return lambda left, right: any(test(left, right) for test in tests)
        case Not(part):
            inner = compile_level(part)
            return lambda left, right: not inner(left, right)
        case Otherwise():
            return lambda _left, _right: True


def _measure(measure: Measure) -> Test:
    if measure.name in _TWO_FEATURES:
        first, second = measure.features
        relation = _TWO_FEATURES[measure.name]
        return lambda left, right: relation(left.get(first), left.get(second), right.get(first), right.get(second))
    (feature,) = measure.features
    threshold = 0.0 if measure.threshold is None else measure.threshold
    question = ONE_FEATURE[measure.name]
    return lambda left, right: question(left.get(feature), right.get(feature), threshold)


def _exact(left: Any, right: Any, _threshold: float) -> bool:
    return left is not None and left == right


def _present(left: Any, right: Any, _threshold: float) -> bool:
    return left is not None and right is not None


def _missing(left: Any, right: Any, _threshold: float) -> bool:
    return left is None or right is None


def _share_any(left: Any, right: Any, _threshold: float) -> bool:
    return left is not None and right is not None and not set(left).isdisjoint(right)


def _overlap(left: Any, right: Any, threshold: float) -> bool:
    """Shared values as a share of the shorter list (both lists hold distinct values)."""
    if left is None or right is None:
        return False
    return len(set(left) & set(right)) / min(len(left), len(right)) >= threshold


def _starts(left: Any, right: Any, threshold: float) -> bool:
    """One value begins with the other, which has at least `threshold` characters."""
    if left is None or right is None:
        return False
    short, long = (left, right) if len(left) <= len(right) else (right, left)
    return len(short) >= threshold and long.startswith(short)


def _values(value: Any) -> Sequence[Any]:
    return value[:FUZZY_VALUES] if isinstance(value, list) else (value,)


def _best_similarity(similarity: Callable[[str, str], float]) -> Callable[[Any, Any, float], bool]:
    def holds(left: Any, right: Any, threshold: float) -> bool:
        if left is None or right is None:
            return False
        # In a stated order: greedy matching makes Jaro-Winkler depend on the order of its arguments now and then.
        return any(similarity(min(a, b), max(a, b)) >= threshold for a, b in product(_values(left), _values(right)))

    return holds


def _best_distance(distance: Callable[[Any, Any], float]) -> Callable[[Any, Any, float], bool]:
    def holds(left: Any, right: Any, threshold: float) -> bool:
        if left is None or right is None:
            return False
        return any(distance(a, b) <= threshold for a, b in product(_values(left), _values(right)))

    return holds


def _swapped(left_a: Any, left_b: Any, right_a: Any, right_b: Any) -> bool:
    return left_a is not None and left_b is not None and left_a == right_b and left_b == right_a


def _crossed(left_a: Any, left_b: Any, right_a: Any, right_b: Any) -> bool:
    return (left_a is not None and left_a == right_b) or (left_b is not None and left_b == right_a)


ONE_FEATURE: Mapping[str, Callable[[Any, Any, float], bool]] = {
    "exact": _exact,
    "present": _present,
    "missing": _missing,
    "share_any": _share_any,
    "overlap": _overlap,
    "starts": _starts,
    "jaro_winkler": _best_similarity(JaroWinkler.similarity),
    "levenshtein": _best_distance(Levenshtein.distance),
    "damerau_levenshtein": _best_distance(DamerauLevenshtein.distance),
    "within": _best_distance(lambda a, b: abs(a - b)),
}
_TWO_FEATURES: Mapping[str, Callable[[Any, Any, Any, Any], bool]] = {"swapped": _swapped, "crossed": _crossed}
