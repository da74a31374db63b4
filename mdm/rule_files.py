"""Rule books as files for others: an editor's schema, a data contract, and a contract read back as rules."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mdm.engine.policy import EntityType
from mdm.entity import BUILT_IN, load_entity
from mdm.errors import BadInput, BadProject
from mdm.policy import ProjectPolicy, addresses_of, load_policy
from rules.contract import contract_of
from rules.contract_import import Imported, Target, import_contract
from rules.kinds import KINDS
from rules.rulebook import RuleBook, RuleBookError
from rules.rulebook_load import default_rulebook, load_rulebooks
from rules.rulebook_write import entries_text


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What rules may speak of: a project's own entity types and rule books, or the shipped ones without a project."""

    entities: Mapping[str, EntityType]
    rules: Mapping[str, RuleBook]
    policy: ProjectPolicy | None = None

    @property
    def addresses(self) -> dict[str, list[str]]:
        """Entity type -> the fields its rules may name, sorted."""
        return {name: sorted(addresses_of(entity)) for name, entity in self.entities.items()}

    @property
    def name(self) -> str:
        """The name of the project."""
        return "mdm" if self.policy is None else self.policy.file.project


def open_vocabulary(path: Path) -> Vocabulary:
    """The vocabulary of the project file; the shipped one when there is no such file. Raises BadProject."""
    if not path.exists():
        return Vocabulary({n: load_entity(n) for n in BUILT_IN}, {n: default_rulebook(n) for n in BUILT_IN})
    policy = load_policy(path)
    return Vocabulary(policy.entities, policy.rules, policy)


def export_contract(vocabulary: Vocabulary) -> dict[str, Any]:
    """All rules as a data contract."""
    return contract_of(vocabulary.name, vocabulary.rules.values(), vocabulary.addresses)


def import_rules(
    vocabulary: Vocabulary, contract: Path, entity: str | None, source: str | None
) -> tuple[str, Imported]:
    """The text of a rule book with the rules of the contract, and what was left out.

    source: reads the contract's properties as columns of that source, and limits the rules to it.
    Raises BadInput for a contract that cannot be read, or rules that could not be loaded again.
    """
    types = vocabulary.addresses
    columns = {} if source is None else _columns(vocabulary, source)
    if entity is not None and entity not in types:
        raise BadInput(f"unknown entity type {entity!r}; known: {', '.join(types)}")
    try:
        imported = import_contract(contract, Target(types, columns, entity, source))
        text = entries_text(imported.entries) if imported.entries else ""
        _check(text, types)
    except RuleBookError as error:
        raise BadInput(str(error)) from error
    return text, imported


def _check(text: str, types: Mapping[str, list[str]]) -> None:
    """Raises RuleBookError when the text is no rule book."""
    if text:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "imported rules"
            path.write_text(text, encoding="utf-8")
            load_rulebooks(path, known=types)


def _columns(vocabulary: Vocabulary, source: str) -> dict[str, str]:
    """Column -> the field it feeds, by the mapping of the source; the first slot of a field counts."""
    if vocabulary.policy is None:
        raise BadProject("--source needs a project file; name it with -p")
    specs = {spec.name: spec for spec in vocabulary.policy.file.sources}
    if source not in specs:
        raise BadInput(f"unknown source {source!r}; known: {', '.join(specs)}")
    columns: dict[str, str] = {}
    for entity, mappings in specs[source].fields.items():
        for mapping in mappings:
            kind = KINDS[vocabulary.entities[entity].fields[mapping.field].kind]
            for slot in mapping.slots:
                for part, column in slot.items():
                    whole = part in ("value", "full") or part not in kind.clean
                    columns.setdefault(column, mapping.field if whole else f"{mapping.field}.{part}")
    return columns
