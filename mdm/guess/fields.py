"""Columns in their roles -> the `fields` of one source and entity type, as an expert would write them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from mdm.engine.policy import EntityType
from mdm.guess.columns import EMPTY, Part
from mdm.guess.content import plain
from mdm.guess.words import split_words
from mdm.mapping import field_key
from mdm.reading.chunks import Row
from rules.kinds import KINDS

Slot = dict[str, Part]  # kind input -> the column that feeds it
HOUSE_LED = 0.3  # share of values opening with a house number from which a street column holds the whole line
OWN_NAME = "organisation_name"  # the role, and the kind it feeds
ALONE = 0.5  # share of its values that a second name column must hold where the first is blank


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of one source and entity type."""

    names: tuple[str, ...]
    rows: Sequence[Row]

    def filled(self, column: str) -> int:
        """How many rows hold a value there."""
        at = self.names.index(column)
        return sum(row[at] is not None for row in self.rows)

    def share_with(self, column: str, other: str) -> float:
        """Share of the column's values that stand beside a value of the other column."""
        at, beside = self.names.index(column), self.names.index(other)
        held = [row[beside] is not None for row in self.rows if row[at] is not None]
        return sum(held) / len(held) if held else 0.0

    def share_repeating(self, column: str, other: str) -> float:
        """Share of the values, where both columns hold one, that contain the value of the other column."""
        at, beside = self.names.index(column), self.names.index(other)
        both = [
            (plain(a), plain(b)) for row in self.rows if (a := row[at]) is not None and (b := row[beside]) is not None
        ]
        return sum(b in a for a, b in both) / len(both) if both else 0.0


@dataclass(frozen=True, slots=True)
class Mapped:
    """`fields` as written: key -> columns by position (None leaves one empty); and why columns were left out."""

    fields: Mapping[str, tuple[str | None, ...]]
    left_out: Mapping[str, str]


@dataclass(slots=True)
class _Draft:
    """One mapping in the making."""

    entity: EntityType
    table: Table
    left_out: dict[str, str] = field(default_factory=dict)

    def leave_out(self, part: Part, reason: str) -> None:
        self.left_out[part.column.name] = reason


def map_fields(parts: Iterable[Part], entity: EntityType, table: Table) -> Mapped:
    """The mapping of the columns that hold data in these rows."""
    draft = _Draft(entity, table)
    slots: dict[str, list[Slot]] = {}
    for name, members in _by_field(parts, draft).items():
        found = _arrange(name, members, draft)
        if found:
            slots[name] = found
    return Mapped(_written(entity, slots), draft.left_out)


def _by_field(parts: Iterable[Part], draft: _Draft) -> dict[str, list[Part]]:
    """The parts by the field they feed, in the order of the entity file."""
    members: dict[str, list[Part]] = {name: [] for name in draft.entity.fields}
    for part in parts:
        target = part.role.to.get(draft.entity.name, "")
        name = target.partition(".")[0]
        if draft.table.filled(part.column.name) == 0:
            draft.leave_out(part, EMPTY)
        elif name not in members:
            draft.leave_out(part, f"no field of {draft.entity.name} for it")
        else:
            members[name].append(part)
    return {name: found for name, found in members.items() if found}


def _arrange(name: str, members: list[Part], draft: _Draft) -> list[Slot]:
    """The columns of one field in slots, one per value."""
    kind = draft.entity.fields[name].kind
    if kind == "identifier":
        slots = _identifier_slots(members, draft)
    else:
        slots = _group_slots(_main_first(members, draft) if kind == OWN_NAME else members, draft)
        slots = _ARRANGE.get(kind, _as_they_are)(slots, draft)
    if not draft.entity.fields[name].multiple:
        for slot in slots[1:]:
            _drop(slot, f"{name} holds one value", draft)
        return slots[:1]
    return slots


def _input(part: Part, entity: EntityType) -> str:
    return field_key(entity, part.role.to[entity.name])[1]


def _main_first(members: list[Part], draft: _Draft) -> list[Part]:
    """Of the names of an organisation its own column first; a general one only where that is mostly blank."""
    own = [m for m in members if m.role.name == OWN_NAME]
    kept = list(own)
    for member in (m for m in members if m.role.name != OWN_NAME):
        if own and draft.table.share_with(member.column.name, own[0].column.name) >= ALONE:
            draft.leave_out(member, f"{own[0].column.name} holds the name")
        else:
            kept.append(member)
    return kept


def _group_slots(members: list[Part], draft: _Draft) -> list[Slot]:
    """One slot per group of columns; a second column for the whole of a value opens a slot of its own."""
    slots: dict[tuple[object, ...], Slot] = {}
    for part in members:
        wanted = _input(part, draft.entity)
        key: tuple[object, ...] = (part.group, part.number)
        if wanted in ("value", "full"):
            while wanted in slots.get(key, {}):
                key = (*key, "next")
        slot = slots.setdefault(key, {})
        slot[wanted] = _better(slot.get(wanted), part, draft)
    return _merge_lonely(slots)


def _better(old: Part | None, new: Part, draft: _Draft) -> Part:
    """Of two columns for one place the one that says more: more rows, then longer values."""
    if old is None:
        return new
    winner, loser = sorted((old, new), key=lambda p: _weight(p, draft), reverse=True)
    draft.leave_out(loser, f"{winner.column.name} already feeds the same place")
    return winner


