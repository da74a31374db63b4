from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.record_view import RecordView
from rules.rulebook import Action, Condition, Finding, Rule, RuleBook, RuleBookError, merge
from rules.rulebook_apply import apply_findings, view_claims
from rules.rulebook_load import default_rulebook, load_rulebooks
from tests.rules.rule_cases import by_closure, by_sql, person, rule

FULL_RULE = """
person:
  - id: acme.family.length
    field: name.family
    check: min_length
    args: {value: 2}
    when:
      - {field: record.country, check: in_set, args: {values: [NO, 007, "US"]}}
      - {field: phone, check: not_null}
    severity: error
    dimension: completeness
    action: {downgrade: 25%}
    apply: true
    owner: sales
    description: Too short.
"""


def load(tmp_path: Path, text: str, **known: Any) -> dict[str, RuleBook]:
    path = tmp_path / "rules.yaml"
    path.write_text(text, encoding="utf-8")
    return load_rulebooks(path, **known)


def book_of(tmp_path: Path, *entries: str) -> RuleBook:
    """A rule book of one-line entries."""
    return load(tmp_path, "person:\n" + "".join(f"  - {{{entry}}}\n" for entry in entries))["person"]


# --- loading


def test_a_rule_says_what_the_file_says(tmp_path: Path) -> None:
    assert load(tmp_path, FULL_RULE)["person"].rules == (
        Rule(
            id="acme.family.length",
            field="name.family",
            check="min_length",
            args={"value": 2},
            when=(
                Condition("record.country", "in_set", {"values": ("NO", "007", "US")}),
                Condition("phone", "not_null", {}),
            ),
            severity="error",
            dimension="completeness",
            action=Action("downgrade", 25),
            owner="sales",
            description="Too short.",
        ),
    )


def test_what_is_left_out_has_a_default(tmp_path: Path) -> None:
    (read,) = book_of(tmp_path, "id: a, field: email, check: pattern, args: {pattern: x}").rules
    assert read == Rule("a", "email", "pattern", {"pattern": "x", "match": "full"})
    assert (read.severity, read.dimension, read.action, read.apply) == ("warning", "validity", Action("flag"), True)


@pytest.mark.parametrize(
    ("written", "action"),
    [
        ("reject", Action("reject")),
        ("null_out", Action("null_out")),
        ("flag", Action("flag")),
        ("{downgrade: 30%}", Action("downgrade", 30)),
        ("'downgrade: 100%'", Action("downgrade", 100)),
    ],
)
def test_actions(tmp_path: Path, written: str, action: Action) -> None:
    (read,) = book_of(tmp_path, f"id: a, field: email, check: min_length, args: {{value: 1}}, action: {written}").rules
    assert read.action == action


REFUSED = [
    # entry, what the message must say
    (
        "id: a, field: email, check: not_nul",
        "rule a: unknown check 'not_nul'; known: all_present, any_present, between",
    ),
    ("id: a, field: email", "rule a: check is missing"),
    ("field: email, check: not_null", "a rule needs an id"),
    ("id: A b, field: email, check: not_null", "not 'A b'"),
    ("id: a, field: email, check: not_null, sevrity: error", "unknown key 'sevrity'; known: action, apply, args"),
    ("id: a, field: email, check: not_null, severity: bad", "unknown severity 'bad'; known: error, info, warning"),
    ("id: a, field: email, check: not_null, dimension: x", "known: completeness, consistency, timeliness, uniqueness"),
    ("id: a, field: email, check: not_null, apply: maybe", "unknown apply 'maybe'; known: false, true"),
    ("id: a, field: email, check: not_null, action: delete", "known: reject, null_out, flag, downgrade: N%"),
    ("id: a, field: email, check: not_null, action: {downgrade: 101%}", "N from 1 to 100"),
    ("id: a, field: email, check: not_null, action: {downgrade: 0%}", "N from 1 to 100"),
    ("id: a, field: email, check: not_null, action: null_out", "not_null points at no single value"),
    ("id: a, field: email, check: not_null, args: {value: 1}", "unknown key 'value'; known: none"),
    ("id: a, field: email, check: min_length", "min_length needs args {value}: value is missing"),
    ("id: a, field: email, check: min_length, args: {value: -1}", "args.value: a whole number is expected, not '-1'"),
    ("id: a, field: email, check: min, args: {value: NaN}", "a decimal number is expected, not 'NaN'"),
    ("id: a, field: email, check: date_min, args: {value: today}", "or the word updated_at is expected, not 'today'"),
    ("id: a, field: email, check: date_max, args: {value: 2023-02-30}", "not '2023-02-30'"),
    ("id: a, field: email, check: in_set, args: {values: []}", "a list of one or more texts is expected"),
    ("id: a, field: email, check: in_set, args: {values: [a, null]}", "a text is expected"),
    ("id: a, field: email, check: in_set, args: {values: ['']}", "a list of one or more texts is expected"),
    ('id: a, field: email, check: in_set, args: {values: ["\\0"]}', "a character that is none"),
    ("id: a, field: email, check: pattern, args: {pattern: x, match: part}", "full or search is expected, not 'part'"),
    ("id: a, field: email, check: equals_field, args: {field: 'a b'}", "a field is written like email, name.family"),
    ("id: a, field: issues, check: not_null", "a field is written like email, name.family or record.country"),
    ("id: a, field: email, check: not_null, when: {field: phone}", "when: check is missing"),
    ("id: a, field: email, check: not_null, when: {field: phone, check: not_null, if: x}", "unknown key 'if'"),
    ("id: a, id: b, field: email, check: not_null", "the key id stands twice"),
    ("id: a, apply: true", "check is missing"),
]


