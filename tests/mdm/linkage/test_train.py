"""What a starting release takes from the records alone: how rare values are."""

from __future__ import annotations

from collections import Counter

import pytest

from benchmarks.bench_linkage import load_generated
from mdm.linkage.train import starting_release
from mdm.scratch import open_scratch


@pytest.mark.parametrize("feature", ["family", "city"])
def test_a_value_is_as_rare_as_the_others_that_have_it(feature: str) -> None:
    """A record that has the value does not count itself, so what two share is as rare as a value can be."""
    with open_scratch() as scratch:
        data = next(data for data in load_generated(scratch, 400, seed=5) if data.entity.name == "person")
        held = data.connection.execute(f"select {feature} from {data.features} where {feature} is not null").fetchall()
        rarity = starting_release(data).rarities[feature]
    counts = Counter(value for (value,) in held)
    assert {value: round(share * len(held)) for value, share in rarity.terms.items()} == {
        value: n - 1 for value, n in counts.items() if n > 1
    }
    assert 2 in counts.values()
    assert min(rarity.terms.values()) == rarity.least == rarity.frequency("nobody")
