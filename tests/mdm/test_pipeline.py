"""The batch job end to end, on both databases: what it creates, keeps, moves, refuses, and tells in events."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mdm import deciding, learning, steward
from mdm.cli.main import main
from mdm.errors import BadProject, Breaker
from mdm.pipeline import Options, run_batch
from mdm.policy import ProjectPolicy, load_policy
from mdm.store import Store, entities, events, records, runs
from mdm.verification import verify
from mdm.watch import silent
from tests.mdm.small_project import (
    CRM,
    PERSON,
    PROJECT,
    WEB,
    give,
    policy,
    run,
    run_postgresql,
    run_sqlite,
    settle,
    store,
    write_project,
)

__all__ = ["policy", "run_postgresql", "run_sqlite", "store"]

Events = list[tuple[str, int, tuple[str, ...]]]

# Most of what a run decides has nothing to do with the database: one of the two is enough.
on_sqlite = pytest.mark.parametrize("store", ["sqlite"], indirect=True)


def homes(store: Store) -> dict[str, int]:
    """Record, as `source:record_id` -> the number of its entity."""
    with store.reading() as connection:
        table = records.current(connection).to_pydict()
        names = records.source_names(connection)
    rows = zip(table["source_id"], table["record_id"], table["eid"], strict=True)
    return {f"{names[source]}:{record_id}": eid for source, record_id, eid in rows if eid is not None}


def together(store: Store) -> set[str]:
    """The entities of more than one record, as their records."""
    members: dict[int, list[str]] = {}
    for name, eid in homes(store).items():
        members.setdefault(eid, []).append(name.partition(":")[2])
    return {" ".join(sorted(names)) for names in members.values() if len(names) > 1}


def stamp(store: Store) -> str:
    with store.reading() as connection:
        return entities.stamp(connection)


def last_event(store: Store) -> int:
    with store.reading() as connection:
        return max((event.event_no for event in events.after(connection, 0, 10_000)), default=0)


def told(store: Store, since: int) -> Events:
    """The events since, as (kind, entity, fields)."""
    with store.reading() as connection:
        return [(e.kind, e.eid, e.fields) for e in events.after(connection, since, 10_000)]


def deliver(store: Store, policy: ProjectPolicy, crm: str = CRM, web: str = WEB, *, full: bool = False) -> Events:
    """Run with these files; the events that followed."""
    before = last_event(store)
    write_project(policy.file.path.parent, crm, web)
    run(store, policy, full=full)
    return told(store, before)


def is_sound(store: Store, policy: ProjectPolicy) -> bool:
    """Whether all that is stored follows from the records, the verdicts and the release."""
    broken = [check for check in verify(store, policy).checks if not check.ok]
    assert broken == []
    return True


def without(text: str, record_id: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith(f"{record_id},"))


def test_nothing_changed_changes_nothing(store: Store, policy: ProjectPolicy) -> None:
    before, where = stamp(store), homes(store)
    for full in (False, False, True):
        assert deliver(store, policy, full=full) == []
        assert (stamp(store), homes(store)) == (before, where)
    with store.reading() as connection:
        versions = {stored.version for stored in records.by_rids(connection, range(100))}
        golden = entities.golden(connection, set(where.values())).num_rows
    assert versions == {1}
    assert golden == len(set(where.values()))


@on_sqlite
def test_rows_that_are_no_records_are_kept_with_file_and_line(store: Store, policy: ProjectPolicy) -> None:
    lost = WEB + ",P,No Id,,,,2024-01-01\nW9,X,Odd Kind,,,,2024-01-01\n"
    write_project(policy.file.path.parent, web=lost)
    run_id, tally = run_batch(store, policy, Options(retrain=False), silent)
    with store.reading() as connection:
        kept = records.quarantined_rows(connection, run_id).to_pylist()
        (empty,) = records.by_ids(connection, [("crm", "C4")])
    assert [(row["source"], Path(row["file"]).name, row["line"]) for row in kept] == [
        ("crm", "crm.csv", 7),
        ("web", "web.csv", 7),
        ("web", "web.csv", 8),
    ]
    told_why = zip(("found 11", "no record id", "unknown entity type"), (row["reason"] for row in kept), strict=True)
    assert [reason for words, reason in told_why if words not in reason] == []
    assert tally.quarantined == 3
    assert (empty.state, empty.eid) == ("quarantined", None)
    assert "rule.person.empty" in empty.issues


@on_sqlite
def test_a_rejected_record_that_was_mended_joins(store: Store, policy: ProjectPolicy) -> None:
    mended = CRM.replace("C4,P,,,,,,,,2024-01-08", "C4,P,Mary,Poole,,,mary@example.org,,,2024-01-10")
    deliver(store, policy, crm=mended)
    assert "C3 C4 W2" in together(store)


@on_sqlite
def test_a_record_that_became_empty_leaves_its_entity(store: Store, policy: ProjectPolicy) -> None:
    assert "C3 W2" in together(store)
    emptied = without(WEB, "W2") + "W2,P,,,,,2024-05-01\n"
    deliver(store, policy, web=emptied)
    assert "web:W2" not in homes(store)
    assert is_sound(store, policy)


# Ids and events


@on_sqlite
def test_an_added_record_joins_and_is_told(store: Store, policy: ProjectPolicy) -> None:
    jon = homes(store)["crm:C1"]
    found = deliver(store, policy, web=WEB + "W6,P,Jon Smithson,312-555-0142,,1980-02-03,2024-06-01\n")
    assert homes(store)["web:W6"] == jon
    assert [(kind, eid) for kind, eid, _ in found] == [("changed", jon)]


@on_sqlite
def test_an_added_stranger_gets_an_id_of_its_own(store: Store, policy: ProjectPolicy) -> None:
    known = set(homes(store).values())
    found = deliver(store, policy, web=WEB + "W6,P,Zoe Quist,212-555-0100,,1999-02-03,2024-06-01\n")
    new = homes(store)["web:W6"]
    assert new not in known
    assert found == [("created", new, ())]


@on_sqlite
def test_a_changed_value_is_told_by_the_name_of_its_field(store: Store, policy: ProjectPolicy) -> None:
    olga = homes(store)["web:W3"]
    found = deliver(store, policy, web=WEB.replace("1990-05-05,2024-03-03", "1990-05-06,2024-03-04"))
    assert found == [("changed", olga, ("birth_date", "name", "phone"))]
    with store.reading() as connection:
        (stored,) = records.by_ids(connection, [("web", "W3")])
        (event,) = events.after(connection, last_event(store) - 1, 10)
    assert stored.version == 2
    assert "1990" not in str(event)


def test_a_bridge_merges_two_entities_and_its_deletion_parts_them_again(store: Store, policy: ProjectPolicy) -> None:
    """The older id survives the merge of equals; the other redirects, and comes back when the bridge is gone."""
    where = homes(store)
    mary, olga = where["crm:C3"], where["web:W3"]
    number = give(store, policy, "same", ("crm", "C3"), ("web", "W3"))
    merged = homes(store)
    assert merged["web:W3"] == merged["crm:C3"] == mary
    with store.reading() as connection:
        assert (entities.get(connection, olga).state, entities.resolve_redirect(connection, olga)) == (
            "redirected",
            mary,
        )
    assert [(kind, eid) for kind, eid, _ in told(store, last_event(store) - 3)] == [
        ("merged", mary),
        ("changed", mary),
        ("retired", olga),
    ]
    undo(store, policy, number)
    assert homes(store) == where
    assert ("created", olga, ()) in told(store, last_event(store) - 3)


def undo(store: Store, policy: ProjectPolicy, number: int) -> None:
    with store.writing() as connection:
        steward.withdraw_verdict(connection, number, reason="not so", actor="jane")
    settle(store, policy)


def test_a_deleted_record_leaves_and_its_return_gives_back_the_id(store: Store, policy: ProjectPolicy) -> None:
    where = homes(store)
    found = deliver(store, policy, crm=without(CRM, "C2"))
    assert homes(store) == {name: eid for name, eid in where.items() if name != "crm:C2"}
    assert found == [("retired", where["crm:C2"], ())]
    found = deliver(store, policy, crm=without(CRM, "C2"))
    assert found == []
    found = deliver(store, policy, crm=CRM)
    assert homes(store) == where
    assert is_sound(store, policy)
    assert found == [("created", where["crm:C2"], ())]


@on_sqlite
def test_a_deleted_member_leaves_its_entity(store: Store, policy: ProjectPolicy) -> None:
    where = homes(store)
    found = deliver(store, policy, crm=without(CRM, "C1"))
    assert homes(store) == {name: eid for name, eid in where.items() if name != "crm:C1"}
    assert [(kind, eid) for kind, eid, _ in found] == [("changed", where["crm:C1"])]


@on_sqlite
def test_a_source_that_is_no_snapshot_deletes_nothing(store: Store, policy: ProjectPolicy) -> None:
    where = homes(store)
    assert deliver(store, policy, web=WEB.splitlines()[0] + "\n") == []
    assert homes(store) == where


@on_sqlite
def test_a_mass_deletion_is_stopped(store: Store, policy: ProjectPolicy) -> None:
    before = stamp(store)
    write_project(policy.file.path.parent, crm=without(CRM, "C1"))
    with pytest.raises(Breaker, match=r"'crm': 1 of 5 stored records .* --allow-deletes"):
        run_batch(store, policy, Options(retrain=False), silent)
    assert stamp(store) == before
    with store.reading() as connection:
        last = runs.last(connection)
    assert last is not None
    assert last.outcome == "stopped"


def test_a_member_that_changes_moves_to_another_entity(store: Store, policy: ProjectPolicy) -> None:
    where = homes(store)
    moved = WEB.replace(
        "W1,P,Jonathan Smithson,312-555-0142,jon.smithson@example.com,1980-02-03,2024-03-01",
        "W1,P,Mary Poole,(312) 555-0177,mary@example.org,1975-12-01,2024-03-05",
    )
    assert moved != WEB
    found = deliver(store, policy, web=moved)
    assert homes(store) == {**where, "web:W1": where["crm:C3"]}
    assert is_sound(store, policy)
    assert {(kind, eid) for kind, eid, _ in found} == {
        ("split", where["crm:C1"]),
        ("changed", where["crm:C1"]),
        ("changed", where["crm:C3"]),
    }


@on_sqlite
def test_an_older_version_does_not_replace(store: Store, policy: ProjectPolicy) -> None:
    before = stamp(store)
    older = WEB.replace("1990-05-05,2024-03-03", "1990-05-06,2024-03-02")
    write_project(policy.file.path.parent, web=older)
    _, tally = run_batch(store, policy, Options(retrain=False), silent)
    assert (tally.counts["records stale"], tally.counts["records changed"]) == (1, 0)
    assert stamp(store) == before


@on_sqlite
def test_of_two_versions_in_one_delivery_the_newer_stands(store: Store, policy: ProjectPolicy) -> None:
    newer = "W3,P,Olga Brandt,(312) 555-0199,,1990-05-07,2024-06-03\n"
    older = "W3,P,Olga Brandt,(312) 555-0199,,1990-05-06,2024-06-02\n"
    deliver(store, policy, web=without(WEB, "W3") + newer + older)
    with store.reading() as connection:
        (stored,) = records.by_ids(connection, [("web", "W3")])
    assert ("1990-05-07" in stored.payload, stored.version) == (True, 2)


# Types


@on_sqlite
@pytest.mark.parametrize(
    ("gone", "arrived", "home"),
    [
        (
            "W3,P,Olga Brandt,(312) 555-0199,,1990-05-05,2024-03-03",
            "W3,C,Harbour Lights,312-555-0111,,,2024-07-01",
            "crm:C5",
        ),
        (
            "W5,C,Quarry & Sons,312-555-0188,office@quarry.example,,2024-03-05",
            "W5,P,Mary Poole,(312) 555-0177,mary@example.org,,2024-07-01",
            "crm:C3",
        ),
        (
            "W4,C,Harbour Lights,312-555-0111,desk@harbour-lights.example,,2024-03-04",
            "W4,P,Olga Brandt,(312) 555-0199,,1990-05-05,2024-07-01",
            "web:W3",
        ),
    ],
    ids=["person to organisation", "organisation to person", "a member of a group"],
)
def test_a_record_whose_type_changes_moves(
    store: Store, policy: ProjectPolicy, gone: str, arrived: str, home: str
) -> None:
    where, name = homes(store), f"web:{gone[:2]}"
    assert gone in WEB
    found = deliver(store, policy, web=WEB.replace(gone, arrived))
    assert homes(store) == {**where, name: where[home]}
    alone = list(where.values()).count(where[name]) == 1
    assert ("retired" if alone else "changed", where[name]) in {(kind, eid) for kind, eid, _ in found}
    assert is_sound(store, policy)


@on_sqlite
def test_an_id_never_comes_to_mean_a_customer_of_another_type(store: Store, policy: ProjectPolicy) -> None:
    where = homes(store)
    deliver(store, policy, web=WEB.replace("W3,P,Olga Brandt,(312) 555-0199,,1990-05-05", "W3,C,Brandt GmbH,,,"))
    company = homes(store)["web:W3"]
    assert company not in where.values()
    deliver(store, policy)
    assert homes(store) == where


# Promises and policy


@on_sqlite
def test_a_promise_of_no_duplicates_is_kept(store: Store, policy: ProjectPolicy) -> None:
    twin = WEB + "W6,P,Jon Smithson,312-555-0142,jon.smithson@example.com,1980-02-03,2024-03-06\n"
    deliver(store, policy, web=twin)
    assert "C1 W1 W6" in together(store)
    folder = policy.file.path.parent
    promise(folder)
    run(store, load_policy(folder / "project.yaml"))
    assert homes(store)["web:W1"] != homes(store)["web:W6"]
    assert is_sound(store, load_policy(folder / "project.yaml"))


def promise(folder: Path) -> None:
    text = PROJECT.replace("    read: web.csv\n", "    read: web.csv\n    duplicate_free: true\n")
    (folder / "project.yaml").write_text(text)


MORE_TRUST = PROJECT.replace("trust: 50", "trust: 95")
PHONE_AS_EMAIL = PROJECT.replace(
    "person: {name.full: name, phone: phone, email: email, birth_date: born}",
    "person: {name.full: name, birth_date: born}",
)
RULES = """\
person:
  - {id: small.no_birth, field: birth_date, check: not_null, severity: error, dimension: completeness, action: reject}
