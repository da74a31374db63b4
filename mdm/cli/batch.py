"""Batch work: run, train, releases, activate."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mdm.cli.options import DEFAULT_PROJECT, AsJson, ProjectFile, StoreUrl, open_project
from mdm.cli.output import print_json, print_lines, print_table, progress_bars
from mdm.reports import Plan, ReleaseSummary, RunReport

DRY_RUN_CHANGES = 20


class Guard(StrEnum):
    """The guards that can be set aside."""

    deletes = "deletes"
    drop = "drop"
    merges = "merges"
    giants = "giants"
    rules = "rules"
    rejected = "rejected"


def run(
    *,
    project: ProjectFile = DEFAULT_PROJECT,
    full: Annotated[bool, typer.Option("--full", help="Decide everything anew with the active release.")] = False,
    retrain: Annotated[
        bool | None,
        typer.Option("--retrain/--no-retrain", help="Learn a release first, or never; the default learns when due."),
    ] = None,
    allow_deletes: Annotated[
        bool, typer.Option("--allow-deletes", help="Delete what snapshots lack, even if it is more than a tenth.")
    ] = False,
    allow: Annotated[
        list[Guard] | None, typer.Option("--allow", help="Set this guard aside; may be given several times.")
    ] = None,
    withdraw: Annotated[
        list[str] | None,
        typer.Option("--withdraw", metavar="SOURCE", help="Delete the records of a source that has no block any more."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing, show what would change.")] = False,
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Read what changed, resolve it and publish.

    The first run learns a release and activates it. Guards stop a run before harm, with exit code 3: deletes and drop
    (a snapshot lacks records), merges (too many entities would be absorbed), giants (an entity of very many records),
    rules (a rule over a set says stop), rejected (too many rows of a source cannot be read).

    \b
    Examples:
      mdm run
      mdm run -p shop/project.yaml --full
      mdm run --allow-deletes
      mdm run --withdraw legacy
      mdm run --dry-run
      mdm run --allow merges --allow giants
      mdm run --json > run.json
    """
    opened = open_project(project, store)
    allowed = {guard.value for guard in allow or ()} | ({"deletes"} if allow_deletes else set())
    with progress_bars(quiet=as_json) as progress:
        report = opened.run(
            full=full, retrain=retrain, allow=allowed, withdraw=withdraw or (), dry=dry_run, progress=progress
        )
    if as_json:
        print_json(report)
    else:
        show_run(report)


