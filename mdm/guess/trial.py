"""A guessed project -> what its files need so that it runs as it is; the files are read whole, not a sample of them."""

from __future__ import annotations

import math
from collections.abc import Mapping

from mdm.intake import Intake
from mdm.project_file import Limits, ProjectFile

# A delivery like this one must pass with room to spare: twice its share of rejected rows.
ROOM = 2


def needed_limits(project: ProjectFile) -> Mapping[str, Limits]:
    """Limits by source, for those whose files the default would refuse. Raises BadSource for an unreadable file."""
    intake = Intake(project)
    repeating = _repeating(intake)
    limits: dict[str, Limits] = {}
    for spec in project.sources:
        share = intake.share_over_limit(spec)
        rejected = None if share is None else min(1.0, math.ceil(ROOM * share * 100) / 100)
        found = Limits(spec.name in repeating, rejected)
        if found != Limits():
            limits[spec.name] = found
    return limits


def _repeating(intake: Intake) -> set[str]:
    """The sources in which rows of one record id differ."""
    found: set[str] = set()
    seen: dict[tuple[str, str], int] = {}
    for batch in intake.batches():
        name = batch.spec.name
        if name not in found:
            for record_id, row in zip(batch.record_ids, batch.rows, strict=True):
                content = hash(row)
                if seen.setdefault((name, record_id), content) != content:
                    found.add(name)
                    break
    return found
