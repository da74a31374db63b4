"""Ids that last: the new parts of touched components take over the ids that their records had."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Members = frozenset[int]


@dataclass(frozen=True, slots=True)
class Inheritance:
    """Who carries which id now.

    ids: one per part, None where a new id is due. revived: closed ids in use again.
    redirected: id -> position of the part that holds most of its records. retired: ids whose records are all gone.
    """

    ids: tuple[int | None, ...]
    revived: tuple[int, ...]
    redirected: Mapping[int, int]
    retired: tuple[int, ...]


def inherit(parts: Sequence[Members], living: Mapping[int, Members], closed: Mapping[int, Members]) -> Inheritance:
    """The ids of the parts: by greatest overlap, then oldest id.

    A part that holds most of the last members of a closed id revives it before a new id is made, so that undoing a
    merge gives back both ids. Positions break ties, so the caller gives parts in a stated order.
    living: id -> members before. closed: redirected or retired id -> its last members.
    """
    home = {rid: place for place, part in enumerate(parts) for rid in part}
    revivable = _revivable(parts, closed, home)
    ids: list[int | None] = [None] * len(parts)
    claims = sorted(
        (-count, place in revivable, eid, place)
        for eid, members in living.items()
        for place, count in _overlaps(members, home).items()
    )
    taken: set[int] = set()
    for _, _, eid, place in claims:
        if ids[place] is None and eid not in taken:
            ids[place] = eid
            taken.add(eid)
    revived = []
    for place, eid in sorted(revivable.items()):
        if ids[place] is None:
            ids[place] = eid
            revived.append(eid)
    left = {eid: members for eid, members in living.items() if eid not in taken}
    redirected = {eid: _largest(_overlaps(m, home)) for eid, m in left.items() if _overlaps(m, home)}
    retired = tuple(sorted(eid for eid in left if eid not in redirected))
    return Inheritance(tuple(ids), tuple(revived), redirected, retired)


def _overlaps(members: Members, home: Mapping[int, int]) -> dict[int, int]:
    """Part -> how many of the members it holds."""
    counts: dict[int, int] = {}
    for rid in members:
        if rid in home:
            counts[home[rid]] = counts.get(home[rid], 0) + 1
    return counts


def _largest(overlaps: Mapping[int, int]) -> int:
    return min(overlaps, key=lambda place: (-overlaps[place], place))


def _revivable(parts: Sequence[Members], closed: Mapping[int, Members], home: Mapping[int, int]) -> dict[int, int]:
    """Part -> the closed id most of whose last members it holds; the greatest share, then the oldest id."""
    offers = sorted(
        (-count / len(members), eid, place)
        for eid, members in closed.items()
        for place, count in _overlaps(members, home).items()
        if 2 * count > len(members)
    )
    chosen: dict[int, int] = {}
    for _, eid, place in offers:
        if place not in chosen and eid not in chosen.values():
            chosen[place] = eid
    return chosen
