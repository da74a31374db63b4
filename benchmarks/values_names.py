"""os_name_bench: is it the same name? parse_names: which words are the given name, the family name, the legal form?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.values_scores import Detection, Score, read_rows
from mdm.engine.features import make_features, plan_features
from mdm.engine.policy import ComparisonPolicy, EntityType
from mdm.engine.release import Comparison, FeatureShape, LevelWeight, Release
from mdm.engine.score import Scorer, make_scorer
from mdm.entity import load_entity
from rules.kinds import KINDS
from rules.outcome import Context

# The whole-name comparison only adds evidence where the parts differ (an alias, one name inside the other).
WHOLE_NAME = "full name"
NAME_COMPARISONS = {
    "person": ("given", "middle", "suffix", "household", "full name"),
    "organisation": ("name", "legal_form", "branch"),
}
NAME_COLUMNS = {"full": "full_name", "given": "first_name", "middle": "middle_name", "family": "last_name"}
PERSON_LABELS = {
    "GivenName": "given", "FirstInitial": "given", "MiddleName": "middle", "MiddleInitial": "middle",
    "Surname": "family", "LastInitial": "family", "SuffixGenerational": "suffix", "SuffixOther": "suffix",
    "PrefixMarital": "title", "PrefixOther": "title",
}  # fmt: skip


def score_name_pairs(folder: Path) -> Iterator[Detection]:
    """Precision, recall and F1 of `same`, for people, for organisations and for both."""
    both = Detection("people and organisations")
    scores = {name: Detection(name) for name in NAME_COMPARISONS}
    judges = {name: _Judge(load_entity(name)) for name in NAME_COMPARISONS}
    for row in read_rows(folder / "pairs.parquet"):
        entity = "person" if row["schema"] == "Person" else "organisation"
        said = judges[entity].says_same(row["name_l"], row["name_r"])
        for score in (scores[entity], both):
            score.count(said, bool(row["label"]), f"{row['name_l']}  |  {row['name_r']}")
    yield from scores.values()
    yield both


class _Judge:
    """The name comparisons of an entity type, with the weights its file ships, over names alone."""

    def __init__(self, entity: EntityType) -> None:
        self.read = KINDS[entity.fields["name"].kind].standardise
        self.plan = plan_features(entity)
        self.scorer = _name_scorer(entity)

    def says_same(self, left: str, right: str) -> bool:
        """Whether the two are one name."""
        return self.judge(self.features({"full": left}), self.features({"full": right}))

    def judge(self, left: Mapping[str, Any], right: Mapping[str, Any]) -> bool:
        """Whether the evidence as a whole speaks for one name, by the shipped m and u, and no part against it."""
        score = self.scorer.score(left, right)
        parts = [evidence for evidence in score.evidence if evidence.comparison != WHOLE_NAME]
        return score.units > 0 and all(part.units >= 0 for part in parts)

    def features(self, columns: Mapping[str, str], country: str | None = None) -> Mapping[str, Any]:
        """The features of a name in its columns."""
        outcomes = self.read(columns, Context(country), {})
        claims = [{"clean": o.clean, "compare": o.compare, "issues": o.issues, "trust": 50} for o in outcomes]
        return make_features({"name": claims}, self.plan)


def score_scripts(folder: Path) -> Iterator[Score]:
    """True pairs of people whose names stand in Persian letters here and in Latin ones there: called the same name."""
    judge, score = _Judge(load_entity("person")), Score("people in two scripts: called the same name")
    clusters = {(row["source"], row["record_id"]): row["cluster_id"] for row in read_rows(folder / "truth.parquet")}
    people: dict[str, dict[bool, list[Mapping[str, Any]]]] = {}
    for row in read_rows(folder / "records.parquet"):
        columns = {part: row[column] for part, column in NAME_COLUMNS.items() if row[column]}
        if row["record_type"] == "PERSON" and columns:
            scripts = people.setdefault(clusters[row["source"], row["record_id"]], {True: [], False: []})
            scripts["".join(columns.values()).isascii()].append(judge.features(columns, "IR"))
    for scripts in people.values():
        for left in scripts[True]:
            for right in scripts[False]:
                score.count(judge.judge(left, right), f"{left['name_tokens']} | {right['name_tokens']}")
    yield score


def _name_scorer(entity: EntityType) -> Scorer:
    names = NAME_COMPARISONS[entity.name]
    kept = tuple(_comparison(c) for c in entity.comparisons if c.name in names)
    shapes = {name: FeatureShape(f.many, f.number) for name, f in entity.features.items()}
    return make_scorer(Release("names", entity.name, 2, 0.5, shapes, kept, {}, (), 1, 0.0, 0.0))


def _comparison(policy: ComparisonPolicy) -> Comparison:
    levels = tuple(LevelWeight(v.name, v.when, v.m, v.u) for v in policy.levels)
    return Comparison(policy.name, policy.show, policy.unknown, levels)


def score_name_parts(folder: Path) -> Iterator[Score | Detection]:
    """Words that end up in the part of the name that their label says; names of two people are counted apart."""
    scores: dict[str, Score] = {}
    two = Detection("two people in one field")
    for row in read_rows(folder / "records.parquet"):
        if row["source"] == "person_labeled":
            said = _score_person(row, scores)
            two.count(said, "And" in row["labels"], row["text"])
        else:
            _score_company(row, scores)
    yield from sorted(scores.values(), key=lambda score: score.measure)
    yield two


def _score_person(row: Mapping[str, Any], scores: dict[str, Score]) -> bool:
    """Count the labelled words; whether the field was read as two people."""
    outcomes = KINDS["person_name"].standardise({"full": row["text"]}, Context("US"), {})
    clean = outcomes[0].clean if outcomes else {}
    is_two = any("name.two_people" in outcome.issues for outcome in outcomes)
    if "And" not in row["labels"]:
        for token, label in zip(row["tokens"], row["labels"], strict=True):
            part = PERSON_LABELS.get(label)
            if part is not None:
                score = scores.setdefault(label, Score(f"person {label}"))
                score.count(_word(token) in _words(clean.get(part, "")), f"{row['text']}: {token} in {dict(clean)}")
    return is_two


def _score_company(row: Mapping[str, Any], scores: dict[str, Score]) -> None:
    outcomes = KINDS["organisation_name"].standardise({"full": row["text"]}, Context("US"), {})
    forms = [word for outcome in outcomes for word in _words(outcome.clean.get("legal_form", ""))]
    for token, label in zip(row["tokens"], row["labels"], strict=True):
        if label == "CorporationLegalType":
            score = scores.setdefault(label, Score(f"company {label}"))
            score.count(_word(token) in forms, f"{row['text']}: {token} in {forms}")


def _words(text: str) -> Sequence[str]:
    return [_word(word) for word in text.split()]


def _word(text: str) -> str:
    return "".join(filter(str.isalnum, text.lower()))
