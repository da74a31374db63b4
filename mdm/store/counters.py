"""Numbers that are given out once: each call takes the next range of a counter.

The counter's row stays locked until the transaction ends, so numbers follow the order of commits and a rolled-back
transaction gives its numbers back. Take them in the order rid, eid, change, event, task, audit: then no two writers
deadlock.
"""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select

from mdm.store.prepared import run
from mdm.store.schema import counter

_TAKE = (
    counter.update()
    .where(counter.c.name == bindparam("wanted"))
    .values(value=counter.c.value + bindparam("amount"))
    .returning(counter.c.value)
)
_LAST = select(counter.c.value).where(counter.c.name == bindparam("wanted"))


def allocate(connection: Connection, name: str, count: int) -> int:
    """The first of `count` consecutive numbers that nobody else gets; numbers start at 1."""
    ((taken,),) = run(connection, _TAKE, {"wanted": name, "amount": count})
    return int(taken) - count + 1


def last(connection: Connection, name: str) -> int:
    """The greatest number given out; 0 when there is none."""
    ((value,),) = run(connection, _LAST, {"wanted": name})
    return int(value)
