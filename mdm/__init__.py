"""Entity resolution and master data.

The stages in the order the data takes them:

sources, looks, intake
             files and databases -> rows with their source and line, looked at: a harmful delivery is refused whole
engine.standardise, engine.amend, engine.features, engine.keys, engine.prepare
             a row -> claims, as stewards corrected them and rules validated them, with features and blocking keys
staging, judging, delivery, rereading
             prepared rows -> records in the store, marked unresolved, unless rules over sets stop the run; under a
             changed policy stored rows once more
learning, labelling, linkage
             all records -> a release, when a new one is due
matching, engine.score
             keys -> candidate pairs -> links, weighed by SQL in bulk and by the same rules in Python
resolving, unresolved, deciding, ledger, engine.cluster
             links and verdicts -> the partition into entities
golden, engine.survive
             members -> golden records with the origin of every value
changes, engine.inherit
             parts -> ids that last, and events
tasks, contradictions, oddities, reuse
             entities and links -> questions to stewards
publish      the store -> files for others

incoming, neighbourhood, asking
             what a caller says about one record -> a prepared row -> the links and entities around it -> an answer

`pipeline` runs them as a batch job, `resolve` for one record inside a transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mdm.project import Project

__all__ = ["Project"]


def __getattr__(name: str) -> Any:
    """`Project`, imported at its first use: `mdm --help` must not wait for the engine."""
    if name == "Project":
        from mdm.project import Project

        return Project
    raise AttributeError(f"module 'mdm' has no attribute {name!r}")
