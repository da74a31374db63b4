"""Resolving in bulk: unresolved records of one type -> links, entities and golden records in the store.

Everything is decided first, from one snapshot, and nothing of it is written: `decide` also answers what another release
would change. Then it is written, portion by portion, or in one transaction where a new release takes over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field

import pyarrow as pa
from sqlalchemy import Connection

from mdm import contradictions, freshness, golden, learning, matching, oddities, tasks
from mdm.changes import Draft, Portion, draft_changes
from mdm.deciding import Part, Person, Rulings, partition
from mdm.engine.cluster import components
from mdm.engine.release import GRID, Release, to_units
from mdm.golden import Block
from mdm.guards import GuardSpec, check_merges, check_sizes
from mdm.matching import Work
from mdm.scratch import append, count, fetch, has_table
from mdm.store import Store, arrivals, crosswalk, entities, links, overview, records, releases, verdicts
from mdm.store.arrivals import Moved
from mdm.store.bulk import rows_of
from mdm.store.links import LinkRow
from mdm.tasks import Findings, Touched
from mdm.unresolved import Unresolved, active_rids, read_people, read_rulings, read_touched, read_unresolved
from mdm.watch import Watch

PORTION_RECORDS = 20_000


@dataclass(frozen=True, slots=True)
class Ruling:
    """By which release records are decided; everything: all of them, anew. switches: the release is not active yet."""

    release: Release
    everything: bool = False
    switches: bool = False


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision that is not written yet; `links_TYPE` holds its links.

    people: everybody it is about, also those in `todo.gone`. compared: pairs. findings: what stewards should know.
    verdicts, change: the numbers of the newest verdict it obeys and of the newest change it saw; rulings: of all
    verdicts. reserved: record -> the number of its id in another master, where that has no entity yet.
    """

    todo: Unresolved
    verdicts: int
    rulings: Rulings
    change: int
    people: dict[int, Person]
    parts: list[Part]
    compared: int
    findings: Findings
    reserved: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GuardedWrite:
    """What may be written without being asked for; allow: the guards that are set aside."""

    spec: GuardSpec
    allow: frozenset[str]

    def check(self, decided: Decided, entities_now: int) -> None:
        """Raises Breaker."""
        people = decided.people
        if "merges" not in self.allow:
            check_merges([[people[rid].eid for rid in part] for part in decided.parts], entities_now, self.spec)
        if "giants" not in self.allow:
            check_sizes([(len(part), ":".join(people[part[0]].name)) for part in decided.parts], self.spec)


@dataclass(frozen=True, slots=True)
class Outcome:
    """moved: records left for another type and wait for it. outdated: portions that others changed meanwhile."""

    moved: bool = False
    outdated: int = 0


def load_all(work: Work, connection: Connection) -> list[int]:
    """Fill `keys_TYPE` and `features_TYPE` with all active records; their rids."""
    freshness.forget_overtaken(work.scratch, connection)
    rids = active_rids(work, connection)
    _load_whole(work, connection, rids)
    return rids


def _load_whole(work: Work, connection: Connection, rids: Sequence[int]) -> None:
    """Fill `keys_TYPE` and `features_TYPE` with these, all that may be linked, unless they are there already."""
    scratch, whole = work.scratch, work.table(freshness.WHOLE + "load")
    if has_table(scratch, whole) and count(scratch, work.table("features")) == len(rids):
        return
    _load_features(work, connection, rids)
    matching.load_keys(work, connection, rids, len(rids))
    scratch.execute(f"create table {whole} as select 1 as loaded")


def _load_features(work: Work, connection: Connection, rids: Iterable[int]) -> None:
    """Make `features_TYPE` hold these records: those prepared in this run from scratch, the others from the store."""
    wanted = pa.table({"rid": pa.array(rids, pa.int64())})
    scratch = work.scratch
    scratch.execute(f"drop table if exists {work.table(freshness.WHOLE + 'load')}")
    scratch.execute("drop table if exists wanted")
    append(scratch, "wanted", wanted)
    scratch.execute(f"drop table if exists {work.table('features')}")
    matching.make_feature_table(work)
    if has_table(scratch, work.table("ready")):
        matching.stage_features(work, f"{work.table('ready')} semi join wanted using (rid)")
    missing = f"select rid from wanted anti join {work.table('features')} using (rid)"
    matching.load_features(work, connection, [rid for (rid,) in scratch.execute(missing).fetchall()])


