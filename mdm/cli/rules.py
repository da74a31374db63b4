"""Rule books: list, schema, export, import."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mdm.cli.options import DEFAULT_PROJECT, AsJson, ProjectFile
from mdm.cli.output import print_error_line, print_json, print_lines, print_table, write_text

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

Output = Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write there instead of stdout.")]


@app.callback()
def _root() -> None:
    """See, check and exchange the rules about good values.

    Without a project file these commands speak of the shipped entity types and rules.

    \b
    Examples:
      mdm rules list
      mdm rules schema -o rules.schema.json
      mdm rules export -o contract.odcs.yaml
      mdm rules import contract.odcs.yaml --source crm
    """


@app.command("list")
def list_rules(project: ProjectFile = DEFAULT_PROJECT, as_json: AsJson = False) -> None:
    """List the rules that hold, shipped ones and the project's own.

    \b
    Examples:
      mdm rules list
      mdm rules list -p shop/project.yaml --json
    """
    from mdm.rule_files import open_vocabulary
    from rules.rulebook_write import entry_of

    books = open_vocabulary(project).rules
    if as_json:
        print_json({name: [entry_of(rule) for rule in book.rules] for name, book in books.items()})
        return
    for name, book in books.items():
        rows = [
            (rule.id, rule.field, rule.check, rule.severity, rule.dimension, rule.action.name, rule.apply, rule.owner)
            for rule in book.rules
        ]
        columns = ("rule", "field", "check", "severity", "dimension", "action", "applies", "owner")
        print_table(f"Rules of {name}", columns, rows)


@app.command()
def schema(project: ProjectFile = DEFAULT_PROJECT, output: Output = None, as_json: AsJson = True) -> None:
    """Write a JSON Schema of rule books, by which editors complete and check them; it is JSON in any case.

    In the first line of rules.yaml: # yaml-language-server: $schema=rules.schema.json

    \b
    Examples:
      mdm rules schema > rules.schema.json
      mdm rules schema -p shop/project.yaml -o shop/rules.schema.json
    """
    from mdm.reports import to_json
    from mdm.rule_files import open_vocabulary
    from rules.rulebook_schema import rulebook_schema

    write_text(to_json(rulebook_schema(open_vocabulary(project).addresses)) + "\n", output)


@app.command()
def export(project: ProjectFile = DEFAULT_PROJECT, output: Output = None, as_json: AsJson = False) -> None:
    """Write the rules as a data contract (Open Data Contract Standard 3.1), in YAML or JSON.

    \b
    Examples:
      mdm rules export > contract.odcs.yaml
      mdm rules export -p shop/project.yaml -o contract.odcs.yaml
    """
    from mdm.reports import to_json
    from mdm.rule_files import export_contract, open_vocabulary
    from rules.contract import contract_yaml

    contract = export_contract(open_vocabulary(project))
    write_text(to_json(contract) + "\n" if as_json else contract_yaml(contract), output)


@app.command("import")
def import_contract(
    contract: Annotated[Path, typer.Argument(metavar="CONTRACT", help="A data contract, in YAML.")],
    *,
    project: ProjectFile = DEFAULT_PROJECT,
    entity: Annotated[str | None, typer.Option("--entity", help="The entity type of every object in it.")] = None,
    source: Annotated[
        str | None,
        typer.Option("--source", help="Read its properties as columns of this source, and speak of it only."),
    ] = None,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Turn the quality rules of a data contract into a rule book.

    What cannot be carried over is told on stderr, with the reason.

    \b
    Examples:
      mdm rules import contract.odcs.yaml -o rules.yaml
      mdm rules import crm.odcs.yaml --source crm --entity person
    """
    from mdm.rule_files import import_rules, open_vocabulary

    text, imported = import_rules(open_vocabulary(project), contract, entity, source)
    if as_json:
        print_json({"rules": imported.entries, "left_out": imported.notes})
        return
    write_text(text, output)
    for note in imported.notes:
        print_error_line(f"Left out: {note}")
    count = sum(len(entries) for entries in imported.entries.values())
    if output is not None:
        print_lines([f"Wrote {count} rules to {output}."])
