"""A word from a short list (gender, status, industry) -> the same word folded, or what the list says it means."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from rules.outcome import Context, Outcome
from rules.text import ascii_digits, compare_key, fold_persian, read_sections, refused, tidy

CATEGORY_INPUTS = ("value",)
CATEGORY_CLEAN = ("value",)
CATEGORY_COMPARE = ("value",)

_SECTIONS = read_sections("category_words.txt")
_UNKNOWN = frozenset(_SECTIONS["unknown"])


def _folded(text: str) -> str:
    return fold_persian(ascii_digits(tidy(text)).lower())


_BUILT_IN: Mapping[str, Mapping[str, str]] = {
    "gender": {
        _folded(word): meaning
        for meaning, words in _SECTIONS.items()
        if meaning in ("male", "female", "other")
        for word in words
    }
}


@lru_cache(maxsize=256)
def parse_values(text: str) -> Mapping[str, str]:
    """The mapping written as `m=male, 1=male, f=female`; entries without `=` map to themselves."""
    entries = (entry.partition("=") for entry in text.split(",") if entry.strip())
    return MappingProxyType({_folded(word): (meaning or word).strip() for word, _, meaning in entries})


def standardise_category(raw: Mapping[str, str], context: Context, options: Mapping[str, str]) -> tuple[Outcome, ...]:
    """The meaning of the value, or the tidy value itself when no list knows it (then flagged, if there is a list).

    options: `values`, a mapping as text; `type`, a built-in list (`gender`: male, female, other).
    """
    return _read(raw.get("value", ""), options.get("type", ""), options.get("values", ""))


@lru_cache(maxsize=4096)
def _read(text: str, list_name: str, values: str) -> tuple[Outcome, ...]:
    shown = tidy(text)
    word = _folded(shown)
    if not word:
        return ()
    listed = {**_BUILT_IN.get(list_name, {}), **parse_values(values)}
    meaning = listed.get(word) or listed.get(word.rstrip("."))
    if meaning is None and (compare_key(word) or "unknown") in _UNKNOWN:
        return refused("category.placeholder")
    key = compare_key(meaning or shown)
    if key is None:
        return refused("category.placeholder")
    issues = ("category.unlisted",) if listed and meaning is None else ()
    return (Outcome({"value": meaning or shown}, {"value": (key,)}, issues),)
