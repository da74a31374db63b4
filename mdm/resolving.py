"""Resolving in bulk: unresolved records of one type -> links, entities and golden records in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import pyarrow as pa
from sqlalchemy import Connection

from mdm import learning, matching
from mdm.changes import draft_changes
from mdm.deciding import Link, Person, Rulings, partition, rulings_of
from mdm.engine.release import GRID, Release, to_units
from mdm.matching import Work
from mdm.policy import ProjectPolicy
from mdm.scratch import append, has_table
from mdm.store import Store, entities, links, records, releases, verdicts
from mdm.store.links import LinkRow
from mdm.store.verdicts import Verdict
from mdm.watch import Watch


@dataclass(frozen=True, slots=True)
class Unresolved:
    """What must be decided anew in one entity type.

    linked: rids to link. gone: rids that leave its entities, those in `moved` for another type.
    active: how many records of the type may be linked.
    """

    linked: list[int]
    gone: list[int]
    moved: list[int]
    active: int

    @property
    def everything(self) -> bool:
        """Whether all records of the type are to be linked."""
        return len(self.linked) == self.active


def learn_all(work: Work, store: Store, policy: ProjectPolicy) -> Release:
    """A release learnt from all stored records of the type, saved and active."""
    with store.reading() as connection:
        load_all(work, connection)
    release = learning.learn(work, policy)
    _activate(store, release)
    return release


def _activate(store: Store, release: Release) -> None:
    """Save and activate; what another release decided is unresolved from then on, even if this run dies."""
    with store.writing() as connection:
        first = releases.active(connection, release.entity) is None
        learning.save(connection, release)
        releases.activate(connection, release.release_id)
        if not first:
            records.unresolve(connection, None)


def carry_over(store: Store, release: Release, policy: ProjectPolicy) -> Release:
    """The release under the policy of today: the same weights, the thresholds that are written; saved and active."""
    match = policy.file.match
    merge = release.merge if match.merge is None else match.merge
    review = min(release.review, merge) if match.review is None else match.review
    hashed = policy.hashes[release.entity]
    carried = learning.named(replace(release, policy=hashed, review=review, merge=merge, created_at=""))
    _activate(store, carried)
    return carried


def load_all(work: Work, connection: Connection) -> list[int]:
    """Fill `keys_TYPE` and `features_TYPE` with all active records; their rids."""
    rids = _active(work, connection)
    _load_features(work, connection, rids)
    matching.load_keys(work, connection, rids, len(rids))
    return rids


def _active(work: Work, connection: Connection) -> list[int]:
    batches = records.scan(connection, ["rid"], entity_type=work.entity.name)
    return [rid for batch in batches for rid in batch["rid"].to_pylist()]


def _load_features(work: Work, connection: Connection, rids: Iterable[int]) -> None:
    """Make `features_TYPE` hold these records: those prepared in this run from scratch, the others from the store."""
    wanted = pa.table({"rid": pa.array(rids, pa.int64())})
    scratch = work.scratch
    scratch.execute("drop table if exists wanted")
    append(scratch, "wanted", wanted)
    scratch.execute(f"drop table if exists {work.table('features')}")
    matching.make_feature_table(work)
    if has_table(scratch, work.table("ready")):
        matching.stage_features(work, f"{work.table('ready')} semi join wanted using (rid)")
    missing = f"select rid from wanted anti join {work.table('features')} using (rid)"
    matching.load_features(work, connection, [rid for (rid,) in scratch.execute(missing).fetchall()])


def resolve(store: Store, work: Work, release: Release, watch: Watch, *, everything: bool = False) -> bool:
    """Link, cluster and publish what is unresolved (or everything) with the release.

    True when records left for another type: they wait, unresolved, until that type is resolved (again).
    """
    name = work.entity.name
    with watch.tally.stage("link"), store.reading() as connection:
        watch.progress(f"link {name}", 0, None)
        todo = _unresolved(work, connection, everything=everything)
        if not todo.linked and not todo.gone:
            return False
        watch.tally.add("pairs compared", _link(work, connection, release, todo))
    with store.writing() as connection:
        with watch.tally.stage("write links"):
            _write_links(work, connection, release, todo)
        with watch.tally.stage("cluster"):
            watch.progress(f"cluster {name}", 0, None)
            people, merge_links = _touched(work, connection, release, todo)
            rulings = read_rulings(connection, verdicts.active(connection))
            _complete_features(work, connection, people)
            decision = partition(work, release, people, merge_links, rulings)
        with watch.tally.stage("golden records"):
            watch.progress(f"golden {name}", 0, None)
            olds = _people(work, connection, todo.gone)
            draft = draft_changes(connection, work.entity, decision.parts, people | olds, todo.gone)
        with watch.tally.stage("publish"):
            watch.progress(f"publish {name}", 0, None)
            entities.apply(connection, draft.changes(watch.run_id))
            records.unresolve(connection, todo.moved)
    watch.tally.merges += draft.merges
    watch.tally.add("entities written", len(decision.parts))
    if decision.cut:
        watch.tally.notes.append(f"{name}: {decision.cut} components were too large and were cut at higher thresholds")
    return bool(todo.moved)


def settle_nobodies(store: Store, work: Work) -> None:
    """Nothing; of a type without release no record may be matched, so what is unresolved belongs to nobody."""
    with store.reading() as connection:
        todo = _unresolved(work, connection, everything=False)
    if todo.gone:
        with store.writing() as connection:
            records.set_entities(connection, [(rid, None) for rid in todo.gone])


def _unresolved(work: Work, connection: Connection, *, everything: bool) -> Unresolved:
    """A record that another type's entity still holds is not linked yet: that type lets it go first."""
    name = work.entity.name
    columns = ["rid", "entity_type", "state", "eid"]
    table = records.waiting(connection, columns).to_pydict()
    types = entities.types_of(connection, {eid for eid in table["eid"] if eid is not None})
    linked: list[int] = []
    gone: list[int] = []
    moved: list[int] = []
    held: set[int] = set()
    for rid, entity, state, eid in zip(*(table[column] for column in columns), strict=True):
        home = types.get(eid, entity)
        if entity != home == name:
            gone.append(rid)
            moved += [rid] if state == "active" else []
        elif entity == name != home:
            held.add(rid)
        elif entity == name:
            (linked if state == "active" else gone).append(rid)
    active = [rid for rid in _active(work, connection) if rid not in held]
    return Unresolved(sorted(active if everything else linked), sorted(gone), moved, len(active))


