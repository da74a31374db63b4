"""The project that `mdm init` writes runs as it is, also where files repeat ids or hold rows that cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from mdm import Project
from mdm.errors import BadSource
from mdm.guess import write_project
from mdm.reports import RunReport
from tests.workbooks import Cell, workbook

HEAD = "customer_id,full_name,email,phone\n"


def rows(count: int) -> list[str]:
    letters = "abcdefghijklmnopqrst"
    return [
        f"C{n},Ann {letters[n % 20].upper()}{letters[n // 20 % 20]}son,ann{n}@example.com,312-555-{n:04d}"
        for n in range(count)
    ]


def init_and_run(folder: Path, lines: list[str]) -> tuple[dict[str, object], RunReport]:
    (folder / "crm.csv").write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")
    path = write_project(folder, [folder / "crm.csv"])
    source: dict[str, object] = yaml.safe_load(path.read_text(encoding="utf-8"))["sources"]["crm"]
    return source, Project.open(path).run()


def test_files_without_fault_need_no_limits(tmp_path: Path) -> None:
    source, report = init_and_run(tmp_path, rows(100))
    assert {"on_duplicate", "max_rejected"}.isdisjoint(source)
    assert report.records == {"crm": 100}


def test_a_nearly_unique_id_keeps_its_newest_version(tmp_path: Path) -> None:
    source, report = init_and_run(tmp_path, [*rows(100), "C7,Ann Newname,ann7@example.com,312-555-0007"])
    assert (source["record_id"], source["on_duplicate"]) == ("customer_id", "latest")
    assert report.records == {"crm": 100}
    assert "on_duplicate: latest   # rows repeat an id" in (tmp_path / "project.yaml").read_text(encoding="utf-8")


def test_rows_that_repeat_each_other_exactly_need_no_word(tmp_path: Path) -> None:
    source, report = init_and_run(tmp_path, [*rows(100), rows(8)[7]])
    assert source["record_id"] == "customer_id"
    assert "on_duplicate" not in source
    assert report.records == {"crm": 100}


def test_an_id_that_repeats_often_is_none(tmp_path: Path) -> None:
    source, report = init_and_run(tmp_path, [f"{line}{n}" for n, line in enumerate(rows(50) + rows(50))])
    assert source["record_id"] == "@line"
    assert report.records == {"crm": 100}


def test_many_unreadable_rows_are_allowed_for_with_room_to_spare(tmp_path: Path) -> None:
    source, report = init_and_run(tmp_path, [*rows(100), *["too,short"] * 25])
    assert source["max_rejected"] == "40%"
    assert (report.records, report.quarantined) == ({"crm": 100}, 25)


def test_a_workbook_of_several_sheets_is_read_by_its_first(tmp_path: Path) -> None:
    people: list[list[Cell]] = [["id", "name", "email"], [1, "Ann Lee", "a@x.com"], [2, "Bob Ray", "b@x.com"]]
    (tmp_path / "crm.xlsx").write_bytes(workbook({"empty": [], "people": people, "other": [["x"], [1]]}))
    path = write_project(tmp_path, [tmp_path / "crm.xlsx"])
    assert yaml.safe_load(path.read_text(encoding="utf-8"))["sources"]["crm"]["sheet"] == "people"
    assert Project.open(path).run().records == {"crm": 2}


def test_a_file_that_breaks_off_late_is_refused_and_nothing_written(tmp_path: Path) -> None:
    lines = "\n".join(rows(3_000)).encode()
    (tmp_path / "crm.csv").write_bytes(HEAD.encode() + lines + b"\n" + b"A" * (9 << 20))
    with pytest.raises(BadSource, match="line 3002 is longer than 8 MB"):
        write_project(tmp_path / "new", [tmp_path / "crm.csv"])
    assert not (tmp_path / "new").exists()
