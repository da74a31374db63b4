"""Why two records match, and how an entity came together: what is said is what was decided."""

from __future__ import annotations

import pytest

from mdm.engine.levels import Otherwise
from mdm.engine.release import Comparison, Gate, LevelWeight
from mdm.errors import BadInput, NotFound
from mdm.explaining import explain, golden_column, how, level_name, shown_values, verdict_lines
from mdm.ids import entity_id
from mdm.policy import ProjectPolicy
from mdm.publish import scored_pairs
from mdm.reports import Explanation, HowReport
from mdm.steward import parse_record, withdraw_verdict
from mdm.store import Store, records, releases, verdicts
from mdm.store.verdicts import Verdict
from tests.mdm.small_project import CRM, give, policy, run, run_postgresql, run_sqlite, store, write_project

__all__ = ["policy", "run_postgresql", "run_sqlite", "store"]


def explained(store: Store, left: str, right: str) -> Explanation:
    with store.reading() as connection:
        return explain(connection, parse_record(left), parse_record(right))


def grown(store: Store, entity: str) -> HowReport:
    with store.reading() as connection:
        return how(connection, entity)


def test_the_bits_add_up_to_the_weight_and_are_those_of_the_batch_job(store: Store) -> None:
    with store.reading() as connection:
        links = scored_pairs(connection).to_pylist()
    assert links
    for link in links:
        told = explained(store, link["left"], link["right"])
        assert told.weight == link["bits"] == told.prior + sum(line.bits for line in told.evidence)
        assert explained(store, link["right"], link["left"]).weight == told.weight


@pytest.mark.parametrize(
    ("left", "right", "grade", "same_entity"),
    [
        ("crm:C1", "web:W1", "certain", True),
        ("crm:C1", "crm:C2", "probable", False),
        ("crm:C3", "web:W3", "none", False),
    ],
)
def test_the_grade_follows_the_thresholds(store: Store, left: str, right: str, grade: str, same_entity: bool) -> None:
    told = explained(store, left, right)
    assert (told.grade, told.same_entity) == (grade, same_entity)


def test_a_weight_between_prior_and_review_is_possible(store: Store) -> None:
    with store.writing() as connection:
        stored = releases.active(connection, "person")
        assert stored is not None
        body = stored.body.replace('"review":0.0', '"review":90.0').replace('"merge":6.0', '"merge":90.0')
        releases.save(connection, releases.StoredRelease("strict", "person", "", 1, body, stored.policy_hash))
        releases.activate(connection, "strict")
    assert explained(store, "crm:C1", "web:W1").grade == "possible"


def test_evidence_names_levels_and_shows_what_it_saw(store: Store) -> None:
    lines = {line.comparison: line for line in explained(store, "crm:C1", "crm:C2").evidence}
    given = lines["given"]
    assert (given.level, given.left, given.right) == ("different (weighed as household)", "Jon", "Ann")
    assert given.bits == -4.0
    assert lines["household"].left == "Smithson; +13125550142; Chicago, US"
    assert (lines["email"].level, lines["email"].bits, lines["email"].right) == ("unknown", 0.0, None)
    assert lines["phone"].level == "no evidence of its own"


@pytest.mark.parametrize(
    ("left", "right", "note"),
    [
        ("crm:C3", "crm:C4", "crm:C4 is quarantined and belongs to nobody: rule.person.empty"),
        ("crm:C5", "crm:C1", "crm:C5 is of type organisation, crm:C1 is of type person"),
        ("crm:C3", "web:W3", "they share no blocking key"),
    ],
)
def test_notes_say_what_stands_in_the_way(store: Store, left: str, right: str, note: str) -> None:
    assert any(told.startswith(note) for told in explained(store, left, right).notes)


def test_a_deleted_record_is_not_compared(store: Store, policy: ProjectPolicy) -> None:
    write_project(policy.file.path.parent, crm=without("C3"))
    run(store, policy)
    told = explained(store, "crm:C3", "web:W2")
    assert (told.grade, told.evidence, told.same_entity) == ("none", (), False)
    assert "crm:C3 was deleted and belongs to nobody" in told.notes


def without(record_id: str) -> str:
    return "".join(line for line in CRM.splitlines(keepends=True) if not line.startswith(record_id))


