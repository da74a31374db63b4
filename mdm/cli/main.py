"""The entry point: arguments -> exit code 0 done, 1 internal, 2 the user's input, 3 a breaker."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from mdm.cli import batch, data, keys, publish, quality, quarantine, rules, serve, start, tasks, users, verdicts, why
from mdm.cli.output import print_error
from mdm.errors import MdmError

DEBUG = "--debug"

app = typer.Typer(
    name="mdm",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def _root(
    debug: Annotated[bool, typer.Option(DEBUG, help="Show the traceback of an error; allowed anywhere.")] = False,
) -> None:
    """Find the records that mean the same customer, and keep one golden record of each.

    \b
    Start here:
      mdm demo                          a small project with data, run and judged
      mdm init shop customers.csv       a project file for your own data
      mdm run -p shop/project.yaml      resolve it
    """


app.command()(start.demo)
app.command()(start.init)
app.command()(batch.run)
app.command()(batch.runs)
app.command()(batch.train)
app.command()(batch.releases)
app.command()(batch.plan)
app.command()(batch.activate)
app.command()(tasks.tasks)
app.command("export-release")(publish.export_release)
app.command("import-release")(publish.import_release)
app.command("import-crosswalk")(publish.import_crosswalk)
app.command()(data.profile)
app.command()(data.scorecard)
app.command()(quality.evaluate)
app.command()(why.explain)
app.command()(why.how)
app.command()(publish.export)
app.command()(quality.verify)
app.command()(serve.serve)
app.add_typer(keys.app, name="keys")
app.add_typer(users.app, name="users")
app.add_typer(verdicts.app, name="verdict")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(rules.app, name="rules")


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code of one command; the arguments of the process when none are given."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    given.sort(key=lambda argument: argument != DEBUG)
    return run_shell(lambda: app(given, prog_name="mdm"), debug=DEBUG in given, as_json="--json" in given)


def run_shell(action: Callable[[], object], *, debug: bool, as_json: bool) -> int:
    """The exit code of an action, its errors told on stderr; the outermost shell, so nothing passes it."""
    try:
        action()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except MdmError as error:
        _show_traceback(debug)
        print_error(error.code, str(error), as_json=as_json)
        return error.exit_code
    except Exception as error:
        _show_traceback(debug)
        hint = "" if debug else f"; run it again with {DEBUG} for the traceback"
        print_error("internal", f"unexpected {type(error).__name__}: {error}{hint}", as_json=as_json)
        return 1
    return 0


def _show_traceback(debug: bool) -> None:
    if debug:
        traceback.print_exc()
