"""Is it good, is it sound: evaluate, verify."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mdm.cli.options import DEFAULT_PROJECT, AsJson, ProjectFile, StoreUrl, open_project
from mdm.cli.output import print_json, print_lines, print_table
from mdm.reports import EvaluationReport, VerifyReport

PAGE_NAME = "evaluation.html"


def evaluate(
    truth: Annotated[Path, typer.Option("--truth", metavar="FILE", help="csv, tsv, parquet or jsonl; see above.")],
    *,
    project: ProjectFile = DEFAULT_PROJECT,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help=f"Where the page goes; by default {PAGE_NAME} beside the project."),
    ] = None,
    no_html: Annotated[bool, typer.Option("--no-html", help="Write no page.")] = False,
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Measure the entities against a truth.

    Precision, recall and F1, pairwise and B-cubed, and the worst errors. The truth has the columns source,
    record_id, cluster_id, or source_l, record_id_l, source_r, record_id_r, label. Records it does not label are
    ignored.

    \b
    Examples:
      mdm evaluate --truth truth.csv
      mdm evaluate -p shop/project.yaml --truth labels.parquet --html report.html
      mdm evaluate --truth truth.csv --no-html --json
    """
    report = open_project(project, store).evaluate(truth)
    page = None if no_html else write_report(report, html or project.parent / PAGE_NAME)
    if as_json:
        print_json(report)
    else:
        show_evaluation(report)
        print_lines([] if page is None else [f"Report: {page}"])


def verify(project: ProjectFile = DEFAULT_PROJECT, store: StoreUrl = None, as_json: AsJson = False) -> None:
    """Check that the store agrees with itself.

    The exit code is 1 when it does not.

    \b
    Examples:
      mdm verify
      mdm verify -p shop/project.yaml --json
    """
    report = open_project(project, store).verify()
    if as_json:
        print_json({"ok": report.ok, "checks": report.checks})
    else:
        show_checks(report)
    if not report.ok:
        raise typer.Exit(1)


def write_report(report: EvaluationReport, path: Path) -> Path:
    """The path of the written page; imported late, so that --help does not wait for the tables."""
    from mdm.evaluation import write_page

    return write_page(report, path, f"Evaluation against {Path(report.truth.path).name}")


def show_evaluation(report: EvaluationReport) -> None:
    """The tables of an evaluation."""
    from mdm.evaluation.page import measure_text, quality_rows

    rows = [(row.name, row.precision, row.recall, row.f1) for row in quality_rows(report)]
    known = f"{report.truth.records:,} labelled records"
    print_table(f"Quality on {known}, with 95 % intervals", ("", "precision", "recall", "F1"), rows)
    if report.blocking is not None:
        print_lines([f"Blocking recall: {measure_text(report.blocking)}"])
    print_lines(curve_lines(report))
    if report.wrong_merges:
        print_table(
            "Largest wrong merges",
            ("entity", "wrong pairs", "records", "records by customer"),
            [(m.entity_id, m.wrong_pairs, m.records, groups_text(m.groups)) for m in report.wrong_merges],
        )
    if report.missed:
        print_table(
            "Strongest missed pairs",
            ("record", "record", "bits"),
            [(miss.left, miss.right, miss.bits) for miss in report.missed],
        )
    print_lines(report.notes)


def curve_lines(report: EvaluationReport) -> list[str]:
    """The threshold that alone would do best, when pairs were scored."""
    scores = [(point.f1, point.bits) for point in report.curve if point.f1 is not None]
    if not scores:
        return []
    f1, bits = max(scores)
    return [f"Joining every pair above one threshold does best at {bits:.2f} bits: pairwise F1 {f1:.3f}"]


def groups_text(groups: tuple[tuple[str, ...], ...]) -> str:
    """Records of one customer side by side, customers apart."""
    return " | ".join(" ".join(group) for group in groups)


def show_checks(report: VerifyReport) -> None:
    """The table of checks."""
    rows = [(check.name, "ok" if check.ok else "FAILED", check.detail) for check in report.checks]
    print_table("Checks of the store", ("check", "result", "detail"), rows)
