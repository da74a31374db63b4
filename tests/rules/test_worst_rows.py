"""The worst rows we could think of, as a table for stewards: worst_rows.yaml holds what each must become, and why."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import rules
from rules.issues import ISSUES
from rules.kinds import KINDS
from rules.outcome import Context, Outcome

ROWS: list[dict[str, Any]] = [
    {"kind": kind, **row}
    for kind, rows in yaml.safe_load(Path(__file__).with_name("worst_rows.yaml").read_text(encoding="utf-8")).items()
    for row in rows
]
WORDS = {"raw", "kind", "country", "dates", "reference", "type", "clean", "compare", "issues", "why"}
SOURCES = sorted(Path(rules.__file__).parent.glob("*.py"))
CODE = re.compile(rf"(?:{'|'.join(sorted({code.partition('.')[0] for code in ISSUES}))})\.[a-z_]+")


def read(row: dict[str, Any]) -> tuple[Outcome, ...]:
    kind = KINDS[row["kind"]]
    raw = row["raw"] if isinstance(row["raw"], dict) else {kind.whole: str(row["raw"])}
    context = Context(row.get("country"), row.get("dates", "auto"), row.get("reference"))
    return kind.standardise(raw, context, {"type": row["type"]} if "type" in row else {})


def chosen(found: tuple[Outcome, ...], part: str, row: dict[str, Any]) -> Any:
    """What the outcomes have in the parts the row speaks of: a mapping, or a list of them for several outcomes."""
    expected = row[part] if isinstance(row[part], list) else [row[part]]
    shown = []
    for number, outcome in enumerate(found):
        wanted = expected[min(number, len(expected) - 1)]
        values = outcome.clean if part == "clean" else {name: list(v) for name, v in outcome.compare.items()}
        shown.append({name: values.get(name) for name in wanted} if wanted else dict(values))
    return shown if isinstance(row[part], list) else (shown[0] if len(shown) == 1 else shown)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['kind']}: {row['raw']}"[:70])
def test_the_worst_rows_become_what_the_table_says(row: dict[str, Any]) -> None:
    found = read(row)
    assert set(row) <= WORDS
    assert row["why"]
    assert sorted({issue for outcome in found for issue in outcome.issues}) == sorted(row.get("issues", []))
    for part in ("clean", "compare"):
        if part in row:
            assert chosen(found, part, row) == row[part]


def test_the_table_is_long_and_touches_every_kind() -> None:
    assert len(ROWS) > 150
    assert {row["kind"] for row in ROWS} == set(KINDS)


def test_no_row_stands_twice() -> None:
    keys = [(row["kind"], str(row["raw"]), row.get("country"), row.get("type"), row.get("dates")) for row in ROWS]
    assert len(set(keys)) == len(keys)


def codes_in_the_source() -> set[str]:
    """Every text in the package's code that looks like an issue code."""
    constants = [
        node.value
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return {text for text in constants if CODE.fullmatch(text)}


def test_every_code_a_standardiser_may_give_is_documented_and_none_besides() -> None:
    assert codes_in_the_source() == set(ISSUES)


def test_every_documented_code_is_given_by_some_row() -> None:
    assert {issue for row in ROWS for outcome in read(row) for issue in outcome.issues} == set(ISSUES)


def test_the_documentation_is_whole_sentences_in_order_of_kind() -> None:
    assert all(sentence[0].isupper() or sentence[0].isdigit() for sentence in ISSUES.values())
    assert all(sentence.endswith(".") for sentence in ISSUES.values())
    assert [code.partition(".")[0] for code in ISSUES] == sorted(code.partition(".")[0] for code in ISSUES)
