"""Checks over many records of one source: uniqueness, share, freshness, row count. They never decide about a record.

Each measures the records of every source in one DuckDB query over a table of facts (one row per record, a never NULL
list per address, `source`, `updated_at`) and says whether that is enough.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from rules.arguments import Arg, Argument, read_addresses, read_count, read_days, read_share, read_text
from rules.check_shapes import RecordCheck, RecordTest, V, ValueTest
from rules.checks import CHECKS
from rules.partial_dates import is_date
from rules.record_view import RECORD_UPDATED_AT, quote_name, quote_text

Measured = float | str | None


@dataclass(frozen=True, slots=True)
class Moment:
    """What a check over a set is told beside the records: the day of the run, and how many records there were."""

    today: date
    rows_before: int | None = None


@dataclass(frozen=True, slots=True)
class SetTest:
    """A measure of the records of one source, and whether it is enough.

    sql: table of facts -> query with one row per source that has something to measure: source, measured.
    passes: of the measure, None where nothing could be measured. limit: what is asked, in words.
    """

    sql: Callable[[str], str]
    passes: Callable[[Measured, Moment], bool]
    show: Callable[[Measured, Moment], str]
    limit: str


@dataclass(frozen=True, slots=True)
class SetCheck:
    """A check over a set; `build` gets the rule's field first. whole: it speaks of records and needs no field."""

    name: str
    arguments: Mapping[str, Argument]
    build: Callable[..., SetTest]
    whole: bool = False


def _percent(share: Measured, _moment: Moment) -> str:
    return "nothing to measure" if not isinstance(share, float) else f"{percent(share)} of the records"


def percent(share: float) -> str:
    """`3.4%`, whole where it is."""
    return f"{round(100 * share, 4):g}%"


def _at_most(share: float) -> Callable[[Measured, Moment], bool]:
    return lambda measured, _: not isinstance(measured, float) or measured <= share


def _unique(address: str, at_most: float) -> SetTest:
    column = quote_name(address)
    return SetTest(
        lambda table: (
            f"""
        with held as (
            select source, unnest(list_distinct({column})) as held_value
            from {table}
        ),
        counted as (
            select source, count(*) as holders
            from held
            group by source, held_value
        )
        {_REPEATED}"""
        ),
        _at_most(at_most),
        _percent,
        f"at most {percent(at_most)} of the records share a value with another",
    )


# One row per source: the share of the values, or combinations, that stand in more than one record.
_REPEATED = """select source, sum(case when holders > 1 then holders else 0 end) / sum(holders) as measured
        from counted
        group by source"""


def _unique_combination(address: str, fields: tuple[str, ...], at_most: float) -> SetTest:
    columns = [quote_name(each) for each in dict.fromkeys((address, *fields))]
    present = " and ".join(f"len({column}) > 0" for column in columns)
    return SetTest(
        lambda table: (
            f"""
        with counted as (
            select source, count(*) as holders
            from {table}
            where {present}
            group by source, {", ".join(columns)}
        )
        {_REPEATED}"""
        ),
        _at_most(at_most),
        _percent,
        f"at most {percent(at_most)} of the records share the combination with another",
    )


def _share(address: str, of: str, at_least: float = 0.0, at_most: float = 1.0, **args: Arg) -> SetTest:
    if of not in CHECKS:
        raise ValueError(f"share needs `of`, a check of a record; known: {', '.join(sorted(CHECKS))}")
    if at_least > at_most:
        raise ValueError(f"at_least {percent(at_least)} lies above at_most {percent(at_most)}")
    check = CHECKS[of]
    test = check.build(address, **args) if isinstance(check, RecordCheck) else check.build(**args)
    return share_of(_passing_sql(address, test), _present_sql(address, test), (at_least, at_most), of)


def _passing_sql(address: str, test: ValueTest | RecordTest) -> str:
    if isinstance(test, ValueTest):
        return f"len(list_filter({quote_name(address)}, lambda {V}: not {test.sql})) = 0"
    return test.sql


