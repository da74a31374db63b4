from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from mdm.demo.generate import DEFAULT_MIX, Chunk, generate, make_chunk, make_plan
from mdm.errors import BadInput

SOURCES = {"crm", "billing", "web", "support", "legacy", "partner"}
RESERVED = (".example.com", ".example.net", ".example.org", "@example.com", ".example")
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def chunk() -> Chunk:
    return next(generate(8000, 5))


@pytest.fixture(scope="module")
def records(chunk: Chunk) -> Rows:
    return list(chunk.records.to_pylist())


@pytest.fixture(scope="module")
def golden(chunk: Chunk) -> dict[str, dict[str, Any]]:
    return {row["cluster_id"]: row for row in chunk.golden.to_pylist()}


def rows_of(records: Rows, source: str, country: str) -> Rows:
    return [
        row for row in records if (row["source"], row["country"], row["record_type"]) == (source, country, "PERSON")
    ]


def test_the_same_arguments_give_the_same_tables() -> None:
    first, again, other = next(generate(900, 3)), next(generate(900, 3)), next(generate(900, 4))
    for name in ("records", "truth", "golden"):
        assert getattr(first, name).equals(getattr(again, name))
    assert not first.records.equals(other.records)


def test_a_plan_is_cut_into_chunks() -> None:
    plan = replace(make_plan(1000, 3, DEFAULT_MIX), records_per_chunk=400)
    assert [make_chunk(plan, number).records.num_rows for number in range(plan.chunks)] == [400, 400, 200]


def test_the_order_of_a_mix_does_not_matter() -> None:
    assert make_plan(10, 1, {"fa": 1, "en": 3}) == make_plan(10, 1, {"en": 75, "fa": 25})


def test_chunks_share_no_record_id_cluster_or_strong_value() -> None:
    plan = replace(make_plan(2400, 3, {"en": 1}), records_per_chunk=800)
    chunks = [make_chunk(plan, number) for number in range(plan.chunks)]
    for table, column in (
        ("truth", "record_id"),
        ("golden", "cluster_id"),
        ("golden", "email"),
        ("golden", "national_id"),
    ):
        sets = [set(getattr(chunk, table)[column].drop_null().to_pylist()) for chunk in chunks]
        assert sum(map(len, sets)) == len(set.union(*sets)), column


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("size", [1, 37, 600])
def test_exactly_as_many_records_as_asked_for(size: int, seed: int) -> None:
    assert [chunk.records.num_rows for chunk in generate(size, seed)] == [size]


def test_a_mix_of_one_language_is_one_country() -> None:
    records = next(generate(300, 1, {"vi": 5})).records
    assert set(records["country"].to_pylist()) == {"VN"}


@pytest.mark.parametrize("mix", [{"de": 1}, {}, {"en": 0}, {"en": 2, "fa": -1}])
def test_an_impossible_mix_is_refused(mix: dict[str, float]) -> None:
    with pytest.raises(BadInput, match="en, vi, fa"):
        generate(100, 1, mix)


def test_every_record_has_one_cluster_and_every_cluster_its_golden_values(chunk: Chunk) -> None:
    keys = list(zip(chunk.truth["source"].to_pylist(), chunk.truth["record_id"].to_pylist(), strict=True))
    assert keys == list(zip(chunk.records["source"].to_pylist(), chunk.records["record_id"].to_pylist(), strict=True))
    assert len(set(keys)) == 8000
    assert sorted(set(chunk.truth["cluster_id"].to_pylist())) == sorted(chunk.golden["cluster_id"].to_pylist())


def test_about_six_records_in_ten_are_duplicates(chunk: Chunk) -> None:
    assert 0.55 < 1 - chunk.golden.num_rows / chunk.truth.num_rows < 0.65


def test_all_cells_are_text_or_null(chunk: Chunk) -> None:
    for table in (chunk.records, chunk.truth, chunk.golden):
        assert {field.type for field in table.schema} == {pa.string()}
        assert not any("" in table[name].to_pylist() for name in table.column_names)


def test_all_sources_hold_people_and_organisations_of_all_countries(records: Rows) -> None:
    kinds = {(row["source"], row["record_type"], row["country"]) for row in records}
    assert len(kinds) == len(SOURCES) * 2 * 3


def test_clusters_do_not_mix_types_or_countries(chunk: Chunk, records: Rows, golden: dict[str, Any]) -> None:
    for row, cluster in zip(records, chunk.truth["cluster_id"].to_pylist(), strict=True):
        assert (row["record_type"], row["country"]) == (golden[cluster]["record_type"], golden[cluster]["country"])


