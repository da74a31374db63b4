from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rules
from rules.arguments import Arg
from rules.checks import CHECKS
from rules.comparisons import COMPARED_AS, OPERATORS
from rules.issue_codes import NOT_VALID
from rules.record_view import RecordView
from rules.rulebook import Condition, Rule, RuleBook
from tests.rules.rule_cases import by_closure, by_sql, person, rule

VALUE_CASES: list[tuple[str, dict[str, Any], list[str], list[str]]] = [
    # check, args, values that pass, values that fail
    ("min_length", {"value": 2}, ["ab", "né", "\U0001f600x", "a\n"], ["", "a", "é", "\U0001f600"]),
    ("max_length", {"value": 2}, ["", "ab", "né", "e\u0301"], ["abc", "a" * 10_000]),
    ("pattern", {"pattern": r"\d{5}(-\d{4})?", "match": "full"}, ["12345", "12345-6789"],
     ["", "1234", "12345\n", "١٢٣٤٥"]),
    ("pattern", {"pattern": r"^a.c$|x", "match": "search"}, ["abc", "a\u00e9c", "wxy"], ["a\nc", "abc\n", "zabc", ""]),
    ("pattern", {"pattern": r"\s", "match": "full"}, [" ", "\t", "\n"], ["\v", "\u00a0", ""]),
    ("pattern", {"pattern": r"[^a-c\s_-]+", "match": "full"}, ["xyz", "é", "\0"], ["a", "x-", "_", " "]),
    ("pattern", {"pattern": r"\bno\b", "match": "search"}, ["no", "say no!", "énoé"], ["nob", "_no"]),
    ("in_set", {"values": ("US", "it's", "NULL")}, ["US", "it's", "NULL"], ["us", "", "US ", "null"]),
    ("not_in_set", {"values": ("test", 'a"b')}, ["Test", "", "test "], ["test", 'a"b']),
    ("min", {"value": 1.5}, ["1.5", "+2", "007", "9" * 50],
     ["1.49", "-3", "NaN", "inf", "", "1e5", "١٢", " 2", "1_0", "9" * 51]),
    ("max", {"value": 10.0}, ["10", "10.0", "-99999", "-0"], ["10.01", "NaN", "-inf", "0x1", "1,5", ".5", "5."]),
    ("date_min", {"value": "1900-01-01"}, ["1900-01-01", "1900", "2024-02-29", "1980-05"],
     ["1899-12-31", "1899", "1899-12", "2023-02-29", "2023-13-01", "0000-01-01", "today", "", "1980-5", "infinity"]),
    ("length_between", {"min": 1, "max": 2}, ["a", "né"], ["", "abc"]),
    ("not_pattern", {"pattern": "x|^y", "match": "search"}, ["a", "ay", ""], ["ax", "yes"]),
    ("in_list", {"file": "f", "column": "value", "values": ("a", "it's")}, ["a", "it's"], ["", "A"]),
    ("not_in_list", {"file": "f", "column": "value", "values": ("a", "it's")}, ["", "A"], ["a", "it's"]),
    ("between", {"min": -1.0, "max": 2.5}, ["-1", "2.50", "+0"], ["2.51", "-1.1", "NaN", "", "1e0"]),
    ("date_between", {"min": "1900", "max": "2001-06"}, ["1900", "1950-02-28", "2001-06-30", "2001"],
     ["1899", "2001-07", "2023-02-29", ""]),
    ("date_max", {"value": "2001-06"}, ["2001-06-30", "2001", "2001-06", "0001-01-01"],
     ["2001-07-01", "2001-07", "2002", "NaN", "0000", "0000-06-01"]),
]  # fmt: skip


@pytest.mark.parametrize(("check", "args", "good", "bad"), VALUE_CASES)
def test_value_checks_on_both_sides(check: str, args: dict[str, Any], good: list[str], bad: list[str]) -> None:
    book = RuleBook("person", (rule(check, **args),))
    view = person({"email": [*good, *bad]})
    failing = [finding.value_index for finding in by_closure(book, [view])[0]]
    assert failing == list(range(len(good), len(good) + len(bad)))
    assert by_sql(book, [view]) == by_closure(book, [view])


FULL = person({"email": ["a@b.c"], "phone": ["+1"], "birth_date": ["1980-02"], "twin": ["a@b.c", "x"]})
LOW_HIGH = person({"low": ["1", "2.0", "3", "x"], "high": ["junk", "2"]})
DATES = person({"birth_date": ["2000", "2002-01", "2001", "2001-05-06", "junk"], "died": ["2001-05-06"]})
Case = tuple[Rule, RecordView, list[int | None]]


