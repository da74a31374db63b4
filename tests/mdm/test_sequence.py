"""Sequence neutrality: the same records, verdicts and release give the same entities, whatever came in between."""

from __future__ import annotations

import csv
import random
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from mdm import delivery, learning, publish, steward
from mdm.demo.generate import generate
from mdm.engine.release import Release
from mdm.errors import Conflict
from mdm.pipeline import Options, run_batch
from mdm.policy import ProjectPolicy, load_policy
from mdm.store import Store, entities, open_store, records, releases, tasks
from mdm.store.verdicts import Verdict
from mdm.watch import Tally, silent
from tests.mdm import small_project
from tests.mdm.small_project import run, run_sqlite, settle

__all__ = ["run_sqlite"]

pytestmark = pytest.mark.slow

Row = dict[str, str]
NewStore = Callable[[str], Store]


@pytest.fixture
def new_store(tmp_path: Path, sqlite_template: Path) -> Iterator[NewStore]:
    """Makes empty stores by name, all closed at the end."""
    made: list[Store] = []

    def make(name: str) -> Store:
        shutil.copy(sqlite_template, tmp_path / f"{name}.db")
        made.append(open_store(f"sqlite:///{tmp_path / name}.db"))
        return made[-1]

    yield make
    for store in made:
        store.close()


def freeze(store: Store, chosen: Sequence[Release]) -> Store:
    """The store, which decides by these releases from now on."""
    with store.writing() as connection:
        for release in chosen:
            learning.save(connection, release)
            releases.activate(connection, release.release_id)
    return store


def stamp(store: Store) -> str:
    with store.reading() as connection:
        return entities.stamp(connection)


Asked = list[tuple[str, float | None, int, int, list[list[str]]]]


def asked(store: Store) -> Asked:
    """The open questions to stewards, with the records of the entities they are about.

    Not those about reused records: what a record said before is history by its nature.
    """
    with store.reading() as connection:
        table = records.current(connection).to_pydict()
        sources = records.source_names(connection)
        members: dict[int, list[str]] = {}
        for source, record_id, eid in zip(table["source_id"], table["record_id"], table["eid"], strict=True):
            members.setdefault(eid, []).append(f"{sources[source]}:{record_id}")
        return sorted(
            (t.kind, t.bits, t.records, t.priority, sorted(sorted(members[e]) for e in (t.left_eid, t.right_eid) if e))
            for t in tasks.listed(connection)
            if t.kind != tasks.REUSED
        )


# Histories of a small, crowded world: few names, phones and dates, so that components grow, meet and part.

COLUMNS = {
    "crm": ("id", "kind", "first", "last", "company", "phone", "email", "born", "city", "changed"),
    "web": ("id", "kind", "name", "phone", "email", "born", "changed"),
}
GIVEN = ("Jon", "Jonathan", "Ann", "Mary", "Olga")
FAMILY = ("Smithson", "Poole", "Brandt", "Quist")
PHONES = ("", "(312) 555-0142", "(312) 555-0143", "(312) 555-0177", "(312) 555-0199", "(312) 555-0111")
HISTORIES = 8
DELIVERIES = 3


def draw_row(chance: random.Random, record_id: str, day: int) -> Row:
    """A row with the columns of both sources; day: when it was last changed."""
    given, family = chance.choice(GIVEN), chance.choice(FAMILY)
    is_company = chance.random() < 0.15
    return {
        "id": record_id,
        "kind": "C" if is_company else "P",
        "first": given,
        "last": family,
        "company": f"{family} Ltd",
        "name": f"{family} Ltd" if is_company else f"{given} {family}",
        "phone": chance.choice(PHONES),
        "email": chance.choice(["", "", "jon@example.com", "poole@example.org", f"{given}.{family}@example.net"]),
        "born": chance.choice(["", "1980-02-03", "1990-05-05", "1990-05-06"]),
        "city": chance.choice(["", "Chicago"]),
        "changed": f"2024-01-{day:02d}",
    }


World = dict[tuple[str, str], Row]


