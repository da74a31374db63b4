"""Amendments: what stewards decided about one content of a record -> how that content is read from then on.

Corrected values are read as delivered ones are, and judged by the same rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from mdm.engine.policy import EntityType
from mdm.engine.standardise import Row, Slot
from mdm.project_file import SourceSpec
from rules.kinds import KINDS

CORRECTED = "record.corrected"  # the issue of a record that takes part with corrected values

# Field -> input of its kind -> its values; none: what was delivered there is wrong and nobody knows better.
Values = Mapping[str, Mapping[str, Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Amendment:
    """What holds for one content of a record; passes: no rule rejects it. values: stand instead of the delivered."""

    passes: bool = False
    values: Values = field(default_factory=dict)


def amend(
    row: Row, slots: Sequence[Slot], values: Values, *, source: SourceSpec, entity: EntityType
) -> tuple[Row, tuple[Slot, ...]]:
    """The row as if it had been delivered with these values, and the slots that read it.

    The whole of a field takes the place of all its parts, a part only that of the same part, position by position.
    """
    kept = [slot for slot in slots if slot.field not in values]
    made = dict(row)
    for name, given in values.items():
        delivered = [_known(row, slot) for slot in slots if slot.field == name]
        policy = entity.fields[name]
        for place, raw in enumerate(_corrected(delivered, given, KINDS[policy.kind].whole)):
            columns = {part: f"{name}.{part}[{place}]" for part in raw}
            made |= {columns[part]: text for part, text in raw.items()}
            read, trust = KINDS[policy.kind].standardise, source.trust.of(name)
            kept.append(Slot(name, read, policy.options, trust, tuple(columns.items())))
    return made, tuple(kept)


def named(values: Values) -> dict[str, tuple[str, ...]]:
    """The values by the keys that people write: `phone`, `name.family`."""
    return {
        name if part in ("value", "full") else f"{name}.{part}": tuple(texts)
        for name, given in values.items()
        for part, texts in given.items()
    }


def is_whole(row: Row, slots: Sequence[Slot], name: str, whole: str) -> bool:
    """Whether the row tells the field as one text, in which no part can be told from the others."""
    return any(whole in _known(row, slot) for slot in slots if slot.field == name)


def _known(row: Row, slot: Slot) -> dict[str, str]:
    return {part: row[column] for part, column in slot.parts if column in row}


def _corrected(
    delivered: Sequence[Mapping[str, str]], given: Mapping[str, Sequence[str]], whole: str
) -> Iterator[dict[str, str]]:
    """Input -> text of each group of the field that still says something."""
    positions = zip_longest(*([(part, text) for text in texts] for part, texts in given.items()))
    corrected = [dict(filter(None, each)) for each in positions]
    standing = [] if whole in given else [_without(raw, {whole, *given}) for raw in delivered]
    for place in range(max(len(standing), len(corrected))):
        raw: dict[str, str] = {}
        for each in (*standing[place : place + 1], *corrected[place : place + 1]):
            raw |= each
        if raw:
            yield raw


def _without(raw: Mapping[str, str], parts: set[str]) -> dict[str, str]:
    return {part: text for part, text in raw.items() if part not in parts}
