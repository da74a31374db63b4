"""The evaluation as a page: EvaluationReport -> one self-contained HTML file with an inline SVG curve, no scripts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mdm import pages
from mdm.reports import EvaluationReport, Measure, ThresholdPoint

WIDTH, HEIGHT, MARGIN = 640, 300, 48


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the quality table, each measure as `0.912 (0.900 to 0.925)`."""

    name: str
    precision: str
    recall: str
    f1: str
    intervals: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the chart: SVG points, its name, the dash pattern that tells it apart without colour."""

    name: str
    points: str
    dash: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A labelled place on an axis or a threshold, in SVG units."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """The quality curve, ready to draw."""

    width: int
    height: int
    margin: int
    lines: tuple[Line, ...]
    across: tuple[Tick, ...]
    upward: tuple[Tick, ...]
    thresholds: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """What the template shows; chart is None when no pairs were scored."""

    title: str
    report: EvaluationReport
    rows: tuple[Row, ...]
    blocking: str | None
    chart: Chart | None


def write_page(report: EvaluationReport, path: Path, title: str = "Evaluation") -> Path:
    """The path of the written page. Raises BadInput when it cannot be written."""
    return pages.write_page(render_page(report, title), path)


def render_page(report: EvaluationReport, title: str) -> str:
    """The HTML text."""
    page = Page(
        title=title,
        report=report,
        rows=quality_rows(report),
        blocking=None if report.blocking is None else measure_text(report.blocking),
        chart=_chart(report) if len(report.curve) > 1 else None,
    )
    return pages.render("evaluation.html", page)


def quality_rows(report: EvaluationReport) -> tuple[Row, ...]:
    """The lines of the quality table."""
    named = (("pairwise", report.pairwise), ("B-cubed", report.bcubed))
    return tuple(
        Row(name, measure_text(q.precision), measure_text(q.recall), measure_text(q.f1), q.intervals)
        for name, q in named
        if q is not None
    )


def measure_text(measure: Measure) -> str:
    """`0.912 (0.900 to 0.925)`, or a dash when there was nothing to measure."""
    if measure.value is None:
        return "–"
    return f"{measure.value:.3f} ({measure.low:.3f} to {measure.high:.3f})"


def _chart(report: EvaluationReport) -> Chart:
    lowest, highest = report.curve[-1].bits, report.curve[0].bits
    span = (highest - lowest) or 1.0

    def across(bits: float) -> float:
        return round(MARGIN + (bits - lowest) / span * (WIDTH - 2 * MARGIN), 1)

    ticks = tuple(Tick(across(bits), f"{bits:g}") for bits in _tick_bits(lowest, highest))
    return Chart(
        width=WIDTH,
        height=HEIGHT,
        margin=MARGIN,
        lines=(
            Line("precision", _points(report, across, lambda point: point.precision), "6 3"),
            Line("recall", _points(report, across, lambda point: point.recall), "2 3"),
            Line("F1", _points(report, across, lambda point: point.f1), "none"),
        ),
        across=ticks,
        upward=tuple(Tick(_upward(share), f"{share:g}") for share in (0, 0.25, 0.5, 0.75, 1)),
        thresholds=tuple(Tick(across(bits), f"{name} {bits:.2f}") for name, bits in report.thresholds.items()),
    )


def _tick_bits(lowest: float, highest: float) -> list[float]:
    step = next((step for step in (1, 2, 5, 10, 20, 50) if (highest - lowest) / step <= 10), 100)
    first = int(lowest // step) * step
    return [bits for bits in range(first, int(highest) + 1, step) if bits >= lowest]


def _upward(share: float) -> float:
    return round(HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN), 1)


def _points(
    report: EvaluationReport, across: Callable[[float], float], value: Callable[[ThresholdPoint], float | None]
) -> str:
    shares = [(point.bits, value(point)) for point in report.curve]
    return " ".join(f"{across(bits)},{_upward(share)}" for bits, share in shares if share is not None)
