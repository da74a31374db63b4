"""People who sign in: accounts made, disabled and given passwords, sessions opened and closed, each audited.

Passwords are kept as argon2id digests (RFC 9106), with the parameters of the library of today: a digest made with
weaker ones is renewed when its owner signs in.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from sqlalchemy import Connection

from mdm.errors import BadInput
from mdm.masking import ROLES
from mdm.store import Store, accounts, audit
from mdm.store.accounts import Account
from mdm.store.store import moment_of

FEWEST_SIGNS = 12  # NIST SP 800-63B-4 asks for 15 where nothing else protects an account, 8 at least
MOST_SIGNS = 1_000
SESSION_HOURS = 12
_HASHER = PasswordHasher()


def add_user(store: Store, name: str, role: str, password: str, *, actor: str) -> None:
    """Nothing; somebody may sign in by that name. Raises BadInput, or Conflict for a taken name."""
    if not name.strip() or name != name.strip() or len(name) > 100 or not name.isprintable():
        raise BadInput("a user has a name of 1 to 100 printable characters, without blanks around it")
    if role not in ROLES:
        raise BadInput(f"unknown role {role!r}; known: {', '.join(ROLES)}")
    digest = _digest(password)
    with store.writing() as connection:
        accounts.create(connection, name, role, digest)
        audit.append(connection, actor, "user.added", subject=f"user:{name}", details={"role": role})


def set_password(store: Store, name: str, password: str, *, actor: str) -> None:
    """Nothing; the user has another password and is signed in nowhere; a disabled one may sign in again."""
    digest = _digest(password)
    _change(store, name, "user.password", actor, lambda c: accounts.change(c, name, password=digest, disabled_at=None))


def disable_user(store: Store, name: str, *, actor: str) -> None:
    """Nothing; the user is signed in nowhere and cannot sign in. Raises NotFound."""
    _change(store, name, "user.disabled", actor, lambda connection: accounts.disable(connection, name))


def _change(store: Store, name: str, action: str, actor: str, change: Callable[[Connection], None]) -> None:
    with store.writing() as connection:
        change(connection)
        audit.append(connection, actor, action, subject=f"user:{name}", details={})


def _digest(password: str) -> str:
    if not FEWEST_SIGNS <= len(password) <= MOST_SIGNS:
        raise BadInput(f"a password has {FEWEST_SIGNS} to {MOST_SIGNS:,} characters; a sentence is easy to remember")
    return _HASHER.hash(password)


def sign_in(store: Store, name: str, password: str) -> str | None:
    """The secret of a new session; None when there is no such user, or the password is another."""
    with store.reading() as connection:
        digest = accounts.password_of(connection, name)
    # An unknown name takes as long as a wrong password, so nobody learns who has an account.
    if not _is_right(digest or _nobody(), password) or digest is None:
        return None
    expires = moment_of(store.now() + timedelta(hours=SESSION_HOURS))
    with store.writing() as connection:
        if accounts.password_of(connection, name) != digest:
            return None
        if _HASHER.check_needs_rehash(digest):
            accounts.change(connection, name, password=_HASHER.hash(password))
        secret = accounts.open_session(connection, name, expires)
        audit.append(connection, name, "session.opened", subject=f"user:{name}", details={"expires": expires})
    return secret


def _is_right(digest: str, password: str) -> bool:
    try:
        return _HASHER.verify(digest, password[: MOST_SIGNS + 1])
    except VerifyMismatchError:
        return False


@cache
def _nobody() -> str:
    return _HASHER.hash("nobody has this password")


def visitor(store: Store, secret: str) -> Account | None:
    """The user whose session that is; None when it ended or the account was disabled."""
    with store.reading() as connection:
        return accounts.signed_in(connection, secret, moment_of(store.now()))


def sign_out(store: Store, secret: str) -> None:
    """Nothing; the session has ended."""
    moment = moment_of(store.now())
    with store.writing() as connection:
        known = accounts.signed_in(connection, secret, moment)
        accounts.close_session(connection, secret)
        if known is not None:
            audit.append(connection, known.name, "session.closed", subject=f"user:{known.name}", details={})