def resolve(store: Store, work: Work, ruling: Ruling, watch: Watch, limits: GuardedWrite | None = None) -> Outcome:
    """Link, cluster and publish what is unresolved, or everything, as the ruling says.

    limits: the guards to pass first, None for what a person asked for. Raises Breaker.
    """
    decided = decide(store, work, ruling, watch)
    if decided is None:
        return Outcome()
    if limits is not None:
        with store.reading() as connection:
            present = overview.entity_counts(connection).get(work.entity.name, 0)
        limits.check(decided, present)
    watch.tally.add("pairs compared", decided.compared)
    watch.tally.add("entities written", len(decided.parts))
    cut = len(decided.findings.cut)
    if cut:
        note = f"{work.entity.name}: {cut} components were too large and were cut at higher thresholds"
        watch.tally.notes.append(note)
    watch.decided(work.entity.name, ruling.release.release_id, decided)
    return Outcome(bool(decided.todo.moved), _write(store, work, ruling, decided, watch))


def decide(store: Store, work: Work, ruling: Ruling, watch: Watch) -> Decided | None:
    """What the ruling makes of the records, all seen at one moment; None when there is nothing to decide."""
    name, release = work.entity.name, ruling.release
    with store.reading() as connection:
        with watch.tally.stage("link"):
            watch.progress(f"link {name}", 0, None)
            freshness.forget_overtaken(work.scratch, connection)
            todo = read_unresolved(work, connection, everything=ruling.everything)
            if not todo.linked and not todo.gone and not ruling.switches:
                return None
            compared = _link(work, connection, release, todo)
        with watch.tally.stage("cluster"):
            watch.progress(f"cluster {name}", 0, None)
            people, merge_links = read_touched(work, connection, release, todo)
            newest, rulings = verdicts.last(connection), read_rulings(connection, verdicts.active(connection))
            change = arrivals.now(connection)
            _complete_features(work, connection, people)
            decision = partition(release, people, merge_links, rulings, matching.weigh_inside(work, release))
        findings = Findings(
            contradictions.find_in_bulk(work, decision.parts),
            decision.cut,
            oddities.unlikely_sizes(decision.parts),
            oddities.weak_bridges(decision.parts, merge_links, to_units(release.merge)),
        )
        leaving = read_people(work, connection, todo.gone)
        reserved = _read_reserved(work, connection, people)
    return Decided(todo, newest, rulings, change, people | leaving, decision.parts, compared, findings, reserved)


def _read_reserved(work: Work, connection: Connection, rids: Iterable[int]) -> dict[int, int]:
    if crosswalk.is_empty(connection):
        return {}
    table = crosswalk.waiting(connection, rids, work.entity.name)
    return dict(zip(table["rid"].to_pylist(), table["said"].to_pylist(), strict=True))


def _link(work: Work, connection: Connection, release: Release, todo: Unresolved) -> int:
    """Fill `links_TYPE`; how many pairs were compared."""
    scratch = work.scratch
    if todo.everything:
        _load_whole(work, connection, todo.linked)
        pairs = matching.make_candidates(work, release.cap, among=None)
    else:
        matching.load_keys(work, connection, todo.linked, todo.active)
        scratch.execute("drop table if exists relinked")
        append(scratch, "relinked", pa.table({"rid": pa.array(todo.linked, pa.int64())}))
        pairs = matching.make_candidates(work, release.cap, among="relinked")
        if todo.held:
            # They have keys of the type already.
            held = ", ".join(map(str, sorted(todo.held)))
            scratch.execute(f"delete from {work.table('pairs')} where l in ({held}) or r in ({held})")
        ends = f"select distinct unnest([l, r]) from {work.table('pairs')}"
        _load_features(work, connection, [rid for (rid,) in scratch.execute(ends).fetchall()])
    matching.score_links(work, release)
    return pairs


