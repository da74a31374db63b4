"""Reuse: a record that says something wholly different from before -> an issue on it, and a question to a steward.

Some systems give the number of a deleted customer to another one. The new content is taken and decided like any other;
that the same number meant somebody else before is flagged, because people and systems may still use it so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import duckdb
import orjson
from sqlalchemy import Connection

from mdm.engine.compare import Features
from mdm.engine.keys import unpack_keys
from mdm.engine.release import Release, to_units
from mdm.engine.score import Scorer, make_scorer
from mdm.scratch import fetch, has_table
from mdm.store import records, tasks
from mdm.store.bulk import chunks
from mdm.store.tasks import Question
from mdm.tasks import REUSED, urgency

ISSUE = "record.reused"
AT_ONCE = 50_000
# Nothing that is known on both sides may speak for one customer by more than this: a gender or a city in common is
# no sign of one.
MOST_FOR = to_units(3.0)
# So much in all must speak against it, in so many comparisons.
LEAST_AGAINST = to_units(6.0)
LEAST_COMPARISONS = 2


def is_reused(scorer: Scorer, before: Features, now: Features) -> bool:
    """Whether name, dates and contacts all contradict what the record said before, as far as both are known."""
    evidence = [each.units for each in scorer.score(before, now).evidence]
    against = [units for units in evidence if units < 0]
    return (
        max(evidence, default=0) <= MOST_FOR and len(against) >= LEAST_COMPARISONS and sum(evidence) <= -LEAST_AGAINST
    )


@dataclass(frozen=True, slots=True)
class _Changed:
    """A record that is about to change: the keys and features it will have."""

    rid: int
    keys: bytes
    features: str


def find_reused(
    connection: Connection, scratch: duckdb.DuckDBPyConnection, active: Mapping[str, Release | None]
) -> dict[str, list[int]]:
    """Type -> the stored records that the delivery in `offered` makes somebody else's, asked before it is written.

    Records that share a blocking key with what they were are not looked at any closer.
    """
    found: dict[str, list[int]] = {}
    for name, release in active.items():
        if release is not None and has_table(scratch, f"staged_{name}"):
            scorer = make_scorer(release)
            for some in chunks(_changed(scratch, name), AT_ONCE):
                found.setdefault(name, []).extend(_reused_among(connection, scorer, name, some))
    return {name: sorted(rids) for name, rids in found.items() if rids}


def _changed(scratch: duckdb.DuckDBPyConnection, name: str) -> Iterator[_Changed]:
    query = f"""
        select o.rid, s.packed, s.features
        from offered o
        join staged_{name} s using (seq)
        where o.rid is not null and not coalesce(o.stale, false)
    """
    return (_Changed(*row) for row in fetch(scratch, query))


def _reused_among(connection: Connection, scorer: Scorer, name: str, some: Sequence[_Changed]) -> Iterator[int]:
    held = records.load(connection, [each.rid for each in some], ["rid", "keys", "entity_type", "state"]).to_pydict()
    rows = zip(*(held[column] for column in ("rid", "keys", "entity_type", "state")), strict=True)
    keys = {rid: packed for rid, packed, kind, state in rows if kind == name and state == "active"}
    strange = {each.rid: each for each in some if each.rid in keys and are_strangers(keys[each.rid], each.keys)}
    before = records.load(connection, strange, ["rid", "features"])
    for rid, text in zip(before["rid"].to_pylist(), before["features"].to_pylist(), strict=True):
        if is_reused(scorer, orjson.loads(text), orjson.loads(strange[rid].features)):
            yield rid


def are_strangers(before: bytes, now: bytes) -> bool:
    """Whether the packed keys differ wholly: only then is a changed record looked at any closer."""
    return before != now and set(unpack_keys(before)).isdisjoint(unpack_keys(now))


def flag_reused(connection: Connection, entity: str, rids: Collection[int], run_id: int | None) -> list[int]:
    """The numbers of the tasks opened; the records, as stored now, carry the issue, and a task asks about each."""
    if not rids:
        return []
    add_issue(connection, rids)
    asked = {rid: _question(entity, rid, version) for rid, (version, _) in records.standing(connection, rids).items()}
    known = {task.left_rid: task for task in tasks.open_about(connection, (), rids) if task.kind == REUSED}
    tasks.renew(connection, [(task, asked[rid]) for rid, task in known.items() if rid in asked])
    return tasks.put(connection, [asked[rid] for rid in sorted(asked.keys() - known.keys())], run_id)


def _question(entity: str, rid: int, version: int) -> Question:
    about = {"version": version}
    return Question(REUSED, f"{REUSED}:{rid}", entity, None, None, rid, None, None, 1, urgency(1, 0.0), about)


def keep_flags(connection: Connection) -> None:
    """Nothing; records that were read again carry the issue as long as the question about them is open."""
    rids = [task.left_rid for task in tasks.listed(connection, kind=REUSED) if task.left_rid is not None]
    if rids:
        add_issue(connection, rids)


def add_issue(connection: Connection, rids: Collection[int]) -> None:
    """Nothing; each record has the issue, once."""
    table = records.load(connection, rids, ["rid", "issues"])
    pairs = zip(table["rid"].to_pylist(), table["issues"].to_pylist(), strict=True)
    told = ((rid, orjson.loads(text)) for rid, text in pairs)
    records.set_issues(connection, [(rid, orjson.dumps([*i, ISSUE]).decode()) for rid, i in told if ISSUE not in i])
