"""Entity resolution and master data.

The stages in the order the data takes them:

sources      files -> rows with their source and line
engine.standardise, engine.prepare
             a row -> claims, validated by the rules, with features and blocking keys
delivery     prepared rows -> records in the store, marked unresolved
linkage      keys -> candidate pairs; training with Splink; scoring by SQL
deciding, engine.cluster
             links and verdicts -> the partition into entities
changes, engine.inherit, engine.survive
             parts -> ids that last, golden records with the origin of every value, events
publish      the store -> files for others
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
