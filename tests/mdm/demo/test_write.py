from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from mdm.demo import write_project
from mdm.demo.write import LAYOUTS

RECORDS = 1200


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("demo") / "new"
    write_project(directory, RECORDS, 3)
    return directory


def read_policy(project: Path) -> dict[str, Any]:
    policy: dict[str, Any] = yaml.safe_load((project / "project.yaml").read_text(encoding="utf-8"))
    return policy


def read_header(path: Path) -> list[str]:
    if path.suffix == ".parquet":
        return list(pq.read_schema(path).names)
    with path.open(encoding="utf-8", newline="") as file:
        if path.suffix == ".jsonl":
            return list(json.loads(file.readline()))
        return next(csv.reader(file, delimiter="\t" if path.suffix == ".tsv" else ","))


def read_ids(project: Path, source: str) -> list[str]:
    path, id_column = project / LAYOUTS[source].path, next(iter(LAYOUTS[source].columns))
    if path.suffix == ".parquet":
        return list(pq.read_table(path)[id_column].to_pylist())
    with path.open(encoding="utf-8", newline="") as file:
        if path.suffix == ".jsonl":
            return [json.loads(line)[id_column] for line in file.readlines()[:-1]]
        rows = csv.DictReader(file, delimiter="\t" if path.suffix == ".tsv" else ",")
        return [row[id_column] for row in rows if row[id_column] and None not in row]


def test_all_records_are_written_and_have_their_truth(project: Path) -> None:
    written = [(source, record_id) for source in LAYOUTS for record_id in read_ids(project, source)]
    with (project / "truth.csv").open(encoding="utf-8", newline="") as file:
        truth = [(row["source"], row["record_id"]) for row in csv.DictReader(file) if row["cluster_id"]]
    assert sorted(written) == sorted(truth)
    assert len(written) == RECORDS


def test_every_source_has_columns_of_its_own(project: Path) -> None:
    headers = {source: frozenset(read_header(project / layout.path)) for source, layout in LAYOUTS.items()}
    assert len(set(headers.values())) == len(headers)


@pytest.mark.parametrize("source", list(LAYOUTS))
def test_the_mapping_names_columns_that_are_there(project: Path, source: str) -> None:
    spec = read_policy(project)["sources"][source]
    columns = [spec["record_id"], spec["entity"]["column"], spec["updated_at"], spec["country"]["column"]]
    for mapping in spec["fields"].values():
        for value in mapping.values():
            columns += value if isinstance(value, list) else [value]
    assert set(columns) <= set(read_header(project / spec["read"]))
    assert set(spec["entity"]["values"]) == set(LAYOUTS[source].types)


def test_a_few_rows_cannot_be_read(project: Path) -> None:
    with (project / "data/crm.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert len(rows[-1]) > len(rows[0])
    with (project / "data/billing.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.DictReader(file))[-1]["acct"] == ""
    last = (project / "data/web.jsonl").read_text(encoding="utf-8").splitlines()[-1]
    with pytest.raises(json.JSONDecodeError):
        json.loads(last)


def test_the_rules_name_planted_values_that_are_in_the_data(project: Path) -> None:
    rules = yaml.safe_load((project / "rules.yaml").read_text(encoding="utf-8"))
    planted = {value for rule in rules["person"] for value in rule["args"]["values"]}
    assert {"1911-11-11", "none@example.com"} <= planted
    assert "1911-11-11" in (project / "data/web.jsonl").read_text(encoding="utf-8")


def test_writing_again_gives_the_same_files(project: Path, tmp_path: Path) -> None:
    write_project(tmp_path, RECORDS, 3)
    for path in ("data/crm.csv", "data/web.jsonl", "data/partner.parquet", "truth.csv"):
        assert (tmp_path / path).read_bytes() == (project / path).read_bytes()
