"""What the verbs of a Project return: frozen results -> JSON, rendered by the command line and the pages.

Records are written `source:record_id` everywhere; weights and thresholds are bits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

import orjson


@dataclass(frozen=True, slots=True)
class RunReport:
    """What one batch run did.

    counts, seconds: by stage, in the order of the flow; counts are rows that came out of the stage.
    records: current records in the store by source. quarantined: rows this run refused.
    entities_before, entities_after: by entity type, quarantined records not among them.
    merges: joins of two entities this run made, a new record counting as an entity of its own.
    review_links: current links between the review and the merge threshold.
    releases: entity type -> release that decided; trained: those among them that this run learnt.
    plans: of a dry run, what it would have changed. tasks: open questions to stewards by kind, after the run.
    """

    run_id: int
    outcome: str
    counts: Mapping[str, int]
    seconds: Mapping[str, float]
    records: Mapping[str, int]
    quarantined: int
    entities_before: Mapping[str, int]
    entities_after: Mapping[str, int]
    merges: int
    review_links: int
    releases: Mapping[str, str]
    trained: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    plans: tuple[Plan, ...] = ()
    tasks: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """What would happen to some entities.

    kind: merged, split, regrouped (several become several others), retired, changed (members come or go) or created.
    entities: their present ids. records: the members of each entity that there would be, long lists cut.
    """

    kind: str
    entities: tuple[str, ...]
    records: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a decision would change in one entity type; unchanged: entities whose members stay. counts: by kind."""

    entity: str
    release_id: str
    unchanged: int
    counts: Mapping[str, int]
    changes: tuple[PlannedChange, ...]


@dataclass(frozen=True, slots=True)
class CrosswalkReport:
    """What a crosswalk of another master brought.

    records: rows taken. ids: different ids among them. own: those of our own form, which keep their number.
    waiting: records that are not stored yet. ignored: columns of the file that nobody read.
    """

    path: str
    records: int
    ids: int
    own: int
    waiting: int
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TaskLine:
    """One question to a steward.

    asks: the question in words. entities: those it is about. records: the ones that show it best. bits: their weight.
    affected: records of those entities. priority: the greater, the more an answer is worth. state: open, applied or
    obsolete; reason: what closed it.
    """

    task_id: int
    kind: str
    asks: str
    entity: str
    entities: tuple[str, ...]
    records: tuple[str, ...]
    bits: float | None
    affected: int
    priority: int
    details: Mapping[str, object]
    state: str
    opened_at: str
    closed_at: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One run of the history; outcome: done, failed, stopped (by a guard), died, or None while it works.

    seconds: of the whole run, None while it works. stages: seconds by stage.
    """

    run_id: int
    kind: str
    started_at: str
    finished_at: str | None
    outcome: str | None
    seconds: float | None
    counts: Mapping[str, int]
    stages: Mapping[str, float]
    releases: Mapping[str, str]
    merges: int


@dataclass(frozen=True, slots=True)
class ReleaseSummary:
    """One release: records it was learnt on (0 for a shipped one) and the thresholds it decides by."""

    release_id: str
    entity: str
    created_at: str
    records: int
    active: bool
    review_bits: float
    merge_bits: float
    comparisons: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EvidenceLine:
    """The level one comparison reached, its bits, and the values it saw (None: unknown on that side)."""

    comparison: str
    level: str
    bits: float
    left: str | None
    right: str | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why two records match or not: weight = prior + the bits of the evidence.

    grade: certain, probable, possible or none. verdicts: what stewards said about the two.
    """

    left: str
    right: str
    same_entity: bool
    prior: float
    weight: float
    probability: float
    grade: str
    evidence: tuple[EvidenceLine, ...]
    notes: tuple[str, ...] = ()
    verdicts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LinkLine:
    """One link between two records."""

    left: str
    right: str
    bits: float


@dataclass(frozen=True, slots=True)
class GoldenLine:
    """One golden value: the record that offered it and the strategy by which it won."""

    field: str
    value: str
    record: str
    strategy: str


