"""Checks over sets: what they measure in DuckDB, where they are refused, and what their failing does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.record_view import OF_RECORD, RecordView
from rules.rulebook import Action, Condition, Rule, RuleBook, RuleBookError, Threshold
from rules.rulebook_load import load_rulebooks
from rules.set_checks import SET_CHECKS
from rules.set_judging import SetOutcome, judge_sets
from tests.rules.rule_cases import person, rule, table_of

TODAY = date(2026, 3, 10)
CRM = Condition("record.source", "in_set", {"values": ("crm",)})


def judge(
    judged: Rule, views: Sequence[RecordView], before: Mapping[str, int | None] | None = None
) -> tuple[SetOutcome, ...]:
    book = RuleBook("person", (judged,))
    addresses = [address for address in book.set_addresses if address not in OF_RECORD]
    with duckdb.connect() as connection:
        connection.register("facts", table_of(addresses, views))
        return judge_sets(connection, book, "facts", before or {"crm": None, "web": None}, TODAY)


def failing(judged: Rule, views: Sequence[RecordView], before: Mapping[str, int | None] | None = None) -> set[str]:
    return {outcome.source for outcome in judge(judged, views, before) if not outcome.passed}


def of(source: str, *emails: str, **others: str | None) -> RecordView:
    return person({"email": emails} if emails else {}, source=source, **others)  # type: ignore[arg-type]


MAILS = [
    of("crm", "a", updated_at="2026-03-01T10:00:00"),
    of("crm", "b", updated_at="2026-02-01"),
    of("crm", "b", "c", country="US"),
    of("crm"),
    of("web", "a", updated_at="2020"),
]
CASES = [
    # the rule, the sources that fail it
    (rule("unique", at_most=0.0), {"crm"}),  # crm: b stands twice among a, b, b, c; across sources nothing counts
    (rule("unique", at_most=0.5), set()),
    (rule("unique", at_most=0.49), {"crm"}),
    (rule("unique", when=(Condition("record.country", "not_null", {}),), at_most=0.0), set()),
    (rule("unique_combination", fields=("record.country",), at_most=0.0), set()),
    (rule("unique_combination", fields=("email",), at_most=0.0), set()),  # b and b+c are not the same combination
    (rule("share", of="not_null", at_least=0.75), set()),
    (rule("share", of="not_null", at_least=0.76), {"crm"}),
    (rule("share", of="not_null", at_most=0.9), {"web"}),
    (rule("share", of="in_set", values=("a", "b"), at_least=0.6), set()),  # of those that have one: 2 of 3
    (rule("share", of="in_set", values=("a", "b"), at_least=0.7), {"crm"}),
    (rule("share", of="in_set", when=(CRM,), values=("b",), at_least=1.0), {"crm"}),  # web is not meant
    (rule("row_count", "record", min=2), {"web"}),
    (rule("row_count", "record", max=3), {"crm"}),
    (rule("row_count", "record", when=(CRM,), min=5), {"crm"}),
    (rule("freshness", "record", within=9), {"web"}),
    (rule("freshness", "record", within=8), {"crm", "web"}),  # web: a year is no day, so nothing is dated
]


@pytest.mark.parametrize(("judged", "sources"), CASES)
def test_each_check_fails_where_it_should(judged: Rule, sources: set[str]) -> None:
    assert failing(judged, MAILS) == sources


def test_every_check_over_sets_has_a_case() -> None:
    assert {judged.check for judged, _ in CASES} == set(SET_CHECKS)


@pytest.mark.parametrize(
    ("rows", "before", "fails"),
    [(80, 100, False), (79, 100, True), (0, 100, True), (0, None, False), (5, 0, False), (300, 100, False)],
)
def test_a_drop_of_the_row_count_is_held_against_what_was_there(rows: int, before: int | None, fails: bool) -> None:
    found = failing(rule("row_count", "record", max_drop=0.2), [of("crm")] * rows or [of("web")], {"crm": before})
    assert found == ({"crm"} if fails else set())


def test_a_source_without_records_has_nothing_to_share_and_is_not_fresh() -> None:
    nobody = {"new": None}
    assert failing(rule("share", of="not_null", at_least=1.0), MAILS, nobody) == set()
    assert failing(rule("freshness", "record", within=1), MAILS, nobody) == {"new"}
    assert failing(rule("row_count", "record", min=1), MAILS, nobody) == {"new"}


def test_a_threshold_counts_the_records_that_failed_its_rule() -> None:
    judged = Rule("r", "email", "not_null", {}, threshold=Threshold(0.25, Action("stop")))
    views = [RecordView({}, {"": ("x",)}, source="crm")] * 3 + [of("crm", "a")]
    with duckdb.connect() as connection:
        table = table_of([], views).drop_columns(["issues"])
        connection.register("bare", table)
        connection.execute(
            "create table facts as select *, case when row_number = 0 then ['rule.r'] else [] end as issues from bare"
        )
        for limit, passed in [(0.25, True), (0.2, False)]:
            book = RuleBook("person", (Rule("r", "email", "not_null", {}, threshold=Threshold(limit, Action("stop"))),))
            connection.execute("create or replace view given as select *, []::varchar[] as email from facts")
            (outcome,) = judge_sets(connection, book, "given", {"crm": None}, TODAY)
            assert (outcome.passed, outcome.action) == (passed, Action("stop"))
            assert outcome.measured == "25% of the records"
    assert RuleBook("person", (judged,)).applied == (judged,)


def test_what_was_measured_is_told_with_what_is_asked() -> None:
    (crm, web) = judge(rule("row_count", "record", min=10, max_drop=0.1), MAILS, {"crm": 1200, "web": None})
    assert crm.text == (
        "test.row_count: source crm: 4 records (before: 1,200); asked: at least 10, no more than 10% fewer than before"
    )
    assert web.measured == "1 records"
    (crm, _) = judge(rule("share", of="not_null", at_least=0.9), MAILS)
    assert crm.measured == "75% of the records"
    assert crm.limit == "at least 90% of the records: not_null"


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.sampled_from("abc"), max_size=3), min_size=1, max_size=6))
def test_unique_counts_what_a_loop_counts(held: list[list[str]]) -> None:
    holders = {value: sum(value in values for values in held) for values in held for value in values}
    total = sum(holders.values())
    repeated = sum(count for count in holders.values() if count > 1)
    (outcome,) = judge(rule("unique", at_most=0.0), [of("crm", *values) for values in held], {"crm": None})
    assert outcome.passed == (repeated == 0)
    expected = "nothing to measure" if not total else f"{round(100 * repeated / total, 4):g}% of the records"
    assert outcome.measured == expected


# --- loading


def load(tmp_path: Path, *entries: str) -> tuple[Rule, ...]:
    path = tmp_path / "rules.yaml"
    path.write_text("person:\n" + "".join(f"  - {{{entry}}}\n" for entry in entries), encoding="utf-8")
    return load_rulebooks(path, known={"person": ["email", "name.family"]})["person"].rules


def test_rules_over_sets_are_read(tmp_path: Path) -> None:
    assert load(
        tmp_path,
        "id: a, check: row_count, args: {min: 10, max_drop: 20%}, action: stop",
        "id: b, check: freshness, args: {within: 7 days}",
        "id: c, field: email, check: share, args: {of: in_set, values: [x], at_least: 99.5%}",
        "id: d, field: email, check: unique",
        "id: e, field: email, check: not_null, threshold: 5%",
        "id: f, field: email, check: not_null, threshold: {above: 5%, action: flag}",
    ) == (
        Rule("a", "record", "row_count", {"min": 10, "max_drop": 0.2}, dimension="completeness", action=Action("stop")),
        Rule("b", "record", "freshness", {"within": 7}, dimension="timeliness"),
        Rule("c", "email", "share", {"of": "in_set", "values": ("x",), "at_least": 0.995}),
        Rule("d", "email", "unique", {"at_most": 0.0}, dimension="uniqueness"),
        Rule("e", "email", "not_null", {}, threshold=Threshold(0.05, Action("stop"))),
        Rule("f", "email", "not_null", {}, threshold=Threshold(0.05, Action("flag"))),
    )


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("id: a, field: email, check: unique, action: reject", "line 2: rule a: unique is about many records"),
        ("id: a, field: email, check: unique, action: null_out", "it can only flag or stop"),
        ("id: a, field: email, check: not_null, action: stop", "only a check over a set can stop a run"),
        ("id: a, field: email, check: row_count, args: {min: 1}", "leave field out, or write record"),
        ("id: a, check: row_count", "row_count needs min, max or max_drop"),
        ("id: a, check: row_count, args: {min: 5%}", "args.min: a whole number is expected"),
        ("id: a, check: unique", "field is missing"),
        ("id: a, field: email, check: share, args: {at_least: 1%}", "share needs args {of, at_least, at_most}: of is"),
        ("id: a, field: email, check: share, args: {of: unique}", "unknown of 'unique'; known: all_present"),
        ("id: a, field: email, check: share, args: {of: min, at_least: 1%}", "value is missing"),
        (
            "id: a, field: email, check: share, args: {of: not_null, at_least: 9%, at_most: 8%}",
            "at_least 9% lies above",
        ),
        ("id: a, field: email, check: share, args: {of: not_null, at_least: 101%}", "a percentage such as 95%"),
        ("id: a, field: email, check: unique, threshold: 5%", "is about a set already"),
        ("id: a, field: email, check: not_null, threshold: {action: stop}", "threshold: above is missing"),
        ("id: a, field: email, check: not_null, threshold: much", "threshold: a percentage such as 95%"),
        ("id: a, field: email, check: not_null, threshold: {above: 5%, action: reject}", "known: flag, stop"),
        ("id: a, field: email, check: not_null, when: {field: email, check: unique}", "unknown check 'unique'"),
        ("id: a, field: email, check: between, args: {min: 2, max: 1}", "min 2.0 lies above max 1.0"),
        (
            "id: a, field: email, check: date_between, args: {min: 2001, max: 2000-12}",
            "min 2001 lies above max 2000-12",
        ),
        ("id: a, field: email, check: compare_field, args: {operator: '==', field: email}", "< or <= or = or !="),
        ("id: a, field: record.age, check: not_null", "a field is written like"),
        ("id: a, field: phone, check: not_null", "known: email, name.family, record.country, record.source"),
        ("id: a, field: email, check: in_list, args: {file: none.txt}", "args.file: "),
        ("id: a, field: email, check: in_list, args: {file: x.txt, values: [a]}", "unknown key 'values'"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(tmp_path: Path, entry: str, message: str) -> None:
    with pytest.raises(RuleBookError) as refused:
        load(tmp_path, entry)
    assert message in str(refused.value)


# --- lists


@pytest.mark.parametrize(
    ("name", "text", "column", "values"),
    [
        ("cities.txt", "# ours\nHà Nội\n\nHuế\nHuế\n", None, ("Hà Nội", "Huế")),
        ("cities.csv", 'code,city\n1,Hanoi\n2,\n3,"Huế, old"\n', "city", ("Hanoi", "Huế, old")),
        ("cities.tsv", "value\tn\nNO\t1\n", None, ("NO",)),
    ],
)
def test_a_list_is_read_with_the_book(
    tmp_path: Path, name: str, text: str, column: str | None, values: tuple[str, ...]
) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    named = "" if column is None else f", column: {column}"
    (read,) = load(tmp_path, f"id: a, field: email, check: in_list, args: {{file: {name}{named}}}")
    assert read.args == {"file": name, "column": column or "value", "values": values}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"x,y\n1,2\n", "no column 'value' (args.column names it); columns there: x, y"),
        ("a.txt", b"\n\n", "holds no values"),
        ("a.txt", b"\xff\xfe\xff", "is not UTF-8 text"),
        ("a.txt", "\n".join(map(str, range(20_001))).encode(), "at most 20,000"),
    ],
)
def test_a_bad_list_is_refused_with_the_rule(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(RuleBookError) as refused:
        load(tmp_path, f"id: a, field: email, check: in_list, args: {{file: {name}}}")
    assert message in str(refused.value) and "line 2: rule a" in str(refused.value)
