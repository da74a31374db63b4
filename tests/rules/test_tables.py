from __future__ import annotations

from pathlib import Path

import pytest

from rules import tables
from rules.tables import read_table

DATA = Path(tables.__file__).parent / "data"


def test_a_table_has_its_cells_without_comments() -> None:
    assert read_table("vn_mobile_2018.txt")[0] == ("120", "70")


@pytest.mark.parametrize("path", sorted(DATA.glob("*.txt")), ids=lambda path: path.name)
def test_every_word_list_opens_with_source_and_licence(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    opening = " ".join(lines[: next(i for i, line in enumerate(lines) if not line.startswith("#"))])
    assert "licence" in opening.lower() or "apache-2.0" in opening.lower() or "public domain" in opening.lower()
