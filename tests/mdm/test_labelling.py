"""Labels of a file and verdicts of stewards: what they teach, when they are enough, and that they are never needed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from mdm import resolving, steward
from mdm.demo.generate import generate
from mdm.engine.release import to_units
from mdm.errors import BadSource
from mdm.evaluation.truth import read_truth
from mdm.labelling import lay_labels
from mdm.linkage import em
from mdm.linkage.thresholds import LEAST_LABELS, choose_by_labels
from mdm.matching import Work, make_candidates
from mdm.policy import ProjectPolicy
from mdm.project import Project
from mdm.reports import ReleaseSummary
from mdm.scratch import open_scratch
from mdm.store import Store
from mdm.store.bulk import pairs as as_pairs
from mdm.store.schema import record
from mdm.store.verdicts import Verdict
from tests.mdm.linkage.test_em import SHARE, M, U, drawn, off, tables
from tests.mdm.small_project import policy, run_postgresql, run_sqlite, store
from tests.mdm.test_sequence import RECORDS, SOURCES, customers, write_customers

__all__ = ["policy", "run_postgresql", "run_sqlite", "store"]


def test_labels_lead_the_estimation_where_the_data_alone_would_go_astray() -> None:
    """Expected shares are far off; with every tenth pair labelled, m is nearer to what made the data."""
    plain = drawn(20_000)
    rng = np.random.default_rng(5)
    match = rng.random(20_000) < SHARE  # the first draw of `drawn`
    known = np.where(np.arange(20_000) % 4 == 0, match, -1).astype(np.int8)
    errors = []
    for pairs in (plain, replace(plain, labels=known)):
        fit = em.estimate(pairs, em.Fit(0.001, tables(off(M), off(U))))
        errors.append(np.abs(np.array([t.m for t in fit.tables]) - M).sum())
    assert errors[1] < errors[0]
    assert em.posterior(replace(plain, labels=known), fit)[::4].tolist() == match[::4].astype(float).tolist()


def weights(*groups: tuple[float, int]) -> np.ndarray:
    return np.array([to_units(bits) for bits, count in groups for _ in range(count)], np.int64)


@pytest.mark.parametrize(
    ("same", "different", "bits", "wrong"),
    [
        ([(5.0, 60)], [(-5.0, 60)], 0.0, 0),
        ([(9.0, 60)], [(4.0, 60)], 4.5, 0),
        ([(-4.0, 60)], [(-9.0, 60)], -4.0, 0),
        ([(5.0, 60), (-2.0, 5)], [(-5.0, 60), (1.2, 9)], 1.5, 5),
        ([(5.0, 60), (-2.0, 9)], [(-5.0, 60), (1.2, 5)], -2.0, 5),
    ],
)
def test_the_threshold_has_the_fewest_wrong_decisions(
    same: list[tuple[float, int]], different: list[tuple[float, int]], bits: float, wrong: int
) -> None:
    left, right = weights(*same), weights(*different)
    units, labels = np.concatenate([left, right]), np.repeat([True, False], [len(left), len(right)])
    choice = choose_by_labels(units, labels)
    assert choice is not None
    assert (choice.bits, choice.wrong, choice.pairs) == (bits, wrong, len(units))
    assert choice.low <= choice.bits <= choice.high
    order = np.random.default_rng(1).permutation(len(units))
    assert choose_by_labels(units[order], labels[order]) == choice


@pytest.mark.parametrize(("same", "different"), [(LEAST_LABELS - 1, 500), (500, LEAST_LABELS - 1), (0, 0)])
def test_few_labels_choose_nothing(same: int, different: int) -> None:
    units = weights((5.0, same), (-5.0, different))
    assert choose_by_labels(units, np.repeat([True, False], [same, different])) is None


def laid(store: Store, policy: ProjectPolicy, truth: Path | None) -> list[tuple[str, str, bool]]:
    """The labelled pairs of people, by record ids."""
    with store.reading() as connection, open_scratch() as scratch:
        work = Work(scratch, policy.entities["person"])
        resolving.load_all(work, connection)
        make_candidates(work, 50, among=None)
        labels = lay_labels(work, connection, None if truth is None else read_truth(truth))
        if labels is None:
            return []
        rows = scratch.execute(f"select l, r, same from {labels.table}").fetchall()
        assert (labels.same, labels.same + labels.different) == (sum(same for *_, same in rows), len(rows))
        names = as_pairs(connection, select(record.c.rid, record.c.record_id), {})
    return sorted((*sorted((names[left], names[right])), same) for left, right, same in rows)


def test_files_and_verdicts_become_pairs(store: Store, policy: ProjectPolicy, tmp_path: Path) -> None:
    assert laid(store, policy, None) == []
    clusters = tmp_path / "clusters.csv"
    clusters.write_text("source,record_id,cluster_id\ncrm,C1,1\nweb,W1,1\ncrm,C2,2\nweb,W3,1\ncrm,C5,1\nno,N1,1\n")
    # C2 shares a phone with C1 and W1; nothing proposes it beside W3.
    from_clusters = [
        ("C1", "C2", False),
        ("C1", "W1", True),
        ("C1", "W3", True),
        ("C2", "W1", False),
        ("W1", "W3", True),
    ]
    assert laid(store, policy, clusters) == from_clusters
    pairs = tmp_path / "pairs.csv"
    pairs.write_text(
        "source_l,record_id_l,source_r,record_id_r,label\ncrm,C2,web,W3,0\nweb,W1,crm,C1,1\ncrm,C1,no,N,1\n"
    )
    assert laid(store, policy, pairs) == [("C1", "W1", True), ("C2", "W3", False)]
    with store.writing() as connection:
        steward.give_verdict(
            connection, Verdict("different", (("crm", "C1"),), (("web", "W1"), ("web", "W3")), "", "jane")
        )
        steward.give_verdict(connection, Verdict("same", (("crm", "C2"),), (("crm", "C3"),), "", "jane"))
    # What a steward said counts more than the file.
    assert laid(store, policy, pairs) == [
        ("C1", "W1", False),
        ("C1", "W3", False),
        ("C2", "C3", True),
        ("C2", "W3", False),
    ]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project of generated customers that has run, with the truth beside it."""
    folder = tmp_path_factory.mktemp("labelled")
    (chunk,) = generate(RECORDS, seed=11)
    truth = chunk.truth.to_pylist()
    lines = [f"{row['source']},{row['record_id']},{row['cluster_id']}" for row in truth]
    (folder / "truth.csv").write_text("\n".join(["source,record_id,cluster_id", *lines]) + "\n")
    opened = Project.open(write_customers(folder, SOURCES, *customers()), f"sqlite:///{folder / 'store.db'}")
    opened.run()
    return opened


