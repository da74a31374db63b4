"""A regular expression in the subset that Python and RE2 read alike -> the same expression for both engines.

Invariant: a value matches `python` exactly when DuckDB's RE2 matches `re2`. Everything the two read differently is
either refused (look-around, back-references, inline flags, possessive repeats) or written out (`$`, `.`, `\\s`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# RE2 refuses counted repeats that expand beyond 1,000 copies, and gives up on large programs.
MAX_LENGTH = 500
MAX_SIZE = 1000

_LITERAL = r"\\[nrtfv]|\\x[0-9A-Fa-f]{2}|\\[!-/:-@\[-`{-~]"
_SET_CHARACTER = rf"{_LITERAL}|[^\\\[\]]"
_SET = rf"\[\^?(?:\\[dws]|{_SET_CHARACTER})+\]"
_TOKEN = re.compile(
    rf"(?P<open>\((?:\?:|\?P<[A-Za-z_]\w*>|(?!\?)))|(?P<close>\))|(?P<bar>\|)|(?P<assert>[\^$]|\\b)"
    rf"|(?P<any>\.)|(?P<set>{_SET})|(?P<repeat>(?:[*+?]|\{{\d{{1,4}}(?:,\d{{0,4}})?\}})\??)"
    rf"|(?P<escape>\\[dDwWsS])|(?P<literal>{_LITERAL}|[^\\\[\](){{}}*+?.|^$])",
    re.ASCII,
)
_SET_ITEM = re.compile(rf"(?P<escape>\\[dws])|(?P<low>{_SET_CHARACTER})(?:-(?P<high>{_SET_CHARACTER}))?", re.ASCII)
_CONTROL = {"\\n": "\n", "\\r": "\r", "\\t": "\t", "\\f": "\f", "\\v": "\v"}
# RE2's \s leaves out the vertical tab that Python's has, so spaces are always written out.
_SPACES = r" \t\n\r\f"
_ESCAPES = {r"\s": f"[{_SPACES}]", r"\S": f"[^{_SPACES}]"}
_ASSERTS = {"^": r"\A", "$": r"\Z", r"\b": r"\b"}
_END = r"\Z"


class PatternError(ValueError):
    """The expression lies outside the subset; the message says what and where."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One expression for both engines; `re2` is the text to hand to DuckDB."""

    python: re.Pattern[str]
    re2: str


def translate(pattern: str) -> Pattern:
    """The expression for both engines.

    Case-sensitive; `$` is the very end; `\\d`, `\\w`, `\\s` and `\\b` are ASCII; `.` is anything but a newline.
    Raises PatternError for what is outside the subset.
    """
    if len(pattern) > MAX_LENGTH:
        raise PatternError(f"a pattern has at most {MAX_LENGTH} characters, not {len(pattern)}")
    tokens = _tokens(pattern)
    _check_repeats(tokens)
    pieces = [_piece(kind, text) for kind, text in tokens]
    try:
        compiled = re.compile("".join(pieces), re.ASCII)
    except re.error as error:
        raise PatternError(f"not a regular expression: {error.msg}") from None
    return Pattern(compiled, "".join(r"\z" if piece == _END else piece for piece in pieces))


def _tokens(pattern: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    position = 0
    while position < len(pattern):
        found = _TOKEN.match(pattern, position)
        if found is None:
            raise PatternError(
                f"{pattern[position : position + 3]!r} at character {position + 1} is not allowed: use literals, "
                "classes, groups (...), |, repeats, ^ $ . and \\d \\w \\s \\b; no look-around, back-references or flags"
            )
        tokens.append((str(found.lastgroup), found.group()))
        position = found.end()
    return tokens


def _check_repeats(tokens: list[tuple[str, str]]) -> None:
    """Raises when a repeat has nothing to repeat, brackets do not pair, or repeats expand too far."""
    sizes = [0]  # expanded size of each open group
    last = 0  # expanded size of what a repeat would repeat; 0 when there is nothing
    for kind, text in tokens:
        if kind == "repeat":
            if last == 0:
                raise PatternError(f"{text!r} has nothing to repeat (a literal bracket is written \\{text[0]})")
            sizes[-1] += last * (_copies(text) - 1)
            last = 0
        elif kind == "open":
            sizes.append(0)
            last = 0
        elif kind == "close":
            if len(sizes) == 1:
                raise PatternError("')' closes nothing (a literal one is written \\))")
            last = max(sizes.pop(), 1)
            sizes[-1] += last
        else:
            last = 0 if kind in ("bar", "assert") else 1
            sizes[-1] += last
        if sizes[-1] > MAX_SIZE:
            raise PatternError(f"the repeats expand to more than {MAX_SIZE} characters")
    if len(sizes) > 1:
        raise PatternError("'(' is not closed (a literal one is written \\()")


def _copies(repeat: str) -> int:
    """How many copies RE2 writes out for a repeat."""
    counts = [int(number) for number in re.findall(r"\d+", repeat)]
    open_ended = "," in repeat and len(counts) == 1
    return max([1, *counts]) + open_ended


def _piece(kind: str, text: str) -> str:
    if kind == "literal":
        return _written(_character(text))
    if kind == "set":
        return _set(text)
    return {
        "open": "(?:",
        "any": r"[^\n]",
        "escape": _ESCAPES.get(text, text),
        "assert": _ASSERTS.get(text, text),
    }.get(kind, text)


def _set(text: str) -> str:
    negated = text.startswith("[^")
    items = _SET_ITEM.finditer(text, 2 if negated else 1, len(text) - 1)
    return f"[{'^' * negated}{''.join(_set_item(item) for item in items)}]"


def _set_item(item: re.Match[str]) -> str:
    escape, low, high = item.group("escape", "low", "high")
    if escape is not None:
        return _SPACES if escape == r"\s" else str(escape)
    if high is None:
        return _written(_character(low))
    return f"{_written(_character(low))}-{_written(_character(high))}"


def _character(token: str) -> str:
    if token.startswith(r"\x"):
        return chr(int(token[2:], 16))
    return _CONTROL.get(token, token[-1])


def _written(character: str) -> str:
    """The character as a literal that both engines read alike, inside and outside a class."""
    if not character.isascii() or character.isalnum() or character == "_":
        return character
    return f"\\{character}" if character.isprintable() and character != " " else f"\\x{ord(character):02x}"
