"""Rules as others take them: written text, JSON Schema for editors, data contracts out and in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.checks import CHECKS
from rules.contract import contract_of, contract_yaml, quality_of
from rules.contract_import import Target, import_contract
from rules.rulebook import Action, Condition, Rule, RuleBook, RuleBookError, Threshold
from rules.rulebook_load import default_rulebook, load_rulebooks
from rules.rulebook_schema import rulebook_schema
from rules.rulebook_write import book_text, entries_text
from rules.set_checks import SET_CHECKS
from tests.rules.rule_cases import rule

FIELDS = ["email", "phone", "name", "name.family", "birth_date", "died"]
SCHEMA = rulebook_schema({"person": FIELDS})
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

ARGS: dict[str, dict[str, Any]] = {
    "min_length": {"value": 2}, "max_length": {"value": 2}, "length_between": {"min": 1, "max": 2},
    "pattern": {"pattern": "a'b: #", "match": "search"}, "not_pattern": {"pattern": "^x$", "match": "full"},
    "in_set": {"values": ("NO", "007", "a: b", "x #y", "'", "ễ", "null", "1.50")}, "not_in_set": {"values": ("true",)},
    "in_list": {"file": "list.txt", "column": "value", "values": ("one", "two")},
    "not_in_list": {"file": "list.txt", "column": "value", "values": ("one", "two")},
    "min": {"value": 1.5}, "max": {"value": -2.0}, "between": {"min": 1.0, "max": 2.0},
    "date_min": {"value": "1900-01-01"}, "date_max": {"value": "updated_at"},
    "date_between": {"min": "1900", "max": "2000-05"}, "date_before_field": {"field": "died"},
    "equals_field": {"field": "phone"}, "not_equals_field": {"field": "phone"},
    "compare_field": {"operator": "<=", "field": "died", "by": "date"},
    "not_null": {}, "any_present": {"fields": ("phone", "name")}, "all_present": {"fields": ("phone",)},
    "required_with": {"field": "phone"}, "max_values": {"value": 3}, "has_issue": {"codes": ("x.y",)},
    "no_issue": {"codes": ("x.y", "x.z")}, "valid": {"codes": ("x.y",)},
    "unique": {"at_most": 0.015}, "unique_combination": {"fields": ("birth_date",), "at_most": 0.0},
    "share": {"of": "pattern", "pattern": "x", "match": "full", "at_least": 0.5},
    "row_count": {"min": 5, "max_drop": 0.25}, "freshness": {"within": 30},
}  # fmt: skip


def rule_of(check: str) -> Rule:
    field = "record" if check in ("row_count", "freshness") else "email"
    return Rule(f"a.{check}", field, check, ARGS[check])


EVERY = RuleBook(
    "person",
    (
        *(rule_of(check) for check in (*CHECKS, *SET_CHECKS)),
        Rule(
            "b.full",
            "name.family",
            "min_length",
            {"value": 2},
            when=(Condition("record.source", "in_set", {"values": ("crm",)}), Condition("phone", "not_null", {})),
            severity="error",
            dimension="consistency",
            action=Action("downgrade", 25),
            apply=False,
            owner="sales: north",
            description='Too "short": #1',
            threshold=Threshold(0.05, Action("flag")),
        ),
        Rule("b.stop", "email", "not_null", {}, action=Action("reject"), threshold=Threshold(0.1, Action("stop"))),
        Rule("b.rows", "record", "row_count", {"min": 10, "max": 20}, dimension="completeness", action=Action("stop")),
    ),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "list.txt").write_text("one\ntwo\n")
    return tmp_path


def read(folder: Path, text: str) -> RuleBook:
    path = folder / "rules.yaml"
    path.write_text(text, encoding="utf-8")
    return load_rulebooks(path, known={"person": FIELDS})["person"]


def by_id(book: RuleBook) -> dict[str, Rule]:
    return {each.id: each for each in book.rules}


# --- written text


def test_every_check_is_tried_here() -> None:
    assert set(ARGS) == set(CHECKS) | set(SET_CHECKS)


def test_what_is_written_reads_back_as_the_same_rules(folder: Path) -> None:
    assert read(folder, book_text([EVERY])) == EVERY


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1), min_size=1, unique=True))
@settings(max_examples=60, deadline=None)
def test_any_text_is_written_so_that_it_reads_back(tmp_path_factory: pytest.TempPathFactory, values: list[str]) -> None:
    book = RuleBook("person", (rule("in_set", values=tuple(values)),))
    assert read(tmp_path_factory.mktemp("book"), book_text([book])) == book


@pytest.mark.parametrize("entity", ["person", "organisation"])
def test_the_shipped_rules_read_back(tmp_path: Path, entity: str) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(book_text([default_rulebook(entity)]), encoding="utf-8")
    assert load_rulebooks(path)[entity] == default_rulebook(entity)


# --- JSON Schema


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_schema_takes_what_the_loader_takes(folder: Path) -> None:
    VALIDATOR.validate(yaml.safe_load(book_text([EVERY])))
    VALIDATOR.validate({"person": [{"id": "person.empty", "apply": False}]})


@pytest.mark.parametrize("entity", ["person", "organisation"])
def test_the_schema_takes_the_shipped_rules(entity: str) -> None:
    rules = default_rulebook(entity)
    known = {address for each in rules.rules for address in [each.field, *_named(each)]}
    jsonschema.validate(yaml.safe_load(book_text([rules])), rulebook_schema({entity: sorted(known)}))


def _named(each: Rule) -> list[str]:
    fields = each.args.get("fields", ())
    return [*(fields if isinstance(fields, tuple) else ()), *(part.field for part in each.when)]


@pytest.mark.parametrize(
    "entry",
    [
        "check: not_null, field: email",
        "id: a, field: email",
        "id: a, field: mail, check: not_null",
        "id: a, field: email, check: not_nul",
        "id: a, check: not_null",
        "id: a, field: email, check: not_null, args: {value: 1}",
        "id: a, field: email, check: min_length",
        "id: a, field: email, check: min_length, args: {value: -1}",
        "id: a, field: email, check: min_length, args: {valu: 1}",
        "id: a, field: email, check: pattern, args: {pattern: x, match: part}",
        "id: a, field: email, check: compare_field, args: {operator: '==', field: phone}",
        "id: a, field: email, check: not_null, action: null_out",
        "id: a, field: email, check: not_null, action: {downgrade: 0%}",
        "id: a, field: email, check: not_null, action: stop",
        "id: a, field: email, check: unique, action: reject",
        "id: a, field: email, check: unique, threshold: 5%",
        "id: a, field: email, check: not_null, threshold: 5",
        "id: a, field: email, check: not_null, severity: fatal",
        "id: a, field: email, check: not_null, when: {field: phone, check: min_length}",
        "id: a, field: email, check: not_null, when: {field: phone, check: unique}",
        "id: a, field: email, check: not_null, sevrity: error",
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(tmp_path: Path, entry: str) -> None:
    text = f"person:\n  - {{{entry}}}\n"
    assert not VALIDATOR.is_valid(yaml.safe_load(text))
    with pytest.raises(RuleBookError):
        read(tmp_path, text)


# --- data contracts


def imported(folder: Path, contract: object, target: Target | None = None) -> tuple[dict[str, Any], list[str]]:
    path = folder / "contract.yaml"
    path.write_text(contract if isinstance(contract, str) else yaml.safe_dump(contract), encoding="utf-8")
    found = import_contract(path, target or Target({"person": FIELDS}))
    return found.entries, found.notes


def test_a_contract_brings_our_rules_back_as_they_were(folder: Path) -> None:
    entries, notes = imported(folder, contract_yaml(contract_of("acme", [EVERY], {"person": FIELDS})))
    assert notes == []
    assert by_id(read(folder, entries_text(entries))) == by_id(EVERY)


def test_a_contract_has_what_the_standard_requires() -> None:
    contract = contract_of("acme", [EVERY], {"person": ["email", "website"]})
    assert {"apiVersion", "kind", "id", "version", "status"} <= contract.keys()
    (person,) = contract["schema"]
    properties = {each["name"]: each for each in person["properties"]}
    assert properties["website"] == {"name": "website", "logicalType": "string"}
    assert {each["name"] for each in person["quality"]} == {
        "a.row_count", "a.freshness", "a.unique_combination", "b.rows"
    }  # fmt: skip
    for told in [*person["quality"], *(told for each in properties.values() for told in each.get("quality", []))]:
        assert told["dimension"] in {"completeness", "conformity", "uniqueness", "consistency", "timeliness"}
        if told.get("type") == "custom":
            assert told["engine"] == "mdm"
        else:
            operators = [key for key in told if key.startswith("must")]
            assert len(operators) == 1, "the standard takes exactly one operator"


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (rule("not_null"), {"metric": "nullValues", "mustBe": 0, "unit": "rows"}),
        (
            Rule("r", "email", "not_null", {}, threshold=Threshold(0.015, Action("stop"))),
            {"metric": "nullValues", "mustBeLessOrEqualTo": 1.5, "unit": "percent"},
        ),
        (
            rule("in_set", values=("a", "b")),
            {"metric": "invalidValues", "arguments": {"validValues": ["a", "b"]}, "mustBe": 0, "unit": "rows"},
        ),
        (
            rule("pattern", pattern="a|b", match="full"),
            {"metric": "invalidValues", "arguments": {"pattern": "^(?:a|b)$"}, "mustBe": 0, "unit": "rows"},
        ),
        (rule("unique", at_most=0.0), {"metric": "duplicateValues", "mustBe": 0, "unit": "rows"}),
        (
            rule("unique_combination", fields=("birth_date",), at_most=0.0),
            {"metric": "duplicateValues", "arguments": {"properties": ["email", "birth_date"]},
             "mustBe": 0, "unit": "rows"},
        ),
        (rule("row_count", "record", min=5), {"metric": "rowCount", "mustBeGreaterOrEqualTo": 5}),
        (rule("row_count", "record", max=5), {"metric": "rowCount", "mustBeLessOrEqualTo": 5}),
        (rule("row_count", "record", min=5, max=7), {"metric": "rowCount", "mustBeBetween": [5, 7]}),
        (rule("row_count", "record", min=5, max=5), {"metric": "rowCount", "mustBe": 5}),
    ],
)  # fmt: skip
def test_what_the_library_can_say_is_said_by_it(ours: Rule, theirs: dict[str, Any]) -> None:
    told = quality_of(ours)
    spoken = {key: told[key] for key in told if key not in ("name", "severity", "dimension", "customProperties")}
    assert spoken == theirs


def test_conditions_are_beyond_the_library() -> None:
    limited = rule("not_null", when=(Condition("phone", "not_null", {}),))
    assert quality_of(limited)["type"] == "custom"


def foreign(*quality: dict[str, Any], name: str = "email", at_object: bool = False) -> dict[str, Any]:
    told = {"quality": list(quality)}
    shaped = {"name": "person"} | (told if at_object else {"properties": [{"name": name} | told]})
    return {"kind": "DataContract", "apiVersion": "v3.0.2", "schema": [shaped]}


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ({"metric": "nullValues", "mustBe": 0}, [{"check": "not_null"}]),
        ({"rule": "nullValues", "mustBe": 0}, [{"check": "not_null"}]),
        (
            {"metric": "nullValues", "mustBeLessThan": 1, "unit": "percent", "severity": "error"},
            [{"check": "not_null", "severity": "error", "threshold": "1%"}],
        ),
        (
            {"metric": "missingValues", "mustBe": 0, "arguments": {"missingValues": [None, "", "N/A"]}},
            [{"check": "not_null"}, {"check": "not_in_set", "args": {"values": ["N/A"]}, "action": "null_out"}],
        ),
        (
            {"metric": "invalidValues", "arguments": {"validValues": [1, "b"]}, "mustBeLessThan": 5, "unit": "percent"},
            [{"check": "in_set", "args": {"values": ["1", "b"]}, "threshold": {"above": "5%", "action": "flag"}}],
        ),
        (
            {"metric": "invalidValues", "arguments": {"pattern": "^[A-Z]{2}$"}, "mustBe": 0},
            [{"check": "pattern", "args": {"pattern": "^[A-Z]{2}$", "match": "search"}}],
        ),
        ({"metric": "duplicateValues", "mustBe": 0, "dimension": "uniqueness"},
         [{"check": "unique", "dimension": "uniqueness"}]),
        ({"metric": "duplicateValues", "mustBeLessThan": 1, "unit": "percent"},
         [{"check": "unique", "args": {"at_most": "1%"}}]),
    ],
)  # fmt: skip
def test_metrics_of_others_become_rules(folder: Path, theirs: dict[str, Any], ours: list[dict[str, Any]]) -> None:
    entries, notes = imported(folder, foreign(theirs))
    assert notes == []
    found = [{key: value for key, value in entry.items() if key not in ("id", "field")} for entry in entries["person"]]
    assert found == ours
    assert {entry["field"] for entry in entries["person"]} == {"email"}
    assert len(read(folder, entries_text(entries)).rules) == len(ours)


@pytest.mark.parametrize(
    ("theirs", "args"),
    [
        ({"metric": "rowCount", "mustBeBetween": [100, 120]}, {"min": 100, "max": 120}),
        ({"metric": "rowCount", "mustBe": 7}, {"min": 7, "max": 7}),
        ({"metric": "rowCount", "mustBeGreaterThan": 0}, {"min": 1}),
        ({"metric": "rowCount", "mustBeLessThan": 10}, {"max": 9}),
        ({"metric": "duplicateValues", "mustBe": 0, "arguments": {"properties": ["email", "died"]}},
         {"fields": ["died"]}),
    ],
)  # fmt: skip
def test_rules_at_the_object_are_about_records(folder: Path, theirs: dict[str, Any], args: dict[str, Any]) -> None:
    entries, _ = imported(folder, foreign(theirs, at_object=True))
    assert entries["person"][0]["args"] == args
    assert len(read(folder, entries_text(entries)).rules) == 1


@pytest.mark.parametrize(
    ("theirs", "reason"),
    [
        ({"type": "text", "description": "good"}, "person.email: text: text checks are not carried over"),
        ({"type": "sql", "query": "select 1", "mustBe": 0, "name": "q"}, "person.email: q: sql checks are not"),
        ({"type": "custom", "engine": "soda", "implementation": "x"}, "custom checks are not carried over"),
        ({"metric": "freshness", "mustBe": 0}, "metric freshness is not known here"),
        ({"metric": "nullValues", "mustBeLessThan": 5}, "a limit in rows is not carried over"),
        ({"metric": "nullValues", "mustBeGreaterThan": 5}, "only mustBe: 0, mustBeLessThan"),
        ({"metric": "invalidValues", "mustBe": 0}, "names neither validValues nor a pattern"),
        ({"metric": "invalidValues", "mustBe": 0, "arguments": {"pattern": "(?=x)"}}, "no look-around"),
    ],
)
def test_what_cannot_be_carried_over_is_told(folder: Path, theirs: dict[str, Any], reason: str) -> None:
    entries, (note,) = imported(folder, foreign(theirs))
    assert entries == {}
    assert reason in note


def test_properties_may_be_columns_of_a_source(folder: Path) -> None:
    contract = foreign({"metric": "nullValues", "mustBe": 0, "name": "Mail there!"}, name="mail")
    assert "no field for property 'mail'" in imported(folder, contract)[1][0]
    target = Target({"person": FIELDS}, {"mail": "email"}, source="crm")
    ((entry,),) = imported(folder, contract, target)[0].values()
    assert (entry["id"], entry["field"]) == ("mail_there", "email")
    assert entry["when"] == [{"field": "record.source", "check": "in_set", "args": {"values": ["crm"]}}]


def test_objects_of_no_entity_type_are_told_or_named(folder: Path) -> None:
    contract = foreign({"metric": "nullValues", "mustBe": 0})
    contract["schema"][0]["name"] = "customers"
    assert "object customers: no entity type" in imported(folder, contract)[1][0]
    entries, notes = imported(folder, contract, Target({"person": FIELDS}, entity="person"))
    assert (list(entries), notes) == (["person"], [])


@pytest.mark.parametrize(
    ("text", "message"),
    [("a: [", "not YAML"), ("kind: Pod\n", "no data contract"), ("kind: DataContract\napiVersion: v2.2.0\n", "v2.2.0")],
)
def test_what_is_no_contract_of_version_3_is_refused(folder: Path, text: str, message: str) -> None:
    with pytest.raises(RuleBookError, match=message):
        imported(folder, text)


HEADER = {"apiVersion": "v3.0.2", "kind": "DataContract"}


@pytest.mark.parametrize(
    ("former", "today"),
    [
        ({"rule": "nullCheck"}, {"metric": "nullValues", "mustBe": 0}),
        ({"rule": "nullCheck", "mustBe": 0}, {"metric": "nullValues", "mustBe": 0}),
        ({"rule": "duplicateCount", "mustBe": 0}, {"metric": "duplicateValues", "mustBe": 0}),
        (
            {"rule": "validValues", "validValues": ["a", "b"]},
            {"metric": "invalidValues", "arguments": {"validValues": ["a", "b"]}, "mustBe": 0},
        ),
    ],
)
def test_rules_of_version_3_0_are_read_as_the_metrics_of_3_1(
    tmp_path: Path, former: dict[str, Any], today: dict[str, Any]
) -> None:
    def read_one(told: dict[str, Any]) -> list[dict[str, Any]]:
        properties = [{"name": "email", "quality": [told]}]
        entries, notes = imported(tmp_path, {**HEADER, "schema": [{"name": "person", "properties": properties}]})
        assert notes == []
        return [{key: value for key, value in entry.items() if key != "id"} for entry in entries["person"]]

    assert read_one(former) == read_one(today)
