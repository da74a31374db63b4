"""How good the data is: profile, scorecard."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mdm.cli.options import DEFAULT_PROJECT, AsJson, ProjectFile, StoreUrl, open_project
from mdm.cli.output import print_json, print_lines, print_table, progress_bars, write_text
from mdm.pages import percent_text

if TYPE_CHECKING:
    from mdm.profiling.report import FieldProfile, ProfileReport, SourceProfile
    from mdm.scorecard.report import ScorecardReport, SourceScore

Html = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write a page that needs nothing else.")]
SHORT = 28


def profile(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FILE]...", exists=True, dir_okay=False, help="Files instead of a project's."),
    ] = None,
    *,
    project: ProjectFile = DEFAULT_PROJECT,
    html: Html = None,
    rules: Annotated[
        Path | None, typer.Option("--rules", metavar="FILE", help="Write the suggested rules there, to edit.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Look at the data: what the files hold and what stands out.

    Per source and field: fill, distinct values, shapes, scripts, lengths, frequent and planted values, order of dates,
    contacts that many share, and rules worth having.

    \b
    Examples:
      mdm profile
      mdm profile -p shop/project.yaml --html profile.html
      mdm profile crm.csv web.parquet --rules rules.yaml
      mdm profile --json > profile.json
    """
    from mdm.policy import load_policy
    from mdm.profiling import profile_files, profile_project
    from mdm.profiling.page import write_profile

    with progress_bars(quiet=as_json) as progress:
        report = profile_files(files, progress) if files else profile_project(load_policy(project), progress)
    if html is not None:
        write_profile(report, html)
    if rules is not None:
        write_text(report.rules, rules)
    if as_json:
        print_json(report)
    else:
        show_profile(report, with_rules=rules is None)
        print_lines([f"Page: {html}"] if html is not None else [])


def scorecard(
    *,
    project: ProjectFile = DEFAULT_PROJECT,
    runs: Annotated[int, typer.Option("--runs", min=1, help="How many runs back the history goes.")] = 30,
    html: Html = None,
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Show how good the data is, per source and field, and how that moved from run to run.

    Completeness, validity, consistency, uniqueness (second records of one customer in a source) and timeliness (records
    of the last year). Every `mdm run` adds its scores.

    \b
    Examples:
      mdm scorecard
      mdm scorecard -p shop/project.yaml --html scorecard.html
      mdm scorecard --runs 100 --json
    """
    from mdm.scorecard.page import write_scorecard

    report = open_project(project, store).scorecard(runs)
    if html is not None:
        write_scorecard(report, html)
    if as_json:
        print_json(report)
    else:
        show_scorecard(report)
        print_lines([f"Page: {html}"] if html is not None else [])


def show_scorecard(report: ScorecardReport) -> None:
    """The sources, then the fields of each."""
    if report.run_id is None:
        print_lines(["No run was measured yet; `mdm run` writes the first scores."])
        return
    from mdm.scorecard.report import DIMENSIONS

    print_table(
        f"Scores after run {report.run_id} ({report.at}), with the change since the run before",
        ("source", "entity", "records", *DIMENSIONS),
        [(each.source, each.entity, each.records, *_scores(each)) for each in report.sources],
    )
    for source in report.sources:
        rows = [(f.field, *(percent_text(f.scores.get(name)) for name in DIMENSIONS[:3])) for f in source.fields]
        print_table(f"{source.source} ({source.entity})", ("field", *DIMENSIONS[:3]), rows)
        failed = [rule.rule_id for rule in source.rules if not rule.passed]
        print_lines([f"Rules that failed: {', '.join(failed)}"] if failed else [])


def _scores(source: SourceScore) -> list[str]:
    """Each dimension as `98.2 % (-0.4)`, empty where nothing was measured."""
    from mdm.scorecard.page import change_text
    from mdm.scorecard.report import DIMENSIONS

    told = {each.dimension: each for each in source.dimensions}
    texts = []
    for name in DIMENSIONS:
        score = told.get(name)
        change = "" if score is None else change_text(score.change)
        texts.append("" if score is None else percent_text(score.share) + (f" ({change})" if change else ""))
    return texts


def show_profile(report: ProfileReport, *, with_rules: bool) -> None:
    """A table per source, what stands out, and the suggested rules."""
    for source in report.sources:
        show_source(source)
    if report.refused:
        print_lines([f"{report.refused:,} rows could not be read."])
    print_lines(report.notes)
    if report.rules and with_rules:
        print_lines(["", "Rules worth having (for rules.yaml):", "", *report.rules.splitlines()])


def show_source(source: SourceProfile) -> None:
    """The fields of one source."""
    dated = "" if source.newest is None else f", {source.oldest} to {source.newest}"
    repeated = f", {source.repeated:,} record ids repeat" if source.repeated else ""
    print_table(
        f"{source.source} ({source.entity}): {source.rows:,} rows{dated}{repeated}",
        ("field", "filled", "distinct", "shape", "scripts", "lengths", "most frequent", "remarks"),
        [_field_row(field) for field in source.fields],
    )


def _field_row(field: FieldProfile) -> tuple[object, ...]:
    column = field.column
    shape = column.patterns[0] if column.patterns else None
    lengths = "" if column.lengths is None else f"{column.lengths.least}-{column.lengths.most}"
    scripts = ", ".join(f"{one.text} {percent_text(one.share)}" for one in column.scripts[:2])
    top = column.top[0] if column.top else None
    return (
        f"  {field.field}" if "." in field.field else field.field,
        percent_text(field.fill),
        column.distinct,
        "" if shape is None else f"{_short(shape.text)} {percent_text(shape.share)}",
        scripts,
        lengths,
        "" if top is None else f"{_short(top.text)} ({top.count:,})",
        "; ".join(remarks_of(field)),
    )


def remarks_of(field: FieldProfile) -> list[str]:
    """What stands out in a field, in words."""
    said = [f"planted: {spike.value} ({spike.count:,})" for spike in field.spikes[:3]]
    said += [f"dates are {one.found}, declared {one.declared}" for one in field.dates if one.contradicts]
    if field.contacts is not None and field.contacts.shared:
        said.append(f"{field.contacts.shared} shared by many people")
    if field.unknown:
        said.append(f"{field.unknown:,} already unknown")
    return said + [f"{issue.text} {percent_text(issue.share)}" for issue in field.issues[:2]]


def _short(text: str) -> str:
    return text if len(text) <= SHORT else text[: SHORT - 1] + "…"