def trained(project: Project, labels: str | None) -> ReleaseSummary:
    path = None if labels is None else project.policy.file.path.parent / labels
    return next(release for release in project.train(labels=path) if release.entity == "person")


@pytest.mark.slow
def test_training_with_labels_says_what_they_did_and_activates_nothing(project: Project) -> None:
    active = [release.release_id for release in project.releases() if release.active]
    plain, labelled = trained(project, None), trained(project, "truth.csv")
    assert plain.release_id in active
    assert labelled.release_id != plain.release_id
    assert trained(project, "truth.csv").release_id == labelled.release_id
    assert [release.release_id for release in project.releases() if release.active] == active
    assert any(note.startswith("labels speak for merging from") for note in labelled.notes)
    assert any("pairs labelled same and" in note for note in labelled.notes)
    assert not any("label" in note for note in plain.notes)


@pytest.mark.slow
def test_few_labels_leave_the_threshold_alone(project: Project) -> None:
    folder = project.policy.file.path.parent
    head = (folder / "truth.csv").read_text().splitlines()[:40]
    (folder / "few.csv").write_text("\n".join(head) + "\n")
    few = trained(project, "few.csv")
    assert few.merge_bits == 0.0
    assert any("they choose no merge threshold" in note for note in few.notes)
    with pytest.raises(BadSource, match="does not exist"):
        project.train(labels=folder / "nowhere.csv")
