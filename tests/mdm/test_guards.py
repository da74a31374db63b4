"""Guards stop a run before harm; a dry run and a plan tell what would change and leave no trace."""

from __future__ import annotations

from pathlib import Path

import pytest

from mdm import guards
from mdm.errors import Breaker, Unavailable
from mdm.guards import GuardSpec, check_drop, check_merges, check_sizes
from mdm.pipeline import Options, run_batch
from mdm.policy import ProjectPolicy, load_policy
from mdm.project import Project
from mdm.store import Store, entities, events, runs
from mdm.store.locks import run_lock
from mdm.watch import silent
from tests.mdm.small_project import CRM, PROJECT, WEB, policy, run, run_postgresql, run_sqlite, store, write_project

__all__ = ["policy", "run_postgresql", "run_sqlite", "store"]

SPEC = GuardSpec()
ANN_IS_JON = CRM.replace("C2,P,Ann,Smithson", "C2,P,Jon,Smithson").replace(
    ",,,Chicago", ",jon.smithson@example.com,1980-02-03,Chicago"
)


def stamp(store: Store) -> str:
    with store.reading() as connection:
        return entities.stamp(connection)


def outcomes(store: Store) -> list[str | None]:
    with store.reading() as connection:
        return [run.outcome for run in runs.all(connection)]


@pytest.mark.parametrize(
    ("now", "before", "stops"),
    [
        ({"crm": 40}, {"crm": 100}, True),
        ({"crm": 50}, {"crm": 100}, False),
        ({}, {"crm": 100}, True),
        ({"crm": 1}, {"crm": 20}, False),
        ({"crm": 10}, {}, False),
        ({"web": 1}, {"web": 100, "crm": 0}, False),
    ],
)
def test_a_snapshot_that_shrank_stops_the_run(now: dict[str, int], before: dict[str, int], stops: bool) -> None:
    if not stops:
        check_drop(now, before, ["crm"], SPEC)
        return
    with pytest.raises(Breaker, match=r"'crm' delivered \d+ rows, 100 in the run before.*--allow drop"):
        check_drop(now, before, ["crm"], SPEC)


@pytest.mark.parametrize(("merges", "entities_now", "stops"), [(50, 100, False), (51, 100, True), (51, 600, False)])
def test_many_mergers_stop_the_run(merges: int, entities_now: int, stops: bool) -> None:
    parts: list[list[int | None]] = [[2 * n, 2 * n + 1, None] for n in range(merges)]
    if not stops:
        check_merges(parts, entities_now, SPEC)
        return
    with pytest.raises(Breaker, match=f"{merges} of {entities_now} entities would be absorbed.*--allow merges"):
        check_merges(parts, entities_now, SPEC)


def test_a_giant_stops_the_run_and_is_named() -> None:
    check_sizes([(150, "crm:1")], SPEC)
    with pytest.raises(Breaker, match=r"entity of web:7 would have 151 records.*--allow giants"):
        check_sizes([(3, "crm:1"), (151, "web:7")], SPEC)


def test_a_stopped_run_publishes_nothing_and_goes_on_when_allowed(
    store: Store, policy: ProjectPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guards, "FEW_MERGES", 0)
    before = stamp(store)
    write_project(policy.file.path.parent, crm=ANN_IS_JON)
    for _ in range(2):
        with pytest.raises(Breaker, match="1 of 4 entities would be absorbed"):
            run(store, policy)
        assert stamp(store) == before
    assert outcomes(store)[:3] == ["stopped", "stopped", "done"]
    run_batch(store, policy, Options(retrain=False, allow=frozenset({"deletes", "merges"})), silent)
    assert stamp(store) != before


def test_guards_are_set_in_the_project_file(store: Store, policy: ProjectPolicy) -> None:
    folder = policy.file.path.parent
    write_project(folder, crm=ANN_IS_JON)
    (folder / "project.yaml").write_text(PROJECT + "guards: {entity_size: 2, merges: 100%}\n")
    again = load_policy(folder / "project.yaml")
    assert again.file.guards == GuardSpec(entity_size=2, merges=1.0)
    with pytest.raises(Breaker, match="would have 3 records, more than 2"):
        run_batch(store, again, Options(retrain=False, allow=frozenset({"deletes"})), silent)


def test_a_dry_run_tells_what_would_change_and_leaves_no_trace(store: Store, policy: ProjectPolicy) -> None:
    before, history = stamp(store), outcomes(store)
    write_project(policy.file.path.parent, crm=ANN_IS_JON, web=WEB + "W6,P,Nobody Else,,,,2024-03-06\n")
    project = Project.open(policy.file.path, store.url)
    report = project.run(retrain=False, dry=True)
    assert report.outcome == "dry run"
    assert (report.counts["records new"], report.counts["records changed"]) == (1, 1)
    (plan,) = [plan for plan in report.plans if plan.entity == "person"]
    assert [(change.kind, change.records) for change in plan.changes] == [
        ("merged", (("crm:C1", "crm:C2", "web:W1"),)),
        ("created", (("web:W6",),)),
    ]
    assert len(plan.changes[0].entities) == 2
    assert (stamp(store), outcomes(store)) == (before, history)
    # What it foretold is what then happens.
    done = project.run(retrain=False)
    assert done.entities_after == report.entities_after
    assert stamp(store) != before


def test_a_plan_tells_what_a_release_would_change(store: Store, policy: ProjectPolicy) -> None:
    folder = policy.file.path.parent
    strict = PROJECT + "match: {review: 0, merge: 60}\n"
    (folder / "project.yaml").write_text(strict)
    project = Project.open(folder / "project.yaml", store.url)
    project.run(retrain=False)
    before = stamp(store)
    (apart,) = [r.release_id for r in project.releases() if r.active and r.entity == "person"]
    (folder / "project.yaml").write_text(PROJECT)
    project = Project.open(folder / "project.yaml", store.url)
    project.run(retrain=False)
    plan = project.plan(apart)
    assert plan.counts == {"merged": 0, "split": 0, "regrouped": 0, "retired": 0, "changed": 0, "created": 0}
    assert stamp(store) == before != ""


def test_two_jobs_do_not_run_at_once(store: Store, policy: ProjectPolicy) -> None:
    with run_lock(store), pytest.raises(Unavailable, match="is running a job"):
        run(store, policy)
    run(store, policy)


def test_a_run_that_died_is_told_by_the_next_one(store: Store, policy: ProjectPolicy) -> None:
    with store.writing() as connection:
        runs.start(connection, "batch")
    run(store, policy)
    assert outcomes(store)[:2] == ["done", "died"]


def test_an_empty_plan_of_the_active_release(store: Store, policy: ProjectPolicy, tmp_path: Path) -> None:
    project = Project.open(policy.file.path, store.url)
    active = [r for r in project.releases() if r.active]
    for release in active:
        plan = project.plan(release.release_id)
        assert (plan.changes, plan.unchanged > 0) == ((), True)
    with store.reading() as connection:
        last = max(event.event_no for event in events.after(connection, 0, 10_000))
    for release in active:
        assert project.activate(release.release_id) == release.release_id
    with store.reading() as connection:
        assert events.after(connection, last, 10) == []