def _link(work: Work, connection: Connection, release: Release, todo: Unresolved) -> int:
    """Fill `links_TYPE`; how many pairs were compared."""
    matching.load_keys(work, connection, todo.linked, todo.active)
    scratch = work.scratch
    scratch.execute("drop table if exists relinked")
    append(scratch, "relinked", pa.table({"rid": pa.array(todo.linked, pa.int64())}))
    pairs = matching.make_candidates(work, release.cap, among=None if todo.everything else "relinked")
    ends = f"select distinct unnest([l, r]) from {work.table('pairs')}"
    needed = todo.linked if todo.everything else [rid for (rid,) in scratch.execute(ends).fetchall()]
    _load_features(work, connection, needed)
    matching.score_links(work, release)
    return pairs


def _write_links(work: Work, connection: Connection, release: Release, todo: Unresolved) -> None:
    rows = _link_rows(work, release)
    links.replace(connection, [*todo.linked, *todo.gone], rows)


def _link_rows(work: Work, release: Release) -> Iterator[LinkRow]:
    cursor = work.scratch.cursor()
    cursor.execute(f"select l, r, units, levels from {work.table('links')} order by l, r")
    while rows := cursor.fetchmany(50_000):
        for left, right, units, levels in rows:
            yield LinkRow(left, right, units / GRID, levels, release.release_id)


def _touched(
    work: Work, connection: Connection, release: Release, todo: Unresolved
) -> tuple[dict[int, Person], list[Link]]:
    """Everybody in the components of the unresolved records, with all merge-level links among them."""
    if todo.everything:
        rids = set(todo.linked)
        found = _merge_links(links.scan(connection), release, rids)
    else:
        rids, found = _closure(work, connection, release, todo)
    return _people(work, connection, rids), found


def _closure(work: Work, connection: Connection, release: Release, todo: Unresolved) -> tuple[set[int], list[Link]]:
    """Grow from the unresolved records and their old companions along merge-level links and verdicts."""
    olds = records.load(connection, [*todo.linked, *todo.gone], ["eid"])["eid"].to_pylist()
    companions = entities.members(connection, {eid for eid in olds if eid is not None})["rid"].to_pylist()
    rulings = read_rulings(connection, verdicts.active(connection))
    active = set(_state_filtered(work, connection, [*todo.linked, *companions]))
    rids, fresh, found = set(), active, {}
    while fresh:
        rids |= fresh
        touching = links.touching(connection, fresh)
        for link in _merge_links(touching.to_batches(), release, None):
            found[link.left, link.right] = link
        reached = {end for pair in found for end in pair}
        reached |= {rid for together in rulings.same if together & rids for rid in together}
        fresh = set(_state_filtered(work, connection, reached - rids))
    return rids, list(found.values())


def _state_filtered(work: Work, connection: Connection, rids: Iterable[int]) -> list[int]:
    """Those of the records that are active and of this type."""
    table = records.load(connection, rids, ["rid", "entity_type", "state"]).to_pydict()
    rows = zip(table["rid"], table["entity_type"], table["state"], strict=True)
    return [rid for rid, entity, state in rows if entity == work.entity.name and state == "active"]


def _merge_links(batches: Iterable[pa.RecordBatch], release: Release, among: set[int] | None) -> list[Link]:
    least = to_units(release.merge)
    found = []
    for batch in batches:
        columns = (batch[name].to_pylist() for name in ("left_rid", "right_rid", "bits"))
        for left, right, bits in zip(*columns, strict=True):
            units = round(bits * GRID)
            if units >= least and (among is None or left in among):
                found.append(Link(left, right, units))
    return found


def _people(work: Work, connection: Connection, rids: Iterable[int]) -> dict[int, Person]:
    table = records.load(connection, rids, ["rid", "source", "record_id", "eid"]).to_pydict()
    rows = zip(table["rid"], table["source"], table["record_id"], table["eid"], strict=True)
    return {rid: Person(rid, source, record_id, source in work.promised, eid) for rid, source, record_id, eid in rows}


def _complete_features(work: Work, connection: Connection, people: Mapping[int, Person]) -> None:
    """Add to `features_TYPE` the touched records that linking had no need of."""
    held = {rid for (rid,) in work.scratch.execute(f"select rid from {work.table('features')}").fetchall()}
    matching.load_features(work, connection, sorted(people.keys() - held))


def read_rulings(connection: Connection, active: list[Verdict]) -> Rulings:
    """The active verdicts as record numbers."""
    names = {name for verdict in active for name in (*verdict.left, *verdict.right)}
    return rulings_of(active, {(r.source, r.record_id): r.rid for r in records.by_ids(connection, names)})
