"""A project of ten invented rows with small entity files of its own, so that every bit is known: no training.

All m and u are powers of two: the weights are whole bits beside the prior.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from mdm import learning, resolving, steward
from mdm.linkage.train import TrainingInput, starting_release
from mdm.matching import Work
from mdm.pipeline import Options, run_batch
from mdm.policy import ProjectPolicy, load_policy
from mdm.resolving import Ruling
from mdm.scratch import open_scratch
from mdm.store import Store, open_store, releases
from mdm.store.verdicts import Identity, Verdict
from mdm.watch import Watch, silent
from tests.conftest import MOMENT, TEMPLATE

PROJECT = """\
project: small
store: sqlite:///unused.db
sources:
  crm:
    read: crm.csv
    record_id: id
    entity: {column: kind, values: {P: person, C: organisation}}
    updated_at: changed
    country: US
    trust: 90
    snapshot: true
    on_duplicate: latest
    fields:
      person: {name.given: first, name.family: last, phone: phone, email: email, birth_date: born, address.city: city}
      organisation: {name: company, phone: phone, email: email, address.city: city}
  web:
    read: web.csv
    record_id: id
    entity: {column: kind, values: {P: person, C: organisation}}
    updated_at: changed
    country: US
    trust: 50
    on_duplicate: latest
    fields:
      person: {name.full: name, phone: phone, email: email, birth_date: born}
      organisation: {name: name, phone: phone, email: email}
"""
PERSON = """\
entity: person
fields:
  name: {kind: person_name, pii: high}
  birth_date: {kind: date, pii: high}
  phone: {kind: phone, pii: high, multiple: true}
  email: {kind: email, pii: high}
  address: {kind: address, pii: high}
  national_id: {kind: identifier, pii: high}
  tax_id: {kind: identifier, pii: high}
  passport: {kind: identifier, pii: high}
  driving_licence: {kind: identifier, pii: high}
  other_id: {kind: identifier, pii: high}
  website: {kind: website, pii: low}
features:
  given: {from: name.given}
  given_forms: {from: name.given_forms, many: true}
  family: {from: name.family}
  birth_days: {from: birth_date.days, many: true, number: true}
  phones: {from: phone.number, many: true}
  emails: {from: email.address, many: true}
gates: {household: share_any(phones)}
comparisons:
  - name: given
    show: [name.given]
    unknown: missing(given)
    gate: household
    levels:
      - {name: same, when: exact(given), m: 0.5, u: 0.015625, u_gated: 0.25}
      - {name: other spelling, when: share_any(given_forms), m: 0.25, u: 0.0078125, u_gated: 0.125}
      - {name: different, when: else, m: 0.03125, u: 0.5}
  - name: household
    show: [name.family, phone, address]
    unknown: all(missing(family), missing(phones))
    levels:
      - {name: family and phone, when: "all(exact(family), share_any(phones))", m: 0.5, u: 0.0009765625}
      - {name: family, when: exact(family), m: 0.25, u: 0.015625}
      - {name: different, when: else, m: 0.0625, u: 0.5}
  - name: phone
    show: [phone]
    unknown: any(missing(phones), share_any(phones))
    levels:
      - {name: one digit off, when: levenshtein(phones) <= 1, m: 0.0625, u: 0.015625}
      - {name: different, when: else, m: 0.5, u: 0.5}
  - name: email
    show: [email]
    unknown: missing(emails)
    levels:
      - {name: same, when: share_any(emails), m: 0.5, u: 0.000244140625}
      - {name: different, when: else, m: 0.25, u: 0.5}
  - name: birth_date
    show: [birth_date]
    unknown: missing(birth_days)
    levels:
      - {name: same, when: share_any(birth_days), m: 0.5, u: 0.001953125}
      - {name: different, when: else, m: 0.0625, u: 0.5}
keys: {phone: [phones], email: [emails], born: [family, birth_days]}
survivorship:
  default: {by: [trusted, most_recent]}
  address: {by: [most_recent], as: unit}
"""
ORGANISATION = """\
entity: organisation
fields:
  name: {kind: organisation_name, pii: none}
  phone: {kind: phone, pii: low, multiple: true}
  email: {kind: email, pii: low}
  website: {kind: website, pii: none}
  address: {kind: address, pii: none}
  tax_id: {kind: identifier, pii: low}
  registration_id: {kind: identifier, pii: none}
  lei: {kind: identifier, pii: none}
  other_id: {kind: identifier, pii: none}
features:
  core: {from: name.core}
  phones: {from: phone.number, many: true}
comparisons:
  - name: name
    show: [name]
    unknown: missing(core)
    levels:
      - {name: same, when: exact(core), m: 0.5, u: 0.00390625}
      - {name: different, when: else, m: 0.125, u: 0.5}
  - name: phone
    show: [phone]
    unknown: missing(phones)
    levels:
      - {name: same, when: share_any(phones), m: 0.5, u: 0.0009765625}
      - {name: different, when: else, m: 0.25, u: 0.5}
keys: {phone: [phones], name: [core]}
survivorship:
  default: {by: [trusted, most_recent]}
