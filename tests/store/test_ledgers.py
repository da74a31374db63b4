"""Ledgers: verdicts, releases, runs and the audit trail keep what they were told."""

from __future__ import annotations

import pytest

from mdm.errors import Conflict, NotFound
from mdm.store import Store, audit, releases, runs, schema, verdicts
from mdm.store.releases import StoredRelease
from mdm.store.verdicts import Verdict

SAME = Verdict("same", (("crm", "C1"),), (("web", "a:b"), ("web", "Thủy")), "phoned", "an")
DIFFERENT = Verdict("different", (("crm", "C1"),), (("crm", "C2"),), "twins", "bo")
NOW = "2026-01-02T03:04:05Z"


def test_verdicts_hold_until_undone(store: Store) -> None:
    with store.writing() as connection:
        first, second = verdicts.add(connection, SAME), verdicts.add(connection, DIFFERENT)
        held = verdicts.active(connection)
        undo = verdicts.undo(connection, first, reason="wrong person", actor="an")
        assert [each.verdict_id for each in held] == [first, second] == [1, 2]
        assert verdicts.active(connection) == held[1:]
        assert verdicts.get(connection, undo).undoes == first
    assert (held[0].left, held[0].right, held[0].reason, held[0].recorded_at) == (SAME.left, SAME.right, "phoned", NOW)


def test_a_verdict_is_undone_once(store: Store) -> None:
    with store.writing() as connection:
        undo = verdicts.undo(connection, verdicts.add(connection, SAME), reason="", actor="an")
        for wrong, refusal in ((1, Conflict), (undo, Conflict), (99, NotFound)):
            with pytest.raises(refusal):
                verdicts.undo(connection, wrong, reason="", actor="an")
        assert verdicts.active(connection) == []


def _release(name: str, entity_type: str = "person", body: str = "{}") -> StoredRelease:
    return StoredRelease(name, entity_type, "", 100, body, "p1")


def test_a_release_is_stored_once_and_never_changed(store: Store) -> None:
    with store.writing() as connection:
        releases.save(connection, _release("r1"))
        releases.save(connection, _release("r1"))
        with pytest.raises(Conflict, match="another content"):
            releases.save(connection, _release("r1", body='{"x":1}'))
        releases.save(connection, _release("o1", "organisation"))
        assert releases.get(connection, "r1") == StoredRelease("r1", "person", NOW, 100, "{}", "p1")
        assert [each.release_id for each in releases.all(connection)] == ["o1", "r1"]
        assert [each.release_id for each in releases.all(connection, "person")] == ["r1"]


def test_one_release_per_entity_type_is_active(store: Store) -> None:
    with store.writing() as connection:
        for given in (_release("r1"), _release("r2"), _release("o1", "organisation")):
            releases.save(connection, given)
        assert releases.active(connection, "person") is None
        for name in ("r1", "o1", "r2"):
            releases.activate(connection, name)
        active = {kind: releases.active(connection, kind) for kind in ("person", "organisation")}
        for refused in (releases.get, releases.activate):
            with pytest.raises(NotFound):
                refused(connection, "r9")
    assert {kind: None if each is None else each.release_id for kind, each in active.items()} == {
        "person": "r2",
        "organisation": "o1",
    }


def test_runs_are_remembered_with_their_outcome(store: Store) -> None:
    with store.writing() as connection:
        assert runs.last(connection) is None
        first, second = runs.start(connection, "batch"), runs.start(connection, "train")
        runs.finish(connection, first, "done", {"records": 3})
        with pytest.raises(NotFound):
            runs.finish(connection, 99, "done", {})
        assert [(each.run_id, each.finished_at, each.outcome) for each in runs.all(connection)] == [
            (second, None, None),
            (first, NOW, "done"),
        ]
        assert [each.run_id for each in runs.all(connection, limit=1)] == [second]
        last = runs.last(connection, "batch")
    assert last is not None
    assert (last.run_id, last.started_at, last.counts) == (first, NOW, {"records": 3})


def _trail(store: Store) -> None:
    with store.writing() as connection:
        for number in range(1, 4):
            details = {"left": f"C{number}", "right": "Thủy"}
            assert audit.append(connection, "an", "merge", subject=f"E{number}", details=details) == number


def test_a_whole_trail_stands_even_with_details_erased(store: Store) -> None:
    _trail(store)
    with store.writing() as connection:
        assert audit.check_chain(connection) is None
        audit.erase_details(connection, 2)
        assert audit.check_chain(connection) is None


@pytest.mark.parametrize("column", ["actor", "subject", "details", "salt", "details_digest", "recorded_at", "digest"])
def test_a_changed_row_breaks_the_chain(store: Store, column: str) -> None:
    _trail(store)
    with store.writing() as connection:
        connection.execute(schema.audit.update().where(schema.audit.c.audit_no == 2).values({column: "forged"}))
        assert audit.check_chain(connection) == 2


@pytest.mark.parametrize("missing", [1, 2, 3])
def test_a_missing_row_breaks_the_chain(store: Store, missing: int) -> None:
    _trail(store)
    with store.writing() as connection:
        connection.execute(schema.audit.delete().where(schema.audit.c.audit_no == missing))
        assert audit.check_chain(connection) == missing


def test_an_empty_trail_stands(store: Store) -> None:
    with store.reading() as connection:
        assert audit.check_chain(connection) is None
