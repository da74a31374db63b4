"""Sequence neutrality on generated customers with households and conflicts, on both stores."""

from __future__ import annotations

import random

import pytest

from benchmarks.sequences import Lab, compare, open_lab

pytestmark = pytest.mark.slow

RECORDS = 160


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return open_lab(tmp_path_factory.mktemp("lab"), RECORDS, seed=3)


@pytest.mark.parametrize("seed", range(2))
def test_a_history_of_customers_ends_where_one_run_does(seed: int, lab: Lab, store_url: str) -> None:
    groups, differ, _ = compare(lab, store_url, random.Random(seed))
    assert RECORDS / 4 < groups < 0.8 * RECORDS
    assert differ == 0
