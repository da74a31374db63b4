"""First steps: demo, init."""

from __future__ import annotations

import shlex
import shutil
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mdm.cli.batch import run_facts
from mdm.cli.options import AsJson, open_project
from mdm.cli.output import print_json, print_lines, print_table, progress_bars
from mdm.cli.quality import PAGE_NAME, write_report
from mdm.errors import Conflict
from mdm.reports import EvaluationReport, Measure, RunReport

MARKER = ".mdm-demo"


class EntityName(StrEnum):
    """The entity types a project starts with."""

    PERSON = "person"
    ORGANISATION = "organisation"


def demo(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the new project.")] = Path("demo"),
    *,
    records: Annotated[int, typer.Option("--records", min=100, help="How many records to invent.")] = 5000,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same records.")] = 7,
    force: Annotated[bool, typer.Option("--force", help="Replace a folder that an earlier demo wrote.")] = False,
    as_json: AsJson = False,
) -> None:
    """Try it: a small project with invented data.

    Writes it, runs it, and shows what it found and what to do next.

    \b
    Examples:
      mdm demo
      mdm demo trial --records 20000 --seed 3
      mdm demo demo --force
    """
    from mdm.demo import write_project

    clear_demo_folder(directory, force=force)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / MARKER).touch()
    write_project(directory, records, seed)
    project = open_project(directory / "project.yaml", None)
    with progress_bars(quiet=as_json) as progress:
        run = project.run(full=False, retrain=None, progress=progress)
    quality = project.evaluate(directory / "truth.csv")
    page = write_report(quality, directory / PAGE_NAME)
    if as_json:
        print_json({"directory": directory, "run": run, "quality": quality, "page": page})
    else:
        print_table(f"Demo in {directory}", ("", "found"), demo_facts(run, quality))
        print_lines(["Try next:", *(f"  {command}" for command in next_commands(directory, quality))])


def init(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the new project.")],
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="The customer files.")
    ],
    *,
    entity: Annotated[
        EntityName | None, typer.Option("--entity", help="What the records are; guessed when not said.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a project file for your own data.

    Looks into the files, guesses what their columns hold, and writes a commented project.yaml that runs as it is.

    \b
    Examples:
      mdm init shop crm.csv web.parquet
      mdm init suppliers vendors.csv --entity organisation
    """
    from mdm.guess import write_project

    write_project(directory, files, None if entity is None else entity.value)
    project = directory / "project.yaml"
    if as_json:
        print_json({"project": project})
    else:
        print_lines([f"Wrote {project}. Read it, then:", f"  mdm run -p {shlex.quote(str(project))}"])


def clear_demo_folder(directory: Path, *, force: bool) -> None:
    """Remove an earlier demo. Raises Conflict for a folder that holds anything else: it is not ours to replace."""
    if not directory.exists() or (directory.is_dir() and not any(directory.iterdir())):
        return
    if not (directory / MARKER).is_file():
        raise Conflict(f"{directory} exists and no demo wrote it; name another folder")
    if not force:
        raise Conflict(f"{directory} holds an earlier demo; --force replaces it, or name another folder")
    shutil.rmtree(directory)


def demo_facts(run: RunReport, quality: EvaluationReport) -> list[tuple[str, object]]:
    """What the demo found, each fact with its name."""
    scores = (
        ("precision", quality.pairwise.precision),
        ("recall", quality.pairwise.recall),
        ("F1", quality.pairwise.f1),
    )
    return [
        ("sources", len(run.records)),
        *run_facts(run),
        *((f"pairwise {name} against the demo's truth", share_text(score)) for name, score in scores),
    ]


def share_text(measure: Measure) -> str:
    """The share with three decimals, a dash when there is none."""
    return "–" if measure.value is None else f"{measure.value:.3f}"


def next_commands(directory: Path, quality: EvaluationReport) -> list[str]:
    """Commands worth trying on the demo, each runs as it is printed."""
    project = shlex.quote(str(directory / "project.yaml"))
    missed = [shlex.join(["mdm", "explain", miss.left, miss.right]) for miss in quality.missed[:1]]
    wrong = [shlex.join(["mdm", "how", merge.entity_id]) for merge in quality.wrong_merges[:1]]
    return [
        *(f"{command} -p {project}" for command in (*missed, *wrong)),
        f"mdm run -p {project}                 # again: nothing has changed",
        f"mdm export {shlex.quote(str(directory / 'out'))} -p {project} --format csv",
        f"mdm releases -p {project}",
    ]
