"""How good a partition is against a truth: assignment, truth, scored pairs -> EvaluationReport and its page."""

from __future__ import annotations

from mdm.evaluation.page import write_page
from mdm.evaluation.report import evaluate
from mdm.evaluation.truth import Clusters, LabelledPairs, Truth, read_truth

__all__ = ["Clusters", "LabelledPairs", "Truth", "evaluate", "read_truth", "write_page"]
