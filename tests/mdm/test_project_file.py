"""project.yaml: what is read out of it, and that every mistake is refused by name, line and allowed words."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdm.errors import BadProject, UnknownField
from mdm.mapping import field_key
from mdm.project_file import ProjectFile, load_project

GOOD = """\
project: acme
store: sqlite:///acme.db
sources:
  crm:
    read: data/crm.csv
    where: {system: crm, year: 007}
    record_id: customer_id
    entity: {column: record_type, values: {PERSON: person, COMPANY: organisation}, default: person}
    updated_at: modified
    country: {column: country, default: no}
    dates: {US: mdy, default: dmy}
    trust: {default: 90, email: 40}
    duplicate_free: true
    fields:
      name.given: [first, first2]
      name.family: [last, last2]
      phone: [phone, phone2]
      birth_date: dob
      tax_id.country: tax_country
      tax_id: tax_no
  web:
    read: web.csv
    record_id: id
    entity: person
    fields: {name: full_name, address: [home, work], address.unit: [null, work_unit]}
match: {review: auto, merge: 12.5}
survivorship: {address: {by: most_recent, as: unit}, email: {by: [trusted, most_recent]}}
"""


def load(folder: Path, text: str, **environ: str) -> ProjectFile:
    path = folder / "project.yaml"
    path.write_text(text, encoding="utf-8")
    return load_project(path, environ)


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(BadProject) as caught:
        load(folder, text)
    return str(caught.value)


def test_a_good_file_is_read_whole(tmp_path: Path) -> None:
    project = load(tmp_path, GOOD)
    crm, web = project.sources
    assert project.store == f"sqlite:///{tmp_path}/acme.db"
    assert list(project.entities) == ["person", "organisation"]
    assert crm.entity.values == {"person": "person", "company": "organisation"}
    assert crm.where == {"system": "crm", "year": "007"}
    assert (crm.country.column, crm.country.default) == ("country", "NO")
    assert (crm.dates.order("US"), crm.dates.order("VN"), crm.dates.order(None)) == ("mdy", "dmy", "dmy")
    assert (crm.trust.of("email"), crm.trust.of("phone"), web.trust.of("phone")) == (40, 90, 50)
    assert (crm.duplicate_free, web.duplicate_free, web.dates.default) == (True, False, "auto")
    assert (project.match.review, project.match.merge) == (None, 12.5)
    assert project.survivorship["email"].by == ("trusted", "most_recent")
    assert project.survivorship["address"].unit


def test_lists_of_one_group_zip_by_position(tmp_path: Path) -> None:
    crm, web = load(tmp_path, GOOD).sources
    slots = {m.field: m.slots for m in crm.fields["person"]}
    assert slots["name"] == ({"given": "first", "family": "last"}, {"given": "first2", "family": "last2"})
    assert slots["phone"] == ({"value": "phone"}, {"value": "phone2"})
    assert slots["tax_id"] == ({"country": "tax_country", "value": "tax_no"},)
    address = {m.field: m.slots for m in web.fields["person"]}["address"]
    assert address == ({"full": "home"}, {"full": "work", "unit": "work_unit"})


def test_one_mapping_serves_each_type_with_the_fields_it_knows(tmp_path: Path) -> None:
    fields = load(tmp_path, GOOD).sources[0].fields
    assert [m.field for m in fields["person"]] == ["name", "phone", "birth_date", "tax_id"]
    assert [m.field for m in fields["organisation"]] == ["phone", "tax_id"]


def test_fields_may_be_given_for_each_type(tmp_path: Path) -> None:
    per_type = "    fields:\n     organisation: {name: company}\n     person:\n      name.given"
    text = GOOD.replace("    fields:\n      name.given", per_type)
    fields = load(tmp_path, text).sources[0].fields
    assert [m.field for m in fields["organisation"]] == ["name"]
    assert len(fields["person"]) == 4


def test_the_environment_overrides_the_store_and_may_hold_the_password(tmp_path: Path) -> None:
    url = "postgresql://mdm:secret@db/mdm"
    assert load(tmp_path, GOOD, MDM_STORE=url).store == url
    assert load(tmp_path, GOOD.replace("store: sqlite:///acme.db\n", ""), MDM_STORE=url).store == url


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("record_id: id", "recordid: id", [":23:", "sources.web.recordid", "unknown key", "did you mean 'record_id'?"]),
        ("    record_id: id\n", "", ["sources.web.record_id", "is missing"]),
        ("entity: person", "entity: persn", ["sources.web.entity", "organisation, person", "did you mean 'person'?"]),
        ("{US: mdy,", "{US: mdx,", [":11:", "sources.crm.dates.US", "auto, mdy, dmy, ymd, jalali"]),
        ("{US: mdy,", "{USA: mdy,", ["sources.crm.dates.USA", "two letters"]),
        ("email: 40", "email: 400", [":12:", "sources.crm.trust.email", "less than or equal to 100"]),
        ("email: 40", "mail: 40", ["sources.crm.trust.mail", "did you mean 'email'?"]),
        ("phone: [phone", "phon: [phone", ["sources.crm.fields.phon", "did you mean 'phone'?"]),
        ("name.given: [", "name.gven: [", ["sources.crm.fields.name.gven", "did you mean 'name.given'?"]),
        ("  web:", "  crm:", [":21:", "sources.crm", "stands twice"]),
        ("  web:", "  we:b:", ["sources.we:b", "no colon"]),
        ("sqlite:///acme.db", "postgresql://u:pw@db/x", [":2: store", "password", "MDM_STORE"]),
        ("sqlite:///acme.db", "mysql://db/x", [":2: store", "sqlite://, postgresql://"]),
        ("store: sqlite:///acme.db\n", "", ["store", "is missing", "MDM_STORE"]),
        ("read: web.csv", "read: postgresql://u:pw@db/x", ["sources.web.read", "password"]),
        ("read: web.csv", "read: postgresql://db/x", ["sources.web.read", "`query`"]),
        ("merge: 12.5", "merge: high", ["match.merge"]),
        ("review: auto", "review: 20", ["match.review", "above merge"]),
        ("by: most_recent", "by: newest", ["survivorship.address.by", "most_recent"]),
        ("{address: {by", "{adress: {by", ["survivorship.adress", "did you mean 'address'?"]),
        ("match:", "rules: rules.yaml\nmatch:", ["rules", "no file"]),
        ("values: {PERSON: person, COMPANY: organisation}, ", "", ["sources.crm.entity", "`values`"]),
        ("COMPANY: organisation", "person: organisation", ["sources.crm.entity.values.person", "two types"]),
        ("tax_id: tax_no", "tax_id.value: tax_no\n      tax_id: tax_no", ["sources.crm.fields.tax_id", "mapped twice"]),
        ("birth_date: dob", "birth_date: []", ["sources.crm.fields.birth_date", "a column or a list of columns"]),
        ("birth_date: dob", "person: {birth_date: dob}", ["sources.crm.fields", "entity type of this source"]),
        ("project: acme", "project: [", ["not YAML"]),
        ("project: acme", "project: ''", ["project"]),
    ],
)
def test_a_mistake_is_refused_by_name(tmp_path: Path, old: str, new: str, said: list[str]) -> None:
    assert old in GOOD
    message = refusal(tmp_path, GOOD.replace(old, new))
    assert message.startswith(f"{tmp_path}/project.yaml:")
    for words in said:
        assert words in message


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just words", "a: &a [*a]", "? [a, b]\n: c\n"])
def test_what_is_no_project_is_refused(tmp_path: Path, text: str) -> None:
    assert "project.yaml:1" in refusal(tmp_path, text)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadProject, match="cannot be read"):
        load_project(tmp_path / "project.yaml")


def test_defaults_may_be_shared_by_merge_keys(tmp_path: Path) -> None:
    text = GOOD.replace("  crm:\n", "  crm: &crm\n") + "\n"
    text = text.replace("  web:\n", "  old:\n    <<: *crm\n    read: old.csv\n  web:\n")
    old = load(tmp_path, text).sources[1]
    assert (old.name, old.origin.read, old.record_id) == ("old", "old.csv", "customer_id")


@pytest.mark.parametrize(
    ("key", "expected"),
    [("name", ("name", "full")), ("phone", ("phone", "value")), ("birth_date.year", ("birth_date", "year"))],
)
def test_a_bare_field_means_the_whole(tmp_path: Path, key: str, expected: tuple[str, str]) -> None:
    assert field_key(load(tmp_path, GOOD).entities["person"], key) == expected


def test_an_unknown_part_names_the_parts(tmp_path: Path) -> None:
    with pytest.raises(UnknownField, match=r"name\.family"):
        field_key(load(tmp_path, GOOD).entities["person"], "name.surname")


@given(text=st.text(alphabet="ab:-{}[],&*'\"\n #|>", max_size=60))
def test_no_text_crashes_the_reader(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadProject):
        load_project(path, {})
