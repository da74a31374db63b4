"""The batch job: sources -> records -> keys -> links -> entities -> golden records. Read this first.

First the delivery is committed: records with their keys, marked unresolved. Under another policy than the active
release's, stored records are read again. Then all that is unresolved is linked, clustered and published, one
transaction per entity type. A run that dies in between leaves a consistent store with unresolved records, and the
next run goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

import duckdb
from sqlalchemy import Connection

from mdm import delivery, guards, judging, learning, rereading, resolving, reuse, scoring, source_changes
from mdm.engine.policy import EntityType
from mdm.engine.release import Release
from mdm.errors import BadProject, Breaker
from mdm.intake import Intake
from mdm.matching import Work
from mdm.policy import ProjectPolicy
from mdm.rereading import Rereading
from mdm.resolving import Decided, GuardedWrite, Ruling
from mdm.scratch import count, open_scratch
from mdm.sources import check_columns
from mdm.store import Store, arrivals, measures, overview, runs, sources
from mdm.store.locks import run_lock
from mdm.watch import Progress, Tally, Watch
from rules.set_judging import SetOutcome

Judge = Callable[[judging.Guard, Connection, Collection[str]], list[SetOutcome]]

# A release learnt on fewer than half of today's records no longer speaks for them.
OUTGROWN = 2
# How often a run decides again what others changed while it decided.
ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Options:
    """full: decide everything anew. retrain: True learns new releases, False never does, None when there is need.

    allow: the guards that are set aside. withdraw: sources without a block whose records are deleted.
    """

    full: bool = False
    retrain: bool | None = None
    allow: frozenset[str] = frozenset()
    withdraw: frozenset[str] = frozenset()


Hear = Callable[[str, str, Decided], None]


@dataclass(frozen=True, slots=True)
class Run:
    """One run under way; active: the releases when it began."""

    store: Store
    policy: ProjectPolicy
    active: Mapping[str, Release | None]
    scratch: duckdb.DuckDBPyConnection
    options: Options
    watch: Watch

    @property
    def limits(self) -> GuardedWrite:
        """What may be written without being asked for."""
        return GuardedWrite(self.policy.file.guards, self.options.allow)

    def work(self, entity: EntityType) -> Work:
        """The scratch tables of one entity type."""
        return Work(self.scratch, entity, self.policy.promised)


def run_batch(store: Store, policy: ProjectPolicy, options: Options, progress: Progress) -> tuple[int, Tally]:
    """Bring the store up to date with the sources; the run's number and what it counted.

    Raises BadSource or BadProject before anything is written, Breaker when a guard stops the run.
    """
    check_columns(policy.file)
    with run_lock(store):
        return _run(store, policy, options, Watch(progress=progress))


def rehearse_batch(
    store: Store, policy: ProjectPolicy, options: Options, progress: Progress, hear: Hear
) -> tuple[int, Tally, Mapping[str, int]]:
    """The same without a trace in the store; hear: is told each decision. Also the entities there would be, by type."""
    check_columns(policy.file)
    with run_lock(store), store.rehearsing() as stage:
        run_id, tally = _run(stage, policy, options, Watch(progress=progress, decided=hear))
        with stage.reading() as connection:
            return run_id, tally, overview.entity_counts(connection)


def _run(store: Store, policy: ProjectPolicy, options: Options, watch: Watch) -> tuple[int, Tally]:
    active = _active_releases(store, policy)
    if options.retrain is False:
        _refuse_unfit(policy, active)
    with store.writing() as connection:
        source_changes.check_withdrawals(connection, policy.file, options.withdraw)
        run_id = runs.start(connection, "batch")
        arrivals.forget(connection)
    with _recorded(store, run_id, watch.tally), open_scratch() as scratch:
        run = Run(store, policy, active, scratch, options, replace(watch, run_id=run_id))
        _reread(run, deliver(run, run_id))
        resolve_all(run)
        _score(run, run_id)
    return run_id, watch.tally


@contextmanager
def _recorded(store: Store, run_id: int, tally: Tally) -> Iterator[None]:
    """The run ends in the history with its outcome: done, stopped by a guard, or failed."""
    outcome = "failed"
    try:
        yield
        outcome = "done"
    except Breaker:
        outcome = "stopped"
        raise
    finally:
        with store.writing() as connection:
            runs.finish(connection, run_id, outcome, tally.history())


def deliver(run: Run, run_id: int) -> int:
    """Read the sources and commit what changed; the number of the newest change when the reading began."""
    intake = Intake(run.policy.file)
    if run.policy.file.renames:
        with run.store.writing() as connection:
            run.watch.tally.notes += source_changes.follow_renames(connection, run.policy.file)
    with run.watch.tally.stage("read and prepare"):
        with run.store.reading() as connection:
            stored = delivery.read_stored(connection)
        staged = delivery.stage_delivery(run.scratch, run.policy, intake.batches(), stored, partial(_count, run))
        intake.refuse(run.scratch, staged, stored.hashes, run.options.allow)
        seen = stored.change
        del stored
    _guard_delivery(run, staged.by_source)
    leaving = _withdraw(run)
    _guard(run, [name for name in run.policy.entities if name not in _changed(run)], judging.judge_delivery)
    with run.watch.tally.stage("write records"), run.store.writing() as connection:
        run.watch.progress("write records", 0, None)
        delivery.catch_up(connection, run.scratch, seen)
        caps = {release.cap for release in run.active.values() if release is not None}
        reused = reuse.find_reused(connection, run.scratch, run.active)
        done = delivery.commit_delivery(connection, run.scratch, run.policy.entities, run_id, caps)
        for name, rids in reused.items():
            reuse.flag_reused(connection, name, rids, run_id)
        delivery.set_aside(connection, run_id, intake.bad)
        source_changes.note_withdrawals(connection, run.options.withdraw, leaving)
        left = source_changes.left_notes(sources.held(connection), run.policy.file)
    run.watch.tally.quarantined = intake.rejected.total() + done.quarantined
    for stage, amount in (
        ("rows read", staged.read + intake.rejected.total()),
        ("rows set aside", intake.rejected.total()),
        ("records new", done.new),
        ("records changed", done.changed),
        ("records stale", done.stale),
        ("records deleted", done.deleted),
        ("records quarantined", done.quarantined),
        ("records reused", sum(map(len, reused.values()))),
    ):
        run.watch.tally.add(stage, amount)
    run.watch.tally.notes += [*intake.notes(staged), *left]
    return seen


def _withdraw(run: Run) -> int:
    withdrawn, allowed = run.options.withdraw, "deletes" in run.options.allow
    if not withdrawn:
        return 0
    return source_changes.stage_withdrawals(run.scratch, withdrawn, run.policy.file.guards, allowed=allowed)


def _count(run: Run, rows: int) -> None:
    run.watch.progress("read and prepare", rows, None)


def _guard_delivery(run: Run, rows: Mapping[str, int]) -> None:
    """Raises Breaker when a delivery looks like less than its source holds."""
    spec, allowed = run.policy.file.guards, run.options.allow
    run.watch.tally.rows.update(rows)
    if "drop" not in allowed:
        with run.store.reading() as connection:
            before = sources.renamed(sources.former(connection), runs.last_rows(connection))
        guards.check_drop(rows, before, [s.name for s in run.policy.file.sources if s.snapshot], spec)
    if "deletes" not in allowed:
        guards.check_deletions(run.scratch, spec)


def _active_releases(store: Store, policy: ProjectPolicy) -> dict[str, Release | None]:
    with store.reading() as connection:
        return {name: learning.active_release(connection, name) for name in policy.entities}


def _refuse_unfit(policy: ProjectPolicy, active: Mapping[str, Release | None]) -> None:
    """Raises BadProject when an active release compares features as the entity file no longer has them."""
    for name, release in active.items():
        changed = [] if release is None else learning.unfit_features(release, policy.entities[name])
        if changed:
            raise BadProject(
                f"the entity file of {name} changed {', '.join(changed)}, which the active release compares; "
                "run without --no-retrain, so that a new release is learnt"
            )


def _guard(run: Run, types: Collection[str], judge: Judge) -> None:
    """Hold the types against their rules over sets, if any. Raises Breaker when one of them stops the run."""
    asked = [name for name in types if run.policy.rules[name].over_sets]
    if not asked:
        return
    guard = judging.Guard(run.scratch, run.policy, run.store.now().date())
    with run.watch.tally.stage("judge sets"), run.store.reading() as connection:
        outcomes = judge(guard, connection, asked)
    run.watch.tally.outcomes += outcomes
    run.watch.tally.notes += judging.refuse_failures(outcomes, allowed="rules" in run.options.allow)


def _changed(run: Run) -> list[str]:
    """The types whose stored records were prepared under another policy."""
    if not count(run.scratch, "stored"):
        return []
    return [name for name, r in run.active.items() if r is None or r.policy != run.policy.hashes[name]]


def _reread(run: Run, since: int) -> None:
    """Prepare stored records again where the policy is not the one they were prepared under, or everything is asked."""
    changed = _changed(run)
    types = list(run.active) if run.options.full and count(run.scratch, "stored") else changed
    if types:
        with run.watch.tally.stage("read again"):
            done = rereading.reread(Rereading(run.store, run.scratch, run.policy, types, since), run.watch)
            with run.store.writing() as connection:
                reuse.keep_flags(connection)
        run.watch.tally.add("read again", done)
        _guard(run, changed, judging.judge_stored)


def resolve_all(run: Run) -> None:
    """Decide all entity types; twice when records changed their type: one type lets them go, the other takes them."""
    rulings = {name: _ruling(run, entity) for name, entity in run.policy.entities.items()}
    moved = [_resolve_type(run, name, ruling) for name, ruling in rulings.items()]
    if any(moved):
        for name, ruling in rulings.items():
            _resolve_type(run, name, None if ruling is None else Ruling(ruling.release))


def _resolve_type(run: Run, name: str, ruling: Ruling | None) -> bool:
    """Link, cluster and publish the unresolved records of one type; True when records left it for another."""
    work = run.work(run.policy.entities[name])
    if ruling is None:
        resolving.settle_nobodies(run.store, work)
        return False
    run.watch.tally.releases[name] = ruling.release.release_id
    outcome = resolving.resolve(run.store, work, ruling, run.watch, run.limits)
    moved = outcome.moved
    for _ in range(ATTEMPTS):
        if not outcome.outdated:
            return moved
        outcome = resolving.resolve(run.store, work, Ruling(ruling.release), run.watch, run.limits)
        moved |= outcome.moved
    run.watch.tally.notes.append(f"{name}: some records changed faster than they were decided; the next run takes them")
    return moved


def _score(run: Run, run_id: int) -> None:
    """Write how good the data is now; after a run that changed nothing it is as good as before."""
    changes = ("records new", "records changed", "records deleted", "read again", "entities written")
    with run.watch.tally.stage("score"), run.store.writing() as connection:
        if any(run.watch.tally.counts.get(change) for change in changes) or not measures.repeat(connection, run_id):
            told = scoring.measure_store(connection, run.policy, run.store.now(), run.watch.tally.outcomes)
            measures.write(connection, run_id, told)


def _ruling(run: Run, entity: EntityType) -> Ruling | None:
    """The release that decides, learnt now when one is due, and whether everything is to be decided anew."""
    release = run.active[entity.name]
    with run.store.reading() as connection:
        reason = _why_learn(run, entity, release, learning.active_count(connection, entity.name))
    if reason:
        return Ruling(_learn(run, entity, reason), everything=True, switches=True)
    if release is None:
        return None
    if release.policy != run.policy.hashes[entity.name]:
        carried = learning.carried_over(release, run.policy)
        run.watch.tally.notes.append(f"{entity.name}: the policy changed; {carried.release_id} keeps the weights")
        return Ruling(carried, everything=True, switches=True)
    return Ruling(release, everything=run.options.full)


def _learn(run: Run, entity: EntityType, reason: str) -> Release:
    with run.watch.tally.stage("learn"):
        run.watch.progress(f"learn {entity.name}", 0, None)
        work = run.work(entity)
        with run.store.reading() as connection:
            resolving.load_all(work, connection)
        release = learning.learn(work, run.policy)
    run.watch.tally.trained.append(release.release_id)
    run.watch.tally.notes += [f"{entity.name}: {note}" for note in (f"new release: {reason}", *release.notes)]
    return release


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