"""


@on_sqlite
@pytest.mark.parametrize("option", [{"retrain": False}, {"retrain": None}, {"retrain": False, "full": True}])
def test_a_changed_mapping_reads_stored_records_again(
    store: Store, policy: ProjectPolicy, option: dict[str, Any]
) -> None:
    """Only the header of web.csv is delivered: what follows comes from what is stored."""
    folder = policy.file.path.parent
    write_project(folder, web=WEB.splitlines()[0] + "\n")
    (folder / "project.yaml").write_text(PHONE_AS_EMAIL)
    changed = load_policy(folder / "project.yaml")
    run_batch(store, changed, Options(**option), silent)
    with store.reading() as connection:
        (web,) = records.by_ids(connection, [("web", "W1")])
        (crm,) = records.by_ids(connection, [("crm", "C1")])
        (row,) = records.load(connection, [web.rid], ["issues", "claims"]).to_pylist()
        release = learning.active_release(connection, "person")
    assert "phone" not in row["claims"]
    assert (web.version, web.state) == (1, "active")
    assert "555-0142" in web.payload
    assert release is not None
    assert release.policy == changed.hashes["person"]
    assert crm.eid is not None
    assert is_sound(store, changed)
    before = last_event(store)
    run_batch(store, changed, Options(retrain=False), silent)
    assert told(store, before) == []


@on_sqlite
def test_a_changed_trust_changes_who_wins(store: Store, policy: ProjectPolicy) -> None:
    folder = policy.file.path.parent
    (folder / "project.yaml").write_text(MORE_TRUST)
    changed = load_policy(folder / "project.yaml")
    run(store, changed)
    with store.reading() as connection:
        (text,) = entities.golden(connection, [homes(store)["crm:C1"]])["values"].to_pylist()
    assert "Jonathan" in text
    assert is_sound(store, changed)


def test_a_new_rule_judges_stored_records(store: Store, policy: ProjectPolicy) -> None:
    """Who has no date of birth is rejected, leaves, and comes back when the rule is withdrawn."""
    folder, where = policy.file.path.parent, homes(store)
    (folder / "rules.yaml").write_text(RULES)
    (folder / "project.yaml").write_text(PROJECT + "rules: rules.yaml\n")
    run(store, load_policy(folder / "project.yaml"))
    assert set(where) - set(homes(store)) == {"crm:C2"}
    write_project(folder)
    run(store, load_policy(folder / "project.yaml"))
    assert homes(store) == where


@on_sqlite
def test_a_changed_entity_file_makes_new_keys_and_links(store: Store, policy: ProjectPolicy) -> None:
    folder = policy.file.path.parent
    own = PERSON.replace(
        "keys: {phone: [phones], email: [emails], born: [family, birth_days]}", "keys: {phone: [phones]}"
    )
    assert own != PERSON
    (folder / "entities" / "person.yaml").write_text(own)
    changed = load_policy(folder / "project.yaml")
    run(store, changed)
    assert together(store) == {"C1 W1", "C5 W4"}
    assert is_sound(store, changed)


@on_sqlite
def test_weights_of_features_that_are_no_more_are_refused(store: Store, policy: ProjectPolicy) -> None:
    folder, before = policy.file.path.parent, stamp(store)
    (folder / "entities" / "person.yaml").write_text(PERSON.replace("birth_days", "born_days"))
    changed = load_policy(folder / "project.yaml")
    with store.reading() as connection:
        history = len(runs.all(connection))
    with pytest.raises(BadProject, match=r"person changed birth_days.*run without --no-retrain"):
        run(store, changed)
    with store.reading() as connection:
        assert len(runs.all(connection)) == history
    assert stamp(store) == before


@on_sqlite
def test_written_thresholds_hold_from_the_next_run_on(store: Store, policy: ProjectPolicy) -> None:
    folder, before = policy.file.path.parent, stamp(store)
    (folder / "project.yaml").write_text(PROJECT + "match: {review: 0, merge: 60}\n")
    run(store, load_policy(folder / "project.yaml"))
    assert together(store) == set()
    (folder / "project.yaml").write_text(PROJECT + "match: {review: 0, merge: 6}\n")
    run(store, load_policy(folder / "project.yaml"))
    assert stamp(store) == before


# Verdicts


def test_same_and_different_hold_through_later_runs(store: Store, policy: ProjectPolicy) -> None:
    give(store, policy, "same", ("crm", "C3"), ("web", "W3"))
    give(store, policy, "different", ("crm", "C1"), ("web", "W1"))
    expected = {"C3 W2 W3", "C5 W4"}
    assert together(store) == expected
    for full in (False, True):
        deliver(store, policy, full=full)
        assert together(store) == expected
    assert is_sound(store, policy)
    sure = WEB.replace("W1,P,Jonathan Smithson", "W1,P,Jon Smithson").replace("2024-03-01", "2024-09-01")
    deliver(store, policy, web=sure)
    assert together(store) == expected


@on_sqlite
def test_a_different_verdict_binds_all_that_joins_later(store: Store, policy: ProjectPolicy) -> None:
    """A third record that matches both goes to one side only."""
    give(store, policy, "different", ("crm", "C1"), ("web", "W1"))
    deliver(store, policy, web=WEB + "W6,P,Jon Smithson,312-555-0142,jon.smithson@example.com,1980-02-03,2024-03-06\n")
    where = homes(store)
    assert where["crm:C1"] != where["web:W1"]
    assert where["web:W6"] in {where["crm:C1"], where["web:W1"]}


@on_sqlite
def test_an_undone_different_verdict_gives_back_what_was(store: Store, policy: ProjectPolicy) -> None:
    where = homes(store)
    number = give(store, policy, "different", ("crm", "C1"), ("web", "W1"))
    assert homes(store)["crm:C1"] != homes(store)["web:W1"]
    undo(store, policy, number)
    assert homes(store) == where


@on_sqlite
def test_a_verdict_about_a_deleted_record_holds_when_it_is_back(store: Store, policy: ProjectPolicy) -> None:
    give(store, policy, "different", ("crm", "C1"), ("web", "W1"))
    deliver(store, policy, crm=without(CRM, "C1"))
    deliver(store, policy)
    assert homes(store)["crm:C1"] != homes(store)["web:W1"]


@on_sqlite
def test_a_component_too_large_is_cut_and_verdicts_hold(
    store: Store, policy: ProjectPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of two is held by verdicts and links, another by a verdict alone."""
    monkeypatch.setattr(deciding, "LARGEST_COMPONENT", 1)
    give(store, policy, "same", ("web", "W3"), ("crm", "C2"))
    give(store, policy, "same", ("web", "W5"), ("crm", "C5"))
    write_project(policy.file.path.parent)
    _, tally = run_batch(store, policy, Options(full=True, retrain=False), silent)
    where = homes(store)
    assert where["web:W3"] == where["crm:C2"]
    assert where["web:W5"] == where["crm:C5"]
    assert any("too large and were cut" in note for note in tally.notes)


