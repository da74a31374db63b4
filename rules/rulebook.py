"""A checked rule book, and its two compiled forms: closures for one record, DuckDB SQL for a batch.

Invariant: `compile().assess(view)` and the row that `sql(table)` gives for the same record report the same findings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple

from rules.arguments import Arg, addresses_in
from rules.check_shapes import Check, RecordCheck, RecordTest, V, ValueTest
from rules.checks import CHECKS
from rules.record_view import OF_RECORD, RECORD, RECORD_SOURCE, RecordView, facts_sql, field_of, quote_name, values_at
from rules.set_checks import SET_CHECKS, SetTest, issue_share

Severity = Literal["error", "warning", "info"]
Dimension = Literal["completeness", "validity", "uniqueness", "consistency", "timeliness"]
ActionName = Literal["reject", "null_out", "downgrade", "flag", "stop"]

RECORD_FAILS = -1  # stands in a SQL list of failing value indexes when the record as a whole fails


class RuleBookError(ValueError):
    """A rule book is refused; the message names file, line and rule, and says what is allowed there."""

    def __init__(self, message: str, *, file: Path | str, line: int | None = None, rule_id: str | None = None) -> None:
        where = f"{file}" if line is None else f"{file}, line {line}"
        super().__init__(f"{where}: {message}" if rule_id is None else f"{where}: rule {rule_id}: {message}")
        self.file = str(file)
        self.line = line
        self.rule_id = rule_id


@dataclass(frozen=True, slots=True)
class Action:
    """What a finding does: to the record, or, if a whole set fails (flag, stop), to the run.

    percent: by how much `downgrade` lowers the trust of a claim.
    """

    name: ActionName
    percent: int = 0


@dataclass(frozen=True, slots=True)
class Condition:
    """A check that must hold for a rule to speak; over values, at least one value must be there and pass."""

    field: str
    check: str
    args: Mapping[str, Arg]


@dataclass(frozen=True, slots=True)
class Threshold:
    """The share of a source's records that may fail a rule; above it the set fails, which flags or stops the run."""

    above: float
    action: Action


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: `check` must hold for `field` wherever every condition of `when` holds.

    The check is about one record, or, if it is one of SET_CHECKS, about the records of each source.
    """

    id: str
    field: str
    check: str
    args: Mapping[str, Arg]
    when: tuple[Condition, ...] = ()
    severity: Severity = "warning"
    dimension: Dimension = "validity"
    action: Action = Action("flag")
    apply: bool = True
    owner: str | None = None
    description: str | None = None
    threshold: Threshold | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that failed.

    field: the rule's field, with its part.
    value_index: which of the values there failed; None when the record as a whole did.
    codes: for rules about issues, the codes that tell which claims are meant.
    """

    rule_id: str
    field: str
    value_index: int | None
    action: Action
    severity: Severity
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SwitchedOff:
    """An entry that only says `apply: false` about a rule of the book it will be merged into."""

    rule_id: str
    file: str
    line: int


Find = Callable[[RecordView], Sequence[Finding]]


class Judge(NamedTuple):
    """One rule as a function from a record to what it finds.

    needs: a key without which nothing can be found, in the record's issues or else in its values; asking first
    spares most rules most calls, which halves the time per record. None: ask always.
    """

    find: Find
    needs: str | None
    needs_issue: bool


@dataclass(frozen=True, slots=True)
class CompiledRules:
    """The rules that apply, ready for one record at a time; holds closures, so it does not pickle (a RuleBook does)."""

    rules: tuple[Rule, ...]
    judges: tuple[Judge, ...]

    def assess(self, view: RecordView) -> tuple[Finding, ...]:
        """What fails, in the order of the rules, then of the values."""
        found: list[Finding] = []
        values, issues = view.values, view.issues
        for find, needs, needs_issue in self.judges:
            if needs is None or needs in (issues if needs_issue else values):
                failing = find(view)
                if failing:
                    found.extend(failing)
        return tuple(found)

    def findings(self, row: Mapping[str, Sequence[int]]) -> tuple[Finding, ...]:
        """The findings a row of the batch query stands for: rule id -> failing indexes; equal to `assess`."""
        return tuple(_finding(rule, index) for rule in self.rules for index in row[rule.id])


