"""The door of project.yaml: which keys and words may stand in it, as pydantic models."""

from __future__ import annotations

from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from mdm.errors import BadProject
from mdm.project_yaml import Document, KeyPath

Share = Annotated[int, Field(ge=0, le=100)]
DateOrder = Literal["auto", "mdy", "dmy", "ymd", "jalali"]
Strategy = Literal["trusted", "most_recent", "most_frequent", "longest", "first"]


def _as_default(value: Any) -> Any:
    """A bare word is short for `{default: word}`."""
    return {"default": value} if isinstance(value, str) else value


def _as_list(value: Any) -> Any:
    """A bare word is short for a list of one."""
    return [value] if isinstance(value, str) else value


def _as_share(value: Any) -> Any:
    """`10%` and `0.1` are 0.1; `10` is refused, for it may mean either."""
    text = value.strip() if isinstance(value, str) else ""
    try:
        share = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        share = 2.0
    if share == 0 or text.endswith("%") or 0 < share < 1:
        return share
    raise ValueError("needs a percentage, such as 10%")


Percent = Annotated[float, Field(ge=0, le=1), BeforeValidator(_as_share)]


class _Door(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class EntityDoor(_Door):
    """`person`, or `{column: record_type, values: {P: person}, default: person}`."""

    default: str | None = None
    column: str | None = None
    values: dict[str, str] = {}


class CountryDoor(_Door):
    """`US`, or `{column: country, default: US}`."""

    default: str | None = None
    column: str | None = None


class SurvivorshipDoor(_Door):
    """`{by: most_recent, as: unit, ageing: 5}`; ageing: points of trust lost per year of age."""

    by: Annotated[list[Strategy], BeforeValidator(_as_list), Field(min_length=1)]
    as_: Literal["unit", "parts"] = Field("parts", alias="as")
    ageing: Annotated[float, Field(ge=0, le=100)] = 0.0


class SourceDoor(_Door):
    """One block under `sources`."""

    read: str
    query: str | None = None
    table: str | None = None
    sheet: str | None = None
    encoding: str = "auto"
    separator: Annotated[str, Field(min_length=1)] | None = None
    on_duplicate: Literal["refuse", "latest"] = "refuse"
    max_rejected: Percent | None = None
    where: dict[str, str] = {}
    record_id: str
    entity: Annotated[EntityDoor, BeforeValidator(_as_default)]
    updated_at: str | None = None
    country: Annotated[CountryDoor, BeforeValidator(_as_default)] = CountryDoor()
    dates: Annotated[dict[str, DateOrder], BeforeValidator(_as_default)] = {}
    trust: Annotated[dict[str, Share], BeforeValidator(_as_default)] = {}
    duplicate_free: bool = False
    snapshot: bool = False
    renamed_from: str | None = None
    fields: dict[str, Any]


class MatchDoor(_Door):
    """Thresholds in bits; `auto` leaves them to the model."""

    review: float | Literal["auto"] = "auto"
    merge: float | Literal["auto"] = "auto"


class GuardsDoor(_Door):
    """`{deletes: 10%, drop: 50%, merges: 10%, entity_size: 150}`: how much may happen in one run."""

    deletes: Percent = 0.1
    drop: Percent = 0.5
    merges: Percent = 0.1
    entity_size: Annotated[int, Field(ge=2)] = 150


class FourEyesDoor(_Door):
    """`{records: 50, sources: [bank], confirmed: true}`: which decisions a second person has to agree to."""

    records: Annotated[int, Field(ge=2)] | None = 50
    sources: list[str] = []
    confirmed: bool = True


class StewardshipDoor(_Door):
    """`{lease: 30, unsure: 30, four_eyes: {...}}`: minutes of a claim, days until what nobody knows is asked again."""

    lease: Annotated[int, Field(ge=1, le=1440)] = 30
    unsure: Annotated[int, Field(ge=1, le=3650)] = 30
    four_eyes: FourEyesDoor = FourEyesDoor()


class ProjectDoor(_Door):
    """The whole file."""

    project: Annotated[str, Field(min_length=1)]
    store: str | None = None
    sources: Annotated[dict[str, SourceDoor], Field(min_length=1)]
    rules: str | None = None
    match: MatchDoor = MatchDoor()
    guards: GuardsDoor = GuardsDoor()
    survivorship: dict[str, SurvivorshipDoor] = {}
    stewardship: StewardshipDoor = StewardshipDoor()


def open_door(document: Document) -> ProjectDoor:
    """The checked content of project.yaml, or a refusal that names the key, its line and what is allowed there."""
    if not isinstance(document.values, dict):
        raise document.refuse((), f"needs the keys {', '.join(ProjectDoor.model_fields)}")
    try:
        return ProjectDoor.model_validate(document.values)
    except ValidationError as error:
        raise _refusal(document, error) from error


def _refusal(document: Document, error: ValidationError) -> BadProject:
    """The first problem in the order of the file; an unknown key before all, since it explains what is missing."""
    problems = error.errors(include_url=False)
    problem = min(problems, key=lambda p: (p["type"] != "extra_forbidden", p["loc"][:2] != problems[0]["loc"][:2]))
    key = _key_in_file(document, problem["loc"])
    if problem["type"] == "extra_forbidden":
        return document.refuse_word(key, str(key[-1]), "key", _keys_at(ProjectDoor, key[:-1]))
    if problem["type"] == "missing":
        return document.refuse(key, "is missing")
    if problem["type"] == "literal_error":
        words = problem["ctx"]["expected"].replace("'", "").replace(" or ", ", ").split(", ")
        return document.refuse_word(key, str(problem["input"]), "word", words)
    return document.refuse(key, f"{problem['msg'].removeprefix('Value error, ')}, not {problem['input']!r}")


def _key_in_file(document: Document, loc: KeyPath) -> KeyPath:
    """The location without the tags pydantic adds for the branches of a union."""
    depth = max(n for n in range(len(loc) + 1) if loc[:n] in document.lines or n == 0)
    rest = loc[depth:]
    is_missing_key = len(rest) == 1 and not str(rest[0]).startswith(("float", "literal", "str"))
    return loc if is_missing_key else loc[:depth]


def _keys_at(model: type[BaseModel], key: KeyPath) -> list[str]:
    """The keys allowed in the mapping at `key`."""
    if not key:
        return [field.alias or name for name, field in model.model_fields.items()]
    inner = _model_in(model.model_fields[str(key[0])].annotation)
    is_dict_of_models = str(key[0]) in {"sources", "survivorship"}
    return _keys_at(inner, key[2:] if is_dict_of_models else key[1:])


def _model_in(annotation: Any) -> type[BaseModel]:
    """The model inside `dict[str, Model]`, `Annotated[Model, ...]` or `Model`."""
    if isinstance(annotation, type) and get_origin(annotation) is None and issubclass(annotation, BaseModel):
        return annotation
    wrapped = get_origin(annotation) in {dict, Annotated, Union, UnionType}
    inner = get_args(annotation) if wrapped else ()
    return next(_model_in(part) for part in inner if part is not str)