# Bad input


@pytest.fixture
def project_file(tmp_path: Path) -> Path:
    """A project that was never run, in a folder of its own."""
    folder = tmp_path / "fresh"
    folder.mkdir()
    return write_project(folder)


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("crm.csv", None, "no file"),
        ("crm.csv", "", "crm.csv"),
        ("crm.csv", CRM.replace("phone", "fone", 1), "no column 'phone'"),
        ("project.yaml", PROJECT.replace("trust:", "trusted:"), "unknown key 'trusted'"),
        ("project.yaml", PROJECT.replace("email: email", "mail: email"), "unknown field 'mail'"),
        ("project.yaml", None, "project.yaml"),
        ("entities/person.yaml", PERSON.replace("exact(given)", "exactly(given)"), "unknown measure 'exactly'"),
    ],
)
def test_bad_input_is_refused_before_anything_is_written(
    project_file: Path, file: str, text: str | None, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = project_file.parent / file
    if text is None:
        path.unlink()
    else:
        path.write_text(text)
    assert main(["run", "-p", str(project_file)]) == 2
    # The terminal wraps lines where it likes.
    assert says in " ".join(capsys.readouterr().err.split())
    assert not (project_file.parent / "unused.db").exists()


@on_sqlite
def test_a_file_that_became_unreadable_changes_nothing(store: Store, policy: ProjectPolicy) -> None:
    before = stamp(store)
    for name in ("crm.csv", "web.csv"):
        write_project(policy.file.path.parent)
        (policy.file.path.parent / name).unlink()
        with pytest.raises(Exception, match="no file"):
            run(store, policy)
        assert stamp(store) == before
