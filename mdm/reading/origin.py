"""Where the rows of a source come from, as the project file says it; references to the environment are resolved late.

Invariant: what stands in the environment (a password, most of all) is never part of a message or of what is stored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from mdm.errors import BadSource
from mdm.reading.chunks import Form

DATABASES = ("sqlite", "postgresql")
REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class Origin:
    """`read` as written: a file, a pattern of files, or a database URL with `query` or `table`.

    `${NAME}` in `read` stands for a variable of the environment.
    """

    read: str
    form: Form = field(default_factory=Form)
    query: str | None = None
    table: str | None = None

    @property
    def is_database(self) -> bool:
        """Whether rows come from a query or a table."""
        return self.query is not None or self.table is not None

    def resolved(self, place: str, environ: Mapping[str, str]) -> str:
        """`read` with its references resolved; between `//` and `@` they may hold any character.

        Raises BadSource, opening with `place`, for a variable that is not set.
        """
        head, marker, rest = self.read.partition("://")
        login, at, host = rest.rpartition("@")
        if not marker or not at:
            return _resolve(self.read, place, environ, as_login=False)
        parts = [
            _resolve(head, place, environ, as_login=False),
            _resolve(login, place, environ, as_login=True),
            _resolve(host, place, environ, as_login=False),
        ]
        return f"{parts[0]}://{parts[1]}@{parts[2]}"


def _resolve(text: str, place: str, environ: Mapping[str, str], *, as_login: bool) -> str:
    def value(found: re.Match[str]) -> str:
        name = found[1]
        if name not in environ:
            raise BadSource(f"{place}: the environment has no {name}; set it before the run")
        return quote(environ[name], safe="") if as_login else environ[name]

    return REFERENCE.sub(value, text)
