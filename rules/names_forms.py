"""A given name in Latin letters -> the full names it can stand for (bob -> bob, robert).

Two names are nickname-compatible exactly when their forms share one. The forms are a signal, never an equality:
bert stands for albert and for herbert.
"""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache

from nicknames import name_triplets

from rules.text import read_lines, read_sections

MAX_FORMS = 6

_SPELLINGS = {spelling: line[0] for line in read_lines("english_given.txt") for spelling in line}
_FULL_NAMES = frozenset(_SPELLINGS.values())
_SEX = {name: sex for sex, lines in read_sections("given_names.txt").items() for line in lines for name in line.split()}


@lru_cache(maxsize=1)
def _nicknames() -> dict[str, set[str]]:
    """Full name -> its nicknames, as the package lists them."""
    table: dict[str, set[str]] = defaultdict(set)
    for triplet in name_triplets():
        table[triplet.name1].add(triplet.name2)
    return dict(table)


@lru_cache(maxsize=1)
def _full_forms() -> dict[str, list[str]]:
    """Nickname -> the names that are more formal than it.

    The package lists some pairs both ways (bill for robert, robert for bill): of two such names the one with more
    nicknames is the full one.
    """
    nicknames = _nicknames()
    table: dict[str, list[str]] = defaultdict(list)
    for full, shorts in nicknames.items():
        for short in shorts:
            own = nicknames.get(short, set())
            if full not in own or len(own) < len(shorts):
                table[short].append(full)
    return dict(table)


def _formal_names(name: str) -> set[str]:
    """The full names of a nickname, without those that are themselves short for one of the others."""
    table = _full_forms()
    found = set(table.get(name, ()))
    return {full for full in found if full in _FULL_NAMES or not found.intersection(table.get(full, ()))}


def is_full_name(name: str) -> bool:
    """Whether the lower-case name is one of the usual English given names in full, in any spelling."""
    return name in _SPELLINGS


def sex_of(name: str) -> str | None:
    """male, female or both: who bears the lower-case given name; None when it is not known as one."""
    return _SEX.get(name)


def _endings(name: str) -> tuple[str, ...]:
    """The name with its other diminutive ending: robbie, robby."""
    if name.endswith("ie"):
        return name, name[:-2] + "y"
    return (name, name[:-1] + "ie") if name.endswith("y") else (name,)


@lru_cache(maxsize=65536)
def given_forms(name: str) -> tuple[str, ...]:
    """The name itself and the full names it can stand for, sorted, at most MAX_FORMS; usual names first when cut.

    A usual full name stands for itself alone, whatever rarer names the package derives it from.
    """
    if name in _SPELLINGS or len(name) < 2:
        return tuple(sorted({name, _SPELLINGS.get(name, name)}))
    full = {_SPELLINGS.get(form, form) for ending in _endings(name) for form in _formal_names(ending)} - {name}
    nicknames = _nicknames()
    ranked = sorted(full, key=lambda form: (form not in _FULL_NAMES, -len(nicknames.get(form, ())), form))
    return tuple(sorted([name, *ranked[: MAX_FORMS - 1]]))