@dataclass(frozen=True, slots=True)
class HowReport:
    """How an entity came together.

    links: those that joined its parts, in the order of merging. falls_out: members that would leave it
    if the weakest link were cut.
    """

    entity_id: str
    entity: str
    members: tuple[str, ...]
    links: tuple[LinkLine, ...]
    weakest: LinkLine | None
    falls_out: tuple[str, ...]
    golden: tuple[GoldenLine, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One check of the store and what it found."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """Every check of the store."""

    checks: tuple[CheckLine, ...]

    @property
    def ok(self) -> bool:
        """Whether all checks passed."""
        return all(check.ok for check in self.checks)


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """One written file and its rows."""

    path: str
    rows: int


@dataclass(frozen=True, slots=True)
class ExportReport:
    """The files an export wrote; cursor: the event to pass as `since` next time, None when there is none."""

    files: tuple[ExportedFile, ...]
    cursor: int | None = None


@dataclass(frozen=True, slots=True)
class QuarantinedLine:
    """One record in quarantine, or one row that never became a record (record and entity are None).

    state: waiting, discarded, released or corrected (takes part again), or unreadable for a row.
    place: where a row stands that could not be read.
    reasons: ids of the rules that reject it, or why the row could not be read. row: its beginning, as delivered.
    corrected: the values a steward gave instead, by field.
    """

    record: str | None
    entity: str | None
    state: str
    reasons: tuple[str, ...]
    row: str
    place: str | None = None
    corrected: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VerdictLine:
    """One verdict of a steward; withdrawn_at is None while it holds. corrected: field -> the values it gives."""

    verdict_id: int
    kind: str
    left: tuple[str, ...]
    right: tuple[str, ...]
    reason: str
    actor: str
    created_at: str
    withdrawn_at: str | None = None
    corrected: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Measure:
    """A share between 0 and 1 with the bounds of its 95 % interval; all None when there is nothing to measure."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Quality:
    """Precision, recall and F1, and in words how their intervals were estimated."""

    precision: Measure
    recall: Measure
    f1: Measure
    intervals: str


@dataclass(frozen=True, slots=True)
class ThresholdPoint:
    """Pairwise quality of the partition that joining every pair of at least `bits` gives (None: undefined)."""

    bits: float
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True, slots=True)
class WrongMerge:
    """An entity that holds records of different customers: its pairs known to be wrong, and records per customer."""

    entity_id: str
    wrong_pairs: int
    records: int
    groups: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class MissedPair:
    """Two records of one customer in two entities; bits is None when the pair was never scored."""

    left: str
    right: str
    bits: float | None


@dataclass(frozen=True, slots=True)
class TruthSummary:
    """What a truth file holds and how much of it could be used.

    kind: clusters or pairs. rows: labelled rows. records: labelled records found in the store.
    unknown: labelled records the store does not hold, left out, with a few examples.
    unresolved: labelled records the store holds without an entity (quarantined), counted as entities of one.
    """

    path: str
    kind: str
    rows: int
    records: int
    unknown: int
    unknown_examples: tuple[str, ...]
    unresolved: int


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """How good the partition is against a truth.

    bcubed is None for labelled pairs, which do not say where a whole customer ends. curve is empty and
    blocking None when no scored pairs or candidates were given. thresholds: name -> bits, to mark on the curve.
    """

    truth: TruthSummary
    pairwise: Quality
    bcubed: Quality | None
    blocking: Measure | None
    curve: tuple[ThresholdPoint, ...]
    thresholds: Mapping[str, float]
    wrong_merges: tuple[WrongMerge, ...]
    missed: tuple[MissedPair, ...]
    notes: tuple[str, ...] = ()


def to_json(report: object) -> str:
    """The JSON text of any report, or of a list or mapping of them; keys are the names of its fields."""
    return orjson.dumps(report, default=_plain, option=orjson.OPT_INDENT_2).decode()


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, PurePath):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
