"""phones_e164: written numbers -> E.164; old Vietnamese mobiles -> today's; planted digits -> no match key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import phonenumbers

from benchmarks.values_scores import Score, read_rows
from rules.outcome import Context
from rules.phones import standardise_phone

TITLES = {"libphonenumber": "written numbers", "vn_2018_renumbering": "Vietnamese mobiles from before 2018"}


def score_phones(folder: Path) -> Iterator[Score]:
    """E.164 and extension by origin of the row; a planted one is right when nothing of it is a valid number."""
    scores: dict[str, Score] = {}
    for row in read_rows(folder / "records.parquet"):
        score = scores.setdefault(row["source"], Score(TITLES.get(row["source"], "planted or no number")))
        found = _read(row)
        score.count(
            found == (row["e164"], row["extension"]), f"{row['region']} {row['raw']!r}: {found}, not {row['e164']}"
        )
        if found[0] != row["e164"] and row["e164"] and not _is_known(row["e164"]):
            score.listed.append(f"{row['region']} {row['raw']!r}: {row['e164']} is no valid number to libphonenumber")
    yield from scores.values()


def _read(row: dict[str, Any]) -> tuple[str | None, str | None]:
    """The E.164 number and extension that would be shown; nothing for what could not be read as a number."""
    outcomes = standardise_phone({"value": row["raw"]}, Context(row["region"]), {})
    shown = [outcome.clean for outcome in outcomes if outcome.clean.get("value", "").startswith("+")]
    return (shown[0]["value"], shown[0].get("extension")) if len(shown) == 1 else (None, None)


def _is_known(e164: str) -> bool:
    return phonenumbers.is_valid_number(phonenumbers.parse(e164))
