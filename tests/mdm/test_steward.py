"""Verdicts: what may be said, what contradicts an older one and is refused by its number, and what the trail keeps."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from mdm import steward
from mdm.errors import BadInput, Conflict, MdmError, NotFound
from mdm.store import Store, records, verdicts
from mdm.store.records import RecordRow
from mdm.store.schema import audit
from mdm.store.verdicts import Identity, Verdict

Said = tuple[str, str, str]


@pytest.fixture
def five(store: Store) -> Store:
    """Records crm:A to crm:E, decided, and crm:GONE, deleted."""
    with store.writing() as connection:
        source = records.source_ids(connection, ["crm"])["crm"]
        ids = ["A", "B", "C", "D", "E", "GONE"]
        rows = [
            RecordRow(rid, source, name, "person", "active", f"{rid:032x}", None, "", b"", "{}", "{}", "{}", "[]")
            for rid, name in enumerate(ids, start=1)
        ]
        records.put(connection, rows, run_id=None)
        records.mark_deleted(connection, [6], run_id=None)
        records.set_entities(connection, [(rid, rid) for rid in range(1, 6)] + [(6, None)])
    return store


def names(text: str) -> tuple[Identity, ...]:
    """ "A+B" are two records of one side."""
    return tuple(("crm", record_id) for record_id in text.split("+"))


def say(store: Store, kind: str, left: str, right: str) -> int:
    with store.writing() as connection:
        return steward.give_verdict(connection, Verdict(kind, names(left), names(right), "because", "jane"))


def withdraw(store: Store, verdict_id: int) -> int:
    with store.writing() as connection:
        return steward.withdraw_verdict(connection, verdict_id, reason="was wrong", actor="joe")


def waiting(store: Store) -> list[str]:
    """The records that are to be decided anew."""
    with store.reading() as connection:
        found = records.by_rids(connection, records.unresolved(connection))
    return [record.record_id for record in found]


@pytest.mark.parametrize(
    ("held", "given", "older"),
    [
        ([("same", "A", "B")], ("different", "A", "B"), 1),
        ([("different", "A", "B")], ("same", "A", "B"), 1),
        ([("different", "A", "B")], ("same", "B", "A"), 1),
        ([("same", "A", "B"), ("same", "B", "C")], ("different", "A", "C"), 2),
        ([("same", "A", "B"), ("same", "C", "D")], ("different", "A", "B"), 1),
        ([("same", "A", "B"), ("same", "B", "C")], ("different", "A", "B"), 1),
        ([("same", "A", "B"), ("same", "B", "A"), ("same", "C", "D")], ("different", "A", "B"), 2),
        ([("same", "A", "B"), ("different", "B", "C")], ("same", "A", "C"), 2),
        ([("different", "A+B", "C")], ("same", "B", "C"), 1),
        ([("same", "A", "B+C")], ("different", "A+D", "C"), 1),
        ([("same", "A", "B"), ("same", "C", "D"), ("different", "A", "D")], ("same", "B", "C"), 3),
    ],
)
def test_a_contradiction_is_refused_and_names_the_older_verdict(
    five: Store, held: list[Said], given: Said, older: int
) -> None:
    for verdict in held:
        say(five, *verdict)
    before = waiting(five)
    with pytest.raises(Conflict, match=rf"contradicts verdict {older} \({held[older - 1][0]}, by jane.*undo {older}$"):
        say(five, *given)
    assert waiting(five) == before
    with five.reading() as connection:
        assert len(verdicts.all(connection)) == len(held)


@pytest.mark.parametrize(
    ("held", "given"),
    [
        ([("same", "A", "B")], ("same", "B", "C")),
        ([("same", "A", "B")], ("different", "B", "C")),
        ([("different", "A", "B"), ("different", "B", "C")], ("same", "A", "C")),
        ([("different", "A+B", "C")], ("same", "A", "B")),
        ([("different", "A", "B")], ("different", "A", "B")),
    ],
)
def test_what_does_not_contradict_is_taken(five: Store, held: list[Said], given: Said) -> None:
    numbers = [say(five, *verdict) for verdict in (*held, given)]
    with five.reading() as connection:
        assert [verdict.verdict_id for verdict in verdicts.active(connection)] == numbers


def test_a_withdrawn_verdict_contradicts_nothing(five: Store) -> None:
    number = say(five, "same", "A", "B")
    withdraw(five, number)
    say(five, "different", "A", "B")
    with pytest.raises(Conflict, match="withdrawn already"):
        withdraw(five, number)


def test_the_records_of_a_verdict_are_decided_anew(five: Store) -> None:
    number = say(five, "same", "A", "B+D")
    assert waiting(five) == ["A", "B", "D"]
    with five.writing() as connection:
        records.set_entities(connection, [(rid, rid) for rid in range(1, 6)])
    withdraw(five, number)
    assert waiting(five) == ["A", "B", "D"]


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        (("same", "A", "Z"), NotFound, "no record crm:Z"),
        (("same", "A", "GONE"), NotFound, "no record crm:GONE"),
        (("equal", "A", "B"), BadInput, "unknown verdict 'equal'; known: same, different, related"),
        (("different", "A", "A"), BadInput, "different from itself"),
        (("different", "A+B", "B+C"), BadInput, "different from itself"),
    ],
)
def test_what_cannot_be_said_is_refused(five: Store, given: Said, error: type[MdmError], says: str) -> None:
    with pytest.raises(error, match=says):
        say(five, *given)
    assert waiting(five) == []


def test_an_unknown_verdict_cannot_be_withdrawn(five: Store) -> None:
    with pytest.raises(NotFound):
        withdraw(five, 7)


def test_the_trail_tells_who_said_what_and_who_took_it_back(five: Store) -> None:
    number = say(five, "different", "A", "B")
    withdraw(five, number)
    with five.reading() as connection:
        trail = select(audit.c.actor, audit.c.action, audit.c.subject).order_by(audit.c.audit_no)
        assert [tuple(row) for row in connection.execute(trail)] == [
            ("jane", "verdict.given", f"verdict:{number}"),
            ("joe", "verdict.withdrawn", f"verdict:{number}"),
        ]


@pytest.mark.parametrize(
    ("text", "identity"),
    [("crm:C1", ("crm", "C1")), ("crm:C:1", ("crm", "C:1")), ("a b: 7", ("a b", " 7"))],
)
def test_the_first_colon_parts_source_and_id(text: str, identity: Identity) -> None:
    assert steward.parse_record(text) == identity


@pytest.mark.parametrize("text", ["", "crm", "crm:", ":C1"])
def test_a_text_that_names_no_record_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="write source:record_id"):
        steward.parse_record(text)
