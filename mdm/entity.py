"""Entity files: YAML -> what a person or an organisation is, as checked, frozen policy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mdm.engine.levels import MEASURES, BadLevel, Level, Otherwise, measures_of, parse_level
from mdm.engine.policy import (
    ComparisonPolicy,
    EntityType,
    FeaturePolicy,
    FieldPolicy,
    KeyPolicy,
    LevelPolicy,
    SharedPolicy,
    SurvivorshipPolicy,
)
from mdm.engine.survive import STRATEGIES
from mdm.errors import BadProject
from rules.kinds import KINDS

BUILT_IN = ("person", "organisation")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _FieldFile(_Strict):
    kind: str
    pii: Literal["high", "low", "none"]
    multiple: bool = False
    options: dict[str, str] = Field(default_factory=dict)


class _FeatureFile(_Strict):
    source: str | list[str] = Field(alias="from")
    many: bool = False
    number: bool = False
    without: list[str] = Field(default_factory=list)


class _LevelFile(_Strict):
    name: str
    when: str
    m: float = Field(gt=0, lt=1)
    u: float = Field(gt=0, lt=1)
    u_gated: float | None = Field(default=None, gt=0, lt=1)
    rarity: str | None = None


class _ComparisonFile(_Strict):
    name: str
    show: list[str]
    unknown: str
    levels: list[_LevelFile] = Field(min_length=2)
    gate: str | None = None


class _SurvivorshipFile(_Strict):
    by: list[str] = Field(min_length=1)
    unit: Literal["unit", "parts"] = Field("parts", alias="as")
    ageing: float = Field(default=2.0, ge=0)


class _SharedFile(_Strict):
    features: list[str] = Field(min_length=1)
    among: list[str] = Field(min_length=1)


class _EntityFile(_Strict):
    entity: str
    fields: dict[str, _FieldFile]
    features: dict[str, _FeatureFile]
    let: dict[str, str] = Field(default_factory=dict)
    gates: dict[str, str] = Field(default_factory=dict)
    comparisons: list[_ComparisonFile]
    keys: dict[str, list[str]]
    identifying: list[str] = Field(default_factory=list)
    shared: _SharedFile | None = None
    strong: list[str] = Field(default_factory=list)
    survivorship: dict[str, _SurvivorshipFile]


def load_entity(name: str, folder: Path | None = None) -> EntityType:
    """The entity type of that name: the project's own `entities/NAME.yaml` in `folder`, else the shipped one.

    Raises BadProject with the file, the key and the words allowed there.
    """
    own = None if folder is None else folder / f"{name}.yaml"
    if own is not None and own.exists():
        return parse_entity(own.read_text(encoding="utf-8"), str(own))
    if name not in BUILT_IN:
        raise BadProject(f"unknown entity type {name!r}; known: {', '.join(BUILT_IN)}")
    shipped = resources.files("mdm") / "entities" / f"{name}.yaml"
    return parse_entity(shipped.read_text(encoding="utf-8"), f"{name}.yaml")


# Cached by its text, never by its place: a file may change while a server runs.
@cache
def parse_entity(text: str, file: str) -> EntityType:
    """The entity type that the YAML text describes; `file` is for messages."""
    try:
        raw = _EntityFile.model_validate(yaml.safe_load(text))
        if "default" not in raw.survivorship:
            raise BadProject(f"{file}: survivorship: needs a rule named default")
    except ValidationError as error:
        first = error.errors()[0]
        raise BadProject(f"{file}: {'.'.join(str(p) for p in first['loc'])}: {first['msg']}") from None
    except yaml.YAMLError as error:
        raise BadProject(f"{file}: not readable as YAML: {error}") from None
    fields = {n: _field(n, field, file) for n, field in raw.fields.items()}
    features = {name: _feature(name, feature, raw, file) for name, feature in raw.features.items()}
    _check_names(raw, file)
    reader = _LevelReader(raw.let, features, file)
    return EntityType(
        name=raw.entity,
        fields=fields,
        features=features,
        comparisons=tuple(_comparison(c, raw, reader) for c in raw.comparisons),
        gates={name: reader.read(text, f"gates.{name}") for name, text in raw.gates.items()},
        keys=tuple(KeyPolicy(n, tuple(_key_part(part, features, file) for part in on)) for n, on in raw.keys.items()),
        identifying=tuple(raw.identifying),
        strong=tuple(raw.strong),
        survivorship={n: _survivorship(n, rule, raw, file) for n, rule in raw.survivorship.items() if n != "default"},
        default_survivorship=_survivorship("default", raw.survivorship["default"], raw, file),
        text=text,
        shared=_shared(raw.shared, features, file),
    )


def _shared(raw: _SharedFile | None, features: Mapping[str, FeaturePolicy], file: str) -> SharedPolicy | None:
    if raw is None:
        return None
    for name in (*raw.features, *raw.among):
        if name not in features:
            raise BadProject(f"{file}: shared: unknown feature {name!r}; known: {', '.join(features)}")
    for name in raw.features:
        if not features[name].many or features[name].number:
            raise BadProject(f"{file}: shared.features: {name!r} is no list of texts (`many: true`)")
    for name in raw.among:
        if features[name].many or features[name].number:
            raise BadProject(f"{file}: shared.among: {name!r} holds more than one text, or numbers")
    return SharedPolicy(tuple(raw.features), tuple(raw.among))


def _check_names(raw: _EntityFile, file: str) -> None:
    """Raises BadProject for a name of a field or feature that the file does not have."""
    used: list[tuple[str, str, Mapping[str, object]]] = [("identifying", n, raw.fields) for n in raw.identifying]
    compared = {comparison.name: comparison for comparison in raw.comparisons}
    used += [("strong", name, compared) for name in raw.strong]
    for comparison in raw.comparisons:
        place = f"comparisons.{comparison.name}"
        used += [(f"{place}.show", name.partition(".")[0], raw.fields) for name in comparison.show]
        used += [(f"{place}.{v.name}.rarity", v.rarity, raw.features) for v in comparison.levels if v.rarity]
    for place, name, known in used:
        if name not in known:
            raise BadProject(f"{file}: {place}: unknown name {name!r}; known: {', '.join(known)}")


def _field(name: str, field: _FieldFile, file: str) -> FieldPolicy:
    if field.kind not in KINDS:
        raise BadProject(f"{file}: fields.{name}.kind: unknown kind {field.kind!r}; known: {', '.join(KINDS)}")
    return FieldPolicy(name, field.kind, field.options, field.pii, field.multiple)


def _survivorship(name: str, rule: _SurvivorshipFile, raw: _EntityFile, file: str) -> SurvivorshipPolicy:
    if name != "default" and name not in raw.fields:
        raise BadProject(f"{file}: survivorship: unknown field {name!r}; known: default, {', '.join(raw.fields)}")
    for strategy in rule.by:
        if strategy not in STRATEGIES:
            known = ", ".join(STRATEGIES)
            raise BadProject(f"{file}: survivorship.{name}: unknown strategy {strategy!r}; known: {known}")
    return SurvivorshipPolicy(tuple(rule.by), rule.unit == "unit", rule.ageing)


def _feature(name: str, feature: _FeatureFile, raw: _EntityFile, file: str) -> FeaturePolicy:
    sources = [feature.source] if isinstance(feature.source, str) else feature.source
    pairs = []
    for source in sources:
        field, _, part = source.partition(".")
        if field not in raw.fields:
            raise BadProject(f"{file}: features.{name}: unknown field {field!r}; known: {', '.join(raw.fields)}")
        parts = KINDS[raw.fields[field].kind].compare
        if part not in parts:
            raise BadProject(f"{file}: features.{name}: {field} offers no {part!r}; known: {', '.join(parts)}")
        pairs.append((field, part))
    return FeaturePolicy(name, tuple(pairs), feature.many, feature.number, tuple(feature.without))


def _comparison(comparison: _ComparisonFile, raw: _EntityFile, reader: _LevelReader) -> ComparisonPolicy:
    place = f"comparisons.{comparison.name}"
    if comparison.gate is not None and comparison.gate not in raw.gates:
        known = ", ".join(raw.gates)
        raise BadProject(f"{reader.file}: {place}.gate: unknown gate {comparison.gate!r}; known: {known}")
    levels = tuple(
        LevelPolicy(
            level.name,
            reader.read(level.when, f"{place}.{level.name}"),
            level.m,
            level.u,
            level.u_gated or level.u,
            level.rarity,
        )
        for level in comparison.levels
    )
    if not isinstance(levels[-1].when, Otherwise):
        raise BadProject(f"{reader.file}: {place}: the last level must be 'else'")
    unknown = reader.read(comparison.unknown, f"{place}.unknown")
    return ComparisonPolicy(comparison.name, tuple(comparison.show), unknown, levels, comparison.gate)


def _key_part(text: str, features: Mapping[str, FeaturePolicy], file: str) -> tuple[str, int | None]:
    """`feature` or `feature[:n]`."""
    match = re.fullmatch(r"(\w+)(?:\[:(\d+)\])?", text)
    if match is None or match[1] not in features:
        raise BadProject(f"{file}: keys: unknown feature {text!r}; known: {', '.join(features)}")
    return match[1], None if match[2] is None else int(match[2])


@dataclass(frozen=True, slots=True)
class _LevelReader:
    """Reads level texts with the file's own named conditions, and checks the features they use."""

    let: Mapping[str, str]
    features: Mapping[str, FeaturePolicy]
    file: str

    def read(self, text: str, place: str) -> Level:
        try:
            level = parse_level(self.expand(text))
        except BadLevel as error:
            raise BadProject(f"{self.file}: {place}: {error}") from None
        for measure in measures_of(level):
            for feature in measure.features:
                self.check(measure.name, feature, place)
        return level

    def expand(self, text: str, inside: tuple[str, ...] = ()) -> str:
        def replace(match: re.Match[str]) -> str:
            word = match.group()
            if word in inside:
                raise BadProject(f"{self.file}: let.{inside[0]}: {' -> '.join((*inside, word))} goes round in a circle")
            return self.expand(self.let[word], (*inside, word)) if word in self.let else word

        return re.sub(r"\b[a-z_][a-z0-9_]*\b(?!\s*\()", replace, text)

    def check(self, measure: str, feature: str, place: str) -> None:
        if feature not in self.features:
            known = ", ".join([*self.features, *self.let])
            raise BadProject(f"{self.file}: {place}: unknown feature {feature!r}; known: {known}")
        policy, wanted = self.features[feature], MEASURES[measure][2]
        if wanted == "list" and not policy.many:
            raise BadProject(f"{self.file}: {place}: {measure} needs a feature with `many: true`, not {feature!r}")
        if wanted == "text" and (policy.many or policy.number):
            raise BadProject(f"{self.file}: {place}: {measure} needs a feature with one text value, not {feature!r}")
        if wanted.startswith("number") != policy.number and wanted not in {"any", "list"}:
            raise BadProject(f"{self.file}: {place}: {measure} cannot compare {feature!r}")
