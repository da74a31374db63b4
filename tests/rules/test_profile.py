"""What profiling says of a column, and which values it takes for planted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import duckdb
import pytest

from rules.profile import ColumnProfile, is_spike, profile_column


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


def profiled(connection: duckdb.DuckDBPyConnection, counts: Mapping[str, int]) -> ColumnProfile:
    connection.execute("create or replace table counted (value varchar, n bigint)")
    if counts:
        connection.executemany("insert into counted values (?, ?)", list(counts.items()))
    return profile_column(connection, "counted")


@pytest.mark.parametrize(
    ("count", "values", "tail", "planted"),
    [
        (252, 3000, 2, True),  # one birth date in twelve
        (30, 6000, 1, True),
        (29, 3000, 1, False),  # too few to tell
        (30, 6001, 1, False),  # below half a percent
        (100, 3000, 5, True),
        (99, 3000, 5, False),  # a shared mailbox among others like it
        (250, 50_000, 13, False),  # a common birthday among many
    ],
)
def test_a_spike_is_many_a_share_and_far_above_the_tail(count: int, values: int, tail: int, planted: bool) -> None:
    assert is_spike(count, values, tail) is planted


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ("312-555-0142", "999-999-9999"),
        ("(312)  555 0142", "(999) 999 9999"),
        ("Ann Lee", "Aa Aa"),
        ("ANN O'NEIL", "A A'A"),
        ("nguyễn thị thúy", "a a a"),
        ("Đặng Ê-ban", "Aa A-a"),
        ("رضا محمدی", "ا ا"),
        ("۰۹۱۲ ۳۴۵", "9999 999"),
        ("ann.lee@x.org", "a.a@a.a"),
        ("A1b2", "A9a9"),
    ],
)
def test_shapes(connection: duckdb.DuckDBPyConnection, value: str, shape: str) -> None:
    assert [each.text for each in profiled(connection, {value: 1}).patterns] == [shape]


@pytest.mark.parametrize(
    ("value", "scripts"),
    [
        ("Ann", "Latin"),
        ("José", "Latin"),
        ("Nguyễn", "Latin (Vietnamese)"),
        ("Đan", "Latin (Vietnamese)"),
        ("رضا", "Arabic"),
        ("رضا Reza", "Latin + Arabic"),
        ("Иван", "Cyrillic"),
        ("王さん", "Han + Kana"),
        ("12-3", "digits"),
        ("۱۲", "Arabic"),
        ("--", "signs"),
        ("ქართული", "other letters"),
    ],
)
def test_scripts(connection: duckdb.DuckDBPyConnection, value: str, scripts: str) -> None:
    assert [each.text for each in profiled(connection, {value: 1}).scripts] == [scripts]


def test_counts_are_of_values_and_not_of_distinct_ones(connection: duckdb.DuckDBPyConnection) -> None:
    found = profiled(connection, {"Ann": 6, "رضا": 3, "Al": 1})
    assert (found.values, found.distinct, found.tail) == (10, 3, 6)
    assert [(each.text, each.count, each.share) for each in found.top] == [
        ("Ann", 6, 0.6),
        ("رضا", 3, 0.3),
        ("Al", 1, 0.1),
    ]
    assert [(each.text, each.count) for each in found.patterns] == [("Aa", 7), ("ا", 3)]
    assert found.lengths is not None
    assert (found.lengths.least, found.lengths.median, found.lengths.most) == (2, 3, 3)
    assert [(bar.text, bar.count) for bar in found.lengths.histogram] == [("2", 1), ("3", 9)]


def test_long_values_are_cut_and_share_a_bar(connection: duckdb.DuckDBPyConnection) -> None:
    found = profiled(connection, {"x" * 500: 1, "y" * 90: 2})
    assert found.lengths is not None
    assert [(bar.text, bar.count) for bar in found.lengths.histogram] == [("60", 3)]
    assert found.lengths.most == 500
    assert max(len(each.text) for each in found.top) == 81


def test_an_empty_column_has_nothing_to_tell(connection: duckdb.DuckDBPyConnection) -> None:
    found = profiled(connection, {})
    assert (found.values, found.lengths, found.top) == (0, None, ())
