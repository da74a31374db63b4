"""What stewards said as a measure: shares of bands, weighed by the links of the store; samples before anything else."""

from __future__ import annotations

from collections import Counter

import pytest

from mdm.steward_quality import RECENT, Label, _bands, _drift, _estimate

PAIR = ("crm", "web")


def label(number: int, same: bool, bits: float, sampled: bool = False) -> Label:
    return Label(number, same, bits, PAIR, sampled)


def many(same: int, different: int, bits: float, sampled: bool = False) -> list[Label]:
    return [label(n, n < same, bits, sampled) for n in range(same + different)]


def test_bands_weigh_what_the_store_holds_of_them() -> None:
    """Half of the doubtful pairs are right, nearly all of the clear ones; there are nine times as many of these."""
    labels = many(50, 50, 5.0) + many(98, 2, 21.0)
    precision, recall = _estimate(4.0, labels, Counter({4.0: 100, 20.0: 900}))
    assert precision.value == pytest.approx(0.1 * 0.5 + 0.9 * 0.98)
    assert recall.value == pytest.approx(1.0)
    assert precision.low is not None and precision.high is not None
    assert precision.low < 0.932 < precision.high


def test_recall_counts_what_lies_below_the_threshold() -> None:
    labels = many(20, 80, 1.0) + many(100, 0, 9.0)
    _, recall = _estimate(4.0, labels, Counter({0.0: 500, 8.0: 400}))
    assert recall.value == pytest.approx(400 / 500)


def test_where_a_sample_was_drawn_only_it_counts() -> None:
    """The queue shows what is doubtful: what it says of a band is not what a sample says."""
    labels = many(0, 100, 9.0) + many(45, 5, 9.0, sampled=True)
    precision, _ = _estimate(4.0, labels, Counter({8.0: 10}))
    assert precision.value == pytest.approx(0.9)


def test_without_labels_above_the_threshold_nothing_is_said() -> None:
    assert _estimate(4.0, many(5, 5, 1.0), Counter({0.0: 10}))[0].value is None
    assert _estimate(4.0, [], Counter())[0].value is None


def test_bands_are_told_for_all_and_for_each_pair_of_sources() -> None:
    found = {(band.sources, band.low): (band.same, band.different) for band in _bands(many(3, 1, 9.0))}
    assert found == {(None, 8.0): (3, 1), (PAIR, 8.0): (3, 1)}


def test_a_drift_is_told_when_the_newest_say_otherwise() -> None:
    steady = [label(n, n % 10 != 0, 9.0, True) for n in range(3 * RECENT)]
    assert _drift(steady) is None
    assert _drift(steady[:RECENT]) is None
    worse = [label(n, n % 2 != 0, 9.0, True) for n in range(3 * RECENT, 4 * RECENT)]
    assert "50% of the newest 100" in (_drift(steady + worse) or "")
