"""Rules -> the words a rule book is written in: what `load_rulebooks` reads back as the same rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

from rules.arguments import Arg, Argument, read_days, read_share
from rules.checks import CHECKS
from rules.rulebook import Action, Condition, Rule, RuleBook
from rules.rulebook_load import usual_dimension
from rules.set_checks import SET_CHECKS, percent

Entry = dict[str, Any]


def entry_of(rule: Rule) -> Entry:
    """The rule as the mapping that stands for it in a rule book; what has its usual value is left out."""
    entry: Entry = {"id": rule.id, "description": rule.description, "field": rule.field, "check": rule.check}
    entry |= {"args": args_of(rule), "when": [_condition(part) for part in rule.when]}
    entry |= {"severity": rule.severity if rule.severity != "warning" else None}
    entry |= {"dimension": rule.dimension if rule.dimension != usual_dimension(rule.check) else None}
    entry |= {"action": action_text(rule.action) if rule.action != Action("flag") else None}
    entry |= {"threshold": _threshold(rule), "apply": None if rule.apply else False, "owner": rule.owner}
    return {name: value for name, value in entry.items() if value not in (None, {}, [])}


def args_of(part: Rule | Condition) -> Entry:
    """The arguments as they are written; those that have their default are left out."""
    arguments = _arguments(part)
    return {
        name: _written(value, arguments[name])
        for name, value in part.args.items()
        if arguments[name].read is not None and value != arguments[name].default
    }


def _arguments(part: Rule | Condition) -> Mapping[str, Argument]:
    if part.check in CHECKS:
        return CHECKS[part.check].arguments
    own = SET_CHECKS[part.check].arguments
    counted = part.args.get("of")
    return own if counted is None else {**own, **CHECKS[str(counted)].arguments}


def _written(value: Arg, argument: Argument) -> Any:
    if argument.read is read_share:
        return percent(float(str(value)))
    if argument.read is read_days:
        return f"{value} days"
    return list(value) if isinstance(value, tuple) else value


def _condition(part: Condition) -> Entry:
    args = args_of(part)
    return {"field": part.field, "check": part.check} | ({"args": args} if args else {})


def action_text(action: Action) -> str | Entry:
    """The action as it is written."""
    return {"downgrade": f"{action.percent}%"} if action.name == "downgrade" else action.name


def _threshold(rule: Rule) -> str | Entry | None:
    if rule.threshold is None:
        return None
    above = percent(rule.threshold.above)
    return above if rule.threshold.action.name == "stop" else {"above": above, "action": "flag"}


def book_text(books: Iterable[RuleBook]) -> str:
    """The rule books as the text of one file."""
    return entries_text({book.entity: [entry_of(rule) for rule in book.rules] for book in books})


def entries_text(entries: Mapping[str, Sequence[Entry]]) -> str:
    """Entries by entity type as the text of a rule book; short mappings and lists stand on one line."""
    lines: list[str] = []
    for entity, rules in entries.items():
        lines.append(f"{entity}:" if rules else f"{entity}: []")
        for entry in rules:
            written = [f"{name}: {_flow(value)}" for name, value in entry.items()]
            lines += [f"  - {written[0]}", *(f"    {line}" for line in written[1:]), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _flow(value: Any) -> str:
    """The value as YAML on one line; texts that YAML would read otherwise are quoted."""
    text: str = yaml.dump(
        value, Dumper=_Dumper, default_flow_style=True, allow_unicode=True, width=1 << 30, sort_keys=False
    )
    return text.removesuffix("\n").removesuffix("...").rstrip("\n")


class _Dumper(yaml.SafeDumper):
    """Writes texts with line breaks and other unprintable signs in double quotes, the only style that keeps them."""


def _text_node(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if text.isprintable() else '"')


_Dumper.add_representer(str, _text_node)
