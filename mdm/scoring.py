"""Scoring: the records of the store as they are now -> measures per source and field, kept for every run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from sqlalchemy import Connection

from mdm.policy import ProjectPolicy
from mdm.store import measures
from mdm.store.measures import Measure
from rules.scorecard import count_scores, plan_scores
from rules.set_judging import SetOutcome

# A record is timely when its source wrote it within the last year before the run.
TIMELY = timedelta(days=365)
WHOLE = ""  # the field of a measure that speaks of records
RULE = "rule"  # the dimension of a measure that says whether a rule over a set held


def measure_store(
    connection: Connection, policy: ProjectPolicy, now: datetime, outcomes: Iterable[SetOutcome] = ()
) -> list[Measure]:
    """The measures of everything that is stored. outcomes: what rules over sets said in this run."""
    return [
        *_of_fields(connection, policy),
        *_of_sources(connection, policy, now),
        *(Measure(o.source, o.entity, o.rule_id, RULE, int(o.passed), 1) for o in outcomes),
    ]


def _of_fields(connection: Connection, policy: ProjectPolicy) -> Iterator[Measure]:
    """Completeness, validity and consistency of the mapped fields."""
    groups: dict[tuple[str, str], list[tuple[str, int]]] = {}
    for held in measures.holdings(connection):
        groups.setdefault((held.source, held.entity_type), []).append((held.quality, held.records))
    sources = {source.name: source for source in policy.file.sources}
    for (source, entity), held_here in sorted(groups.items()):
        if source not in sources or entity not in sources[source].fields:
            continue
        fields = dict.fromkeys(mapping.field for mapping in sources[source].fields[entity])
        plan = plan_scores(policy.entities[entity].fields, policy.rules[entity])
        counts = count_scores(held_here, fields, plan)
        for (field, dimension), count in sorted(counts.items()):
            yield Measure(source, entity, field, dimension, count.passed, count.total)


def _of_sources(connection: Connection, policy: ProjectPolicy, now: datetime) -> Iterator[Measure]:
    """Uniqueness: records that are not a second one of their entity in the source. Timeliness: of the dated records."""
    known = {source.name for source in policy.file.sources}
    since = (now - TIMELY).date().isoformat()
    for held in sorted(measures.standings(connection, since)):
        if held.source in known:
            yield Measure(held.source, held.entity_type, WHOLE, "uniqueness", held.entities, held.records)
            if held.dated:
                yield Measure(held.source, held.entity_type, WHOLE, "timeliness", held.recent, held.dated)
