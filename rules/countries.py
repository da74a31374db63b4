"""Country text -> ISO 3166-1 alpha-2 code."""

from __future__ import annotations

import re
from functools import lru_cache

from rules.tables import read_table
from rules.text import ZWNJ, compare_key, fold_persian, tidy


def _name_key(name: str) -> str | None:
    """The name as it is looked up: folded ASCII, or folded Persian letters."""
    if any("\u0600" <= letter <= "\u06ff" for letter in name):
        return fold_persian(tidy(name)).replace(ZWNJ, " ")
    return compare_key(name)


def _read_names() -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """Codes, names as they are written, and folded names, each -> alpha-2.

    Kept apart because folding makes Mỹ (the United States) the code of Malaysia.
    """
    codes: dict[str, str] = {}
    written: dict[str, str] = {}
    folded: dict[str, str] = {}
    for alpha2, alpha3, *cells in read_table("countries.txt"):
        codes |= {alpha2: alpha2, alpha3: alpha2}
        for name in (name for cell in cells for name in cell.split(",")):
            written[name.lower()] = alpha2
            folded.setdefault(_name_key(name) or name, alpha2)
    return codes, written, folded


_CODES, _WRITTEN, _FOLDED = _read_names()
_INVERTED = re.compile(r"([^(),]+?)\s*(?:\(|,)\s*(the|(?<=\()[^(),]+|[^(),]+ of(?: the| China)?)\s*\)?", re.IGNORECASE)
COUNTRIES = frozenset(_CODES.values())


@lru_cache(maxsize=4096)
def country_code(text: str) -> str | None:
    """The alpha-2 code of a country written as code (alpha-2, alpha-3) or name, or None when it is not known.

    Names are read in English, Vietnamese (with or without tones) and Persian, and a few in the country's own language.
    """
    text = tidy(text)
    found = _CODES.get(text) or _WRITTEN.get(text.lower()) or _CODES.get(text.upper())
    if found is not None:
        return found
    key = _name_key(text)
    if key is None:
        return None
    code = _FOLDED.get(key) or _FOLDED.get(key.removeprefix("the ")) or _CODES.get(key.replace(" ", "").upper())
    return code or _inverted(text)


def _inverted(text: str) -> str | None:
    """The code of a name as ISO 3166 lists it: Korea (the Republic of), Tanzania, United Republic of."""
    match = _INVERTED.fullmatch(text)
    if match is None:
        return None
    short, addition = (_name_key(part) or "" for part in match.groups())
    return _FOLDED.get(f"{addition} {short}".removeprefix("the ")) or _FOLDED.get(short)
