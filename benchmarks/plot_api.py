"""Results of `bench_api` -> growth_api.svg and the tables of the README.

python -m benchmarks.plot_api RESULTS.jsonl
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import orjson

WIDTH, HEIGHT, MARGIN = 360, 260, 48
COLOURS = {"sqlite": "#1f6f8b", "postgresql": "#b4451f"}
Point = tuple[float, float]
Line = tuple[str, str, Sequence[Point]]


def main() -> None:
    """Write the plot, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    results = [orjson.loads(line) for line in parser.parse_args().results.read_bytes().splitlines()]
    results.sort(key=lambda found: (found["store"] != "sqlite", found["records"]))
    (Path(__file__).parent / "growth_api.svg").write_text(plot(results), encoding="utf-8")
    print("\n".join([*_latency_rows(results), "", *_crowd_rows(results)]))


def _latency_rows(results: Iterable[dict[str, Any]]) -> list[str]:
    names = ("match_p50", "match_p99", "match_most", "upsert_p50", "upsert_p99", "upsert_most")
    head = "| records | store, workers | match p50, ms | p99 | at most /s | upsert p50, ms | p99 | at most /s |"
    rows = [
        f"| {found['records']:,} | {found['store']}, {found['workers']} | "
        + " | ".join(f"{found[name]:,.1f}" for name in names)
        + " |"
        for found in results
    ]
    return [head, "|--:|---|" + "--:|" * len(names), *rows]


def _crowd_rows(results: Sequence[dict[str, Any]]) -> list[str]:
    sizes = sorted({int(size) for found in results for size in found["crowds"]})
    rows = [
        f"| {found['records']:,}, {found['store']} | "
        + " | ".join(f"{found['crowds'].get(str(size), math.nan):.1f}" for size in sizes)
        + " |"
        for found in results
    ]
    return [f"| records | {' | '.join(map(str, sizes))} |", "|---|" + "--:|" * len(sizes), *rows]


def plot(results: Sequence[dict[str, Any]]) -> str:
    """Two panels: latency of a match over stored records, and over the strangers who share its phone."""
    grown: list[Line] = []
    for share in ("p50", "p99"):
        points = [(found["records"], found[f"match_{share}"]) for found in results if found["store"] == "sqlite"]
        grown.append((f"sqlite {share}", COLOURS["sqlite"], points))
        points = [(found["records"], found[f"match_{share}"]) for found in results if found["store"] != "sqlite"]
        grown.append((f"postgresql {share}", COLOURS["postgresql"], points))
    crowds: list[Line] = [
        (
            f"{found['store']}, {found['records']:,}",
            COLOURS[found["store"]],
            [(int(size) + 1, ms) for size, ms in found["crowds"].items()],
        )
        for found in results
    ]
    panels = [
        _panel(0, "match at 100/s, ms, by stored records", grown),
        _panel(WIDTH, "match, ms, by strangers who share its phone (+1)", crowds),
    ]
    size = f'width="{2 * WIDTH}" height="{HEIGHT}" viewBox="0 0 {2 * WIDTH} {HEIGHT}"'
    style = 'font-family="sans-serif" font-size="11"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>\n{"".join(panels)}</svg>\n'


def _panel(left: float, title: str, lines: Sequence[Line]) -> str:
    """One chart with both axes in powers of ten."""
    points = [point for _, _, line in lines for point in line]
    across = _scale([x for x, _ in points], left + MARGIN, left + WIDTH - 12)
    up = _scale([y for _, y in points], HEIGHT - MARGIN, 30)
    parts = [f'<text x="{left + MARGIN}" y="16" font-weight="bold">{title}</text>\n']
    for power in _powers([y for _, y in points]):
        y = up(power)
        parts.append(f'<line x1="{left + MARGIN}" x2="{left + WIDTH - 12}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>\n')
        parts.append(f'<text x="{left + MARGIN - 6}" y="{y + 4:.1f}" text-anchor="end">{power:g}</text>\n')
    for power in _powers([x for x, _ in points]):
        parts.append(
            f'<text x="{across(power):.1f}" y="{HEIGHT - MARGIN + 16}" text-anchor="middle">{power:,g}</text>\n'
        )
    for number, (name, colour, line) in enumerate(line for line in lines if line[2]):
        dashes = ' stroke-dasharray="4 3"' if number % 2 else ""
        path = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in line)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"{dashes}/>\n')
        parts += [f'<circle cx="{across(x):.1f}" cy="{up(y):.1f}" r="2.5" fill="{colour}"/>\n' for x, y in line]
        at = f'x="{left + MARGIN + 6}" y="{34 + 13 * number}"'
        parts.append(f'<text {at} fill="{colour}">{_key(number)} {name}</text>\n')
    return "".join(parts)


def _key(number: int) -> str:
    return "- -" if number % 2 else "—"


def _powers(values: Sequence[float]) -> list[float]:
    return [10.0**n for n in range(math.floor(math.log10(min(values))), math.ceil(math.log10(max(values))) + 1)]


def _scale(values: Sequence[float], start: float, end: float) -> Callable[[float], float]:
    powers = _powers(values)
    low, high = math.log10(powers[0]), math.log10(powers[-1])
    return lambda value: start + (end - start) * (math.log10(value) - low) / (high - low)


if __name__ == "__main__":
    main()
