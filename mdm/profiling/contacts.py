"""Who shares a phone or a mailbox: raw values and the names beside them -> how many are personal, household, shared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from mdm.engine.shared import Use, classify
from mdm.mapping import FieldMapping
from mdm.profiling.raw import Holder
from mdm.profiling.report import ContactUse, SharedContact
from mdm.profiling.values import Reading
from rules.kinds import KINDS
from rules.outcome import Context

CONTACT_KINDS = frozenset({"phone", "email"})
MOST_CONTACTS = 500
EXAMPLES = 5

Person = tuple[str | None, str | None]


def profile_contacts(reading: Reading, mapping: FieldMapping) -> ContactUse | None:
    """How the most frequent contacts of the field are used; None where there are no names of people to tell."""
    names = _name_slot(reading)
    if names is None or reading.entity.fields[mapping.field].kind not in CONTACT_KINDS:
        return None
    held = reading.raw.holders(reading.entity.name, mapping.columns, list(names.values()), MOST_CONTACTS)
    uses: Counter[Use] = Counter()
    shared: list[SharedContact] = []
    for (value, records), holders in groupby(held, key=lambda holder: (holder.value, holder.records)):
        if not _is_known(reading, mapping, value):
            continue
        people = [_person(reading, tuple(names), holder) for holder in holders]
        use = classify(people)
        uses[use] += 1
        if use == "shared":
            shared.append(SharedContact(value, records, len({family for family, _ in people if family})))
    return ContactUse(uses["personal"], uses["household"], uses["shared"], tuple(shared[:EXAMPLES]))


def _is_known(reading: Reading, mapping: FieldMapping, value: str) -> bool:
    """Whether the value says anything at all: what counts as unknown is shared by nobody."""
    policy = reading.entity.fields[mapping.field]
    context = Context(country=reading.raw.spec.country.default)
    outcomes = KINDS[policy.kind].standardise({KINDS[policy.kind].whole: value}, context, policy.options)
    return any(outcome.compare for outcome in outcomes)


def _name_slot(reading: Reading) -> dict[str, str] | None:
    """Input -> column of the first name of a person that the source gives."""
    for mapping in reading.raw.spec.fields[reading.entity.name]:
        if reading.entity.fields[mapping.field].kind == "person_name":
            return dict(mapping.slots[0])
    return None


def _person(reading: Reading, parts: Sequence[str], holder: Holder) -> Person:
    """The person as (family, given), each by its sound, so that spellings of one name count once."""
    raw = {part: text for part, text in zip(parts, holder.texts, strict=True) if text is not None}
    context = Context(country=reading.raw.spec.country.default)
    outcomes = KINDS["person_name"].standardise(raw, context, {}) if raw else ()
    compare = outcomes[0].compare if outcomes else {}
    family, given = (_first(compare.get(f"{part}_sound") or compare.get(part)) for part in ("family", "given"))
    return family, given


def _first(values: Sequence[str] | None) -> str | None:
    return values[0] if values else None
