"""Why: explain two records, how an entity came together."""

from __future__ import annotations

from typing import Annotated

import typer

from mdm.cli.options import DEFAULT_PROJECT, AsJson, ProjectFile, StoreUrl, open_project
from mdm.cli.output import print_json, print_lines, print_table
from mdm.reports import Explanation, HowReport, LinkLine


def explain(
    left: Annotated[str, typer.Argument(metavar="A", help="A record, as source:record_id.")],
    right: Annotated[str, typer.Argument(metavar="B", help="Another record.")],
    *,
    project: ProjectFile = DEFAULT_PROJECT,
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Show why two records match or not.

    Each comparison shows the level it reached and its bits; they add up to the weight.

    \b
    Examples:
      mdm explain crm:C1 web:77
      mdm explain crm:C1 web:77 -p shop/project.yaml --json
    """
    explanation = open_project(project, store).explain(left, right)
    if as_json:
        print_json(explanation)
    else:
        show_explanation(explanation)


def how(
    entity: Annotated[str, typer.Argument(metavar="ENTITY", help="An entity id, or a record as source:record_id.")],
    project: ProjectFile = DEFAULT_PROJECT,
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Show how an entity came together.

    Members, links, the weakest link and who would fall out without it, and the origin of every golden value.

    \b
    Examples:
      mdm how crm:C1
      mdm how 018f3c1e -p shop/project.yaml --json
    """
    report = open_project(project, store).how(entity)
    if as_json:
        print_json(report)
    else:
        show_how(report)


def show_explanation(explanation: Explanation) -> None:
    """The evidence as a table, and what follows from it."""
    lines = [(line.comparison, line.level, line.bits, line.left, line.right) for line in explanation.evidence]
    print_table(
        f"{explanation.left} and {explanation.right}",
        ("comparison", "level", "bits", "left", "right"),
        [
            ("(prior)", "before any evidence", explanation.prior, None, None),
            *lines,
            ("weight", explanation.grade, explanation.weight, None, None),
        ],
    )
    togetherness = "one entity" if explanation.same_entity else "two entities"
    print_lines(
        [
            f"They are in {togetherness}. Probability of a match: {explanation.probability:.6f}.",
            *explanation.notes,
            *(f"Verdict: {verdict}" for verdict in explanation.verdicts),
        ]
    )


def show_how(report: HowReport) -> None:
    """Members, links and golden values of an entity."""
    print_lines([f"{report.entity} {report.entity_id}: {len(report.members)} records", *report.members])
    if report.links:
        joins = [(link.left, link.right, link.bits) for link in report.links]
        print_table("Joined by, in this order", ("record", "record", "bits"), joins)
    if report.weakest is not None:
        print_lines(weakness_lines(report.weakest, report.falls_out))
    values = [(line.field, line.value, line.record, line.strategy) for line in report.golden]
    print_table("Golden record", ("field", "value", "from record", "won by"), values)
    print_lines(report.notes)


def weakness_lines(weakest: LinkLine, falls_out: tuple[str, ...]) -> list[str]:
    """The weakest link, and who would leave without it."""
    return [
        f"Weakest link: {weakest.left} and {weakest.right}, {weakest.bits:.2f} bits",
        f"Would fall out without it: {', '.join(falls_out) or 'nobody'}",
    ]
