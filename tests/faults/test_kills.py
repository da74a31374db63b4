"""Whatever ends a run, and whenever: the store is consistent, and the next run completes the work.

Real jobs in processes of their own are killed at every commit, before it and after, and at random moments.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mdm.policy import ProjectPolicy, load_policy
from mdm.store import Store, entities, open_store
from mdm.verification import verify
from tests.conftest import MOMENT
from tests.faults.victim import End, Job, run_job
from tests.mdm import small_project
from tests.mdm.small_project import CRM, PROJECT, WEB, run_postgresql, run_sqlite, write_project

__all__ = ["run_postgresql", "run_sqlite"]

pytestmark = pytest.mark.slow

# New, changed, deleted, retyped and set-aside rows; two entities merge, one is parted.
CHANGED_CRM = (
    CRM.replace(
        "C2,P,Ann,Smithson,,(312) 555-0142,,,", "C2,P,Jon,Smithson,,(312) 555-0142,jon.smithson@example.com,1980-02-03,"
    )
    .replace(
        "C3,P,Mary,Poole,,(312) 555-0177,mary@example.org,1975-12-01", "C3,P,Mary,Quist,,(312) 555-0133,,1999-01-01"
    )
    .replace("C4,P,,,,,,,,2024-01-08\n", "")
    + "C7,P,Olga,Brandt,,(312) 555-0199,,1990-05-05,Chicago,2024-04-01\n"
)
CHANGED_WEB = WEB.replace("W5,C,Quarry & Sons", "W5,P,Quarry Sons") + "W6,P,Nobody Else,,,,2024-03-06\nW7,P,too,few\n"
# The trust decides who wins: the same weights under another policy, so that a release takes over.
SCENARIOS = {
    "delivery": lambda folder: write_project(folder, CHANGED_CRM, CHANGED_WEB),
    "switch": lambda folder: _trusting_web(write_project(folder, CHANGED_CRM, CHANGED_WEB)),
}
RANDOM_KILLS = 6


def _trusting_web(path: Path) -> Path:
    path.write_text(PROJECT.replace("trust: 50", "trust: 95"))
    return path


class Lab:
    """Stores that have seen a first run, made afresh as often as asked for."""

    def __init__(self, dialect: str, request: pytest.FixtureRequest, folder: Path) -> None:
        self.dialect = dialect
        self.folder = folder
        self.request = request
        self.names: list[str] = []

    def fresh(self) -> str:
        """The URL of a new store."""
        if self.dialect == "sqlite":
            path = self.folder / f"{len(self.names)}.db"
            shutil.copy(self.request.getfixturevalue("run_sqlite"), path)
            self.names.append(path.name)
            return f"sqlite:///{path}"
        server = self.request.getfixturevalue("postgresql")
        name = small_project.copy_database(server, self.request.getfixturevalue("run_postgresql"))
        self.names.append(name)
        return str(server.get_uri(database=name))

    def close(self) -> None:
        """Nothing; the databases are gone."""
        if self.dialect == "postgresql":
            server = self.request.getfixturevalue("postgresql")
            for name in self.names:
                small_project.execute(server, f"drop database {name} with (force)")


@pytest.fixture(params=["sqlite", "postgresql"])
def lab(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lab]:
    made = Lab(request.param, request, tmp_path)
    yield made
    made.close()


Check = Callable[[str], str]


def examine(url: str, policy: ProjectPolicy, *, decided: bool) -> str:
    """The stamp of the store, which must be sound; decided: nothing may wait."""
    store = open_store(url, clock=lambda: MOMENT)
    try:
        broken = [c.name for c in verify(store, policy).checks if not c.ok]
        # A run that died leaves work, never contradictions.
        waiting = {"decided", "rebuild of person", "rebuild of organisation"}
        assert set(broken) <= (set() if decided else waiting)
        return stamp(store)
    finally:
        store.close()


def stamp(store: Store) -> str:
    with store.reading() as connection:
        return entities.stamp(connection)


def complete(url: str, project: Path, undisturbed: str) -> None:
    """The next run completes what the last one left, whatever that was."""
    assert run_job(Job(project, url)).exit_code == 0
    assert examine(url, load_policy(project), decided=True) == undisturbed


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_killed_at_every_commit(lab: Lab, scenario: str, record_property: Callable[[str, Any], None]) -> None:
    project = SCENARIOS[scenario](lab.folder)
    policy = load_policy(project)
    calm = lab.fresh()
    before = examine(calm, load_policy(write_project_before(lab.folder)), decided=True)
    SCENARIOS[scenario](lab.folder)
    whole = run_job(Job(project, calm))
    assert whole.exit_code == 0, whole.message
    undisturbed = examine(calm, policy, decided=True)
    assert undisturbed != before
    survived = 0
    for commit in range(1, whole.commits + 1):
        for fault in ("killed before", "killed after"):
            url = lab.fresh()
            end = run_job(Job(project, url, commit=commit, fault=fault))
            assert end.exit_code == -9
            examine(url, policy, decided=False)
            complete(url, project, undisturbed)
            survived += 1
    record_property("kill matrix", f"{lab.dialect}, {scenario}: {survived} points of {2 * whole.commits} survived")


def write_project_before(folder: Path) -> Path:
    """The project as the first run saw it."""
    return write_project(folder)


def test_killed_at_random_moments(lab: Lab) -> None:
    project = SCENARIOS["delivery"](lab.folder)
    policy = load_policy(project)
    calm = lab.fresh()
    begun = time.perf_counter()
    assert run_job(Job(project, calm)).exit_code == 0
    length = time.perf_counter() - begun
    undisturbed = examine(calm, policy, decided=True)
    chance = random.Random(20260)
    killed = 0
    for _ in range(RANDOM_KILLS):
        url = lab.fresh()
        end = run_job(Job(project, url, seconds=chance.uniform(0.05, length)))
        killed += end.exit_code == -9
        examine(url, policy, decided=False)
        complete(url, project, undisturbed)
    assert killed


@pytest.mark.parametrize("lab", ["postgresql"], indirect=True)
def test_cut_off_from_the_database_at_every_commit(lab: Lab) -> None:
    project = SCENARIOS["delivery"](lab.folder)
    policy = load_policy(project)
    calm = lab.fresh()
    whole = run_job(Job(project, calm))
    undisturbed = examine(calm, policy, decided=True)
    for commit in range(1, whole.commits + 1):
        url = lab.fresh()
        end = run_job(Job(project, url, commit=commit, fault="cut off"))
        assert (end.exit_code, "cannot be reached" in end.message) == (1, True), end
        complete(url, project, undisturbed)


@pytest.mark.parametrize("lab", ["sqlite"], indirect=True)
def test_a_full_disk_at_every_commit(lab: Lab) -> None:
    project = SCENARIOS["delivery"](lab.folder)
    policy = load_policy(project)
    calm = lab.fresh()
    whole = run_job(Job(project, calm))
    undisturbed = examine(calm, policy, decided=True)
    for commit in range(1, whole.commits + 1):
        url = lab.fresh()
        end: End = run_job(Job(project, url, commit=commit, fault="disk full"))
        assert (end.exit_code, "no room left" in end.message) == (1, True), end
        examine(url, policy, decided=False)
        complete(url, project, undisturbed)


def test_the_victim_really_dies_in_the_middle(lab: Lab) -> None:
    """A kill before the first portion is published leaves records that wait; else the matrix would prove nothing."""
    project = SCENARIOS["delivery"](lab.folder)
    url = lab.fresh()
    commits = run_job(Job(project, lab.fresh())).commits
    waiting = []
    for commit in range(1, commits + 1):
        url = lab.fresh()
        run_job(Job(project, url, commit=commit))
        if lab.dialect == "sqlite":
            with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
                waiting.append(connection.execute("select count(*) from record where resolved = 0").fetchone()[0])
            connection.close()
    assert lab.dialect == "postgresql" or (waiting[0] == 0 and max(waiting) > 4 and 0 < waiting[-3] < max(waiting))
