"""Keys and links: neighbours are found, replacements leave nothing old."""

from __future__ import annotations

import pytest
from psycopg import IntegrityError
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from mdm.engine.keys import pack_keys
from mdm.store import Store, keys, links, records
from mdm.store.links import LinkRow
from tests.store.samples import row, rows

LOWEST, HIGHEST = -(2**63), 2**63 - 1
KEYS = [(LOWEST, 1), (LOWEST, 2), (10, 2), (10, 3), (HIGHEST, 4)]
LINKS = [LinkRow(1, 2, 8.5, "01", "r1"), LinkRow(2, 3, 3.25, "10", "r1"), LinkRow(4, 5, -1.0, "22", "r2")]


def put_keys(connection: Connection) -> None:
    """Records 1 to 4 with their keys."""
    records.source_ids(connection, ["crm"])
    held = {rid: [key for key, holder in KEYS if holder == rid] for _, rid in KEYS}
    records.put(connection, [row(rid, keys=pack_keys(own)) for rid, own in held.items()], run_id=1)
    keys.put(connection, reversed(KEYS))


@pytest.mark.parametrize(
    ("rids", "expected"),
    [
        ([1], [(LOWEST, 1), (LOWEST, 2)]),
        ([2], [(LOWEST, 1), (LOWEST, 2), (10, 2), (10, 3)]),
        ([4, 1], [(LOWEST, 1), (LOWEST, 2), (HIGHEST, 4)]),
        ([9], []),
        ([], []),
    ],
)
def test_sharing_gives_all_holders_of_a_records_keys(
    store: Store, rids: list[int], expected: list[tuple[int, int]]
) -> None:
    with store.writing() as connection:
        put_keys(connection)
        assert rows(keys.sharing(connection, rids)) == expected


def test_keys_are_found_from_both_sides(store: Store) -> None:
    with store.writing() as connection:
        put_keys(connection)
        assert rows(keys.held(connection, [2, 4])) == [(LOWEST, 2), (10, 2), (HIGHEST, 4)]
        assert rows(keys.holders(connection, [10, 11])) == [(10, 2), (10, 3)]
        assert sorted(row for batch in keys.scan(connection) for row in rows(batch)) == KEYS


@pytest.mark.parametrize("held_rids", [keys.HELD_RIDS, 1])
def test_replacing_keys_leaves_nothing_old(store: Store, held_rids: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "HELD_RIDS", held_rids)
    with store.writing() as connection:
        put_keys(connection)
        keys.replace(connection, [2, 4], iter([(11, 2)]))
        assert sorted(row for batch in keys.scan(connection) for row in rows(batch)) == [(LOWEST, 1), (10, 3), (11, 2)]
        keys.replace(connection, [], [])
        keys.clear(connection)
        assert list(keys.scan(connection)) == []


@pytest.mark.parametrize(("rids", "expected"), [([2], LINKS[:2]), ([1, 2, 3], LINKS[:2]), ([5], LINKS[2:]), ([], [])])
def test_touching_gives_each_link_once(store: Store, rids: list[int], expected: list[LinkRow]) -> None:
    with store.writing() as connection:
        links.put(connection, LINKS)
        assert rows(links.touching(connection, rids)) == expected


def test_replacing_links_leaves_nothing_old(store: Store) -> None:
    with store.writing() as connection:
        links.put(connection, LINKS)
        links.replace(connection, [2], [LinkRow(2, 9, 7.0, "00", "r2")])
        kept = sorted(row for batch in links.scan(connection) for row in rows(batch))
        assert kept == [(2, 9, 7.0, "00", "r2"), LINKS[2]]
        links.clear(connection)
        assert list(links.scan(connection)) == []


def test_a_link_has_its_smaller_number_on_the_left(store: Store) -> None:
    with pytest.raises((DBAPIError, IntegrityError)), store.writing() as connection:
        links.put(connection, [LinkRow(2, 1, 7.0, "00", "r2")])