"""
CRM = """\
id,kind,first,last,company,phone,email,born,city,changed
C1,P,Jon,Smithson,,(312) 555-0142,jon.smithson@example.com,1980-02-03,Chicago,2024-01-05
C2,P,Ann,Smithson,,(312) 555-0142,,,Chicago,2024-01-06
C3,P,Mary,Poole,,(312) 555-0177,mary@example.org,1975-12-01,Evanston,2024-01-07
C4,P,,,,,,,,2024-01-08
C5,C,,,Harbour Lights LLC,(312) 555-0111,desk@harbour-lights.example,,Chicago,2024-01-09
C6,P,Too,Many,,,,,,2024-01-09,cells
"""
WEB = """\
id,kind,name,phone,email,born,changed
W1,P,Jonathan Smithson,312-555-0142,jon.smithson@example.com,1980-02-03,2024-03-01
W2,P,Mary Poole,,mary@example.org,1975-12-01,2024-03-02
W3,P,Olga Brandt,(312) 555-0199,,1990-05-05,2024-03-03
W4,C,Harbour Lights,312-555-0111,desk@harbour-lights.example,,2024-03-04
W5,C,Quarry & Sons,312-555-0188,office@quarry.example,,2024-03-05
"""


def write_project(folder: Path, crm: str = CRM, web: str = WEB) -> Path:
    """The project file in a folder with its data."""
    (folder / "crm.csv").write_text(crm)
    (folder / "web.csv").write_text(web)
    (folder / "project.yaml").write_text(PROJECT)
    (folder / "entities").mkdir(exist_ok=True)
    (folder / "entities" / "person.yaml").write_text(PERSON)
    (folder / "entities" / "organisation.yaml").write_text(ORGANISATION)
    return folder / "project.yaml"


def run(store: Store, policy: ProjectPolicy, *, full: bool = False) -> None:
    """A batch run that learns nothing."""
    run_batch(store, policy, Options(full=full, retrain=False, allow=frozenset({"deletes"})), silent)


def run_first(store: Store, policy: ProjectPolicy) -> None:
    """The first run, then another with releases as the entity files expect them: so few records teach nothing."""
    run(store, policy)
    for entity in policy.entities.values():
        with open_scratch() as scratch:
            work = Work(scratch, entity)
            with store.reading() as connection:
                resolving.load_all(work, connection)
            expected = starting_release(TrainingInput(scratch, entity, work.table("features"), work.table("pairs")))
        hashed = policy.hashes[entity.name]
        named = replace(expected, release_id=f"{entity.name}-start", policy=hashed, review=0.0, merge=6.0)
        with store.writing() as connection:
            learning.save(connection, named)
            releases.activate(connection, named.release_id)
    run(store, policy, full=True)


def settle(store: Store, policy: ProjectPolicy) -> None:
    """Decide what is unresolved, as after a verdict."""
    with open_scratch() as scratch:
        for entity in policy.entities.values():
            with store.reading() as connection:
                release = learning.active_release(connection, entity.name)
            assert release is not None
            resolving.resolve(store, Work(scratch, entity), Ruling(release), Watch())


def give(store: Store, policy: ProjectPolicy, kind: str, left: Identity, right: Identity) -> int:
    """The number of a verdict that entities follow."""
    with store.writing() as connection:
        number = steward.give_verdict(connection, Verdict(kind, (left,), (right,), "seen the papers", "jane"))
    settle(store, policy)
    return number


@pytest.fixture(scope="module")
def run_sqlite(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file that has seen a run of the project, to copy."""
    folder = tmp_path_factory.mktemp("run")
    path = folder / "store.db"
    shutil.copy(sqlite_template, path)
    _run_once(f"sqlite:///{path}", folder)
    return path


@pytest.fixture(scope="module")
def run_postgresql(postgresql: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a database that has seen a run of the project, to copy."""
    name = copy_database(postgresql, TEMPLATE)
    _run_once(postgresql.get_uri(database=name), tmp_path_factory.mktemp("run"))
    return name


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A store that has seen a run of the project, on each database in turn."""
    if request.param == "sqlite":
        path = tmp_path / "store.db"
        shutil.copy(request.getfixturevalue("run_sqlite"), path)
        yield from _opened(f"sqlite:///{path}")
    else:
        server = request.getfixturevalue("postgresql")
        name = copy_database(server, request.getfixturevalue("run_postgresql"))
        yield from _opened(server.get_uri(database=name))
        execute(server, f"drop database {name} with (force)")


@pytest.fixture
def policy(tmp_path: Path) -> ProjectPolicy:
    """The project of the store, in a folder that the test may change."""
    return load_policy(write_project(tmp_path))


def _opened(url: str) -> Iterator[Store]:
    store = open_store(url, clock=lambda: MOMENT)
    yield store
    store.close()


def _run_once(url: str, folder: Path) -> None:
    for store in _opened(url):
        run_first(store, load_policy(write_project(folder)))


def copy_database(server: Any, template: str) -> str:
    name = f"test_{uuid.uuid4().hex}"
    execute(server, f"create database {name} template {template}")
    return name


def execute(server: Any, statement: str) -> None:
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute(statement.encode())
