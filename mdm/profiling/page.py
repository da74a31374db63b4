"""The profile as a page: ProfileReport -> one self-contained HTML file, charts as inline SVG, no scripts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mdm import pages
from mdm.profiling.report import FieldProfile, ProfileReport, SourceProfile
from rules.profile import Counted

HISTOGRAM_WIDTH, HISTOGRAM_HEIGHT = 180, 44


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of a histogram in SVG units, with the text that names it."""

    x: float
    y: float
    width: float
    height: float
    label: str


@dataclass(frozen=True, slots=True)
class FieldView:
    """A field ready to show; is_part: it is a part of the field above it."""

    field: FieldProfile
    is_part: bool
    anchor: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class SourceView:
    """A source ready to show; worth_a_look: how many of its fields hold planted or shared values."""

    source: SourceProfile
    anchor: str
    fields: tuple[FieldView, ...]
    planted: int


@dataclass(frozen=True, slots=True)
class Page:
    """What the template shows."""

    title: str
    report: ProfileReport
    sources: tuple[SourceView, ...]


def write_profile(report: ProfileReport, path: Path) -> Path:
    """The path of the written page. Raises BadInput when it cannot be written."""
    return pages.write_page(render_profile(report), path)


def render_profile(report: ProfileReport) -> str:
    """The HTML text."""
    sources = tuple(_source(source, number) for number, source in enumerate(report.sources))
    page = Page(f"Profile of {report.project}", report, sources)
    return pages.render("profile.html", page)


def _source(source: SourceProfile, number: int) -> SourceView:
    fields = tuple(_field(field, f"s{number}f{place}") for place, field in enumerate(source.fields))
    planted = sum(spike.count for field in source.fields for spike in field.spikes)
    return SourceView(source, f"s{number}", fields, planted)


def _field(field: FieldProfile, anchor: str) -> FieldView:
    histogram = () if field.column.lengths is None else field.column.lengths.histogram
    return FieldView(field, "." in field.field, anchor, _bars(histogram))


def _bars(histogram: tuple[Counted, ...]) -> tuple[Bar, ...]:
    """One bar per length from the shortest to the longest; a length nobody has leaves a gap."""
    if not histogram:
        return ()
    lengths = [int(each.text) for each in histogram]
    step = HISTOGRAM_WIDTH / max(max(lengths) - min(lengths) + 1, 8)
    most = max(each.share for each in histogram)
    return tuple(
        Bar(
            x=round((length - min(lengths)) * step, 2),
            y=round(HISTOGRAM_HEIGHT - max(each.share / most * HISTOGRAM_HEIGHT, 1), 2),
            width=round(max(step - 1, 1), 2),
            height=round(max(each.share / most * HISTOGRAM_HEIGHT, 1), 2),
            label=f"{length} characters: {each.count:,}",
        )
        for length, each in zip(lengths, histogram, strict=True)
    )
