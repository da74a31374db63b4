"""Shared contacts: which values are found in the records, and what is left of a record without them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from mdm.engine.policy import SharedPolicy
from mdm.engine.shared import classify, quiet
from mdm.entity import load_entity, parse_entity
from mdm.errors import BadProject
from mdm.linkage.shared import find_shared, quiet_features, shared_notes
from tests.mdm.linkage.test_score_sql import RELEASE
from tests.mdm.small_project import PERSON

POLICY = SharedPolicy(("phones",), ("family", "given"))
Row = tuple[str | None, str | None, list[str] | None]


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


def features_of(connection: duckdb.DuckDBPyConnection, rows: list[Row]) -> str:
    columns = {
        "rid": pa.array(range(len(rows)), pa.int64()),
        "family": pa.array([row[0] for row in rows], pa.string()),
        "given": pa.array([row[1] for row in rows], pa.string()),
        "phones": pa.array([row[2] for row in rows], pa.list_(pa.string())),
    }
    connection.register("arriving", pa.table(columns))
    connection.execute("create or replace table features as from arriving")
    return "features"


@pytest.mark.parametrize(
    "people",
    [
        [("a", "x")] * 9,
        [(name, "x") for name in "abcdefg"],  # one person under many spellings, or a family of one given name
        [("a", name) for name in "abcdefg"],  # a big household
        [(name, name) for name in "abcd"],
        [(name, name) for name in "abcde"],
        [(name, name) for name in "abcd"] + [(None, "e"), ("f", None)],
        [(None, None)] * 7,
    ],
)
def test_the_same_values_are_shared_in_bulk_as_one_by_one(
    connection: duckdb.DuckDBPyConnection, people: list[tuple[str | None, str | None]]
) -> None:
    table = features_of(connection, [(family, given, ["1", "2"]) for family, given in people])
    expected = {"phones": ("1", "2")} if classify(people) == "shared" else {}
    assert find_shared(connection, POLICY, table) == expected


def test_each_value_is_counted_by_its_own_holders(connection: duckdb.DuckDBPyConnection) -> None:
    clinic: list[Row] = [(name, name, ["9", name]) for name in "abcdef"]
    table = features_of(connection, [*clinic, ("a", "a", None), ("z", "z", ["0"])])
    assert find_shared(connection, POLICY, table) == {"phones": ("9",)}
    assert find_shared(connection, None, table) == {}


def test_what_is_left_is_the_same_in_bulk_as_one_by_one(connection: duckdb.DuckDBPyConnection) -> None:
    held = (["9", "1", "8"], ["9"], None, ["3", "2"], ["8", "9"])
    rows: list[Row] = [("a", None, phones) for phones in held]
    release = replace(RELEASE, shared={"phones": ("8", "9")})
    table = quiet_features(connection, release, features_of(connection, rows), "heard")
    found = connection.execute(f"select family, given, phones from {table} order by rid").fetchall()
    shared = {"phones": frozenset(("8", "9"))}
    expected = [quiet({"family": f, "given": g, "phones": p}, shared) for f, g, p in rows]
    assert [dict(zip(("family", "given", "phones"), row, strict=True)) for row in found] == expected
    assert [each["phones"] for each in expected] == [["1"], None, None, ["3", "2"], None]


def test_without_shared_values_nothing_is_copied(connection: duckdb.DuckDBPyConnection) -> None:
    assert quiet_features(connection, RELEASE, features_of(connection, []), "heard") == "features"
    features: dict[str, Any] = {"phones": ["1"]}
    assert quiet(features, {"phones": frozenset(("2",))}) is features


def test_a_release_tells_people_of_them() -> None:
    assert shared_notes({"phones": ("1", "2"), "emails": ("a",)}) == [
        "phones: 2 values are shared by many people, agreeing on one says nothing",
        "emails: 1 value is shared by many people, agreeing on one says nothing",
    ]


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("{features: [phone], among: [family]}", "shared: unknown feature 'phone'"),
        ("{features: [phones], among: [surname]}", "shared: unknown feature 'surname'"),
        ("{features: [family], among: [given]}", "shared.features: 'family' is no list of texts"),
        ("{features: [birth_days], among: [given]}", "shared.features: 'birth_days' is no list of texts"),
        ("{features: [phones], among: [emails]}", "shared.among: 'emails' holds more than one text"),
        ("{features: [], among: [given]}", "shared.features"),
    ],
)
def test_an_entity_file_that_makes_no_sense_is_refused(written: str, message: str) -> None:
    with pytest.raises(BadProject, match=message):
        parse_entity(f"{PERSON}shared: {written}\n", "person.yaml")


def test_persons_share_contacts_by_the_sound_of_their_names() -> None:
    shared = load_entity("person").shared
    assert shared == SharedPolicy(("phones", "emails", "email_locals"), ("family_sound", "given_sound"))
    assert load_entity("organisation").shared is None
