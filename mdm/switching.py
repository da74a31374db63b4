"""Switching releases: a stored release, tried against the project of today -> one that can decide here."""

from __future__ import annotations

from sqlalchemy import Connection

from mdm import learning
from mdm.engine.release import Release
from mdm.engine.score import make_scorer
from mdm.errors import BadInput, BadProject
from mdm.policy import ProjectPolicy
from mdm.store import releases


def fit_release(connection: Connection, policy: ProjectPolicy, release_id: str) -> Release:
    """The release of that id, its weights carried over to the policy of today when it was learnt under another.

    Raises NotFound, BadProject when it compares what the project no longer has, BadInput when the project changed
    since its last run: the stored records are then not what it would decide about.
    """
    release = _readable(connection, release_id)
    entity = policy.entities.get(release.entity)
    if entity is None:
        known = ", ".join(policy.entities)
        raise BadProject(f"release {release_id} decides about {release.entity}; this project has {known}")
    today = policy.hashes[release.entity]
    active = learning.active_release(connection, release.entity)
    if active is not None and active.policy != today:
        raise BadInput("the project changed since its last run; run `mdm run` first, then activate the release")
    changed = learning.unfit_features(release, entity)
    if changed:
        raise BadProject(
            f"the entity file of {release.entity} changed {', '.join(changed)}, which release {release_id} compares; "
            "activate another one, or let `mdm train` learn one"
        )
    return release if release.policy == today else learning.carried_over(release, policy)


def _readable(connection: Connection, release_id: str) -> Release:
    """The release, which every scorer can weigh by. Raises NotFound, or BadInput when it holds what they cannot."""
    stored = releases.get(connection, release_id)
    try:
        release = learning.read(stored)
        make_scorer(release)
    except (ValueError, KeyError) as error:
        raise BadInput(
            f"release {release_id} holds what this version cannot weigh: {error}; activate another one"
        ) from None
    return release