def train(
    project: ProjectFile = DEFAULT_PROJECT,
    labels: Annotated[
        Path | None,
        typer.Option("--labels", metavar="FILE", help="Labels, as `mdm evaluate` reads them."),
    ] = None,
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Learn a release, without activating it.

    One per entity type, from the stored records; no labels are needed. Verdicts of stewards, and a file of labels, help
    to estimate the weights; with 50 pairs or more of each kind they choose the merge threshold, and the notes say how
    sure that is.

    \b
    Examples:
      mdm train
      mdm train --labels truth.csv
      mdm train -p shop/project.yaml --json
    """
    opened = open_project(project, store)
    with progress_bars(quiet=as_json) as progress:
        learnt = opened.train(labels=labels, progress=progress)
    if as_json:
        print_json(learnt)
    else:
        show_releases("Learnt", learnt)
        print_lines(f"Next: mdm activate {release.release_id}" for release in learnt)


def releases(project: ProjectFile = DEFAULT_PROJECT, store: StoreUrl = None, as_json: AsJson = False) -> None:
    """List the releases; one per entity type is active.

    \b
    Examples:
      mdm releases
      mdm releases -p shop/project.yaml --json
    """
    known = open_project(project, store).releases()
    if as_json:
        print_json(known)
    else:
        show_releases("Releases", known)


def plan(
    release_id: Annotated[str, typer.Argument(metavar="RELEASE", help="A release as `mdm releases` lists it.")],
    *,
    project: ProjectFile = DEFAULT_PROJECT,
    limit: Annotated[int, typer.Option("--limit", min=0, help="How many changes to show; --json has all.")] = 20,
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Show what activating a release would change, entity by entity.

    Nothing is written.

    \b
    Examples:
      mdm plan person-2
      mdm plan person-2 --limit 100
      mdm plan person-2 --json > plan.json
    """
    opened = open_project(project, store)
    with progress_bars(quiet=as_json) as progress:
        planned = opened.plan(release_id, progress=progress)
    if as_json:
        print_json(planned)
    else:
        show_plan(planned, limit)


def activate(
    release_id: Annotated[str, typer.Argument(metavar="RELEASE", help="A release as `mdm releases` lists it.")],
    *,
    project: ProjectFile = DEFAULT_PROJECT,
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Decide everything by another release and switch to it.

    It is decided beside the live entities, which change all at once at the end. Ids are carried over; the way back is
    the same.

    \b
    Examples:
      mdm activate person-2
      mdm activate person-2 -p shop/project.yaml
    """
    opened = open_project(project, store)
    with progress_bars(quiet=as_json) as progress:
        active = opened.activate(release_id, progress=progress)
    if as_json:
        print_json({"activated": active})
        return
    print_lines([f"Active now: {active}"])
    if active != release_id:
        print_lines([f"{release_id} was learnt under another policy; {active} has its weights under that of today."])


def runs(
    *,
    project: ProjectFile = DEFAULT_PROJECT,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many, newest first.")] = 20,
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """List the batch jobs with their outcome.

    Done, failed, stopped by a guard, or died: killed before it could say how it ended.

    \b
    Examples:
      mdm runs
      mdm runs --limit 5 --json
    """
    known = open_project(project, store).runs(limit)
    if as_json:
        print_json(known)
        return
    print_table(
        "Runs",
        ("run", "started", "outcome", "seconds", "rows", "new", "changed", "deleted", "merges", "releases"),
        [
            (
                run.run_id,
                run.started_at,
                run.outcome or "working",
                run.seconds,
                *(run.counts.get(f"{what}") for what in ("rows read", "records new", "records changed")),
                run.counts.get("records deleted"),
                run.merges,
                ", ".join(run.releases.values()),
            )
            for run in known
        ],
    )


def show_run(report: RunReport) -> None:
    """The tables of a run."""
    stages = {**report.counts, **report.seconds}
    print_table(
        f"Run {report.run_id}: {report.outcome}",
        ("stage", "rows", "seconds"),
        [(stage, report.counts.get(stage), report.seconds.get(stage)) for stage in stages],
    )
    print_table("What the store holds", ("", "count"), run_facts(report))
    for plan in report.plans:
        show_plan(plan, DRY_RUN_CHANGES)
    print_lines(report.notes)


def show_plan(plan: Plan, limit: int) -> None:
    """The counts of a plan, and its first changes."""
    counts = [("unchanged", plan.unchanged), *plan.counts.items()]
    print_table(f"What {plan.release_id} would do to {plan.entity} entities", ("", "groups of entities"), counts)
    shown = plan.changes[:limit]
    if shown:
        rows = [(c.kind, ", ".join(c.entities), " | ".join(", ".join(names) for names in c.records)) for c in shown]
        print_table("Changes", ("", "now", "would be"), rows)
    if len(plan.changes) > limit:
        print_lines([f"(+{len(plan.changes) - limit:,} more; --json has all)"])


def run_facts(report: RunReport) -> list[tuple[str, object]]:
    """The counts of a run, each with its name."""
    return [
        ("records", sum(report.records.values())),
        *((f"  of {source}", count) for source, count in report.records.items()),
        *(
            (f"{entity} entities (before: {report.entities_before.get(entity, 0):,})", count)
            for entity, count in report.entities_after.items()
        ),
        ("merges in this run", report.merges),
        ("links to review", report.review_links),
        *((f"open tasks: {kind}", count) for kind, count in report.tasks.items()),
        ("rows quarantined in this run", report.quarantined),
        *((f"release for {entity}", release) for entity, release in report.releases.items()),
        *(("learnt in this run", release) for release in report.trained),
    ]


def show_releases(title: str, releases: list[ReleaseSummary]) -> None:
    """The table of releases."""
    print_table(
        title,
        ("release", "entity", "active", "learnt on", "review", "merge", "comparisons", "created", "notes"),
        [
            (
                release.release_id,
                release.entity,
                release.active,
                release.records,
                release.review_bits,
                release.merge_bits,
                release.comparisons,
                release.created_at,
                "; ".join(release.notes),
            )
            for release in releases
        ],
    )
