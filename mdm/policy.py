"""The policy of a project, complete: project file, entity types with the project's survivorship, rule books."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from importlib import metadata
from pathlib import Path

from mdm.engine.policy import EntityType, SurvivorshipPolicy
from mdm.errors import BadProject
from mdm.project_file import Limits, ProjectFile, load_project
from mdm.reading.origin import Origin
from rules.kinds import KINDS
from rules.rulebook import RuleBook, RuleBookError, merge
from rules.rulebook_load import default_rulebook, load_rulebooks

# Libraries whose new version may read the same value in another way.
READERS = (
    "anyascii",
    "email-validator",
    "jellyfish",
    "nicknames",
    "persiantools",
    "phonenumbers",
    "python-stdnum",
    "usaddress",
)


@dataclass(frozen=True, slots=True)
class ProjectPolicy:
    """All about a project that is decided before data is read; `hashes` tell, per entity type, when it changed."""

    file: ProjectFile
    entities: Mapping[str, EntityType]
    rules: Mapping[str, RuleBook]
    hashes: Mapping[str, str]

    @property
    def promised(self) -> frozenset[str]:
        """The sources that promise never to hold two records of one entity."""
        return frozenset(source.name for source in self.file.sources if source.duplicate_free)


def load_policy(path: Path) -> ProjectPolicy:
    """The policy of the project file and all it refers to. Raises BadProject."""
    file = load_project(path)
    entities = {name: _with_survivorship(entity, file) for name, entity in file.entities.items()}
    rules = _rules(file, entities)
    hashes = {name: _hash(file, entities[name], rules[name]) for name in entities}
    return ProjectPolicy(file, entities, rules, hashes)


def _with_survivorship(entity: EntityType, file: ProjectFile) -> EntityType:
    own = {
        field: SurvivorshipPolicy(spec.by, spec.unit, entity.default_survivorship.ageing)
        for field, spec in file.survivorship.items()
        if field in entity.fields
    }
    return replace(entity, survivorship={**entity.survivorship, **own})


def _rules(file: ProjectFile, entities: Mapping[str, EntityType]) -> dict[str, RuleBook]:
    known = {name: addresses_of(entity) for name, entity in entities.items()}
    try:
        own = {} if file.rules is None else load_rulebooks(file.rules, known=known)
        return {
            name: merge(default_rulebook(name), own[name]) if name in own else default_rulebook(name)
            for name in entities
        }
    except RuleBookError as error:
        raise BadProject(str(error)) from error


def addresses_of(entity: EntityType) -> set[str]:
    """The addresses a rule may name: a field, or one of its clean parts."""
    parts = {f"{n}.{sub}" for n, field in entity.fields.items() for sub in KINDS[field.kind].clean if sub != "value"}
    return parts | set(entity.fields)


def _hash(file: ProjectFile, entity: EntityType, rules: RuleBook) -> str:
    """16 hex digits over the reading of sources, thresholds, entity file, survivorship, rules, library versions."""
    versions = [f"{name}={metadata.version(name)}" for name in READERS]
    read_as = [replace(source, origin=Origin(""), limits=Limits()) for source in file.sources]
    sources = [repr(source) for source in sorted(read_as, key=lambda s: s.name)]
    survivorship = sorted(entity.survivorship.items())
    parts = [entity.text, repr(survivorship), repr(rules.rules), repr(file.match), *sources, *versions]
    return sha256("\x1e".join(parts).encode()).hexdigest()[:16]
