"""The batch job: sources -> records -> keys -> links -> entities -> golden records. Read this first.

Two steps touch the store. First the delivery is committed: records with their keys, marked unresolved. Then all that
is unresolved is linked, clustered and published in one transaction. A run that dies in between leaves a consistent
store with unresolved records, and the next run goes on from there.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from mdm import delivery, learning, resolving
from mdm.engine.policy import EntityType
from mdm.engine.release import Release
from mdm.linkage.train import KEY_CAP
from mdm.matching import Work
from mdm.policy import ProjectPolicy
from mdm.scratch import open_scratch
from mdm.sources import BadRow, check_columns, scan
from mdm.store import Store, runs
from mdm.watch import Progress, Tally, Watch

# A release learnt on fewer than half of today's records no longer speaks for them.
OUTGROWN = 2


@dataclass(frozen=True, slots=True)
class Options:
    """full: decide everything anew. retrain: True learns new releases, False never does, None when there is need."""

    full: bool = False
    retrain: bool | None = None
    allow_deletes: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """One run under way."""

    store: Store
    policy: ProjectPolicy
    scratch: duckdb.DuckDBPyConnection
    run_id: int
    options: Options
    watch: Watch


def run_batch(store: Store, policy: ProjectPolicy, options: Options, progress: Progress) -> tuple[int, Tally]:
    """Bring the store up to date with the sources; the run's number and what it counted.

    Raises BadSource before anything is written when a file or column is missing, Breaker when a guard stops the run.
    """
    check_columns(policy.file)
    with store.writing() as connection:
        run_id = runs.start(connection, "batch")
    tally = Tally()
    try:
        with open_scratch() as scratch:
            run = Run(store, policy, scratch, run_id, options, Watch(run_id, tally, progress))
            deliver(run)
            for entity in policy.entities.values():
                _resolve_type(run, entity)
    except BaseException:
        _finish(store, run_id, "failed", tally)
        raise
    _finish(store, run_id, "done", tally)
    return run_id, tally


def _finish(store: Store, run_id: int, outcome: str, tally: Tally) -> None:
    with store.writing() as connection:
        runs.finish(connection, run_id, outcome, {**tally.counts, "merges": tally.merges})


def deliver(run: Run) -> None:
    """Read the sources and commit what changed."""
    bad: list[BadRow] = []
    with run.watch.tally.stage("read and prepare"):
        with run.store.reading() as connection:
            stored = delivery.read_stored(connection)
        batches = scan(run.policy.file, bad.append)
        staged = delivery.stage_delivery(
            run.scratch, run.policy, batches, stored, lambda rows: run.watch.progress("read and prepare", rows, None)
        )
        del stored
    if not run.options.allow_deletes:
        delivery.refuse_mass_deletion(run.scratch)
    with run.watch.tally.stage("write records"), run.store.writing() as connection:
        run.watch.progress("write records", 0, None)
        done = delivery.commit_delivery(connection, run.scratch, run.policy.entities, run.run_id, KEY_CAP)
        set_aside = delivery.set_aside(connection, run.run_id, bad)
    run.watch.tally.quarantined = set_aside + done.quarantined
    for stage, amount in (
        ("rows read", staged.read + len(bad)),
        ("rows set aside", set_aside),
        ("records new", done.new),
        ("records changed", done.changed),
        ("records stale", done.stale),
        ("records deleted", done.deleted),
        ("records quarantined", done.quarantined),
    ):
        run.watch.tally.add(stage, amount)
    if staged.repeated:
        run.watch.tally.notes.append(
            f"{staged.repeated} rows repeat a record of the same delivery; the newest version stands"
        )


def _resolve_type(run: Run, entity: EntityType) -> None:
    """Link, cluster and publish the unresolved records of one entity type, with a new release when one is due."""
    work = Work(run.scratch, entity)
    with run.store.reading() as connection:
        release = learning.active_release(connection, entity.name)
        active = learning.active_count(connection, entity.name)
    reason = _why_learn(run, entity, release, active)
    everything = bool(reason) or run.options.full
    if reason:
        with run.watch.tally.stage("learn"):
            run.watch.progress(f"learn {entity.name}", 0, None)
            release = resolving.learn_all(work, run.store, run.policy)
        run.watch.tally.trained.append(release.release_id)
        run.watch.tally.notes += [f"{entity.name}: {note}" for note in (f"new release: {reason}", *release.notes)]
    if release is None:
        return
    run.watch.tally.releases[entity.name] = release.release_id
    resolving.resolve(run.store, work, release, run.watch, everything=everything)


def _why_learn(run: Run, entity: EntityType, release: Release | None, active: int) -> str | None:
    """The reason to learn a release now, None when the active one stands."""
    if active < 2 or run.options.retrain is False:
        return None if release is not None or active == 0 else "there is none yet"
    if release is None:
        return "there is none yet"
    if run.options.retrain:
        return "asked for"
    if release.policy != run.policy.hashes[entity.name]:
        return "the policy changed"
    if active > OUTGROWN * release.records:
        return f"{active} records, learnt on {release.records}"
    return None
