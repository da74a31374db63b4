"""Ranking: with the bits that the shipped entity file expects, the better of two candidates scores higher."""

from __future__ import annotations

from typing import Any

import pytest

from mdm.engine.features import make_features, plan_features
from mdm.engine.policy import ComparisonPolicy
from mdm.engine.release import Comparison, FeatureShape, Gate, LevelWeight, Rarity, Release, to_units
from mdm.engine.score import UNKNOWN, Score, make_scorer
from mdm.entity import load_entity
from rules.kinds import KINDS
from rules.outcome import Context

PERSON = load_entity("person")
PLAN = plan_features(PERSON)
Row = dict[str, str | None]
BASE: Row = {
    "name.given": "Jonathan",
    "name.family": "Smithson",
    "birth_date.value": "1980-02-03",
    "phone.value": "(312) 555-0142",
    "email.value": "jon.smithson@example.com",
    "address.line1": "12 Maple Street",
    "address.city": "Chicago",
    "address.postcode": "60614",
    "national_id.value": None,
}

# What a call centre knows: no way to reach anybody, so names and dates speak alone.
NO_CONTACT: Row = dict.fromkeys(("phone.value", "email.value", "address.line1", "address.city", "address.postcode"))


def expected(policy: ComparisonPolicy) -> Comparison:
    """A comparison that weighs as the entity file says before any data speaks."""
    levels = tuple(LevelWeight(v.name, v.when, v.m, v.u, v.rarity) for v in policy.levels)
    gated = tuple(LevelWeight(v.name, v.when, v.m, v.u_gated) for v in policy.levels)
    gate = None if policy.gate is None else Gate(policy.gate, PERSON.gates[policy.gate], gated)
    return Comparison(policy.name, policy.show, policy.unknown, levels, gate)


EXPECTED = tuple(expected(policy) for policy in PERSON.comparisons)
SCORER = make_scorer(
    Release(
        release_id="expected",
        entity="person",
        records=1000,
        prior=0.001,
        features={n: FeatureShape(f.many, f.number) for n, f in PERSON.features.items()},
        comparisons=EXPECTED,
        rarities={
            level.rarity: Rarity({"smith": 0.02, "john": 0.02, "chicago": 0.02}, 0.0005)
            for policy in PERSON.comparisons
            for level in policy.levels
            if level.rarity
        },
        keys=(),
        cap=100,
        review=0.0,
        merge=4.0,
    )
)


def features(row: Row) -> dict[str, Any]:
    """The features of a row whose columns are named as field inputs."""
    raw: dict[str, dict[str, str]] = {}
    for column, value in row.items():
        field, _, part = column.partition(".")
        if value is not None:
            raw.setdefault(field, {})[part] = value
    return make_features({field: claims(field, parts) for field, parts in raw.items()}, PLAN)


def claims(field: str, raw: dict[str, str]) -> list[dict[str, Any]]:
    policy = PERSON.fields[field]
    outcomes = KINDS[policy.kind].standardise(raw, Context("US", "auto", None), policy.options)
    return [{"clean": o.clean, "compare": o.compare, "issues": o.issues, "trust": 50} for o in outcomes]


def score(row: Row, other: Row) -> Score:
    return SCORER.score(features(row), features(other))


