"""A delivery is refused whole, and nothing of it written, when too much of it is wrong; else it is said what was."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from mdm import Project
from mdm.errors import BadSource, Breaker, MdmError
from mdm.intake import FEW_ROWS, Intake
from mdm.project_file import load_project
from mdm.reports import RunReport
from tests.mdm.small_project import PERSON
from tests.mdm.stores import contents

PROJECT = """\
project: acme
store: sqlite:///acme.db
sources:
  crm:
    read: crm*.csv
    record_id: id
    entity: person
    KEY
    fields: {name.full: name, phone: phone, email: email}
"""


def project(folder: Path, key: str = "country: US") -> Path:
    (folder / "entities").mkdir(exist_ok=True)
    (folder / "entities" / "person.yaml").write_text(PERSON)
    (folder / "project.yaml").write_text(PROJECT.replace("KEY", key))
    return folder / "project.yaml"


def run(folder: Path, rows: Sequence[str], key: str = "country: US", name: str = "crm.csv") -> RunReport:
    (folder / name).write_text("\n".join(["id,name,phone,email", *rows]) + "\n")
    return Project.open(project(folder, key)).run(retrain=False)


def people(count: int, first: int = 1) -> list[str]:
    return [f"{n},Ann Lee {n},(312) 555-{n:04d},ann{n}@example.com" for n in range(first, first + count)]


@pytest.mark.parametrize(
    ("good", "bad", "key", "passes"),
    [
        (95, 5, "max_rejected: 5%", True),
        (94, 6, "max_rejected: 5%", False),
        (94, 6, "max_rejected: 0.06", True),
        (9, 1, "max_rejected: 5%", False),
        (9, 1, "max_rejected: 0", False),
        (0, 3, "max_rejected: 100%", True),
        (1, FEW_ROWS, "country: US", True),
        (1, FEW_ROWS + 1, "country: US", False),
        (600, 30, "country: US", True),
        (500, 30, "country: US", False),
    ],
)
def test_more_rejected_rows_than_allowed_refuse_the_delivery(
    tmp_path: Path, good: int, bad: int, key: str, passes: bool
) -> None:
    rows = [*people(good), *["too,short"] * bad]
    if passes:
        report = run(tmp_path, rows, key)
        assert (report.records.get("crm", 0), report.quarantined) == (good, bad)
        first = f"set aside, the first: {tmp_path}/crm.csv line {good + 2}: expected 4 columns, found 2"
        assert any(note.endswith(first) for note in report.notes)
    else:
        with pytest.raises(Breaker) as caught:
            run(tmp_path, rows, key)
        for words in (
            f"crm.csv line {good + 2}: expected 4 columns",
            "nothing was written",
            "sources.crm.max_rejected",
        ):
            assert words in str(caught.value)
        assert contents(tmp_path) == {"record": 0, "quarantined_row": 0, "golden": 0, "run": 1}


SHARED = """\
project: acme
store: sqlite:///acme.db
sources:
  big: {read: crm.csv, where: {system: big}, record_id: id, entity: person, fields: {name.full: name}}
  small: {read: crm.csv, where: {system: small}, record_id: id, entity: person, fields: {name.full: name}}
