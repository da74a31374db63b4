"""Copies: stored people with one slip each -> is the person found, and does a batch decide as the answer said."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from mdm import Project
from mdm.ids import entity_id
from mdm.pipeline import Options, rehearse_batch
from mdm.resolving import Decided
from mdm.store import records
from mdm.watch import silent

SAMPLE = 2_000
PARTED = "part of an entity"
KINDS = ("exact", "typo", "swapped", "missing", "old address")


@dataclass(frozen=True, slots=True)
class Sampled:
    """A stored record: its row as its source delivered it, its entity, and which column feeds which field."""

    source: str
    record_id: str
    row: dict[str, str]
    entity_id: str
    columns: dict[str, str]


@dataclass(frozen=True, slots=True)
class Copy:
    """A row that differs from a stored one by a slip of that kind."""

    kind: str
    of: Sampled
    row: dict[str, str]

    @property
    def identity(self) -> tuple[str, str]:
        """The record it is in a delivery."""
        return self.of.source, f"{self.of.record_id}-copy"


def sample(project: Project, chance: random.Random) -> list[Sampled]:
    """Some stored people with their rows, no two of one entity."""
    specs = {source.name: source for source in project.policy.file.sources}
    with project.store() as store, store.reading() as connection:
        rids = [
            rid for batch in records.scan(connection, ["rid"], entity_type="person") for rid in batch["rid"].to_pylist()
        ]
        found = records.by_rids(connection, chance.sample(rids, min(SAMPLE, len(rids))))
    sampled: dict[int, Sampled] = {}
    for each in found:
        mappings = specs[each.source].fields["person"]
        columns = {f"{m.field}.{part}": column for m in mappings for part, column in m.slots[0].items()}
        row = orjson.loads(each.payload)
        if each.eid is not None and not each.record_id.endswith("-new"):
            sampled.setdefault(each.eid, Sampled(each.source, each.record_id, row, entity_id(each.eid), columns))
    known = list(sampled.values())
    chance.shuffle(known)
    return known


def make_copies(known: Sequence[Sampled], chance: random.Random) -> list[Copy]:
    """A copy of each, the kinds in turn."""
    kinds = [KINDS[place % len(KINDS)] for place in range(len(known))]
    return [Copy(kind, each, mutated(each, kind, chance)) for kind, each in zip(kinds, known, strict=True)]


def mutated(each: Sampled, kind: str, chance: random.Random) -> dict[str, str]:
    """The row with one slip of that kind."""
    row, columns = dict(each.row), each.columns
    name = [column for key, column in columns.items() if key.startswith("name.") and len(row.get(column, "")) > 3]
    if kind == "typo" and name:
        column = chance.choice(name)
        at = chance.randrange(1, len(row[column]) - 1)
        row[column] = row[column][:at] + chance.choice("aeiourstln") + row[column][at + 1 :]
    elif kind == "swapped" and len(name) > 1:
        row[name[0]], row[name[-1]] = row[name[-1]], row[name[0]]
    elif kind == "missing":
        there = [column for key, column in columns.items() if column in row and not key.startswith("name.")]
        for column in chance.sample(there, min(1, len(there))):
            del row[column]
    elif kind == "old address":
        for key, column in columns.items():
            if key.startswith("address.") and column in row:
                old = f"{chance.randrange(1, 999)} Elm Street", chance.choice(["Springfield", "Salem"])
                row[column] = old[0] if "line" in key else old[1]
    return row


def judge_copies(project: Project, folder: Path, copies: Sequence[Copy], answers: Sequence[Any]) -> None:
    """Print, by kind, how many found their person, and how many answers a batch over the copies bears out.

    The batch runs over the whole store and is rolled back.
    """
    decided = _decided_by_batch(project, folder, copies)
    apart = len(copies) - len(decided)
    print(f"  {apart} copies came together with copies of others in the batch, and are not compared with it")
    for kind in KINDS:
        here = [(copy, answer) for copy, answer in zip(copies, answers, strict=True) if copy.kind == kind]
        found = sum(any(c["entity_id"] == copy.of.entity_id for c in answer["candidates"]) for copy, answer in here)
        joined = sum(answer["entity_id"] == copy.of.entity_id for copy, answer in here)
        told = [(decided[copy.identity], _joined(answer)) for copy, answer in here if copy.identity in decided]
        same = sum(entity in entities or (PARTED in entities and entity is not None) for entities, entity in told)
        print(
            f"  {kind:<12}{len(here):>5} asked  found {found / len(here):.4f}  decided for {joined / len(here):.4f}"
            f"  as a batch decides {same} of {len(told)}",
            flush=True,
        )


def _joined(answer: Any) -> str | None:
    """The entity that an answer says a record would join, PARTED for one that has no id yet."""
    return answer["entity_id"] or (PARTED if answer["decision"] == "match" else None)


def _decided_by_batch(project: Project, folder: Path, copies: Sequence[Copy]) -> dict[tuple[str, str], set[str | None]]:
    """The entities that each copy would be one with; None alone for a copy that would be one of its own.

    Those that met other copies are left out: each was asked about as if it came alone. PARTED is among them where the
    copy parts an entity: which part keeps the id is history.
    """
    names = {copy.identity for copy in copies}
    found: dict[tuple[str, str], set[str | None]] = {}

    def hear(_entity: str, _release: str, decided: Decided) -> None:
        parts = Counter(eid for part in decided.parts for eid in {decided.people[rid].eid for rid in part})
        for part in decided.parts:
            homes = {decided.people[rid].eid for rid in part} - {None}
            met: set[str | None] = {entity_id(eid) for eid in homes if eid is not None}
            met |= {PARTED} if any(parts[eid] > 1 for eid in homes) else set()
            here = names.intersection(decided.people[rid].name for rid in part)
            if len(here) == 1:
                found[here.pop()] = met or {None}

    with project.store() as store, _delivering(folder, copies):
        rehearse_batch(store, project.policy, Options(retrain=False), silent, hear)
    return found


@contextmanager
def _delivering(folder: Path, copies: Sequence[Copy]) -> Iterator[None]:
    """The project's file holds the copies and nothing else while inside."""
    file, kept = folder / "records.parquet", folder / "records.kept.parquet"
    file.rename(kept)
    try:
        schema = pq.read_schema(kept)
        rows = [{**copy.row, "source": copy.identity[0], "record_id": copy.identity[1]} for copy in copies]
        columns = [pa.array([row.get(name) for row in rows], schema.field(name).type) for name in schema.names]
        pq.write_table(pa.table(columns, schema=schema), file)
        yield
    finally:
        kept.replace(file)
