"""The evaluation as a whole: assignment, truth, scored pairs, candidates -> EvaluationReport."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mdm.errors import BadSource
from mdm.evaluation.blocking import blocking_recall
from mdm.evaluation.curve import quality_curve
from mdm.evaluation.labels import Customers, assignment, entities_of, match_labels, summarise
from mdm.evaluation.measures import bcubed, pairwise
from mdm.evaluation.mistakes import missed_pairs, wrong_merges
from mdm.evaluation.truth import Truth
from mdm.reports import EvaluationReport, TruthSummary


def evaluate(
    predicted: Any,
    truth: Truth,
    *,
    scored: Any | None = None,
    candidates: Any | None = None,
    thresholds: Mapping[str, float] | None = None,
) -> EvaluationReport:
    """How good a partition is, over the records the truth labels.

    predicted: Arrow table of source, record_id, entity_id, one row per stored record.
    scored: Arrow table of left, right (source:record_id), bits, one row per scored pair; gives the curve.
    candidates: Arrow table of left, right, one row per candidate pair; gives the blocking recall.
    thresholds: name -> bits, marked on the curve. Raises BadSource when the store holds no labelled record.
    """
    marks = dict(thresholds or {})
    assigned = assignment(predicted)
    labels = match_labels(assigned, truth)
    entities = entities_of(labels, assigned)
    summary = summarise(truth, labels, entities)
    if summary.records == 0:
        raise BadSource(_nothing_known(summary))
    return EvaluationReport(
        truth=summary,
        pairwise=pairwise(labels, entities),
        bcubed=bcubed(labels, entities) if isinstance(labels, Customers) else None,
        blocking=None if candidates is None else blocking_recall(labels, candidates),
        curve=() if scored is None else quality_curve(labels, scored, marks.values()),
        thresholds=marks,
        wrong_merges=wrong_merges(labels, entities, assigned),
        missed=missed_pairs(labels, entities, scored),
        notes=_notes(summary),
    )


def _nothing_known(summary: TruthSummary) -> str:
    examples = ", ".join(summary.unknown_examples) or "none"
    return (
        f"truth file {summary.path} labels no record of the store (it names {examples}); "
        "its source and record_id must be those of the project, and `mdm run` must have read them"
    )


def _notes(summary: TruthSummary) -> tuple[str, ...]:
    notes = []
    if summary.unknown:
        examples = ", ".join(summary.unknown_examples)
        notes.append(f"{summary.unknown} labelled records are not in the store and were left out: {examples}")
    if summary.unresolved:
        notes.append(f"{summary.unresolved} labelled records have no entity (quarantined) and count as entities of one")
    return tuple(notes)
