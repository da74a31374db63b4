"""What stewards said as a measure of the release that decides: precision and recall with 95 % intervals, thresholds.

Every verdict about two sides is one label: of the strongest link between them, in its band of weights and for its pair
of sources. The share of true matches in a band, times the links of that band in the store, gives the store's precision
and recall above a threshold; where answers to audit samples exist in a band, only they count there. Nothing is changed:
a release is learnt by `mdm train`, and activated by a person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from math import sqrt

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection

from mdm import learning
from mdm.engine.release import Release, to_units
from mdm.evaluation.intervals import DRAWS, NOTHING, SEED, wilson_measure
from mdm.linkage.thresholds import LEAST_LABELS, choose_by_labels
from mdm.reports import Measure
from mdm.sampling import BAND_BITS, band_of
from mdm.sayings import DIFFERENT, RELATED, SAME
from mdm.store import links, records, releases, verdicts
from mdm.store import tasks as task_store
from mdm.store.bulk import rows_of
from mdm.store.links import LinkRow
from mdm.store.verdicts import Verdict
from mdm.tasks import AUDIT

Floats = npt.NDArray[np.float64]

RECENT = 100  # labels that a drift would show in
ALARM_Z = 2.5758  # two-sided 1 %
MOST_PAIRS = 10_000  # of one verdict


@dataclass(frozen=True, slots=True)
class Label:
    """What one verdict says of the strongest link between its sides; sampled: the pair was drawn at random."""

    verdict_id: int
    same: bool
    bits: float
    sources: tuple[str, str]
    sampled: bool


@dataclass(frozen=True, slots=True)
class Band:
    """Labels of one band of weights, of one pair of sources or (None) of all; right: the share of one customer."""

    sources: tuple[str, str] | None
    low: float
    high: float
    same: int
    different: int
    right: Measure


@dataclass(frozen=True, slots=True)
class StewardQuality:
    """How good the decisions of one entity type are, as stewards see it.

    precision, recall: of the links at the merge threshold, recall among pairs from the review threshold on.
    suggested: the merge threshold that the labels speak for with its 95 % interval, None for too few of them.
    drift: what changed between the newest labels and those before, None when nothing did.
    """

    entity: str
    labels: int
    sampled: int
    review: float
    merge: float
    precision: Measure
    recall: Measure
    bands: tuple[Band, ...]
    suggested: tuple[float, float, float] | None
    drift: str | None
    notes: tuple[str, ...] = ()


def measure(connection: Connection, types: Iterable[str]) -> list[StewardQuality]:
    """What the verdicts say of each entity type that a release decides about."""
    given = [each for each in verdicts.active(connection) if each.kind in (SAME, DIFFERENT, RELATED)]
    labels: dict[str, list[Label]] = {}
    for entity, label in _labels(connection, given):
        labels.setdefault(entity, []).append(label)
    counts = _link_counts(connection) if labels else {}
    active = [release for name in types if (release := learning.active_release(connection, name)) is not None]
    return [_measure(each, labels.get(each.entity, []), counts.get(each.entity, Counter())) for each in active]


def _measure(release: Release, labels: list[Label], counts: Mapping[float, int]) -> StewardQuality:
    precision, recall = _estimate(release.merge, labels, counts)
    units = np.array([to_units(label.bits) for label in labels], np.int64)
    choice = choose_by_labels(units, np.array([label.same for label in labels], np.bool_))
    notes = [] if choice else [f"fewer than {LEAST_LABELS} labels of either kind: they suggest no threshold"]
    return StewardQuality(
        entity=release.entity,
        labels=len(labels),
        sampled=sum(label.sampled for label in labels),
        review=release.review,
        merge=release.merge,
        precision=precision,
        recall=recall,
        bands=tuple(_bands(labels)),
        suggested=None if choice is None else (choice.bits, choice.low, choice.high),
        drift=_drift(labels),
        notes=tuple(notes),
    )


def _labels(connection: Connection, given: list[Verdict]) -> Iterator[tuple[str, Label]]:
    """(entity type, label) of each verdict between whose sides there is a link."""
    rids = records.numbers(connection, {name for each in given for name in (*each.left, *each.right)})
    rows = records.load(connection, rids.values(), ["rid", "source", "entity_type"]).to_pylist()
    known = {row["rid"]: (row["source"], row["entity_type"]) for row in rows}
    bits = {(row.left_rid, row.right_rid): row.bits for row in _links(connection, rids.values())}
    sampled = task_store.answered(connection, AUDIT)
    for verdict in given:
        sides = [[rids[name] for name in side if name in rids] for side in (verdict.left, verdict.right)]
        if len(sides[0]) * len(sides[1]) > MOST_PAIRS:
            continue
        pairs = [(min(pair), max(pair)) for pair in product(*sides)]
        best = max(((bits[pair], pair) for pair in pairs if pair in bits), default=None)
        if best is not None:
            (left, entity), (right, _) = known[best[1][0]], known[best[1][1]]
            sources = (left, right) if left <= right else (right, left)
            number = verdict.verdict_id
            yield entity, Label(number, verdict.kind == SAME, best[0], sources, number in sampled)


def _links(connection: Connection, rids: Iterable[int]) -> Iterator[LinkRow]:
    return map(LinkRow._make, rows_of(links.touching(connection, rids)))


def _link_counts(connection: Connection) -> dict[str, Counter[float]]:
    """How many links there are in each band, by entity type."""
    types = {stored.release_id: stored.entity_type for stored in releases.all(connection)}
    found: dict[str, Counter[float]] = {}
    for release_id, counts in links.histograms(connection).items():
        for bits, number in counts.items():
            found.setdefault(types[release_id], Counter())[band_of(bits)] += number
    return found


def _estimate(merge: float, labels: list[Label], counts: Mapping[float, int]) -> tuple[Measure, Measure]:
    """Precision and recall at the threshold, each band weighed by its links; bands without labels are left out.

    Intervals: 95 % of draws from the posterior share of each band (Jeffreys).
    """
    tallies = {band: _tally(labels, band) for band in {band_of(label.bits) for label in labels}}
    bands = sorted(band for band in tallies if counts.get(band))
    above = np.array([band >= band_of(merge) for band in bands])
    if not bands or not above.any():
        return NOTHING, NOTHING
    weights = np.array([float(counts[band]) for band in bands])
    same, different = (np.array([tallies[band][place] for band in bands], float) for place in (0, 1))
    draws = np.random.default_rng(SEED).beta(same + 0.5, different + 0.5, size=(DRAWS, len(bands)))
    return (
        _shares(same / (same + different), draws, weights * above, weights * above, of_true=False),
        _shares(same / (same + different), draws, weights * above, weights, of_true=True),
    )


def _shares(point: Floats, draws: Floats, top: Floats, bottom: Floats, *, of_true: bool) -> Measure:
    def share(rates: Floats) -> Floats:
        whole = (rates * bottom).sum(axis=-1) if of_true else np.full(rates.shape[:-1], bottom.sum())
        return np.asarray((rates * top).sum(axis=-1) / np.maximum(whole, 1e-12), np.float64)

    low, high = np.quantile(share(draws), (0.025, 0.975))
    value = float(share(point))
    return Measure(value, min(value, float(low)), max(value, float(high)))


def _tally(labels: list[Label], band: float) -> tuple[int, int]:
    """Labels same and different of the band: of samples, where there are any."""
    here = [label for label in labels if band_of(label.bits) == band]
    drawn = [label for label in here if label.sampled] or here
    return sum(label.same for label in drawn), sum(not label.same for label in drawn)


def _bands(labels: list[Label]) -> Iterator[Band]:
    groups: dict[tuple[tuple[str, str] | None, float], Counter[bool]] = {}
    for label in labels:
        for sources in (None, label.sources):
            groups.setdefault((sources, band_of(label.bits)), Counter())[label.same] += 1
    for (sources, low), tally in sorted(groups.items(), key=lambda item: (item[0][0] or ("", ""), item[0][1])):
        right = wilson_measure(tally[True], tally[True] + tally[False])
        yield Band(sources, low, low + BAND_BITS, tally[True], tally[False], right)


def _drift(labels: list[Label]) -> str | None:
    """Whether the newest labels of the sample say something else than those before (two shares, 1 %)."""
    drawn = sorted((label for label in labels if label.sampled), key=lambda label: label.verdict_id)
    before, newest = drawn[:-RECENT], drawn[-RECENT:]
    if len(before) < RECENT:
        return None
    old, new = (sum(label.same for label in part) / len(part) for part in (before, newest))
    share = sum(label.same for label in drawn) / len(drawn)
    spread = sqrt(share * (1 - share) * (1 / len(before) + 1 / len(newest)))
    if spread == 0 or abs(new - old) / spread < ALARM_Z:
        return None
    return f"{new:.0%} of the newest {len(newest)} sampled pairs are one customer, {old:.0%} of those before"
