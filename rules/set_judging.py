"""Facts of many records in DuckDB -> what the rules over sets say about each source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import duckdb

from rules.record_view import facts_sql
from rules.rulebook import Action, Dimension, Rule, RuleBook, Severity, conditions_sql, set_test, speaks_about
from rules.set_checks import Measured, Moment


@dataclass(frozen=True, slots=True)
class SetOutcome:
    """What one rule says about one source. measured, limit: what was found and what is asked, in words."""

    rule_id: str
    entity: str
    source: str
    passed: bool
    measured: str
    limit: str
    action: Action
    severity: Severity
    dimension: Dimension
    owner: str | None = None

    @property
    def text(self) -> str:
        """The outcome in one line."""
        return f"{self.rule_id}: source {self.source}: {self.measured}; asked: {self.limit}"


def judge_sets(
    connection: duckdb.DuckDBPyConnection,
    book: RuleBook,
    table: str,
    rows_before: Mapping[str, int | None],
    today: date,
) -> tuple[SetOutcome, ...]:
    """Every rule over sets on every source it may speak about, in the order of the rules, then of the sources.

    table: one row per record with the columns of `RuleBook.set_addresses` as `RuleBook.sql` wants them. rows_before:
    the sources to judge, each with how many records it had (None: not known).
    """
    outcomes: list[SetOutcome] = []
    for rule in book.over_sets:
        measured = _measure(connection, book, rule, table)
        outcomes += [
            _outcome(book.entity, rule, source, measured.get(source), Moment(today, before))
            for source, before in sorted(rows_before.items())
            if speaks_about(rule, source)
        ]
    return tuple(outcomes)


def _measure(connection: duckdb.DuckDBPyConnection, book: RuleBook, rule: Rule, table: str) -> dict[str, Measured]:
    """Source -> what the rule measures there."""
    facts = facts_sql(table, book.set_addresses, ("source",))
    meant = f"(select * from ({facts}) where {conditions_sql(rule)})"
    query = set_test(rule)[0].sql(meant)
    return dict(connection.execute(f"-- one row per source\n{query}").fetchall())


def _outcome(entity: str, rule: Rule, source: str, measured: Measured, moment: Moment) -> SetOutcome:
    test, action = set_test(rule)
    return SetOutcome(
        rule_id=rule.id,
        entity=entity,
        source=source,
        passed=test.passes(measured, moment),
        measured=test.show(measured, moment),
        limit=test.limit,
        action=action,
        severity=rule.severity,
        dimension=rule.dimension,
        owner=rule.owner,
    )
