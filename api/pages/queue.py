"""The queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api import forms
from api.pages.rendering import go, show
from api.security import page, principal_of, service_of
from mdm import bulk_decisions, queue, tasks
from mdm.bulk_decisions import EXAMPLES, Outcome, Reach
from mdm.desk.listing import Listing, Person, Viewer, listing, next_task
from mdm.errors import BadInput, Conflict
from mdm.forms import Answer
from mdm.queue import Cursor, Wanted
from mdm.reports import TaskLine
from mdm.sayings import DIFFERENT, REASONS, SAME
from mdm.searching import search
from mdm.store.store import moment_of
from mdm.tasks import KINDS

router = APIRouter(include_in_schema=False)

STATES = ("open", *queue.STATES)
_NARROWING = ("state", "kind", "type", "source", "low", "high", "for", "q")


@dataclass(frozen=True, slots=True)
class Filter:
    """What was filled in to narrow the queue, by name of its field; empty texts narrow nothing."""

    given: Mapping[str, str]

    def text(self, name: str) -> str:
        """What was filled in."""
        return self.given.get(name, "")

    @property
    def query(self) -> str:
        """The filter as the query of an address."""
        return urlencode({name: text for name, text in self.given.items() if text})


@dataclass(frozen=True, slots=True)
class QueuePage:
    """The tasks, the filter, and what may be chosen in it."""

    listing: Listing
    filter: Filter
    more: str
    kinds: Mapping[str, str]
    types: tuple[str, ...]
    sources: tuple[str, ...]
    states: tuple[str, ...] = STATES


@router.get("/queue", openapi_extra=page("steward"))
def get(request: Request) -> Response:
    """The tasks that are wanted, the most urgent first."""
    service, visitor = service_of(request), principal_of(request)
    chosen = filter_of(request.query_params)
    now = moment_of(service.store.now())
    with service.store.reading() as connection:
        wanted = wanted_of(chosen, connection, request)
        found = listing(connection, wanted, Viewer(visitor.role, now), service.entities, _cursor(request))
    more = "" if found.next is None else f"{chosen.query}&after={found.next[0]}.{found.next[1]}"
    sources = tuple(source.name for source in service.resolver.bench.policy.file.sources)
    return show(request, "queue.html", QueuePage(found, chosen, more, KINDS, tuple(service.entities), sources))


@router.post("/queue/next", openapi_extra=page("steward"))
def start(request: Request) -> Response:
    """On to the most urgent task that waits, which is the visitor's from now on."""
    form = forms.form_of(request)
    return go(next_address(request, form.text("queue"), form.number("after")))


@dataclass(frozen=True, slots=True)
class BulkPage:
    """All that a filter wants, to be decided alike. outcomes: what became of them, empty before. refused: why not."""

    filter: Filter
    reach: Reach
    examples: tuple[TaskLine, ...]
    outcomes: tuple[Outcome, ...] = ()
    refused: str = ""
    answers: tuple[str, ...] = (SAME, DIFFERENT)
    reasons: Mapping[str, str] = field(default_factory=lambda: REASONS)


@router.get("/queue/bulk", openapi_extra=page("steward"))
def look_at_all(request: Request) -> Response:
    """What one answer to all tasks of a filter would be about."""
    return _bulk(request, filter_of(request.query_params))


def _bulk(
    request: Request, chosen: Filter, outcomes: Sequence[Outcome] = (), refused: str = "", status: int = 200
) -> Response:
    service = service_of(request)
    now = moment_of(service.store.now())
    with service.store.reading() as connection:
        found = bulk_decisions.reach(connection, wanted_of(chosen, connection, request), now)
        examples = tuple(tasks.lines_of(connection, found.tasks[:EXAMPLES]))
    return show(request, "bulk.html", BulkPage(chosen, found, examples, tuple(outcomes), refused), status)


@router.post("/queue/bulk", openapi_extra=page("steward"))
def decide_all(request: Request) -> Response:
    """One answer to all tasks of a filter, if they are those that were looked at."""
    service, form, name = service_of(request), forms.form_of(request), principal_of(request).name
    chosen = filter_of(dict(parse_qsl(form.text("queue"))))
    answer = Answer(form.text("verdict"), form.text("reason"), form.text("comment")[:2000])
    with service.store.reading() as connection:
        wanted = wanted_of(chosen, connection, request)
    try:
        done = service.at_desk(
            lambda desk: bulk_decisions.decide_all(desk, wanted, answer, seen=form.text("seen"), actor=name)
        )
    except Conflict as refused:
        service.note_refusal(name, request.url.path, refused)
        return _bulk(request, chosen, refused=str(refused), status=409)
    return _bulk(request, chosen, done)


def filter_of(given: Mapping[str, str]) -> Filter:
    """The filter that a query holds."""
    return Filter({name: given[name].strip()[:200] for name in _NARROWING if given.get(name, "").strip()})


def wanted_of(chosen: Filter, connection: Any, request: Request) -> Wanted:
    """The tasks that a filter wants. Raises BadInput."""
    service, person = service_of(request), principal_of(request).name
    text, meant = chosen.text("q"), chosen.text("for")
    eids = None
    if text:
        eids = frozenset(search(connection, service.resolver.reception, text, 200))
    return Wanted(
        state=chosen.text("state") or "open",
        kind=chosen.text("kind") or None,
        entity_type=chosen.text("type") or None,
        source=chosen.text("source") or None,
        assignee=person if meant == "me" else None,
        claimed_by=person if meant == "claimed" else None,
        low=_bits(chosen.text("low")),
        high=_bits(chosen.text("high")),
        eids=eids,
    )


def _bits(text: str) -> float | None:
    if not text:
        return None
    try:
        return float(text.replace("−", "-").replace(",", "."))
    except ValueError:
        raise BadInput(f"{text!r} is no number of bits") from None


def _cursor(request: Request) -> Cursor | None:
    priority, dot, number = request.query_params.get("after", "").partition(".")
    fits = dot and all(part.isascii() and part.isdigit() and len(part) < 19 for part in (priority, number))
    return (int(priority), int(number)) if fits else None


def next_address(request: Request, query: str, after: int | None, **more: object) -> str:
    """Where the next task is, claimed for the visitor; the queue when none waits."""
    service, visitor = service_of(request), principal_of(request)
    chosen = filter_of(dict(parse_qsl(query)))
    lease = service.resolver.bench.policy.file.stewardship.lease
    with service.store.writing() as connection:
        now = moment_of(service.store.now())
        last = None if after is None else queue.get(connection, after)
        person = Person(visitor.name, visitor.role)
        found = next_task(connection, wanted_of(chosen, connection, request), now, person, last)
        if found is not None:
            queue.claim(connection, found.task_id, actor=visitor.name, minutes=lease)
    told = {name: value for name, value in more.items() if value is not None}
    if found is None:
        return f"/queue?{urlencode({'done': 'no-more', **dict(parse_qsl(chosen.query)), **told})}"
    extra = urlencode({**({"queue": chosen.query} if chosen.query else {}), **told})
    return f"/tasks/{found.task_id}" + (f"?{extra}" if extra else "")