@pytest.mark.parametrize(("entry", "message"), REFUSED)
def test_a_bad_rule_is_refused_with_its_place_and_what_is_allowed(tmp_path: Path, entry: str, message: str) -> None:
    with pytest.raises(RuleBookError) as refused:
        book_of(tmp_path, "id: fine, field: email, check: not_null", entry)
    assert message in str(refused.value)
    assert refused.value.line == 3
    assert str(refused.value).startswith(f"{tmp_path / 'rules.yaml'}, line 3: ")


@pytest.mark.parametrize(
    "pattern",
    ["a(?=b)", "(?!a)", "(?<=a)b", "(?<!a)b", r"(a)\1", "(?P<n>a)(?P=n)", "(?i)a", "(?>a)", "(?#x)", "(?x: a)",
     "a++", "a**", "a{,2}", "a{1001}", "(a{100}){100}", "a{3,2}", "*a", "^*", "{", "(", ")", "a)",
     "[]", "[a", "[[:alpha:]]", "[z-a]", r"\pL", r"\Z", r"\Ba", r"\u00e9", "a" * 501],
)  # fmt: skip
def test_a_pattern_python_and_re2_may_read_differently_is_refused(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(RuleBookError, match=r"line 2: rule a: args\.pattern: "):
        book_of(tmp_path, f"id: a, field: email, check: pattern, args: {{pattern: '{pattern}'}}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("- a", "line 1: a mapping is expected"),
        ("person: {id: a}", "line 1: person takes a list of rules"),
        ("person:\n  - a\n", "line 2: a mapping is expected of action, apply"),
        ("person: [\n", "line 2: not YAML"),
        ("person:\n  - id: a\n    action: downgrade: 5%", "line 3: not YAML: mapping values are not allowed here"),
        (
            "person:\n  - {id: a, field: email, check: not_null}\n  - {id: a, apply: false}\n",
            "line 3: the id a stands twice",
        ),
        ("robot: []", "unknown entity type 'robot'; known: person"),
        ("person:\n  - {id: a, field: mail, check: not_null}", "unknown field 'mail'; known: email, phone"),
        ("person:\n  - {id: a, field: email, check: equals_field, args: {field: fax}}", "unknown field 'fax'"),
        ("person:\n  - {id: a, field: email, check: any_present, args: {fields: [phone, fax]}}", "unknown field 'fax'"),
        ("person:\n  - {id: a, field: email, check: not_null, when: {field: fax, check: not_null}}", "field 'fax'"),
    ],
)
def test_a_bad_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RuleBookError) as refused:
        load(tmp_path, text, known={"person": ["email", "phone"]})
    assert message in str(refused.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RuleBookError, match="cannot be read"):
        load_rulebooks(tmp_path / "none.yaml")


# --- merging

DEFAULT = RuleBook("person", (rule("not_null"), rule("min_length", value=1), rule("max_length", value=9)))


def test_a_project_replaces_switches_off_and_adds(tmp_path: Path) -> None:
    project = book_of(
        tmp_path,
        "id: test.min_length, field: email, check: min_length, args: {value: 3}",
        "id: test.max_length, apply: false",
        "id: acme.new, field: email, check: max_values, args: {value: 1}",
    )
    merged = merge(DEFAULT, project)
    assert [(each.id, each.apply) for each in merged.rules] == [
        ("test.not_null", True),
        ("test.min_length", True),
        ("test.max_length", False),
        ("acme.new", True),
    ]
    assert merged.rules[1].args == {"value": 3}
    assert [each.id for each in merged.compile().rules] == ["test.not_null", "test.min_length", "acme.new"]


