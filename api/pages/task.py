"""One task: looked at, claimed, put off, previewed, decided, approved; and the undo of what was decided last."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from api import forms
from api.pages.differences import Pieces, marked
from api.pages.queue import next_address
from api.pages.rendering import go, show
from api.security import page, principal_of, service_of
from mdm import queue as tasks_queue
from mdm.decisions import Desk, Effect
from mdm.desk.dossier import Reader
from mdm.desk.outlook import Outlook, outlook
from mdm.desk.question import Question, question
from mdm.errors import Conflict
from mdm.forms import Answer
from mdm.resolve import Resolver
from mdm.sayings import KINDS, REASONS
from mdm.store import verdicts
from mdm.store.store import moment_of
from mdm.store.verdicts import Verdict

router = APIRouter(include_in_schema=False)

# Verdict -> the key that gives it.
KEYS: Mapping[str, str] = {
    "same": "s",
    "different": "d",
    "related": "r",
    "unsure": "u",
    "acknowledged": "s",
    "confirmed": "y",
    "pinned": "p",
}
RELATIONS = ("household", "employer", "family", "other")
LATER_HOURS = 24

ROUTE = "/tasks/{task_id}"


@dataclass(frozen=True, slots=True)
class Looked:
    """How a visitor came to a task. queue: the filter that is worked through. last: the verdict given just before."""

    queue: str = ""
    last: int | None = None
    preview: str = ""
    refused: str = ""


@dataclass(frozen=True, slots=True)
class TaskPage:
    """A task with its question. mine: whether the visitor holds it. last: the visitor's last verdict, if it holds.

    differences: field -> the first value of each side in pieces. outlook: of the verdict `looked.preview`.
    """

    task_id: int
    asked: Question
    looked: Looked
    mine: bool
    differences: Mapping[str, tuple[Pieces, Pieces]]
    outlook: Outlook | None
    last: Verdict | None
    keys: Mapping[str, str] = field(default_factory=lambda: KEYS)
    kinds: Mapping[str, str] = field(default_factory=lambda: KINDS)
    reasons: Mapping[str, str] = field(default_factory=lambda: REASONS)
    relations: tuple[str, ...] = RELATIONS


@router.get(ROUTE, openapi_extra=page("steward"))
def get(
    task_id: int,
    request: Request,
    queue: Annotated[str, Query(max_length=1000)] = "",
    preview: Annotated[str, Query(max_length=20)] = "",
    last: Annotated[int | None, Query(ge=1, le=2**62)] = None,
) -> Response:
    """The question with everything that helps to answer it."""
    return _show(request, task_id, Looked(queue, last, preview))


def _show(request: Request, task_id: int, looked: Looked, status: int = 200) -> Response:
    service, visitor = service_of(request), principal_of(request)
    now = moment_of(service.store.now())

    def look(resolver: Resolver) -> tuple[Question, Verdict | None]:
        with service.store.reading() as connection:
            task = tasks_queue.get(connection, task_id)
            asked = question(connection, task, Reader(resolver.bench, visitor.role), now)
            return asked, None if looked.last is None else _undoable(connection, looked.last, visitor.name)

    asked, last = service.deciding(look)
    told = None
    if looked.preview in asked.answers and asked.right_is_there:
        previewed = service.at_desk(
            lambda desk: desk.preview_answer(task_id, Answer(looked.preview), actor=visitor.name)
        )
        told = outlook(previewed, service.entities, visitor.role)
    mine = asked.standing == "claimed" and asked.claimed_by == visitor.name
    pieces = {
        row.field: marked(row.left[0].value, row.right[0].value)
        for row in asked.rows
        if row.agreement in ("differs", "shared") and row.left and row.right
    }
    return show(request, "task.html", TaskPage(task_id, asked, looked, mine, pieces, told, last), status)


def _undoable(connection: Connection, number: int, name: str) -> Verdict | None:
    """The verdict when the visitor gave it and it holds."""
    found = verdicts.of_numbers(connection, [number])
    return next((each for each in found if each.actor == name), None)


@router.post(f"{ROUTE}/claim", openapi_extra=page("steward"))
def claim(task_id: int, request: Request) -> Response:
    """The task is the visitor's for a while."""
    lease = service_of(request).resolver.bench.policy.file.stewardship.lease

    def act(connection: Connection, name: str) -> None:
        tasks_queue.claim(connection, task_id, actor=name, minutes=lease)

    return _changed(request, task_id, act)


@router.post(f"{ROUTE}/release", openapi_extra=page("steward"))
def let_go(task_id: int, request: Request) -> Response:
    """The task is nobody's again."""
    return _changed(request, task_id, lambda connection, name: tasks_queue.let_go(connection, task_id, actor=name))