@pytest.mark.parametrize(
    ("reason", "better", "worse"),
    [
        ("a nickname beats another name", {"name.given": "Jon"}, {"name.given": "Peter"}),
        ("an initial beats another name", {"name.given": "J."}, {"name.given": "Peter"}),
        ("unknown beats contradicted: phone", {"phone.value": None}, {"phone.value": "(617) 555-0199"}),
        ("unknown beats contradicted: birth", {"birth_date.value": None}, {"birth_date.value": "1951-11-30"}),
        ("unknown beats contradicted: email", {"email.value": None}, {"email.value": "peter.pan@example.org"}),
        ("a mistyped phone beats another", {"phone.value": "(312) 555-0143"}, {"phone.value": "(617) 867-5309"}),
        ("a mistyped birth date beats another", {"birth_date.value": "1980-02-08"}, {"birth_date.value": "1951-11-30"}),
        ("the same birth date beats a mistyped one", {}, {"birth_date.value": "1980-02-08"}),
        (
            "names in the wrong columns beat other names",
            {"name.given": "Smithson", "name.family": "Jonathan"},
            {"name.given": "Peter", "name.family": "Kowalski"},
        ),
        (
            "somebody who moved beats a relative at home",
            {"address.line1": "9 Elm Road", "address.city": "Provo", "address.postcode": "84604"},
            {"name.given": "Mary", "birth_date.value": "1982-07-19", "email.value": "mary@example.com"},
        ),
        (
            "a mistyped email beats another",
            {"email.value": "jon.smithsn@example.com"},
            {"email.value": "peter.pan@example.org"},
        ),
    ],
)
def test_ranking(reason: str, better: Row, worse: Row) -> None:
    assert score(BASE, BASE | better).units > score(BASE, BASE | worse).units, reason


@pytest.mark.parametrize(
    ("reason", "better", "worse"),
    [
        ("an exact family name beats another", {}, {"name.family": "Kowalski"}),
        ("a similar family name beats another", {"name.family": "Smithsen"}, {"name.family": "Kowalski"}),
        ("an exact given name beats a nickname", {}, {"name.given": "Jon"}),
        ("a nickname beats an initial", {"name.given": "Jon"}, {"name.given": "J."}),
        ("a mistyped given name beats a somewhat similar one", {"name.given": "Jonathen"}, {"name.given": "Johanna"}),
        ("a mistyped given name beats another one", {"name.given": "Jonthan"}, {"name.given": "Johanna"}),
        ("an unknown given name beats that of a twin", {"name.given": None}, {"name.given": "Joanna"}),
        ("an unknown family name beats another", {"name.family": None}, {"name.family": "Kowalski"}),
        ("another year beats another date", {"birth_date.value": "1978-02-03"}, {"birth_date.value": "1951-11-30"}),
    ],
)
def test_ranking_by_name_and_birth_alone(reason: str, better: Row, worse: Row) -> None:
    base = BASE | NO_CONTACT
    assert score(base, base | better).units > score(base, base | worse).units, reason


@pytest.mark.parametrize(
    ("reason", "other", "is_match"),
    [
        ("the same row", {}, True),
        ("another phone and address", {"phone.value": "(617) 555-0199", "address.line1": "9 Elm Road"}, True),
        ("a wife", {"name.given": "Mary", "birth_date.value": "1982-07-19", "email.value": None}, False),
        (
            "a namesake far away",
            {
                "birth_date.value": "1951-11-30",
                "phone.value": "(617) 867-5309",
                "email.value": "js@example.org",
                "address.line1": "9 Elm Road",
                "address.city": "Provo",
                "address.postcode": "84604",
            },
            False,
        ),
    ],
)
def test_expected_bits_tell_matches_from_others(reason: str, other: Row, is_match: bool) -> None:
    assert (score(BASE, BASE | other).bits > 0) == is_match, reason


def test_a_rare_name_says_more_than_a_common_one() -> None:
    smith: Row = {"name.family": "Smith"}
    rare: Row = {"name.family": "Quillfeather"}
    base = BASE | NO_CONTACT
    assert score(base | rare, base | rare).units > score(base | smith, base | smith).units


TWINS: Row = {"name.family": "Quillfeather", "birth_date.value": "1980-02-03"}


