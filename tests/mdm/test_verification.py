"""A sound store passes every check; each kind of damage is found by the check that is about it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mdm.policy import ProjectPolicy
from mdm.reports import CheckLine
from mdm.store import Store, audit, verdicts
from mdm.store.verdicts import Verdict
from mdm.verification import verify
from tests.mdm.small_project import CRM, give, policy, run, run_postgresql, run_sqlite, store, write_project

__all__ = ["policy", "run_postgresql", "run_sqlite", "store"]

C1 = "(select rid from record where record_id = 'C1')"
EID_OF = "(select eid from record where record_id = '{}')"
CHECKS = [
    *("audit trail", "events", "decided", "membership", "strays", "members", "golden records", "redirects", "links"),
    "verdicts",
    *("keys of person", "links of person", "entities of person", "golden records of person"),
    *("keys of organisation", "links of organisation", "entities of organisation", "golden records of organisation"),
]


def failures(store: Store, policy: ProjectPolicy) -> dict[str, str]:
    report = verify(store, policy)
    found = {check.name: check.detail for check in report.checks if not check.ok}
    assert report.ok == (not found)
    return found


def change(store: Store, *statements: str) -> None:
    with store.writing() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_a_sound_store_passes(store: Store, policy: ProjectPolicy) -> None:
    report = verify(store, policy)
    assert [check.name for check in report.checks] == CHECKS
    assert failures(store, policy) == {}


def test_a_store_with_a_past_passes(store: Store, policy: ProjectPolicy) -> None:
    give(store, policy, "different", ("crm", "C3"), ("web", "W2"))
    give(store, policy, "same", ("crm", "C1"), ("crm", "C2"))
    lines = [line for line in CRM.splitlines(keepends=True) if not line.startswith("C3")]
    write_project(policy.file.path.parent, crm="".join(lines).replace("Ann", "Anna"))
    run(store, policy)
    assert failures(store, policy) == {}


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("events", "delete from event where event_no = 2"),
        ("events", "delete from event where event_no = (select max(event_no) from event)"),
        ("decided", "update record set resolved = 0 where record_id = 'C1'"),
        ("membership", "update record set eid = null where record_id = 'W3'"),
        ("membership", f"update record set eid = {EID_OF.format('C5')} where record_id = 'W3'"),
        ("strays", f"update record set eid = {EID_OF.format('C3')} where record_id = 'C4'"),
        ("members", "insert into entity (eid, entity_type, state, version) values (99, 'person', 'active', 1)"),
        ("golden records", f"delete from golden where eid = {EID_OF.format('C3')}"),
        ("golden records", "update golden set eid = 99 where eid = (select max(eid) from golden)"),
        ("links", "update link set right_rid = 999 where right_rid = (select max(right_rid) from link)"),
        ("links", f"update record set entity_type = 'organisation' where rid = {C1}"),
        ("keys of person", f"delete from record_key where rid = {C1}"),
        ("keys of person", f"insert into record_key (key, rid) select 42, rid from record where rid = {C1}"),
        ("links of person", f"update link set bits = bits + 1 where left_rid = {C1}"),
        ("links of person", f"delete from link where left_rid = {C1}"),
        ("entities of person", f"update record set eid = {EID_OF.format('C1')} where record_id = 'C2'"),
        ("entities of person", f"update record set eid = {EID_OF.format('C3')} where record_id = 'W1'"),
        ("golden records of person", f"""update golden set "values" = '{{}}' where eid = {EID_OF.format("C3")}"""),
    ],
)
# The checks run in DuckDB whichever database the rows come from: one of them is enough here.
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_damage_is_found(store: Store, policy: ProjectPolicy, name: str, damage: str) -> None:
    change(store, damage)
    assert name in failures(store, policy)


def test_a_changed_audit_trail_is_found(store: Store, policy: ProjectPolicy) -> None:
    with store.writing() as connection:
        audit.append(connection, "jane", "export", subject="store", details={})
    change(store, "update audit set actor = 'nobody'")
    assert failures(store, policy) == {"audit trail": verified(store, policy, "audit trail").detail}
    assert "row 1 was changed" in verified(store, policy, "audit trail").detail


def verified(store: Store, policy: ProjectPolicy, name: str) -> CheckLine:
    return next(check for check in verify(store, policy).checks if check.name == name)


@pytest.mark.parametrize(
    "damage",
    [
        # a circle, a dead end, and a redirect of an entity that is active
        "update entity set redirect_eid = case eid when 98 then 99 else 98 end where eid > 90",
        "update entity set redirect_eid = 98 where eid = 99",
        f"update entity set redirect_eid = 99 where eid = {EID_OF.format('C1')}",
    ],
)
def test_redirects_that_lead_nowhere_are_found(store: Store, policy: ProjectPolicy, damage: str) -> None:
    two = "insert into entity (eid, entity_type, state, version) values ({}, 'person', '{}', 1)"
    state = "redirected" if "> 90" in damage or "= 98" in damage else "retired"
    change(store, two.format(98, state), two.format(99, state), damage)
    assert list(failures(store, policy)) == ["redirects"]


def test_redirects_to_a_retired_entity_are_sound(store: Store, policy: ProjectPolicy) -> None:
    give(store, policy, "same", ("crm", "C2"), ("web", "W3"))
    folder = policy.file.path.parent
    write_project(folder, crm="".join(line for line in CRM.splitlines(keepends=True) if not line.startswith("C2")))
    run(store, policy)
    assert failures(store, policy) == {}


@pytest.mark.parametrize(("kind", "other"), [("same", "W3"), ("different", "W1")])
def test_entities_that_contradict_a_verdict_are_found(
    store: Store, policy: ProjectPolicy, kind: str, other: str
) -> None:
    with store.writing() as connection:
        verdicts.add(connection, Verdict(kind, (("crm", "C1"),), (("web", other),), "", "jane"))
    found = failures(store, policy)
    assert "entities contradict the verdicts 1" in found["verdicts"]
    assert "entities of person" in found


def test_a_same_verdict_about_two_types_asks_for_nothing(store: Store, policy: ProjectPolicy) -> None:
    with store.writing() as connection:
        verdicts.add(connection, Verdict("same", (("crm", "C1"),), (("crm", "C5"),), "", "jane"))
    assert failures(store, policy) == {}


def test_waiting_records_ask_for_another_run(store: Store, policy: ProjectPolicy) -> None:
    change(store, "update record set resolved = 0 where record_id in ('C1', 'W1', 'W2', 'W3')")
    found = failures(store, policy)
    assert set(found) == {"decided", "rebuild of person"}
    assert (
        found["decided"] == "4 records wait to be decided (crm:C1, web:W1, web:W2); run again: `mdm run` decides them"
    )
    run(store, policy)
    assert failures(store, policy) == {}


def test_another_policy_is_not_held_against_the_store(store: Store, policy: ProjectPolicy) -> None:
    changed = replace(policy, hashes={**policy.hashes, "person": "another"})
    assert failures(store, changed) == {
        "rebuild of person": "not checked: the project changed since person-start was learnt; `mdm run` follows it"
    }


def test_a_promise_of_no_duplicates_counts(store: Store, policy: ProjectPolicy) -> None:
    twin = "W6,P,Jon Smithson,312-555-0142,jon.smithson@example.com,,2024-03-06\n"
    folder = policy.file.path.parent
    (folder / "web.csv").write_text((folder / "web.csv").read_text() + twin)
    run(store, policy)
    sources = tuple(replace(source, duplicate_free=True) for source in policy.file.sources)
    promised = replace(policy, file=replace(policy.file, sources=sources))
    assert list(failures(store, promised)) == ["entities of person"]


def test_a_store_without_releases_is_checked_as_far_as_it_goes(store: Store, policy: ProjectPolicy) -> None:
    change(store, "delete from active_release")
    assert [check.name for check in verify(store, policy).checks] == CHECKS[:10]
    assert failures(store, policy) == {}
