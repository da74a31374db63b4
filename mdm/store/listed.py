"""The condition `column in (many values)` as one parameter, so that a statement is built once and serves any number.

SQLite reads the values from a JSON text, PostgreSQL from an array; neither needs a temporary table, so readers can
use it too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson
from sqlalchemy import ARRAY, BigInteger, ColumnElement, Dialect, Integer, Text, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine


def among(member: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """True where the column's value is among those given as the parameter `name`: any iterable, repeats allowed."""
    values = Numbers() if isinstance(member.type, Integer) else Words()
    return member.op("in", is_comparison=True)(Listed(bindparam(name, type_=values)))


class Listed(FunctionElement[Any]):
    """The values of one parameter as a subquery."""

    inherit_cache = True


@compiles(Listed, "sqlite")
def _from_json(element: Listed, compiler: SQLCompiler, **options: Any) -> str:
    return f"(select value from json_each({compiler.process(element.clauses, **options)}))"


@compiles(Listed, "postgresql")
def _from_array(element: Listed, compiler: SQLCompiler, **options: Any) -> str:
    return f"(select unnest({compiler.process(element.clauses, **options)}))"


class Numbers(TypeDecorator[Iterable[int]]):
    """Many integers as one parameter."""

    impl = Text
    cache_ok = True
    item: type[TypeEngine[Any]] = BigInteger

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """An array on PostgreSQL, JSON text on SQLite."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(ARRAY(self.item()))
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: Iterable[Any] | None, dialect: Dialect) -> Any:
        """The distinct values in order: look-ups then walk each index once."""
        distinct = sorted(set(value or ()))
        return distinct if dialect.name == "postgresql" else orjson.dumps(distinct).decode()


class Words(Numbers):
    """Many texts as one parameter."""

    cache_ok = True  # not inherited
    item = Text
