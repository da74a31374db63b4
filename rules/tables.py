"""The word lists of rules/data: file name -> rows of cells; each file opens with its source and licence."""

from __future__ import annotations

from pathlib import Path

_DATA = Path(__file__).parent / "data"


def read_table(name: str) -> tuple[tuple[str, ...], ...]:
    """The tab-separated rows of `rules/data/<name>`, without comments (`#`) and blank lines."""
    text = (_DATA / name).read_text(encoding="utf-8")
    lines = (line.strip() for line in text.splitlines())
    return tuple(
        tuple(cell.strip() for cell in line.split("\t")) for line in lines if line and not line.startswith("#")
    )
