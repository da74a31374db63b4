"""`mdm rules`: listed, as a schema, out as a contract and in again, with or without a project."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from mdm.cli.main import main
from rules.rulebook_load import default_rulebook, load_rulebooks
from tests.mdm.small_project import PROJECT, write_project

CONTRACT = """\
kind: DataContract
apiVersion: v3.1.0
schema:
  - name: customers
    properties:
      - {name: last, quality: [{metric: nullValues, mustBe: 0}, {type: text, description: good}]}
      - {name: city, quality: [{metric: invalidValues, mustBe: 0, arguments: {validValues: [Chicago]}}]}
      - {name: born, quality: [{metric: nullValues, mustBeLessThan: 20, unit: percent}]}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    path = write_project(tmp_path)
    path.write_text(PROJECT + "rules: rules.yaml\n")
    (tmp_path / "rules.yaml").write_text("person:\n  - {id: own, field: email, check: not_null, owner: sales}\n")
    return path


def test_the_rules_that_hold_are_listed(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "list", "-p", str(project), "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert listed["person"][-1] == {"id": "own", "field": "email", "check": "not_null", "owner": "sales"}
    assert main(["rules", "list", "-p", str(project)]) == 0
    assert "own" in capsys.readouterr().out


def test_without_a_project_the_shipped_rules_are_meant(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nowhere = str(tmp_path / "project.yaml")
    assert main(["rules", "export", "-p", nowhere]) == 0
    exported = tmp_path / "contract.yaml"
    exported.write_text(capsys.readouterr().out, encoding="utf-8")
    written = tmp_path / "rules.yaml"
    assert main(["rules", "import", str(exported), "-p", nowhere, "-o", str(written)]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    books = load_rulebooks(written)
    for entity in ("person", "organisation"):
        assert sorted(books[entity].rules, key=lambda rule: rule.id) == sorted(
            default_rulebook(entity).rules, key=lambda rule: rule.id
        )


def test_the_schema_knows_the_fields_of_the_project(project: Path, tmp_path: Path) -> None:
    assert main(["rules", "schema", "-p", str(project), "-o", str(tmp_path / "schema.json")]) == 0
    schema = json.loads((tmp_path / "schema.json").read_text())
    assert "birth_date" in schema["$defs"]["address"]["enum"]
    assert "gender" not in schema["$defs"]["address"]["enum"]


def test_a_contract_of_others_becomes_rules_of_a_source(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    contract = tmp_path / "contract.yaml"
    contract.write_text(CONTRACT)
    assert main(["rules", "import", str(contract), "-p", str(project), "--entity", "person", "--source", "crm"]) == 0
    captured = capsys.readouterr()
    found = {entry["field"]: entry for entry in yaml.safe_load(captured.out)["person"]}
    assert set(found) == {"name.family", "address.city", "birth_date"}
    assert found["birth_date"]["threshold"] == {"above": "20%", "action": "flag"}
    assert captured.err == "Left out: person.last: text: text checks are not carried over\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["import", "none.yaml"], "cannot be read"),
        (["import", "contract.yaml", "--entity", "ship"], "unknown entity type 'ship'"),
        (["import", "contract.yaml", "--source", "erp"], "unknown source 'erp'; known: crm, web"),
        (["schema", "-o", "no/such/folder/s.json"], "cannot write"),
    ],
)
def test_what_cannot_be_done_is_refused(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(project.parent)
    Path("contract.yaml").write_text(CONTRACT)
    assert main(["rules", *arguments]) == 2
    assert message in capsys.readouterr().err
