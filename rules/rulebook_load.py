"""A YAML file of rules -> checked rule books, one per entity type.

Scalars are taken as they are written: `NO` is Norway and `007` keeps its zeros.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TypeVar, get_args

import yaml

from rules.arguments import Arg, Argument, Given, addresses_in, read_address, read_share
from rules.check_shapes import RecordCheck
from rules.checks import CHECKS
from rules.record_view import OF_RECORD, RECORD
from rules.rule_lists import read_list
from rules.rulebook import (
    Action,
    Condition,
    Dimension,
    Rule,
    RuleBook,
    RuleBookError,
    Severity,
    SwitchedOff,
    Threshold,
    build_test,
    set_test,
)
from rules.set_checks import SET_CHECKS, SetCheck

_Word = TypeVar("_Word", bound=str)

DATA = Path(__file__).parent / "data"
_RULE_KEYS = tuple(key.name for key in fields(Rule))
_CONDITION_KEYS = tuple(key.name for key in fields(Condition))
_REQUIRED = ("id", "field", "check")
_ID = re.compile(r"[a-z][a-z0-9_.-]*")
_ACTIONS = "reject, null_out, flag, downgrade: N% (N from 1 to 100); over a set: flag, stop"
# These take hold of claims; a check that points at no claim cannot use them.
_CLAIM_ACTIONS = ("null_out", "downgrade")
_SET_ACTIONS = ("flag", "stop")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in a file something stands, for messages; `allowed` are the fields a rule may name, None for any."""

    file: Path
    allowed: Collection[str] | None = None
    rule_id: str | None = None

    def refuse(self, node: yaml.Node, message: str) -> RuleBookError:
        line = node.start_mark.line + 1
        return RuleBookError(message, file=self.file, line=line, rule_id=self.rule_id)


def load_rulebooks(path: Path, *, known: Mapping[str, Collection[str]] | None = None) -> dict[str, RuleBook]:
    """The rule books of a file that maps entity types to lists of rules.

    known: entity type -> the addresses its rules may name; without it any are taken.
    Raises RuleBookError with file, line, rule and the words allowed there.
    """
    root = _compose(path)
    books: dict[str, RuleBook] = {}
    for entity, node in _entries(root, _Place(path)).items():
        if known is not None and entity not in known:
            raise _Place(path).refuse(node, f"unknown entity type {entity!r}; known: {_listed(known)}")
        place = _Place(path, None if known is None else known[entity])
        books[entity] = _read_book(entity, node, place)
    return books


def default_rulebook(entity: str) -> RuleBook:
    """The rules shipped for an entity type; an empty book when none are."""
    path = DATA / f"{entity}_rules.yaml"
    return load_rulebooks(path)[entity] if path.is_file() else RuleBook(entity, ())


def _compose(path: Path) -> yaml.Node:
    try:
        root = yaml.compose(path.read_bytes(), Loader=yaml.SafeLoader)
    except OSError as error:
        raise RuleBookError(f"cannot be read: {error.strerror}", file=path) from None
    except yaml.MarkedYAMLError as error:
        line = None if error.problem_mark is None else error.problem_mark.line + 1
        raise RuleBookError(f"not YAML: {error.problem}", file=path, line=line) from None
    except yaml.YAMLError as error:
        raise RuleBookError(f"not YAML: {error}", file=path) from None
    if root is None:
        raise RuleBookError("the file is empty; it maps an entity type to a list of rules", file=path)
    return root


def _read_book(entity: str, node: yaml.Node, place: _Place) -> RuleBook:
    if not isinstance(node, yaml.SequenceNode):
        raise place.refuse(node, f"{entity} takes a list of rules")
    rules: list[Rule] = []
    switched_off: list[SwitchedOff] = []
    seen: set[str] = set()
    for entry in node.value:
        read = _read_entry(entry, place)
        rule_id = read.id if isinstance(read, Rule) else read.rule_id
        if rule_id in seen:
            raise place.refuse(entry, f"the id {rule_id} stands twice")
        seen.add(rule_id)
        if isinstance(read, Rule):
            rules.append(read)
        else:
            switched_off.append(read)
    return RuleBook(entity, tuple(rules), tuple(switched_off))


def _read_entry(node: yaml.Node, place: _Place) -> Rule | SwitchedOff:
    entries = _entries(node, place, _RULE_KEYS)
    if "id" not in entries:
        raise place.refuse(node, "a rule needs an id")
    rule_id = _text(entries["id"], place)
    if _ID.fullmatch(rule_id) is None:
        raise place.refuse(entries["id"], f"an id is written like person.empty (a-z, 0-9, _ . -), not {rule_id!r}")
    here = _Place(place.file, place.allowed, rule_id)
    if entries.keys() == {"id", "apply"} and not _read_apply(entries, here):
        return SwitchedOff(rule_id, str(place.file), node.start_mark.line + 1)
    return _read_rule(rule_id, node, entries, here)