@dataclass(frozen=True, slots=True)
class RuleBook:
    """The rules of one entity type, checked; `switched_off` is settled by `merge`."""

    entity: str
    rules: tuple[Rule, ...]
    switched_off: tuple[SwitchedOff, ...] = ()

    @property
    def applied(self) -> tuple[Rule, ...]:
        """The rules about records that are not switched off."""
        return tuple(rule for rule in self.rules if rule.apply and rule.check in CHECKS)

    @property
    def over_sets(self) -> tuple[Rule, ...]:
        """The rules that speak about the records of a source together: set checks, and thresholds of other rules."""
        return tuple(rule for rule in self.rules if rule.apply and (rule.check in SET_CHECKS or rule.threshold))

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every field the rules about records read, sorted: the list columns a batch table must have."""
        return tuple(sorted({address for rule in self.applied for address in _addresses(rule)}))

    @property
    def set_addresses(self) -> tuple[str, ...]:
        """The same for the rules over sets."""
        found = {address for rule in self.over_sets for address in _addresses(rule)}
        return tuple(sorted({*found, *OF_RECORD} - {RECORD}))

    def compile(self) -> CompiledRules:
        """The applied rules as closures."""
        return CompiledRules(self.applied, tuple(_judge(rule) for rule in self.applied))

    def sql(self, table: str, keep: Sequence[str] = ()) -> str:
        """A query with one row per record of the table: the `keep` columns, then per rule the indexes that fail.

        The table has a VARCHAR[] column per address but those of the record itself, issues VARCHAR[] ("field:code"),
        source, country and updated_at VARCHAR. An index list is empty when the rule passes and [-1] when the record as
        a whole fails.
        """
        columns = [*(quote_name(name) for name in keep)]
        columns += [f"{_failing_sql(rule)} as {quote_name(rule.id)}" for rule in self.applied]
        facts = facts_sql(table, self.addresses, tuple(keep))
        listed = ",\n  ".join(columns) or "1 as no_rules"
        return f"-- one row per record\nwith facts as (\n  {facts}\n)\nselect\n  {listed}\nfrom facts"


def merge(default: RuleBook, project: RuleBook) -> RuleBook:
    """The default rules with the project's laid over them: replaced by id, switched off, or added at the end.

    Raises RuleBookError when the project switches off a rule that does not exist.
    """
    replaced = {rule.id: rule for rule in project.rules}
    off = {entry.rule_id for entry in project.switched_off}
    known = [rule.id for rule in default.rules]
    for entry in project.switched_off:
        if entry.rule_id not in known:
            raise RuleBookError(
                f"there is no such rule to switch off; known: {', '.join(known)}",
                file=entry.file,
                line=entry.line,
                rule_id=entry.rule_id,
            )
    kept = [replaced.get(rule.id, rule) for rule in default.rules]
    added = [rule for rule in project.rules if rule.id not in known]
    rules = [replace(rule, apply=False) if rule.id in off else rule for rule in [*kept, *added]]
    return RuleBook(default.entity, tuple(rules), default.switched_off)


def _addresses(rule: Rule) -> list[str]:
    parts: tuple[Rule | Condition, ...] = (rule, *rule.when)
    return [address for part in parts for address in (part.field, *addresses_in(part.args))]


def build_test(part: Rule | Condition) -> ValueTest | RecordTest:
    """The compiled check of a rule about records, or of a condition. Raises ValueError for args that make no sense."""
    check: Check = CHECKS[part.check]
    if isinstance(check, RecordCheck):
        return check.build(part.field, **part.args)
    return check.build(**part.args)


def set_test(rule: Rule) -> tuple[SetTest, Action]:
    """The compiled check of a rule over sets, and what its failing does."""
    if rule.threshold is not None:
        return issue_share(rule.id, rule.threshold.above), rule.threshold.action
    return SET_CHECKS[rule.check].build(rule.field, **rule.args), rule.action


def conditions_sql(rule: Rule) -> str:
    """A boolean over the columns of a record: whether the rule speaks about it."""
    return " and ".join(_condition_sql(part) for part in rule.when) or "true"


def speaks_about(rule: Rule, source: str) -> bool:
    """Whether the rule may speak about records of the source, as far as the source's name alone tells."""
    view = RecordView({}, source=source)
    return all(_condition(part)(view) for part in rule.when if part.field == RECORD_SOURCE)


