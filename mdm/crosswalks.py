"""Crosswalks: a file of another master (record, entity id) -> ids reserved for the records, before they are decided.

Nothing is decided here. The next run lets the records' entities inherit these ids as they inherit their own; an id that
no entity carries redirects to where most of its records went, and where the data contradict the file, tasks ask.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection

from mdm.errors import BadInput, NotFound
from mdm.evaluation.truth import read_assignment
from mdm.ids import eid_of, entity_id
from mdm.reports import CrosswalkReport
from mdm.store import audit, crosswalk, records

# Greater numbers would leave none for entities to come.
GREATEST = 1 << 48


def import_crosswalk(connection: Connection, path: Path, actor: str) -> CrosswalkReport:
    """What the file brought; its records are to be decided anew.

    Raises BadSource for a file that cannot be used, BadInput when an id is the number of another entity here.
    """
    table, ignored = read_assignment(path, "entity_id")
    sources, ids, texts = (table[name].to_pylist() for name in ("source", "record_id", "entity_id"))
    numbers = _numbers(connection, set(texts))
    said = {(source, record_id): numbers[text] for source, record_id, text in zip(sources, ids, texts, strict=True)}
    stored = crosswalk.put(connection, said)
    records.unresolve(connection, stored)
    own = sum(_own_number(text) is not None for text in numbers)
    report = CrosswalkReport(str(path), len(said), len(numbers), own, len(said) - len(stored), tuple(ignored))
    details = {"path": str(path), "records": report.records, "ids": report.ids}
    audit.append(connection, actor, "crosswalk.imported", subject="store", details=details)
    return report


def _numbers(connection: Connection, texts: set[str]) -> dict[str, int]:
    """The entity number of each id: its own where it has our form, else that of its alias, a new one if need be."""
    own = {text: number for text in texts if (number := _own_number(text)) is not None}
    taken = sorted(crosswalk.taken(connection, own.values()))
    if taken:
        raise BadInput(
            f"{len(taken)} ids of the file belong to other entities of this store, such as {entity_id(taken[0])}; "
            "import ids of our own form into a store that has not run yet"
        )
    foreign = texts - own.keys()
    aliases = crosswalk.known(connection, foreign)
    return own | aliases | crosswalk.reserve(connection, foreign - aliases.keys(), list(own.values()))


def _own_number(text: str) -> int | None:
    """The number of an id of our own form; None for any other text."""
    try:
        number = eid_of(text)
    except NotFound:
        return None
    return number if number < GREATEST else None
