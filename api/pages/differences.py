"""Differences: two texts -> each as pieces, those that the other has not marked."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from difflib import SequenceMatcher

# Texts that have less in common are different as a whole; marking nearly everything would show nothing.
LEAST_ALIKE = 0.4
LONGEST = 300

Pieces = tuple[tuple[str, bool], ...]


def marked(left: str, right: str) -> tuple[Pieces, Pieces]:
    """Both texts in pieces (text, whether the other has it not)."""
    one, other = (_signs(text) for text in (left, right))
    if max(len(one), len(other)) > LONGEST:
        return ((left, False),), ((right, False),)
    matcher = SequenceMatcher(None, [s.casefold() for s in one], [s.casefold() for s in other], autojunk=False)
    if matcher.ratio() < LEAST_ALIKE:
        return ((left, False),), ((right, False),)
    codes = matcher.get_opcodes()
    return (
        _pieces((one[a:b], tag != "equal") for tag, a, b, _, _ in codes),
        _pieces((other[a:b], tag != "equal") for tag, _, _, a, b in codes),
    )


def _signs(text: str) -> list[str]:
    """What people see as one sign: letters with the marks that stand on them."""
    signs: list[str] = []
    for each in text:
        if signs and unicodedata.combining(each):
            signs[-1] += each
        else:
            signs.append(each)
    return signs


def _pieces(parts: Iterable[tuple[list[str], bool]]) -> Pieces:
    return tuple(("".join(signs), differs) for signs, differs in parts if signs)
