"""What stewards send and get: tasks, decisions, verdicts; with an example for each call."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.schemas import Cells, Moment, Moved, Problem, problems

RecordName = Annotated[str, StringConstraints(min_length=3, max_length=500, pattern=r"^[^:\x00-\x1f]+:[^\x00-\x1f]+$")]
Names = Annotated[list[RecordName], Field(max_length=2_000)]
Text = Annotated[str, StringConstraints(max_length=4_000)]
Code = Annotated[str, StringConstraints(max_length=200)]
Number = Annotated[int, Field(ge=1, le=2**63 - 1)]
Kind = Literal["same", "different", "related", "unsure", "confirmed", "split", "acknowledged", "pinned"]
MOMENT_GIVEN = "A moment, as 2026-01-31T12:00:00Z."


def _example(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(extra="forbid", json_schema_extra={"examples": [example]})


class _Said(BaseModel):
    reason: Code = Field("", description="A code, or a few words; `mdm.sayings.REASONS` has some.")
    comment: Text = Field("", description="Whatever else there is to say.")


class DecideRequest(_Said):
    """The answer to a task, and the version of it that the steward saw."""

    model_config = _example({"verdict": "same", "reason": "document", "version": 3})

    verdict: Kind
    version: Number | None = Field(None, description="Needed, unless If-Match has it; another version answers 409.")
    relation: Code = Field("", description="With `related`: household, employer, ...")
    groups: list[Names] | None = Field(None, description="With `split`: records of the entity, group by group.")
    supersedes: list[Number] = Field([], max_length=100, description="Verdicts that this one takes the place of.")


class VerdictRequest(_Said):
    """A verdict about two sets of records, or about groups of them."""

    model_config = _example(
        {"verdict": "different", "left": ["crm:C1"], "right": ["web:W9"], "reason": "family", "comment": "father, son"}
    )

    verdict: Literal["same", "different", "related", "confirmed", "split"]
    left: Names = []
    right: Names = []
    relation: Code = ""
    groups: list[Names] | None = None
    supersedes: list[Number] = Field([], max_length=100)


class UndoRequest(_Said):
    """Why a verdict is withdrawn."""

    model_config = _example({"reason": "typing"})


class MergeRequest(_Said):
    """Entities that are one customer."""

    model_config = _example({"entities": ["E0000001T", "E0000002C"], "reason": "document"})

    entities: list[Annotated[str, StringConstraints(min_length=1, max_length=100)]] = Field(min_length=2, max_length=50)
    supersedes: list[Number] = Field([], max_length=100)


class SplitRequest(_Said):
    """Records of the entity, group by group; of a single group all other records are the second one."""

    model_config = _example({"groups": [["crm:C1", "web:W9"]], "reason": "namesake"})

    groups: list[Names] = Field(min_length=1, max_length=50)
    supersedes: list[Number] = Field([], max_length=100)


class PinRequest(_Said):
    """A value of one field, told as in a match, that holds whatever the records say."""

    model_config = _example({"values": {"email": "jon@example.com"}, "reason": "contacted"})

    values: Cells
    expires_at: Moment | None = Field(None, description=MOMENT_GIVEN)


class ClaimRequest(BaseModel):
    """How long nobody else may act on the task; what the project says when it is left out."""

    model_config = _example({"minutes": 30})

    minutes: int | None = Field(None, ge=1, le=1440)


class DeferRequest(BaseModel):
    """Until when the task stays out of the queue."""

    model_config = _example({"until": "2030-01-31T12:00:00Z", "version": 3})

    until: Moment
    version: Number | None = None


class AssignRequest(BaseModel):
    """Whom the task is meant for: a person, or `role:steward`; null for anybody."""

    model_config = _example({"assignee": "role:steward"})

    assignee: Code | None


class SecondRequest(_Said):
    """What a second person says to a proposal, and the version of the task that he saw."""

    model_config = _example({"version": 4})

    version: Number


class SampleRequest(BaseModel):
    """How many pairs to draw from each band of weights; the same seed draws the same ones."""

    model_config = _example({"per_band": 20, "seed": "2030-01"})

    per_band: int = Field(ge=1, le=500)
    seed: Annotated[str, StringConstraints(min_length=1, max_length=100)]


class QuarantineRequest(_Said):
    """Quarantined records that take part from now on, or stay out for good."""

    model_config = _example({"records": ["crm:C4"], "reason": "evidence"})

    records: Annotated[list[RecordName], Field(min_length=1, max_length=1_000)]


class QueueQuery(BaseModel):
    """Which tasks; what is left out does not narrow. q: a text as in the search for entities."""

    model_config = ConfigDict(extra="forbid")

    state: Literal["open", "queued", "claimed", "deferred", "pending", "applied", "obsolete"] = "open"
    kind: Code | None = None
    entity: Code | None = None
    source: Code | None = None
    assignee: Code | None = None
    claimed_by: Code | None = None
    low: float | None = Field(None, allow_inf_nan=False)
    high: float | None = Field(None, allow_inf_nan=False)
    q: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    after: Annotated[str, StringConstraints(pattern=r"^-?[0-9]{1,18}\.[0-9]{1,18}$")] | None = None
    limit: int = Field(50, ge=1, le=1000)

    @property
    def cursor(self) -> tuple[int, int] | None:
        """The last task that was seen."""
        priority, _, number = (self.after or "").partition(".")
        return (int(priority), int(number)) if self.after else None


class BulkFilter(BaseModel):
    """Which open tasks; what is left out does not narrow."""

    model_config = ConfigDict(extra="forbid")

    kind: Code | None = None
    entity: Code | None = None
    source: Code | None = None
    low: float | None = Field(None, allow_inf_nan=False)
    high: float | None = Field(None, allow_inf_nan=False)


class BulkRequest(_Said):
    """One answer to all queued tasks of a pattern; `seen` is the digest of the preview, so that no other is decided."""

    model_config = _example({"filter": {"kind": "match", "low": 8}, "verdict": "same", "reason": "evidence"})

    filter: BulkFilter
    verdict: Literal["same", "different", "unsure"]
    seen: Annotated[str, StringConstraints(max_length=64)] | None = None


class TaskAnswer(BaseModel):
    """A question to a steward; `version` goes with the decision."""

    task_id: int
    kind: str
    asks: str
    entity: str
    state: str = Field(description="queued, claimed, deferred, pending, applied or obsolete")
    version: int
    entities: list[str]
    records: list[str]
    bits: float | None
    affected: int
    priority: int
    details: dict[str, Any]
    assignee: str | None
    claimed_by: str | None
    claimed_until: str | None
    deferred_until: str | None
    proposal: dict[str, Any] | None
    opened_at: str
    closed_at: str | None
    reason: str | None
    verdict_id: int | None


class TaskPage(BaseModel):
    """Tasks, the most urgent first; go on with `next` as `after`."""

    tasks: list[TaskAnswer]
    next: str | None
    counts: dict[str, int]


class EffectAnswer(BaseModel):
    """What a decision did."""

    outcome: str = Field(description="applied, pending, deferred, withdrawn or rejected")
    verdict_id: int | None
    task_id: int | None
    entities: list[Moved]
    tasks: list[int]
    risks: list[str]


class VerdictAnswer(BaseModel):
    """What somebody decided."""

    verdict_id: int
    kind: str
    left: list[str]
    right: list[str]
    reason: str
    comment: str
    actor: str
    recorded_at: str
    details: dict[str, Any]
    withdrawn_at: str | None
    withdrawn_by: str | None


class VerdictPage(BaseModel):
    """Verdicts, the newest first; go on with `next` as `before`."""

    verdicts: list[VerdictAnswer]
    next: int | None


class StaleProblem(Problem):
    """A decision about something that is not so any more, with the task as it is now."""

    task: TaskAnswer | None = None


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route of stewards says of its refusals."""
    told = problems(404, 409, 412, *statuses)
    told[409] = {"description": "Refused", "content": {"application/problem+json": {"schema": _stale_schema()}}}
    return told


def _stale_schema() -> dict[str, Any]:
    schema = Problem.model_json_schema()
    return {**schema, "properties": {**schema["properties"], "task": {"type": "object"}}}
