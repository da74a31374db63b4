"""What a rule book says for an argument of a check -> the argument, or ValueError with what is allowed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rules.partial_dates import is_date
from rules.patterns import translate
from rules.record_view import OF_RECORD, RECORD, RECORD_COUNTRY, RESERVED_COLUMNS, UPDATED_AT

Given = str | tuple[str, ...]
Arg = str | int | float | tuple[str, ...]

NUMBER = r"[+-]?[0-9]{1,50}(\.[0-9]{1,50})?"
is_number = re.compile(NUMBER).fullmatch
_ADDRESS = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?")


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a check.

    read: how it is read; None for what no rule book writes. default: its value when it is left out; None: it must be
    given, or may be absent when `optional`. words: the only texts allowed.
    """

    read: Callable[[Given], Arg] | None
    default: Arg | None = None
    optional: bool = False
    words: tuple[str, ...] = ()


def word(*words: str, default: str | None = None) -> Argument:
    """An argument that is one of these words."""

    def read(given: Given) -> str:
        if given in words:
            return str(given)
        raise ValueError(f"{' or '.join(words)} is expected, not {given!r}")

    return Argument(read, default, words=words)


def read_text(given: Given) -> str:
    """The text itself."""
    if isinstance(given, str) and given != "":
        return given
    raise ValueError("one text is expected")


def read_texts(given: Given) -> tuple[str, ...]:
    """A list of texts, without repeats; a single text counts as a list of one."""
    texts = (given,) if isinstance(given, str) else given
    if not texts or "" in texts:
        raise ValueError("a list of one or more texts is expected")
    return tuple(dict.fromkeys(texts))


def read_count(given: Given) -> int:
    """A whole number from 0 up."""
    if isinstance(given, str) and re.fullmatch(r"[0-9]{1,9}", given):
        return int(given)
    raise ValueError(f"a whole number is expected, not {given!r}")


def read_number(given: Given) -> float:
    """A decimal number."""
    if isinstance(given, str) and is_number(given):
        return float(given)
    raise ValueError(f"a decimal number is expected, not {given!r}")


def read_day(given: Given) -> str:
    """An ISO date (year or month alone will do), or the word `updated_at`."""
    if isinstance(given, str) and (given == UPDATED_AT or is_date(given)):
        return given
    raise ValueError(f"a date (YYYY, YYYY-MM or YYYY-MM-DD) or the word updated_at is expected, not {given!r}")


def read_pattern(given: Given) -> str:
    """A regular expression inside the subset of `rules.patterns`."""
    translate(read_text(given))
    return str(given)


def read_share(given: Given) -> float:
    """A share, written as a percentage from 0% to 100%."""
    match = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]{1,6})?) ?%", given) if isinstance(given, str) else None
    if match is None or float(match[1]) > 100:
        raise ValueError(f"a percentage such as 95% is expected, not {given!r}")
    return float(match[1]) / 100


def read_days(given: Given) -> int:
    """A number of days: `7`, `7 days`."""
    match = re.fullmatch(r"([0-9]{1,6})( days?)?", given) if isinstance(given, str) else None
    if match is None:
        raise ValueError(f"a number of days such as 7 days is expected, not {given!r}")
    return int(match[1])


def read_address(given: Given) -> str:
    """A field, a field and its part, or a property of the record itself."""
    text = read_text(given)
    is_field = _ADDRESS.fullmatch(text) and text not in RESERVED_COLUMNS and text.partition(".")[0] != RECORD
    if text in OF_RECORD or is_field:
        return text
    raise ValueError(f"a field is written like email, name.family or {RECORD_COUNTRY}, not {given!r}")


def read_addresses(given: Given) -> tuple[str, ...]:
    """A list of fields."""
    return tuple(read_address(address) for address in read_texts(given))


def addresses_in(args: Mapping[str, Arg]) -> tuple[str, ...]:
    """The fields that the arguments of a check name."""
    given = (args.get("field", ()), args.get("fields", ()))
    return tuple(str(address) for each in given for address in (each if isinstance(each, tuple) else (each,)))
