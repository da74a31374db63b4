"""Raw values of one field -> what the standardisers and rules make of them: spikes, issues, values already unknown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mdm.engine.policy import EntityType
from mdm.engine.standardise import Slot, read_context, standardise
from mdm.mapping import FieldMapping
from mdm.profiling.raw import Raw
from mdm.profiling.report import Spike
from rules.kinds import KINDS
from rules.profile import NEAR_UNIQUE, Counted, is_spike
from rules.record_view import RecordView
from rules.rulebook import CompiledRules, RuleBook
from rules.rulebook_apply import Claim, apply_findings, view_claims

# The most frequent contents of a field hold every spike; a sample of the others shows what is wrong with it.
MOST_FREQUENT = 300
LEAST_FREQUENT = 5  # a writing seen less often than this is no part of a spike worth naming
SAMPLED = 150
MOST_SPIKES = 20
SHOWN_ISSUES = 8


@dataclass(frozen=True, slots=True)
class ValueProfile:
    """What was found in one field."""

    spikes: tuple[Spike, ...]
    unknown: int
    issues: tuple[Counted, ...]


@dataclass(slots=True)
class _Tally:
    """Values by their clean form, each with its most frequent writing; cells that are unknown; issues of the sample."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    unknown: int = 0
    issues: Counter[str] = field(default_factory=Counter)
    looked_at: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """How values of one source and entity type are read: its mapping, standardisers and rules."""

    raw: Raw
    entity: EntityType
    rules: CompiledRules

    @classmethod
    def of(cls, raw: Raw, entity: EntityType, book: RuleBook) -> Reading:
        """The reading by which a run would take the source."""
        return cls(raw, entity, book.compile())


def planted_address(field_name: str, kind: str) -> str:
    """The address by which a rule names planted values of a field: of an address, the line."""
    return f"{field_name}.line" if kind == "address" else field_name


def profile_values(reading: Reading, mapping: FieldMapping, filled: int) -> ValueProfile:
    """Spikes and issues of the field over all its slots; without spikes where values may well repeat."""
    tally, tail = _Tally(), 0
    is_near_unique = reading.entity.fields[mapping.field].kind in NEAR_UNIQUE
    for slot in mapping.slots:
        tail = max(tail, reading.raw.count_slots(reading.entity.name, slot))
        _sample_issues(reading, mapping, slot, tally)
        if is_near_unique:
            _count_frequent(reading, mapping, slot, tally)
    spikes = _spikes(tally, filled, tail) if is_near_unique else ()
    issues = tuple(
        Counted(code, n, n / tally.looked_at) for code, n in sorted(tally.issues.items(), key=lambda i: (-i[1], i[0]))
    )
    return ValueProfile(spikes, tally.unknown, issues[:SHOWN_ISSUES])


def _sample_issues(reading: Reading, mapping: FieldMapping, slot: Mapping[str, str], tally: _Tally) -> None:
    """Add the issues that a sample of the contents has."""
    for texts, country, _ in reading.raw.slots(slot, "hash(p0)", SAMPLED):
        _, kept = _read(reading, mapping, slot, texts, country)
        tally.looked_at += 1
        tally.issues.update({code for claim in kept for code in claim["issues"] if not code.startswith("rule.")})


def _count_frequent(reading: Reading, mapping: FieldMapping, slot: Mapping[str, str], tally: _Tally) -> None:
    """Add the values that stand out by their number, and those among them that count as unknown."""
    address = planted_address(mapping.field, reading.entity.fields[mapping.field].kind)
    for texts, country, n in reading.raw.slots(slot, "n desc", MOST_FREQUENT):
        if n < LEAST_FREQUENT:
            break
        view, kept = _read(reading, mapping, slot, texts, country)
        if kept and not any(claim["compare"] for claim in kept):
            tally.unknown += n
            continue
        for value in view.values.get(address, ()):
            tally.counts[value] += n
            tally.examples.setdefault(value, " ".join(texts.values()))


def _read(
    reading: Reading, mapping: FieldMapping, slot: Mapping[str, str], texts: Mapping[str, str], country: str | None
) -> tuple[RecordView, Sequence[Claim]]:
    """What rules see of one content of the field, and the claims they leave."""
    spec, policy = reading.raw.spec, reading.entity.fields[mapping.field]
    row = texts if country is None or spec.country.column is None else {**texts, spec.country.column: country}
    context = read_context(row, spec)
    made = Slot(mapping.field, KINDS[policy.kind].standardise, policy.options, 100, tuple(slot.items()))
    claims = standardise([texts], (made,), [context])[0]
    view = view_claims(claims, country=context.country, source=spec.name)
    return view, apply_findings(claims, reading.rules.assess(view)).claims.get(mapping.field, [])


def _spikes(tally: _Tally, filled: int, tail: int) -> tuple[Spike, ...]:
    found = [
        Spike(value, tally.examples[value], n, n / filled)
        for value, n in sorted(tally.counts.items(), key=lambda item: (-item[1], item[0]))
        if is_spike(n, filled, tail)
    ]
    return tuple(found[:MOST_SPIKES])
