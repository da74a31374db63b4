"""ISO dates whose day, or month and day, may be missing: a partial date is the period it names.

Each question stands beside its DuckDB SQL and gives the same answer.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

_DATE = r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?"
_is_date_shaped = re.compile(_DATE).fullmatch


@lru_cache(maxsize=65_536)  # birth dates and days of delivery repeat
def is_date(text: str) -> bool:
    """Whether the text is an ISO date of the years 1 to 9999, day or day and month possibly missing."""
    if _is_date_shaped(text) is None:
        return False
    try:
        date.fromisoformat(earliest(text))
    except ValueError:
        return False
    return True


def earliest(text: str) -> str:
    """The first day of the period, for a text that is a date."""
    return text + "0000-01-01"[len(text) :]


def latest(text: str) -> str:
    """The last day of the period; a month's is written 31 whatever its length, as only order matters."""
    return text + "0000-12-31"[len(text) :]


def date_sql(sql: str) -> str:
    """`is_date` of a SQL expression; false, not NULL, for NULL."""
    real = f"try_cast({earliest_sql(sql)} as date) is not null"
    return f"coalesce(regexp_full_match({sql}, '{_DATE}') and {sql} >= '0001' and {real}, false)"


def earliest_sql(sql: str) -> str:
    """`earliest` of a SQL expression."""
    return f"({sql} || substr('0000-01-01', length({sql}) + 1))"


def latest_sql(sql: str) -> str:
    """`latest` of a SQL expression."""
    return f"({sql} || substr('0000-12-31', length({sql}) + 1))"
