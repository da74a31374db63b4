"""Thresholds: a learnt release -> the bits from which pairs are reviewed and merged."""

from __future__ import annotations

from dataclasses import replace

from mdm.engine.release import Release

REVIEW_BITS = -3.0
MERGE_BITS = 0.0


def choose_thresholds(release: Release, review: float | None, merge: float | None) -> Release:
    """The release with the given thresholds, those not given chosen: even odds to merge, 1:8 to review."""
    chosen_merge = MERGE_BITS if merge is None else merge
    chosen_review = min(REVIEW_BITS, chosen_merge) if review is None else review
    return replace(release, review=chosen_review, merge=chosen_merge)