def test_switching_off_what_does_not_exist_is_refused(tmp_path: Path) -> None:
    project = book_of(tmp_path, "id: test.max_lenght, apply: false")
    with pytest.raises(
        RuleBookError, match=r"line 2: rule test\.max_lenght: .*known: test\.not_null, test\.min_length"
    ):
        merge(DEFAULT, project)


def test_a_rule_switched_off_in_full_does_not_speak() -> None:
    book = RuleBook("person", (replace(rule("not_null"), apply=False),))
    assert by_closure(book, [person({})]) == [()]
    assert by_sql(book, [person({})]) == [()]
    assert book.addresses == ()


# --- compiling


def test_findings_come_in_the_order_of_rules_then_values() -> None:
    book = RuleBook("person", (rule("min_length", value=3), rule("not_null", "phone")))
    view = person({"email": ["a", "long", "b"]})
    assert by_closure(book, [view]) == [
        (
            Finding("test.min_length", "email", 0, Action("flag"), "warning"),
            Finding("test.min_length", "email", 2, Action("flag"), "warning"),
            Finding("test.not_null", "phone", None, Action("flag"), "warning"),
        )
    ]


def test_one_sql_row_per_record_also_when_lists_are_null() -> None:
    views = [person({"email": ["a"]}), person({}), person({"email": ["b" * 9]})]
    assert [len(found) for found in by_sql(DEFAULT, views)] == [0, 1, 0]


def test_the_addresses_are_all_that_rules_read() -> None:
    when = (Condition("address.country", "in_set", {"values": ("US",)}),)
    book = RuleBook("person", (rule("any_present", "name", fields=("phone", "email"), when=when),))
    assert book.addresses == ("address.country", "email", "name", "phone")


def test_a_rule_book_travels_to_another_process() -> None:
    book = default_rulebook("person")
    assert pickle.loads(pickle.dumps(book)) == book


# --- applying

CLAIMS: dict[str, list[dict[str, Any]]] = {
    "name": [{"clean": {"given": "Ann", "full": "Ann"}, "compare": {"given": ["ann"]}, "issues": [], "trust": 80}],
    "phone": [
        {"clean": {"value": "1"}, "compare": {"number": ["1"]}, "raw": {"value": "1"}, "issues": [], "trust": 90},
        {"clean": {}, "compare": {}, "raw": {"value": "?"}, "issues": ["phone.unreadable"], "trust": 90},
        {"clean": {"value": "2", "extension": "5"}, "compare": {}, "issues": ["phone.invalid"], "trust": 90},
    ],
}


def finding(
    field: str, index: int | None, action: Action, *, codes: tuple[str, ...] = (), rule_id: str = "r"
) -> Finding:
    return Finding(rule_id, field, index, action, "warning", codes)


def test_a_view_shows_each_part_and_each_whole() -> None:
    assert view_claims(CLAIMS, country="US", updated_at="2024") == RecordView(
        values={
            "name": ("Ann",),
            "name.given": ("Ann",),
            "name.full": ("Ann",),
            "phone": ("1", "2"),
            "phone.extension": ("5",),
        },
        issues={"phone": ("phone.unreadable", "phone.invalid")},
        country="US",
        updated_at="2024",
    )


def test_the_whole_of_a_claim_without_a_full_text_is_its_parts() -> None:
    claims = {"address": [{"clean": {"line": "1 Main St", "city": "Reno"}, "issues": []}]}
    assert view_claims(claims).values["address"] == ("1 Main St Reno",)


@pytest.mark.parametrize(
    ("found", "field", "changed"),
    [
        (finding("phone", 0, Action("flag")), "phone", {0: {"issues": ["rule.r"]}}),
        (finding("phone", 1, Action("flag")), "phone", {2: {"issues": ["phone.invalid", "rule.r"]}}),
        (finding("phone.extension", 0, Action("flag")), "phone", {2: {"issues": ["phone.invalid", "rule.r"]}}),
        (finding("phone", 0, Action("downgrade", 30)), "phone", {0: {"issues": ["rule.r"], "trust": 63}}),
        (finding("phone", 0, Action("null_out")), "phone", {0: {"issues": ["rule.r"], "clean": {}, "compare": {}}}),
        (
            finding("phone", None, Action("downgrade", 50), codes=("phone.invalid", "x")),
            "phone",
            {2: {"issues": ["phone.invalid", "rule.r"], "trust": 45}},
        ),
        (finding("phone", None, Action("reject")), "phone", {}),
        (finding("email", None, Action("flag")), "phone", {}),
    ],
)
def test_a_finding_changes_only_the_claims_it_speaks_about(
    found: Finding, field: str, changed: dict[int, dict[str, Any]]
) -> None:
    before = copy.deepcopy(CLAIMS)
    after = apply_findings(CLAIMS, [found])
    assert after.claims[field] == [{**claim, **changed.get(place, {})} for place, claim in enumerate(CLAIMS[field])]
    assert after.claims["name"] == CLAIMS["name"]
    assert after.issues == ("rule.r",)
    assert after.rejected == (("r",) if found.action.name == "reject" else ())
    assert before == CLAIMS