def test_no_mailbox_or_site_belongs_to_a_real_domain(records: Rows) -> None:
    # a slip may have hit an address: only those written without one are looked at
    for row in records:
        if row["email"] is not None and row["source"] in {"billing", "support", "partner"}:
            assert row["email"].endswith(RESERVED), row["email"]
        if row["website"] is not None:
            assert row["website"].rstrip("/").endswith(".example")


def test_mailboxes_spread_over_several_domains(golden: dict[str, Any]) -> None:
    domains = Counter(row["email"].partition("@")[2] for row in golden.values() if row["record_type"] == "PERSON")
    assert len(domains) >= 8
    assert domains.most_common(1)[0][1] < sum(domains.values()) * 0.5


def test_households_share_family_name_and_address(golden: dict[str, Any]) -> None:
    homes = defaultdict(list)
    for row in golden.values():
        if row["record_type"] == "PERSON":
            homes[row["household_id"]].append(row)
    shared = [people for people in homes.values() if len(people) > 1]
    assert len(shared) > 400
    assert all(len({row["address"] for row in people}) == 1 for people in shared)
    same_name = [people for people in shared if len({row["last_name"] for row in people}) < len(people)]
    assert len(same_name) > len(shared) / 2


def test_there_are_twins_juniors_namesakes_branches_and_people_who_moved(golden: dict[str, Any]) -> None:
    people = [row for row in golden.values() if row["record_type"] == "PERSON"]
    births = Counter((row["household_id"], row["birth_date"]) for row in people)
    names = Counter((row["country"], row["first_name"], row["last_name"]) for row in people)
    firms = Counter(row["org_name"] for row in golden.values() if row["record_type"] == "ORGANIZATION")
    assert max(births.values()) > 1
    assert {"Sr", "Jr"} <= {row["suffix"] for row in people}
    assert any(count > 1 for (country, *_), count in names.items() if country == "US")
    assert max(firms.values()) > 1
    assert 0.1 < sum(row["moved"] == "true" for row in people) / len(people) < 0.25


def test_values_of_people_who_moved_are_older_where_they_are_stale(
    chunk: Chunk, records: Rows, golden: dict[str, Any]
) -> None:
    stale: list[str] = []
    fresh: list[str] = []
    for row, cluster in zip(records, chunk.truth["cluster_id"].to_pylist(), strict=True):
        if row["source"] == "crm" and golden[cluster]["moved"] == "true" and row["city"] is not None:
            (fresh if row["city"] == golden[cluster]["city"] else stale).append(row["updated_at"])
    assert stale
    assert max(stale) < "2022-01-01"
    assert max(fresh) > "2022-01-01"


def test_billing_writes_american_names_last_first(records: Rows) -> None:
    names = [row["full_name"] for row in rows_of(records, "billing", "US")]
    assert all(name == name.upper() for name in names)
    assert sum(", " in name for name in names) > len(names) * 0.97


def test_crm_writes_international_numbers_and_iso_dates(records: Rows) -> None:
    for country, start in (("US", "+1"), ("VN", "+84"), ("IR", "+98")):
        rows = rows_of(records, "crm", country)
        assert all(row["phone"].startswith(start) for row in rows if row["phone"] is not None)
        assert all(row["birth_date"][4] == row["birth_date"][7] == "-" for row in rows if row["birth_date"] is not None)


def test_legacy_has_no_diacritics_few_columns_and_planted_values(records: Rows) -> None:
    rows = rows_of(records, "legacy", "VN")
    assert all(f"{row['first_name']}{row['last_name']}{row['address']}".isascii() for row in rows)
    legacy = [row for country in ("US", "VN", "IR") for row in rows_of(records, "legacy", country)]
    assert Counter(row["birth_date"] for row in legacy if row["birth_date"]).most_common(1)[0][0] == "19000101"
    assert Counter(row["phone"] for row in legacy if row["phone"]).most_common(1)[0][0] == "0000000000"
    assert any(row["phone"].startswith("016") for row in rows if row["phone"])


def test_iranian_rows_use_the_jalali_calendar_and_other_digits_and_letters(records: Rows) -> None:
    billing, legacy, web = (rows_of(records, source, "IR") for source in ("billing", "legacy", "web"))
    assert all(row["birth_date"].startswith("۱۳") for row in billing if row["birth_date"])
    assert any("ي" in (row["last_name"] or "") for row in legacy)
    latin = [row["full_name"] for row in web if row["full_name"].isascii()]
    assert 0.3 < len(latin) / len(web) < 0.6


def test_no_person_is_known_by_a_name_only(records: Rows) -> None:
    strong = ("email", "phone", "birth_date", "national_id", "address")
    assert all(any(row[name] for name in strong) for row in records if row["record_type"] == "PERSON")
