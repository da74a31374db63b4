"""Data quality: the scorecard, what was found wrong and how often, and who waits in quarantine."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from mdm import quarantine
from mdm.policy import ProjectPolicy
from mdm.reports import QuarantinedLine
from mdm.scorecard import read_scorecard
from mdm.scorecard.report import ScorecardReport
from mdm.store import overview
from rules.issues import ISSUES
from rules.rulebook import Rule

RUNS = 30


@dataclass(frozen=True, slots=True)
class IssueCount:
    """An issue code in words, with how many records carry it; sources: (source, records), the most first."""

    code: str
    field: str
    meaning: str
    records: int
    sources: tuple[tuple[str, int], ...]


def scorecard(connection: Connection, policy: ProjectPolicy) -> ScorecardReport:
    """The scorecard of the last run, with those before it."""
    return read_scorecard(connection, policy.file.project, RUNS)


def issue_counts(connection: Connection, policy: ProjectPolicy) -> tuple[IssueCount, ...]:
    """What was found in the active and quarantined records, the most frequent first. It reads all of them."""
    rules = {f"rule.{rule.id}": rule for book in policy.rules.values() for rule in book.applied}
    by_code: dict[str, list[tuple[str, int]]] = {}
    for (source, code), records in overview.issue_counts(connection).items():
        by_code.setdefault(code, []).append((source, records))
    found = (_count(code, sources, rules.get(code)) for code, sources in by_code.items())
    return tuple(sorted(found, key=lambda each: (-each.records, each.code)))


def _count(text: str, sources: list[tuple[str, int]], rule: Rule | None) -> IssueCount:
    """text: a code as records carry it, with its field before a colon; the id of a rule has none."""
    field, _, code = text.rpartition(":")
    meaning = ISSUES.get(code, "") if rule is None else rule.description or f"{rule.check} failed"
    ordered = tuple(sorted(sources, key=lambda each: (-each[1], each[0])))
    return IssueCount(code, field if rule is None else rule.field, meaning, sum(n for _, n in sources), ordered)


def quarantined(connection: Connection, policy: ProjectPolicy, *, every: bool) -> list[QuarantinedLine]:
    """Records that wait for a steward, or for a better file; every: also those that a steward decided about."""
    return quarantine.list_quarantined(connection, policy, every=every)
