"""The shapes of checks and of what they compile to: a closure for one record, DuckDB SQL for many."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rules.arguments import Argument
from rules.record_view import RecordView

V = "a_value"  # the name of the value inside the SQL of a value check


@dataclass(frozen=True, slots=True)
class ValueTest:
    """Whether a value passes; `sql` is a boolean over `a_value`, never NULL."""

    passes: Callable[[str, RecordView], bool]
    sql: str


@dataclass(frozen=True, slots=True)
class RecordTest:
    """Whether a record passes; `sql` is a boolean over its columns, never NULL."""

    passes: Callable[[RecordView], bool]
    sql: str


@dataclass(frozen=True, slots=True)
class ValueCheck:
    """A check over each value of a field; `build` raises ValueError for arguments that do not go together."""

    name: str
    arguments: Mapping[str, Argument]
    build: Callable[..., ValueTest]


@dataclass(frozen=True, slots=True)
class RecordCheck:
    """A check over a whole record; `build` gets the rule's field first.

    points: whether the args name the issue codes of the claims that failed, so that actions can take hold of them.
    """

    name: str
    arguments: Mapping[str, Argument]
    build: Callable[..., RecordTest]
    points: bool = False


Check = ValueCheck | RecordCheck