def _read_rule(rule_id: str, node: yaml.Node, entries: Mapping[str, yaml.Node], place: _Place) -> Rule:
    check = _read_check(entries, node, (*CHECKS, *SET_CHECKS), place)
    rule = Rule(
        id=rule_id,
        field=_read_field(check, node, entries, place),
        check=check,
        args=_read_args(check, node, entries, place),
        when=_read_when(entries.get("when"), place),
        severity=_word(entries, "severity", get_args(Severity), place) or "warning",
        dimension=_word(entries, "dimension", get_args(Dimension), place) or usual_dimension(check),
        action=_read_action(check, entries.get("action"), place),
        apply=_read_apply(entries, place),
        owner=_text(entries["owner"], place) if "owner" in entries else None,
        description=_text(entries["description"], place) if "description" in entries else None,
        threshold=_read_threshold(check, entries.get("threshold"), place),
    )
    _try(rule, entries.get("args", node), place)
    return rule


def _try(part: Rule | Condition, node: yaml.Node, place: _Place) -> None:
    """Raises RuleBookError for arguments that are well written and make no sense together."""
    try:
        if part.check in CHECKS:
            build_test(part)
        elif isinstance(part, Rule):
            set_test(part)
    except ValueError as error:
        raise place.refuse(node, str(error)) from None


def usual_dimension(check: str) -> Dimension:
    """The dimension of a check when its rule names none."""
    usual: dict[str, Dimension] = {"unique": "uniqueness", "unique_combination": "uniqueness"}
    usual |= {"freshness": "timeliness", "row_count": "completeness"}
    return usual.get(check, "validity")


def _read_check(entries: Mapping[str, yaml.Node], node: yaml.Node, known: tuple[str, ...], place: _Place) -> str:
    if "check" not in entries:
        raise place.refuse(node, f"check is missing; a rule needs {', '.join(_REQUIRED)}")
    return str(_word(entries, "check", known, place))


def _read_field(check: str, node: yaml.Node, entries: Mapping[str, yaml.Node], place: _Place) -> str:
    found = SET_CHECKS.get(check)
    if found is not None and found.whole:
        if "field" in entries and _text(entries["field"], place) != RECORD:
            raise place.refuse(entries["field"], f"{check} speaks of whole records: leave field out, or write {RECORD}")
        return RECORD
    if "field" not in entries:
        raise place.refuse(node, f"field is missing; a rule needs {', '.join(_REQUIRED)}")
    return _read_address(entries["field"], place)


def _read_address(node: yaml.Node, place: _Place) -> str:
    try:
        address = read_address(_text(node, place))
    except ValueError as error:
        raise place.refuse(node, str(error)) from None
    _check_known((address,), node, place)
    return address


def _check_known(addresses: Collection[str], node: yaml.Node, place: _Place) -> None:
    for address in addresses:
        if place.allowed is not None and address not in place.allowed and address not in OF_RECORD:
            raise place.refuse(node, f"unknown field {address!r}; known: {_listed([*place.allowed, *OF_RECORD])}")


def _arguments_of(check: str, given: Mapping[str, yaml.Node], place: _Place) -> Mapping[str, Argument]:
    """The arguments a check takes; those of a share are its own and those of the check that is counted."""
    found: SetCheck | object = SET_CHECKS.get(check)
    if not isinstance(found, SetCheck):
        return CHECKS[check].arguments
    if "of" not in found.arguments or "of" not in given:
        return found.arguments
    counted = str(_word(given, "of", tuple(CHECKS), place))
    return {**found.arguments, **CHECKS[counted].arguments}


def _read_args(check: str, rule: yaml.Node, entries: Mapping[str, yaml.Node], place: _Place) -> dict[str, Arg]:
    node = entries.get("args")
    given = {} if node is None else _entries(node, place)
    known = {name: each for name, each in _arguments_of(check, given, place).items() if each.read is not None}
    given = {} if node is None else _entries(node, place, set(known))
    args: dict[str, Arg] = {}
    for name, argument in known.items():
        if name in given:
            args[name] = _read_arg(name, argument, given[name], place)
        elif argument.default is not None:
            args[name] = argument.default
        elif not argument.optional:
            raise place.refuse(node or rule, f"{check} needs args {{{', '.join(known)}}}: {name} is missing")
    if "file" in args:
        args["values"] = _read_list(str(args["file"]), str(args["column"]), given["file"], place)
    return args


def _read_list(name: str, column: str, node: yaml.Node, place: _Place) -> tuple[str, ...]:
    try:
        return read_list(place.file.parent / name, column)
    except ValueError as error:
        raise place.refuse(node, f"args.file: {error}") from None


def _read_arg(name: str, argument: Argument, node: yaml.Node, place: _Place) -> Arg:
    assert argument.read is not None
    try:
        value = argument.read(_given(node, place))
    except ValueError as error:
        raise place.refuse(node, f"args.{name}: {error}") from None
    if name in ("field", "fields"):
        _check_known(addresses_in({name: value}), node, place)
    return value


