"""Sayings: a verdict of any kind -> what it says about who is one customer and who is not.

| kind | says | details |
|---|---|---|
| same | all it names are one | |
| confirmed | the same, and others need more evidence to join them | |
| different | no entity holds records of both sides | |
| related | the same as different, and how the two are related | relation |
| split | each group is one, no entity holds records of two groups | sizes: of the groups, in order |
| unsure, acknowledged | nothing | |
| pinned | a golden value, bound to a record | field, value, expires_at |
| released, discarded | what becomes of a quarantined content | |

Any of them may hold `supersedes` in its details: the verdicts that were withdrawn in its favour.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

from mdm.errors import BadInput
from mdm.store.verdicts import DISCARDED, RELEASED, Identity, Verdict

SAME, DIFFERENT, RELATED, UNSURE, CONFIRMED, SPLIT = "same", "different", "related", "unsure", "confirmed", "split"
ACKNOWLEDGED, PINNED = "acknowledged", "pinned"
KINDS: Mapping[str, str] = {
    SAME: "one customer",
    DIFFERENT: "two customers",
    RELATED: "two customers who belong together, such as a household or an employer and its people",
    UNSURE: "not to be told from what is known",
    ACKNOWLEDGED: "seen, and nothing follows from it",
    CONFIRMED: "one customer, looked at as a whole",
    SPLIT: "several customers",
    PINNED: "this value, whatever sources deliver",
    RELEASED: "a quarantined record that takes part",
    DISCARDED: "a quarantined record that stays out",
}
# What a person may say about records that are in entities.
ABOUT_RECORDS = (SAME, DIFFERENT, RELATED, UNSURE, CONFIRMED, SPLIT, ACKNOWLEDGED)
# No entity loses or wins a record by them, so nobody has to agree.
HARMLESS = (UNSURE, ACKNOWLEDGED, CONFIRMED, PINNED)
TOGETHER, APART = "together", "apart"
REASONS: Mapping[str, str] = {
    "document": "an official document was seen",
    "contacted": "the customer was asked",
    "source": "the source system says so",
    "evidence": "the evidence shown is enough",
    "family": "members of one family or household",
    "namesake": "only the name is the same",
    "twins": "twins, or a parent and child of one name",
    "typing": "a typing mistake",
    "shared_contact": "an address, phone or email that several share",
    "other": "see the comment",
}

Side = tuple[Identity, ...]


class Saying(NamedTuple):
    """One thing a verdict says: all of both sides are together, or no entity holds some of both."""

    what: str
    left: Side
    right: Side


def sayings_of(verdict: Verdict) -> list[Saying]:
    """What the verdict says about the partition; nothing for kinds that are about something else."""
    if verdict.kind in (SAME, CONFIRMED):
        return [Saying(TOGETHER, verdict.left, verdict.right)]
    if verdict.kind in (DIFFERENT, RELATED):
        return [Saying(APART, verdict.left, verdict.right)]
    if verdict.kind == SPLIT:
        groups = groups_of(verdict)
        held = [Saying(TOGETHER, group, ()) for group in groups if len(group) > 1]
        return held + [Saying(APART, one, other) for one, other in combinations(groups, 2)]
    return []


def groups_of(verdict: Verdict) -> list[Side]:
    """The groups of a split."""
    names = iter((*verdict.left, *verdict.right))
    return [tuple(next(names) for _ in range(size)) for size in verdict.details["sizes"]]


def split_of(groups: Sequence[Sequence[Identity]], reason: str, actor: str, comment: str = "") -> Verdict:
    """The verdict that these groups are so many customers. Raises BadInput for fewer than two, or an empty one."""
    if len(groups) < 2 or not all(groups):
        raise BadInput("a split needs two groups or more, none of them empty")
    named = [name for group in groups for name in group]
    if len(set(named)) < len(named):
        raise BadInput("a record can be in one group only")
    first, *others = (tuple(group) for group in groups)
    rest = tuple(name for group in others for name in group)
    return Verdict(SPLIT, first, rest, reason, actor, comment=comment, details={"sizes": [len(g) for g in groups]})


def check(given: Verdict) -> None:
    """Nothing. Raises BadInput for a verdict about records that says nothing or contradicts itself."""
    if given.kind not in ABOUT_RECORDS:
        raise BadInput(f"unknown verdict {given.kind!r}; known: {', '.join(ABOUT_RECORDS)}")
    if not given.left:
        raise BadInput(f"a verdict `{given.kind}` names the records that it is about")
    for saying in sayings_of(given):
        if saying.what == APART and set(saying.left) & set(saying.right):
            raise BadInput("a record cannot be different from itself")
        if saying.what == APART and not (saying.left and saying.right):
            raise BadInput(f"a verdict `{given.kind}` names records on both sides")


def named_by(verdict: Verdict) -> Iterator[Identity]:
    """The records it names."""
    yield from verdict.left
    yield from verdict.right


def told(verdict: Verdict) -> dict[str, Any]:
    """The verdict as the audit trail keeps it."""
    kept = {"comment": verdict.comment, **verdict.details}
    return {
        "kind": verdict.kind,
        "left": verdict.left,
        "right": verdict.right,
        "reason": verdict.reason,
        **{name: value for name, value in kept.items() if value},
    }
