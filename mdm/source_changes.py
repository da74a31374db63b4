"""Sources that come under another name or not at all: project file and store -> records that stay the ones they were.

A source that says `renamed_from` takes over the records of that name: they keep their numbers, their entities and the
verdicts about them. The records of a source without a block stay as they are, until somebody withdraws it by name.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import duckdb
from sqlalchemy import Connection

from mdm.errors import BadInput, BadProject, Breaker, NotFound
from mdm.guards import FEW_RECORDS, GuardSpec
from mdm.project_file import ProjectFile
from mdm.scratch import count
from mdm.store import audit, sources

ACTOR = "mdm run"


def follow_renames(connection: Connection, file: ProjectFile) -> list[str]:
    """Notes on the sources that changed their name with this run. Raises BadProject when both names are in use."""
    notes = []
    for new, old in sorted(file.renames.items()):
        if not sources.is_known(connection, old):
            continue
        if sources.is_known(connection, new):
            raise BadProject(
                f"{file.path}: sources.{new}.renamed_from: the store knows both {old!r} and {new!r}; records cannot be "
                "told apart any more. Take the line out, or withdraw one of them"
            )
        sources.rename(connection, old, new)
        audit.append(connection, ACTOR, "source.renamed", subject=f"source:{new}", details={"from": old})
        notes.append(f"source {old!r} is called {new!r} from now on; its records and entities are the same")
    return notes


def check_withdrawals(connection: Connection, file: ProjectFile, withdrawn: Collection[str]) -> None:
    """Raises BadInput for a source that the project still has, NotFound for one that holds no records."""
    held = sources.held(connection)
    for name in sorted(withdrawn):
        if name in {source.name for source in file.sources}:
            raise BadInput(f"source {name!r} is in {file.path}; take its block out before it is withdrawn")
        if name not in held:
            raise NotFound(f"the store holds no records of a source {name!r}; it holds some of {', '.join(held)}")


def stage_withdrawals(
    scratch: duckdb.DuckDBPyConnection, withdrawn: Collection[str], spec: GuardSpec, *, allowed: bool
) -> int:
    """How many records leave with their sources; they are added to `gone`. Raises Breaker when they are very many."""
    before = count(scratch, "gone")
    scratch.execute(
        "insert into gone select rid, source from stored where state <> 'deleted' and list_contains(?, source)",
        [sorted(withdrawn)],
    )
    leaving = count(scratch, "gone") - before
    stored = count(scratch, "stored")
    if not allowed and leaving > max(FEW_RECORDS, spec.deletes * stored):
        raise Breaker(
            f"withdrawing {', '.join(sorted(withdrawn))} would delete {leaving} of {stored} stored records, more than "
            f"{spec.deletes:.0%}; nothing was written. If that is meant, run again with --allow-deletes"
        )
    return leaving


def note_withdrawals(connection: Connection, withdrawn: Collection[str], leaving: int) -> None:
    """Nothing; the trail says who left."""
    for name in sorted(withdrawn):
        details = {"records": leaving, "withdrawn": sorted(withdrawn)}
        audit.append(connection, ACTOR, "source.withdrawn", subject=f"source:{name}", details=details)


def left_notes(held: Mapping[str, int], file: ProjectFile) -> list[str]:
    """Notes on the sources whose records are stored, but which the project file no longer has."""
    known = {source.name for source in file.sources}
    return [
        f"source {name!r} is no more in the project file; its {amount} records stay as they are. "
        f"`mdm run --withdraw {name}` deletes them; `renamed_from: {name}` gives them to another source"
        for name, amount in held.items()
        if name not in known
    ]
