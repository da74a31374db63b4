"""`mdm scorecard`: the measures of the last runs -> scores per source, field and dimension, and how they moved."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from mdm.scorecard.report import DIMENSIONS, DimensionScore, FieldScore, Point, RuleScore, ScorecardReport, SourceScore
from mdm.scoring import RULE, WHOLE
from mdm.store import measures
from mdm.store.measures import Measured

Key = tuple[str, str]


def read_scorecard(connection: Connection, project: str, runs: int) -> ScorecardReport:
    """The scorecard of the last run that was measured, with the history of so many runs."""
    told = measures.history(connection, runs)
    moments = {each.run_id: each.started_at for each in told}
    by_source: dict[Key, list[Measured]] = {}
    for each in told:
        by_source.setdefault((each.measure.source, each.measure.entity_type), []).append(each)
    last = max(moments, default=None)
    sources = tuple(_source(key, own, last) for key, own in sorted(by_source.items()) if last is not None)
    return ScorecardReport(project, last, moments.get(last or 0), tuple(each for each in sources if each.dimensions))


def _source(key: Key, told: Sequence[Measured], last: int | None) -> SourceScore:
    now = [each.measure for each in told if each.run_id == last]
    fields = list(dict.fromkeys(each.field for each in now if each.field != WHOLE and each.dimension != RULE))
    told_of = {field: [each for each in now if each.field == field and each.total] for field in fields}
    scores = [FieldScore(f, {each.dimension: each.passed / each.total for each in own}) for f, own in told_of.items()]
    rules = tuple(RuleScore(each.field, bool(each.passed)) for each in now if each.dimension == RULE)
    records = max((each.total for each in now if each.dimension in ("uniqueness", "completeness")), default=0)
    dimensions = [_dimension(name, told, last) for name in DIMENSIONS]
    return SourceScore(*key, records, tuple(d for d in dimensions if d is not None), tuple(scores), rules)


def _dimension(name: str, told: Iterable[Measured], last: int | None) -> DimensionScore | None:
    """The dimension over all fields, run by run; None when the last run did not measure it."""
    sums: dict[int, list[int]] = {}
    moments: dict[int, str] = {}
    for each in told:
        if each.measure.dimension == name and each.measure.total:
            so_far = sums.setdefault(each.run_id, [0, 0])
            so_far[0] += each.measure.passed
            so_far[1] += each.measure.total
            moments[each.run_id] = each.started_at
    if last not in sums:
        return None
    points = tuple(Point(run, moments[run], passed / total) for run, (passed, total) in sorted(sums.items()))
    passed, total = sums[last]
    return DimensionScore(name, passed, total, points)
