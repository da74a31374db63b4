"""Accounts: people who may sign in, and their sessions; only digests of secrets are stored."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from mdm.errors import Conflict, NotFound
from mdm.store import counters
from mdm.store.access import SECRET_BYTES, digest_of
from mdm.store.schema import account, session
from mdm.store.store import recorded_at

_PUBLIC = (account.c.name, account.c.role, account.c.created_at, account.c.disabled_at)
_SIGNED_IN = (
    select(*_PUBLIC, session.c.expires_at)
    .join(account, account.c.account_no == session.c.account_no)
    .where(account.c.disabled_at.is_(None))
)


@dataclass(frozen=True, slots=True)
class Account:
    """Who may sign in, without the password. disabled_at: None while the account is open."""

    name: str
    role: str
    created_at: str
    disabled_at: str | None


def create(connection: Connection, name: str, role: str, password: str) -> None:
    """Nothing; the account is there. password: its digest. Raises Conflict when the name is taken."""
    if connection.scalar(select(account.c.account_no).where(account.c.name == name)) is not None:
        raise Conflict(f"there is a user named {name!r}; choose another name, or `mdm users passwd`")
    connection.execute(
        account.insert().values(
            account_no=counters.allocate(connection, "account", 1),
            name=name,
            password=password,
            role=role,
            created_at=recorded_at(connection),
        )
    )


def change(connection: Connection, name: str, **values: Any) -> None:
    """Nothing; columns of the account have these values, and its sessions have ended. Raises NotFound."""
    number = connection.scalar(select(account.c.account_no).where(account.c.name == name))
    if number is None:
        raise NotFound(f"there is no user {name!r}; `mdm users list` shows them")
    connection.execute(account.update().where(account.c.account_no == number).values(**values))
    connection.execute(session.delete().where(session.c.account_no == number))


def disable(connection: Connection, name: str) -> None:
    """Nothing; nobody signs in as this user. Raises NotFound."""
    change(connection, name, disabled_at=recorded_at(connection))


def password_of(connection: Connection, name: str) -> str | None:
    """The digest of an open account's password; None when there is no such account."""
    return connection.scalar(select(account.c.password).where(account.c.name == name, account.c.disabled_at.is_(None)))


def all(connection: Connection) -> list[Account]:
    """Every account there ever was, by name."""
    rows = connection.execute(select(*_PUBLIC).order_by(account.c.name))
    return [Account(*row) for row in rows]


def are_there(connection: Connection) -> bool:
    """Whether there ever was an account."""
    return connection.scalar(select(account.c.account_no).limit(1)) is not None


def open_session(connection: Connection, name: str, expires_at: str) -> str:
    """The secret of a new session: told once, stored nowhere. Sessions that expired are forgotten."""
    secret = secrets.token_urlsafe(SECRET_BYTES)
    moment = recorded_at(connection)
    connection.execute(session.delete().where(session.c.expires_at <= moment))
    number = connection.scalar(select(account.c.account_no).where(account.c.name == name))
    values = {"account_no": number, "created_at": moment, "expires_at": expires_at}
    connection.execute(session.insert().values(digest=digest_of(secret), **values))
    return secret


def signed_in(connection: Connection, secret: str, moment: str) -> Account | None:
    """The open account whose session that is; None when it ended. moment: as in recorded_at."""
    row = connection.execute(_SIGNED_IN.where(session.c.digest == digest_of(secret))).one_or_none()
    if row is None or moment >= row.expires_at:
        return None
    return Account(row.name, row.role, row.created_at, row.disabled_at)


def close_session(connection: Connection, secret: str) -> None:
    """Nothing; the session has ended."""
    connection.execute(session.delete().where(session.c.digest == digest_of(secret)))
