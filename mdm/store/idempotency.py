"""Answers kept for requests with an Idempotency-Key, written in the transaction that did what they asked for."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, select

from mdm.store.schema import idempotency
from mdm.store.store import moment_of, recorded_at

KEPT_HOURS = 48


class Kept(NamedTuple):
    """An answer given before. request: digest of what was asked."""

    request: str
    status: int
    body: str


def find(connection: Connection, digest: str) -> Kept | None:
    """The answer kept under the digest of a caller's key; None when there is none."""
    columns = (idempotency.c.request, idempotency.c.status, idempotency.c.body)
    row = connection.execute(select(*columns).where(idempotency.c.digest == digest)).one_or_none()
    return None if row is None else Kept._make(row)


def keep(connection: Connection, digest: str, answer: Kept) -> None:
    """Nothing; the answer is kept for two days, and older ones are gone."""
    moment = recorded_at(connection)
    oldest = datetime.fromisoformat(moment) - timedelta(hours=KEPT_HOURS)
    connection.execute(idempotency.delete().where(idempotency.c.recorded_at < moment_of(oldest)))
    connection.execute(idempotency.insert().values(digest=digest, **answer._asdict(), recorded_at=moment))
