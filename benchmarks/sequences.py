"""Sequence neutrality, for long: random histories of made-up customers against one batch run over their last state.

    python -m benchmarks.sequences [--histories 50] [--records 300] [--store postgresql://...] [--seed 1]

A history mixes batch deliveries, single puts, outdated contents, deletions and verdicts, given and withdrawn, on
customers as shipped: households, namesakes, companies, reused contacts, three scripts. `--store` names a database that
may be emptied. Prints, per history, the groups (members with their golden values) that differ; the sum must be 0.
"""

from __future__ import annotations

import argparse
import random
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from mdm import Project, learning
from mdm.demo.generate import generate
from mdm.engine.release import Release
from mdm.errors import Conflict
from mdm.guess import write_project
from mdm.pipeline import Options, run_batch
from mdm.policy import ProjectPolicy, load_policy
from mdm.resolve import Resolver
from mdm.store import Store, entities, open_store, records, releases
from mdm.store.schema import metadata
from mdm.watch import silent

Row = dict[str, Any]
Name = tuple[str, str]
Groups = dict[frozenset[Name], Any]
Given = list[tuple[str, str, str]]
STEPS_PER_RECORD = 0.4
DELIVERED = Options(retrain=False, allow=frozenset({"drop"}))


@dataclass(slots=True)
class Lab:
    """Customers, the project that reads them, and a store that saw them all in one run."""

    folder: Path
    rows: dict[Name, Row]
    schema: pa.Schema
    policy: ProjectPolicy
    releases: list[Release] = field(default_factory=list)

    @property
    def at_once(self) -> Path:
        """The SQLite store of the one run."""
        return self.folder / "at_once.db"

    def write(self, rows: Sequence[Row]) -> None:
        """The next delivery."""
        columns = [pa.array([row[name] for row in rows], self.schema.field(name).type) for name in self.schema.names]
        pq.write_table(pa.table(columns, schema=self.schema), self.folder / "records.parquet")


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--histories", type=int, default=50)
    parser.add_argument("--records", type=int, default=300)
    parser.add_argument("--store")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    differing = 0
    with tempfile.TemporaryDirectory(prefix="mdm-bench-") as folder:
        lab = open_lab(Path(folder), options.records, options.seed)
        for number in range(options.histories):
            url = options.store or f"sqlite:///{folder}/lived-{number}.db"
            groups, differ, done = compare(lab, url, random.Random(1000 * options.seed + number))
            differing += differ
            print(f"history {number}: {done}; {groups} groups, {differ} differ", flush=True)
    print(f"{options.histories} histories, groups that differ: {differing}")


def open_lab(folder: Path, count: int, seed: int) -> Lab:
    """Made-up customers, seen in one run that learnt what decides."""
    chunks = list(generate(count, seed))
    table = pa.concat_tables([chunk.records for chunk in chunks])
    rows = {(row["source"], row["record_id"]): row for row in table.to_pylist()}
    pq.write_table(table, folder / "records.parquet")
    policy = load_policy(write_project(folder / "project", [folder / "records.parquet"]))
    lab = Lab(folder, rows, table.schema, policy)
    with closing(open_store(f"sqlite:///{lab.at_once}")) as store:
        run_batch(store, policy, Options(), silent)
        with store.reading() as connection:
            active = [learning.active_release(connection, name) for name in policy.entities]
    lab.releases = [release for release in active if release is not None]
    return lab


def compare(lab: Lab, url: str, chance: random.Random) -> tuple[int, int, str]:
    """Groups of one run, groups that differ after a history, and what the history was."""
    shutil.copy(lab.at_once, lab.folder / "judged.db")
    with closing(open_store(url)) as lived:
        _empty(lived)
        _freeze(lived, lab.releases)
        given, done = live(lab, lived, chance)
        found = groups_of(lived)
    with closing(open_store(f"sqlite:///{lab.folder}/judged.db")) as judged:
        project = _project(lab, judged)
        for kind, left, right in given:
            project.verdict(kind, [left], [right], "seen", "jane")
        expected = groups_of(judged)
    differ = {members for members in found.keys() | expected.keys() if found.get(members) != expected.get(members)}
    return len(expected), len(differ), done


