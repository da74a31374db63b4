"""Help and documentation of every command, and arguments that are refused."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from mdm.cli.main import app, main

PROMISED = [
    "demo",
    "init",
    "run",
    "runs",
    "train",
    "releases",
    "activate",
    "plan",
    "tasks",
    "import-crosswalk",
    "export-release",
    "import-release",
    "evaluate",
    "explain",
    "how",
    "export",
    "verify",
    "serve",
    "keys",
    "users",
    "verdict",
    "profile",
    "quarantine",
    "rules",
    "scorecard",
]
# These look at files and rules only.
WITHOUT_STORE = ("profile", "rules")


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that does something, with the words that call it."""
    for name, child in getattr(command, "commands", {}).items():
        yield from leaves(child, (*path, name))
    if not hasattr(command, "commands"):
        yield path, command


COMMANDS = dict(leaves(typer.main.get_command(app)))


def examples(command: Any) -> list[str]:
    """The example lines of a command's help."""
    lines = str(command.help).splitlines()
    return [line.strip() for line in lines if line.strip().startswith("mdm ")]


def test_the_promised_commands_are_there() -> None:
    assert sorted({path[0] for path in COMMANDS}) == sorted(PROMISED)


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example_of_itself(path: tuple[str, ...], capsys: Any) -> None:
    assert main([*path, "--help"]) == 0
    shown = capsys.readouterr().out
    assert "Examples:" in shown
    assert f"  mdm {' '.join(path)}" in shown


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_example_is_accepted(path: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("crm.csv", "web.parquet", "vendors.csv", "old_master.csv", "person.json"):
        Path(name).touch()
    for example in examples(COMMANDS[path]):
        words = shlex.split(example.split(" > ")[0])[1:]
        assert tuple(words[: len(path)]) == path
        COMMANDS[path].make_context(path[-1], words[len(path) :])


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_speaks_json_and_has_documented_options(path: tuple[str, ...]) -> None:
    options = [parameter for parameter in COMMANDS[path].params if parameter.name != "help"]
    # The server has no result to print: it ends when it is told to.
    assert path == ("serve",) or "--json" in [name for parameter in options for name in parameter.opts]
    assert [parameter.name for parameter in options if not parameter.help] == []


@pytest.mark.parametrize("path", [path for path in COMMANDS if path[0] not in ("demo", "init")], ids=" ".join)
def test_every_command_on_a_project_takes_its_file_and_store(path: tuple[str, ...]) -> None:
    names = {name for parameter in COMMANDS[path].params for name in parameter.opts}
    assert {"-p", "--project"} <= names
    assert ("--store" in names) == (path[0] not in WITHOUT_STORE)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["run", "--nonsense"],
        ["explain", "crm:1"],
        ["evaluate"],
        ["export", "out", "--format", "xml"],
        ["export", "out", "--since", "-1"],
        ["init", "shop", "no-such-file.csv"],
        ["verdict", "undo", "third"],
        ["demo", "--records", "3"],
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_2(arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    assert list(tmp_path.iterdir()) == []


def test_python_m_mdm_is_the_same_command_line() -> None:
    done = subprocess.run([sys.executable, "-m", "mdm", "--help"], capture_output=True, text=True, check=True)
    assert "mdm demo" in done.stdout


def test_help_does_not_wait_for_the_engine() -> None:
    code = "import sys, mdm.cli.main; print([m for m in ('numpy', 'pyarrow', 'duckdb', 'rich') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
