"""project.yaml -> one frozen ProjectFile; every check of policy that needs no data happens here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from mdm.engine.policy import EntityType, SurvivorshipPolicy
from mdm.entity import BUILT_IN, load_entity
from mdm.guards import GuardSpec
from mdm.mapping import FieldMapping, compile_fields
from mdm.project_schema import EntityDoor, ProjectDoor, SourceDoor, open_door
from mdm.project_yaml import Document, KeyPath, read_yaml
from mdm.reading.chunks import Form
from mdm.reading.encodings import AUTO, is_text_encoding
from mdm.reading.origin import DATABASES, REFERENCE, Origin
from rules.countries import COUNTRIES

LINE_ID = "@line"  # as `record_id`: the line number names the row, for files without an id of their own
STORES = ("sqlite", "postgresql")
SECRET_WORDS = {"password", "passwd", "pwd"}
SEPARATOR_WORDS = {"comma": ",", "semicolon": ";", "pipe": "|", "tab": "\t", "\\t": "\t", "space": " "}
IN_ENVIRONMENT = "write ${NAME} in its place, and set NAME in the environment"


@dataclass(frozen=True, slots=True)
class EntityRule:
    """How a row tells its entity type: the column's value through `values`; `default` when it is blank."""

    column: str | None
    values: Mapping[str, str]
    default: str | None

    @property
    def types(self) -> tuple[str, ...]:
        """The entity types a row may be of, sorted."""
        return tuple(sorted({*self.values.values(), *([self.default] if self.default else [])}))


@dataclass(frozen=True, slots=True)
class CountryRule:
    """Where the country of a row comes from: a column, and an ISO 3166 alpha-2 code when that is blank."""

    column: str | None
    default: str | None


@dataclass(frozen=True, slots=True)
class DateRule:
    """The order of day, month and year: by country (alpha-2), else `default`."""

    default: str
    by_country: Mapping[str, str]

    def order(self, country: str | None) -> str:
        """mdy, dmy, ymd, jalali or auto."""
        return self.by_country.get(country or "", self.default)