def live_on(world: World, chance: random.Random, day: int, *, changes: int) -> None:
    """Records come, change and go."""
    for _ in range(changes):
        name = (chance.choice(["crm", "web"]), f"R{chance.randint(1, 20)}")
        if name in world and chance.random() < 0.4:
            del world[name]
        else:
            world[name] = draw_row(chance, name[1], day)


def write_world(folder: Path, world: World) -> None:
    for source, columns in COLUMNS.items():
        rows = [row for (name, _), row in sorted(world.items()) if name == source]
        write_rows(folder / f"{source}.csv", columns, rows)


def write_rows(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def draw_verdict(world: World, chance: random.Random) -> Verdict:
    left, right = chance.sample(sorted(world), 2)
    return Verdict(chance.choice(["same", "different"]), (left,), (right,), "seen", "jane")


def give_what_holds(store: Store, policy: ProjectPolicy, verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The verdicts that contradict no older one; entities follow them."""
    given = []
    for verdict in verdicts:
        try:
            with store.writing() as connection:
                steward.give_verdict(connection, verdict)
        except Conflict:
            continue
        given.append(verdict)
    settle(store, policy)
    return given


@pytest.fixture
def crowded(tmp_path: Path) -> ProjectPolicy:
    """The small project with two snapshots."""
    text = small_project.PROJECT.replace("    read: web.csv\n", "    read: web.csv\n    snapshot: true\n")
    small_project.write_project(tmp_path)
    (tmp_path / "entities" / "person.yaml").write_text(small_project.PERSON + "strong: [birth_date]\n")
    (tmp_path / "project.yaml").write_text(text)
    return load_policy(tmp_path / "project.yaml")


@pytest.fixture
def capped(crowded: ProjectPolicy, run_sqlite: Path) -> list[Release]:
    """The releases of the small project; keys of more than six holders are skipped, so histories cross the cap."""
    store = open_store(f"sqlite:///{run_sqlite}")
    with store.reading() as connection:
        started = [learning.active_release(connection, name) for name in crowded.entities]
    store.close()
    return [
        replace(release, release_id=f"{release.entity}-capped", cap=6, policy=crowded.hashes[release.entity])
        for release in started
        if release is not None
    ]


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_a_history_ends_where_one_run_over_its_last_state_does(
    seed: int,
    crowded: ProjectPolicy,
    capped: list[Release],
    new_store: NewStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # In a small world every delivery is a big change, and would be linked anew as a whole.
    monkeypatch.setattr(delivery, "MOST_CHANGED", 10.0)
    chance = random.Random(seed)
    folder, world, verdicts = crowded.file.path.parent, World(), list[Verdict]()
    lived = freeze(new_store("lived"), capped)
    for day in range(1, 1 + DELIVERIES):
        live_on(world, chance, day, changes=40 if day == 1 else chance.randint(1, 6))
        write_world(folder, world)
        run(lived, crowded)
        if len(world) > 1 and chance.random() < 0.5:
            verdicts += give_what_holds(lived, crowded, [draw_verdict(world, chance)])

    at_once = freeze(new_store("at_once"), capped)
    run(at_once, crowded)
    assert sum(publish.count_entities(at_once).values()) < len(world) - 3
    known = [v for v in verdicts if {*v.left, *v.right} <= world.keys()]
    assert give_what_holds(at_once, crowded, known) == known
    assert stamp(lived) == stamp(at_once)
    assert asked(lived) == asked(at_once) != []

    with lived.reading() as connection:
        before = releases.active(connection, "person"), stamp(lived)
    run(lived, crowded, full=True)
    with lived.reading() as connection:
        assert (releases.active(connection, "person"), stamp(lived)) == before
    assert asked(lived) == asked(at_once)


# Orders of arrival, with data and entity files as shipped.

FIELDS = """\
      person: {name.full: full_name, name.given: first_name, name.middle: middle_name, name.family: last_name,
               gender: gender, birth_date: birth_date, national_id: national_id, email: email, phone: [phone, phone2],
               address.line1: address, address.city: city, address.region: region, address.postcode: postcode}
      organisation: {name: org_name, tax_id: tax_id, email: email, phone: phone, website: website,
                     address.line1: address, address.city: city, address.postcode: postcode}
"""
SOURCES = ("crm", "billing", "web", "support", "legacy", "partner")
RECORDS = 200


def customers() -> tuple[list[str], list[dict[str, Any]]]:
    """The columns and rows of generated customers."""
    (chunk,) = generate(RECORDS, seed=11)
    return chunk.records.column_names, chunk.records.to_pylist()


def write_customers(
    folder: Path, sources: Sequence[str], columns: Sequence[str], rows: Sequence[Mapping[str, Any]]
) -> Path:
    """The project file over these rows, a csv file per source, rows and sources in the order given."""
    blocks = [
        f"  {name}:\n    read: {name}.csv\n    record_id: record_id\n    updated_at: updated_at\n"
        f"    country: {{column: country}}\n    trust: {30 + 10 * len(name)}\n"
        "    dates: {US: mdy, VN: dmy, IR: jalali}\n"
        "    entity: {column: record_type, values: {PERSON: person, ORGANIZATION: organisation}}\n"
        f"    fields:\n{FIELDS}"
        for name in sources
    ]
    for name in sources:
        write_rows(folder / f"{name}.csv", columns, [row for row in rows if row["source"] == name])
    path = folder / "project.yaml"
    path.write_text(f"project: customers\nstore: sqlite:///unused.db\nsources:\n{''.join(blocks)}")
    return path


@dataclass(frozen=True, slots=True)
class FirstRun:
    """What a first run over all customers learnt, counted and decided."""

    releases: list[Release]
    tally: Tally
    entities: Mapping[str, int]
    stamp: str


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> FirstRun:
    folder = tmp_path_factory.mktemp("learnt")
    shutil.copy(sqlite_template, folder / "store.db")
    policy = load_policy(write_customers(folder, SOURCES, *customers()))
    store = open_store(f"sqlite:///{folder / 'store.db'}")
    _, tally = run_batch(store, policy, Options(), silent)
    with store.reading() as connection:
        active = [learning.active_release(connection, name) for name in policy.entities]
    run = FirstRun([r for r in active if r is not None], tally, publish.count_entities(store), stamp(store))
    store.close()
    return run


def test_a_first_run_learns_activates_and_publishes(learnt: FirstRun) -> None:
    active = {release.entity: release.release_id for release in learnt.releases}
    assert active.keys() == {"person", "organisation"}
    assert learnt.tally.releases == active
    assert sorted(learnt.tally.trained) == sorted(active.values())
    assert learnt.tally.counts["records new"] == RECORDS
    assert learnt.tally.merges == RECORDS - sum(learnt.entities.values()) - learnt.tally.quarantined > RECORDS / 4


def test_shuffled_files_sources_and_batches_give_the_same_entities(
    tmp_path: Path, learnt: FirstRun, new_store: NewStore
) -> None:
    chance = random.Random(4)
    columns, rows = customers()
    sources = list(SOURCES)
    chance.shuffle(rows)
    chance.shuffle(sources)
    store = freeze(new_store("shuffled"), learnt.releases)
    for start in range(4):
        path = write_customers(tmp_path, sources, columns, rows[start::4])
        run_batch(store, load_policy(path), Options(retrain=False), silent)
    assert stamp(store) == learnt.stamp


def test_both_databases_give_the_same_golden_records(store: Store, tmp_path: Path, learnt: FirstRun) -> None:
    path = write_customers(tmp_path, SOURCES, *customers())
    run_batch(freeze(store, learnt.releases), load_policy(path), Options(retrain=False), silent)
    assert stamp(store) == learnt.stamp


def test_learning_does_not_depend_on_the_order_of_rows(tmp_path: Path, learnt: FirstRun, new_store: NewStore) -> None:
    columns, rows = customers()
    random.Random(3).shuffle(rows)
    store = new_store("learning")
    _, tally = run_batch(store, load_policy(write_customers(tmp_path, SOURCES[::-1], columns, rows)), Options(), silent)
    assert sorted(tally.trained) == sorted(learnt.tally.trained)
    assert stamp(store) == learnt.stamp
