"""A number of records, a seed and a mix of countries -> chunks of records with their truth and golden values.

A chunk depends on the plan and its own number only, so any number of workers writes the same data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import sqrt

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mdm.demo.batches import TEXT, Batch, organisation_batch, people_batch
from mdm.demo.columns import Dice, Numbers, column, constant
from mdm.demo.coverage import ORGANISATIONS_IN, PEOPLE_IN, records_per_entity
from mdm.demo.people import Part
from mdm.demo.words import LANGUAGES, words_of
from mdm.errors import BadInput

RECORDS_PER_CHUNK = 120_000
# no chunk has so many entities: cluster ids of different chunks never meet
_ENTITY_ROOM = 100_000
_KINDS = ((people_batch, PEOPLE_IN, 0.83), (organisation_batch, ORGANISATIONS_IN, 0.17))
_RECORDS_PER_ENTITY = sum(share * records_per_entity(coverage) for _, coverage, share in _KINDS)
DEFAULT_MIX = {"en": 60.0, "vi": 20.0, "fa": 20.0}


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked for. shares: country -> share of the entities, together 1."""

    records: int
    seed: int
    shares: Mapping[str, float]
    records_per_chunk: int = RECORDS_PER_CHUNK

    @property
    def chunks(self) -> int:
        """The number of chunks."""
        return -(-self.records // self.records_per_chunk)

    def records_in(self, chunk: int) -> int:
        """The number of records in a chunk."""
        return min(self.records_per_chunk, self.records - chunk * self.records_per_chunk)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Three tables of text: one row per record; one row per record with its cluster; one row per cluster."""

    records: pa.Table
    truth: pa.Table
    golden: pa.Table


def make_plan(records: int, seed: int, mix: Mapping[str, float]) -> Plan:
    """A plan from weights of languages, in any unit. Raises BadInput for a mix or a number nobody can draw from."""
    weights = {country: mix.get(language, 0.0) for language, country in LANGUAGES.items()}
    if not mix.keys() <= LANGUAGES.keys() or min(weights.values()) < 0 or not any(weights.values()):
        raise BadInput(f"a mix gives weights to {', '.join(LANGUAGES)}, as en=60,vi=20,fa=20")
    if records < 1:
        raise BadInput("ask for one record at least")
    total = sum(weights.values())
    return Plan(records, seed, {country: weight / total for country, weight in weights.items()})


def generate(records: int, seed: int, mix: Mapping[str, float] = DEFAULT_MIX) -> Iterator[Chunk]:
    """The chunks of a data set, the same for the same arguments."""
    plan = make_plan(records, seed, mix)
    return (make_chunk(plan, number) for number in range(plan.chunks))


def make_chunk(plan: Plan, number: int) -> Chunk:
    """One chunk of the plan, with exactly as many records as it asks for."""
    batches = list(_batches(plan, number))
    sizes = [batch.golden.num_rows for batch in batches]
    starts = np.cumsum([0, *sizes[:-1]])
    entity = np.concatenate([batch.entity + start for batch, start in zip(batches, starts, strict=True)])
    rng = np.random.default_rng([plan.seed, number])
    # ids are given after the shuffle, so they tell nothing about who belongs together
    order = rng.permutation(len(entity))[: plan.records_in(number)]
    records = pa.concat_tables([batch.records for batch in batches]).take(order)
    records = records.set_column(1, "record_id", _record_ids(records["source"], number))
    truth = records.select(["source", "record_id"]).append_column("cluster_id", _cluster_ids(entity[order], number))
    kept = np.unique(entity[order])
    golden = pa.concat_tables([batch.golden for batch in batches]).take(kept)
    return Chunk(records, truth, golden.set_column(0, "cluster_id", _cluster_ids(kept, number)))


def _cluster_ids(entity: Numbers, chunk: int) -> pa.Array:
    return pc.cast(pa.array(entity + chunk * _ENTITY_ROOM), TEXT)


def _record_ids(sources: pa.ChunkedArray, chunk: int) -> pa.Array:
    """Per source a letter, the chunk and a running number."""
    names = column(sources.to_pylist())
    ids = constant("", len(names))
    for source in PEOPLE_IN:
        rows = np.flatnonzero(names == source)
        ids[rows] = [f"{source[0].upper()}{chunk:03d}{serial:06d}" for serial in range(len(rows))]
    return pa.array(ids, TEXT)


def _entities_for(records: int) -> int:
    """Enough entities for that many records: the mean and, on top, 4.5 standard deviations (0.33 per root record)."""
    return int(records / _RECORDS_PER_ENTITY + 1.5 * sqrt(records)) + 10


def _batches(plan: Plan, number: int) -> Iterator[Batch]:
    part = Part(number, plan.chunks)
    entities = _entities_for(plan.records_in(number))
    for kind, (make, _, share) in enumerate(_KINDS):
        for country, size in _split(round(entities * share), plan.shares).items():
            rng = np.random.default_rng([plan.seed, number, kind, list(plan.shares).index(country)])
            if size:
                yield make(words_of(country), part, Dice(rng, size))


def _split(size: int, shares: Mapping[str, float]) -> dict[str, int]:
    """The size cut by the shares into whole numbers that add up to it."""
    edges = np.rint(np.cumsum([0.0, *shares.values()]) * size).astype(int)
    return dict(zip(shares, np.diff(edges).tolist(), strict=True))