def test_downgrades_multiply_and_round_down_once() -> None:
    found = [finding("phone", 0, Action("downgrade", percent), rule_id=f"r{percent}") for percent in (33, 7)]
    (claim, *_) = apply_findings(CLAIMS, found).claims["phone"]
    assert claim["trust"] == 56  # 90 * 0.67 * 0.93 = 56.08
    assert claim["issues"] == ["rule.r33", "rule.r7"]


def test_without_findings_nothing_changes() -> None:
    assert apply_findings(CLAIMS, []).claims is CLAIMS


@given(st.permutations([finding("phone", 0, Action("downgrade", 33), rule_id="a"),
                        finding("phone", 0, Action("null_out"), rule_id="b"),
                        finding("phone", 0, Action("downgrade", 50), rule_id="c"),
                        finding("name", None, Action("flag"), rule_id="d")]))  # fmt: skip
@settings(max_examples=24)
def test_the_order_of_findings_does_not_matter(found: list[Finding]) -> None:
    assert apply_findings(CLAIMS, found) == apply_findings(CLAIMS, sorted(found, key=lambda each: each.rule_id))


# --- the rules that ship

CONTACT: dict[str, list[str]] = {"name": ["Ann Lee"], "phone": ["+13125550142"]}
PHONE_ISSUE = {"phone": ("phone.invalid",)}
SHIPPED_CASES: list[tuple[str, RecordView, set[str]]] = [
    ("person", person(CONTACT), set()),
    ("person", person({}), {"person.empty", "person.no_contact"}),
    ("person", person({"national_id": ["123"]}), {"person.no_contact"}),
    ("person", person({**CONTACT, "birth_date": ["1899-12-31"]}), {"person.birth_date.too_early"}),
    ("person", person({**CONTACT, "birth_date": ["1900-01-01"]}), set()),
    (
        "person",
        person({**CONTACT, "birth_date": ["2024-05-02"]}, updated_at="2024-05-01"),
        {"person.birth_date.in_future"},
    ),
    ("person", person({**CONTACT, "birth_date": ["2924-05-02"]}), set()),  # undated: no clock decides
    ("person", person(CONTACT, issues={"name": ("name.not_a_name",)}), {"person.name.not_a_name"}),
    ("person", person(CONTACT, issues=PHONE_ISSUE), {"person.phone.invalid"}),
    ("person", person({**CONTACT, "address.postcode": ["1234"]}, country="US"), {"person.address.us_postcode"}),
    ("person", person({**CONTACT, "address.postcode": ["1234"]}, country="NO"), set()),
    ("organisation", person(CONTACT), set()),
    ("organisation", person({}), {"organisation.empty", "organisation.no_name", "organisation.no_contact"}),
    ("organisation", person({**CONTACT, "founded": ["2030"]}, updated_at="2024"), {"organisation.founded.in_future"}),
    ("organisation", person(CONTACT, issues=PHONE_ISSUE), {"organisation.phone.invalid"}),
]


@pytest.mark.parametrize(("entity", "view", "rule_ids"), SHIPPED_CASES)
def test_the_shipped_rules_on_both_sides(entity: str, view: RecordView, rule_ids: set[str]) -> None:
    book = default_rulebook(entity)
    (found,) = by_closure(book, [view])
    assert {each.rule_id for each in found} == rule_ids
    assert by_sql(book, [view]) == [found]


def test_the_shipped_rules_reject_only_the_empty_record() -> None:
    rejecting = [each.id for entity in ("person", "organisation") for each in default_rulebook(entity).rules
                 if each.action == Action("reject")]  # fmt: skip
    assert rejecting == ["person.empty", "organisation.empty"]


def test_an_entity_type_without_shipped_rules_has_an_empty_book() -> None:
    assert default_rulebook("product") == RuleBook("product", ())
    assert by_sql(default_rulebook("product"), [person({})]) == [()]
