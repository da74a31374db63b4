"""Golden records in bulk: sets of records -> the golden values of each as JSON text, on all cores."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

import orjson
from sqlalchemy import Connection

from mdm.engine.policy import EntityType
from mdm.engine.survive import Golden, Member, survive
from mdm.store import pins, records
from mdm.workers import spread

# Fewer blocks are made here: processes would cost more than they save.
FEWEST_BLOCKS = 3
COLUMNS = ("rid", "source", "record_id", "updated_at", "claims")


class MemberRow(NamedTuple):
    """A record as survivorship needs it, its claims still JSON text: parsing them is most of the work.

    pins: field -> value that a steward fixed, bound to this record.
    """

    source: str
    record_id: str
    updated_at: str | None
    claims: str
    pins: Mapping[str, Mapping[str, str]] = {}


# The members of some entities, a list for each.
Block = Sequence[Sequence[MemberRow]]


class GoldenMaker:
    """The survivorship of one entity type in one process: a block in, the golden texts of its entities out."""

    def __init__(self, entity: EntityType) -> None:
        self.entity = entity

    def __call__(self, block: Block) -> list[str]:
        """The golden values of each list of members."""
        return [golden_text(survive([_member(row) for row in rows], self.entity)) for rows in block]


def _member(row: MemberRow) -> Member:
    source, record_id, updated_at, claims, pins = row
    return Member(source, record_id, updated_at, orjson.loads(claims), pins)


def golden_text(golden: Golden) -> str:
    """The golden record as stored."""
    return orjson.dumps(golden, option=orjson.OPT_SORT_KEYS).decode()


def make_golden(entity: EntityType, blocks: Iterable[Block]) -> Iterator[list[str]]:
    """The golden texts of each block, in order; many blocks are made by a process per core."""
    coming = iter(blocks)
    first = list(islice(coming, FEWEST_BLOCKS))
    if len(first) < FEWEST_BLOCKS:
        return map(GoldenMaker(entity), first)
    return spread(GoldenMaker, entity, _chained(first, coming))


def _chained(first: list[Block], rest: Iterator[Block]) -> Iterator[Block]:
    """First the blocks that were drawn already, none of them held longer than needed."""
    while first:
        yield first.pop(0)
    yield from rest


def load_block(connection: Connection, parts: Sequence[Sequence[int]]) -> Block:
    """The members of each part (record numbers)."""
    table = records.load(connection, [rid for part in parts for rid in part], COLUMNS)
    columns = (table[name].to_pylist() for name in COLUMNS[1:])
    rows = dict(zip(table["rid"].to_pylist(), map(MemberRow, *columns), strict=True))
    for pin in pins.of_records(connection, rows):
        row = rows[pin.rid]
        rows[pin.rid] = row._replace(pins={**row.pins, pin.field: pin.value})
    return [[rows[rid] for rid in part] for part in parts]