def _complete_features(work: Work, connection: Connection, people: Iterable[int]) -> None:
    """Add to `features_TYPE` the touched records that linking had no need of."""
    held = {rid for (rid,) in work.scratch.execute(f"select rid from {work.table('features')}").fetchall()}
    matching.load_features(work, connection, sorted(set(people) - held))


def _write(store: Store, work: Work, ruling: Ruling, decided: Decided, watch: Watch) -> int:
    """How many portions could not be written, because their records changed meanwhile: they stay unresolved."""
    portions = list(cut_portions(decided))
    made = golden.make_golden(work.entity, (_load_block(store, portion) for portion in portions))
    texts = _timed(made, watch, work.entity.name)
    with store.reading() as connection:
        takes_over = ruling.switches and releases.active(connection, work.entity.name) is not None
    if takes_over:
        # Nobody may see entities of two releases: the long part comes first, then all is switched at once.
        texts = _spooled(work, texts)
    outdated = 0
    with _transactions(store, at_once=takes_over) as transaction:
        with watch.tally.stage("write links"), transaction() as connection:
            _switch(connection, ruling)
            moved = _replace_links(connection, decided.change, decided.todo, _link_rows(work, ruling.release))
            outdated += bool(moved and ruling.switches)
        for portion, golden_texts in zip(portions, texts, strict=True):
            with watch.tally.stage("publish"), transaction() as connection:
                draft = None
                if not _is_overruled(connection, decided, portion) and not _is_overtaken(connection, decided, portion):
                    draft = draft_changes(connection, work.entity, portion, decided.people, golden_texts)
                if draft is None:
                    outdated += 1
                    continue
                entities.apply(connection, draft.changes(watch.run_id))
                records.unresolve(connection, set(portion.gone).intersection(decided.todo.moved))
                touched = _touched(ruling.release, decided, portion, draft)
                tasks.refresh(connection, touched, decided.rulings, watch.run_id)
                watch.tally.merges += draft.merges
                for event in draft.events:
                    watch.tally.add(f"entities {event.kind}", 1)
    return outdated


def _touched(release: Release, decided: Decided, portion: Portion, draft: Draft) -> Touched:
    """What writing the portion touched, for the questions to stewards."""
    rids = frozenset([*(rid for part in portion.parts for rid in part), *portion.gone])
    eids = draft.eids.union(eid for rid in rids if (eid := decided.people[rid].eid) is not None)
    return Touched(release.entity, eids, rids, release.merge, decided.findings.among(rids))


def _is_overruled(connection: Connection, decided: Decided, portion: Portion) -> bool:
    """Whether a verdict was given or withdrawn since about a record of the portion."""
    named = verdicts.named_after(connection, decided.verdicts)
    return bool(named) and any(decided.people[rid].name in named for part in portion.parts for rid in part)


def _is_overtaken(connection: Connection, decided: Decided, portion: Portion) -> bool:
    """Whether a record of the portion was decided in real time since."""
    moved = arrivals.since(connection, decided.change).decided
    return bool(moved) and any(rid in moved for part in (*portion.parts, portion.gone) for rid in part)


def _replace_links(connection: Connection, change: int, todo: Unresolved, rows: Iterable[LinkRow]) -> Moved:
    """Store the links; those that were decided in real time since stand, as they are or as they are not."""
    moved = arrivals.since(connection, change)
    if not moved:
        links.replace(connection, [*todo.linked, *todo.gone], rows)
        return moved
    stored = links.touching(connection, moved.partly)
    standing = [row for row in map(LinkRow._make, rows_of(stored)) if moved.settled(row.left_rid, row.right_rid)]
    fresh = (row for row in rows if not moved.settled(row.left_rid, row.right_rid))
    replaced = {*todo.linked, *todo.gone}
    links.replace(connection, replaced, fresh)
    # What touches none of the replaced records was not taken away.
    links.put(connection, [row for row in standing if not replaced.isdisjoint(row[:2])])
    return moved