def test_a_record_that_waits_is_said_to_wait(store: Store) -> None:
    with store.writing() as connection:
        (record,) = records.by_ids(connection, [("crm", "C1")])
        records.unresolve(connection, [record.rid])
    assert any("`mdm run` decides anew" in note for note in explained(store, "crm:C1", "web:W1").notes)
    assert any("1 of the records changed" in note for note in grown(store, "crm:C1").notes)


def test_without_a_release_nothing_is_compared(store: Store) -> None:
    with store.writing() as connection:
        connection.exec_driver_sql("delete from active_release")
    told = explained(store, "crm:C1", "web:W1")
    assert (told.evidence, told.notes) == ((), ("nothing decides about person yet: `mdm run` learns a release",))
    report = grown(store, "crm:C1")
    assert (report.links, report.members) == ((), ("crm:C1", "web:W1"))
    assert any("no release is active" in note for note in report.notes)


def test_unknown_records_and_a_record_with_itself_are_refused(store: Store) -> None:
    with pytest.raises(NotFound, match="no record crm:C999"):
        explained(store, "crm:C1", "crm:C999")
    with pytest.raises(BadInput, match="two different records"):
        explained(store, "crm:C1", "crm:C1")


def test_a_verdict_is_shown_and_explains_why_the_weight_did_not_decide(store: Store, policy: ProjectPolicy) -> None:
    number = give(store, policy, "different", ("crm", "C1"), ("web", "W1"))
    told = explained(store, "web:W1", "crm:C1")
    assert (told.grade, told.same_entity) == ("certain", False)
    assert any("keep them apart" in note for note in told.notes)
    assert told.verdicts == (
        f"different, crm:C1 and web:W1, by jane at 2026-01-02T03:04:05Z (verdict {number}): seen the papers",
    )
    assert explained(store, "crm:C1", "crm:C2").verdicts == ()


def test_a_same_verdict_explains_an_entity_that_its_weight_would_not_make(store: Store, policy: ProjectPolicy) -> None:
    give(store, policy, "same", ("crm", "C1"), ("crm", "C2"))
    told = explained(store, "crm:C1", "crm:C2")
    assert (told.grade, told.same_entity) == ("probable", True)
    assert any(note.startswith("other records or verdicts connect them") for note in told.notes)


def test_how_shows_joins_golden_values_and_who_would_fall_out(store: Store) -> None:
    report = grown(store, "crm:C1")
    assert (report.entity, report.members) == ("person", ("crm:C1", "web:W1"))
    (link,) = report.links
    assert (link.left, link.right, report.weakest) == ("crm:C1", "web:W1", link)
    assert link.bits == explained(store, "crm:C1", "web:W1").weight
    assert report.falls_out == ("web:W1",)
    assert grown(store, report.entity_id) == report
    golden = {line.field: (line.value, line.record) for line in report.golden}
    assert golden["name.given"] == ("Jon", "crm:C1")
    assert golden["email"] == ("jon.smithson@example.com", "crm:C1")


def test_an_entity_of_one_has_no_weakest_link(store: Store) -> None:
    report = grown(store, "web:W3")
    assert (report.members, report.links, report.weakest, report.falls_out) == (("web:W3",), (), None, ())


def test_the_weakest_join_parts_the_smaller_side(store: Store, policy: ProjectPolicy) -> None:
    twin = "W6,P,Jon Smithson,312-555-0142,jon.smithson@example.com,,2024-03-06\n"
    folder = policy.file.path.parent
    (folder / "web.csv").write_text((folder / "web.csv").read_text() + twin)
    run(store, policy)
    report = grown(store, "crm:C1")
    assert report.members == ("crm:C1", "web:W1", "web:W6")
    assert len(report.links) == 2
    assert report.weakest == report.links[-1]
    assert len(report.falls_out) == 1


def test_what_a_verdict_holds_together_falls_out_together(store: Store, policy: ProjectPolicy) -> None:
    give(store, policy, "same", ("web", "W1"), ("crm", "C2"))
    report = grown(store, "crm:C1")
    assert report.members == ("crm:C1", "crm:C2", "web:W1")
    assert len(report.links) == 1
    assert report.falls_out == ("crm:C1",)
    assert any(note.startswith("verdicts hold") for note in report.notes)


