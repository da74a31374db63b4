"""Every hostile file has one stated result: stored as said, or refused with its name, and nothing half written."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mdm.cli.main import main
from mdm.intake import Intake
from mdm.project_file import load_project
from tests.hostile.files import CASES, GOOD, Case
from tests.mdm.small_project import PERSON
from tests.mdm.stores import contents

Capture = pytest.CaptureFixture[str]
PROJECT = """\
project: acme
store: sqlite:///acme.db
sources:
  crm:
    read: FILE
    KEY
    record_id: id
    entity: person
    fields: {name.full: name, email: email}
"""
by_name = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def make(folder: Path, case: Case) -> Path:
    """The file of a case."""
    path = folder / case.file
    if callable(case.made):
        case.made(path)
    else:
        path.write_bytes(case.made if isinstance(case.made, bytes) else case.made.encode())
    return path


def write_project(folder: Path, case: Case) -> Path:
    (folder / "entities").mkdir()
    (folder / "entities" / "person.yaml").write_text(PERSON)
    lines = PROJECT.replace("FILE", case.file).replace("    KEY\n", f"    {case.key}\n" if case.key else "")
    (folder / "project.yaml").write_text(lines)
    return folder / "project.yaml"


def ids_in(folder: Path) -> set[str]:
    connection = sqlite3.connect(folder / "acme.db")
    try:
        return {record_id for (record_id,) in connection.execute("select record_id from record")}
    finally:
        connection.close()


def test_there_are_more_than_sixty_and_each_has_its_name() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 60


@by_name
def test_a_run_stores_it_or_refuses_it_whole(tmp_path: Path, case: Case, capsys: Capture) -> None:
    make(tmp_path, case)
    code = main(["run", "-p", str(write_project(tmp_path, case)), "--json"])
    out, err = capsys.readouterr()
    if case.code == 0:
        assert (code, err) == (0, "")
        told = " ".join(json.loads(out)["notes"])
        assert ids_in(tmp_path) == set(case.ids)
    else:
        told = json.loads(err)["error"]["message"]
        assert (code, out) == (case.code, "")
        assert contents(tmp_path) == {**contents(tmp_path), "record": 0, "quarantined_row": 0, "golden": 0}
    for words in case.said:
        assert words in told


@by_name
def test_init_writes_a_project_that_runs_or_nothing(tmp_path: Path, case: Case, capsys: Capture) -> None:
    path = make(tmp_path, case)
    code = main(["init", str(tmp_path / "new"), str(path)])
    told = capsys.readouterr().err
    if code == 0:
        intake = Intake(load_project(tmp_path / "new" / "project.yaml", {}))
        list(intake.batches())
        assert [intake.share_over_limit(spec) for spec in intake.project.sources if intake.share_over_limit(spec)] == []
    else:
        assert code == 2
        assert case.file in told.replace("\n", "")
        assert not (tmp_path / "new").exists()


@contextmanager
def without_rights(path: Path) -> Iterator[None]:
    """Somebody who may not read the file: root may read anything, so root becomes nobody for a while."""
    if os.geteuid() != 0:
        path.chmod(0)
        yield
        return
    path.chmod(0o600)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    case = Case("unreadable", "a.csv", GOOD, 2)
    path = make(tmp_path, case)
    project = load_project(write_project(tmp_path, case), {})
    intake = Intake(project)
    with without_rights(path), pytest.raises(Exception, match=r"a\.csv.*Permission denied") as caught:
        list(intake.batches())
    assert type(caught.value).__name__ == "BadSource"