"""


@pytest.mark.parametrize(("broken", "passes"), [(30, True), (60, False)])
def test_rows_too_broken_to_tell_are_held_against_all_sources_of_the_file(
    tmp_path: Path, broken: int, passes: bool
) -> None:
    rows = [f"{'small' if n < 10 else 'big'},{n},Ann Lee" for n in range(1_000)]
    (tmp_path / "crm.csv").write_text("\n".join(["system,id,name", *rows, *["x,y"] * broken]) + "\n")
    (tmp_path / "project.yaml").write_text(SHARED)
    intake = Intake(load_project(tmp_path / "project.yaml", {}))
    list(intake.batches())
    shares = [intake.share_over_limit(spec) for spec in intake.project.sources]
    assert shares == ([None, None] if passes else [pytest.approx(60 / 1060)] * 2)


def test_the_guard_of_rejected_rows_can_be_set_aside(tmp_path: Path) -> None:
    with pytest.raises(Breaker, match="--allow rejected"):
        run(tmp_path, [*people(2), *["too,short"] * 30])
    report = Project.open(tmp_path / "project.yaml").run(retrain=False, allow={"rejected"})
    assert (report.records, report.quarantined) == ({"crm": 2}, 30)


def test_what_rules_reject_counts_where_a_share_is_stated(tmp_path: Path) -> None:
    rows = [*people(20), *(f"{n},,," for n in range(100, 110))]
    with pytest.raises(Breaker, match=r"33\.3% of the rows were rejected, more than max_rejected: 10%"):
        run(tmp_path, rows, "max_rejected: 10%")
    assert run(tmp_path, rows).quarantined == 10


A, B = "1,Ann Lee,(312) 555-0142,ann@example.com", "1,Ann Fox,(312) 555-0143,ann@example.com"


@pytest.mark.parametrize(
    ("before", "rows", "lines"),
    [
        ([], [A, B], (2, 3)),
        ([], [A, A, B], (2, 4)),
        ([], [A, "2,Bob,,", B], (2, 4)),
        ([A], [A, B], (2, 3)),
        ([A], [B, A], (2, 3)),
        ([A], [A, B, B], (2, 3)),
        ([B], [A, A, B], (2, 4)),
    ],
)
def test_two_versions_of_a_record_are_refused_with_both_lines(
    tmp_path: Path, before: list[str], rows: list[str], lines: tuple[int, int]
) -> None:
    stored = contents(tmp_path) if not before else (run(tmp_path, before), contents(tmp_path))[1]
    with pytest.raises(BadSource) as caught:
        run(tmp_path, rows)
    assert (
        f"crm:1 stands twice with different content, {tmp_path}/crm.csv line {lines[0]} and line {lines[1]}; "
        in str(caught.value)
    )
    assert "`on_duplicate: latest` under sources.crm" in str(caught.value)
    assert contents(tmp_path) == {**stored, "run": stored["run"] + 1}


def test_two_versions_may_stand_in_two_files(tmp_path: Path) -> None:
    (tmp_path / "crm2.csv").write_text(f"id,name,phone,email\n{B}\n")
    with pytest.raises(BadSource, match=rf"{tmp_path}/crm\.csv line 2 and {tmp_path}/crm2\.csv line 2;"):
        run(tmp_path, [A])


@pytest.mark.parametrize(
    ("before", "rows"),
    [([], [A, A]), ([A], [A, A]), ([B], [A, A]), ([A], [A, A, A]), ([B], [B, B])],
)
def test_rows_that_repeat_each_other_exactly_are_harmless(tmp_path: Path, before: list[str], rows: list[str]) -> None:
    if before:
        run(tmp_path, before)
    report = run(tmp_path, rows)
    assert report.records == {"crm": 1}
    assert any(f"{len(rows) - 1} row" in note and "repeat" in note for note in report.notes)


@pytest.mark.parametrize(
    ("rows", "phone"),
    [([A, B], "+13125550143"), ([B, A], "+13125550142")],
)
def test_the_latest_stands_where_that_is_asked_for(tmp_path: Path, rows: list[str], phone: str) -> None:
    run(tmp_path, rows, "on_duplicate: latest\n    country: US")
    golden = {line.field: line.value for line in Project.open(tmp_path / "project.yaml").how("crm:1").golden}
    assert golden["phone"] == phone


VALUES = {
    "email": lambda n: f"ann{n}@example.com",
    "phone": lambda n: f"(312) 555-{n:04d}",
    "name": lambda n: f"{'ABCDEFGHIJ'[n % 10]}nn Lee{'abcdefghij'[n // 10 % 10]}",
    "date": lambda n: f"19{n % 90 + 10}-0{n % 9 + 1}-1{n % 8 + 1}",
    "code": lambda n: f"K{n * 37:05d}",
}


@pytest.mark.parametrize(
    ("holds", "mapped", "rows", "said"),
    [
        ("email", "phone", 200, "refused"),
        ("phone", "email", 200, "refused"),
        ("date", "name.full", 200, "refused"),
        ("email", "name.full", 200, "refused"),
        ("date", "email", 200, "refused"),
        ("name", "phone", 200, "noted"),
        ("name", "birth_date", 200, "noted"),
        ("email", "phone", 5, "noted"),
        ("date", "email", 5, "noted"),
        ("email", "phone", 2, "silent"),
        ("email", "email", 200, "silent"),
        ("phone", "phone", 200, "silent"),
        ("date", "birth_date", 200, "silent"),
        ("name", "name.full", 200, "silent"),
        ("code", "phone", 200, "silent"),
        ("code", "name.full", 200, "silent"),
    ],
)
def test_a_column_that_holds_something_else_is_said_or_refused(
    tmp_path: Path, holds: str, mapped: str, rows: int, said: str
) -> None:
    (tmp_path / "crm.csv").write_text("id,it\n" + "".join(f"{n},{VALUES[holds](n)}\n" for n in range(rows)))
    path = project(tmp_path)
    path.write_text(path.read_text().replace("{name.full: name, phone: phone, email: email}", f"{{{mapped}: it}}"))
    intake = Intake(load_project(path, {}))
    if said == "refused":
        with pytest.raises(BadSource, match=r"sources\.crm\.fields: crm: column 'it' is mapped to .* but \d+% of its"):
            list(intake.batches())
    else:
        list(intake.batches())
        assert bool(intake.mapped) == (said == "noted")


def test_one_column_may_feed_fields_of_two_kinds(tmp_path: Path) -> None:
    (tmp_path / "crm.csv").write_text("id,it\n" + "".join(f"{n},{VALUES['email'](n)}\n" for n in range(200)))
    path = project(tmp_path)
    path.write_text(path.read_text().replace("name.full: name, phone: phone, email: email", "phone: it, email: it"))
    intake = Intake(load_project(path, {}))
    list(intake.batches())
    assert intake.mapped == {}


def test_a_refused_mapping_writes_nothing(tmp_path: Path) -> None:
    rows = [f"{n},Ann Lee,{VALUES['email'](n)},{VALUES['phone'](n)}" for n in range(150)]
    with pytest.raises(MdmError, match="100% of its values look like email addresses"):
        run(tmp_path, rows)
    assert contents(tmp_path) == {"record": 0, "quarantined_row": 0, "golden": 0, "run": 1}