@pytest.mark.parametrize(
    ("reason", "given", "other", "bits"),
    [
        ("two names that people have are two people", "Carla", "Carlene", -4.0),
        ("so are names of the two sexes, however similar", "Carl", "Carla", -5.0),
        ("one name in two spellings is not two", "Cathy", "Kathy", 0.0),
        ("nor are names that sound alike", "Marie", "Mary", 0.0),
        ("nor is a nickname", "Bob", "Robert", 0.0),
        ("nor a letter too many at the end", "Carlene", "Carlenes", 0.0),
        ("nor what nobody is called: it is a slip", "Carla", "Crala", 0.0),
    ],
)
def test_twins_are_told_by_names_that_people_have(reason: str, given: str, other: str, bits: float) -> None:
    """Birth date and family name are equal; the sign of the evidence of the given names decides."""
    weighed = score(TWINS | {"name.given": given}, TWINS | {"name.given": other})
    (units,) = (e.units for e in weighed.evidence if e.comparison == "given")
    assert units <= to_units(bits) if bits < 0 else units > 0, reason


def test_a_name_that_begins_with_the_other_may_be_its_long_form() -> None:
    short, other = (score(TWINS | {"name.given": "Ali"}, TWINS | {"name.given": g}) for g in ("Ali Akbar", "Hassan"))
    assert short.units > other.units


def test_father_and_son_of_one_name_are_told_by_their_generation() -> None:
    at_home: Row = BASE | {"birth_date.value": None, "email.value": None}
    junior, senior = (score(at_home | {"name.suffix": "Jr"}, at_home | {"name.suffix": s}) for s in ("Jr", "Sr"))
    assert junior.bits > 0 > senior.bits


def test_a_mailbox_under_another_given_name_is_the_familys() -> None:
    wife: Row = {"name.given": "Mary", "birth_date.value": None}
    (units,) = (e.units for e in score(BASE, BASE | wife).evidence if e.comparison == "email")
    (own,) = (e.units for e in score(BASE, BASE).evidence if e.comparison == "email")
    assert units < own
    assert score(BASE, BASE | wife).bits < 0


def test_a_place_few_live_in_says_more_than_a_large_one() -> None:
    town: Row = NO_CONTACT | {"address.city": "Michigantown"}
    city: Row = NO_CONTACT | {"address.city": "Chicago"}
    assert score(BASE | town, BASE | town).units > score(BASE | city, BASE | city).units


def test_a_city_alone_is_no_similar_address() -> None:
    """A record that knows its city only holds no word that a full address in that city does not."""
    evidence = score(BASE, BASE | {"phone.value": None, "address.line1": None, "address.postcode": None}).evidence
    levels = {e.comparison: e.level for e in evidence}
    names = {c.name: [level.name for level in c.every] for c in EXPECTED}
    assert names["household"][levels["household"]] == "family"
    assert names["place"][levels["place"]] == "same city"


def test_a_relative_at_the_same_phone_needs_more_than_one_elsewhere() -> None:
    """Under the household gate the same birth date weighs less: twins share it."""
    twin: Row = {"name.given": "Peter"}
    far: Row = {"phone.value": None, "address.line1": None}
    at_home = {e.comparison: e.units for e in score(BASE, BASE | twin).evidence}
    elsewhere = {e.comparison: e.units for e in score(BASE, BASE | twin | far).evidence}
    assert at_home["birth_date"] < elsewhere["birth_date"]


def test_missing_values_say_nothing_and_the_evidence_adds_up() -> None:
    result = score(BASE, {"name.family": "Smithson"})
    unknown = {e.comparison for e in result.evidence if e.level == UNKNOWN}
    assert {"birth_date", "email", "national_id", "phone"} <= unknown
    assert all(e.units == 0 for e in result.evidence if e.level == UNKNOWN)
    assert result.units == SCORER.prior_units + sum(e.units for e in result.evidence)


def test_a_score_is_symmetric() -> None:
    changed: Row = {"name.given": "Jon", "phone.value": "(312) 555-0143"}
    other = BASE | changed
    assert score(BASE, other) == score(other, BASE)


def test_the_probability_follows_the_bits() -> None:
    assert Score(0, ()).probability == 0.5
    assert Score(1 << 20, ()).probability == pytest.approx(2 / 3)
