"""What callers send, and what they get: the shapes of the API with an example for each call."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Scalar = str | int | float | bool | None
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Cells = Annotated[dict[Name, Scalar | list[Scalar]], Field(max_length=500)]
Moment = Annotated[str, StringConstraints(min_length=4, max_length=40)]

PERSON: dict[str, Any] = {
    "name.given": "Jon",
    "name.family": "Smithson",
    "phone": "(312) 555-0142",
    "email": "jon@example.com",
}
ROW: dict[str, Any] = {
    "first_name": "Jon",
    "last_name": "Smithson",
    "phone": "(312) 555-0142",
    "email": "jon@example.com",
}


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class MatchRequest(_Asked):
    """One record, or many; told by field for an entity type, or by the own columns of a source."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"entity": "person", "record": PERSON, "limit": 5}]}
    )

    entity: Name | None = Field(None, description="The entity type: `record` is told by its fields.")
    source: Name | None = Field(None, description="The source: `record` is told by the source's own columns.")
    record: Cells | None = None
    records: list[Cells] | None = Field(None, min_length=1, description="Instead of `record`.")
    country: Annotated[str, StringConstraints(min_length=2, max_length=2)] | None = Field(
        None, description="Two letters of ISO 3166, for phones and addresses that do not say it; with `entity` only."
    )
    limit: int = Field(5, ge=0, description="Most candidates of each answer; the server has a limit of its own.")


class PreviewRequest(_Asked):
    """A record as in a match."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"entity": "person", "record": PERSON}]})

    entity: Name | None = None
    source: Name | None = None
    record: Cells
    country: Annotated[str, StringConstraints(min_length=2, max_length=2)] | None = None


class PutRequest(_Asked):
    """A record by its source's own columns (`record`), or by fields that are put into them (`fields`)."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"record": ROW}, {"fields": PERSON}]})

    record: Cells | None = None
    fields: Cells | None = None
    entity: Name | None = Field(None, description="The entity type, with `fields` of a source that delivers several.")
    updated_at: Moment | None = Field(None, description="When the source changed it; an older version is stale.")


class ExplainRequest(_Asked):
    """Two stored records, each as source:record_id."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"left": "crm:C1", "right": "web:W9"}]})

    left: Annotated[str, StringConstraints(min_length=3, max_length=500)]
    right: Annotated[str, StringConstraints(min_length=3, max_length=500)]


class EvidenceAnswer(BaseModel):
    """What one comparison says; bits above 0 speak for one customer. left: asked about, right: stored."""

    comparison: str
    level: str
    bits: float
    left: str | None
    right: str | None


class CandidateAnswer(BaseModel):
    """An entity that may be meant, by the record of it that speaks most for it.

    The role `match` gets entity_id and grade only.
    """

    entity_id: str | None
    grade: str = Field(description="certain, probable or possible")
    weight: float | None = Field(None, description="bits")
    probability: float | None = None
    record: dict[str, str] | None = None
    golden: dict[str, str | None] | None = None
    evidence: list[EvidenceAnswer] | None = None


class MatchAnswer(BaseModel):
    """What storing the record would do, and who comes close."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "decision": "match",
                    "entity_id": "E0000001T",
                    "would_merge": [],
                    "release": "person-1f2e3d4c5b6a",
                    "issues": [],
                    "candidates": [{"entity_id": "E0000001T", "grade": "certain", "weight": 17.3}],
                    "candidate_limit": 5,
                    "compared": 3,
                }
            ]
        }
    )

    decision: str = Field(description="match, review or new")
    entity_id: str | None
    would_merge: list[str]
    release: str
    issues: list[str]
    candidates: list[CandidateAnswer]
    candidate_limit: int
    compared: int = Field(description="how many stored records were weighed")


class MatchAnswers(BaseModel):
    """An answer for each record, in order."""

    results: list[MatchAnswer]


class Moved(BaseModel):
    """An id that records went from, and the one they went to; null where there is none."""

    old: str | None
    new: str | None


class PutAnswer(BaseModel):
    """What became of the record. outcome speaks of its entity; stored: whether the record has a new version."""

    entity_id: str | None
    outcome: str = Field(
        description="created, joined, merged, moved, split, unchanged, stale, quarantined or, of a DELETE, deleted"
    )
    version: int
    stored: bool
    entities: list[Moved]
    tasks: list[str]
    issues: list[str]


class Place(BaseModel):
    """Where in the request something is wrong, and what."""

    pointer: str
    detail: str


class Problem(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: list[Place] | None = None


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route says of its refusals."""
    content = {"application/problem+json": {"schema": Problem.model_json_schema()}}
    always = {400, 401, 403, 413, 422, 503}
    return {status: {"description": "Refused", "content": content} for status in sorted(always | set(statuses))}
