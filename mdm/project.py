"""The Python door: Project, with the verbs of the command line and reports as results."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

from mdm import (
    crosswalks,
    explaining,
    learning,
    publish,
    quarantine,
    release_files,
    resolving,
    steward,
    switching,
    tasks,
    verification,
)
from mdm.decisions import Desk
from mdm.errors import BadProject, OtherPolicy
from mdm.evaluation.report import evaluate
from mdm.evaluation.truth import read_truth
from mdm.history import run_summaries
from mdm.labelling import lay_labels
from mdm.matching import Work
from mdm.pipeline import Options, rehearse_batch, run_batch
from mdm.planning import plan_of
from mdm.policy import ProjectPolicy, load_policy
from mdm.quarantine import Correction, Decision
from mdm.reports import (
    CrosswalkReport,
    EvaluationReport,
    Explanation,
    ExportReport,
    HowReport,
    Plan,
    QuarantinedLine,
    ReleaseSummary,
    RunReport,
    RunSummary,
    TaskLine,
    VerdictLine,
    VerifyReport,
)
from mdm.resolve import Resolver
from mdm.resolving import Ruling
from mdm.scorecard import read_scorecard
from mdm.scorecard.report import ScorecardReport
from mdm.scratch import open_scratch
from mdm.sources import check_columns
from mdm.store import Store, access, open_store, releases, verdicts
from mdm.store.access import ApiKey
from mdm.store.locks import run_lock
from mdm.store.verdicts import Verdict
from mdm.watch import Progress, Tally, Watch, silent


class Project:
    """A project file with its store; every verb opens the store for itself."""

    def __init__(self, policy: ProjectPolicy) -> None:
        self.policy = policy

    @classmethod
    def open(cls, path: Path | str = "project.yaml", store: str | None = None) -> Project:
        """The project in a file; `store` takes the place of the file's own. Raises BadProject."""
        policy = load_policy(Path(path))
        if store is not None:
            policy = replace(policy, file=replace(policy.file, store=store))
        return cls(policy)

    @contextmanager
    def store(self) -> Iterator[Store]:
        """The project's store, closed at the end."""
        store = open_store(self.policy.file.store)
        try:
            yield store
        finally:
            store.close()

    def run(
        self,
        *,
        full: bool = False,
        retrain: bool | None = None,
        allow: Collection[str] = (),
        dry: bool = False,
        withdraw: Collection[str] = (),
        progress: Progress = silent,
    ) -> RunReport:
        """Bring the store up to date with the sources: the batch job. Raises BadSource before a store is made.

        allow: guards to set aside, of mdm.guards.GUARDS. Raises Breaker when another one stops it.
        withdraw: sources that the project file no longer has, whose records are deleted.
        dry: change nothing, and tell what would change; other writers wait meanwhile.
        """
        check_columns(self.policy.file)
        with self.store() as store:
            before = publish.count_entities(store)
            options = Options(full, retrain, frozenset(allow), frozenset(withdraw))
            if dry:
                return self._rehearse(store, options, progress, before)
            run_id, tally = run_batch(store, self.policy, options, progress)
            Desk(Resolver(store, self.policy)).expire_pins()
            return self._run_report(store, run_id, tally, before)

    def _rehearse(self, store: Store, options: Options, progress: Progress, before: Mapping[str, int]) -> RunReport:
        plans: list[Plan] = []
        hear = lambda entity, release_id, decided: plans.append(plan_of(entity, release_id, decided))  # noqa: E731
        run_id, tally, after = rehearse_batch(store, self.policy, options, progress, hear)
        report = self._run_report(store, run_id, tally, before)
        return replace(report, outcome="dry run", entities_after=after, plans=tuple(plans))

    def _run_report(self, store: Store, run_id: int, tally: Tally, before: Mapping[str, int]) -> RunReport:
        return RunReport(
            run_id=run_id,
            outcome="done",
            counts=tally.counts,
            seconds=tally.seconds,
            records=publish.count_records(store),
            quarantined=tally.quarantined,
            entities_before=before,
            entities_after=publish.count_entities(store),
            merges=tally.merges,
            review_links=publish.count_review_links(store, self.policy.entities),
            releases=tally.releases,
            trained=tuple(tally.trained),
            notes=tuple(tally.notes),
            tasks=publish.count_tasks(store),
        )

    def train(self, *, labels: Path | None = None, progress: Progress = silent) -> list[ReleaseSummary]:
        """Releases learnt from the stored records, one per entity type that has any; not activated.

        labels: a truth file as for `evaluate`; its pairs and what stewards said estimate m, and choose the merge
        threshold when there are enough. Raises BadSource.
        """
        truth = None if labels is None else read_truth(labels)
        learnt = []
        with self.store() as store, open_scratch() as scratch:
            for entity in self.policy.entities.values():
                progress(f"learn {entity.name}", 0, None)
                work = Work(scratch, entity)
                with store.reading() as connection:
                    if len(resolving.load_all(work, connection)) < 2:
                        continue
                    release = learning.learn(work, self.policy, partial(lay_labels, work, connection, truth))
                with store.writing() as connection:
                    learning.save(connection, release)
                learnt.append(learning.summary(release, active=False))
        return learnt

    def releases(self) -> list[ReleaseSummary]:
        """All releases, oldest first."""
        with self.store() as store, store.reading() as connection:
            active = {name: releases.active(connection, name) for name in self.policy.entities}
            ids = {stored.release_id for stored in active.values() if stored is not None}
            known = releases.all(connection)
        return [learning.summary(learning.read(stored), active=stored.release_id in ids) for stored in known]

    def export_release(self, release_id: str, path: Path, form: str = "json") -> ExportReport:
        """Write a release: `json`, a file for `import_release`, or `splink`, a folder for Splink."""
        with self.store() as store, open_scratch() as scratch, store.reading() as connection:
            if form == "json":
                return ExportReport(tuple(release_files.write_json(connection, release_id, path)))
            release = switching.fit_release(connection, self.policy, release_id)
            work = Work(scratch, self.policy.entities[release.entity])
            return ExportReport(tuple(release_files.write_splink(connection, release, work, path)))

    def import_release(self, path: Path) -> ReleaseSummary:
        """The release of a file that `export_release` wrote, stored, not active. Raises BadSource, BadProject."""
        release = release_files.read_json(path)
        if release.entity not in self.policy.entities:
            raise BadProject(
                f"{path} decides about {release.entity}; this project has {', '.join(self.policy.entities)}"
            )
        with self.store() as store, store.writing() as connection:
            learning.save(connection, release)
            return learning.summary(learning.read(releases.get(connection, release.release_id)), active=False)

    def plan(self, release_id: str, *, progress: Progress = silent) -> Plan:
        """What `activate` would change, entity by entity; nothing is written. Raises what `activate` raises."""
        with self.store() as store, open_scratch() as scratch:
            with store.reading() as connection:
                release = switching.fit_release(connection, self.policy, release_id)
            work = Work(scratch, self.policy.entities[release.entity], self.policy.promised)
            ruling = Ruling(release, everything=True, switches=True)
            decided = resolving.decide(store, work, ruling, Watch(progress=progress))
            return plan_of(release.entity, release.release_id, decided)

    def activate(self, release_id: str, *, progress: Progress = silent) -> str:
        """Decide everything by this release, beside the live entities, and switch at once; the id of what is active.

        Another id than the one given when the release was learnt under another policy: its weights are carried over.
        Raises NotFound, or BadInput when the project changed since its last run or the release does not fit it.
        """
        with self.store() as store, run_lock(store), open_scratch() as scratch:
            with store.reading() as connection:
                release = switching.fit_release(connection, self.policy, release_id)
            work = Work(scratch, self.policy.entities[release.entity], self.policy.promised)
            watch = Watch(progress=progress)
            resolving.resolve(store, work, Ruling(release, everything=True, switches=True), watch)
            self._settle(store)
        return release.release_id

    def runs(self, limit: int = 20) -> list[RunSummary]:
        """The batch jobs, newest first."""
        with self.store() as store, store.reading() as connection:
            return run_summaries(connection, limit)

    def scorecard(self, runs: int = 30) -> ScorecardReport:
        """How good the data of each source is, and how that moved over the last runs."""
        with self.store() as store, store.reading() as connection:
            return read_scorecard(connection, self.policy.file.project, runs)

    def import_crosswalk(self, path: Path, actor: str = "") -> CrosswalkReport:
        """Reserve the ids of another master (source, record_id, entity_id) for its records; the next run uses them."""
        with self.store() as store, store.writing() as connection:
            return crosswalks.import_crosswalk(connection, path, actor)

    def tasks(self, kind: str | None = None, *, state: str | None = "open", limit: int | None = None) -> list[TaskLine]:
        """The questions to stewards of that kind and state (None: of any), the most urgent first."""
        with self.store() as store, store.reading() as connection:
            return tasks.task_lines(connection, kind=kind, state=state, limit=limit)

    def evaluate(self, truth: Path) -> EvaluationReport:
        """The quality of the partition against a truth file."""
        labels = read_truth(truth)
        with self.store() as store, store.reading() as connection:
            predicted = publish.crosswalk(connection)
            scored = publish.scored_pairs(connection)
            active = {n: learning.active_release(connection, n) for n in self.policy.entities}
        marks = {f"{kind} {n}": getattr(r, kind) for n, r in active.items() if r for kind in ("review", "merge")}
        return evaluate(predicted, labels, scored=scored, thresholds=marks)

    def explain(self, left: str, right: str) -> Explanation:
        """Why two records (`source:record_id`) match or not."""
        with self.store() as store, store.reading() as connection:
            return explaining.explain(connection, steward.parse_record(left), steward.parse_record(right))

    def how(self, entity: str) -> HowReport:
        """How an entity came together; an entity id, or a record of it as `source:record_id`."""
        with self.store() as store, store.reading() as connection:
            return explaining.how(connection, entity)

    def export(self, directory: Path, file_format: str = "parquet", since: publish.Since | None = None) -> ExportReport:
        """Write the tables of the store as files."""
        with self.store() as store:
            return publish.export(store, self.policy, directory, file_format, since)

    def verify(self) -> VerifyReport:
        """Check the store: its chain, its invariants, and that a rebuild gives the same entities."""
        with self.store() as store:
            return verification.verify(store, self.policy)

    def verdict(
        self, kind: str, left: Sequence[str], right: Sequence[str], reason: str, actor: str, *, relation: str = ""
    ) -> int:
        """The number of a new verdict about two sets of records; entities follow at once.

        relation: with `related`, how they are, such as household or employer.
        """
        names = [tuple(steward.parse_record(text) for text in side) for side in (left, right)]
        details = {"relation": relation} if relation else {}
        given = Verdict(kind, names[0], names[1], reason, actor, details=details)
        with self.store() as store:
            try:
                # Who works at the command line has the store, too: nobody else is asked.
                return Desk(Resolver(store, self.policy)).give_alone(given)
            except OtherPolicy:
                with store.writing() as connection:
                    number = steward.give_verdict(connection, given)
                self._settle(store)
        return number

    def withdraw(self, verdict_id: int, *, reason: str = "", actor: str = "") -> None:
        """Withdraw a verdict; entities become at once what they would be without it."""
        with self.store() as store:
            try:
                Desk(Resolver(store, self.policy)).undo(verdict_id, reason=reason, actor=actor)
            except OtherPolicy:
                with store.writing() as connection:
                    withdrawn = verdicts.get(connection, verdict_id)
                    steward.withdraw_verdict(connection, verdict_id, reason=reason, actor=actor)
                    quarantine.follow(connection, self.policy, withdrawn)
                self._settle(store)

    def quarantined(self, *, every: bool = False) -> list[QuarantinedLine]:
        """The records that rules keep apart and no steward decided about; every: also those that one did."""
        with self.store() as store, store.reading() as connection:
            return quarantine.list_quarantined(connection, self.policy, every=every)

    def decide_quarantined(
        self, kind: Literal["released", "discarded"], names: Sequence[str], reason: str, actor: str
    ) -> list[int]:
        """The numbers of the verdicts about quarantined records; released ones join their entities at once."""
        decision = Decision(kind, tuple(steward.parse_record(name) for name in names), reason, actor)
        with self.store() as store:
            with store.writing() as connection:
                numbers = quarantine.decide(connection, self.policy, decision)
            self._settle(store)
        return numbers

    def correct_quarantined(
        self, record: str, values: Mapping[str, str | Sequence[str] | None], reason: str, actor: str
    ) -> int:
        """The number of the verdict that corrects a quarantined record, which joins its entity at once.

        values: `phone` or `name.family` -> a text, several, or none where what was delivered is wrong and no more.
        """
        correction = Correction(steward.parse_record(record), values, reason, actor)
        with self.store() as store:
            with store.writing() as connection:
                number = quarantine.correct(connection, self.policy, correction)
            self._settle(store)
        return number

    def verdicts(self) -> list[VerdictLine]:
        """All verdicts, withdrawn ones too."""
        with self.store() as store, store.reading() as connection:
            return explaining.verdict_lines(verdicts.all(connection))

    def api_keys(self) -> list[ApiKey]:
        """The keys of callers, revoked ones too, without their secrets."""
        with self.store() as store, store.reading() as connection:
            return access.all(connection)

    def _settle(self, store: Store) -> None:
        """Decide what is unresolved with the active releases."""
        with open_scratch() as scratch:
            for entity in self.policy.entities.values():
                with store.reading() as connection:
                    release = learning.active_release(connection, entity.name)
                if release is not None:
                    resolving.resolve(store, Work(scratch, entity, self.policy.promised), Ruling(release), Watch())
