"""Scores of a store: measured by every run, carried on when nothing changed, shown as tables, JSON and a page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mdm.cli.main import main
from mdm.policy import ProjectPolicy, load_policy
from mdm.scorecard import read_scorecard
from mdm.scorecard.page import change_text, render_scorecard
from mdm.scorecard.report import DimensionScore, FieldScore, Point, ScorecardReport, SourceScore
from mdm.store import Store, measures, records
from tests.mdm.small_project import CRM, PROJECT, policy, run, run_postgresql, run_sqlite, store, write_project

__all__ = ["policy", "run_postgresql", "run_sqlite", "store"]

on_sqlite = pytest.mark.parametrize("store", ["sqlite"], indirect=True)


def scores(store: Store, source: str, entity: str) -> dict[str, tuple[int, int]]:
    """`field dimension` -> (passed, total) after the last run."""
    with store.reading() as connection:
        told = measures.history(connection, 1)
    return {
        f"{each.measure.field} {each.measure.dimension}".strip(): (each.measure.passed, each.measure.total)
        for each in told
        if (each.measure.source, each.measure.entity_type) == (source, entity)
    }


def report(store: Store, runs: int = 30) -> ScorecardReport:
    with store.reading() as connection:
        return read_scorecard(connection, "small", runs)


def test_a_run_measures_every_source_and_field(store: Store) -> None:
    # Four persons of crm, one of them empty and quarantined; nobody shares an entity with another one of crm.
    # Their phones and mailboxes are reserved ones, which the shipped rules flag.
    assert scores(store, "crm", "person") == {
        "name completeness": (3, 4),
        "name validity": (3, 3),
        "phone completeness": (3, 4),
        "phone validity": (0, 3),
        "email completeness": (2, 4),
        "email validity": (0, 2),
        "birth_date completeness": (2, 4),
        "birth_date validity": (2, 2),
        "birth_date consistency": (4, 4),
        "address completeness": (3, 4),
        "address validity": (3, 3),
        "uniqueness": (3, 3),
        "timeliness": (0, 3),
    }
    assert scores(store, "web", "organisation")["phone completeness"] == (2, 2)


def test_scores_follow_the_delivery(store: Store, tmp_path: Path) -> None:
    changed = {
        "mary@example.org": "mary@nowhere",
        "(312) 555-0177": "",
        "C2,P,Ann,Smithson,,(312) 555-0142,,,": "C2,P,Jon,Smithson,,(312) 555-0142,,1980-02-03,",
        "2024-01-06": "2026-01-01",
    }
    worse = CRM
    for old, new in changed.items():
        worse = worse.replace(old, new)
    run(store, load_policy(write_project(tmp_path, crm=worse)))
    found = scores(store, "crm", "person")
    assert found["phone completeness"] == (2, 4)
    assert found["phone validity"] == (0, 2)
    assert found["timeliness"] == (1, 3)
    assert found["uniqueness"] == (2, 3)  # Jon Smithson twice


def test_a_run_without_changes_repeats_the_scores(store: Store, policy: ProjectPolicy) -> None:
    before = scores(store, "crm", "person")
    run(store, policy)
    assert scores(store, "crm", "person") == before
    assert [len(each.history) for each in report(store).sources[1].dimensions] == [3] * 5


@on_sqlite
def test_deleted_records_are_no_longer_counted(store: Store, tmp_path: Path) -> None:
    run(store, load_policy(write_project(tmp_path, crm="\n".join(CRM.splitlines()[:2]) + "\n")))
    assert scores(store, "crm", "person")["email completeness"] == (1, 1)
    with store.reading() as connection:
        assert records.current(connection).num_rows > 5


@on_sqlite
def test_new_rules_are_scored_by(store: Store, tmp_path: Path) -> None:
    path = write_project(tmp_path)
    path.write_text(PROJECT + "rules: rules.yaml\n")
    (tmp_path / "rules.yaml").write_text(
        "person:\n"
        "  - {id: short, field: name.family, check: max_length, args: {value: 5}}\n"
        "  - {id: rows, check: row_count, args: {min: 4}}\n"
    )
    run(store, load_policy(path))
    assert scores(store, "crm", "person")["name validity"] == (1, 3)
    sources = {(each.source, each.entity): each for each in report(store).sources}
    assert [rule.passed for rule in sources["crm", "person"].rules] == [True]
    assert [rule.passed for rule in sources["web", "person"].rules] == [False]


@on_sqlite
def test_the_history_goes_as_far_back_as_asked(store: Store, policy: ProjectPolicy) -> None:
    run(store, policy)
    (dimension, *_) = report(store, runs=2).sources[0].dimensions
    assert [point.run_id for point in dimension.history] == [2, 3]
    assert dimension.change == 0


def test_before_any_run_there_is_nothing_to_say() -> None:
    assert "No run was measured yet" in render_scorecard(ScorecardReport("new", None, None, ()))


@pytest.mark.parametrize(("change", "text"), [(None, ""), (0.0004, ""), (0.012, "+1.2"), (-0.5, "-50.0")])
def test_changes_are_points_of_a_percent(change: float | None, text: str) -> None:
    assert change_text(change) == text


def test_the_page_is_self_contained_and_escapes_data() -> None:
    history = (Point(1, "2026-01-01", 0.5), Point(2, "2026-01-02", 0.4))
    validity = DimensionScore("validity", 4, 10, history)
    fields = (FieldScore("phone", {"validity": 0.4}),)
    source = SourceScore("<b>فروش</b>", "person", 10, (validity,), fields, ())
    page = render_scorecard(ScorecardReport("small", 2, "2026-01-02", (source,)))
    assert '<h2 dir="auto">&lt;b&gt;فروش&lt;/b&gt;' in page
    assert "<script" not in page and "http" not in page
    assert 'class="trend" points="4.0,4.0 146.0,36.0"' in page
    assert '<span class="tag bad" title="points of a percent since the run before">-10.0</span>' in page


@on_sqlite
def test_the_command_shows_scores_as_table_json_and_page(
    store: Store, policy: ProjectPolicy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["scorecard", "-p", str(policy.file.path), "--store", store.url]
    assert main([*command, "--html", str(tmp_path / "s.html")]) == 0
    out = capsys.readouterr().out
    assert "Scores after run 2" in out and "crm (person)" in out and "75.0 %" in out
    assert (tmp_path / "s.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert main([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sources"][0]["source"] == "crm"
    assert main([*command, "--html", str(tmp_path / "no" / "s.html")]) == 2