def _finding(rule: Rule, index: int) -> Finding:
    codes = rule.args.get("codes", ())
    place = None if index == RECORD_FAILS else index
    return Finding(rule.id, rule.field, place, rule.action, rule.severity, codes if isinstance(codes, tuple) else ())


def _judge(rule: Rule) -> Judge:
    test = build_test(rule)
    find = _find_values(rule, test) if isinstance(test, ValueTest) else _find_record(rule, test)
    if rule.when:
        find = _limited(find, tuple(_condition(part) for part in rule.when))
    if getattr(CHECKS[rule.check], "points", False):
        return Judge(find, field_of(rule.field), needs_issue=True)
    needs_value = isinstance(test, ValueTest) and rule.field not in OF_RECORD
    return Judge(find, rule.field if needs_value else None, needs_issue=False)


def _limited(find: Find, conditions: Sequence[Callable[[RecordView], bool]]) -> Find:
    def find_where_it_holds(view: RecordView) -> Sequence[Finding]:
        for holds in conditions:
            if not holds(view):
                return ()
        return find(view)

    return find_where_it_holds


def _find_values(rule: Rule, test: ValueTest) -> Find:
    read, passes = values_at(rule.field), test.passes
    first = (_finding(rule, 0),)

    def find(view: RecordView) -> Sequence[Finding]:
        values = read(view)
        if len(values) == 1:  # as nearly always
            return () if passes(values[0], view) else first
        return [_finding(rule, index) for index, value in enumerate(values) if not passes(value, view)]

    return find


def _find_record(rule: Rule, test: RecordTest) -> Find:
    found, passes = (_finding(rule, RECORD_FAILS),), test.passes
    return lambda view: () if passes(view) else found


def _condition(part: Condition) -> Callable[[RecordView], bool]:
    test = build_test(part)
    if isinstance(test, RecordTest):
        return test.passes
    read, passes = values_at(part.field), test.passes

    # A loop rather than any() over a generator, here and in `any_present`: half the time for one or two values.
    def holds(view: RecordView) -> bool:
        for value in read(view):  # noqa: SIM110
            if passes(value, view):
                return True
        return False

    return holds


def _failing_sql(rule: Rule) -> str:
    """A list of failing indexes, never NULL."""
    test = build_test(rule)
    if isinstance(test, ValueTest):
        index = f"case when not {test.sql} then place - 1 end"
        indexes = f"list_transform({quote_name(rule.field)}, lambda {V}, place: {index})"
        failing = f"list_filter({indexes}, lambda index: index is not null)"
    else:
        failing = f"case when {test.sql} then []::bigint[] else [{RECORD_FAILS}]::bigint[] end"
    if not rule.when:
        return failing
    return f"case when {conditions_sql(rule)} then {failing} else []::bigint[] end"


def _condition_sql(part: Condition) -> str:
    test = build_test(part)
    if isinstance(test, RecordTest):
        return f"({test.sql})"
    return f"len(list_filter({quote_name(part.field)}, lambda {V}: {test.sql})) > 0"
