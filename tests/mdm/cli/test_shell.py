"""Exit codes and messages of the outermost shell."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from mdm.cli.main import main, run_shell
from mdm.errors import BadProject, BadSource, Breaker, Conflict, Misconfigured, NotFound, Unavailable

Capture = pytest.CaptureFixture[str]


def fail_with(error: Exception) -> Callable[[], None]:
    def action() -> None:
        raise error

    return action


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BadProject("p"), 2),
        (BadSource("s"), 2),
        (NotFound("n"), 2),
        (Conflict("c"), 2),
        (Breaker("b"), 3),
        (Unavailable("u"), 1),
        (Misconfigured("m"), 1),
        (ZeroDivisionError("z"), 1),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_the_exit_code_says_whose_turn_it_is(error: Exception, code: int) -> None:
    assert run_shell(fail_with(error), debug=False, as_json=False) == code


def test_success_is_0() -> None:
    assert run_shell(lambda: None, debug=False, as_json=False) == 0


def test_a_refusal_is_one_line_on_stderr(capsys: Capture) -> None:
    run_shell(fail_with(Breaker("31 % of the rows were rejected")), debug=False, as_json=False)
    assert capsys.readouterr() == ("", "Error: 31 % of the rows were rejected\n")


def test_machines_get_the_refusal_as_json(capsys: Capture) -> None:
    run_shell(fail_with(Conflict("an older verdict says otherwise")), debug=False, as_json=True)
    told = json.loads(capsys.readouterr().err)
    assert told == {"error": {"code": "conflict", "message": "an older verdict says otherwise"}}


def test_an_unknown_error_is_short_and_says_how_to_see_more(capsys: Capture) -> None:
    run_shell(fail_with(ZeroDivisionError("by zero")), debug=False, as_json=False)
    told = capsys.readouterr().err
    assert told == "Error: unexpected ZeroDivisionError: by zero; run it again with --debug for the traceback\n"


def test_debug_shows_the_traceback(capsys: Capture) -> None:
    run_shell(fail_with(ZeroDivisionError("by zero")), debug=True, as_json=False)
    told = capsys.readouterr().err
    assert "Traceback (most recent call last)" in told
    assert "--debug" not in told


@pytest.mark.parametrize("place", [0, 1, 3])
def test_debug_is_allowed_anywhere(place: int) -> None:
    arguments = ["verdict", "same", "--help"]
    arguments.insert(place, "--debug")
    assert main(arguments) == 0


def test_an_error_message_cannot_steer_the_terminal(capsys: Capture) -> None:
    run_shell(fail_with(NotFound("no record \x1b[31mcrm:1")), debug=False, as_json=False)
    assert "\x1b" not in capsys.readouterr().err