def _weight(part: Part, draft: _Draft) -> tuple[int, float]:
    values = part.column.values
    return draft.table.filled(part.column.name), sum(map(len, values)) / max(1, len(values))


def _merge_lonely(slots: Mapping[tuple[object, ...], Slot]) -> list[Slot]:
    """Two groups that do not overlap are one: `home_address` with `city` and `zip`."""
    found = list(slots.values())
    if len(found) == 2 and not set(found[0]) & set(found[1]):
        return [{**found[0], **found[1]}]
    return found


def _drop(slot: Slot, reason: str, draft: _Draft) -> None:
    for part in slot.values():
        draft.leave_out(part, reason)


def _as_they_are(slots: list[Slot], draft: _Draft) -> list[Slot]:
    return slots


def _arrange_names(slots: list[Slot], draft: _Draft) -> list[Slot]:
    """A second given name without a family name is a middle name; a lonely second family name is left out."""
    main = slots[0]
    if {"full", "family"} <= set(main) and "given" not in main and main["full"].column.looks_like("one_word") >= ALONE:
        main["given"] = main.pop("full")  # `name` beside `surname`
    kept = [main]
    for slot in [single for other in slots[1:] for single in _apart(other, draft)]:
        if set(slot) == {"given"} and "given" in main and "middle" not in main:
            main["middle"] = slot["given"]
        elif len(slot) == 1 and "full" not in slot:
            _drop(slot, "a part of a name, alone", draft)
        else:
            kept.append(slot)
    return kept


def _apart(slot: Slot, draft: _Draft) -> list[Slot]:
    """A second given and family name that seldom stand side by side are further parts, not a name of their own."""
    if set(slot) != {"given", "family"}:
        return [slot]
    given, family = slot["given"].column.name, slot["family"].column.name
    together = draft.table.share_with(given, family)
    return [slot] if together >= ALONE else [{"given": slot["given"]}, {"family": slot["family"]}]


def _arrange_addresses(slots: list[Slot], draft: _Draft) -> list[Slot]:
    kept: list[Slot] = []
    for slot in slots:
        _lines_of(slot, draft)
        if set(slot) == {"country"}:
            draft.leave_out(slot["country"], "no address for it to be part of")
        else:
            kept.append(slot)
    return kept


def _lines_of(slot: Slot, draft: _Draft) -> None:
    """Settles what `address`, `street` and `address line 1` hold by the columns beside them."""
    if "full" in slot and "line1" not in slot and _is_line(slot, draft):
        slot["line1"] = slot.pop("full")
    if "street" in slot and "number" not in slot and "line1" not in slot and _is_house_led(slot["street"]):
        slot["line1"] = slot.pop("street")
    if "line1" in slot and "number" in slot and "street" not in slot and not _is_house_led(slot["line1"]):
        slot["street"] = slot.pop("line1")


def _is_line(slot: Slot, draft: _Draft) -> bool:
    """Whether an address column holds the first line only: what follows stands beside it, and is not repeated in it."""
    address = slot["full"].column.name
    beside = [slot[part].column.name for part in ("city", "district", "region", "line2") if part in slot]
    return any(
        draft.table.share_with(address, name) >= ALONE > draft.table.share_repeating(address, name) for name in beside
    )


def _is_house_led(part: Part) -> bool:
    return part.column.looks_like("house_led") >= HOUSE_LED


def _arrange_dates(slots: list[Slot], draft: _Draft) -> list[Slot]:
    """A whole date wins over its parts; month and day need a year."""
    main = slots[0]
    if "value" in main:
        parts = {part: column for part, column in main.items() if part != "value"}
        _drop(parts, f"{main['value'].column.name} has it whole", draft)
        return [{"value": main["value"]}, *slots[1:]]
    if "year" not in main:
        _drop(main, "a date needs a year", draft)
        return slots[1:]
    return slots


def _identifier_slots(members: list[Part], draft: _Draft) -> list[Slot]:
    """One slot per number; its country and type go to the number whose header shares most words with theirs."""
    slots = [{"value": part} for part in members if _input(part, draft.entity) == "value"]
    for part in members:
        wanted = _input(part, draft.entity)
        if wanted == "value":
            continue
        words = set(split_words(part.column.name))
        free = [slot for slot in slots if wanted not in slot]
        if free:
            best = max(free, key=lambda slot: len(words & set(split_words(slot["value"].column.name))))
            best[wanted] = part
        else:
            draft.leave_out(part, "no number for it to describe")
    return slots


def _written(entity: EntityType, slots: Mapping[str, list[Slot]]) -> dict[str, tuple[str | None, ...]]:
    """Slots -> keys with columns by position, the parts in the order of their kind."""
    fields: dict[str, tuple[str | None, ...]] = {}
    for name, found in slots.items():
        kind = KINDS[entity.fields[name].kind]
        for part in kind.inputs:
            columns = [slot[part].column.name if part in slot else None for slot in found]
            while columns and columns[-1] is None:
                columns.pop()
            if columns:
                fields[name if part == kind.whole else f"{name}.{part}"] = tuple(columns)
    return fields


_ARRANGE = {"person_name": _arrange_names, "address": _arrange_addresses, "date": _arrange_dates}