def compared(field: str, other: str, by: str, view: RecordView, failing: Sequence[list[int | None]]) -> list[Case]:
    """A case per operator, in the order of OPERATORS."""
    return [
        (rule("compare_field", field, operator=operator, field=other, by=by), view, places)
        for operator, places in zip(OPERATORS, failing, strict=True)
    ]


RECORD_CASES: list[Case] = [
    (rule("not_null"), FULL, []),
    (rule("not_null"), person({}), [None]),
    (rule("not_null", "record.country"), person({}, country="US"), []),
    (rule("not_null", "record.country"), person({}), [None]),
    (rule("any_present", fields=("phone", "name")), person({"name": ["x"]}), []),
    (rule("any_present", fields=("phone", "name")), person({"email": ["x"]}), []),
    (rule("any_present", fields=("phone", "name")), person({"other": ["x"]}), [None]),
    (rule("required_with", field="phone"), person({"phone": ["1"]}), [None]),
    (rule("required_with", field="phone"), FULL, []),
    (rule("required_with", field="phone"), person({}), []),
    (rule("max_values", value=1), person({"email": ["a", "b"]}), [None]),
    (rule("max_values", value=2), person({"email": ["a", "b"]}), []),
    (rule("no_issue", "phone", codes=("phone.invalid", "x")), person({}, issues={"phone": ("phone.invalid",)}), [None]),
    (rule("no_issue", "phone", codes=("phone.invalid", "x")), person({}, issues={"email": ("phone.invalid",)}), []),
    (rule("has_issue", "name.family", codes=("n.x",)), person({}, issues={"name": ("n.x", "n.y")}), []),
    (rule("has_issue", "name.family", codes=("n.x",)), person({}), [None]),
    (rule("all_present", fields=("phone", "birth_date")), FULL, []),
    (rule("all_present", fields=("phone", "name")), FULL, [None]),
    (rule("valid", "phone", codes=NOT_VALID), person({}, issues={"phone": ("phone.unreadable",)}), [None]),
    (rule("valid", "phone", codes=NOT_VALID), person({}, issues={"phone": ("phone.reserved",)}), []),
    (rule("not_null", "record.source"), person({}, source="crm"), []),
    (rule("not_null", "record.updated_at"), person({}), [None]),
    (rule("in_set", "record.source", values=("crm",)), person({}, source="web"), [0]),
    (rule("equals_field", field="twin"), FULL, []),
    (rule("equals_field", field="twin"), person({"email": ["a"]}), []),
    (rule("equals_field", field="twin"), person({"email": ["a", "b"], "twin": ["b"]}), [0]),
    (rule("not_equals_field", field="twin"), person({"email": ["a", "b"], "twin": ["b"]}), [1]),
    (rule("date_max", "birth_date", value="updated_at"), person({"birth_date": ["2020-05-02"]}), []),
    (rule("date_max", "birth_date", value="updated_at"), person({"birth_date": ["2020-05-02"]}, updated_at="n/a"), []),
    (
        rule("date_max", "birth_date", value="updated_at"),
        person({"birth_date": ["2020-05-02", "2020-05", "2020-05-01", "2020-06"]}, updated_at="2020-05-01T23:00:00Z"),
        [0, 3],
    ),
    (rule("date_min", "birth_date", value="updated_at"), person({"birth_date": ["2019"]}, updated_at="2020-05"), [0]),
    (
        rule("date_before_field", "birth_date", field="died"),
        person({"birth_date": ["2000", "2001-01-01", "2000-12-31", "?"], "died": ["2001-01-01", "1950", "junk"]}),
        [1, 3],
    ),
    *compared("low", "high", "number", LOW_HIGH, ([1, 2, 3], [2, 3], [0, 2, 3], [1, 3], [0, 3], [0, 1, 3])),
    (rule("compare_field", "low", operator="<", field="none", by="number"), LOW_HIGH, [3]),
    *compared("birth_date", "died", "date", DATES, ([1, 3, 4], [1, 4], [0, 1, 4], [3, 4], [0, 4], [0, 3, 4])),
    (rule("compare_field", "a", operator="<", field="b", by="text"), person({"a": ["é", "z"], "b": ["ä", "{"]}), [0]),
    (rule("date_before_field", "birth_date", field="died"), person({"birth_date": ["2000"], "died": ["junk"]}), []),
    (rule("date_before_field", "birth_date", field="died"), person({"birth_date": ["2000"], "died": ["2000"]}), []),
]


@pytest.mark.parametrize(("judged", "view", "failing"), RECORD_CASES)
def test_record_checks_on_both_sides(judged: Rule, view: RecordView, failing: list[int | None]) -> None:
    book = RuleBook("person", (judged,))
    assert [finding.value_index for finding in by_closure(book, [view])[0]] == failing
    assert by_sql(book, [view]) == by_closure(book, [view])


