"""Speed of rules: one record by closures, a batch by DuckDB SQL, with 60 rules over every kind of check.

    python -m benchmarks.bench_rules [--records 300000] [--rules 60]

Records are invented; the batch time holds everything from the table of facts to the findings of every rule, counted per
rule. Best of three.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable
from dataclasses import replace

import duckdb
import pyarrow as pa

from rules.record_view import OF_RECORD, RecordView, quote_name
from rules.rulebook import Action, Condition, Rule, RuleBook
from rules.rulebook_load import default_rulebook

US = Condition("record.country", "in_set", {"values": ("US",)})
VIEWS = 2_000


def sixty_rules(count: int) -> RuleBook:
    """The shipped rules of persons, then others of every kind until there are so many."""
    more = [
        Rule("family.length", "name.family", "length_between", {"min": 2, "max": 40}),
        Rule("given.length", "name.given", "min_length", {"value": 2}),
        Rule("family.letters", "name.family", "not_pattern", {"pattern": "[0-9]", "match": "search"}),
        Rule("postcode.us", "address.postcode", "pattern", {"pattern": r"\d{5}(-\d{4})?", "match": "full"}, (US,)),
        Rule("region.us", "address.region", "in_set", {"values": tuple(STATES)}, (US,)),
        Rule("email.domain", "email", "pattern", {"pattern": r"@[a-z0-9.-]+$", "match": "search"}),
        Rule("email.test", "email", "not_in_set", {"values": ("test@test.com", "a@a.com", "x@x.com")}),
        Rule("phone.international", "phone", "pattern", {"pattern": r"\+\d{7,15}", "match": "full"}),
        Rule("phone.few", "phone", "max_values", {"value": 3}),
        Rule("birth.range", "birth_date", "date_between", {"min": "1905", "max": "updated_at"}, (), "error"),
        Rule("birth.planted", "birth_date", "not_in_set", {"values": ("1911-11-11",)}, action=Action("null_out")),
        Rule("contact", "phone", "any_present", {"fields": ("email", "address.street")}),
        Rule("street.with_city", "address.city", "required_with", {"field": "address.street"}),
        Rule("id.valid", "national_id", "valid", {"codes": ("id.invalid",)}, action=Action("downgrade", 50)),
        Rule("id.length", "national_id", "length_between", {"min": 6, "max": 20}, (US,)),
        Rule("name.not_mail", "name.given", "not_equals_field", {"field": "email"}),
    ]
    rules = [*default_rulebook("person").rules]
    while len(rules) < count:
        place = len(rules)
        rules.append(replace(more[place % len(more)], id=f"bench.{place}"))
    return RuleBook("person", tuple(rules[:count]))


STATES = ("CA", "IL", "NY", "TX", "WA", "OH", "FL", "GA", "PA", "MI")
GIVEN = ("Ann", "Jon", "Mary", "Thúy", "رضا", "Olga", "J")
FAMILY = ("Smith", "Nguyễn", "Poole", "محمدی", "O'Neil", "Brandt7")


def invent_view(chance: random.Random, number: int) -> RecordView:
    """A record as the pipeline shows it to rules; about one in ten values is bad."""
    family, given = chance.choice(FAMILY), chance.choice(GIVEN)
    values = {
        "name": (f"{given} {family}",),
        "name.given": (given,),
        "name.family": (family,),
        "birth_date": (f"{chance.randint(1895, 2020)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}",),
        "phone": (f"+1312555{number % 10_000:04}",),
        "email": (f"{given}.{number}@example.com".lower(),),
        "address": (f"{number} Elm St Chicago",),
        "address.street": ("Elm St",),
        "address.city": ("Chicago",),
        "address.region": (chance.choice((*STATES, "XX")),),
        "address.postcode": (f"{chance.randint(1_000, 99_999)}",),
        "national_id": (f"{number:09}",),
    }
    kept = {name: value for name, value in values.items() if chance.random() > 0.15}
    issues = {"phone": ("phone.invalid",)} if chance.random() < 0.1 else {}
    return RecordView(kept, issues, chance.choice(("US", "VN", None)), f"2024-0{1 + number % 9}-11T10:00:00", "crm")


def facts(book: RuleBook, views: list[RecordView], copies: int) -> pa.Table:
    """The records, each so many times, as the table that SQL judges."""
    lists = pa.list_(pa.string())
    columns = {
        address: pa.array([view.values.get(address, ()) for view in views], lists)
        for address in book.addresses
        if address not in OF_RECORD
    }
    columns["issues"] = pa.array([[f"{f}:{c}" for f, codes in v.issues.items() for c in codes] for v in views], lists)
    for name in OF_RECORD.values():
        columns[name] = pa.array([getattr(view, name) for view in views], pa.string())
    return pa.concat_tables([pa.table(columns)] * copies)


def best(work: Callable[[], object]) -> tuple[float, float]:
    """The least seconds of three tries, on the clock and of all cores together."""
    taken = []
    for _ in range(3):
        begun, worked = time.perf_counter(), time.process_time()
        work()
        taken.append((time.perf_counter() - begun, time.process_time() - worked))
    return min(taken)


def main() -> None:
    """Print both speeds, and that both sides found the same."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=300_000)
    parser.add_argument("--rules", type=int, default=60)
    arguments = parser.parse_args()
    book = sixty_rules(arguments.rules)
    chance = random.Random(7)
    views = [invent_view(chance, number) for number in range(VIEWS)]
    compiled = book.compile()
    copies = arguments.records // VIEWS

    one, one_cpu = best(lambda: [compiled.assess(view) for view in views])
    found = sum(len(compiled.assess(view)) for view in views) * copies

    connection = duckdb.connect()
    connection.execute("set threads = 2")
    connection.register("arriving", facts(book, views, copies))
    connection.execute("create table facts as from arriving")
    counts = ", ".join(f"sum(len({quote_name(rule.id)}))" for rule in book.applied)
    query = f"select {counts} from ({book.sql('facts')})"
    batch, batch_cpu = best(lambda: connection.execute(query).fetchall())
    by_sql = sum(connection.execute(query).fetchall()[0])
    records = copies * VIEWS
    print(f"{len(book.applied)} rules, {records:,} records, {found:,} findings by closures, {by_sql:,} by SQL")
    print(f"one record by closures: {one / VIEWS * 1e6:.1f} us, {one_cpu / VIEWS * 1e6:.1f} us of a core")
    rate = f"{records / batch:,.0f} records/s"
    print(
        f"batch by DuckDB SQL on two threads: {batch:.2f} s, {rate}, {batch_cpu / records * 1e6:.1f} us of a core each"
    )


if __name__ == "__main__":
    main()
