"""A source under another name, a source that is no more: its records stay who they are until somebody decides."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pytest
from sqlalchemy import select

from mdm.errors import BadInput, BadProject, Breaker, NotFound
from mdm.pipeline import Options, run_batch
from mdm.policy import ProjectPolicy, load_policy
from mdm.store import Store, entities, open_store, verdicts
from mdm.store.schema import audit
from mdm.store.sources import FormerName, renamed
from mdm.watch import Tally, silent
from tests.mdm.small_project import (
    PROJECT,
    give,
    policy,
    run_first,
    run_postgresql,
    run_sqlite,
    store,
    write_project,
)
from tests.mdm.test_pipeline import homes, is_sound, last_event, stamp, told

__all__ = ["policy", "run_postgresql", "run_sqlite", "store"]

RENAMED = PROJECT.replace("  web:\n", "  shop:\n    renamed_from: web\n")
WITHOUT_WEB = PROJECT[: PROJECT.index("  web:\n")]


def again(policy: ProjectPolicy, text: str) -> ProjectPolicy:
    """The project with another file."""
    policy.file.path.write_text(text)
    return load_policy(policy.file.path)


def run(
    store: Store, policy: ProjectPolicy, *, withdraw: Collection[str] = (), allow: Collection[str] = ("deletes",)
) -> Tally:
    options = Options(retrain=False, allow=frozenset(allow), withdraw=frozenset(withdraw))
    return run_batch(store, policy, options, silent)[1]


def trail(store: Store) -> list[tuple[str, str]]:
    with store.reading() as connection:
        rows = connection.execute(select(audit.c.action, audit.c.subject).order_by(audit.c.audit_no))
        return [(row.action, row.subject) for row in rows]


def test_a_renamed_source_keeps_records_entities_and_verdicts(store: Store, policy: ProjectPolicy) -> None:
    give(store, policy, "different", ("crm", "C3"), ("web", "W2"))
    where, seen = homes(store), last_event(store)
    shop = again(policy, RENAMED)
    tally = run(store, shop)
    assert homes(store) == {name.replace("web:", "shop:"): eid for name, eid in where.items()}
    assert ("records new" in tally.counts, tally.counts["records new"]) == (True, 0)
    assert {kind for kind, _, _ in told(store, seen)} <= {"changed"}
    assert "source 'web' is called 'shop' from now on; its records and entities are the same" in tally.notes
    assert ("source.renamed", "source:shop") in trail(store)
    with store.reading() as connection:
        (held,) = verdicts.active(connection)
    assert held.right == (("shop", "W2"),)
    assert is_sound(store, shop)
    # The line may stay, and may go.
    for text in (RENAMED, RENAMED.replace("    renamed_from: web\n", "")):
        before = last_event(store)
        assert not [note for note in run(store, again(policy, text)).notes if "is called" in note]
        assert told(store, before) == []


def test_a_renamed_store_is_what_a_new_one_would_be(
    store: Store, policy: ProjectPolicy, tmp_path: Path, sqlite_template: Path
) -> None:
    run(store, again(policy, RENAMED))
    folder = tmp_path / "fresh"
    folder.mkdir()
    write_project(folder)
    (folder / "project.yaml").write_text(RENAMED)
    fresh = open_store(f"sqlite:///{folder / 'fresh.db'}")
    run_first(fresh, load_policy(folder / "project.yaml"))
    assert stamp(store) == stamp(fresh)
    fresh.close()


def test_a_name_that_is_taken_is_refused(store: Store, policy: ProjectPolicy) -> None:
    run(store, again(policy, PROJECT.replace("  web:\n", "  shop:\n")))
    with pytest.raises(BadProject, match="knows both 'web' and 'shop'"):
        run(store, again(policy, RENAMED))
    with pytest.raises(BadProject, match="'crm' is a source of this file"):
        again(policy, RENAMED.replace("renamed_from: web", "renamed_from: crm"))


def test_a_verdict_given_later_about_a_new_source_of_the_old_name_is_its_own(
    store: Store, policy: ProjectPolicy
) -> None:
    run(store, again(policy, RENAMED))
    both = again(policy, RENAMED.replace("    renamed_from: web\n", "") + PROJECT[PROJECT.index("  web:\n") :])
    run(store, both)
    give(store, both, "same", ("web", "W1"), ("web", "W3"))
    with store.reading() as connection:
        (held,) = verdicts.active(connection)
    assert held.left == (("web", "W1"),)


def test_counts_follow_the_name() -> None:
    names = [FormerName("a", 0, "c"), FormerName("b", 3, "c")]
    assert renamed(names, {"a": 1, "x": 9})["c"] == 1
    assert renamed(names, {"a": 1, "b": 2})["c"] == 2
    assert renamed(names, {"a": 1, "c": 3})["c"] == 3


def test_a_source_without_a_block_stays_as_it_is(store: Store, policy: ProjectPolicy) -> None:
    where = homes(store)
    tally = run(store, again(policy, WITHOUT_WEB))
    assert homes(store) == where
    assert [note for note in tally.notes if note.startswith("source 'web' is no more")] != []
    assert "its 5 records stay" in "".join(tally.notes)
    assert "web" not in "".join(run(store, again(policy, PROJECT)).notes)


def test_a_withdrawn_source_takes_its_records_along(store: Store, policy: ProjectPolicy) -> None:
    where = homes(store)
    left = again(policy, WITHOUT_WEB)
    tally = run(store, left, withdraw=["web"])
    assert tally.counts["records deleted"] == 5
    assert homes(store) == {name: eid for name, eid in where.items() if name.startswith("crm:")}
    assert ("source.withdrawn", "source:web") in trail(store)
    assert is_sound(store, left)
    assert [note for note in run(store, left).notes if "is no more" in note] == []
    with pytest.raises(NotFound, match="no records of a source 'web'"):
        run(store, left, withdraw=["web"])


@pytest.mark.parametrize(
    ("text", "name", "error", "says"),
    [
        (PROJECT, "web", BadInput, "take its block out"),
        (WITHOUT_WEB, "wbe", NotFound, "it holds some of crm, web"),
    ],
)
def test_a_withdrawal_by_mistake_is_refused(
    store: Store, policy: ProjectPolicy, text: str, name: str, error: type[Exception], says: str
) -> None:
    before = stamp(store)
    with pytest.raises(error, match=says):
        run(store, again(policy, text), withdraw=[name])
    assert stamp(store) == before


def test_a_withdrawal_of_very_many_needs_to_be_meant(
    store: Store, policy: ProjectPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mdm.source_changes.FEW_RECORDS", 3)
    left = again(policy, WITHOUT_WEB)
    before = stamp(store)
    with pytest.raises(Breaker, match="would delete 5 of 10 stored records"):
        run(store, left, withdraw=["web"], allow=())
    assert stamp(store) == before
    run(store, left, withdraw=["web"])
    with store.reading() as connection:
        assert entities.stamp(connection) != before
