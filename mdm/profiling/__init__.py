"""`mdm profile`: the files of a project -> what they hold, what stands out, and rules worth having."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb

from mdm.guess import write_project
from mdm.guess.places import date_orders
from mdm.mapping import FieldMapping
from mdm.policy import ProjectPolicy, load_policy
from mdm.profiling.contacts import profile_contacts
from mdm.profiling.raw import Raw, add_batch, load_raw
from mdm.profiling.report import DateOrder, FieldProfile, ProfileReport, SourceProfile
from mdm.profiling.suggest import suggest_rules
from mdm.profiling.values import Reading, profile_values
from mdm.scratch import open_scratch
from mdm.sources import BadRow, check_columns, scan
from mdm.watch import Progress, silent
from rules.countries import country_code
from rules.kinds import KINDS
from rules.profile import ColumnProfile, profile_column

DATES_ASKED = 20_000


def profile_files(files: Sequence[Path], progress: Progress = silent) -> ProfileReport:
    """The profile of files that no project knows yet, read as `mdm init` would. Raises BadSource."""
    with tempfile.TemporaryDirectory(prefix="mdm-") as folder:
        path = write_project(Path(folder) / "files", [file.absolute() for file in files])
        return profile_project(load_policy(path), progress)


def profile_project(policy: ProjectPolicy, progress: Progress = silent) -> ProfileReport:
    """The profile of everything a project reads; needs no store. Raises BadSource."""
    check_columns(policy.file)
    with open_scratch() as scratch:
        raws, refused = _load(scratch, policy, progress)
        sources = tuple(
            _profile_source(Reading.of(raw, policy.entities[entity], policy.rules[entity]), progress)
            for raw in raws.values()
            for entity in raw.spec.fields
        )
    filled = tuple(source for source in sources if source.rows)
    notes = [*_date_notes(filled), *_contact_notes(filled)]
    return ProfileReport(policy.file.project, filled, refused, suggest_rules(filled), tuple(notes))


def _load(scratch: duckdb.DuckDBPyConnection, policy: ProjectPolicy, progress: Progress) -> tuple[dict[str, Raw], int]:
    """The sources as tables, and how many rows could not be read."""
    bad: list[BadRow] = []
    raws = {spec.name: load_raw(scratch, number, spec) for number, spec in enumerate(policy.file.sources)}
    done = 0
    for batch in scan(policy.file, bad.append):
        add_batch(raws[batch.spec.name], batch)
        done += len(batch.rows)
        progress("read", done, None)
    return raws, len(bad)


def _profile_source(reading: Reading, progress: Progress) -> SourceProfile:
    raw, entity = reading.raw, reading.entity.name
    progress(f"profile {raw.spec.name}", 0, None)
    rows, repeated, oldest, newest = raw.rows(entity)
    fields = tuple(_fields(reading, rows)) if rows else ()
    return SourceProfile(raw.spec.name, entity, rows, repeated, oldest, newest, fields)


def _fields(reading: Reading, rows: int) -> Iterator[FieldProfile]:
    """Each mapped field as a whole; one of several parts is followed by its parts."""
    for mapping in reading.raw.spec.fields[reading.entity.name]:
        kind = KINDS[reading.entity.fields[mapping.field].kind]
        parts = dict.fromkeys(part for slot in mapping.slots for part in slot)
        whole, filled = _column(reading, [tuple(slot.values()) for slot in mapping.slots])
        found = profile_values(reading, mapping, max(filled, 1))
        yield FieldProfile(
            field=mapping.field,
            kind=kind.name,
            columns=mapping.columns,
            rows=rows,
            filled=filled,
            column=whole,
            spikes=found.spikes,
            unknown=found.unknown,
            issues=found.issues,
            dates=_date_orders(reading, mapping) if kind.name == "date" else (),
            contacts=profile_contacts(reading, mapping),
        )
        for part in parts if len(parts) > 1 else ():
            columns = tuple(slot[part] for slot in mapping.slots if part in slot)
            profile, filled = _column(reading, [(column,) for column in columns])
            yield FieldProfile(f"{mapping.field}.{part}", kind.name, columns, rows, filled, profile)


def _column(reading: Reading, groups: Sequence[Sequence[str]]) -> tuple[ColumnProfile, int]:
    filled = reading.raw.count_values(reading.entity.name, groups)
    return profile_column(reading.raw.connection, "counted"), filled


def _date_orders(reading: Reading, mapping: FieldMapping) -> tuple[DateOrder, ...]:
    """The declared order of every country whose dates show theirs; the source's own where none shows."""
    spec = reading.raw.spec
    pairs: list[tuple[str | None, str]] = []
    for slot in mapping.slots:
        if list(slot) == ["value"]:
            reading.raw.count_slots(reading.entity.name, slot)
            for texts, country, _ in reading.raw.slots(slot, "hash(p0)", DATES_ASKED):
                code = country_code(country) if country is not None else None
                pairs += [(code or spec.country.default, text) for text in texts.values()]
    found = date_orders(pairs)
    told: dict[str | None, str | None] = {**found} if found else {spec.country.default: None}
    listed = sorted(told, key=lambda country: country or "")
    return tuple(DateOrder(country, spec.dates.order(country), told[country]) for country in listed)


def _date_notes(sources: Sequence[SourceProfile]) -> Iterator[str]:
    for source in sources:
        for field in source.fields:
            for order in field.dates:
                where = f"{source.source}: {field.field}" + (f" in {order.country}" if order.country else "")
                if order.contradicts:
                    yield f"{where} is declared {order.declared}, and its dates say {order.found}: correct `dates`"
                elif order.declared == "auto" and order.found is not None:
                    yield f"{where} shows {order.found}: `dates: {order.found}` would read ambiguous ones too"


def _contact_notes(sources: Sequence[SourceProfile]) -> Iterator[str]:
    for source in sources:
        for field in source.fields:
            if field.contacts is not None and field.contacts.shared:
                first = field.contacts.examples[0]
                yield (
                    f"{source.source}: {field.contacts.shared} values of {field.field} are shared by many people, such "
                    f"as {first.value} ({first.records:,} records); matching gives them no weight"
                )
