"""What stewards are asked: tasks."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from mdm.cli.options import DEFAULT_PROJECT, AsJson, ProjectFile, StoreUrl, open_project
from mdm.cli.output import print_json, print_lines, print_table
from mdm.reports import TaskLine


class Kind(StrEnum):
    """What a task asks about."""

    match = "match"
    conflict = "conflict"
    cut = "cut"
    weak = "weak"
    size = "size"
    crosswalk = "crosswalk"
    reused = "reused"
    pinned = "pinned"
    approval = "approval"
    audit = "audit"


class State(StrEnum):
    """Where a task stands."""

    open = "open"
    applied = "applied"
    obsolete = "obsolete"


def tasks(
    *,
    project: ProjectFile = DEFAULT_PROJECT,
    kind: Annotated[Kind | None, typer.Option("--kind", help="Only tasks of this kind.")] = None,
    state: Annotated[State, typer.Option("--state", help="Where they stand.")] = State.open,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many, the most urgent first.")] = 50,
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """List the questions that a steward should answer.

    match: two entities may be one customer. conflict: an entity holds strong identifiers that contradict each other.
    cut: so many records hang together that they were cut apart. weak: one weak link holds an entity together. size: it
    has more records than is likely. crosswalk: what another master said is not what the
    data says. reused: a record says something wholly different from before. pinned: records contradict a value that a
    steward fixed. approval: a second person has to agree. audit: a pair drawn at random. A verdict answers a task; what
    settles itself becomes obsolete.

    \b
    Examples:
      mdm tasks
      mdm tasks --kind match --limit 10
      mdm tasks --state obsolete --json
    """
    found = open_project(project, store).tasks(None if kind is None else kind.value, state=state.value, limit=limit)
    if as_json:
        print_json(found)
    else:
        show_tasks(found)


def show_tasks(found: list[TaskLine]) -> None:
    """The table of tasks, and how to answer them."""
    print_table(
        "Tasks",
        ("task", "kind", "priority", "entities", "shown by", "bits", "records", "since", "reason"),
        [
            (
                task.task_id,
                task.kind,
                task.priority,
                " ".join(task.entities),
                " ".join(task.records),
                task.bits,
                task.affected,
                task.opened_at,
                task.reason,
            )
            for task in found
        ],
    )
    if found:
        print_lines(["Look closer with `mdm explain A B`; answer with `mdm verdict same A B` or `different A B`."])