def test_every_check_has_a_case() -> None:
    assert {case[0] for case in VALUE_CASES} | {case[0].check for case in RECORD_CASES} == set(CHECKS)


@pytest.mark.parametrize(
    "check", [name for name in CHECKS if name not in ("not_null", "any_present", "all_present", "has_issue")]
)
def test_an_absent_value_passes_what_is_not_about_presence(check: str) -> None:
    assert by_closure(RuleBook("person", (ANY_RULE[check],)), [person({})]) == [()]


EMAIL_IS_A = Condition("email", "in_set", {"values": ("a",)})
HAS_COUNTRY = Condition("record.country", "in_set", {"values": ("US",)})
BAD_NAME = Condition("name", "has_issue", {"codes": ("x",)})


@pytest.mark.parametrize(
    ("when", "view", "speaks"),
    [
        ((EMAIL_IS_A,), person({"email": ["b", "a"]}), True),  # one value is enough
        ((EMAIL_IS_A,), person({"email": ["b"]}), False),
        ((EMAIL_IS_A,), person({}), False),  # an absent value fulfils no condition
        ((HAS_COUNTRY,), person({}, country="US"), True),
        ((HAS_COUNTRY,), person({}, country="VN"), False),
        ((HAS_COUNTRY, EMAIL_IS_A), person({}, country="US"), False),  # all of a list
        ((BAD_NAME,), person({}, issues={"name": ("x",)}), True),
        ((BAD_NAME,), person({}), False),
    ],
)
def test_when_on_both_sides(when: tuple[Condition, ...], view: RecordView, speaks: bool) -> None:
    book = RuleBook("person", (rule("not_null", "phone", when=when), rule("min_length", "phone", when=when, value=1)))
    assert [bool(found) for found in by_closure(book, [view])] == [speaks]
    assert by_sql(book, [view]) == by_closure(book, [view])


def test_the_codes_of_invalid_values_are_those_that_standardisers_write() -> None:
    folder = Path(rules.__file__).parent
    text = "\n".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py") if path.name != "issue_codes.py")
    written = set(re.findall(r'"([a-z]+\.(?:invalid|unreadable|impossible|not_a_name))"', text))
    assert written == set(NOT_VALID)


# --- any rule on any record: both sides agree