def test_an_old_id_leads_to_the_entity_of_today(store: Store, policy: ProjectPolicy) -> None:
    old = grown(store, "crm:C2").entity_id
    give(store, policy, "same", ("crm", "C1"), ("crm", "C2"))
    report = grown(store, old)
    assert report.entity_id == grown(store, "crm:C1").entity_id != old
    assert report.notes[0] == f"{old} is part of {report.entity_id} now"


def test_an_entity_that_lost_its_last_record_is_not_found(store: Store, policy: ProjectPolicy) -> None:
    gone = grown(store, "crm:C2").entity_id
    write_project(policy.file.path.parent, crm=without("C2"))
    run(store, policy)
    with pytest.raises(NotFound, match="is no more"):
        grown(store, gone)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("crm:C999", "no record crm:C999"),
        ("crm:C4", "quarantined"),
        ("E9999999", "not an entity id"),
        (entity_id(999), f"there is no entity {entity_id(999)}"),
    ],
)
def test_how_refuses_what_is_no_entity(store: Store, asked: str, message: str) -> None:
    with pytest.raises(NotFound, match=message):
        grown(store, asked)


def test_verdict_lines_tell_when_a_verdict_was_withdrawn(store: Store, policy: ProjectPolicy) -> None:
    first = give(store, policy, "different", ("crm", "C1"), ("web", "W1"))
    second = give(store, policy, "same", ("crm", "C2"), ("web", "W3"))
    with store.writing() as connection:
        withdraw_verdict(connection, first, reason="mistake", actor="joe")
    with store.reading() as connection:
        lines = verdict_lines(verdicts.all(connection))
    assert [(line.verdict_id, line.kind, line.withdrawn_at) for line in lines] == [
        (first, "different", "2026-01-02T03:04:05Z"),
        (second, "same", None),
    ]
    assert (lines[0].left, lines[0].right, lines[0].actor) == (("crm:C1",), ("web:W1",), "jane")


@pytest.mark.parametrize(
    ("show", "shown"),
    [
        (["name.given"], "Jon; Jonny"),
        (["phone"], "+13125550142"),
        (["name"], "Jon Smith; Jonny"),
        (["address"], "1 Main St, Chicago"),
        (["phone", "name.family"], "+13125550142; Smith"),
        (["email"], None),
        (["name.middle"], None),
    ],
)
def test_shown_values(show: list[str], shown: str | None) -> None:
    claims: dict[str, list[dict[str, dict[str, str]]]] = {
        "name": [{"clean": {"given": "Jon", "family": "Smith", "full": "Jon Smith"}}, {"clean": {"given": "Jonny"}}],
        "phone": [{"clean": {"value": "+13125550142", "extension": "7"}}, {"clean": {"value": "+13125550142"}}],
        "address": [{"clean": {"line": "1 Main St", "city": "Chicago"}}],
        "email": [{"clean": {}}],
    }
    assert shown_values(claims, show) == shown


def test_levels_are_named_as_scores_count_them() -> None:
    levels = tuple(LevelWeight(name, Otherwise(), 0.5, 0.5) for name in ("same", "different"))
    plain = Comparison("given", ("name.given",), Otherwise(), levels)
    gated = Comparison("given", ("name.given",), Otherwise(), levels, Gate("household", Otherwise(), levels))
    assert [level_name(plain, index) for index in (-1, 0, 1)] == ["unknown", "same", "different"]
    assert [level_name(gated, index) for index in (0, 3)] == ["same (weighed as household)", "different"]


def test_a_golden_value_goes_by_its_field_or_part() -> None:
    assert [golden_column("phone", "value"), golden_column("name", "given")] == ["phone", "name.given"]


def test_a_verdict_of_many_records_is_about_those_on_either_side(store: Store) -> None:
    left, right = (("crm", "C1"), ("crm", "C3")), (("web", "W1"), ("web", "W2"))
    with store.writing() as connection:
        verdicts.add(connection, Verdict("different", left, right, "", "jane"))
    assert len(explained(store, "crm:C1", "web:W2").verdicts) == 1
    assert explained(store, "crm:C1", "crm:C3").verdicts == ()