def _present_sql(address: str, test: ValueTest | RecordTest) -> str:
    return f"len({quote_name(address)}) > 0" if isinstance(test, ValueTest) else "true"


def share_of(passing: str, among: str, limits: tuple[float, float], what: str) -> SetTest:
    """The test of a share of records: those where the SQL `passing` holds, among those where `among` does."""
    low, high = limits
    bounds = [f"at least {percent(low)}"] * (low > 0) + [f"at most {percent(high)}"] * (high < 1)
    return SetTest(
        lambda table: (
            f"""
        select source, avg(case when {passing} then 1.0 else 0.0 end) as measured
        from {table}
        where {among}
        group by source"""
        ),
        lambda measured, _: not isinstance(measured, float) or low <= measured <= high,
        _percent,
        f"{' and '.join(bounds) or 'any share'} of the records: {what}",
    )


def _row_count(address: str, min: int | None = None, max: int | None = None, max_drop: float | None = None) -> SetTest:
    if min is None and max is None and max_drop is None:
        raise ValueError("row_count needs min, max or max_drop")

    def passes(measured: Measured, moment: Moment) -> bool:
        rows = int(measured or 0)
        before = moment.rows_before or 0
        # A hair above what is written, so that 20 % of 100 is 20 in any float.
        dropped = max_drop is not None and before - rows > max_drop * before + 1e-9
        return rows >= (min or 0) and (max is None or rows <= max) and not dropped

    asked = [] if min is None else [f"at least {min:,}"]
    asked += [] if max is None else [f"at most {max:,}"]
    asked += [] if max_drop is None else [f"no more than {percent(max_drop)} fewer than before"]
    return SetTest(
        lambda table: f"select source, count(*)::double as measured from {table} group by source",
        passes,
        _show_rows,
        ", ".join(asked),
    )


def _show_rows(measured: Measured, moment: Moment) -> str:
    before = "" if moment.rows_before is None else f" (before: {moment.rows_before:,})"
    return f"{int(measured or 0):,} records{before}"


def _freshness(address: str, within: int) -> SetTest:
    column = quote_name(RECORD_UPDATED_AT)
    return SetTest(
        lambda table: f"select source, max({column}[1]) as measured from {table} group by source",
        lambda measured, moment: (age := _age(measured, moment)) is not None and age <= within,
        lambda measured, moment: f"newest record: {measured or 'none is dated'}",
        f"the newest record is at most {within} days old",
    )


def _age(measured: Measured, moment: Moment) -> int | None:
    """Days between the newest record and the day of the run."""
    day = str(measured or "")[:10]
    return (moment.today - date.fromisoformat(day)).days if len(day) == 10 and is_date(day) else None


_REPEATS = Argument(read_share, default=0.0)
SET_CHECKS: Mapping[str, SetCheck] = {
    check.name: check
    for check in (
        SetCheck("unique", {"at_most": _REPEATS}, _unique),
        SetCheck("unique_combination", {"fields": Argument(read_addresses), "at_most": _REPEATS}, _unique_combination),
        SetCheck(
            "share",
            {
                "of": Argument(read_text),
                "at_least": Argument(read_share, optional=True),
                "at_most": Argument(read_share, optional=True),
            },
            _share,
        ),
        SetCheck(
            "row_count",
            {
                "min": Argument(read_count, optional=True),
                "max": Argument(read_count, optional=True),
                "max_drop": Argument(read_share, optional=True),
            },
            _row_count,
            whole=True,
        ),
        SetCheck("freshness", {"within": Argument(read_days)}, _freshness, whole=True),
    )
}


def issue_share(rule_id: str, above: float) -> SetTest:
    """The test behind a rule's threshold: the share of records that this rule found wanting."""
    failed = f"list_contains(issues, {quote_text(f'rule.{rule_id}')})"
    return share_of(failed, "true", (0.0, above), "fail this rule")