NASTY = st.one_of(
    st.text(max_size=6),
    st.text("019-./", max_size=10),
    st.dates().map(str),
    st.sampled_from(
        [
            "", "NaN", "nan", "inf", "infinity", "-0", "1e3", "null", "NULL", "'", '"', "''; --", "\\", "%", "a\nb",
            "2023-02-30", "0000-00-00", "0000-01-01", "1900-02-29", "9999-12-31", "10000-01-01", "1980", "1980-05",
            "1980-00", "epoch", "\x85",
            "x" * 5000, "9" * 60, "0.1", "0.30000000000000004", "\0", "e\u0301", "\u00e9", "\u200f", "ſ", "K", "\v",
        ]
    ),
)  # fmt: skip
WORDS = st.lists(NASTY.filter(bool), min_size=1, max_size=3, unique=True).map(tuple)
ADDRESSES = ("email", "name.family", "birth_date", "record.country", "record.source", "record.updated_at")
OTHERS = st.sampled_from(ADDRESSES)
CODES = st.lists(st.sampled_from(["a.b", "it's"]), min_size=1, unique=True).map(tuple)
DAYS = st.one_of(st.dates().map(str), st.sampled_from(["1900", "1980-05", "updated_at"]))
NUMBERS = st.floats(-1e6, 1e6).map(lambda number: float(f"{number:.3f}"))
PATTERN_PIECES = st.sampled_from(
    ["a", "é", ".", r"\d", r"\W", r"\s", "[^a]", r"[\w-]", r"\x0a", "'", r"\.", "(a|1|)", "-"]
)
PATTERNS = st.tuples(
    st.sampled_from(["", "^", r"\b"]),
    st.lists(st.tuples(PATTERN_PIECES, st.sampled_from(["", "*", "+?", "{0,2}", "{3}", "?"])).map("".join), max_size=4),
    st.sampled_from(["", "$", r"\b", "|x"]),
).map(lambda parts: parts[0] + "".join(parts[1]) + parts[2])
COMPARED: dict[str, st.SearchStrategy[Arg]] = {
    "operator": st.sampled_from(OPERATORS),
    "field": OTHERS,
    "by": st.sampled_from(COMPARED_AS),
}
LISTED: dict[str, st.SearchStrategy[Arg]] = {"file": st.just("f"), "column": st.just("value"), "values": WORDS}
ARGUMENTS: dict[str, dict[str, st.SearchStrategy[Arg]]] = {
    "length_between": {"min": st.integers(0, 3), "max": st.integers(3, 6)},
    "not_pattern": {"pattern": PATTERNS, "match": st.sampled_from(["full", "search"])},
    "in_list": LISTED,
    "not_in_list": LISTED,
    "between": {"min": st.floats(-1e6, 0), "max": st.floats(0, 1e6)},
    "date_between": {"min": st.dates(max_value=date(1990, 1, 1)).map(str), "max": st.just("updated_at")},
    "compare_field": COMPARED,
    "all_present": {"fields": st.lists(OTHERS, min_size=1, max_size=2).map(tuple)},
    "valid": {"codes": CODES},
    "min_length": {"value": st.integers(0, 6)},
    "max_length": {"value": st.integers(0, 6)},
    "max_values": {"value": st.integers(0, 3)},
    "pattern": {"pattern": PATTERNS, "match": st.sampled_from(["full", "search"])},
    "in_set": {"values": WORDS},
    "not_in_set": {"values": WORDS},
    "min": {"value": NUMBERS},
    "max": {"value": NUMBERS},
    "date_min": {"value": DAYS},
    "date_max": {"value": DAYS},
    "date_before_field": {"field": OTHERS},
    "equals_field": {"field": OTHERS},
    "not_equals_field": {"field": OTHERS},
    "required_with": {"field": OTHERS},
    "any_present": {"fields": st.lists(OTHERS, min_size=1, max_size=2).map(tuple)},
    "has_issue": {"codes": CODES},
    "no_issue": {"codes": CODES},
    "not_null": {},
}
ANY_RULE = {
    "length_between": rule("length_between", min=1, max=1),
    "not_pattern": rule("not_pattern", pattern="a", match="full"),
    "in_list": rule("in_list", file="f", column="value", values=("a",)),
    "not_in_list": rule("not_in_list", file="f", column="value", values=("a",)),
    "between": rule("between", min=1.0, max=1.0),
    "date_between": rule("date_between", min="2000", max="2000"),
    "compare_field": rule("compare_field", operator="<", field="birth_date", by="date"),
    "valid": rule("valid", codes=("a.b",)),
    "min_length": rule("min_length", value=1),
    "max_length": rule("max_length", value=1),
    "max_values": rule("max_values", value=0),
    "pattern": rule("pattern", pattern="a", match="full"),
    "in_set": rule("in_set", values=("a",)),
    "not_in_set": rule("not_in_set", values=("a",)),
    "min": rule("min", value=1.0),
    "max": rule("max", value=1.0),
    "date_min": rule("date_min", value="2000"),
    "date_max": rule("date_max", value="2000"),
    "date_before_field": rule("date_before_field", field="birth_date"),
    "equals_field": rule("equals_field", field="birth_date"),
    "not_equals_field": rule("not_equals_field", field="birth_date"),
    "required_with": rule("required_with", field="birth_date"),
    "no_issue": rule("no_issue", codes=("a.b",)),
}


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    check = draw(st.sampled_from(sorted(CHECKS)))
    return Condition(draw(OTHERS), check, {name: draw(given) for name, given in ARGUMENTS[check].items()})


@st.composite
def rule_books(draw: st.DrawFn) -> RuleBook:
    """One rule of each check, so that one query tries them all."""
    rules = [
        Rule(f"any.{check}", draw(OTHERS), check, {name: draw(given) for name, given in arguments.items()})
        for check, arguments in ARGUMENTS.items()
    ]
    limited = replace(
        draw(st.sampled_from(rules)), id="any.limited", when=tuple(draw(st.lists(conditions(), max_size=2)))
    )
    return RuleBook("person", (*rules, limited))


VIEWS = st.builds(
    RecordView,
    values=st.dictionaries(st.sampled_from(ADDRESSES[:3]), st.lists(NASTY, max_size=3).map(tuple)),
    issues=st.dictionaries(st.sampled_from(["email", "name", "birth_date"]), CODES),
    country=st.one_of(st.none(), NASTY),
    source=st.one_of(st.none(), NASTY),
    updated_at=st.one_of(st.none(), NASTY, st.datetimes().map(lambda moment: moment.isoformat())),
)


@settings(max_examples=30, deadline=None)
@given(rule_books(), st.lists(VIEWS, min_size=1, max_size=8))
def test_closures_and_sql_find_the_same_on_any_record(book: RuleBook, views: list[RecordView]) -> None:
    assert by_sql(book, views) == by_closure(book, views)