@contextmanager
def _transactions(store: Store, *, at_once: bool) -> Iterator[Callable[[], AbstractContextManager[Connection]]]:
    """What gives each step its transaction: one of its own, or the one that holds them all."""
    if at_once:
        with store.writing() as whole:
            yield lambda: nullcontext(whole)
    else:
        yield store.writing


def _switch(connection: Connection, ruling: Ruling) -> None:
    """Make the ruling's release the active one; what another one decided is unresolved until it is decided anew."""
    if ruling.switches:
        learning.save(connection, ruling.release)
        releases.activate(connection, ruling.release.release_id)
        records.unresolve(connection, None, entity_type=ruling.release.entity)


def _link_rows(work: Work, release: Release) -> Iterator[LinkRow]:
    query = f"select l, r, units, levels from {work.table('links')} order by l, r"
    for left, right, units, levels in fetch(work.scratch, query):
        yield LinkRow(left, right, units / GRID, levels, release.release_id)


def cut_portions(decided: Decided) -> Iterator[Portion]:
    """The decision in portions of some 20,000 records; what a present entity holds is never divided."""
    parts: list[Part] = []
    gone: list[int] = []
    size = 0
    for own_parts, own_gone in inseparable(decided):
        parts += own_parts
        gone += own_gone
        size += sum(map(len, own_parts)) + len(own_gone)
        if size >= PORTION_RECORDS:
            yield Portion(parts, gone)
            parts, gone, size = [], [], 0
    if parts or gone:
        yield Portion(parts, gone)


def inseparable(decided: Decided) -> Iterator[tuple[list[Part], list[int]]]:
    """Parts and leaving records, together where they hold members of one present entity, or of one reserved id."""
    leaving = [(rid,) for rid in decided.todo.gone]
    every = [*decided.parts, *leaving]
    first: dict[int, int] = {}
    ties: list[tuple[int, int]] = []
    for place, part in enumerate(every):
        for eid in {eid for rid in part for eid in (decided.people[rid].eid, decided.reserved.get(rid))} - {None}:
            if first.setdefault(eid, place) != place:  # type: ignore[arg-type]
                ties.append((first[eid], place))  # type: ignore[index]
    tied = {group[0]: group for group in components(ties)}
    later = {place for group in tied.values() for place in group[1:]}
    for place in range(len(every)):
        if place not in later:
            group = tied.get(place, [place])
            yield (
                [every[n] for n in group if n < len(decided.parts)],
                [every[n][0] for n in group if n >= len(decided.parts)],
            )


def _load_block(store: Store, portion: Portion) -> Block:
    with store.reading() as connection:
        return golden.load_block(connection, portion.parts)


def _timed(made: Iterator[list[str]], watch: Watch, name: str) -> Iterator[list[str]]:
    """The texts, with the time spent waiting for them counted as a stage."""
    done = 0
    while True:
        with watch.tally.stage("golden records"):
            texts = next(made, None)
        if texts is None:
            return
        done += len(texts)
        watch.progress(f"publish {name}", done, None)
        yield texts


def _spooled(work: Work, made: Iterator[list[str]]) -> Iterator[list[str]]:
    """The texts from the scratch database, where all of them stand before the first is given."""
    table = work.table("golden")
    work.scratch.execute(f"create or replace table {table} (portion bigint, texts varchar[])")
    portions = 0
    for texts in made:
        row = {"portion": pa.array([portions]), "texts": pa.array([texts], pa.list_(pa.string()))}
        append(work.scratch, table, pa.table(row))
        portions += 1
    return _unspooled(work, portions)


def _unspooled(work: Work, portions: int) -> Iterator[list[str]]:
    query = f"select texts from {work.table('golden')} where portion = ?"
    for portion in range(portions):
        yield work.scratch.execute(query, [portion]).fetchall()[0][0]


def settle_nobodies(store: Store, work: Work) -> None:
    """Nothing; of a type without release no record may be matched, so what is unresolved belongs to nobody."""
    with store.reading() as connection:
        todo = read_unresolved(work, connection, everything=False)
    if todo.gone:
        with store.writing() as connection:
            records.set_entities(connection, [(rid, None) for rid in todo.gone])