def live(lab: Lab, store: Store, chance: random.Random) -> tuple[Given, str]:
    """The verdicts that hold at the end, where every record says what it says in the one run; what was done."""
    resolver, project, given = Resolver(store, lab.policy), _project(lab, store), Given()
    counts = dict.fromkeys(("deliveries", "puts", "outdated puts", "deletions", "verdicts", "withdrawn"), 0)
    waiting = list(lab.rows)
    chance.shuffle(waiting)
    stored: set[Name] = set()
    outdated: set[Name] = set()
    for _ in range(int(STEPS_PER_RECORD * len(lab.rows))):
        lot = chance.random()
        known = sorted(stored)
        if lot < 0.05 or not known:
            some = [waiting.pop() for _ in range(min(len(waiting), chance.randint(1, 40)))]
            some += chance.sample(known, min(len(known), chance.randint(0, 10)))
            _deliver(lab, store, some)
            stored |= {*some}
            outdated -= {*some}
            counts["deliveries"] += 1
        elif lot < 0.55 and waiting:
            name = waiting.pop()
            _put(resolver, name, lab.rows[name])
            stored.add(name)
            counts["puts"] += 1
        elif lot < 0.75:
            name, other = chance.choice(known), chance.choice(known)
            _put(resolver, name, _mixed(lab.rows[name], lab.rows[other], chance))
            outdated.add(name)
            counts["outdated puts"] += 1
        elif lot < 0.85:
            name = chance.choice(known)
            resolver.delete(*name, actor="long run")
            stored.remove(name)
            waiting.insert(0, name)
            outdated.discard(name)
            counts["deletions"] += 1
        elif lot < 0.97 and len(known) > 1:
            _judge(project, known, chance, given, counts)
        elif outdated:
            name = outdated.pop()
            _put(resolver, name, lab.rows[name])
    _finish(lab, resolver, waiting + sorted(outdated), chance)
    return given, ", ".join(f"{count} {what}" for what, count in counts.items())


def _judge(
    project: Project, known: Sequence[Name], chance: random.Random, given: Given, counts: dict[str, int]
) -> None:
    """A verdict that contradicts none before it; one in three is withdrawn at once."""
    left, right = (f"{source}:{record_id}" for source, record_id in chance.sample(known, 2))
    kind = chance.choice(["same", "different"])
    try:
        number = project.verdict(kind, [left], [right], "seen", "jane")
    except Conflict:
        return
    counts["verdicts"] += 1
    if chance.random() < 1 / 3:
        project.withdraw(number, reason="mistaken", actor="jane")
        counts["withdrawn"] += 1
    else:
        given.append((kind, left, right))


def _finish(lab: Lab, resolver: Resolver, missing: Sequence[Name], chance: random.Random) -> None:
    """What is missing or outdated comes, half of it in a delivery."""
    names = list(dict.fromkeys(missing))
    chance.shuffle(names)
    for name in names[: len(names) // 2]:
        _put(resolver, name, lab.rows[name])
    _deliver(lab, resolver.store, names[len(names) // 2 :])


def _put(resolver: Resolver, name: Name, row: Row) -> None:
    cells = {column: text for column, text in row.items() if text is not None}
    resolver.put(resolver.reception.of_row(*name, cells), actor="long run")


def _deliver(lab: Lab, store: Store, names: Sequence[Name]) -> None:
    lab.write([lab.rows[name] for name in names])
    run_batch(store, lab.policy, DELIVERED, silent)


def _mixed(row: Row, other: Row, chance: random.Random) -> Row:
    """The row with some values of another one."""
    kept = ("source", "record_id", "record_type", "updated_at", "country")
    return {column: text if column in kept or chance.random() < 0.6 else other[column] for column, text in row.items()}


def groups_of(store: Store) -> Groups:
    """Members -> golden values of every entity."""
    with store.reading() as connection:
        names = records.source_names(connection)
        table = records.current(connection).to_pydict()
        golden = {eid: text for batch in entities.scan_golden(connection) for eid, text in _golden(batch)}
    members: dict[int, set[Name]] = {}
    for source, record_id, eid in zip(table["source_id"], table["record_id"], table["eid"], strict=True):
        if eid is not None:
            members.setdefault(eid, set()).add((names[source], record_id))
    return {frozenset(group): orjson.loads(golden[eid]) for eid, group in members.items()}


def _golden(batch: pa.RecordBatch) -> Iterator[tuple[int, str]]:
    return zip(batch["eid"].to_pylist(), batch["values"].to_pylist(), strict=True)


def _project(lab: Lab, store: Store) -> Project:
    return Project(replace(lab.policy, file=replace(lab.policy.file, store=store.url)))


def _freeze(store: Store, chosen: Sequence[Release]) -> None:
    with store.writing() as connection:
        for release in chosen:
            learning.save(connection, release)
            releases.activate(connection, release.release_id)


def _empty(store: Store) -> None:
    """Nothing; the store is as it was made."""
    with store.writing() as connection:
        for table in reversed(metadata.sorted_tables):
            if table.name == "counter":
                connection.execute(table.update().values(value=0))
            else:
                connection.execute(table.delete())


if __name__ == "__main__":
    main()
