"""Rules over sets in a run: they see what will be there, stop it before anything is written, or are told as notes."""

from __future__ import annotations

from pathlib import Path

import pytest

from mdm.cli.main import main
from mdm.errors import Breaker
from mdm.pipeline import Options, run_batch
from mdm.policy import ProjectPolicy, load_policy
from mdm.store import Store, entities, records, runs
from mdm.watch import silent
from tests.mdm.small_project import CRM, PROJECT, run_sqlite, store, write_project

__all__ = ["run_sqlite", "store"]

pytestmark = pytest.mark.parametrize("store", ["sqlite"], indirect=True)


ANYTHING = Options(retrain=False, allow=frozenset({"deletes", "drop"}))


def with_rules(folder: Path, *rules: str, crm: str = CRM) -> ProjectPolicy:
    """The small project with these rules of persons."""
    path = write_project(folder, crm=crm)
    path.write_text(PROJECT + "rules: rules.yaml\n")
    (folder / "rules.yaml").write_text("person:\n" + "".join(f"  - {{{rule}}}\n" for rule in rules))
    return load_policy(path)


def notes_of(store: Store, policy: ProjectPolicy) -> list[str]:
    _, tally = run_batch(store, policy, ANYTHING, silent)
    return [note for note in tally.notes if "source" in note]


def state(store: Store) -> tuple[str, int]:
    with store.reading() as connection:
        return entities.stamp(connection), records.current(connection).num_rows


def test_what_only_flags_is_told_by_source(store: Store, tmp_path: Path) -> None:
    policy = with_rules(tmp_path, "id: mails, field: email, check: share, args: {of: not_null, at_least: 90%}")
    # The person with nothing at all (C4) is quarantined, and counts: the source delivered it.
    assert notes_of(store, policy) == [
        "mails: source crm: 50% of the records; asked: at least 90% of the records: not_null",
        "mails: source web: 66.6667% of the records; asked: at least 90% of the records: not_null",
    ]


@pytest.mark.parametrize("changed_rules", [True, False])
def test_a_stopped_run_changes_no_entity(store: Store, tmp_path: Path, changed_rules: bool) -> None:
    rule = "id: twice, field: email, check: unique, when: {field: record.source, check: in_set, args: {values: [crm]}}"
    policy = with_rules(tmp_path, f"{rule}, action: stop")
    if not changed_rules:
        run_batch(store, policy, Options(retrain=False), silent)
    before = state(store)
    again = CRM + "C9,P,Jon,Doe,,,jon.smithson@example.com,,,2024-01-09\n"
    policy = with_rules(tmp_path, f"{rule}, action: stop", crm=again)
    with pytest.raises(Breaker, match=r"twice: source crm: 66.6667% of the records; asked: at most 0%"):
        run_batch(store, policy, Options(retrain=False), silent)
    # Under new rules the records are stored first, and wait; under known ones nothing is written at all.
    assert state(store) == (before[0], before[1] + changed_rules)
    with store.reading() as connection:
        last = runs.last(connection)
    assert last is not None and last.outcome == "stopped"
    policy = with_rules(tmp_path, f"{rule}, action: stop", crm=CRM)
    run_batch(store, policy, ANYTHING, silent)
    assert state(store)[0] == before[0]


def test_row_counts_are_held_against_the_last_delivery(store: Store, tmp_path: Path) -> None:
    rule = "id: rows, check: row_count, args: {max_drop: 25%}, action: stop"
    run_batch(store, with_rules(tmp_path, rule), Options(retrain=False), silent)
    fewer = "\n".join(CRM.splitlines()[:3]) + "\n"  # two of four persons
    with pytest.raises(Breaker, match=r"rows: source crm: 2 records \(before: 4\); asked: no more than 25% fewer"):
        run_batch(
            store,
            with_rules(tmp_path, rule, crm=fewer),
            ANYTHING,
            silent,
        )


def test_a_threshold_stops_when_too_many_records_fail(store: Store, tmp_path: Path) -> None:
    rule = "id: no_mail, field: email, check: not_null, threshold: {limit}"
    run_batch(store, with_rules(tmp_path, rule.replace("{limit}", "50%")), Options(retrain=False), silent)
    with pytest.raises(Breaker, match="no_mail: source crm: 50% of the records; asked: at most 49%"):
        run_batch(store, with_rules(tmp_path, rule.replace("{limit}", "49%")), Options(retrain=False), silent)


def test_countries_and_dates_of_the_records_are_known(store: Store, tmp_path: Path) -> None:
    policy = with_rules(
        tmp_path,
        "id: us, field: email, check: share, args: {of: not_null, at_least: 100%}, "
        "when: [{field: record.country, check: in_set, args: {values: [US]}},"
        " {field: record.updated_at, check: date_min, args: {value: 2024-02-01}}]",
        "id: none, field: email, check: share, args: {of: not_null, at_least: 100%}, "
        "when: {field: record.country, check: in_set, args: {values: [VN]}}",
        "id: old, check: freshness, args: {within: 400 days}",
    )
    assert notes_of(store, policy) == [
        "us: source web: 66.6667% of the records; asked: at least 100% of the records: not_null",
        "old: source crm: newest record: 2024-01-08; asked: the newest record is at most 400 days old",
        "old: source web: newest record: 2024-03-03; asked: the newest record is at most 400 days old",
    ]


def test_the_command_line_ends_with_the_code_of_a_breaker(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = with_rules(tmp_path, "id: rows, check: row_count, args: {min: 100}, action: stop")
    command = ["run", "-p", str(policy.file.path), "--no-retrain", "--store", store.url]
    assert main(command) == 3
    assert "rows: source web: 3 records" in capsys.readouterr().err
    assert main([*command, "--allow", "rules"]) == 0
    assert "rows: source web: 3 records" in capsys.readouterr().out