def _read_threshold(check: str, node: yaml.Node | None, place: _Place) -> Threshold | None:
    """`5%`, which stops the run, or {above: 5%, action: flag}."""
    if node is None:
        return None
    if check in SET_CHECKS:
        raise place.refuse(node, f"{check} is about a set already; its args say the limit")
    if not isinstance(node, yaml.MappingNode):
        return Threshold(_read_above(node, place), Action("stop"))
    entries = _entries(node, place, ("above", "action"))
    if "above" not in entries:
        raise place.refuse(node, "threshold: above is missing, such as {above: 5%, action: stop}")
    action = _word(entries, "action", _SET_ACTIONS, place) or "stop"
    return Threshold(_read_above(entries["above"], place), Action("flag" if action == "flag" else "stop"))


def _read_above(node: yaml.Node, place: _Place) -> float:
    try:
        return read_share(_text(node, place))
    except ValueError as error:
        raise place.refuse(node, f"threshold: {error}") from None


def _read_when(node: yaml.Node | None, place: _Place) -> tuple[Condition, ...]:
    if node is None:
        return ()
    return tuple(
        _read_condition(part, place) for part in (node.value if isinstance(node, yaml.SequenceNode) else [node])
    )


def _read_condition(node: yaml.Node, place: _Place) -> Condition:
    entries = _entries(node, place, _CONDITION_KEYS)
    for key in ("field", "check"):
        if key not in entries:
            raise place.refuse(node, f"when: {key} is missing")
    check = _read_check(entries, node, tuple(CHECKS), place)
    condition = Condition(_read_address(entries["field"], place), check, _read_args(check, node, entries, place))
    _try(condition, node, place)
    return condition


def _read_action(check: str, node: yaml.Node | None, place: _Place) -> Action:
    if node is None:
        return Action("flag")
    action = _parse_action(_action_text(node, place))
    if action is None:
        raise place.refuse(node, f"unknown action; known: {_ACTIONS}")
    if check in SET_CHECKS:
        if action.name not in _SET_ACTIONS:
            raise place.refuse(node, f"{check} is about many records and decides about none: it can only flag or stop")
        return action
    if action.name == "stop":
        raise place.refuse(node, "only a check over a set can stop a run; use `threshold: 5%` beside the action")
    found = CHECKS[check]
    if action.name in _CLAIM_ACTIONS and isinstance(found, RecordCheck) and not found.points:
        raise place.refuse(node, f"{check} points at no single value, so it can only reject or flag")
    return action


def _action_text(node: yaml.Node, place: _Place) -> str:
    if isinstance(node, yaml.MappingNode):
        return ", ".join(f"{name}: {_text(value, place)}" for name, value in _entries(node, place).items())
    return _text(node, place)


def _parse_action(text: str) -> Action | None:
    if text == "reject":
        return Action("reject")
    if text == "null_out":
        return Action("null_out")
    if text == "flag":
        return Action("flag")
    if text == "stop":
        return Action("stop")
    downgrade = re.fullmatch(r"downgrade: *([1-9][0-9]?|100) ?%", text)
    return None if downgrade is None else Action("downgrade", int(downgrade[1]))


def _read_apply(entries: Mapping[str, yaml.Node], place: _Place) -> bool:
    return _word(entries, "apply", ("true", "false"), place) != "false"


def _word(entries: Mapping[str, yaml.Node], key: str, known: tuple[_Word, ...], place: _Place) -> _Word | None:
    """The word under the key, None when the key is absent."""
    if key not in entries:
        return None
    text = _text(entries[key], place)
    for word in known:
        if text == word:
            return word
    raise place.refuse(entries[key], f"unknown {key} {text!r}; known: {_listed(known)}")


def _entries(node: yaml.Node, place: _Place, known: Collection[str] | None = None) -> dict[str, yaml.Node]:
    if not isinstance(node, yaml.MappingNode):
        raise place.refuse(node, f"a mapping is expected{'' if not known else ' of ' + _listed(known)}")
    entries: dict[str, yaml.Node] = {}
    for key_node, value in node.value:
        key = _text(key_node, place)
        if known is not None and key not in known:
            raise place.refuse(key_node, f"unknown key {key!r}; known: {_listed(known)}")
        if key in entries:
            raise place.refuse(key_node, f"the key {key} stands twice")
        entries[key] = value
    return entries


def _given(node: yaml.Node, place: _Place) -> Given:
    if isinstance(node, yaml.SequenceNode):
        return tuple(_text(each, place) for each in node.value)
    return _text(node, place)


def _text(node: yaml.Node, place: _Place) -> str:
    if not isinstance(node, yaml.ScalarNode) or node.tag.endswith(":null"):
        raise place.refuse(node, "a text is expected")
    text = str(node.value)
    # Neither SQL text nor UTF-8 can carry these.
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise place.refuse(node, "a text holds a character that is none (NUL or half a surrogate pair)")
    return text


def _listed(words: Collection[str]) -> str:
    return ", ".join(sorted(words)) or "none"