@router.post(f"{ROUTE}/assign", openapi_extra=page("steward"))
def assign(task_id: int, request: Request) -> Response:
    """The task is meant for somebody, or for a role."""
    assignee = forms.form_of(request).text("assignee")[:100] or None

    def act(connection: Connection, name: str) -> None:
        tasks_queue.assign(connection, task_id, assignee=assignee, actor=name)

    return _changed(request, task_id, act)


@router.post(f"{ROUTE}/defer", openapi_extra=page("steward"))
def defer(task_id: int, request: Request) -> Response:
    """The task is asked again later; on to the next one."""
    service, form = service_of(request), forms.form_of(request)
    hours = min(form.number("hours") or LATER_HOURS, 24 * 365)
    until = moment_of(service.store.now() + timedelta(hours=hours))

    def act(connection: Connection, name: str) -> None:
        tasks_queue.defer(connection, task_id, until=until, actor=name, version=form.number("version"))

    return _changed(request, task_id, act, lambda: next_address(request, form.text("queue"), task_id))


def _changed(
    request: Request, task_id: int, act: Callable[[Connection, str], object], then: Callable[[], str] | None = None
) -> Response:
    """On to the next page when the change was made; the task as it is now when somebody was first."""
    service, looked = service_of(request), _looked(request)
    try:
        with service.store.writing() as connection:
            act(connection, principal_of(request).name)
    except Conflict as refused:
        return _refuse(request, task_id, refused)
    return go(_address(task_id, looked) if then is None else then())


@router.post(f"{ROUTE}/decide", openapi_extra=page("steward"))
def decide(task_id: int, request: Request) -> Response:
    """The answer, and on to the next task; a task that is not what was seen any more is shown anew."""
    form = forms.form_of(request)
    answer = Answer(
        verdict=form.text("verdict"),
        reason=form.text("reason"),
        comment=form.text("comment")[:2000],
        version=form.number("version"),
        relation=form.text("relation"),
    )
    return _decided(request, task_id, lambda desk, name: desk.decide(task_id, answer, actor=name))


@router.post(f"{ROUTE}/approve", openapi_extra=page("steward"))
def approve(task_id: int, request: Request) -> Response:
    """A second person agrees."""
    version = forms.form_of(request).number("version")
    return _decided(request, task_id, lambda desk, name: desk.approve(task_id, actor=name, version=version))


@router.post(f"{ROUTE}/reject", openapi_extra=page("steward"))
def reject(task_id: int, request: Request) -> Response:
    """A second person does not agree."""
    form = forms.form_of(request)
    version, reason = form.number("version"), form.text("comment")[:2000]
    return _decided(
        request, task_id, lambda desk, name: desk.reject(task_id, actor=name, reason=reason, version=version)
    )


def _decided(request: Request, task_id: int, act: Callable[[Desk, str], Effect]) -> Response:
    service, name = service_of(request), principal_of(request).name
    try:
        effect = service.at_desk(lambda desk: act(desk, name))
    except Conflict as refused:
        service.note_refusal(name, request.url.path, refused)
        return _refuse(request, task_id, refused)
    form = forms.form_of(request)
    return go(
        next_address(request, form.text("queue"), task_id, last=effect.verdict_id, done=f"decided-{effect.outcome}")
    )


def _refuse(request: Request, task_id: int, refused: Conflict) -> Response:
    looked = _looked(request)
    return _show(request, task_id, Looked(looked.queue, looked.last, refused=str(refused)), 409)


@router.post("/verdicts/{verdict_id}/undo", openapi_extra=page("steward"))
def undo(verdict_id: int, request: Request) -> Response:
    """The verdict is withdrawn, and everything is as it would be without it."""
    form, service = forms.form_of(request), service_of(request)
    name, reason = principal_of(request).name, form.text("reason")[:500] or "undone"
    try:
        service.at_desk(lambda desk: desk.undo(verdict_id, reason=reason, actor=name))
    except Conflict as refused:
        service.note_refusal(name, request.url.path, refused)
        raise
    then = form.text("then")
    inside = then.startswith(("/tasks/", "/entities/", "/queue", "/quarantine"))
    separator = "&" if "?" in then else "?"
    return go(f"{then}{separator}done=undone" if inside and then.isprintable() else "/queue?done=undone")


def _looked(request: Request) -> Looked:
    form = forms.form_of(request)
    return Looked(form.text("queue")[:1000], form.number("last"))


def _address(task_id: int, looked: Looked) -> str:
    told = {"queue": looked.queue, "last": looked.last}
    query = urlencode({name: value for name, value in told.items() if value})
    return f"/tasks/{task_id}" + (f"?{query}" if query else "")
