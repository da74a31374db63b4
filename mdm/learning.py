"""Learning a release from everything the store holds of one entity type."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256

import orjson
from sqlalchemy import Connection

from mdm import matching
from mdm.engine.levels import Level, features_of
from mdm.engine.policy import EntityType
from mdm.engine.release import Comparison, FeatureShape, Release, from_json, to_json
from mdm.labelling import Labels, choose_merge, label_notes
from mdm.linkage.shared import quiet_features
from mdm.linkage.splink_model import train_with_splink
from mdm.linkage.thresholds import choose_thresholds
from mdm.linkage.train import TrainingInput, expected_release, fit_release, starting_release
from mdm.matching import Work
from mdm.policy import ProjectPolicy
from mdm.reports import ReleaseSummary
from mdm.store import records, releases
from mdm.store.releases import StoredRelease

SPLINK_SEED = 1


def learn(work: Work, policy: ProjectPolicy, label: Callable[[], Labels | None] | None = None) -> Release:
    """A release learnt from the loaded `keys_TYPE` and `features_TYPE`; neither saved nor active yet.

    label: lays out labelled pairs when candidates are known; without labels everything is learnt from the data alone.
    """
    data = TrainingInput(work.scratch, work.entity, work.table("features"), work.table("pairs"))
    start = starting_release(data)
    matching.make_candidates(work, start.cap, among=None)
    heard = quiet_features(work.scratch, start, data.features, work.table("quiet"))
    begin = train_with_splink(replace(data, features=heard), start, seed=SPLINK_SEED)
    labels = None if label is None else label()
    fitted = fit_release(replace(data, labels=None if labels is None else labels.table), start, begin)
    review, merge = policy.file.match.review, policy.file.match.merge
    if labels is not None:
        choice = choose_merge(work, fitted, labels)
        fitted = replace(fitted, notes=(*fitted.notes, *label_notes(labels, choice, merge)))
        merge = choice.bits if merge is None and choice is not None else merge
    chosen = choose_thresholds(fitted, review, merge)
    return named(replace(chosen, policy=policy.hashes[work.entity.name]))


def default_release(entity: EntityType, policy: ProjectPolicy) -> Release:
    """What decides in a new project before its first release: what the entity file expects, nothing learnt."""
    expected = choose_thresholds(expected_release(entity), policy.file.match.review, policy.file.match.merge)
    return named(replace(expected, policy=policy.hashes[entity.name]))


def carried_over(release: Release, policy: ProjectPolicy) -> Release:
    """The release under the policy of today: the same weights, the thresholds that are written."""
    match = policy.file.match
    merge = release.merge if match.merge is None else match.merge
    review = min(release.review, merge) if match.review is None else match.review
    hashed = policy.hashes[release.entity]
    return named(replace(release, policy=hashed, review=review, merge=merge, created_at=""))


def named(release: Release) -> Release:
    """The release with an id taken from its content: learning the same again gives the same release."""
    digest = sha256(orjson.dumps(to_json(replace(release, release_id="")), option=orjson.OPT_SORT_KEYS)).hexdigest()
    return replace(release, release_id=f"{release.entity}-{digest[:12]}")


def unfit_features(release: Release, entity: EntityType) -> list[str]:
    """The features the release compares that the entity type does not have, or has in another shape; sorted."""
    compared = {feature for c in release.comparisons for level in _conditions(c) for feature in features_of(level)}
    shapes = {name: FeatureShape(policy.many, policy.number) for name, policy in entity.features.items()}
    return sorted(name for name in compared if shapes.get(name) != release.features[name])


def _conditions(comparison: Comparison) -> list[Level]:
    gate = [] if comparison.gate is None else [comparison.gate.when]
    return [comparison.unknown, *gate, *(level.when for level in comparison.every)]


def save(connection: Connection, release: Release) -> None:
    """Nothing; the release is stored, not yet active."""
    # When it was stored is the store's to say, else the same release could not be saved twice.
    body = orjson.dumps(to_json(replace(release, created_at=""))).decode()
    releases.save(
        connection, StoredRelease(release.release_id, release.entity, "", release.records, body, release.policy)
    )


def active_release(connection: Connection, entity: str) -> Release | None:
    """The release that decides about this entity type; None before the first one."""
    stored = releases.active(connection, entity)
    return None if stored is None else read(stored)


def read(stored: StoredRelease) -> Release:
    """The release from its stored text."""
    return replace(from_json(orjson.loads(stored.body)), created_at=stored.created_at)


def active_count(connection: Connection, entity: str) -> int:
    """How many records may be matched."""
    return sum(batch.num_rows for batch in records.scan(connection, ["rid"], entity_type=entity))


def summary(release: Release, *, active: bool) -> ReleaseSummary:
    """The release in one line."""
    return ReleaseSummary(
        release_id=release.release_id,
        entity=release.entity,
        created_at=release.created_at,
        records=release.records,
        active=active,
        review_bits=release.review,
        merge_bits=release.merge,
        comparisons=len(release.comparisons),
        notes=release.notes,
    )