@dataclass(frozen=True, slots=True)
class TrustRule:
    """Trust of 0..100 in the source, and in single fields of it."""

    default: int
    fields: Mapping[str, int]

    def of(self, field: str) -> int:
        """The trust in this field."""
        return self.fields.get(field, self.default)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a delivery may hold before it is refused.

    latest_of_duplicates: of rows that give one record twice the newest stands; else they are refused.
    max_rejected: share of rows, 0..1, that may be rejected; None: not stated.
    """

    latest_of_duplicates: bool = False
    max_rejected: float | None = None


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """One block under `sources`."""

    name: str
    origin: Origin
    limits: Limits
    where: Mapping[str, str]
    record_id: str
    entity: EntityRule
    updated_at: str | None
    country: CountryRule
    dates: DateRule
    trust: TrustRule
    duplicate_free: bool
    snapshot: bool
    fields: Mapping[str, tuple[FieldMapping, ...]]


@dataclass(frozen=True, slots=True)
class MatchSpec:
    """Thresholds in bits; None leaves them to the model."""

    review: float | None
    merge: float | None


@dataclass(frozen=True, slots=True)
class StewardshipSpec:
    """How stewards work: minutes that a claim lasts, days until what was unsure is asked again.

    Four eyes: a second person has to agree where a decision affects so many records (None: any number), a record of
    one of these sources, or an entity that was confirmed.
    """

    lease: int = 30
    unsure: int = 30
    records: int | None = 50
    sources: frozenset[str] = frozenset()
    confirmed: bool = True


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """The policy of a project; `store` is a URL, absolute for SQLite; `path` is absolute.

    renames: source -> the name it had before. They change nothing of what is decided.
    """

    path: Path
    project: str
    store: str
    sources: tuple[SourceSpec, ...]
    entities: Mapping[str, EntityType]
    rules: Path | None
    match: MatchSpec
    guards: GuardSpec
    survivorship: Mapping[str, SurvivorshipPolicy]
    renames: Mapping[str, str]
    stewardship: StewardshipSpec = StewardshipSpec()


def load_project(path: Path, environ: Mapping[str, str] | None = None) -> ProjectFile:
    """The project a file describes; `MDM_STORE` in the environment takes the place of `store`.

    Raises BadProject with file, line, key path and the words allowed there. Reads no data.
    """
    return project_of(read_yaml(Path(path).absolute()), os.environ if environ is None else environ)


def project_of(document: Document, environ: Mapping[str, str]) -> ProjectFile:
    """The project a document describes, as `load_project` has it."""
    door = open_door(document)
    entities = _entities(document, door)
    return ProjectFile(
        path=document.path,
        project=door.project,
        store=_store(document, door.store, environ),
        sources=tuple(_source(document, name, source, entities) for name, source in door.sources.items()),
        entities=entities,
        rules=_rules(document, door.rules),
        match=_match(document, door),
        guards=GuardSpec(**dict(door.guards)),
        survivorship=_survivorship(document, door, entities),
        renames=_renames(document, door),
        stewardship=_stewardship(document, door),
    )


def _entities(document: Document, door: ProjectDoor) -> dict[str, EntityType]:
    """The entity types the sources name; files in `entities/` beside the project come first."""
    folder = document.path.parent / "entities"
    own = folder if folder.is_dir() else None
    known = sorted({*BUILT_IN, *(file.stem for file in folder.glob("*.yaml"))})
    named: dict[str, None] = {}
    for source, block in door.sources.items():
        for key, name in _types_named(("sources", source, "entity"), block.entity):
            if name not in known:
                raise document.refuse_word(key, name, "entity type", known)
            named[name] = None
    return {name: load_entity(name, own) for name in named}


def _types_named(key: KeyPath, entity: EntityDoor) -> list[tuple[KeyPath, str]]:
    default = [((*key, "default"), entity.default)] if entity.default else []
    return [*default, *(((*key, "values", value), name) for value, name in entity.values.items())]


def _store(document: Document, written: str | None, environ: Mapping[str, str]) -> str:
    if written is not None:
        _refuse_secret(document, ("store",), written)
    url = environ.get("MDM_STORE") or written
    if url is None:
        raise document.refuse(("store",), "is missing; write sqlite:///NAME.db, or set MDM_STORE")
    scheme = url.partition(":")[0].partition("+")[0]
    if scheme not in STORES or "://" not in url:
        raise document.refuse_word(("store",), scheme, "store", [f"{s}://" for s in STORES])
    return _absolute_sqlite(url, document.path.parent) if scheme == "sqlite" else url


def _absolute_sqlite(url: str, folder: Path) -> str:
    head, separator, file = url.partition(":///")
    return f"{head}{separator}{folder / file}" if separator else url


def _refuse_secret(document: Document, key: KeyPath, url: str) -> None:
    """Files are shared and versioned: a password in one is refused before anything reads it."""
    try:
        parts = urlsplit(url)
        secret = bool(parts.password) or not SECRET_WORDS.isdisjoint(parse_qs(parts.query))
    except ValueError as error:
        raise document.refuse(key, "is not a URL") from error
    if secret:
        advice = "set the whole URL as MDM_STORE in the environment" if key == ("store",) else IN_ENVIRONMENT
        raise document.refuse(key, f"holds a password; {advice}")


def _source(document: Document, name: str, door: SourceDoor, entities: Mapping[str, EntityType]) -> SourceSpec:
    key = ("sources", name)
    _check_name(document, key, name)
    entity = _entity_rule(document, (*key, "entity"), door.entity)
    mine = {type_: entities[type_] for type_ in entity.types}
    fields = compile_fields(document, (*key, "fields"), door.fields, mine)
    known = {field for type_ in mine.values() for field in type_.fields}
    return SourceSpec(
        name=name,
        origin=_origin(document, key, door),
        limits=Limits(door.on_duplicate == "latest", door.max_rejected),
        where=door.where,
        record_id=door.record_id,
        entity=entity,
        updated_at=door.updated_at,
        country=_country(document, key, door),
        dates=_dates(document, key, door),
        trust=_trust(document, key, door, known),
        duplicate_free=door.duplicate_free,
        snapshot=door.snapshot,
        fields=fields,
    )


def _check_name(document: Document, key: KeyPath, name: str) -> None:
    if not name.strip() or ":" in name:
        raise document.refuse(key, "a source name needs a letter and no colon: records are written `source:record_id`")


def _origin(document: Document, key: KeyPath, door: SourceDoor) -> Origin:
    """Where the rows come from; what only the environment can tell is checked when they are read."""
    if "://" in door.read:
        _refuse_secret(document, (*key, "read"), REFERENCE.sub("", door.read))  # a reference is no secret
    form = Form(door.encoding, _separator(document, key, door.separator), door.sheet)
    origin = Origin(door.read, form, door.query, door.table)
    if not is_text_encoding(form.encoding) and form.encoding != AUTO:
        problem = f"unknown encoding {form.encoding!r}; write auto, utf-8, utf-16, windows-1252, windows-1258, ..."
        raise document.refuse((*key, "encoding"), problem)
    if origin.is_database:
        _check_database(document, key, door, form)
    elif "://" in door.read:
        raise document.refuse((*key, "read"), "is a database; write a `query` or a `table` beside it")
    return origin


def _check_database(document: Document, key: KeyPath, door: SourceDoor, form: Form) -> None:
    scheme = door.read.partition("://")[0].partition("+")[0]
    if door.query is not None and door.table is not None:
        raise document.refuse((*key, "table"), "stands beside `query`; write one of them")
    if not (door.query or door.table or "").strip():
        raise document.refuse((*key, "query" if door.table is None else "table"), "is empty")
    if not REFERENCE.match(door.read) and scheme not in (*DATABASES, "postgres"):
        allowed = [f"{name}://" for name in DATABASES]
        raise document.refuse_word((*key, "read"), scheme, "database", allowed)
    if door.record_id == LINE_ID:
        raise document.refuse((*key, "record_id"), "rows of a database have no lines; name a column of the table")
    if form != Form():
        raise document.refuse((*key, "read"), "is a database; `encoding`, `separator` and `sheet` are for files")


def _separator(document: Document, key: KeyPath, written: str | None) -> str | None:
    if written is None:
        return None
    character = SEPARATOR_WORDS.get(written.lower(), written)
    if len(character) != 1 or character in '"\r\n\0':
        words = ", ".join(SEPARATOR_WORDS)
        raise document.refuse((*key, "separator"), f"needs one character, or a word: {words}; not {written!r}")
    return character


def _entity_rule(document: Document, key: KeyPath, door: EntityDoor) -> EntityRule:
    if door.column is None and (door.values or door.default is None):
        raise document.refuse(key, "needs a type, or `column` with `values`")
    if door.column is not None and not door.values:
        raise document.refuse(key, "a `column` needs `values`: which text means which entity type")
    values: dict[str, str] = {}
    for text, type_ in door.values.items():
        if values.setdefault(fold_value(text), type_) != type_:
            raise document.refuse((*key, "values", text), "means two types; upper and lower case are the same here")
    return EntityRule(door.column, values, door.default)


def fold_value(text: str) -> str:
    """The form in which values of an entity column are compared: no outer blanks, no case."""
    return text.strip().casefold()


def _country(document: Document, key: KeyPath, door: SourceDoor) -> CountryRule:
    code = door.country.default
    return CountryRule(door.country.column, None if code is None else _code(document, (*key, "country"), code))


def _code(document: Document, key: KeyPath, text: str) -> str:
    """The country as alpha-2, written here only as that."""
    if text.upper() not in COUNTRIES:
        raise document.refuse(key, f"unknown country {text!r}; write its two letters of ISO 3166, such as US, VN or IR")
    return text.upper()


def _dates(document: Document, key: KeyPath, door: SourceDoor) -> DateRule:
    orders = {name: order for name, order in door.dates.items() if name != "default"}
    by_country = {_code(document, (*key, "dates", name), name): order for name, order in orders.items()}
    return DateRule(door.dates.get("default", "auto"), by_country)


def _trust(document: Document, key: KeyPath, door: SourceDoor, known: set[str]) -> TrustRule:
    fields = {name: trust for name, trust in door.trust.items() if name != "default"}
    for name in fields:
        if name not in known:
            raise document.refuse_word((*key, "trust", name), name, "field", ["default", *sorted(known)])
    return TrustRule(door.trust.get("default", 50), fields)


def _rules(document: Document, written: str | None) -> Path | None:
    if written is None:
        return None
    path = document.path.parent / written
    if not path.is_file():
        raise document.refuse(("rules",), f"no file {path}")
    return path


def _renames(document: Document, door: ProjectDoor) -> dict[str, str]:
    """Source -> its former name, which is no source's name now and nobody else's former one."""
    renames: dict[str, str] = {}
    for name, source in door.sources.items():
        old = source.renamed_from
        if old is not None and (old in door.sources or old in renames.values()):
            key = ("sources", name, "renamed_from")
            raise document.refuse(key, f"{old!r} is a source of this file, or renamed twice")
        if old is not None:
            renames[name] = old
    return renames


def _stewardship(document: Document, door: ProjectDoor) -> StewardshipSpec:
    spec = door.stewardship
    for place, name in enumerate(spec.four_eyes.sources):
        if name not in door.sources:
            raise document.refuse_word(("stewardship", "four_eyes", "sources", place), name, "source", door.sources)
    four = spec.four_eyes
    return StewardshipSpec(spec.lease, spec.unsure, four.records, frozenset(four.sources), four.confirmed)


def _match(document: Document, door: ProjectDoor) -> MatchSpec:
    review, merge = (None if bits == "auto" else bits for bits in (door.match.review, door.match.merge))
    if review is not None and merge is not None and review > merge:
        raise document.refuse(("match", "review"), f"{review} bits is above merge, {merge} bits; it must not be")
    return MatchSpec(review, merge)


def _survivorship(
    document: Document, door: ProjectDoor, entities: Mapping[str, EntityType]
) -> dict[str, SurvivorshipPolicy]:
    known = sorted({field for type_ in entities.values() for field in type_.fields})
    for name in door.survivorship:
        if name not in known:
            raise document.refuse_word(("survivorship", name), name, "field", known)
    return {name: SurvivorshipPolicy(tuple(s.by), s.as_ == "unit", s.ageing) for name, s in door.survivorship.items()}
