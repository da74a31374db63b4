"""Numbers that are given out once: each call takes the next range of a counter.

The counter's row stays locked until the transaction ends, so numbers follow the order of commits and a rolled-back
transaction gives its numbers back. Take them in the order rid, eid, change, event, task, audit: then no two writers
deadlock.
"""

from __future__ import annotations

from sqlalchemy import Connection, bindparam

from mdm.store.schema import counter

_TAKE = (
    counter.update()
    .where(counter.c.name == bindparam("wanted"))
    .values(value=counter.c.value + bindparam("amount"))
    .returning(counter.c.value)
)


def allocate(connection: Connection, name: str, count: int) -> int:
    """The first of `count` consecutive numbers that nobody else gets; numbers start at 1."""
    taken = connection.execute(_TAKE, {"wanted": name, "amount": count})
    return int(taken.scalar_one()) - count + 1


def last(connection: Connection, name: str) -> int:
    """The greatest number given out; 0 when there is none."""
    return int(connection.execute(counter.select().where(counter.c.name == name)).one().value)
