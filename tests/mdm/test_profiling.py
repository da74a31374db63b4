"""`mdm profile` on invented files: what it finds, proposes and shows; an accepted proposal links nobody."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from mdm import Project, learning
from mdm.cli.main import main
from mdm.engine.shared import classify
from mdm.guess import write_project
from mdm.policy import load_policy
from mdm.profiling import profile_files, profile_project
from mdm.profiling.page import render_profile
from mdm.profiling.report import FieldProfile, ProfileReport
from mdm.reports import to_json
from mdm.store import records
from rules.rulebook_load import load_rulebooks

GIVEN = ("Ann", "Jon", "Mary", "Olga", "Peter", "Thúy", "رضا", "محمد", "Sara", "Tom")
FAMILY = ("Smith", "Nguyễn", "Poole", "محمدی", "Brandt", "Quist", "Okafor", "Rossi", "Novak", "Silva")
CLINIC = "(312) 867-5300"
COLUMNS = ("id", "first_name", "last_name", "phone", "email", "birth_date", "street", "city", "modified")


def people(chance: random.Random, count: int) -> Iterator[tuple[object, ...]]:
    """Rows with planted birth dates and phones; a tenth of the people go to one clinic, which gave its number."""
    for number in range(count):
        given, family = chance.choice(GIVEN), chance.choice(FAMILY)
        phone = f"312-{chance.randint(200, 999)}-{chance.randint(0, 9999):04}"
        if number % 20 == 0:
            phone = CLINIC if number % 40 else CLINIC.replace("(", "").replace(") ", "-")
        born = f"{chance.randint(1, 12):02}/{chance.randint(1, 28):02}/{chance.randint(1940, 2004)}"
        born = "11/11/1911" if number % 12 == 0 else "01/01/1900" if number % 50 == 1 else born
        email = f"person{number}@example.org" if number % 3 else ""
        yield number, given, family, phone, email, born, f"{number} Elm St", "Chicago", f"2025-0{1 + number % 9}-10"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    with (folder / "crm.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(people(random.Random(5), 1200))
    return folder


@pytest.fixture(scope="module")
def report(folder: Path) -> ProfileReport:
    return profile_files([folder / "crm.csv"])


def field(report: ProfileReport, name: str) -> FieldProfile:
    return next(each for source in report.sources for each in source.fields if each.field == name)


def test_a_bare_file_is_profiled_as_init_would_read_it(report: ProfileReport) -> None:
    (source,) = report.sources
    assert (source.source, source.entity, source.rows, source.repeated) == ("crm", "person", 1200, 0)
    assert (source.oldest, source.newest) == ("2025-01-10", "2025-09-10")
    assert field(report, "name.family").columns == ("last_name",)
    assert field(report, "email").filled == 800
    assert field(report, "email").fill == pytest.approx(2 / 3)


def test_planted_values_are_found_in_their_clean_form(report: ProfileReport) -> None:
    assert [(spike.value, spike.count) for spike in field(report, "phone").spikes] == [("+13128675300", 60)]
    assert [(spike.value, spike.count) for spike in field(report, "birth_date").spikes] == [("1911-11-11", 100)]
    # 1900-01-01 counts as unknown without any rule; common names are no placeholders.
    assert field(report, "birth_date").unknown == 24
    assert field(report, "name").spikes == ()


def test_contacts_of_many_people_are_told_from_those_of_one(report: ProfileReport) -> None:
    contacts = field(report, "phone").contacts
    assert contacts is not None
    assert [shared.value for shared in contacts.examples] == [CLINIC, "312-867-5300"]
    assert all(shared.families >= 5 for shared in contacts.examples)
    assert any("shared by many people" in note for note in report.notes)


@pytest.mark.parametrize(
    ("held_by", "use"),
    [
        ([("smith", "ann")] * 9, "personal"),
        ([("smith", "ann"), ("smyth", "ann"), ("smit", "ann"), ("schmidt", "ann"), ("smiht", "ann")], "personal"),
        ([("smith", "ann"), ("smith", "jon")], "household"),
        ([("smith", str(number)) for number in range(9)], "household"),
        ([(str(number), str(number)) for number in range(4)], "household"),
        ([(str(number), str(number)) for number in range(5)], "shared"),
        ([(None, None)], "personal"),
    ],
)
def test_uses_of_a_contact(held_by: list[tuple[str | None, str | None]], use: str) -> None:
    assert classify(held_by) == use


def test_the_order_of_dates_is_held_against_the_declared_one(folder: Path, tmp_path: Path) -> None:
    path = write_project(tmp_path / "p", [folder / "crm.csv"])
    path.write_text(path.read_text().replace("dates: mdy", "dates: dmy"))
    found = profile_project(load_policy(path))
    (order,) = field(found, "birth_date").dates
    assert (order.declared, order.found, order.contradicts) == ("dmy", "mdy", True)
    assert "crm: birth_date in US is declared dmy, and its dates say mdy: correct `dates`" in found.notes


def test_the_proposed_rules_can_be_pasted(report: ProfileReport, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(report.rules, encoding="utf-8")
    rules = {rule.id: rule for rule in load_rulebooks(tmp_path / "rules.yaml")["person"].rules}
    assert rules["crm.phone.planted"].args == {"values": ("+13128675300",)}
    assert rules["crm.name.filled"].args == {"of": "not_null", "at_least": 0.98}


def test_an_accepted_value_counts_as_unknown_and_links_nobody(
    folder: Path, report: ProfileReport, tmp_path: Path
) -> None:
    path = write_project(tmp_path / "p", [folder / "crm.csv"])
    path.write_text(path.read_text().replace("# rules: rules.yaml", "rules: rules.yaml"))
    (path.parent / "rules.yaml").write_text(report.rules, encoding="utf-8")
    again = profile_project(load_policy(path))
    assert field(again, "phone").spikes == ()
    assert field(again, "phone").unknown == 60
    project = Project.open(path)
    project.run()
    with project.store() as store, store.reading() as connection:
        features = [text for batch in records.scan(connection, ["features"]) for text in batch["features"].to_pylist()]
    assert not any("13128675300" in text or "19111111" in text for text in features)
    assert sum('"phones"' in text for text in features) == 1140


def test_a_contact_of_many_people_links_nobody(folder: Path, tmp_path: Path) -> None:
    project = Project.open(write_project(tmp_path / "p", [folder / "crm.csv"]))
    project.run()
    with project.store() as store, store.reading() as connection:
        release = learning.active_release(connection, "person")
        names = ["record_id", "eid", "features"]
        stored = [row for batch in records.scan(connection, names) for row in batch.to_pylist()]
    assert release is not None
    assert release.shared["phones"] == ("13128675300",)
    assert any("phones: 1 value is shared by many people" in note for note in release.notes)
    patients = [row for row in stored if "13128675300" in row["features"]]
    assert len(patients) == 60
    assert len({row["eid"] for row in patients}) == 60
    one, other = (f"crm:{row['record_id']}" for row in patients[:2])
    explanation = project.explain(one, other)
    assert "phones: a value in common, shared by many people: it says nothing" in explanation.notes
    told = {line.comparison: line for line in explanation.evidence}
    assert told["phone"].bits == 0
    assert "phone" not in told["household"].level


def test_the_page_is_self_contained_and_writes_each_text_in_its_direction(report: ProfileReport) -> None:
    page = render_profile(report)
    assert "<script" not in page
    assert "http" not in page
    assert "<svg" in page and "prefers-color-scheme: dark" in page
    assert '<span class="text" dir="auto">محمدی</span>' in page
    assert "1911-11-11" in page and "crm.phone.planted" in page


def test_data_cannot_write_into_the_page(tmp_path: Path) -> None:
    hostile = tmp_path / "<b>x.csv"
    hostile.write_text("id,first_name,email\n1,<script>alert(1)</script>,a@example.org\n2,Ann,b@example.org\n")
    page = render_profile(profile_files([hostile]))
    assert "<script" not in page and "<b>" not in page
    assert "&lt;script&gt;" in page


def test_the_command_prints_tables_json_pages_and_rules(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, rules = tmp_path / "p.html", tmp_path / "r.yaml"
    assert main(["profile", str(folder / "crm.csv"), "--html", str(page), "--rules", str(rules)]) == 0
    out = capsys.readouterr().out
    assert "crm (person): 1,200 rows, 2025-01-10 to 2025-09-10" in out
    assert "planted: 1911-11-11 (100)" in out
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert "crm.birth_date.planted" in rules.read_text(encoding="utf-8")
    path = write_project(tmp_path / "p", [folder / "crm.csv"])
    assert main(["profile", "-p", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sources"][0]["rows"] == 1200
    assert main(["profile", "-p", str(path), "--html", str(tmp_path / "no" / "p.html")]) == 2
    assert "cannot write the page" in capsys.readouterr().err


def test_a_report_is_json(report: ProfileReport) -> None:
    assert json.loads(to_json(report))["sources"][0]["fields"][0]["field"] == "name"
