"""Profiling: one column of raw texts in DuckDB -> how full it is, what its values look like, which stand out.

Reads a table `counted` (value VARCHAR never NULL, n BIGINT), one row per distinct value; everything here is a function
of that table, so memory stays bounded whatever the file.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

TOP_VALUES = 10
TOP_PATTERNS = 6
LONGEST_BAR = 60  # values that are longer share the last bar of the histogram
SHOWN = 80  # characters of a value that is shown
# A value is planted when it is this far above the tail of its column; a common surname is not, so only columns whose
# values should hardly repeat are asked.
SPIKE_SHARE = 0.005
SPIKE_TAIL = 20
SPIKE_LEAST = 30
NEAR_UNIQUE = frozenset({"phone", "email", "website", "date", "identifier", "address"})


@dataclass(frozen=True, slots=True)
class Counted:
    """Something that was counted, and its share of the values."""

    text: str
    count: int
    share: float


@dataclass(frozen=True, slots=True)
class Lengths:
    """Characters of the values: the shortest, the median over values, the longest, and the share at each length."""

    least: int
    median: int
    most: int
    histogram: tuple[Counted, ...]


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """What a column holds. values: filled cells. tail: the 99th percentile of how often a value stands there."""

    values: int
    distinct: int
    tail: int
    lengths: Lengths | None
    patterns: tuple[Counted, ...]
    scripts: tuple[Counted, ...]
    top: tuple[Counted, ...]


def is_spike(count: int, values: int, tail: int) -> bool:
    """Whether a value that stands so often in a nearly unique column was planted by people."""
    return count >= SPIKE_LEAST and count >= SPIKE_SHARE * values and count >= SPIKE_TAIL * tail


def profile_column(connection: duckdb.DuckDBPyConnection, counted: str) -> ColumnProfile:
    """The profile of the column whose values the table counts."""
    values, distinct, tail = connection.execute(_TOTALS.format(counted=counted)).fetchall()[0]
    if not distinct:
        return ColumnProfile(0, 0, 0, None, (), (), ())

    def ranked(expression: str, most: int) -> tuple[Counted, ...]:
        rows = connection.execute(_RANKED.format(expression=expression, counted=counted, most=most)).fetchall()
        return tuple(Counted(text, int(n), int(n) / int(values)) for text, n in rows)

    return ColumnProfile(
        values=int(values),
        distinct=int(distinct),
        tail=int(tail),
        lengths=_lengths(connection, counted, int(values)),
        patterns=ranked(_pattern_sql(), TOP_PATTERNS),
        scripts=ranked(_scripts_sql(), TOP_PATTERNS),
        top=ranked(f"case when length(value) > {SHOWN} then left(value, {SHOWN}) || '…' else value end", TOP_VALUES),
    )


_TOTALS = """
    -- one row: filled cells, distinct values, the tail of how often they stand there
    select coalesce(sum(n), 0), count(*), coalesce(quantile_disc(n, 0.99), 0)
    from {counted}
"""
_LENGTHS = """
    -- one row per length
    select length(value) as characters, sum(n)
    from {counted}
    group by characters
    order by characters
"""
_RANKED = """
    -- one row per text, the most frequent first
    select {expression} as text, sum(n) as total
    from {counted}
    group by text
    order by total desc, text
    limit {most}
"""
# Letters and runs of them become one A or a, digits stay apart: 312-555-0142 is 999-999-9999, "Ann Lee" is "Aa Aa".
_SHAPES = (
    (r"\p{Nd}", "9"),
    (r"[\p{Lu}\p{Lt}]+", "A"),
    (r"\p{Ll}[\p{Ll}\p{M}]*", "a"),
    (r"[\p{Lo}\p{Lm}][\p{Lo}\p{Lm}\p{M}]*", "ا"),
    (r"\s+", " "),
)
_SCRIPTS = {
    "Arabic": r"\p{Arabic}",
    "Cyrillic": r"\p{Cyrillic}",
    "Greek": r"\p{Greek}",
    "Hebrew": r"\p{Hebrew}",
    "Han": r"\p{Han}",
    "Kana": r"[\p{Hiragana}\p{Katakana}]",
    "Hangul": r"\p{Hangul}",
    "Thai": r"\p{Thai}",
    "Devanagari": r"\p{Devanagari}",
}
_VIETNAMESE = "[ăĂđĐơƠưƯ\u1ea0-\u1ef9]"


def _pattern_sql() -> str:
    """The shape of a value."""
    sql = "value"
    for letters, sign in _SHAPES:
        sql = f"regexp_replace({sql}, '{letters}', '{sign}', 'g')"
    return f"left({sql}, 40)"


def _scripts_sql() -> str:
    """The scripts a value is written in, joined by +; Vietnamese letters are told apart."""
    latin = (
        f"case when regexp_matches(value, '{_VIETNAMESE}') then 'Latin (Vietnamese)' "
        r"when regexp_matches(value, '\p{Latin}') then 'Latin' end"
    )
    others = [f"case when regexp_matches(value, '{letters}') then '{name}' end" for name, letters in _SCRIPTS.items()]
    joined = f"nullif(concat_ws(' + ', {', '.join([latin, *others])}), '')"
    rest = (
        r"case when regexp_matches(value, '\p{L}') then 'other letters' "
        r"when regexp_matches(value, '\p{Nd}') then 'digits' else 'signs' end"
    )
    return f"coalesce({joined}, {rest})"


def _lengths(connection: duckdb.DuckDBPyConnection, counted: str, values: int) -> Lengths:
    rows = connection.execute(_LENGTHS.format(counted=counted)).fetchall()
    passed, median = 0, 0
    for length, n in rows:
        passed += n
        median = length
        if 2 * passed >= values:
            break
    bars: dict[int, int] = {}
    for length, n in rows:
        bars[min(length, LONGEST_BAR)] = bars.get(min(length, LONGEST_BAR), 0) + int(n)
    histogram = tuple(Counted(str(length), n, n / values) for length, n in bars.items())
    return Lengths(rows[0][0], median, rows[-1][0], histogram)
