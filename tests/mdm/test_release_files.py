"""Releases as files: the same release in another store, and Splink scores with the exported folder as we do."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from splink import DuckDBAPI, Linker

from mdm import learning, matching, resolving
from mdm.engine.release import GRID
from mdm.errors import BadInput, BadProject, BadSource, NotFound
from mdm.matching import Work
from mdm.policy import ProjectPolicy
from mdm.project import Project
from mdm.scratch import open_scratch
from mdm.store import Store, entities, releases
from tests.mdm.small_project import policy, run_postgresql, run_sqlite, store
from tests.mdm.test_sequence import SOURCES, customers, write_customers

__all__ = ["policy", "run_postgresql", "run_sqlite", "store"]

LEAST_PAIRS = 1_000


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project of generated customers that has run."""
    folder = tmp_path_factory.mktemp("learnt")
    project = Project.open(write_customers(folder, SOURCES, *customers()), f"sqlite:///{folder / 'store.db'}")
    project.run()
    return project


def active_id(project: Project, entity: str) -> str:
    return next(release.release_id for release in project.releases() if release.active and release.entity == entity)


def our_weights(project: Project, entity: str) -> pa.Table:
    """All pairs of records of that type as we score them: l, r, bits."""
    with project.store() as store, store.reading() as connection, open_scratch() as scratch:
        work = Work(scratch, project.policy.entities[entity])
        release = learning.active_release(connection, entity)
        assert release is not None
        resolving.load_all(work, connection)
        features = work.table("features")
        every = f"select a.rid l, b.rid r from {features} a join {features} b on a.rid < b.rid"
        scratch.execute(f"create table pairs as {every}")
        parts = [scratch.sql(part).to_arrow_table() for part in matching.score_pairs(work, release, "pairs")]
    scored = pa.concat_tables(parts)
    bits = pa.compute.divide(scored["units"].cast(pa.float64()), GRID)
    return pa.table([scored["l"], scored["r"], bits], ["l", "r", "bits"])


@pytest.mark.slow
def test_splink_scores_with_the_exported_folder_as_we_do(learnt: Project, tmp_path: Path) -> None:
    folder = tmp_path / "splink"
    report = learnt.export_release(active_id(learnt, "person"), folder, "splink")
    assert {Path(written.path).name for written in report.files} == {
        "settings.json",
        "features.parquet",
        *(f"tf_{feature}.parquet" for feature in ("family", "given", "city", "region", "district")),
    }
    ours = our_weights(learnt, "person")
    with duckdb.connect() as connection:
        connection.register("ours", ours)
        connection.execute(f"create table customers as from '{folder / 'features.parquet'}'")
        connection.execute("create table pairs as select '0' as match_key, l as join_key_l, r as join_key_r from ours")
        api = DuckDBAPI(connection)
        linker = Linker(api.register("customers"), json.loads((folder / "settings.json").read_text()))
        for path in folder.glob("tf_*.parquet"):
            connection.execute(f"create table {path.stem} as from '{path}'")
            lookup = api.register(path.stem)
            linker.table_management.register_term_frequency_lookup(lookup, path.stem.removeprefix("tf_"))
        linker.table_management.register_blocked_pairs_for_predict(api.register("pairs"))
        theirs = linker.inference.predict().physical_name
        pairs, off = connection.execute(f"""
            select count(*), max(abs(ours.bits - theirs.match_weight))
            from ours
            join {theirs} theirs on theirs.rid_l = ours.l and theirs.rid_r = ours.r
        """).fetchall()[0]
    assert pairs == ours.num_rows > LEAST_PAIRS
    assert off < 1e-4


def test_a_release_has_the_same_id_in_another_store(learnt: Project, tmp_path: Path) -> None:
    ids = [active_id(learnt, entity) for entity in ("person", "organisation")]
    other = Project.open(learnt.policy.file.path, f"sqlite:///{tmp_path / 'other.db'}")
    for release_id in ids:
        file = tmp_path / "out" / f"{release_id}.json"
        learnt.export_release(release_id, file)
        assert other.import_release(file).release_id == release_id
        other.import_release(file)
    assert sorted(release.release_id for release in other.releases()) == sorted(ids)
    for release_id in ids:
        assert other.activate(release_id) == release_id
    assert sorted(other.run(retrain=False).releases.values()) == sorted(ids)
    with learnt.store() as one, other.store() as two, one.reading() as left, two.reading() as right:
        for release_id in ids:
            assert releases.get(left, release_id).body == releases.get(right, release_id).body
        assert entities.stamp(left) == entities.stamp(right)


def test_a_file_that_was_changed_is_another_release(store: Store, policy: ProjectPolicy, tmp_path: Path) -> None:
    project = Project.open(policy.file.path, store.url)
    file = tmp_path / "person.json"
    project.export_release("person-start", file)
    data = json.loads(file.read_text())
    data["thresholds"]["merge"] = 9.0
    file.write_text(json.dumps(data))
    summary = project.import_release(file)
    assert (summary.release_id != "person-start", summary.merge_bits, summary.active) == (True, 9.0, False)
    assert project.activate(summary.release_id) == summary.release_id


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "holds no whole release"),
        ("[]", "holds no release"),
        ('{"format": "other"}', "holds no release"),
        ('{"format": "mdm-release-1", "entity": "person"}', "holds no whole release: KeyError"),
    ],
)
def test_files_without_a_release_are_refused(policy: ProjectPolicy, tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "bad.json"
    file.write_text(text)
    project = Project.open(policy.file.path, f"sqlite:///{tmp_path / 'none.db'}")
    with pytest.raises(BadSource, match=says):
        project.import_release(file)
    with pytest.raises(BadSource, match="cannot be read"):
        project.import_release(tmp_path / "nowhere.json")


def test_what_does_not_fit_is_refused(store: Store, policy: ProjectPolicy, tmp_path: Path) -> None:
    project = Project.open(policy.file.path, store.url)
    with pytest.raises(NotFound):
        project.export_release("person-none", tmp_path / "x.json")
    with pytest.raises(BadInput, match="cannot be written"):
        project.export_release("person-start", policy.file.path / "below" / "a-file.json")
    file = tmp_path / "person.json"
    project.export_release("person-start", file)
    file.write_text(file.read_text().replace('"entity": "person"', '"entity": "vessel"'))
    with pytest.raises(BadProject, match="decides about vessel; this project has person, organisation"):
        project.import_release(file)
