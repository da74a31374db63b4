"""Charts: numbers -> the points of inline drawings. Templates draw them; sizes are in the units of their view boxes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mdm.desk.dossier import Link
from mdm.reports import Explanation


@dataclass(frozen=True, slots=True)
class Line:
    """A line over a width; points as an attribute of a polyline, the last one apart."""

    points: str
    area: str
    last_x: float
    last_y: float
    low: float
    high: float


def line(values: Sequence[float], width: float, height: float, pad: float = 4) -> Line:
    """The values from left to right, scaled to the room there is; one value lies in the middle."""
    low, high = min(values, default=0.0), max(values, default=0.0)
    span = (high - low) or 1.0
    step = (width - 2 * pad) / max(len(values) - 1, 1)
    flat = high == low
    spots = [
        (pad + place * step, height / 2 if flat else height - pad - (value - low) / span * (height - 2 * pad))
        for place, value in enumerate(values)
    ]
    text = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
    x, y = spots[-1] if spots else (pad, height / 2)
    area = f"{pad:.1f},{height} {text} {x:.1f},{height}"
    return Line(text, area, round(x, 1), round(y, 1), low, high)


@dataclass(frozen=True, slots=True)
class Step:
    """A bar of a waterfall: from where to where, in bits and in the units of the drawing."""

    name: str
    level: str
    bits: float
    left: float
    width: float
    after: float
    kind: str


@dataclass(frozen=True, slots=True)
class Waterfall:
    """The evidence as bars, each beginning where the one before ended; marks: (name, place) of the thresholds."""

    steps: tuple[Step, ...]
    zero: float
    marks: tuple[tuple[str, float], ...]


def waterfall(told: Explanation, merge: float | None, review: float | None, width: float = 300) -> Waterfall:
    """The way from the prior to the weight, the strongest evidence first; what says nothing is left out."""
    lines = sorted((each for each in told.evidence if each.bits), key=lambda each: (-abs(each.bits), each.comparison))
    ends = [0.0, told.prior]
    for each in lines:
        ends.append(ends[-1] + each.bits)
    marks = [(name, bits) for name, bits in (("review", review), ("merge", merge)) if bits is not None]
    low, high = min(*ends, *(b for _, b in marks)), max(*ends, *(b for _, b in marks))
    scale = width / ((high - low) or 1.0)

    def place(bits: float) -> float:
        return round((bits - low) * scale, 1)

    named = [("prior", "before any evidence", told.prior), *((e.comparison, e.level, e.bits) for e in lines)]
    steps = [
        Step(name, level, bits, place(min(a, b)), max(round(abs(b - a) * scale, 1), 1.0), b, _kind(bits))
        for (name, level, bits), a, b in zip(named, ends, ends[1:], strict=False)
    ]
    total = Step("weight", told.grade, told.weight, place(min(0, told.weight)), 0, told.weight, "total")
    full = max(round(abs(told.weight) * scale, 1), 1.0)
    steps.append(Step(total.name, total.level, total.bits, total.left, full, total.after, "total"))
    return Waterfall(tuple(steps), place(0.0), tuple((name, place(bits)) for name, bits in marks))


def _kind(bits: float) -> str:
    return "for" if bits > 0 else "against"


@dataclass(frozen=True, slots=True)
class Bin:
    """A bar of a histogram over whole bits."""

    bits: int
    count: int
    x: float
    y: float
    width: float
    height: float
    kind: str


@dataclass(frozen=True, slots=True)
class Histogram:
    """Bars over whole bits, and the places of the thresholds; ticks: (bits, place)."""

    bins: tuple[Bin, ...]
    marks: tuple[tuple[str, float, float], ...]
    ticks: tuple[tuple[int, float], ...]
    most: int


def histogram(
    counts: Mapping[int, int], review: float, merge: float, width: float = 640, height: float = 150
) -> Histogram:
    """Links by weight. The height grows with the logarithm: the few near the thresholds are what matters."""
    if not counts:
        return Histogram((), (), (), 0)
    first, last = min(*counts, math.floor(review)), max(*counts, math.ceil(merge)) + 1
    step, most = width / (last - first), max(counts.values())
    top = math.log1p(most)

    def bar(bits: int) -> Bin:
        tall = round(height * math.log1p(counts[bits]) / top, 1)
        kind = "merged" if bits >= merge else "asked"
        return Bin(bits, counts[bits], round((bits - first) * step, 1), height - tall, max(step - 1, 1), tall, kind)

    marks = tuple(
        (name, bits, round((bits - first) * step, 1)) for name, bits in (("review", review), ("merge", merge))
    )
    every = max(1, round((last - first) / 12 / 5) * 5)
    ticks = tuple((b, round((b - first) * step, 1)) for b in range(first, last + 1) if b % every == 0)
    return Histogram(tuple(bar(bits) for bits in sorted(counts)), marks, ticks, most)


@dataclass(frozen=True, slots=True)
class Node:
    """A record in the graph of an entity; anchor: on which side its name stands."""

    place: int
    x: float
    y: float
    label_x: float
    label_y: float
    anchor: str


@dataclass(frozen=True, slots=True)
class Edge:
    """A link in the graph, the thicker the more it weighs."""

    x1: float
    y1: float
    x2: float
    y2: float
    bits: float
    stroke: float
    kind: str


@dataclass(frozen=True, slots=True)
class Graph:
    """Records on a circle and the links between them."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    width: float
    height: float


def graph(size: int, links: Sequence[Link], merge: float | None) -> Graph:
    """So many records on a circle, the first on top."""
    radius = 60 + 6 * max(size - 6, 0)
    width, height = 2 * radius + 300, 2 * radius + 60
    spots = [(math.sin(2 * math.pi * place / size), -math.cos(2 * math.pi * place / size)) for place in range(size)]
    at = [(round(width / 2 + radius * x, 1), round(height / 2 + radius * y, 1)) for x, y in spots]
    nodes = tuple(
        Node(place, *at[place], round(at[place][0] + 12 * x, 1), round(at[place][1] + 16 * y + 4, 1), _anchor(x))
        for place, (x, y) in enumerate(spots)
    )
    edges = tuple(_edge(at[link.left], at[link.right], link, merge) for link in reversed(links))
    return Graph(nodes, edges, width, height)


def _anchor(x: float) -> str:
    return "middle" if abs(x) < 0.2 else "start" if x > 0 else "end"


def _edge(one: tuple[float, float], other: tuple[float, float], link: Link, merge: float | None) -> Edge:
    kind = "weakest" if link.weakest else "strong" if merge is None or link.bits >= merge else "weak"
    return Edge(*one, *other, link.bits, round(min(1 + max(link.bits, 0) / 8, 5), 1), kind)
