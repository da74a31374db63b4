"""Quarantine: what is listed, and that a released content takes part as if nothing had ever rejected it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from sqlalchemy import select

from mdm import quarantine, steward
from mdm.cli.main import main
from mdm.errors import BadInput, Conflict, MdmError, NotFound, UnknownField
from mdm.policy import ProjectPolicy, load_policy
from mdm.publish import export
from mdm.quarantine import Correction, Decision
from mdm.reports import QuarantinedLine
from mdm.store import Store, entities, keys, records, verdicts
from mdm.store.schema import audit
from mdm.verification import verify
from tests.mdm.small_project import PROJECT, WEB, run, run_postgresql, run_sqlite, settle, store, write_project

__all__ = ["run_postgresql", "run_sqlite", "store"]

on_sqlite = pytest.mark.parametrize("store", ["sqlite"], indirect=True)

REJECT = (
    "person:\n"
    "  - id: no_smithsons\n"
    "    field: name.family\n"
    "    check: not_in_set\n"
    "    args: {values: [Smithson]}\n"
    "    when: {field: record.source, check: in_set, args: {values: [web]}}\n"
    "    action: reject\n"
)
FLAG = "  - {id: long, field: name.family, check: max_length, args: {value: 5}}\n"


def rejecting(folder: Path, rules: str = REJECT, web: str = WEB) -> ProjectPolicy:
    """The small project, whose rules reject W1: a record that is of the customer of C1."""
    path = write_project(folder, web=web)
    path.write_text(PROJECT + "rules: rules.yaml\n")
    (folder / "rules.yaml").write_text(rules)
    return load_policy(path)


@pytest.fixture
def stamp_before(store: Store) -> str:
    """What the entities are when no rule rejects W1."""
    return stamp(store)


@pytest.fixture
def policy(store: Store, stamp_before: str, tmp_path: Path) -> ProjectPolicy:
    """The project with the rule, after a run by it."""
    loaded = rejecting(tmp_path)
    run(store, loaded)
    return loaded


def stamp(store: Store) -> str:
    with store.reading() as connection:
        return entities.stamp(connection)


def listed(store: Store, policy: ProjectPolicy, *, every: bool = False) -> list[QuarantinedLine]:
    with store.reading() as connection:
        return [line for line in quarantine.list_quarantined(connection, policy, every=every) if line.record]


def states(store: Store, policy: ProjectPolicy) -> dict[str | None, str]:
    return {line.record: line.state for line in listed(store, policy, every=True)}


def decide(store: Store, policy: ProjectPolicy, kind: str, *names: tuple[str, str]) -> list[int]:
    decision = Decision(kind, names, "seen the papers", "jane")  # type: ignore[arg-type]
    with store.writing() as connection:
        numbers = quarantine.decide(connection, policy, decision)
    settle(store, policy)
    return numbers


def withdraw(store: Store, policy: ProjectPolicy, number: int) -> None:
    with store.writing() as connection:
        given = verdicts.get(connection, number)
        steward.withdraw_verdict(connection, number, reason="was wrong", actor="joe")
        quarantine.follow(connection, policy, given)
    settle(store, policy)


def delete(store: Store, policy: ProjectPolicy) -> None:
    """W1 is gone, so that its next delivery is like its first."""
    with store.writing() as connection:
        gone = [record.rid for record in records.by_ids(connection, [W1])]
        keys.replace(connection, gone, [])
        records.mark_deleted(connection, gone, None)
    settle(store, policy)


def broken(store: Store, policy: ProjectPolicy) -> list[str]:
    return [f"{check.name}: {check.detail}" for check in verify(store, policy).checks if not check.ok]


W1 = ("web", "W1")


def test_what_a_rule_rejects_is_kept_and_listed_with_the_reason(store: Store, policy: ProjectPolicy) -> None:
    lines = listed(store, policy)
    assert [(line.record, line.entity, line.state, line.reasons) for line in lines] == [
        ("crm:C4", "person", "waiting", ("person.empty",)),
        ("web:W1", "person", "waiting", ("no_smithsons",)),
    ]
    assert "name=Jonathan Smithson" in lines[1].row


@on_sqlite
def test_rows_that_could_not_be_read_are_listed_with_their_place(store: Store, policy: ProjectPolicy) -> None:
    with store.reading() as connection:
        rows = [line for line in quarantine.list_quarantined(connection, policy) if line.record is None]
    assert [(row.state, row.reasons) for row in rows] == [("unreadable", ("expected 10 columns, found 11",))]
    assert rows[0].place is not None and rows[0].place.endswith("crm.csv line 7")


def test_a_released_record_takes_part_as_if_nothing_had_rejected_it(
    store: Store, policy: ProjectPolicy, stamp_before: str
) -> None:
    assert stamp(store) != stamp_before
    decide(store, policy, "released", W1)
    assert stamp(store) == stamp_before
    assert [line.record for line in listed(store, policy)] == ["crm:C4"]
    assert states(store, policy)["web:W1"] == "released"
    assert broken(store, policy) == []


@pytest.mark.parametrize("full", [False, True])
def test_it_stays_so_through_runs_and_rereading(
    store: Store, policy: ProjectPolicy, stamp_before: str, tmp_path: Path, full: bool
) -> None:
    decide(store, policy, "released", W1)
    run(store, policy, full=full)
    assert stamp(store) == stamp_before
    other = rejecting(tmp_path, REJECT + FLAG)
    run(store, other, full=full)
    assert states(store, other)["web:W1"] == "released"
    assert broken(store, other) == []


@on_sqlite
def test_the_release_is_bound_to_the_content(
    store: Store, policy: ProjectPolicy, stamp_before: str, tmp_path: Path
) -> None:
    decide(store, policy, "released", W1)
    changed = rejecting(tmp_path, web=WEB.replace("1980-02-03,2024-03-01", "1980-02-04,2024-04-01"))
    run(store, changed)
    assert states(store, changed)["web:W1"] == "waiting"
    assert broken(store, changed) == []
    # The source takes it back: what was released is released still.
    back = rejecting(tmp_path)
    delete(store, back)
    run(store, back)
    assert states(store, back)["web:W1"] == "released"
    assert stamp(store) == stamp_before


def test_withdrawing_sends_it_back(store: Store, policy: ProjectPolicy) -> None:
    before = stamp(store)
    (number,) = decide(store, policy, "released", W1)
    withdraw(store, policy, number)
    assert stamp(store) == before
    assert states(store, policy) == {"crm:C4": "waiting", "web:W1": "waiting"}
    assert broken(store, policy) == []
    run(store, policy, full=True)
    assert stamp(store) == before


def test_the_first_sight_of_a_released_content_lets_it_pass(
    store: Store, policy: ProjectPolicy, stamp_before: str
) -> None:
    """Whether it was released before or after it came makes no difference."""
    decide(store, policy, "released", W1)
    delete(store, policy)
    assert stamp(store) != stamp_before
    run(store, policy)
    assert stamp(store) == stamp_before


@on_sqlite
def test_a_discarded_record_is_listed_only_when_asked_for(store: Store, policy: ProjectPolicy) -> None:
    before = stamp(store)
    numbers = decide(store, policy, "discarded", ("crm", "C4"))
    assert [line.record for line in listed(store, policy)] == ["web:W1"]
    assert states(store, policy)["crm:C4"] == "discarded"
    assert stamp(store) == before
    withdraw(store, policy, numbers[0])
    assert states(store, policy)["crm:C4"] == "waiting"


@on_sqlite
@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        (("web", "W2"), Conflict, "web:W2 is not in quarantine, it is active"),
        (("web", "W99"), NotFound, "there is no record web:W99"),
    ],
)
def test_only_quarantined_records_are_decided_about(
    store: Store, policy: ProjectPolicy, name: tuple[str, str], error: type[MdmError], message: str
) -> None:
    with pytest.raises(error, match=message):
        decide(store, policy, "released", W1, name)
    assert states(store, policy)["web:W1"] == "waiting"


@on_sqlite
def test_under_a_changed_project_a_run_comes_first(store: Store, policy: ProjectPolicy, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="run `mdm run` first"):
        decide(store, rejecting(tmp_path, REJECT + FLAG), "released", W1)


def trail(store: Store) -> Sequence[tuple[str, str, str]]:
    with store.reading() as connection:
        rows = connection.execute(select(audit.c.actor, audit.c.action, audit.c.subject).order_by(audit.c.audit_no))
        return [tuple(row) for row in rows]


@on_sqlite
def test_decisions_are_audited(store: Store, policy: ProjectPolicy) -> None:
    before = len(trail(store))
    (number,) = decide(store, policy, "released", W1)
    withdraw(store, policy, number)
    assert trail(store)[before:] == [
        ("jane", "verdict.given", f"verdict:{number}"),
        ("joe", "verdict.withdrawn", f"verdict:{number}"),
    ]


@on_sqlite
def test_the_command_line_lists_releases_and_undoes(
    store: Store, policy: ProjectPolicy, stamp_before: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["-p", str(policy.file.path), "--store", store.url]
    assert main(["quarantine", "list", *options]) == 0
    assert "no_smithsons" in capsys.readouterr().out
    assert main(["quarantine", "release", "web:W1", "web:W1", *options, "--json"]) == 0
    (number,) = json.loads(capsys.readouterr().out)["verdict_ids"]
    assert stamp(store) == stamp_before
    assert main(["quarantine", "discard", "crm:C4", *options]) == 0
    assert "crm:C4 is discarded" in capsys.readouterr().out
    assert main(["quarantine", "list", "--all", "--json", *options]) == 0
    assert {line["state"] for line in json.loads(capsys.readouterr().out)} == {"released", "discarded", "unreadable"}
    assert main(["verdict", "undo", str(number), *options]) == 0
    capsys.readouterr()
    assert main(["quarantine", "list", *options]) == 0
    assert "web:W1" in capsys.readouterr().out
    assert main(["verdict", "list", *options]) == 0
    assert "released" in capsys.readouterr().out


Given = Mapping[str, str | Sequence[str] | None]
BROWN = {"name": "Jonathan Brown", "phone": ["(312) 555-0150", "(312) 555-0151"], "email": None}
WEB_BROWN = WEB.replace(
    "W1,P,Jonathan Smithson,312-555-0142,jon.smithson@example.com,1980-02-03", "W1,P,Jonathan Brown,,,1980-02-03"
)


def correct(store: Store, policy: ProjectPolicy, name: tuple[str, str], values: Given) -> int:
    with store.writing() as connection:
        number = quarantine.correct(connection, policy, Correction(name, values, "her passport", "jane"))
    settle(store, policy)
    return number


def test_a_corrected_record_takes_part_as_if_its_source_had_said_so(
    store: Store, policy: ProjectPolicy, tmp_path: Path
) -> None:
    correct(store, policy, W1, {"name": "Jonathan Brown", "phone": None, "email": None})
    now = stamp(store)
    assert states(store, policy)["web:W1"] == "corrected"
    assert broken(store, policy) == []
    delivered = rejecting(tmp_path, web=WEB_BROWN)
    delete(store, delivered)
    run(store, delivered)
    assert states(store, delivered) == {"crm:C4": "waiting"}
    assert stamp(store) == now


@pytest.mark.parametrize("full", [False, True])
def test_a_correction_stays_through_runs_and_rereading(
    store: Store, policy: ProjectPolicy, tmp_path: Path, full: bool
) -> None:
    correct(store, policy, W1, BROWN)
    now = stamp(store)
    run(store, policy, full=full)
    assert stamp(store) == now
    delete(store, policy)
    run(store, policy)
    assert stamp(store) == now
    other = rejecting(tmp_path, REJECT + FLAG)
    run(store, other, full=full)
    assert states(store, other)["web:W1"] == "corrected"
    assert broken(store, other) == []


@on_sqlite
def test_a_correction_is_bound_to_what_was_delivered(store: Store, policy: ProjectPolicy, tmp_path: Path) -> None:
    correct(store, policy, W1, BROWN)
    changed = rejecting(tmp_path, web=WEB.replace("1980-02-03,2024-03-01", "1980-02-04,2024-04-01"))
    run(store, changed)
    assert states(store, changed)["web:W1"] == "waiting"
    assert broken(store, changed) == []


def test_withdrawing_a_correction_sends_it_back(store: Store, policy: ProjectPolicy) -> None:
    before = stamp(store)
    number = correct(store, policy, W1, BROWN)
    assert stamp(store) != before
    withdraw(store, policy, number)
    assert stamp(store) == before
    assert states(store, policy) == {"crm:C4": "waiting", "web:W1": "waiting"}
    run(store, policy, full=True)
    assert stamp(store) == before
    assert broken(store, policy) == []


def test_a_correction_is_judged_by_every_rule_that_comes_later(
    store: Store, policy: ProjectPolicy, tmp_path: Path
) -> None:
    first = correct(store, policy, W1, BROWN)
    stricter = rejecting(tmp_path, REJECT.replace("[Smithson]", "[Smithson, Brown]"))
    run(store, stricter)
    (line,) = [line for line in listed(store, stricter) if line.record == "web:W1"]
    assert (line.state, line.reasons) == ("waiting", ("no_smithsons",))
    with pytest.raises(Conflict, match=f"corrected already, by verdict {first}"):
        correct(store, stricter, W1, {"name": "Jonathan Green"})
    decide(store, stricter, "released", W1)
    assert states(store, stricter)["web:W1"] == "corrected"
    assert broken(store, stricter) == []


@on_sqlite
@pytest.mark.parametrize(
    ("name", "values", "error", "message"),
    [
        (W1, {"birth_date": "1980-02-04"}, BadInput, "still rejected by no_smithsons"),
        (W1, {"name": None, "phone": [], "email": "", "birth_date": None}, BadInput, "rejected by person.empty"),
        (W1, {"name": "Jon Brown", "nmae": "x"}, UnknownField, "unknown field 'nmae'"),
        (W1, {"name": "Jon Brown", "name.nick": "x"}, UnknownField, "name.given"),
        (W1, {"name.family": "Brown"}, BadInput, "web delivers name as one text"),
        (W1, {"name": "Jon Brown", "name.full": "Jon Green"}, BadInput, "given twice"),
        (W1, {"name": "Jon\0Brown"}, BadInput, "NUL"),
        (W1, {"name": "B" * 10_001}, BadInput, "10,000 characters"),
        (W1, {}, BadInput, "at least one value"),
        (("web", "W2"), {"name": "Jon Brown"}, Conflict, "web:W2 is not in quarantine"),
        (("web", "W99"), {"name": "Jon Brown"}, NotFound, "there is no record web:W99"),
    ],
)
def test_a_correction_that_does_not_help_is_refused(
    store: Store, policy: ProjectPolicy, name: tuple[str, str], values: Given, error: type[MdmError], message: str
) -> None:
    before = stamp(store), trail(store)
    with pytest.raises(error, match=message):
        correct(store, policy, name, values)
    assert (stamp(store), trail(store)) == before
    assert states(store, policy)["web:W1"] == "waiting"


@on_sqlite
def test_corrections_are_audited_listed_and_exported(store: Store, policy: ProjectPolicy, tmp_path: Path) -> None:
    before = len(trail(store))
    number = correct(store, policy, W1, BROWN)
    given = {"name": ("Jonathan Brown",), "phone": ("(312) 555-0150", "(312) 555-0151"), "email": ()}
    assert trail(store)[before:] == [("jane", "verdict.given", f"verdict:{number}")]
    with store.reading() as connection:
        details = connection.scalar(select(audit.c.details).where(audit.c.subject == f"verdict:{number}"))
        assert details is not None and "Brown" not in details
        assert "record.corrected" in json.loads(records.by_ids(connection, [W1])[0].issues)
    assert [line.corrected for line in listed(store, policy, every=True)] == [{}, given]
    export(store, policy, tmp_path / "out", "jsonl", None)
    rows = [json.loads(line) for line in (tmp_path / "out" / "quarantine.jsonl").read_text().splitlines()]
    assert [(row["record_id"], row["state"], row["reasons"]) for row in rows] == [
        ("C4", "waiting", "person.empty"),
        ("W1", "corrected", ""),
        (None, "unreadable", "expected 10 columns, found 11"),
    ]
    assert json.loads(rows[1]["corrected"]) == {name: list(texts) for name, texts in given.items()}
    assert json.loads(rows[1]["row"])["name"] == "Jonathan Smithson"


@on_sqlite
def test_the_command_line_corrects(store: Store, policy: ProjectPolicy, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["-p", str(policy.file.path), "--store", store.url]
    assert main(["quarantine", "correct", "crm:C4", "name.family=Poole", "phone=", *options]) == 0
    assert "crm:C4 is corrected" in capsys.readouterr().out
    assert main(["quarantine", "correct", "web:W1", "birth_date=1980-02-04", *options]) == 2
    assert "still rejected by no_smithsons" in capsys.readouterr().err
    assert main(["quarantine", "correct", "web:W1", "birth_date", *options]) == 2
    assert "write field=value" in capsys.readouterr().err
    assert main(["quarantine", "list", "--all", "--json", *options]) == 0
    shown = {line["record"]: line["corrected"] for line in json.loads(capsys.readouterr().out)}
    assert shown["crm:C4"] == {"name.family": ["Poole"], "phone": []}
    assert main(["verdict", "list", "--json", *options]) == 0
    (verdict,) = json.loads(capsys.readouterr().out)
    assert (verdict["kind"], verdict["corrected"]) == ("corrected", {"name.family": ["Poole"], "phone": []})
    assert main(["verdict", "undo", str(verdict["verdict_id"]), *options]) == 0
    assert states(store, policy)["crm:C4"] == "waiting"
