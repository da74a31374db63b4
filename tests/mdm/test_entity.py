"""Entity files: the shipped ones load whole; a bad one is refused with file, key and the words allowed there."""

from __future__ import annotations

from pathlib import Path

import pytest

from mdm.engine.levels import Otherwise, features_of
from mdm.engine.policy import EntityType
from mdm.entity import BUILT_IN, load_entity, parse_entity
from mdm.errors import BadProject
from rules.kinds import KINDS

SMALL = """\
entity: person
fields:
  name: {kind: person_name, pii: high}
  birth_date: {kind: date, pii: high}
  phone: {kind: phone, pii: high, multiple: true}
features:
  family: {from: name.family}
  days: {from: birth_date.days, many: true, number: true}
  phones: {from: phone.number, many: true}
let:
  reached: share_any(phones)
gates:
  household: reached
comparisons:
  - name: family
    show: [name.family]
    unknown: missing(family)
    gate: household
    levels:
      - {name: same, when: exact(family), m: 0.9, u: 0.01, u_gated: 0.5, rarity: family}
      - {name: different, when: else, m: 0.1, u: 0.99}
keys:
  phone: [phones]
  name: ["family[:4]", days]
survivorship:
  default: {by: [trusted]}
  name: {by: [most_recent], as: unit}
"""


@pytest.mark.parametrize("name", BUILT_IN)
def test_shipped_entity_types_are_whole(name: str) -> None:
    entity = load_entity(name)
    assert entity.name == name
    levels = [level for c in entity.comparisons for level in (c.unknown, *(v.when for v in c.levels))]
    used = {feature for level in levels for feature in features_of(level)}
    assert used | {feature for key in entity.keys for feature, _ in key.on} <= set(entity.features)
    assert entity.identifying


@pytest.mark.parametrize("name", BUILT_IN)
def test_what_shipped_comparisons_show_is_a_field_or_a_part_of_one(name: str) -> None:
    entity = load_entity(name)
    for shown in {shown for comparison in entity.comparisons for shown in comparison.show}:
        field, _, part = shown.partition(".")
        assert field in entity.fields
        assert not part or part in KINDS[entity.fields[field].kind].clean


@pytest.mark.parametrize("name", BUILT_IN)
def test_shares_of_shipped_comparisons_add_up(name: str) -> None:
    """m and u of a comparison are shares of one whole, give or take what `else` leaves out."""
    for comparison in load_entity(name).comparisons:
        for share in ("m", "u", "u_gated"):
            if share != "u_gated" or comparison.gate is not None:
                total = sum(getattr(level, share) for level in comparison.levels)
                assert 0.85 <= total <= 1.2, f"{comparison.name}: {share} add up to {total}"


def small(**changed: str) -> EntityType:
    text = SMALL
    for old, new in changed.items():
        text = text.replace(old, new)
    return parse_entity(text, "person.yaml")


def test_a_file_is_read_as_written() -> None:
    entity = small()
    assert entity.features["days"].sources == (("birth_date", "days"),)
    (family,) = entity.comparisons
    assert (family.levels[0].u_gated, family.levels[1].u_gated) == (0.5, 0.99)
    assert isinstance(family.levels[-1].when, Otherwise)
    assert features_of(entity.gates["household"]) == {"phones"}
    assert [key.on for key in entity.keys] == [(("phones", None),), (("family", 4), ("days", None))]
    assert (entity.survivorship["name"].unit, entity.default_survivorship.unit) == (True, False)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("kind: phone", "kind: telephone", ["fields.phone.kind", "'telephone'", "known: ", "phone"]),
        ("pii: high, multiple", "pii: secret, multiple", ["fields.phone.pii", "'high', 'low' or 'none'"]),
        ("multiple: true", "several: true", ["fields.phone.several", "not permitted"]),
        ("from: name.family", "from: nome.family", ["features.family", "'nome'", "known: name, birth_date, phone"]),
        ("from: name.family", "from: name.clan", ["features.family", "'clan'", "known: given, middle, family"]),
        ("share_any(phones)", "share_any(fones)", ["gates.household", "'fones'", "known: family, days, phones"]),
        ("share_any(phones)", "share_some(phones)", ["gates.household", "'share_some'", "known: all, any, not"]),
        ("exact(family)", "share_any(family)", ["comparisons.family.same", "many: true", "'family'"]),
        ("exact(family)", "levenshtein(days) <= 1", ["comparisons.family.same", "'days'"]),
        ("exact(family)", "within(family) <= 1", ["comparisons.family.same", "'family'"]),
        ("m: 0.9", "m: 1.9", ["comparisons.0.levels.0.m", "less than 1"]),
        ("gate: household", "gate: home", ["comparisons.family.gate", "'home'", "known: household"]),
        ("when: else", "when: missing(days)", ["comparisons.family", "the last level must be 'else'"]),
        ('"family[:4]"', "surname", ["keys", "'surname'", "known: family, days, phones"]),
        ("by: [trusted]", "by: [newest]", ["survivorship.default", "'newest'", "known: trusted, most_recent"]),
        ("  default: {by: [trusted]}\n", "", ["survivorship", "default"]),
        ("  name: {by: [most", "  nome: {by: [most", ["survivorship", "'nome'", "known: default, name"]),
        (
            "show: [name.family]",
            "show: [nome.family]",
            ["comparisons.family.show", "'nome'", "known: name, birth_date"],
        ),
        ("rarity: family", "rarity: surname", ["comparisons.family.same.rarity", "'surname'", "known: family, days"]),
        ("keys:\n", "identifying: [fax]\nkeys:\n", ["identifying", "'fax'", "known: name, birth_date, phone"]),
        ("reached: share_any(phones)", "reached: any(reached)", ["let.reached", "reached -> reached goes round"]),
        ("entity: person", "entity: [person", ["not readable as YAML"]),
    ],
)
def test_a_bad_file_is_refused_with_the_key_and_the_words(old: str, new: str, says: list[str]) -> None:
    assert old in SMALL
    with pytest.raises(BadProject) as refused:
        parse_entity(SMALL.replace(old, new, 1), "person.yaml")
    message = str(refused.value)
    assert message.startswith("person.yaml: ")
    assert [words for words in says if words not in message] == []


def test_a_project_replaces_a_shipped_type_and_adds_its_own(tmp_path: Path) -> None:
    (tmp_path / "person.yaml").write_text(SMALL)
    (tmp_path / "household.yaml").write_text(SMALL.replace("entity: person", "entity: household"))
    assert set(load_entity("person", tmp_path).fields) == {"name", "birth_date", "phone"}
    assert load_entity("household", tmp_path).name == "household"
    assert load_entity("organisation", tmp_path) == load_entity("organisation")


def test_an_unknown_type_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadProject, match="unknown entity type 'animal'; known: person, organisation"):
        load_entity("animal")
