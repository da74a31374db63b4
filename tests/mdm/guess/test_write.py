"""The file that `mdm init` writes: it loads whatever the headers are, and nothing is overwritten or half written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mdm.errors import BadInput, BadSource, Conflict
from mdm.guess import guess_project, write_project
from mdm.guess.write import project_text
from mdm.project_file import load_project
from mdm.sources import check_columns
from tests.mdm.guess.written import init, table, written


def test_names_that_yaml_would_read_otherwise_are_quoted(tmp_path: Path) -> None:
    text = table(
        "no,Name: full,yes,#tel,[dob]",
        "1,Ann Lee,a@x.com,212-555-0100,1980-01-01",
        "2,Bob Ray,b@x.com,212-555-0101,1981-01-01",
    )
    source = init(tmp_path, text, name="true: a.csv")
    assert source["true_ a"]["fields"]["name"] == "Name: full"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    header=st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=8), min_size=1, max_size=4
    ),
    source=st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=6),
)
def test_any_header_gives_a_project_that_loads(tmp_path: Path, header: list[str], source: str) -> None:
    names = list(dict.fromkeys([*(h.strip() or "x" for h in header), "source", "record_id"]))
    file = tmp_path / "any.parquet"
    pq.write_table(pa.table({n: [source or None, "b"] if n == "source" else [f"{n}1", f"{n}2"] for n in names}), file)
    path = tmp_path / "project.yaml"
    path.write_text(project_text("any", guess_project([file]).blocks, tmp_path), encoding="utf-8")
    project = load_project(path, {})
    check_columns(project)
    assert {spec.where["source"] for spec in project.sources} <= {source, "b"}


def test_several_files_become_several_sources(tmp_path: Path) -> None:
    for name in ("crm.csv", "web.csv", "old/crm.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(table("id,name", "1,Ann Lee"), encoding="utf-8")
    folder = tmp_path / "new" / "acme"
    path = write_project(folder, [tmp_path / "crm.csv", tmp_path / "web.csv", tmp_path / "old" / "crm.csv"])
    sources = written(folder, path)
    assert list(sources) == ["crm", "web", "crm_2"]
    assert sources["crm"]["read"] == str(tmp_path / "crm.csv")
    assert "store: sqlite:///acme.db" in path.read_text(encoding="utf-8")


def test_a_folder_that_holds_a_project_is_refused(tmp_path: Path) -> None:
    init(tmp_path, table("id,name", "1,Ann Lee"))
    before = (tmp_path / "project.yaml").read_bytes()
    with pytest.raises(Conflict, match="already there"):
        write_project(tmp_path, [tmp_path / "list.csv"])
    assert (tmp_path / "project.yaml").read_bytes() == before


@pytest.mark.parametrize(
    ("files", "entity", "error"),
    [([], None, BadInput), (["missing.csv"], None, BadSource), (["list.csv"], "ship", BadInput)],
)
def test_a_refusal_writes_nothing(
    tmp_path: Path, files: Sequence[str], entity: str | None, error: type[Exception]
) -> None:
    (tmp_path / "list.csv").write_text("id,name\n1,Ann Lee\n", encoding="utf-8")
    with pytest.raises(error):
        write_project(tmp_path / "new", [tmp_path / file for file in files], entity)
    assert not (tmp_path / "new").exists()
