"""The scorecard as a page: ScorecardReport -> one self-contained HTML file, trends as inline SVG, no scripts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mdm import pages
from mdm.scorecard.report import DIMENSIONS, DimensionScore, Point, ScorecardReport, SourceScore

WIDTH, HEIGHT, EDGE = 150, 40, 4


@dataclass(frozen=True, slots=True)
class Trend:
    """A line over the runs in SVG units; low and high are the shares at its lower and upper edge."""

    points: str
    last_x: float
    last_y: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class DimensionView:
    """A dimension ready to show; change is empty when it did not move or there is nothing to compare with."""

    score: DimensionScore
    trend: Trend
    change: str


@dataclass(frozen=True, slots=True)
class SourceView:
    """A source ready to show."""

    source: SourceScore
    anchor: str
    dimensions: tuple[DimensionView, ...]
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """What the template shows."""

    title: str
    report: ScorecardReport
    sources: tuple[SourceView, ...]


def write_scorecard(report: ScorecardReport, path: Path) -> Path:
    """The path of the written page. Raises BadInput when it cannot be written."""
    return pages.write_page(render_scorecard(report), path)


def render_scorecard(report: ScorecardReport) -> str:
    """The HTML text."""
    page = Page(
        f"Scorecard of {report.project}", report, tuple(_source(each, n) for n, each in enumerate(report.sources))
    )
    return pages.render("scorecard.html", page)


def _source(source: SourceScore, number: int) -> SourceView:
    told = {name for field in source.fields for name in field.scores}
    columns = tuple(name for name in DIMENSIONS if name in told)
    return SourceView(source, f"s{number}", tuple(_dimension(each) for each in source.dimensions), columns)


def _dimension(score: DimensionScore) -> DimensionView:
    return DimensionView(score, _trend(score.history), change_text(score.change))


def change_text(change: float | None) -> str:
    """`+1.2` or `-0.4` points of a percent; empty when it did not move by a tenth of a point."""
    points = 0.0 if change is None else round(100 * change, 1)
    return f"{points:+.1f}" if points else ""


def _trend(history: tuple[Point, ...]) -> Trend:
    """The line, scaled to the shares it holds but never to less than five points: small moves must look small."""
    shares = [point.share for point in history]
    low = min(shares)
    high = max(*shares, min(low + 0.05, 1.0))
    low = min(low, high - 0.05)
    step = (WIDTH - 2 * EDGE) / max(len(history) - 1, 1)

    def upward(share: float) -> float:
        return round(HEIGHT - EDGE - (share - low) / (high - low) * (HEIGHT - 2 * EDGE), 1)

    places = [(round(EDGE + n * step, 1), upward(point.share)) for n, point in enumerate(history)]
    return Trend(" ".join(f"{x},{y}" for x, y in places), *places[-1], low, high)
